//! An origin on a real socket that answers as a test says, and what was found as text.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of it")]

use open_cli_discovery::{Discovered, Discovery, Limits};
use open_cli_documents::{Documents, DocumentsConfig, FetchPolicy};
use open_cli_observe::{Nop, Trace};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Once};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

pub const LINKSET: &str = "Content-Type: application/linkset+json";
pub const HTML: &str = "Content-Type: text/html; charset=utf-8";
pub const DESCRIPTION: &str = "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"paths\":{}}";

/// What a path answers.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    lines: Vec<String>,
    body: String,
    /// Not to `HEAD`: that is 405.
    is_get_only: bool,
    is_hanging: bool,
}

impl Answer {
    pub fn get_only(mut self) -> Self {
        self.is_get_only = true;
        self
    }
}

pub fn ok(lines: &[&str], body: impl Into<String>) -> Answer {
    status(200, lines, body)
}

pub fn status(status: u16, lines: &[&str], body: impl Into<String>) -> Answer {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    Answer { status, lines, body: body.into(), is_get_only: false, is_hanging: false }
}

pub fn linkset(body: impl Into<String>) -> Answer {
    ok(&[LINKSET], body)
}

pub fn hang() -> Answer {
    Answer { is_hanging: true, ..status(200, &[], "") }
}

/// Answers by path; others are 404. `{base}` in lines and bodies is the origin itself.
pub struct Origin {
    base: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Origin {
    pub async fn start(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Self {
        Self::with(answers.into_iter().map(|(path, answer)| (path.to_owned(), answer)).collect()).await
    }

    pub async fn with(answers: HashMap<String, Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let base = format!("http://{}", listener.local_addr().expect("address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answers, seen_there, base_there) = (Arc::new(answers), Arc::clone(&seen), base.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, seen, base) = (Arc::clone(&answers), Arc::clone(&seen_there), base_there.clone());
                tokio::spawn(async move { serve(stream, &answers, &seen, &base).await });
            }
        });
        Self { base, seen, task }
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.base)).expect("URL")
    }

    /// `METHOD path accept`, in the order of arrival.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("not poisoned").clone()
    }

    pub fn count(&self) -> usize {
        self.requests().len()
    }

    /// Without the address of this run.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.base, "")
    }

    /// `base -> descriptions`, one service a line.
    pub fn services(&self, found: &Discovered) -> Vec<String> {
        let show = |service: &open_cli_discovery::DiscoveredService| {
            let descriptions: Vec<String> =
                service.service_desc.iter().map(|link| link.href.to_string()).collect();
            self.plain(&format!("{} -> {}", service.base, descriptions.join(" ")))
        };
        found.services.iter().map(show).collect()
    }

    /// `severity code place`, one diagnostic a line.
    pub fn codes(&self, found: &Discovered) -> Vec<String> {
        let show = |d: &open_cli_contract::catalog::Diagnostic| {
            self.plain(&format!("{:?} {} {}", d.severity, d.code, d.pointer)).trim_end().to_lowercase()
        };
        found.diagnostics.iter().map(show).collect()
    }

    /// `METHOD url: detail`, one step a line.
    pub fn steps(&self, found: &Discovered) -> Vec<String> {
        found.steps.iter().map(|step| self.plain(&step.to_string())).collect()
    }
}

async fn serve(mut stream: TcpStream, answers: &HashMap<String, Answer>, seen: &Mutex<Vec<String>>, base: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).expect("UTF-8");
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let accept = head.lines().find_map(|line| line.strip_prefix("accept: ")).unwrap_or_default();
    seen.lock().expect("not poisoned").push(format!("{method} {path} {accept}"));
    let missing = status(404, &[HTML], "<!doctype html><p>not found");
    let answer = answers.get(path).unwrap_or(&missing);
    if answer.is_hanging {
        std::future::pending::<()>().await;
    }
    let is_head = method == "HEAD";
    let refused = status(405, &["Allow: GET"], "");
    let answer = if is_head && answer.is_get_only { &refused } else { answer };
    let body = answer.body.replace("{base}", base);
    let mut text = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", answer.status);
    for line in &answer.lines {
        text += &format!("{}\r\n", line.replace("{base}", base));
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    if !is_head {
        text += &body;
    }
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

pub fn discovery(limits: Limits) -> Discovery {
    Discovery::new(documents(None), limits)
}

pub fn documents(cache_dir: Option<&Path>) -> Documents {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    });
    Documents::new(DocumentsConfig {
        cache_dir: cache_dir.map(Path::to_owned),
        use_system_proxy: false,
        ..DocumentsConfig::default()
    })
}

pub fn quiet() -> Trace {
    Trace::detached(Arc::new(Nop))
}

pub async fn catalog(origin: &Origin, path: &str) -> Discovered {
    catalog_within(origin, path, Limits::default()).await
}

pub async fn catalog_within(origin: &Origin, path: &str, limits: Limits) -> Discovered {
    discovery(limits).api_catalog(&origin.url(path), &FetchPolicy::default(), &quiet()).await
}

pub async fn root(origin: &Origin, path: &str) -> Discovered {
    discovery(Limits::default()).service_root(&origin.url(path), &FetchPolicy::default(), &quiet()).await
}
