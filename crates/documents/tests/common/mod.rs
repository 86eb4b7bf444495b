//! An origin on a real socket that answers as a test says, and helpers around it.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of it")]

use open_cli_documents::{Documents, DocumentsConfig, FetchPolicy, FetchRequest, Fetched, Location};
use open_cli_observe::{Nop, Recorder, Trace};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What the origin does.
#[derive(Clone)]
pub enum Answer {
    /// Status, header lines, body; the length is announced.
    Http(u16, Vec<String>, Vec<u8>),
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// No answer.
    Hang,
}

/// 200 with header lines.
pub fn ok(lines: &[&str], body: &str) -> Answer {
    status(200, lines, body)
}

pub fn status(status: u16, lines: &[&str], body: &str) -> Answer {
    Answer::Http(status, lines.iter().map(|line| (*line).to_owned()).collect(), body.as_bytes().to_vec())
}

/// The connection ends without an answer.
pub fn down() -> Answer {
    Answer::Raw(Vec::new())
}

type Handler = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

pub struct Origin {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    handler: Arc<Mutex<Handler>>,
    task: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Origin {
    pub async fn start(handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let base = format!("http://{}", listener.local_addr().expect("address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Mutex<Handler>> = Arc::new(Mutex::new(Arc::new(handler)));
        let (seen_there, handler_there) = (Arc::clone(&seen), Arc::clone(&handler));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen_there), Arc::clone(&handler_there)));
            }
        });
        Self { base, seen, handler, task }
    }

    /// From now on it answers so.
    pub fn now(&self, handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.handler.lock().expect("not poisoned") = Arc::new(handler);
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.base)).expect("URL")
    }

    pub fn location(&self, path: &str) -> Location {
        Location::Url(self.url(path))
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    pub fn count(&self) -> usize {
        self.requests().len()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, handler: Arc<Mutex<Handler>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).expect("UTF-8");
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let request = Seen {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        headers: lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
    };
    let is_head = request.method == "HEAD";
    seen.lock().expect("not poisoned").push(request.clone());
    let handler = Arc::clone(&handler.lock().expect("not poisoned"));
    let bytes = match handler(&request) {
        Answer::Http(status, lines, body) => {
            let mut bytes = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n").into_bytes();
            for line in lines {
                bytes.extend_from_slice(format!("{line}\r\n").as_bytes());
            }
            if status != 304 && status != 204 {
                bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
            }
            bytes.extend_from_slice(b"\r\n");
            if !is_head {
                bytes.extend_from_slice(&body);
            }
            bytes
        }
        Answer::Raw(bytes) => bytes,
        Answer::Hang => std::future::pending().await,
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

/// Documents with a cache in this folder, without proxies.
pub fn documents(cache_dir: &Path) -> Documents {
    with(cache_dir, |_| {})
}

pub fn with(cache_dir: &Path, change: impl FnOnce(&mut DocumentsConfig)) -> Documents {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    });
    let mut config = DocumentsConfig {
        cache_dir: Some(cache_dir.join("http")),
        use_system_proxy: false,
        ..DocumentsConfig::default()
    };
    change(&mut config);
    Documents::new(config)
}

pub fn quiet() -> Trace {
    Trace::detached(Arc::new(Nop))
}

pub fn recorded() -> (Arc<Recorder>, Trace) {
    let recorder = Arc::new(Recorder::default());
    (recorder.clone(), Trace::detached(recorder))
}

/// The outcome word, or the error.
pub async fn outcome(documents: &Documents, url: &Url, policy: FetchPolicy) -> String {
    match get(documents, url, policy).await {
        Ok(fetched) => fetched.record.cache_outcome.expect("always set").as_str().to_owned(),
        Err(error) => error.to_string(),
    }
}

pub async fn get(
    documents: &Documents,
    url: &Url,
    policy: FetchPolicy,
) -> Result<Fetched, open_cli_documents::DocumentError> {
    documents.fetch(&FetchRequest::get(url.clone()), &policy, &quiet()).await
}

/// Metadata and body file of a key.
pub fn files_of(cache_dir: &Path, key: &str) -> (PathBuf, PathBuf) {
    let stem: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = |extension: &str| cache_dir.join("http").join(format!("{stem}.{extension}"));
    (file("json"), file("body"))
}

/// Changes a metadata file as another program, or time, might.
pub fn edit(cache_dir: &Path, key: &str, change: impl FnOnce(&mut Value)) {
    let (path, _) = files_of(cache_dir, key);
    let mut metadata = serde_json::from_slice(&std::fs::read(&path).expect("metadata")).expect("JSON");
    change(&mut metadata);
    write(&path, metadata.to_string().as_bytes());
}

pub fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    open_cli_files::replace(path, content, open_cli_files::Durability::Unsynced).expect("written");
}

/// `count` hours before now, as the metadata has it.
pub fn hours_ago(count: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(count)).to_string()
}
