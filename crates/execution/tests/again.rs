//! Redirects and retries (RT-1 to RT-5 as amended by weaknesses 63 and 64).

mod support;

use http::{HeaderName, HeaderValue};
use open_cli_contract::problem::ErrorCode;
use open_cli_credentials::Credentials;
use open_cli_execution::ExecutionError;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use support::{Bench, Reply, Server, answer, filled, first_line, header, ok, tool};

fn to(status: u16, location: &str) -> Reply {
    answer(&format!("{status} Elsewhere"), &format!("location: {location}\r\n"), b"moved")
}

fn credentials() -> Credentials {
    let mut credentials = Credentials::none();
    credentials.headers.push((HeaderName::from_static("x-key"), HeaderValue::from_static("hunter2")));
    credentials.headers.push((http::header::AUTHORIZATION, HeaderValue::from_static("Bearer hunter2")));
    credentials.query.push(("shibboleth".into(), SecretString::from("hunter2")));
    credentials.cookies.push(("session".into(), SecretString::from("hunter2")));
    credentials
}

/// RT-5.
#[tokio::test]
async fn methods_and_bodies_change_as_the_status_says() {
    for (method, status, expected_line, with_body) in [
        ("GET", 301, "GET /b HTTP/1.1", false),
        ("GET", 302, "GET /b HTTP/1.1", false),
        ("GET", 307, "GET /b HTTP/1.1", false),
        ("HEAD", 303, "HEAD /b HTTP/1.1", false),
        ("POST", 301, "GET /b HTTP/1.1", false),
        ("PUT", 302, "GET /b HTTP/1.1", false),
        ("DELETE", 303, "GET /b HTTP/1.1", false),
        ("POST", 307, "POST /b HTTP/1.1", true),
        ("PATCH", 308, "PATCH /b HTTP/1.1", true),
    ] {
        let server = Server::start(move |n, _| if n == 0 { to(status, "/b") } else { ok() }).await;
        let body = if matches!(method, "GET" | "HEAD") { "" } else { "{}" };
        let request = filled(&tool(&server.url(), method, "/a"), &[("x-tenant", "t"), ("sid", "1")], body);
        let result = Bench::new().call(request, &credentials(), false).await.expect("a result");
        assert_eq!((result.status, result.retry_count), (200, 0));
        let seen = server.requests().remove(1);
        assert_eq!(first_line(&seen), expected_line, "{method} {status}");
        assert_eq!(seen.ends_with("{}"), with_body, "{method} {status}");
        assert_eq!(header(&seen, "content-type").is_some(), with_body, "{method} {status}");
        // The same origin: the same caller.
        assert_eq!(header(&seen, "x-key"), Some("hunter2"));
        assert_eq!(header(&seen, "x-tenant"), Some("t"));
    }
}

/// Weakness 64.
#[tokio::test]
async fn nothing_of_the_caller_goes_to_another_origin() {
    let other = Server::start(|n, _| if n == 0 { to(302, "/c?shibboleth=hunter2&page=3") } else { ok() }).await;
    let location = format!("http://user:pw@127.0.0.1:{}/b?shibboleth=hunter2&page=2#f", other.port);
    let server = Server::start(move |_, _| to(302, &location)).await;
    let request = filled(&tool(&server.url(), "GET", "/a"), &[("x-tenant", "t"), ("sid", "hunter2")], "");
    let bench = Bench::new();
    bench.call(request, &credentials(), true).await.expect("a result");
    let seen = other.requests();
    assert_eq!(first_line(&seen[0]), "GET /b?page=2 HTTP/1.1");
    for request in &seen[..1] {
        assert!(!request.contains("hunter2"), "{request}");
    }
    for request in &seen {
        for name in ["authorization", "x-key", "x-tenant", "cookie"] {
            assert_eq!(header(request, name), None, "{name}");
        }
        for name in ["accept", "user-agent", "x-request-id", "traceparent"] {
            assert!(header(request, name).is_some(), "{name}");
        }
    }
    let attempts = bench.recorder.spans().iter().filter(|span| span.name == "execution.attempt").count();
    assert_eq!(attempts, 3, "one span for each request on the wire");
}

