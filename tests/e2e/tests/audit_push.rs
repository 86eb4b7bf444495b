//! `--audit-push`: the built toolbox sends its audit records to a webhook, whatever happens to either of them.

use open_cli_e2e::{Child, OrdersApi, Sandbox, wait_until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const SECRET: &str = "Bearer S3cret-of-the-webhook";

/// A request that was answered with 200.
#[derive(Clone)]
struct Taken {
    headers: String,
    records: Vec<Value>,
}

/// A webhook that can be away.
struct Webhook {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
    is_away: Arc<AtomicBool>,
}

impl Webhook {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("address");
        let (taken, is_away) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (of_thread, away) = (Arc::clone(&taken), Arc::clone(&is_away));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (taken, away) = (Arc::clone(&of_thread), Arc::clone(&away));
                std::thread::spawn(move || while answer(&stream, &taken, &away).is_some() {});
            }
        });
        Self { address, taken, is_away }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("requests").clone()
    }

    fn numbers(&self) -> Vec<u64> {
        let taken = self.taken();
        let records = taken.iter().flat_map(|request| &request.records);
        records.map(|record| record["seq"].as_u64().expect("a number")).collect()
    }
}

/// A webhook that is away hangs up.
fn answer(stream: &TcpStream, taken: &Mutex<Vec<Taken>>, is_away: &AtomicBool) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let start = headers.len();
        if reader.read_line(&mut headers).ok()? == 0 {
            return None;
        }
        let line = headers[start..].trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if is_away.load(Ordering::SeqCst) {
        return None;
    }
    let text = String::from_utf8(body).expect("text");
    let records = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    taken.lock().expect("requests").push(Taken { headers, records });
    (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()
}

#[test]
fn every_call_reaches_the_webhook_once_the_webhook_can_be_reached() {
    let api = OrdersApi::start();
    let webhook = Webhook::start();
    let sandbox = Sandbox::of_orders(&api.url).with_variable("OPEN_CLI_AUDIT_PUSH_AUTHORIZATION", SECRET);
    let url = format!("http://{}/in/K3y-in-the-path", webhook.address);
    let flags = ["--audit-push", url.as_str()];
    let call = json!({"toolId": "orders:listOrders"});

    let mut toolbox = sandbox.toolbox(&flags);
    for _ in 0..5 {
        assert_eq!(toolbox.execute(&call).status, 200);
    }
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:nothing"})).status, 404);
    wait_until("the start and six calls came", || webhook.numbers().len() == 7);
    let first = webhook.taken()[0].clone();
    let headers = first.headers.to_ascii_lowercase();
    for header in [
        "post /in/k3y-in-the-path http/1.1",
        "content-type: application/x-ndjson",
        &format!("x-open-cli-instance: {}", toolbox.instance),
        "x-open-cli-audit-seq: 1-",
        &format!("authorization: {}", SECRET.to_ascii_lowercase()),
    ] {
        assert!(headers.contains(header), "{header}: {headers}");
    }
    let metrics = toolbox.get("/metrics").body;
    assert!(metrics.contains("open_cli_telemetry_exported_total{sink=\"audit_push\"} 7"), "{metrics}");
    assert!(metrics.contains("open_cli_telemetry_queue_length{sink=\"audit_push\"} 0"), "{metrics}");

    // Away: calls do not notice, and neither does a kill of the toolbox lose anything.
    webhook.is_away.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(toolbox.execute(&call).status, 200);
    }
    wait_until("the log says so", || toolbox.child.log().contains("can't be delivered"));
    toolbox.child.signal("KILL");
    toolbox.child.wait();
    let mut log = toolbox.child.log();
    let toolbox = sandbox.toolbox(&flags);
    assert_eq!(toolbox.execute(&call).status, 200);
    webhook.is_away.store(false, Ordering::SeqCst);
    wait_until("29 records came", || webhook.numbers().iter().max() == Some(&29));
    assert_eq!(toolbox.execute(&call).status, 200);
    log.push_str(&toolbox.child.log());
    assert_eq!(toolbox.stop(), 0);
    let mut numbers = webhook.numbers();
    assert_eq!(numbers.last(), Some(&31), "the end makes a last try");
    numbers.dedup();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted, (1..=31).collect::<Vec<_>>(), "nothing is lost");
    for secret in ["S3cret", "K3y"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn receivers_that_cannot_be_are_refused_at_the_start() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    for (extra, part) in [
        (&["--audit-push", "ftp://siem.example/S3cret"][..], "there is no sink ftp://"),
        (&["--audit-push", "https://u:S3cret@siem.example"], "OPEN_CLI_AUDIT_PUSH_AUTHORIZATION"),
        (&["--audit-push", "syslog+tls://h/S3cret"], "path or a query"),
        (&["--audit-push", "otlp", "--audit-push", "otlp"], "named twice"),
        (&["--audit-push", "https://h", "--audit-push-ca", "/nonexistent.pem"], "/nonexistent.pem"),
    ] {
        let mut child = Child::start(sandbox.toolbox_command(extra));
        let code = child.wait().code();
        let log = child.log();
        assert!(matches!(code, Some(1 | 2)), "{code:?}: {log}");
        assert!(log.contains(part) && !log.contains("S3cret"), "{extra:?}: {log}");
    }
}
