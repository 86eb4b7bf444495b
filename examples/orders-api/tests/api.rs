//! Drives the built program over real sockets, as any client would.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "test-key";

struct Api {
    process: Child,
    authority: String,
}

impl Api {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orders-api"));
        command.args(args).env_remove("ORDERS_API_KEY").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("start");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("first line");
        let authority = line.trim().strip_prefix("listening on http://").expect("the URL").to_owned();
        Api { process, authority }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.authority).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
        stream
    }

    /// Sends raw bytes and reads until the server ends the connection.
    fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("send");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("receive");
        answer
    }

    fn call(&self, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        Answer::parse(&self.raw(format!("{request}\r\n{body}").as_bytes()))
    }

    fn get(&self, target: &str) -> Answer {
        self.call("GET", target, &[], None)
    }

    /// A call that may change something.
    fn change(&self, method: &str, target: &str, body: Option<&Value>) -> Answer {
        self.call(method, target, &[("X-API-Key", KEY), ("Content-Type", "application/json")], body)
    }

    fn stop(mut self) -> String {
        self.process.kill().expect("kill");
        let mut log = String::new();
        let _ = self.process.stderr.take().expect("stderr").read_to_string(&mut log);
        log
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("end of head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let status = head[9..12].parse().expect("status");
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

fn one_lamp() -> Value {
    json!({"customerId": "cus_1", "items": [{"sku": "LAMP-1", "quantity": 2, "unitPriceCents": 2450}]})
}

#[test]
fn an_order_lives_from_creation_to_deletion() {
    let api = Api::start(&["--api-key", KEY]);
    let created = api.change("POST", "/orders", Some(&one_lamp()));
    assert_eq!((created.status, created.header("location")), (201, Some("/orders/ord_4")));
    assert_eq!(created.json()["totalCents"], 4900);
    let page = api.get("/orders?status=pending&limit=1").json();
    assert_eq!((&page["total"], &page["next"]), (&json!(2), &json!("ord_3")));
    assert_eq!(api.get("/orders?status=pending&limit=1&after=ord_3").json()["items"][0]["id"], "ord_4");
    let paid = api.change("PATCH", "/orders/ord_4", Some(&json!({"status": "paid"})));
    assert_eq!((paid.status, &paid.json()["status"]), (200, &json!("paid")));
    assert_eq!(api.change("POST", "/orders/ord_4/cancel", None).json()["status"], "cancelled");
    let deleted = api.change("DELETE", "/orders/ord_4", None);
    assert_eq!((deleted.status, deleted.body.len(), deleted.header("content-length")), (204, 0, None));
    assert_eq!(api.get("/orders/ord_4").status, 404);
    assert_eq!(api.get("/customers").json()[0]["name"], "Ada Byron");
    assert_eq!(api.get("/health").json(), json!({"status": "ok", "orders": 3}));
}

#[test]
fn what_is_wrong_is_a_problem_with_the_right_status() {
    let api = Api::start(&["--api-key", KEY]);
    let json_type = ("Content-Type", "application/json");
    let key = ("X-API-Key", KEY);
    let lamp = one_lamp();
    let cases = [
        (401, api.call("POST", "/orders", &[json_type], Some(&lamp))),
        (401, api.call("POST", "/orders", &[json_type, ("X-API-Key", "wrong")], Some(&lamp))),
        (401, api.call("DELETE", "/orders/ord_1", &[], None)),
        (415, api.call("POST", "/orders", &[key], Some(&lamp))),
        (400, api.change("POST", "/orders", None)),
        (422, api.change("POST", "/orders", Some(&json!({"customerId": "cus_1"})))),
        (422, api.change("POST", "/orders", Some(&json!({"customerId": "x", "items": []})))),
        (422, api.change("PATCH", "/orders/ord_3", Some(&json!({"colour": "red"})))),
        (409, api.change("PATCH", "/orders/ord_3", Some(&json!({"status": "shipped"})))),
        (409, api.change("POST", "/orders/ord_1/cancel", None)),
        (404, api.change("DELETE", "/orders/nothing", None)),
        (400, api.get("/orders?status=lost")),
        (400, api.get("/orders?limit=0")),
        (404, api.get("/nowhere")),
        (405, api.call("PUT", "/orders", &[], None)),
    ];
    for (want, answer) in &cases {
        assert_eq!(answer.status, *want, "{}", answer.head);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["status"], *want);
    }
    assert_eq!(cases[6].1.json()["errors"][0]["pointer"], "/customerId");
    assert_eq!(cases[14].1.header("allow"), Some("GET, HEAD, POST"));
}

#[test]
fn nothing_can_be_changed_without_a_key_on_the_server() {
    let api = Api::start(&[]);
    assert_eq!(api.change("POST", "/orders", Some(&one_lamp())).status, 401);
    assert_eq!(api.get("/orders").status, 200);
}

#[test]
fn the_description_is_cacheable_and_can_be_discovered() {
    let api = Api::start(&[]);
    for (target, media_type) in [
        ("/openapi.json", "application/vnd.oai.openapi+json;version=3.1"),
        ("/openapi.yaml", "application/vnd.oai.openapi;version=3.1"),
    ] {
        let first = api.get(target);
        assert_eq!((first.status, first.header("content-type")), (200, Some(media_type)));
        assert_eq!(first.header("cache-control"), Some("max-age=60"));
        let etag = first.header("etag").expect("ETag");
        let again = api.call("GET", target, &[("If-None-Match", etag)], None);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag)));
        assert_eq!(api.call("GET", target, &[("If-None-Match", "\"old\"")], None).status, 200);
    }
    assert!(api.call("HEAD", "/", &[], None).header("link").is_some_and(|link| link.contains("service-desc")));
    let catalog = api.get("/.well-known/api-catalog");
    assert!(catalog.header("content-type").is_some_and(|value| value.starts_with("application/linkset+json")));
}

