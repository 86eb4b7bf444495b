//! A bad network, and no way inside (issue 5, points 6 and 7).

mod support;

use http::{HeaderName, HeaderValue};
use open_cli_contract::problem::ErrorCode;
use open_cli_credentials::Credentials;
use open_cli_execution::{Limits, Reach};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::{Bench, Reply, Server, answer, filled, first_line, ok, tool};

fn nothing_inside() -> Bench {
    Bench::reaching(true, Reach::public_and([]), |_| {})
}

/// Every way to name this machine.
#[tokio::test]
async fn targets_inside_are_not_called_unless_they_are_allowed() {
    let server = Server::start(|_, _| ok()).await;
    let bench = nothing_inside();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "0x7f000001", "[::1]", "0.0.0.0"] {
        // The URL parser turns numbers of all kinds into addresses.
        let url = url::Url::parse(&format!("http://{host}:{}", server.port)).expect("a URL").to_string();
        let error = bench.get(url.trim_end_matches('/')).await.expect_err(host);
        assert_eq!(error.code(), ErrorCode::TargetForbidden, "{host}: {error}");
        assert!(error.to_string().contains("network.allowAddresses"), "{error}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0, "nothing was connected to");
    for allowed in ["loopback", "127.0.0.0/8"] {
        let bench = Bench::reaching(true, Reach::public_and([allowed]), |_| {});
        assert_eq!(bench.get(&server.url()).await.expect("allowed").status, 200);
    }
}

/// A connection that somebody else may use is not lent.
#[tokio::test]
async fn an_open_connection_of_another_service_is_no_way_inside() {
    let server = Server::start(|_, _| ok()).await;
    let operators = Bench::new();
    operators.get(&server.url()).await.expect("the operator's own target");
    let others = nothing_inside();
    let call = open_cli_execution::Call {
        request: filled(&tool(&server.url(), "GET", "/x"), &[], ""),
        credentials: &Credentials::none(),
        may_repeat: true,
        is_elsewhere: true,
        path_template: "/x",
    };
    // The same pool of the same program.
    let error = operators.upstream.execute(&others.route, call, &others.trace).await.expect_err("inside");
    assert_eq!((error.code(), server.requests().len()), (ErrorCode::TargetForbidden, 1), "{error}");
}

#[tokio::test]
async fn a_redirect_is_no_way_inside() {
    let inside = Server::start(|_, _| ok()).await;
    for host in ["127.0.0.1", "localhost"] {
        let location = format!("location: http://{host}:{}/secret\r\n", inside.port);
        let server = Server::start(move |_, _| answer("302 Found", &location, b"")).await;
        let bench = Bench::reaching(false, Reach::public_and([]), |_| {});
        let error = bench.get(&server.url()).await.expect_err(host);
        assert_eq!(error.code(), ErrorCode::TargetForbidden, "{error}");
    }
    assert!(inside.requests().is_empty());
    // Within the origin it is the operator's target still.
    let server =
        Server::start(|n, _| if n == 0 { answer("302 Found", "location: /b\r\n", b"") } else { ok() }).await;
    let bench = Bench::reaching(false, Reach::public_and([]), |_| {});
    assert_eq!(bench.get(&server.url()).await.expect("the same origin").status, 200);
}

/// For tools that are not idempotent the upstream sees each call at most once, whatever happens to it.
#[tokio::test]
async fn a_call_that_may_not_be_repeated_is_sent_once() {
    for reply in ["close", "reset", "half", "503", "502", "429", "late"] {
        let server = Server::start(move |_, _| match reply {
            "close" => Reply::Close(vec![]),
            "reset" => Reply::Reset(vec![]),
            "half" => Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
            "late" => Reply::Hang,
            status => answer(&format!("{status} No"), "retry-after: 0\r\n", b"no"),
        })
        .await;
        let bench = Bench::with(|limits| limits.first_byte_timeout = Some(Duration::from_millis(100)));
        let request = filled(&tool(&server.url(), "POST", "/x"), &[], "{}");
        let _ = bench.call(request, &Credentials::none(), false).await;
        assert_eq!(server.requests().len(), 1, "{reply}");
    }
}

#[tokio::test]
async fn faults_on_the_way_are_tried_again_when_that_changes_nothing() {
    for reply in ["close", "reset", "half-head", "late"] {
        let server = Server::start(move |n, _| match (n, reply) {
            (2.., _) => ok(),
            (_, "close") => Reply::Close(vec![]),
            (_, "reset") => Reply::Reset(vec![]),
            (_, "half-head") => Reply::Close(b"HTTP/1.1 200 OK\r\ncont".to_vec()),
            _ => Reply::Hang,
        })
        .await;
        let bench = Bench::with(|limits| limits.first_byte_timeout = Some(Duration::from_millis(100)));
        let result = bench.get(&server.url()).await.unwrap_or_else(|error| panic!("{reply}: {error}"));
        assert_eq!((result.status, result.retry_count, server.requests().len()), (200, 2, 3), "{reply}");
        assert_eq!(bench.route.stats().retries, 2);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_is_told_apart_from_a_slow_one() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let bench = Bench::with(|limits| {
        limits.first_byte_timeout = Some(Duration::from_millis(50));
        limits.max_attempts = 1;
    });
    let start = Instant::now();
    let error = bench.get(&server.url()).await.expect_err("late");
    assert_eq!(error.code(), ErrorCode::UpstreamTimeout);
    assert!(error.to_string().contains("firstByteTimeoutMs"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn retries_end_when_the_budget_is_spent() {
    let server = Server::start(|_, _| answer("503 Busy", "retry-after: 0\r\n", b"")).await;
    let bench = Bench::with(|limits| {
        (limits.retry_budget_percent, limits.breaker_failures) = (0, 0);
    });
    for _ in 0..10 {
        bench.get(&server.url()).await.expect("an answer");
    }
    assert_eq!(server.requests().len(), 10 + 10, "ten calls and ten retries");
}

#[tokio::test]
async fn an_upstream_that_fails_again_and_again_is_left_alone_for_a_while() {
    let server = Server::start(|n, _| if n < 3 { answer("503 Busy", "", b"") } else { ok() }).await;
    let bench = Bench::with(|limits| {
        limits.max_attempts = 1;
        limits.breaker_failures = 3;
        limits.breaker_open = Duration::from_millis(200);
    });
    for _ in 0..3 {
        assert_eq!(bench.get(&server.url()).await.expect("an answer").status, 503);
    }
    let error = bench.get(&server.url()).await.expect_err("open");
    assert_eq!(error.code(), ErrorCode::UpstreamCircuitOpen, "{error}");
    assert!(error.retry_after().is_some_and(|after| after <= Duration::from_millis(200)));
    assert_eq!(server.requests().len(), 3, "nothing was sent");
    let stats = bench.route.stats();
    assert_eq!((stats.breaker_opened, stats.breaker_refused, stats.is_open), (1, 1, true));
    tokio::time::sleep(Duration::from_millis(220)).await;
    assert_eq!(bench.get(&server.url()).await.expect("tried").status, 200);
    assert!(!bench.route.stats().is_open);
}

/// An upstream that asks for patience is well.
#[tokio::test]
async fn refusals_for_calling_too_often_do_not_open_the_breaker() {
    let server = Server::start(|_, _| answer("429 Slow", "retry-after: 0\r\n", b"")).await;
    let bench = Bench::with(|limits| limits.breaker_failures = 2);
    for _ in 0..3 {
        assert_eq!(bench.get(&server.url()).await.expect("an answer").status, 429);
    }
    assert_eq!((bench.route.stats().breaker_opened, server.requests().len()), (0, 9));
}

#[tokio::test]
async fn more_calls_than_places_wait_in_line_and_more_than_that_are_sent_away() {
    let server = Server::start(|n, _| if n == 0 { Reply::Hang } else { ok() }).await;
    let bench = Bench::with(|limits| {
        (limits.max_concurrent, limits.max_queued) = (1, 1);
        limits.queue_timeout = Duration::from_millis(100);
        limits.total_timeout = Duration::from_millis(300);
        limits.max_attempts = 1;
    });
    let url = server.url();
    let (first, second, third) = tokio::join!(
        bench.get(&url),
        async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            bench.get(&url).await
        },
        async {
            tokio::time::sleep(Duration::from_millis(40)).await;
            bench.get(&url).await
        }
    );
    assert_eq!(first.expect_err("hangs").code(), ErrorCode::UpstreamTimeout);
    for refused in [second, third] {
        let error = refused.expect_err("no place");
        assert_eq!(error.code(), ErrorCode::UpstreamBusy, "{error}");
        assert!(error.to_string().contains("network.maxConcurrent"), "{error}");
    }
    assert_eq!((bench.route.stats().queue_refused, server.requests().len()), (2, 1));
    assert_eq!(bench.get(&url).await.expect("there is a place again").status, 200);
}

/// What a route learned about an upstream outlives a change of its bounds.
#[tokio::test]
async fn the_state_of_an_upstream_survives_other_bounds() {
    let server = Server::start(|_, _| answer("503 Busy", "", b"")).await;
    let bench = Bench::with(|limits| (limits.max_attempts, limits.breaker_failures) = (1, 1));
    bench.get(&server.url()).await.expect("an answer");
    let changed = bench.route.with(Limits::default(), Reach::public_and([]));
    assert!(changed.stats().is_open);
}

/// Weakness 64: to another origin goes nothing of the caller's, in whatever header.
#[tokio::test]
async fn authorization_is_dropped_on_the_way_to_another_origin_even_where_it_is_allowed() {
    let other = Server::start(|_, _| ok()).await;
    let location = format!("location: {}/b\r\n", other.url());
    let server = Server::start(move |_, _| answer("302 Found", &location, b"")).await;
    let mut credentials = Credentials::none();
    credentials
        .headers
        .push((HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer hunter2")));
    let request = filled(&tool(&server.url(), "GET", "/x"), &[], "");
    Bench::new().call(request, &credentials, true).await.expect("a result");
    let seen = other.requests().remove(0);
    assert_eq!(first_line(&seen), "GET /b HTTP/1.1");
    assert!(!seen.contains("hunter2"), "{seen}");
}
