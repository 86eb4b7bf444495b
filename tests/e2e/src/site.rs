//! A publisher's site: fixed answers by path, which a test can change.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Status, header lines, body.
type Answer = (u16, Vec<String>, String);
type Answers = Arc<Mutex<HashMap<String, Answer>>>;

/// Answers by path; others are 404. `{base}` in lines and bodies is the site's own URL.
pub struct Site {
    /// Base URL.
    pub url: String,
    answers: Answers,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    /// Listens on a free port.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let answers = Answers::default();
        let (shared, base) = (Arc::clone(&answers), url.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, base) = (Arc::clone(&shared), base.clone());
                std::thread::spawn(move || serve(stream, &answers, &base));
            }
        });
        Self { url, answers }
    }

    /// What a path answers from now on.
    pub fn set(&self, path: &str, status: u16, lines: &[&str], body: &str) {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self.answers.lock().expect("answers").insert(path.to_owned(), (status, lines, body.to_owned()));
    }

    /// 200 with a media type.
    pub fn ok(&self, path: &str, media_type: &str, body: &str) {
        self.set(path, 200, &[&format!("Content-Type: {media_type}")], body);
    }
}

fn serve(mut stream: TcpStream, answers: &Answers, base: &str) {
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
    let missing = (404, Vec::new(), "nothing here".to_owned());
    let (status, lines, body) = answers.lock().expect("answers").get(path).cloned().unwrap_or(missing);
    let body = body.replace("{base}", base);
    let length = body.len();
    let mut text = format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n");
    lines.iter().for_each(|line| text.push_str(&format!("{}\r\n", line.replace("{base}", base))));
    text.push_str("\r\n");
    if method != "HEAD" {
        text.push_str(&body);
    }
    let _ = stream.write_all(text.as_bytes());
}
