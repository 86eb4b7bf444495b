//! Connections to upstreams: plain TCP at once, TLS set up when an `https` upstream is first called. Each
//! connection counts the answers it gave, so that a failure on a reused one can be told from a fresh one.

use crate::resolve::Resolver;
use crate::tls::LazyTls;
use crate::{Limits, Reach};
use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

/// TCP keep-alive: finds dead peers behind idle connections.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Answers a connection has given. Travels with the connection and with each answer.
#[derive(Clone, Default)]
pub(crate) struct Uses(Arc<AtomicU32>);

impl Uses {
    /// Counts an answer.
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    /// True when the connection has served before.
    pub(crate) fn reused(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Connector {
    http: HttpConnector<Resolver>,
    tls: LazyTls,
    timeout: Duration,
    reach: Arc<Reach>,
}

impl Connector {
    pub(crate) fn new(limits: &Limits, reach: &Reach) -> Self {
        let reach = Arc::new(reach.clone());
        let mut http = HttpConnector::new_with_resolver(Resolver::new(Arc::clone(&reach)));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(TCP_KEEPALIVE));
        http.set_connect_timeout(Some(limits.connect_timeout));
        Self { tls: LazyTls::new(http.clone()), http, timeout: limits.connect_timeout, reach }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Self { mut http, tls, timeout, reach } = self.clone();
        Box::pin(async move {
            // An address instead of a name is not resolved.
            if let Some(Err(inside)) = to.host().map(|host| reach.check_host(host)) {
                return Err(inside.into());
            }
            let connecting = async {
                if to.scheme() == Some(&Scheme::HTTPS) {
                    return tls.connector().await?.call(to).await;
                }
                Ok(MaybeHttpsStream::Http(http.call(to).await?))
            };
            match tokio::time::timeout(timeout, connecting).await {
                Ok(inner) => Ok(Stream { inner: inner?, uses: Uses::default() }),
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no connection within {} s", timeout.as_secs_f64()),
                )
                .into()),
            }
        })
    }
}

/// A connection.
pub(crate) struct Stream {
    inner: MaybeHttpsStream<TokioIo<TcpStream>>,
    uses: Uses,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.uses.clone())
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<(), io::Error>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }
}
