//! The extension point: an embedder's observer sees the contract's spans and events, with parents
//! (config-and-state §6.2, §6.3).

use open_cli_observe::{Event, Recorder, Span, SpanKind, Value};
use open_cli_toolbox::{Serves, Settings, Toolbox};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DESCRIPTION: &str = r#"{"openapi":"3.1.0","info":{"title":"Lamps","version":"1"},"servers":[{"url":"SERVER"}],
  "paths":{"/lamps":{"get":{"operationId":"listLamps","responses":{}}},
           "/lamps/{id}":{"delete":{"operationId":"breakLamp","parameters":[{"name":"id","in":"path","required":true}],
                          "x-cli-safety":{"requiresApproval":true},"responses":{}}}}}"#;

/// A server that knows the description at `/api.json` and answers `[]` to everything else.
async fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let server = url.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let mut head = vec![0; 8192];
                while let Ok(n @ 1..) = stream.read(&mut head).await {
                    let is_description = head[..n].starts_with(b"GET /api.json");
                    let body = if is_description { DESCRIPTION.replace("SERVER", &server) } else { "[]".into() };
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

async fn send(address: &str, request_line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    let request = format!(
        "{request_line} HTTP/1.1\r\nHost: {address}\r\nX-Request-ID: r-1\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    answer
}

fn settings(dir: &Path, config: &str) -> Settings {
    let path = dir.join(".cli.json");
    std::io::Write::write_all(&mut std::fs::File::create(&path).expect("create"), config.as_bytes())
        .expect("write");
    Settings {
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        state_dir: Some(dir.join("state")),
        ..Settings::new(Serves::Config(path))
    }
}

fn config(uri: &str) -> String {
    format!(
        r#"{{"cli":"1","mode":{{"default":"discover"}},"sources":{{"s":{{"type":"openapi","uri":"{uri}"}}}},"services":{{"lamps":{{"source":"s"}}}}}}"#
    )
}

/// Spans so far, once one of this name is among them: observers are told on a thread of their own.
async fn spans_with(recorder: &Recorder, name: &str) -> Vec<Arc<Span>> {
    for _ in 0..500 {
        let spans = recorder.spans();
        if spans.iter().any(|span| span.name == name) {
            return spans;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no span {name} in {:#?}", recorder.spans());
}

fn named<'a>(spans: &'a [Arc<Span>], name: &str) -> Vec<&'a Arc<Span>> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn event<'a>(events: &'a [Event], name: &str, operation: &str) -> &'a Event {
    events
        .iter()
        .find(|event| event.name == name && event.operation == operation)
        .unwrap_or_else(|| panic!("no event {name} {operation} in {events:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedders_observer_sees_every_stage_with_its_parent() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = tempfile::tempdir().expect("temp dir");
    let url = upstream().await;
    let recorder = Arc::new(Recorder::default());
    let settings = settings(dir.path(), &config(&format!("{url}/api.json?token=s3cret")));
    let running = Toolbox::builder(settings).observer(recorder.clone()).start().await.expect("starts");
    let address = running.url().trim_start_matches("http://").to_owned();
    let stop = running.stopper();
    let serving = tokio::spawn(running.wait());

    send(&address, "GET /v1/catalog/effective", "").await;
    // The build was nobody's request: its spans are a tree of their own.
    let spans = spans_with(&recorder, "runtime.catalog.effective").await;
    let build = named(&spans, "catalog.build")[0];
    assert_eq!(build.parent_span_id, None);
    let service = named(&spans, "catalog.service")[0];
    assert_eq!(service.parent_span_id, Some(build.span_id));
    let load = named(&spans, "documents.load")[0];
    assert_eq!(load.parent_span_id, Some(service.span_id));
    let fetch = named(&spans, "cache.fetch")[0];
    assert_eq!((fetch.parent_span_id, fetch.attribute("method")), (Some(load.span_id), Some("GET")));
    assert!(!format!("{spans:?}").contains("s3cret"), "URLs are redacted");
    let fetched = event(&recorder.events(), "cache.fetch", "GET").clone();
    assert_eq!((fetched.cache_outcome.map(|o| o.as_str()), fetched.status_code), (Some("miss"), 200));
    let catalog = event(&recorder.events(), "runtime.catalog.effective", "catalog.effective").clone();
    assert_eq!((catalog.status_code, catalog.request_id.as_str()), (200, "r-1"));
    assert!(catalog.duration.is_some());

    recorder.clear();
    send(&address, "POST /v1/tools/execute", r#"{"toolId":"lamps:listLamps"}"#).await;
    let spans = spans_with(&recorder, "runtime.tools.execute").await;
    let root = named(&spans, "runtime.tools.execute")[0];
    assert_eq!((root.attribute("requestId"), &root.error), (Some("r-1"), &None));
    let http = named(&spans, "execution.http")[0];
    assert_eq!(http.parent_span_id, Some(root.span_id));
    let attempt = named(&spans, "execution.attempt")[0];
    assert_eq!(attempt.parent_span_id, Some(http.span_id));
    for stage in ["catalog.current", "policy.decide", "audit.append"] {
        assert_eq!(named(&spans, stage)[0].parent_span_id, Some(root.span_id), "{stage}");
    }
    assert_eq!((root.kind, root.title()), (SpanKind::Server, "POST /v1/tools/execute"));
    assert_eq!(root.value("http.response.status_code"), Some(&Value::Int(200)));
    assert_eq!((attempt.kind, attempt.title()), (SpanKind::Client, "GET /lamps"));
    assert!(spans.iter().all(|span| span.trace_id == root.trace_id && span.attribute("requestId") == Some("r-1")));
    let executed = event(&recorder.events(), "runtime.tools.execute", "lamps:listLamps").clone();
    assert_eq!((executed.service.as_str(), executed.status_code, &*executed.error_category), ("lamps", 200, ""));

    recorder.clear();
    send(&address, "POST /v1/tools/execute", r#"{"toolId":"lamps:nothing"}"#).await;
    spans_with(&recorder, "runtime.tools.execute").await;
    assert_eq!(
        event(&recorder.events(), "runtime.tools.execute", "lamps:nothing").error_category,
        "tool_not_found"
    );
    assert!(named(&recorder.spans(), "runtime.tools.execute")[0].error.is_some());

    recorder.clear();
    send(&address, "POST /v1/tools/execute", r#"{"toolId":"lamps:breakLamp","pathArgs":["1"]}"#).await;
    spans_with(&recorder, "runtime.tools.execute").await;
    assert_eq!(
        event(&recorder.events(), "runtime.tools.execute", "lamps:breakLamp").error_category,
        "approval_required"
    );
    let refused = named(&recorder.spans(), "runtime.tools.execute")[0].clone();
    // A refusal is no error of the span; weakness 68 asks for the outcome, and here it is.
    assert_eq!((&refused.error, refused.attribute("policy.decision")), (&None, Some("approval_required")));
    assert_eq!(refused.attribute("error.type"), Some("approval_required"));

    recorder.clear();
    send(&address, "POST /v1/refresh", "").await;
    let spans = spans_with(&recorder, "runtime.refresh").await;
    let refresh = named(&spans, "runtime.refresh")[0];
    assert_eq!(named(&spans, "catalog.build")[0].parent_span_id, Some(refresh.span_id));
    assert_eq!(event(&recorder.events(), "runtime.refresh", "refresh").status_code, 200);

    stop();
    assert_eq!(serving.await.expect("ends"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_fails_is_told_as_such() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = tempfile::tempdir().expect("temp dir");
    let recorder = Arc::new(Recorder::default());
    let settings = settings(dir.path(), &config("http://127.0.0.1:1/api.json"));
    let running = Toolbox::builder(settings).observer(recorder.clone()).start().await.expect("starts");
    let address = running.url().trim_start_matches("http://").to_owned();
    let answer = {
        let serving = tokio::spawn(running.wait());
        let answer = send(&address, "GET /v1/catalog/effective", "").await;
        spans_with(&recorder, "runtime.catalog.effective").await;
        serving.abort();
        answer
    };
    assert!(answer.contains("source_failed"), "{answer}");
    assert_eq!(event(&recorder.events(), "cache.fetch", "GET").error_category, "transport_error");
    assert!(named(&recorder.spans(), "cache.fetch")[0].error.is_some());
}
