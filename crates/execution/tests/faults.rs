//! Upstreams that fail, each in its own way, and what the caller is told.

mod support;

use http::{HeaderName, HeaderValue};
use open_cli_contract::problem::ErrorCode;
use open_cli_credentials::Credentials;
use secrecy::SecretString;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::{Bench, Reply, Server, filled, first_line, ok, tool};
use tokio::net::TcpListener;

#[tokio::test]
async fn each_fault_has_its_code() {
    let server = Server::start(|_, request| match first_line(request) {
        "GET /hang HTTP/1.1" => Reply::Hang,
        "GET /half-hang HTTP/1.1" => Reply::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        "GET /close HTTP/1.1" => Reply::Close(vec![]),
        "GET /half-head HTTP/1.1" => Reply::Close(b"HTTP/1.1 200 OK\r\ncont".to_vec()),
        "GET /half HTTP/1.1" => Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        "GET /half-chunks HTTP/1.1" => {
            Reply::Close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{".to_vec())
        }
        "GET /reset HTTP/1.1" => Reply::Reset(vec![]),
        "GET /half-reset HTTP/1.1" => Reply::Reset(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        "GET /garbage HTTP/1.1" => Reply::Close(b"220 mail.example ESMTP\r\n".to_vec()),
        "GET /bad-chunks HTTP/1.1" => {
            Reply::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{".to_vec())
        }
        "GET /many-headers HTTP/1.1" => {
            let headers = (0..200).map(|n| format!("h{n}: x\r\n")).collect::<String>();
            Reply::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes())
        }
        "GET /announced HTTP/1.1" => Reply::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n".to_vec()),
        line => panic!("{line}"),
    })
    .await;
    for (path, code) in [
        ("/hang", ErrorCode::UpstreamTimeout),
        ("/half-hang", ErrorCode::UpstreamTimeout),
        ("/close", ErrorCode::UpstreamReset),
        ("/half-head", ErrorCode::UpstreamReset),
        ("/half", ErrorCode::UpstreamReset),
        ("/half-chunks", ErrorCode::UpstreamReset),
        ("/reset", ErrorCode::UpstreamReset),
        ("/half-reset", ErrorCode::UpstreamReset),
        ("/garbage", ErrorCode::UpstreamProtocol),
        ("/bad-chunks", ErrorCode::UpstreamProtocol),
        ("/many-headers", ErrorCode::UpstreamProtocol),
        ("/announced", ErrorCode::UpstreamTooLarge),
    ] {
        let bench = Bench::with(|limits| limits.total_timeout = Duration::from_millis(400));
        let request = filled(&tool(&server.url(), "GET", path), &[], "");
        let error = bench.call(request, &Credentials::none(), false).await.expect_err(path);
        assert_eq!(error.code(), code, "{path}: {error}");
        assert_eq!(error.retry_count(), 0);
        assert!(error.to_string().contains(path), "{error}");
        let spans = bench.recorder.spans();
        assert!(
            spans.iter().all(|span| span.error.as_deref().is_some_and(|e| e != "cancelled")),
            "{path}: {spans:?}"
        );
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let server = Server::start(move |_, _| Reply::Flood(head.clone())).await;
    let error = Bench::new().get(&server.url()).await.expect_err("too large");
    assert_eq!(error.code(), ErrorCode::UpstreamTooLarge);
    assert!(error.to_string().contains("--max-response-bytes"), "{error}");
    assert!(server.flooded.load(Ordering::SeqCst) < 40_000_000, "reading stops early");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    for server in [format!("http://127.0.0.1:{port}"), "http://nothing.invalid".into()] {
        let error = Bench::new().get(&server).await.expect_err("unreachable");
        assert_eq!(error.code(), ErrorCode::UpstreamUnreachable, "{error}");
        assert!(error.to_string().contains(&server), "{error}");
    }
}

#[tokio::test]
async fn tls_against_a_plain_server_is_unreachable() {
    let server = Server::start(|_, _| ok()).await;
    let error = Bench::new().get(&server.url().replace("http", "https")).await.expect_err("no TLS");
    assert_eq!(error.code(), ErrorCode::UpstreamUnreachable, "{error}");
}

/// A server that accepts and never speaks TLS.
#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("address").port();
    let bench = Bench::with(|limits| limits.connect_timeout = Duration::from_millis(300));
    let start = Instant::now();
    let error = bench.get(&format!("https://127.0.0.1:{port}")).await.expect_err("no handshake");
    assert_eq!(error.code(), ErrorCode::UpstreamUnreachable, "{error}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

/// A reused connection may be dead without anybody's fault; a call that may be repeated does not fail for it.
#[tokio::test]
async fn an_idle_connection_that_was_hung_up_costs_idempotent_calls_nothing() {
    let server = Server::start(|n, _| if n == 1 { Reply::Close(vec![]) } else { ok() }).await;
    let bench = Bench::new();
    bench.get(&server.url()).await.expect("first");
    let second = bench.get(&server.url()).await.expect("sent again on a fresh connection");
    assert_eq!((second.retry_count, server.requests().len()), (0, 3));

    let server = Server::start(|n, _| if n == 1 { Reply::Close(vec![]) } else { ok() }).await;
    bench.get(&server.url()).await.expect("first");
    let request = filled(&tool(&server.url(), "POST", "/x"), &[], "{}");
    let error = bench.call(request, &Credentials::none(), false).await.expect_err("may have taken effect");
    assert_eq!((error.code(), server.requests().len()), (ErrorCode::UpstreamReset, 2));
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let server = Server::start(|_, _| Reply::Close(vec![])).await;
    let mut credentials = Credentials::none();
    credentials.query.push(("shibboleth".into(), SecretString::from("hunter2")));
    credentials.cookies.push(("c".into(), SecretString::from("hunter2")));
    credentials.headers.push((HeaderName::from_static("x-key"), HeaderValue::from_static("hunter2")));
    let bench = Bench::new();
    let request = filled(&tool(&server.url(), "GET", "/x?token=hunter2&page=2"), &[], "");
    let error = bench.call(request, &credentials, true).await.expect_err("closed");
    let text = format!("{error} {error:?} {:?}", bench.recorder.spans());
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("page=2"), "{text}");
}
