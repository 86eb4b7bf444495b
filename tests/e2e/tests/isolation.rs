//! Eight instances below one state root, at once and under load: nothing of one ever shows up in another, also when
//! one of them is killed and started again.
//!
//! Each has a marker of its own in everything it has: configuration, service, tools, paths, request ids, upstream
//! answers, credentials. In the end every file below the root and every list that a runtime serves is searched for the
//! markers of the others. Whatever a runtime writes next is covered by itself.

use flate2::read::MultiGzDecoder;
use open_cli_e2e::{Child, Sandbox, get, wait_until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const INSTANCES: usize = 8;
/// The one that is killed.
const VICTIM: usize = 3;
/// Answered calls of each before the kill, and of the killed one after its restart.
const CALLS: usize = 40;
/// Threads that call each instance.
const CALLERS: usize = 2;

/// A word that is nowhere else, and part of no other marker.
fn marker(index: usize) -> String {
    format!("zq{index}vx{index}mk")
}

/// What an instance sends upstream to say who it is.
fn token(index: usize) -> String {
    format!("tok-{}-{}", marker(index), "s3cr3t")
}

/// An API of one instance: its description at `/openapi.json`, its marker in every answer. Remembers what it got.
struct Api {
    url: String,
    seen: Arc<Mutex<String>>,
}

impl Api {
    fn start(index: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let seen = Arc::new(Mutex::new(String::new()));
        let (marker, server, log) = (marker(index), url.clone(), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (marker, server, log) = (marker.clone(), server.clone(), Arc::clone(&log));
                std::thread::spawn(move || while answer(&stream, &marker, &server, &log).is_some() {});
            }
        });
        Self { url, seen }
    }
}

/// Answers one request; nothing when the connection has ended.
fn answer(stream: &TcpStream, marker: &str, server: &str, log: &Mutex<String>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    log.lock().expect("log").push_str(&head);
    let body = if head.starts_with("GET /openapi.json") {
        description(marker, server).to_string()
    } else {
        json!({"from": marker, "padding": "x".repeat(2000)}).to_string()
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    (&mut &*stream).write_all(answer.as_bytes()).ok()
}

fn description(marker: &str, server: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": format!("API of {marker}"), "version": "1"},
        "servers": [{"url": server}],
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
        "paths": {
            format!("/{marker}/things"): {"get": {
                "operationId": format!("list{marker}"), "summary": format!("Things of {marker}"),
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}], "responses": {}
            }}
        }
    })
}

/// An instance: its folder, its upstream, and where it is now.
struct Instance {
    index: usize,
    config: PathBuf,
    api: Api,
    child: Mutex<Child>,
    url: Mutex<String>,
    id: String,
    /// Request ids of the calls that were answered.
    answered: Mutex<Vec<String>>,
    calls: AtomicUsize,
}

impl Instance {
    fn start(sandbox: &Sandbox, index: usize) -> Self {
        let (marker, api) = (marker(index), Api::start(index));
        let config = json!({
            "cli": "1",
            "mode": {"default": "discover"},
            "sources": {format!("src{marker}"): {"type": "openapi", "uri": format!("{}/openapi.json", api.url)}},
            "services": {format!("svc{marker}"): {"source": format!("src{marker}")}},
            "secrets": {format!("svc{marker}.key"): {"type": "env", "value": "KEY_OF_INSTANCE"}},
        });
        let config = sandbox.write(&format!("{marker}/.cli.json"), &config.to_string());
        let (child, id, url) = launch(sandbox, &config, index);
        assert!(id.starts_with(&marker), "{id}");
        Self {
            index,
            config,
            api,
            child: Mutex::new(child),
            url: Mutex::new(url),
            id,
            answered: Mutex::default(),
            calls: AtomicUsize::new(0),
        }
    }

    fn url(&self) -> String {
        self.url.lock().expect("url").clone()
    }

