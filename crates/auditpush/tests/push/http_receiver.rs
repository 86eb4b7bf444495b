//! A webhook that behaves as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What is done with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// It is taken.
    Take,
    /// This status, and a header.
    Refuse(u16, &'static str),
    /// It is taken, and no answer comes.
    Hang,
    /// It is taken, and the connection is closed without an answer.
    Close,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    /// The receiver has it.
    pub(crate) is_taken: bool,
    /// The sender was told.
    pub(crate) is_answered: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        let text = String::from_utf8(self.body.clone()).expect("text");
        let number = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["seq"].as_u64();
        text.lines().filter_map(number).collect()
    }
}

/// Refuses some bodies for good.
type Rule = fn(&[u8]) -> Option<Answer>;

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Request>>,
    connections: Mutex<Vec<TcpStream>>,
    rule: Mutex<Option<Rule>>,
    is_dead: AtomicBool,
}

/// The receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::listening("127.0.0.1:0".parse().expect("an address"), Arc::default())
    }

    fn listening(address: SocketAddr, shared: Arc<Shared>) -> Self {
        shared.is_dead.store(false, Ordering::SeqCst);
        let mut listener = TcpListener::bind(address);
        super::support::wait_until("the port is free", || {
            if listener.is_err() {
                listener = TcpListener::bind(address);
            }
            listener.is_ok()
        });
        let listener = listener.expect("bound");
        let address = listener.local_addr().expect("an address");
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if of_thread.is_dead.load(Ordering::SeqCst) {
                    return;
                }
                of_thread.connections.lock().expect("connections").push(stream.try_clone().expect("cloned"));
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || while answer(&stream, &shared).is_some() {});
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self, rest: &str) -> String {
        format!("http://{}{rest}", self.address)
    }

    /// What is done with the next requests; what follows is taken.
    pub(crate) fn will(&self, answers: &[Answer]) {
        self.shared.script.lock().expect("script").extend(answers);
    }

    /// For all requests, before the script.
    pub(crate) fn rule(&self, rule: Rule) {
        *self.shared.rule.lock().expect("rule") = Some(rule);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("requests").clone()
    }

    /// Numbers of the records that the receiver has, in the order in which they came.
    pub(crate) fn seen(&self) -> Vec<u64> {
        self.requests().iter().filter(|request| request.is_taken).flat_map(Request::numbers).collect()
    }

    /// Cuts all connections and listens no more.
    pub(crate) fn kill(&self) {
        self.shared.is_dead.store(true, Ordering::SeqCst);
        // The one that wakes the listener.
        drop(TcpStream::connect(self.address));
        for stream in self.shared.connections.lock().expect("connections").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn restart(self) -> Self {
        Self::listening(self.address, Arc::clone(&self.shared))
    }
}

fn answer(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").expect("a length").1.parse();
    let mut body = vec![0; length.expect("a number")];
    reader.read_exact(&mut body).ok()?;
    if shared.is_dead.load(Ordering::SeqCst) {
        return None;
    }
    let ruled = (*shared.rule.lock().expect("rule")).and_then(|rule| rule(&body));
    let behaviour = ruled.or_else(|| shared.script.lock().expect("script").pop_front()).unwrap_or(Answer::Take);
    let is_taken = !matches!(behaviour, Answer::Refuse(..));
    let is_answered = matches!(behaviour, Answer::Take | Answer::Refuse(..));
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let request = Request { at: Instant::now(), headers, path, body, is_taken, is_answered };
    shared.requests.lock().expect("requests").push(request);
    match behaviour {
        Answer::Take => (&mut &*stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok(),
        Answer::Refuse(status, header) => {
            let text = format!("HTTP/1.1 {status} No\r\n{header}Content-Length: 3\r\n\r\nno\n");
            (&mut &*stream).write_all(text.as_bytes()).ok()
        }
        Answer::Hang => {
            super::support::pause(Duration::from_secs(2));
            None
        }
        Answer::Close => {
            let _ = stream.shutdown(Shutdown::Both);
            None
        }
    }
}
