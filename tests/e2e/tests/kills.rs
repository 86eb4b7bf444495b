//! SIGKILL at random moments under load, two hundred times: no call that was answered is missing from the audit log,
//! and the log's chain is whole after every restart. Half of the kills with records in the file before the answer
//! (`written`); the other half with records on the disk before the answer (`synced`), and there everything behind the
//! last sync that was reported is cut off, as a power loss would do.

#![allow(clippy::print_stdout, reason = "says what was tried")]

use open_cli_e2e::{Child, EchoApi, Sandbox};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Kills with each durability.
const KILLS: usize = 100;
const CALLERS: usize = 4;

fn sandbox(api: &EchoApi) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "api.json",
        &json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": api.url}],
                "paths": {"/things": {"get": {"operationId": "list", "responses": {}}}}})
        .to_string(),
    );
    sandbox.write_config(&json!({"cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"s": {"type": "openapi", "uri": "./api.json"}}, "services": {"echo": {"source": "s"}}}));
    sandbox
}

/// Calls until the runtime is gone; request ids of the calls that were answered.
fn call(address: &str, number: &AtomicU64, answered: &Mutex<Vec<String>>, is_over: &AtomicBool) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let body = r#"{"toolId":"echo:list"}"#;
    while !is_over.load(Ordering::Relaxed) {
        let id = format!("kill-{}", number.fetch_add(1, Ordering::Relaxed));
        let request = format!(
            "POST /v1/tools/execute HTTP/1.1\r\nHost: {address}\r\nX-Request-ID: {id}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(request.as_bytes()).is_err() || !read_answer(&mut stream) {
            return;
        }
        answered.lock().expect("answered").push(id);
    }
}

/// True when a whole answer came, with status 200.
fn read_answer(stream: &mut TcpStream) -> bool {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        match stream.read(&mut buffer) {
            Ok(n @ 1..) => bytes.extend_from_slice(&buffer[..n]),
            _ => return false,
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|n| n.parse().ok()).expect("a length");
        if body.len() >= length {
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            return true;
        }
    }
}

/// Request ids that are in the log.
fn recorded(audit: &Path) -> HashSet<String> {
    let text = String::from_utf8(std::fs::read(audit).expect("the log")).expect("UTF-8");
    let id = |line: &str| {
        let record: Value = serde_json::from_str(line).ok()?;
        record["requestId"].as_str().map(str::to_owned)
    };
    text.lines().filter_map(id).collect()
}

/// The last offset that the log reported as synced.
fn synced(log: &str) -> u64 {
    let offset = |line: &str| {
        let record: Value = serde_json::from_str(line).ok()?;
        record["offset"]
            .as_u64()
            .filter(|_| record["target"].as_str().is_some_and(|t| t.starts_with("open_cli_audit")))
    };
    log.lines().filter_map(offset).max().unwrap_or(0)
}

fn verify(sandbox: &Sandbox, audit: &Path, what: &str) {
    let output =
        sandbox.command("open-cli-toolbox").args(["audit", "verify", "--format", "json"]).arg(audit).output();
    let output = output.expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{what}: {text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("\"ok\": true"), "{what}: {text}");
}

fn kill_again_and_again(durability: &str) {
    let api = EchoApi::start();
    let sandbox = sandbox(&api);
    let number = Arc::new(AtomicU64::new(0));
    let mut total = 0;
    let mut audit = None;
    for round in 0..KILLS {
        // What the log says of the last sync must be out when the kill comes.
        let log = ["--log", "info,open_cli_audit=trace", "--log-format", "json", "--log-direct"];
        let flags = [&["--audit-durability", durability], &log[..]].concat();
        let mut toolbox = sandbox.toolbox(&flags);
        let path = toolbox.state_dir.join("audit.log");
        let address = toolbox.url.trim_start_matches("http://").to_owned();
        let answered = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (address, number) = (address.clone(), Arc::clone(&number));
                let (answered, is_over) = (Arc::clone(&answered), Arc::clone(&is_over));
                std::thread::spawn(move || call(&address, &number, &answered, &is_over))
            })
            .collect();
        // At least one call was answered, then any moment.
        open_cli_e2e::wait_until("a call is answered", || !answered.lock().expect("answered").is_empty());
        pause(Duration::from_micros((round as u64 * 7919) % 60_000));
        kill(&mut toolbox.child);
        is_over.store(true, Ordering::Relaxed);
        callers.into_iter().for_each(|caller| caller.join().expect("caller"));
        if durability == "synced" {
            let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the log");
            let end = synced(&toolbox.child.log());
            assert!(end > 0, "the log says how far it is synced: {}", toolbox.child.log());
            file.set_len(end.min(file.metadata().expect("size").len())).expect("cut");
        }
        let recorded = recorded(&path);
        let answered = answered.lock().expect("answered");
        let missing: Vec<_> = answered.iter().filter(|id| !recorded.contains(*id)).collect();
        assert!(
            missing.is_empty(),
            "kill {round}: {missing:?} of {} answered calls are not recorded",
            answered.len()
        );
        total += answered.len();
        drop(answered);
        audit = Some(path);
    }
    let audit = audit.expect("a log");
    // Started once more, it repairs what the last kill left, and ends in order.
    assert_eq!(sandbox.toolbox(&[]).stop(), 0);
    verify(&sandbox, &audit, durability);
    assert!(total >= KILLS, "{total} calls were answered");
    println!("{durability}: {KILLS} kills, {total} answered calls, none missing");
}

fn kill(child: &mut Child) {
    child.signal("KILL");
    child.wait();
}

fn pause(time: Duration) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

#[test]
fn no_answered_call_is_lost_by_a_kill() {
    kill_again_and_again("written");
}

#[test]
fn no_answered_call_is_lost_by_a_power_loss_when_records_are_synced() {
    kill_again_and_again("synced");
}