    /// One call; false when the runtime was not there to answer it.
    fn call(&self, agent: &ureq::Agent) -> bool {
        let marker = marker(self.index);
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("req-{marker}-{number}");
        let call = json!({
            "toolId": format!("svc{marker}:list{marker}"),
            "flags": {"page": number.to_string()},
        });
        let request = ureq::http::Request::post(format!("{}/v1/tools/execute", self.url()))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("x-request-id", &request_id)
            .body(call.to_string());
        let Ok(mut response) = agent.run(request.expect("request")) else { return false };
        let Ok(body) = response.body_mut().read_to_string() else { return false };
        assert_eq!(response.status(), 200, "{body}");
        assert!(body.contains(&marker), "{body}");
        assert_clean(self.index, &format!("the answer to {request_id}"), &body);
        self.answered.lock().expect("answered").push(request_id);
        true
    }
}

fn launch(sandbox: &Sandbox, config: &Path, index: usize) -> (Child, String, String) {
    let mut command = sandbox.command("open-cli-toolbox");
    command.arg("--config").arg(config).arg("--state-dir").arg(sandbox.state_root());
    command.args(["--addr", "127.0.0.1:0"]).env("KEY_OF_INSTANCE", token(index));
    let mut child = Child::start(command);
    let line = child.line();
    let words: Vec<&str> = line.split_whitespace().collect();
    (child, words[2].to_owned(), words[4].to_owned())
}

/// Nothing of any other instance is in this text, and no secret of anybody.
fn assert_clean(index: usize, place: &str, text: &str) {
    for other in (0..INSTANCES).filter(|other| *other != index) {
        let marker = marker(other);
        if let Some(at) = text.find(&marker) {
            let around: String = text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{place} of instance {index} has something of instance {other}: …{around}{marker}");
        }
    }
    assert!(!text.contains(&token(index)), "{place} has the secret of instance {index}");
}

/// Calls every instance for as long as `meanwhile` takes; those that are not there are tried again.
fn load(instances: &[Instance], meanwhile: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for instance in instances {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    let agent = ureq::Agent::config_builder()
                        .http_status_as_error(false)
                        .proxy(None)
                        .timeout_global(Some(Duration::from_secs(60)))
                        .build()
                        .new_agent();
                    while !is_over.load(Ordering::Acquire) {
                        if !instance.call(&agent) {
                            std::thread::park_timeout(Duration::from_millis(5));
                        }
                    }
                });
            }
        }
        // Also when it panics: otherwise the scope would wait for ever.
        let _end = End(&is_over);
        meanwhile();
    });
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn eight_instances_never_mix_also_when_one_is_killed_under_load() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let sandbox = Sandbox::new();
    let instances: Vec<Instance> = (0..INSTANCES).map(|index| Instance::start(&sandbox, index)).collect();
    let victim = &instances[VICTIM];
    let answered = |instance: &Instance| instance.answered.lock().expect("answered").len();

    load(&instances, || {
        wait_until("all are under load", || instances.iter().all(|instance| answered(instance) >= CALLS));
        {
            let mut child = victim.child.lock().expect("child");
            child.signal("KILL");
            child.wait();
        }
        let states = states(&sandbox);
        for instance in &instances {
            let expected = if instance.index == VICTIM { "stale" } else { "running" };
            let found = states.iter().find(|(id, _)| *id == instance.id).map(|(_, state)| state.as_str());
            assert_eq!(found, Some(expected), "{}", instance.id);
        }
        assert_eq!(states.len(), INSTANCES);
        let (child, id, url) = launch(&sandbox, &victim.config, VICTIM);
        assert_eq!(id, victim.id, "the same instance again");
        *victim.child.lock().expect("child") = child;
        *victim.url.lock().expect("url") = url;
        let before = answered(victim);
        wait_until("it is under load again", || answered(victim) >= before + CALLS);
    });

    for instance in &instances {
        check_what_is_served(instance);
    }
    for instance in &instances {
        stop(&sandbox, instance);
    }
    check_files(&sandbox, &instances);
    for instance in &instances {
        let seen = instance.api.seen.lock().expect("seen").clone();
        assert!(seen.contains(&token(instance.index)), "its upstream knows it by its key");
        assert_clean(instance.index, "what its upstream got", &seen.replace(&token(instance.index), ""));
        check_audit(&sandbox, instance);
    }
}

fn operate(sandbox: &Sandbox, args: &[&str]) -> Value {
    let mut command = sandbox.command("open-cli-toolbox");
    command.arg("instances").args(args).args(["--format", "json"]).arg("--state-dir").arg(sandbox.state_root());
    let output = command.output().expect("open-cli-toolbox");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("json")
}

