//! A folder with a configuration, a site on a real socket, and what a build of them gives.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of it")]

use open_cli_catalog::{Builder, PreparedTool, Snapshot};
use open_cli_config::{Locations, ScopeSet};
use open_cli_documents::{Documents, DocumentsConfig};
use open_cli_observe::{Recorder, Trace};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use tempfile::TempDir;

/// Two operations: `listThings`, `deleteThing`.
pub const THINGS: &str = r#"
openapi: 3.1.0
info: {title: Things, version: "1"}
servers: [{url: "https://things.example/api"}]
paths:
  /things:
    get: {operationId: listThings, tags: [things], summary: List, responses: {}}
  /things/{id}:
    delete:
      operationId: deleteThing
      tags: [things]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {}
"#;

/// A folder with a configuration.
pub struct Desk {
    pub dir: TempDir,
    pub recorder: Arc<Recorder>,
    documents: Arc<Documents>,
}

impl Desk {
    pub fn new() -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        });
        let dir = tempfile::tempdir().expect("temporary folder");
        let cache_dir = Some(dir.path().join("cache"));
        let documents =
            Documents::new(DocumentsConfig { cache_dir, use_system_proxy: false, ..DocumentsConfig::default() });
        Self { dir, recorder: Arc::default(), documents: Arc::new(documents) }
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        // As editors do it: another file in its place.
        let temporary = path.with_extension("new");
        std::fs::File::create(&temporary).expect("file").write_all(text.as_bytes()).expect("written");
        std::fs::rename(temporary, path).expect("moved");
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.dir.path().join(name)).expect("removed");
    }

    /// `members` beside `cli` and `mode`.
    pub fn config(&self, members: Value) {
        let mut config = json!({"cli": "1", "mode": {"default": "discover"}});
        config.as_object_mut().expect("object").append(&mut members.as_object().expect("object").clone());
        self.write(".cli.json", &config.to_string());
    }

    pub fn builder(&self) -> Builder {
        let config: PathBuf = self.dir.path().join(".cli.json");
        let environment = |_: &str| None;
        let locations = Locations {
            project: Some(config),
            scopes: ScopeSet::SERVER,
            ..Locations::from_environment(&environment, self.dir.path().to_owned())
        };
        Builder::new(locations, Arc::clone(&self.documents))
    }

    pub async fn build(&self, previous: Option<&Snapshot>) -> Snapshot {
        self.built(previous, false).await
    }

    pub async fn refresh(&self, previous: &Snapshot) -> Snapshot {
        self.built(Some(previous), true).await
    }

    async fn built(&self, previous: Option<&Snapshot>, force: bool) -> Snapshot {
        self.recorder.clear();
        let trace = Trace::detached(self.recorder.clone());
        self.builder().build(previous, force, &trace).await.expect("a catalog")
    }

    /// Spans of this name in the last build.
    pub fn spans(&self, name: &str) -> usize {
        self.recorder.spans().iter().filter(|span| span.name == name).count()
    }

    /// A text without the folder's path.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.dir.path().display().to_string(), "")
    }

    /// `severity code source`, one diagnostic a line, without the notes about discoveries.
    pub fn codes(&self, snapshot: &Snapshot) -> Vec<String> {
        let all = snapshot.diagnostics().iter().filter(|d| d.code != "discovery");
        all.map(|d| format!("{:?} {} {}", d.severity, d.code, d.source).to_lowercase()).collect()
    }
}

pub fn ids(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.tools().map(|entry| entry.id()).collect()
}

/// A tool ready to be called.
pub fn prepared(snapshot: &Snapshot, id: &str) -> Arc<PreparedTool> {
    snapshot.tool(id).expect("a tool").prepared().expect("readable")
}

pub fn message<'a>(snapshot: &'a Snapshot, code: &str) -> &'a str {
    let found = snapshot.diagnostics().iter().find(|d| d.code == code);
    &found.unwrap_or_else(|| panic!("no {code} in {:#?}", snapshot.diagnostics())).message
}

#[derive(Clone)]
struct Answer {
    status: u16,
    lines: Vec<String>,
    body: String,
}

/// Answers by path; others are 404. `{base}` in lines and bodies is the site itself.
pub struct Site {
    pub base: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("address"));
        let (answers, seen) = (Arc::default(), Arc::default());
        let site = Self { base: base.clone(), answers: Arc::clone(&answers), seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, seen, base) = (Arc::clone(&answers), Arc::clone(&seen), base.clone());
                std::thread::spawn(move || serve(stream, &answers, &seen, &base));
            }
        });
        site
    }

    pub fn set(&self, path: &str, status: u16, lines: &[&str], body: &str) {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        let answer = Answer { status, lines, body: body.to_owned() };
        self.answers.lock().expect("lock").insert(path.to_owned(), answer);
    }

    pub fn ok(&self, path: &str, body: &str) {
        self.set(path, 200, &[], body);
    }

    pub fn linkset(&self, path: &str, body: &str) {
        self.set(path, 200, &["Content-Type: application/linkset+json"], body);
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("lock").clone()
    }
}

fn serve(mut stream: TcpStream, answers: &Mutex<HashMap<String, Answer>>, seen: &Mutex<Vec<String>>, base: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    seen.lock().expect("lock").push(format!("{method} {path}"));
    let missing = Answer { status: 404, lines: Vec::new(), body: "nothing here".into() };
    let answer = answers.lock().expect("lock").get(path).cloned().unwrap_or(missing);
    let body = answer.body.replace("{base}", base);
    let mut text =
        format!("HTTP/1.1 {} x\r\nConnection: close\r\nContent-Length: {}\r\n", answer.status, body.len());
    for line in answer.lines {
        text.push_str(&line.replace("{base}", base));
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    if method != "HEAD" {
        text.push_str(&body);
    }
    let _ = stream.write_all(text.as_bytes());
}
