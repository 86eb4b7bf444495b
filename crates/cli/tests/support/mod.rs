//! A small real HTTP/1.1 server that plays the runtime, and a way to run the built client against it.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by several test programs")]
#![allow(clippy::unwrap_used, reason = "a test that can not go on may fail here")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

pub const SHELF: &str = include_str!("../fixtures/shelf.json");

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which connection it came on.
    pub connection: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?')?.1;
        let url = url::Url::parse(&format!("http://h/?{query}")).unwrap();
        url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Bytes that are announced and never come.
    pub missing: usize,
}

impl Answer {
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

fn answer(status: u16, content_type: &'static str, body: &str) -> Answer {
    Answer { status, content_type, headers: Vec::new(), body: body.as_bytes().to_vec(), missing: 0 }
}

pub fn json(status: u16, body: &str) -> Answer {
    answer(status, "application/json", body)
}
pub fn text(status: u16, body: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", body)
}
/// JSON lines.
pub fn lines(body: &str) -> Answer {
    answer(200, "application/x-ndjson", body)
}

pub struct Stub {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Ok(stream) = stream else { return };
                    let _ = serve(stream, connection, &log, &*answer);
                });
            }
        });
        Self { url, requests }
    }

    /// Plays a runtime with the shelf catalog that answers calls with `execute`.
    pub fn shelf(execute: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(move |request| match request.path() {
            "/v1/catalog/effective" => json(200, SHELF),
            "/v1/tools/execute" => execute(request),
            _ => text(404, "not_found"),
        })
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn executed(&self) -> Vec<serde_json::Value> {
        let is_call = |request: &Request| request.path() == "/v1/tools/execute";
        self.requests().iter().filter(|request| is_call(request)).map(Request::json).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Answer,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut parts = line.split_whitespace();
        let (method, target) = (parts.next().unwrap_or("").to_owned(), parts.next().unwrap_or("").to_owned());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length =
            headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let request = Request { method, target, headers, body, connection };
        log.lock().unwrap().push(request.clone());
        let answer = answer(&request);
        let id = request.header("x-request-id").unwrap_or("none").to_owned();
        let mut out = format!(
            "HTTP/1.1 {} X\r\ncontent-type: {}\r\nx-request-id: {id}\r\ncontent-length: {}\r\n",
            answer.status,
            answer.content_type,
            answer.body.len() + answer.missing
        )
        .into_bytes();
        for (name, value) in &answer.headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&answer.body);
        stream.write_all(&out)?;
        if answer.missing > 0 {
            return Ok(());
        }
    }
}

/// The built client in an empty environment.
pub struct Client {
    pub folder: tempfile::TempDir,
    pub variables: Vec<(String, String)>,
}

impl Default for Client {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
    pub raw: Vec<u8>,
}

impl Client {
    pub fn of(stub: &Stub) -> Self {
        Self::default().variable("OPEN_CLI_RUNTIME_URL", &stub.url)
    }

    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_open-cli"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .envs(self.variables.iter().map(|(n, v)| (n.as_str(), v.as_str())))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// `open-cli` with words split at spaces.
    pub fn line(&self, line: &str) -> Ran {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }

    pub fn with_stdin(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Replaces what differs from run to run.
    pub fn stable(&self, text: &str, stub: &Stub) -> String {
        let mut text = text.replace(&stub.url, "http://runtime").replace(&*shown(self.folder.path()), "/here");
        for request in stub.requests() {
            if let Some(id) = request.header("x-request-id") {
                text = text.replace(id, "REQUEST");
            }
            if let Some(trace) = request.header("traceparent").and_then(|header| header.get(3..35)) {
                text = text.replace(trace, "TRACE");
            }
        }
        text
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            raw: output.stdout,
        }
    }
}