/// Every operation of the description is served: none answers 404 for its path or 405.
#[test]
fn the_description_describes_what_is_served() {
    let api = Api::start(&["--api-key", KEY]);
    let description = api.get("/openapi.json").json();
    let mut seen = 0;
    for (path, item) in description["paths"].as_object().expect("paths") {
        for method in ["get", "post", "patch", "delete"].iter().filter(|method| item.get(**method).is_some()) {
            let target = path.replace("{orderId}", "ord_1").replace("{code}", "200");
            if matches!(path.as_str(), "/faults/slow" | "/faults/reset") {
                continue;
            }
            let answer = api.call(&method.to_uppercase(), &target, &[], None);
            assert!(!matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.head);
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn faults_are_what_they_say() {
    let api = Api::start(&[]);
    let started = Instant::now();
    assert_eq!(api.get("/faults/slow?ms=200").json()["waitedMs"], 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert!(api.raw(b"GET /faults/reset HTTP/1.1\r\nHost: h\r\n\r\n").is_empty());
    let cut = api.get("/faults/reset?after=7");
    assert_eq!((cut.header("content-length"), cut.body.len()), (Some("1000"), 7));
    assert!(serde_json::from_slice::<Value>(&api.get("/faults/invalid-json").body).is_err());
    let large = api.get("/faults/large?bytes=3000000");
    assert_eq!(large.body.len(), 3_000_000);
    assert!(large.json()["data"].is_string());
    let redirect = api.get("/faults/redirect-loop");
    assert_eq!((redirect.status, redirect.header("location")), (302, Some("/faults/redirect-loop")));
    let busy = api.get("/faults/status/503?retryAfter=1");
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
    assert_eq!(api.get("/faults/status/204").status, 204);
    assert_eq!(api.get("/faults/status/99").status, 400);
    assert_eq!(api.get("/faults/binary").body.len(), 256);
}

#[test]
fn a_connection_serves_many_requests_and_a_bad_one_ends_it() {
    let api = Api::start(&[]);
    let one = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    let answer = api.raw(format!("{one}{one}{one}BAD\r\n\r\n").as_bytes());
    let text = String::from_utf8(answer).expect("text");
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3);
    assert_eq!(text.matches("HTTP/1.1 400 Bad Request").count(), 1);
    // Larger than the bound: the refusal arrives although we are still sending.
    let mut big = b"POST /orders HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n".to_vec();
    big.resize(big.len() + 2_000_000, b'x');
    let mut stream = api.connect();
    stream.write_all(&big).expect("the server reads on");
    stream.shutdown(std::net::Shutdown::Write).expect("done");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("receive");
    assert_eq!(Answer::parse(&answer).status, 413);
}

#[test]
fn request_id_and_trace_context_reach_the_log_on_one_line() {
    let api = Api::start(&[]);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("X-Request-ID", "req 1\"x"), ("traceparent", trace)];
    let answer = api.call("GET", "/health?secret=s", &headers, None);
    assert_eq!(answer.header("x-request-id"), Some("req 1\"x"));
    let log = api.stop();
    let line = log.lines().find(|line| line.contains("path=/health")).expect("a line");
    assert!(line.contains("method=GET path=/health status=200 us="), "{line}");
    assert!(line.ends_with(&format!(" request_id=req?1?x traceparent={trace}")), "{line}");
}

#[test]
fn orders_created_at_once_get_numbers_of_their_own() {
    let api = Api::start(&["--api-key", KEY]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(api.change("POST", "/orders", Some(&one_lamp())).status, 201);
                }
            });
        }
    });
    let page = api.get("/orders?limit=100").json();
    let mut ids: Vec<_> =
        page["items"].as_array().expect("items").iter().map(|order| order["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), &page["total"]), (43, &json!(43)));
}
