//! Traces and the audit log, as the built client begins, finds and shows them.

#![allow(clippy::unwrap_used, reason = "a test that can not go on may fail here")]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Answer, Client, Request, SHELF, Stub, json as answer, lines, text};

const LAST: &str = "home/.local/state/open-cli/client/last.json";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn last(client: &Client) -> Value {
    serde_json::from_str(&client.read(LAST)).unwrap()
}

/// Answers calls, and has a trace of each.
fn traced(request: &Request) -> Answer {
    match request.path() {
        "/v1/catalog/effective" => answer(200, SHELF),
        "/v1/tools/execute" => answer(200, r#"{"statusCode":200,"body":"pong"}"#),
        path if path.starts_with("/v1/traces/") => {
            let id = path.rsplit('/').next().unwrap();
            let span = json!({"name": "runtime.tools.execute", "kind": "server", "attributes": {"requestId": id},
                "startedAt": "2026-01-31T08:00:00Z", "finishedAt": "2026-01-31T08:00:00.001Z", "hasRemoteParent": true,
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b8"});
            answer(200, &json!({"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spans": [span]}).to_string())
        }
        "/v1/traces" => answer(
            200,
            r#"[{"name":"runtime.tools.execute","requestId":"r-newest","startedAt":"2026-01-31T08:00:00Z",
               "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b8"}]"#,
        ),
        _ => text(404, "not_found"),
    }
}

#[test]
fn a_call_is_one_trace_and_is_remembered_privately() {
    let stub = Stub::start(traced);
    let client = Client::of(&stub);
    assert_eq!(client.line("shelf books get-book 7 --format json").code, 0);
    let requests = stub.requests();
    let parents: Vec<&str> = requests.iter().map(|request| request.header("traceparent").unwrap()).collect();
    assert_eq!(parents[0][..36], parents[1][..36]);
    assert!(parents[0][36..] != parents[1][36..] && parents[1].ends_with("-01"), "{parents:?}");
    let id = requests[1].header("x-request-id").unwrap();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "a UUIDv7: {id}");

    let last = last(&client);
    assert_eq!((last["requestId"].as_str(), last["traceId"].as_str()), (Some(id), Some(&parents[1][3..35])));
    assert_eq!((&last["runtime"], &last["exit"]), (&stub.url.as_str().into(), &0.into()));
    assert_eq!(last["name"], "open-cli shelf books get-book", "no arguments");
    let spans: Vec<&str> =
        last["spans"].as_array().unwrap().iter().map(|s| s["title"].as_str().unwrap()).collect();
    assert_eq!(spans, ["GET /v1/catalog/effective", "POST /v1/tools/execute", "open-cli shelf books get-book"]);
    assert_eq!(last["spans"][1]["spanId"].as_str(), Some(&parents[1][36..52]));
    let mode =
        |path: &str| std::fs::metadata(client.folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(LAST), mode(LAST.trim_end_matches("/last.json"))), (0o600, 0o700));
    assert!(!client.line("status").out.is_empty());
    assert_eq!(self::last(&client)["requestId"].as_str(), Some(id), "only calls are remembered");
}

#[test]
fn the_trace_of_the_caller_is_continued() {
    let stub = Stub::start(traced);
    let client = Client::of(&stub)
        .variable("TRACEPARENT", PARENT)
        .variable("TRACESTATE", "vendor=1")
        .variable("BAGGAGE", "team=shelf");
    assert_eq!(client.line("shelf ping").code, 0);
    for request in stub.requests() {
        let header = |name: &str| request.header(name).unwrap_or_default();
        assert!(header("traceparent").starts_with(&PARENT[..36]) && header("traceparent") != PARENT);
        assert_eq!((header("tracestate"), header("baggage")), ("vendor=1", "team=shelf"));
    }
    let spans = &last(&client)["spans"];
    assert_eq!(spans[2]["parentSpanId"], "00f067aa0ba902b7");
}