fn states(sandbox: &Sandbox) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let listed = operate(sandbox, &["list"]);
    let instances = listed["instances"].as_array().expect("array");
    instances.iter().map(|instance| (text(&instance["id"]), text(&instance["state"]))).collect()
}

/// Ended by its configuration: the others go on.
fn stop(sandbox: &Sandbox, instance: &Instance) {
    let config = instance.config.display().to_string();
    let stopped = operate(sandbox, &["stop", "--config", &config, "--timeout", "60s"]);
    assert_eq!((&stopped["id"], &stopped["outcome"]), (&json!(instance.id), &json!("stopped")));
    assert!(instance.child.lock().expect("child").wait().success());
    let running = states(sandbox).iter().filter(|(_, state)| state == "running").count();
    assert_eq!(running, INSTANCES - 1 - instance.index);
}

fn check_what_is_served(instance: &Instance) {
    let marker = marker(instance.index);
    for (path, has_marker) in [
        ("/v1/catalog/effective", true),
        ("/v1/audit/events", true),
        ("/v1/traces?limit=1000", true),
        ("/v1/runtime/info", true),
        ("/readyz", false),
    ] {
        let reply = get(&format!("{}{path}", instance.url()));
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        assert_clean(instance.index, path, &reply.body);
        assert!(!has_marker || reply.body.contains(&marker), "{path}: {}", reply.body);
    }
    let metrics = get(&format!("{}/metrics", instance.url()));
    if metrics.status == 200 {
        assert_clean(instance.index, "/metrics", &metrics.body);
    }
    let own = instance.answered.lock().expect("answered").last().cloned().expect("a call");
    let trace = get(&format!("{}/v1/traces/{own}", instance.url()));
    assert_eq!(trace.status, 200, "{}", trace.body);
    assert_clean(instance.index, "its trace", &trace.body);
}

/// Every file below the state root belongs to one instance, and has nothing of the others.
fn check_files(sandbox: &Sandbox, instances: &[Instance]) {
    let root = sandbox.state_root();
    let mut all = Vec::new();
    walk(&root, &mut all);
    for path in &all {
        let below = path.strip_prefix(&root).expect("below");
        let words: Vec<&str> = below.iter().filter_map(|word| word.to_str()).collect();
        let id = match words.as_slice() {
            ["instances", id, _, ..] | ["cache", "instances", id, _, ..] => *id,
            _ => panic!("{} belongs to no instance", below.display()),
        };
        let instance = instances.iter().find(|instance| instance.id == id).unwrap_or_else(|| panic!("{id}?"));
        let place = below.display().to_string();
        let text = content(path);
        assert_clean(instance.index, &place, &(place.clone() + "\n" + &text));
    }
    for instance in instances {
        let has = |folder: PathBuf| {
            let mut files = Vec::new();
            walk(&folder, &mut files);
            files.iter().any(|path| content(path).contains(&marker(instance.index)))
        };
        assert!(has(root.join("instances").join(&instance.id)), "the check sees what there is");
        assert!(has(root.join("cache/instances").join(&instance.id)), "its description is cached");
    }
}

/// Each call that was answered is in the audit log of its instance, once.
fn check_audit(sandbox: &Sandbox, instance: &Instance) {
    let folder = sandbox.state_root().join("instances").join(&instance.id);
    let mut files = Vec::new();
    walk(&folder, &mut files);
    let is_log = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == "audit.log" || (name.starts_with("audit.log.") && name.ends_with(".gz"))
    };
    let text: String = files.iter().filter(is_log).map(|path| content(path)).collect();
    for request_id in instance.answered.lock().expect("answered").iter() {
        let lines = text.lines().filter(|line| line.contains(&format!("\"{request_id}\""))).count();
        assert_eq!(lines, 1, "{request_id} in the log of {}", instance.id);
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
    {
        if entry.file_type().expect("type").is_dir() {
            walk(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

/// Text of a file; compressed ones as what they hold. Bytes that are no text do not hide the others.
fn content(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("file");
    let mut plain = Vec::new();
    let is_compressed = bytes.starts_with(&[0x1f, 0x8b]);
    if is_compressed && MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).is_ok() {
        return String::from_utf8_lossy(&plain).into_owned();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
