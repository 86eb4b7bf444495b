//! A collector that does as it is told: keeps every request, and answers what the test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// Value of a header; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A status, headers (each line with its end), a body.
    Answer(u16, &'static str, Vec<u8>),
    /// Nothing, ever.
    Silence,
    /// The connection is closed.
    Hangup,
}

/// The server.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    /// The last is kept.
    replies: Vec<Reply>,
    connections: Vec<TcpStream>,
    is_closed: bool,
}

impl Sink {
    /// Answers in this order; the last of these answers for good.
    pub(crate) fn start(replies: &[Reply]) -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"), replies)
    }

    /// Answers 200 to everything.
    pub(crate) fn willing() -> Self {
        Self::start(&[Reply::Answer(200, "content-type: application/x-protobuf\r\n", vec![])])
    }

    /// At this address.
    pub(crate) fn at(address: SocketAddr, replies: &[Reply]) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        shared.state.lock().expect("state").replies = replies.to_vec();
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut state = of_thread.state.lock().expect("state");
                if state.is_closed {
                    return;
                }
                state.connections.push(stream.try_clone().expect("a clone"));
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, once there are that many.
    pub(crate) fn requests(&self, count: usize) -> Vec<Received> {
        let end = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock().expect("state");
        while state.received.len() < count {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {} requests of {count}", state.received.len());
            state = self.shared.changed.wait_timeout(state, left).expect("state").0;
        }
        state.received.clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.state.lock().expect("state").connections.len()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().expect("state");
        state.is_closed = true;
        for connection in &state.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        // Wakes the listener, so that its port is free again.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
    while let Some(received) = read(&mut reader) {
        let mut state = shared.state.lock().expect("state");
        state.received.push(received);
        let reply = if state.replies.len() > 1 { state.replies.remove(0) } else { state.replies[0].clone() };
        drop(state);
        shared.changed.notify_all();
        match reply {
            Reply::Answer(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
                let answer = [head.as_bytes(), &body].concat();
                if (&stream).write_all(&answer).is_err() {
                    return;
                }
            }
            Reply::Silence => {}
            Reply::Hangup => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Reads one request; `None` at the end, and when it is none.
pub(crate) fn read(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut received = Received { path, headers, body: Vec::new() };
    received.body = vec![0; received.header("content-length").parse().ok()?];
    reader.read_exact(&mut received.body).ok()?;
    Some(received)
}