#[test]
fn the_last_trace_is_that_of_the_last_call_with_the_clients_part_on_top() {
    let stub = Stub::start(traced);
    let client = Client::of(&stub);
    let fresh = client.line("trace last --format table");
    assert_eq!(fresh.code, 0, "{}", fresh.err);
    assert_eq!(stub.requests().last().unwrap().path(), "/v1/traces/r-newest");

    assert_eq!(client.line("shelf ping").code, 0);
    let id = last(&client)["requestId"].as_str().unwrap().to_owned();
    let shown = client.line("trace last --format table");
    assert_eq!(stub.requests().last().unwrap().path(), format!("/v1/traces/{id}"));
    assert!(
        shown.out.contains("open-cli shelf ping") && shown.out.contains("runtime.tools.execute"),
        "{}",
        shown.out
    );
    let named: Value = serde_json::from_str(&client.line(&format!("trace {id}")).out).unwrap();
    assert_eq!(named["spans"].as_array().unwrap().len(), 4);
    let other: Value = serde_json::from_str(&client.line("trace other").out).unwrap();
    assert_eq!(other["spans"].as_array().unwrap().len(), 1);

    // The call named its runtime; without one it is that runtime.
    let unset = Client { folder: client.folder, variables: Vec::new() };
    assert_eq!(unset.line("trace last").code, 0);
    let elsewhere = Stub::start(traced);
    assert_eq!(unset.line(&format!("trace last --runtime {}", elsewhere.url)).code, 0);
    assert_eq!(elsewhere.requests().last().unwrap().path(), "/v1/traces/r-newest");
}

#[test]
fn a_call_that_the_runtime_has_no_trace_of_still_shows_the_clients_part() {
    let stub = Stub::start(|request| match request.path() {
        path if path.starts_with("/v1/traces/") => answer(404, r#"{"code":"trace_not_found","status":404}"#),
        _ => traced(request),
    });
    let client = Client::of(&stub);
    assert_eq!(client.line("shelf ping").code, 0);
    let ran = client.line("trace last --format table");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("POST /v1/tools/execute") && ran.err.contains("no trace of this call"),
        "{}",
        ran.err
    );
    let unknown = client.line("trace nope");
    assert!(unknown.code == 1 && !unknown.err.contains("`open-cli trace nope`"), "{}", unknown.err);
}

