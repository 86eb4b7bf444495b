//! Sockets: accepts connections, a thread each, and logs every answer. Not for: what is answered.

use crate::http::{ReadError, Request, Response, read_request};
use crate::orders::Shop;
use crate::problem::problem;
use crate::routes::{App, Reply, answer};
use jiff::Timestamp;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections served at once; the next is closed unheard.
const MAX_CONNECTIONS: usize = 512;
/// How long a client may be silent, between requests or inside one, or not read.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of an unread request that are swallowed before its connection is closed.
const MAX_SWALLOWED: u64 = 4 * 1024 * 1024;
/// Longest header value repeated in the log.
const MAX_LOGGED: usize = 200;

/// A bound server.
pub(crate) struct Server {
    listener: TcpListener,
    url: String,
    app: Arc<App>,
}

impl Server {
    /// Binds; connections wait until [`Server::serve`].
    pub(crate) fn bind(addr: &str, api_key: Option<String>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Server { listener, url, app: Arc::new(App { shop: Shop::with_samples(), api_key }) })
    }

    /// Base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Serves until the process ends.
    pub(crate) fn serve(self) -> ExitCode {
        let open = Arc::new(AtomicUsize::new(0));
        for stream in self.listener.incoming() {
            let Ok(stream) = stream else { continue };
            let slot = Slot::take(&open);
            if slot.is_none() {
                continue;
            }
            let app = Arc::clone(&self.app);
            let thread = std::thread::Builder::new().name("connection".into()).spawn(move || {
                let _slot = slot;
                // What breaks here is the client's connection; there is nobody to tell.
                let _ = converse(&app, &stream);
            });
            if let Err(error) = thread {
                log(&format!("event=no_thread error={error}"));
            }
        }
        ExitCode::FAILURE
    }
}

/// One of the [`MAX_CONNECTIONS`].
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let slot = Slot(Arc::clone(open));
        (open.fetch_add(1, Ordering::Relaxed) < MAX_CONNECTIONS).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Request, answer, request, answer, until one side is done.
fn converse(app: &App, stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let request = match read_request(&mut reader, &mut writer) {
            Ok(request) => request,
            Err(ReadError::Closed | ReadError::Io) => return Ok(()),
            Err(ReadError::Refused(status, detail)) => {
                log(&format!("event=refused status={status} detail={detail:?}"));
                problem(status, "Malformed request", detail).write(&mut writer, false, true)?;
                // A client that is still sending must get to read the answer; closing now would reset it away.
                stream.shutdown(Shutdown::Write)?;
                io::copy(&mut reader.take(MAX_SWALLOWED), &mut io::sink())?;
                return Ok(());
            }
        };
        let started = Instant::now();
        let reply = answer(app, &request);
        let Reply::Response(mut response) = reply else {
            log_answer(&request, 0, started);
            return Ok(());
        };
        if let Some(id) = request.header("x-request-id") {
            response.headers.push(("X-Request-ID", id.into()));
        }
        log_answer(&request, response.status, started);
        let truncated = matches!(response, Response { body: crate::http::Body::Truncated(_), .. });
        response.write(&mut writer, request.method == "HEAD", !request.keep_alive)?;
        if truncated || !request.keep_alive {
            return Ok(());
        }
    }
}

fn log_answer(request: &Request, status: u16, started: Instant) {
    let mut line = format!(
        "method={} path={} status={status} us={}",
        word(&request.method),
        word(&request.path),
        started.elapsed().as_micros()
    );
    for (key, name) in [("request_id", "x-request-id"), ("traceparent", "traceparent")] {
        if let Some(value) = request.header(name) {
            line.push_str(&format!(" {key}={}", word(value)));
        }
    }
    log(&line);
}

/// A value that can't end the line or pass for another field.
fn word(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_graphic() && c != '"' { c } else { '?' };
    text.chars().take(MAX_LOGGED).map(safe).collect()
}

fn log(line: &str) {
    // One write, so that lines of two threads don't mix.
    let _ = io::stderr().write_all(format!("time={:.3} {line}\n", Timestamp::now()).as_bytes());
}
