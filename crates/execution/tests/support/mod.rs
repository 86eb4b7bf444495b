//! Real upstreams for the tests: TCP listeners that answer with raw bytes, and calls to send to them.

// Each test binary uses another part of this.
#![allow(dead_code, unreachable_pub)]

use bytes::Bytes;
use open_cli_contract::catalog::{Parameter, RequestBody, Safety, Tool};
use open_cli_contract::ids::RequestId;
use open_cli_credentials::Credentials;
use open_cli_execution::{Call, ExecutionError, Limits, Reach, Route, ToolResult, Upstream};
use open_cli_observe::{Recorder, Trace};
use open_cli_request::{Arguments, FilledRequest, RequestTemplate};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the upstream answers one request.
pub enum Reply {
    /// These bytes; the connection stays open.
    Send(Vec<u8>),
    /// These bytes, then the end.
    Close(Vec<u8>),
    /// These bytes, then a TCP reset.
    Reset(Vec<u8>),
    /// Nothing, for ever.
    Hang,
    /// These bytes, then zeros until the peer goes away or 50 MB are written.
    Flood(Vec<u8>),
}

/// An answer with a body.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Reply::Send(bytes)
}

pub fn ok() -> Reply {
    answer("200 OK", "content-type: application/json\r\n", b"{}")
}

/// What the upstream saw.
pub struct Server {
    pub port: u16,
    pub connections: AtomicUsize,
    pub gone: AtomicUsize,
    pub flooded: AtomicU64,
    requests: Mutex<Vec<String>>,
}

impl Server {
    /// Answers each request by its number (from 0) and its text.
    pub async fn start(handler: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let server = Arc::new(Self {
            port: listener.local_addr().expect("address").port(),
            connections: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
            flooded: AtomicU64::new(0),
            requests: Mutex::default(),
        });
        let handler = Arc::new(handler);
        let shared = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (server, handler) = (Arc::clone(&shared), Arc::clone(&handler));
                tokio::spawn(async move {
                    server.serve(stream, &*handler).await;
                    server.gone.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    async fn serve(&self, mut stream: TcpStream, handler: &(dyn Fn(usize, &str) -> Reply + Send + Sync)) {
        while let Some(request) = read_request(&mut stream).await {
            let number = {
                let mut requests = self.requests.lock().expect("lock");
                requests.push(request.clone());
                requests.len() - 1
            };
            match handler(number, &request) {
                Reply::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Reply::Close(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    return;
                }
                Reply::Reset(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    stream.set_zero_linger().expect("linger");
                    return;
                }
                Reply::Hang => {
                    // Ends when the peer does.
                    let _ = stream.read(&mut [0_u8; 16]).await;
                    return;
                }
                Reply::Flood(head) => {
                    let _ = stream.write_all(&head).await;
                    let chunk = [b"10000\r\n".as_slice(), &[b'0'; 0x10000], b"\r\n"].concat();
                    while self.flooded.load(Ordering::SeqCst) < 50_000_000 {
                        if stream.write_all(&chunk).await.is_err() {
                            return;
                        }
                        self.flooded.fetch_add(chunk.len() as u64, Ordering::SeqCst);
                    }
                    return;
                }
            }
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("lock").clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = header(&text, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Value of a header in the text of a request.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request
        .lines()
        .take_while(|line| !line.is_empty())
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// First line of a request.
pub fn first_line(request: &str) -> &str {
    request.lines().next().unwrap_or_default()
}

pub fn tool(server: &str, method: &str, path: &str) -> Tool {
    let flag = |location: &str, name: &str| Parameter {
        name: name.to_ascii_lowercase(),
        original_name: name.into(),
        location: location.into(),
        required: false,
    };
    Tool {
        id: "depot:op".into(),
        service_id: "depot".into(),
        operation_id: "op".into(),
        method: method.into(),
        path: path.into(),
        group: "bins".into(),
        command: "op".into(),
        aliases: vec![],
        summary: String::new(),
        description: String::new(),
        hidden: false,
        path_params: vec![],
        flags: vec![flag("query", "q"), flag("header", "X-Tenant"), flag("cookie", "sid")],
        request_body: Some(RequestBody { required: false, content_types: vec![] }),
        auth_alternatives: vec![],
        auth: vec![],
        safety: Safety { destructive: false, read_only: true, requires_approval: false, idempotent: true },
        output: None,
        pagination: None,
        retry: None,
        guidance: None,
        quarantine: String::new(),
        servers: vec![server.into()],
        backend: None,
        details: None,
    }
}

pub fn filled(tool: &Tool, flags: &[(&str, &str)], body: &'static str) -> FilledRequest {
    let flags: BTreeMap<String, String> = flags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let body = (!body.is_empty()).then(|| Bytes::from_static(body.as_bytes()));
    RequestTemplate::compile(tool)
        .fill(&Arguments { flags: &flags, body, ..Arguments::default() })
        .expect("filled")
}

/// A client with short times, and what it told its observer.
pub struct Bench {
    pub upstream: Upstream,
    pub route: Route,
    pub is_elsewhere: bool,
    pub recorder: Arc<Recorder>,
    pub trace: Trace,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Limits)) -> Self {
        Self::reaching(false, Reach::public_and(["loopback"]), change)
    }

    /// Targets, or only redirects, are not the operator's.
    pub fn reaching(is_elsewhere: bool, elsewhere: Reach, change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits {
            connect_timeout: Duration::from_secs(2),
            total_timeout: Duration::from_secs(5),
            ..Limits::default()
        };
        change(&mut limits);
        let recorder = Arc::new(Recorder::default());
        let trace = Trace::of_request(
            recorder.clone(),
            RequestId::parse("r-1").expect("valid"),
            None,
            open_cli_observe::Sampler::ALL,
        );
        let route = Route::new(limits.clone(), elsewhere);
        Self { upstream: Upstream::new(limits), route, is_elsewhere, recorder, trace }
    }

    pub async fn call(
        &self,
        request: FilledRequest,
        credentials: &Credentials,
        idempotent: bool,
    ) -> Result<ToolResult, ExecutionError> {
        let call = Call {
            request,
            credentials,
            may_repeat: idempotent,
            is_elsewhere: self.is_elsewhere,
            path_template: "/x",
        };
        self.upstream.execute(&self.route, call, &self.trace).await
    }

    /// `GET /x` without credentials.
    pub async fn get(&self, server: &str) -> Result<ToolResult, ExecutionError> {
        self.call(filled(&tool(server, "GET", "/x"), &[], ""), &Credentials::none(), true).await
    }
}