#[test]
fn errors_about_a_request_name_it_and_lead_to_its_trace() {
    let stub = Stub::shelf(|_| answer(403, r#"{"code":"approval_required","title":"Needs an approval"}"#));
    let client = Client::of(&stub);
    let ran = client.line("shelf ping");
    let id = stub.requests()[1].header("x-request-id").unwrap().to_owned();
    assert!(ran.err.contains(&format!("`open-cli trace {id}`")), "{}", ran.err);
    let error: Value = serde_json::from_str(&client.line("shelf ping --format json").err).unwrap();
    let request = stub.requests().pop().unwrap();
    assert_eq!(error["error"]["requestId"].as_str(), request.header("x-request-id"));
    assert_eq!(error["error"]["traceId"].as_str(), request.header("traceparent").map(|header| &header[3..35]));
    assert_eq!(last(&client)["exit"], 6);

    // Nobody answered: the id is ours, and there is nothing to look at.
    let nobody = client.line("shelf ping --runtime http://127.0.0.1:1");
    assert!(nobody.err.contains("\nRequest: ") && !nobody.err.contains("open-cli trace"), "{}", nobody.err);
    let usage: Value = serde_json::from_str(&client.line("shelf nope --format json").err).unwrap();
    assert_eq!((&usage["error"]["requestId"], &usage["error"]["traceId"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_clients_spans_are_exported_when_the_environment_asks_and_never_change_the_outcome() {
    let stub = Stub::start(traced);
    let collector = Stub::start(|_| text(200, ""));
    let client = Client::of(&stub)
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .variable("OTEL_SERVICE_NAME", "my-shell");
    assert_eq!(client.line("shelf ping").code, 0);
    let sent = collector.requests();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].path(), sent[0].header("content-type")), ("/v1/traces", Some("application/x-protobuf")));
    let body = String::from_utf8_lossy(&sent[0].body).into_owned();
    for part in ["my-shell", "open-cli shelf ping", "POST /v1/tools/execute", "process.exit.code"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let off = Client::of(&stub)
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .variable("OTEL_TRACES_SAMPLER", "always_off");
    assert_eq!(off.line("shelf ping").code, 0);
    assert_eq!(collector.requests().len(), 1);
    assert!(stub.requests().last().unwrap().header("traceparent").unwrap().ends_with("-00"));
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
    ] {
        let client = Client::of(&stub).variable(name, value);
        let ran = client.line("shelf ping");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}={value}");
        let verbose = client.line("shelf ping --verbose").err;
        assert!(verbose.contains("exported"), "{name}={value}: {verbose}");
    }
}

fn record(seq: u32, decision: &str) -> String {
    json!({"timestamp": format!("2026-01-31T08:00:{:02}Z", seq % 60), "eventType": "tool_execution", "principal": "alice",
        "toolId": "shelf:ping", "serviceId": "shelf", "decision": decision, "reasonCode": decision,
        "statusCode": 200, "latencyMs": 3, "requestId": format!("r-{seq}"), "seq": seq})
    .to_string()
}

fn array(records: &[String]) -> String {
    format!("[{}]", records.join(","))
}

#[test]
fn audit_asks_the_runtime_and_looks_again_itself() {
    let stub = Stub::start(|_| {
        answer(200, &array(&[record(1, "allowed"), record(2, "denied")])).header("x-audit-bad-lines", "2")
    });
    let client = Client::of(&stub);
    let ran = client.line(
        "audit --decision denied --type tool_execution --tool shelf:ping --service shelf --principal alice \
         --request-id r-2 --since 9000w --until 2099-01-01 --limit 7",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["requestId"]), (1, &"r-2".into()));
    assert!(ran.err.contains("2 lines without a record"), "{}", ran.err);
    let asked = &stub.requests()[0];
    for (name, value) in [
        ("decision", "denied"),
        ("type", "tool_execution"),
        ("tool", "shelf:ping"),
        ("service", "shelf"),
        ("principal", "alice"),
        ("requestId", "r-2"),
        ("limit", "7"),
        ("until", "2099-01-01T00:00:00Z"),
    ] {
        assert_eq!(asked.query(name).as_deref(), Some(value));
    }
    assert!(asked.query("since").unwrap().starts_with("18"), "{:?}", asked.query("since"));
    for (line, part) in [
        ("audit --since yesterday", "--since 2h"),
        ("audit --limit many", "--limit 100"),
        ("audit lst", "open-cli audit list"),
        ("audit --output x", "Unknown flag `--output`"),
        ("audit export", "--output audit.jsonl"),
        ("audit show", "<request-id|seq>"),
        ("trace list --slow 200", "--slow 200ms"),
        ("trace r-1 --errors", "Unknown flag `--errors`"),
    ] {
        let ran = client.line(line);
        assert!(ran.code == 2 && ran.err.contains(part), "{line}: {}", ran.err);
    }
}

#[test]
fn following_goes_on_from_the_cursor_waits_for_the_runtime_and_ends_with_ctrl_c() {
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |request| {
        let page =
            |records: &[String], cursor: &str| answer(200, &array(records)).header("x-audit-next-cursor", cursor);
        match (asked.fetch_add(1, Ordering::SeqCst), request.query("cursor").as_deref()) {
            (0, None) => page(&[record(1, "allowed")], "c1"),
            (1, Some("c1")) => page(&[record(2, "denied")], "c2"),
            // A restart, seen through a proxy, and a log that is another one afterwards.
            (2 | 3, Some("c2")) => text(502, "<html>bad gateway"),
            (4, Some("c2")) => answer(400, r#"{"code":"invalid_request"}"#),
            (5, None) => page(&[record(2, "denied"), record(3, "allowed")], "d1"),
            (_, Some("d1")) => page(&[], "d1"),
            other => panic!("{other:?}"),
        }
    });
    let client = Client::of(&stub);
    let mut child = client
        .command(&["audit", "-f", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for seq in 1..=3 {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["seq"], seq);
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Waiting for the runtime") && said.contains("The runtime is back"), "{said}");
}

#[test]
fn a_runtime_without_pages_can_not_be_followed() {
    let stub = Stub::start(|_| answer(200, &array(&[record(1, "allowed")])));
    let ran = Client::of(&stub).line("audit --follow --format table");
    assert!(
        ran.code == 1 && ran.out.contains("shelf:ping") && ran.err.contains("can't be followed"),
        "{}",
        ran.err
    );
    assert_eq!(Client::default().line("audit -f --runtime http://127.0.0.1:1").code, 7);
}

#[test]
fn a_record_is_found_by_request_and_by_number_and_explained() {
    let stub = Stub::start(|request| match request.query("requestId").as_deref() {
        Some("r-2") => {
            let full = json!({"timestamp": "2026-01-31T08:00:02Z", "eventType": "authz_denial", "principal": "alice",
                "lineage": {"delegatedBy": "bob", "delegationId": "d-1", "actor": {"sub": "carol"}},
                "sessionId": "s-1", "agentProfile": "clerk", "toolId": "shelf:addBook", "serviceId": "shelf",
                "targetBaseUrl": "https://api.example.test/", "decision": "denied", "reasonCode": "approval_required",
                "method": "POST", "path": "/books", "authScheme": "bearer", "requestSize": 1200, "statusCode": 201,
                "latencyMs": 12, "retryCount": 2, "requestId": "r-2", "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
                "errorCode": "approval_required", "catalogRevision": "c0ffee", "configIdentity": "/srv/.cli.json",
                "clientAddress": "192.0.2.7", "seq": 2, "prevHash": "aa".repeat(32), "later": {"x": "\u{1b}[31m"}});
            answer(200, &array(&[full.to_string()]))
        }
        Some(_) => answer(200, "[]"),
        None => lines(&format!("{}\n{}\n{}\n", record(1, "allowed"), record(3, "allowed"), record(4, "error"))),
    });
    let client = Client::of(&stub);
    let shown = client.line("audit show r-2 --format table");
    assert_eq!(shown.code, 0, "{}", shown.err);
    insta::assert_snapshot!("audit_show_full", shown.out);
    let by_number: Value = serde_json::from_str(&client.line("audit show 3").out).unwrap();
    assert_eq!(by_number["requestId"], "r-3");
    assert_eq!(stub.requests().last().unwrap().query("seq").as_deref(), Some("3"));
    for missing in ["audit show 2", "audit show 9", "audit show nope"] {
        let ran = client.line(missing);
        assert!(ran.code == 1 && ran.err.contains("There is no record"), "{missing}: {}", ran.err);
    }
}

#[test]
fn exports_have_every_format_and_appear_when_they_are_complete() {
    let stub = Stub::start(|request| match request.path() {
        "/v1/runtime/info" => answer(200, r#"{"contractVersion":"1.1","version":"9.9.9"}"#),
        _ if request.query("tool").as_deref() == Some("broken") => {
            Answer { missing: 10, ..lines(&format!("{}\n", record(1, "allowed"))) }
        }
        // A runtime that knows arrays only.
        _ if request.query("limit").is_some() => answer(200, &array(&[record(1, "allowed"), record(2, "denied")])),
        _ => lines(&format!("{}\n\nnot a record\n{}\n", record(1, "allowed"), record(2, "denied"))),
    });
    let client = Client::of(&stub);
    for (format, beginning, count) in [
        ("jsonl", "{\"timestamp\"", 2),
        ("csv", "seq,timestamp,", 3),
        ("ocsf", "{\"category_uid\":6", 2),
        ("cef", "CEF:0|open-cli|open-cli-toolbox|9.9.9|", 2),
    ] {
        let ran = client.line(&format!("audit export --output out.{format} --export-format {format}"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let summary: Value = serde_json::from_str(&ran.out).unwrap();
        let written = client.read(&format!("out.{format}"));
        assert!(written.starts_with(beginning) && written.lines().count() == count, "{written}");
        assert_eq!((&summary["records"], &summary["unreadable"]), (&2.into(), &1.into()));
        assert_eq!((summary["bytes"].as_u64(), &summary["format"]), (Some(written.len() as u64), &format.into()));
        assert!(ran.err.contains("1 line could not be read"), "{}", ran.err);
        let file = client.folder.path().join(format!("out.{format}"));
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(
        stub.requests().iter().any(|r| r.header("accept").is_some_and(|a| a.starts_with("application/x-ndjson")))
    );
    let piped = client.line("audit export --output - --export-format jsonl --decision denied --limit 5");
    assert_eq!((piped.code, piped.out), (0, format!("{}\n", record(2, "denied"))));
    let people = client.line("audit export --output out.jsonl --format table").out;
    assert!(people.starts_with("Wrote 2 records (") && people.contains("out.jsonl"), "{people}");

    let before = client.read("out.jsonl");
    let broken = client.line("audit export --output out.jsonl --tool broken");
    assert!(broken.code == 7 && broken.err.contains("closed before"), "{}", broken.err);
    assert_eq!(client.read("out.jsonl"), before);
    assert_eq!(client.line("audit export --output missing/out.jsonl").code, 1);
    let left: Vec<_> = std::fs::read_dir(client.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn traces_are_listed_by_what_is_wanted() {
    let stub = Stub::start(traced);
    let client = Client::of(&stub);
    let line = "trace list --since 1h --until 2099-01-01 --slow 1.5ms --errors --tool t --service s --limit 3";
    assert_eq!(client.line(line).code, 0);
    assert_eq!(client.line("trace list --all").code, 0);
    let requests = stub.requests();
    for (name, value) in [
        ("slowMs", "1.5"),
        ("errors", "true"),
        ("tool", "t"),
        ("service", "s"),
        ("limit", "3"),
        ("name", "runtime.tools.execute,runtime.refresh"),
    ] {
        assert_eq!(requests[0].query(name).as_deref(), Some(value));
    }
    assert!(requests[0].query("since").is_some() && requests[0].query("background").is_none());
    assert_eq!((requests[1].query("background").as_deref(), requests[1].query("name")), (Some("true"), None));
}
