//! An upstream that answers when the test says so: a call to it is surely under way once it was accepted.

use crate::toolbox::Sandbox;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Waits for calls of the tool `held:wait`.
pub struct HeldApi {
    listener: TcpListener,
}

impl Default for HeldApi {
    fn default() -> Self {
        Self::new()
    }
}

impl HeldApi {
    /// Listens on a free port.
    pub fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("a port") }
    }

    /// A sandbox whose configuration has this API, described by a local file.
    pub fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        let server = format!("http://{}", self.listener.local_addr().expect("address"));
        let document = json!({"openapi": "3.1.0", "info": {"title": "Held", "version": "1"},
            "servers": [{"url": server}],
            "paths": {"/wait": {"get": {"operationId": "wait", "responses": {}}}}});
        sandbox.write("held.json", &document.to_string());
        sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
            "sources": {"s": {"type": "openapi", "uri": "held.json"}}, "services": {"held": {"source": "s"}}}));
        sandbox
    }

    /// The next call, its head read.
    pub fn accept(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().expect("a call");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("head") == 1 {
            head.push(byte[0]);
        }
        stream
    }

    /// Answers a call.
    pub fn answer(mut stream: TcpStream) {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            .expect("answer");
    }
}
