//! What is sent and what becomes of the answer (catalog-and-execution §20.2, §22).

mod support;

use http::{HeaderName, HeaderValue};
use open_cli_credentials::Credentials;
use open_cli_execution::{ResultBody, ToolResult};
use open_cli_observe::{SpanKind, Value};
use secrecy::SecretString;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::{Bench, Reply, Server, answer, filled, first_line, header, ok, tool};

/// HX-11, W61, and the trace context.
#[tokio::test]
async fn the_upstream_sees_arguments_credentials_and_who_asks() {
    let server = Server::start(|_, _| ok()).await;
    let bench = Bench::new();
    let mut credentials = Credentials::none();
    credentials.headers.push((HeaderName::from_static("x-tenant"), HeaderValue::from_static("of-credentials")));
    credentials.query.push(("api_key".into(), SecretString::from("k &")));
    credentials.cookies.push(("session".into(), SecretString::from("s")));
    let flags = [("q", "a b"), ("x-tenant", "of-caller"), ("sid", "1")];
    let request = filled(&tool(&server.url(), "POST", "/x"), &flags, "{\"a\":1}");
    bench.call(request, &credentials, true).await.expect("a result");

    let seen = server.requests().remove(0);
    assert_eq!(first_line(&seen), "POST /x?api_key=k+%26&q=a+b HTTP/1.1");
    let host = format!("127.0.0.1:{}", server.port);
    let attempt = bench.recorder.spans()[0].clone();
    let parent = format!("00-{}-{}-01", attempt.trace_id, attempt.span_id);
    for (name, expected) in [
        ("host", host.as_str()),
        ("accept", "application/json, */*;q=0.8"),
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("cookie", "sid=1; session=s"),
        ("x-tenant", "of-credentials"),
        ("x-request-id", "r-1"),
        ("traceparent", &parent),
        ("user-agent", concat!("open-cli-toolbox/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(header(&seen, name), Some(expected), "{name}");
    }
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"));
    assert_eq!(seen.matches("\r\ncookie: ").count() + seen.matches("\r\nx-tenant: ").count(), 2);
}

#[tokio::test]
async fn spans_describe_the_attempt_and_carry_no_secret() {
    let server = Server::start(|_, _| answer("404 Not Found", "", b"no")).await;
    let bench = Bench::new();
    let mut credentials = Credentials::none();
    credentials.query.push(("shibboleth".into(), SecretString::from("hunter2")));
    let request = filled(&tool(&server.url(), "GET", "/x"), &[], "");
    bench.call(request, &credentials, true).await.expect("a result");
    let spans = bench.recorder.spans();
    assert_eq!(spans.iter().map(|span| span.name).collect::<Vec<_>>(), ["execution.attempt", "execution.http"]);
    assert_eq!(spans[0].parent_span_id, Some(spans[1].span_id));
    for (name, expected) in [
        ("http.request.method", "GET"),
        ("server.address", "127.0.0.1"),
        ("url.template", "/x"),
        ("error.type", "404"),
        ("url.full", &format!("{}/x?shibboleth=REDACTED", server.url())),
    ] {
        assert_eq!(spans[0].attribute(name), Some(expected), "{name}");
    }
    assert_eq!(spans[0].value("http.response.status_code"), Some(&Value::Int(404)));
    assert_eq!((spans[0].kind, spans[0].title()), (SpanKind::Client, "GET /x"));
    assert!(!format!("{spans:?}").contains("hunter2"));
}

/// §22.
#[tokio::test]
async fn every_complete_answer_is_a_result() {
    let server = Server::start(|_, request| match first_line(request) {
        "GET /json HTTP/1.1" => answer("200 OK", "content-type: application/json\r\n", b" {\"b\": 1}\n"),
        "GET /broken HTTP/1.1" => answer("200 OK", "content-type: application/json\r\n", b"{\"b\": "),
        "GET /none HTTP/1.1" => Reply::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        "GET /empty HTTP/1.1" => answer("200 OK", "", b""),
        "HEAD /head HTTP/1.1" => Reply::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec()),
        "GET /text HTTP/1.1" => {
            answer("502 Bad Gateway", "content-type: text/plain; charset=utf-8\r\n", b"no lamps")
        }
        "GET /latin HTTP/1.1" => answer("200 OK", "content-type: text/plain; charset=iso-8859-1\r\n", b"caf\xe9"),
        "GET /binary HTTP/1.1" => answer("200 OK", "content-type: image/png\r\n", b"\x89PNG\0"),
        "GET /chunked HTTP/1.1" => Reply::Send(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[1\r\n3\r\n,2]\r\n0\r\nx-sum: 1\r\n\r\n"
                .to_vec(),
        ),
        "GET /until-end HTTP/1.1" => Reply::Close(b"HTTP/1.0 200 OK\r\n\r\nbye".to_vec()),
        "GET /later HTTP/1.1" => Reply::Send(
            b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"
                .to_vec(),
        ),
        line => panic!("{line}"),
    })
    .await;
    let json = |text: &'static str| ResultBody::Json(text.into());
    for (method, path, status, content_type, body) in [
        ("GET", "/json", 200, Some("application/json"), json("{\"b\": 1}")),
        ("GET", "/broken", 200, Some("application/json"), ResultBody::Text("{\"b\": ".into())),
        ("GET", "/none", 204, None, ResultBody::Empty),
        ("GET", "/empty", 200, None, ResultBody::Empty),
        ("HEAD", "/head", 200, None, ResultBody::Empty),
        ("GET", "/text", 502, Some("text/plain; charset=utf-8"), ResultBody::Text("no lamps".into())),
        ("GET", "/latin", 200, Some("text/plain; charset=iso-8859-1"), ResultBody::Text("café".into())),
        ("GET", "/binary", 200, Some("image/png"), ResultBody::Binary(b"\x89PNG\0".as_slice().into())),
        ("GET", "/chunked", 200, None, json("[1,2]")),
        ("GET", "/until-end", 200, None, ResultBody::Text("bye".into())),
        ("GET", "/later", 200, None, json("1")),
    ] {
        let request = filled(&tool(&server.url(), method, path), &[], "");
        let result = Bench::new().call(request, &Credentials::none(), false).await.expect(path);
        assert_eq!(result.status, status, "{path}");
        assert_eq!(result.content_type_text(), content_type, "{path}");
        assert_eq!(result.body, body, "{path}");
        assert_eq!(result.retry_count, 0);
    }
}

/// Weakness 69.
#[tokio::test]
async fn headers_are_kept_but_for_those_of_the_connection_and_cookies() {
    let headers = "x-ratelimit-left: 3\r\nset-cookie: a=b\r\nkeep-alive: timeout=5\r\nlink: </2>; rel=next\r\n";
    let server = Server::start(move |_, _| answer("200 OK", headers, b"1")).await;
    let result: ToolResult = Bench::new().get(&server.url()).await.expect("a result");
    let names: Vec<_> = result.visible_headers().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-ratelimit-left", "link"]);
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let server = Server::start(|n, _| if n == 3 { answer("503 No", "", b"later") } else { ok() }).await;
    let bench = Bench::new();
    for _ in 0..20 {
        bench.get(&server.url()).await.expect("a result");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert_eq!(server.requests().len(), 21);
}

#[tokio::test]
async fn concurrent_calls_do_not_mix() {
    let server = Server::start(|_, request| {
        let page =
            first_line(request).split("q=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        answer("200 OK", "", page.as_bytes())
    })
    .await;
    let bench = Bench::new();
    let tool = tool(&server.url(), "GET", "/x");
    let none = Credentials::none();
    let calls: Vec<_> = (0..30).map(|n| n.to_string()).collect();
    let calls = calls.iter().map(|page| async {
        let result = bench.call(filled(&tool, &[("q", page)], ""), &none, true).await.expect("a result");
        assert_eq!(result.body, ResultBody::Json(page.clone().into()));
    });
    let mut set = Vec::new();
    for call in calls {
        set.push(Box::pin(call));
    }
    futures_join(set).await;
}

/// Polls all to their end.
async fn futures_join<F: Future<Output = ()> + Unpin>(mut futures: Vec<F>) {
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| std::pin::Pin::new(future).poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn dropping_the_call_cancels_it_upstream() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let bench = Bench::new();
    let cancelled = tokio::time::timeout(Duration::from_millis(200), bench.get(&server.url())).await;
    assert!(cancelled.is_err(), "still waiting");
    for _ in 0..100 {
        if server.gone.load(Ordering::SeqCst) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((server.requests().len(), server.gone.load(Ordering::SeqCst)), (1, 1));
    assert!(bench.recorder.spans().iter().all(|span| span.error.as_deref() == Some("cancelled")));
}