#[tokio::test]
async fn redirects_that_are_not_followed_say_where_they_led() {
    let other = Server::start(|_, _| ok()).await;
    let elsewhere = format!("http://127.0.0.1:{}/b", other.port);
    for (method, status, location, words) in [
        ("POST", 307, elsewhere.as_str(), "another origin"),
        ("PUT", 308, elsewhere.as_str(), "another origin"),
        ("GET", 302, "ftp://h.example/b", "ftp://h.example/b"),
        ("GET", 302, "http://[", "no URL"),
        ("GET", 302, "/loop?token=hunter2", "5 redirects were followed already"),
    ] {
        let target = location.to_owned();
        let server = Server::start(move |_, _| to(status, &target)).await;
        let body = if method == "GET" { "" } else { "{}" };
        let request = filled(&tool(&server.url(), method, "/a"), &[], body);
        let error = Bench::new().call(request, &credentials(), true).await.expect_err(location);
        assert_eq!(error.code(), ErrorCode::UpstreamRedirects, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let expected = if location.starts_with("/loop") { 6 } else { 1 };
        assert_eq!(server.requests().len(), expected, "{location}");
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_without_location_and_a_304_are_answers() {
    for status in ["302 Found", "304 Not Modified", "300 Multiple Choices"] {
        let server = Server::start(move |_, _| {
            Reply::Send(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into())
        })
        .await;
        let result = Bench::new().get(&server.url()).await.expect("a result");
        assert_eq!(result.status.to_string(), status[..3]);
    }
}

/// RT-1, RT-4, weakness 63.
#[tokio::test]
async fn idempotent_calls_are_tried_three_times_and_others_once() {
    for (refusals, status, idempotent, expected, retries) in [
        (1, "429 Slow", true, 200, 1),
        (2, "503 Busy", true, 200, 2),
        (9, "429 Slow", true, 429, 2),
        (9, "503 Busy", false, 503, 0),
        (9, "500 Oops", true, 500, 0),
        (2, "502 Oops", true, 200, 2),
        (9, "504 Late", true, 504, 2),
    ] {
        let server = Server::start(move |n, _| if n < refusals { answer(status, "", b"no") } else { ok() }).await;
        let bench = Bench::new();
        let request = filled(&tool(&server.url(), "PUT", "/a"), &[], "{}");
        let start = Instant::now();
        let result = bench.call(request, &Credentials::none(), idempotent).await.expect("a result");
        assert_eq!((result.status, result.retry_count), (expected, retries), "{status} {idempotent}");
        assert_eq!(server.requests().len() as u32, retries + 1);
        assert!(server.requests().iter().all(|request| request.ends_with("{}")), "the body each time");
        let pauses = [0, 50, 150][retries as usize];
        assert!(start.elapsed() >= Duration::from_millis(pauses));
        let spans = bench.recorder.spans();
        let attempts = spans.iter().filter(|span| span.name == "execution.attempt");
        let resends: Vec<_> =
            attempts.map(|span| span.value("http.request.resend_count").and_then(|v| v.as_int())).collect();
        assert_eq!(resends, [None, Some(1), Some(2)][..=retries as usize]);
        let parents: Vec<_> =
            server.requests().iter().map(|r| header(r, "traceparent").map(str::to_owned)).collect();
        assert!(parents.windows(2).all(|pair| pair[0] != pair[1]), "each attempt is its own parent");
    }
}

#[tokio::test]
async fn retry_after_is_waited_for_within_reason() {
    let server =
        Server::start(|n, _| if n == 0 { answer("429 Slow", "retry-after: 1\r\n", b"") } else { ok() }).await;
    let start = Instant::now();
    assert_eq!(Bench::new().get(&server.url()).await.expect("a result").retry_count, 1);
    assert!(start.elapsed() >= Duration::from_secs(1));

    // Longer than the limit, and longer than the call may take: the answer stands.
    for header in ["retry-after: 3600\r\n", "retry-after: 5\r\n"] {
        let server = Server::start(move |_, _| answer("429 Slow", header, b"later")).await;
        let start = Instant::now();
        let result = Bench::new().get(&server.url()).await.expect("a result");
        assert_eq!((result.status, result.retry_count), (429, 0));
        assert!(start.elapsed() < Duration::from_secs(1));
        assert!(result.visible_headers().any(|(name, _)| name == "retry-after"));
    }
}

#[tokio::test]
async fn an_error_after_a_retry_tells_how_many_there_were() {
    let server =
        Server::start(|n, _| if n == 0 { answer("503 Busy", "", b"") } else { Reply::Close(b"x".to_vec()) }).await;
    let error: ExecutionError = Bench::new().get(&server.url()).await.expect_err("closed");
    assert_eq!((error.retry_count(), server.requests().len()), (1, 2), "{error}");
}
