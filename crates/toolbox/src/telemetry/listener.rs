//! `/metrics` on a listener of its own (`--metrics-addr`), for scrapers that must not reach the runtime.

use crate::http::body::Pieces;
use crate::http::metrics::answer;
use crate::http::origin;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use open_cli_metrics::Metrics;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Scrapers at once.
const MAX_CONNECTIONS: usize = 32;
/// Time a scraper has for its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause after the system refused to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let binds_loopback = listener.local_addr().is_ok_and(|addr| addr.ip().is_loopback());
    if !binds_loopback {
        tracing::warn!("the metrics can be read from other machines, and readers are not authenticated");
    }
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection for metrics could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let is_foreign = origin::check(request.headers(), binds_loopback, None).is_err();
                let response = match (request.method(), request.uri().path()) {
                    _ if is_foreign => {
                        let mut response =
                            Response::new(Pieces::one("The request comes from another web origin.\n"));
                        *response.status_mut() = StatusCode::FORBIDDEN;
                        response
                    }
                    (&Method::GET, "/metrics") => answer(&metrics, request.headers()),
                    (_, path) => {
                        let mut response = Response::new(Pieces::one("Only GET /metrics is served here.\n"));
                        *response.status_mut() = if path == "/metrics" {
                            StatusCode::METHOD_NOT_ALLOWED
                        } else {
                            StatusCode::NOT_FOUND
                        };
                        response
                    }
                };
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection for metrics ended early");
            }
        });
    }
}
