//! Accepting connections, and letting them go in order: at shutdown no new request is taken, those under way finish
//! within a deadline, idle connections close at once.

use crate::http as endpoints;
use crate::state::State;
use crate::workers::Workers;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Time a client has for its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Largest request line with headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Most header lines.
const MAX_HEADERS: usize = 100;
/// Pause after the system refused to accept (no file descriptors left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections of a runtime.
pub(crate) struct Server {
    /// `None` once the drain began.
    listener: Option<TcpListener>,
    state: Arc<State>,
    workers: Workers,
    /// One permit a connection.
    places: Arc<Semaphore>,
    close: watch::Sender<Closing>,
}

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Closing {
    /// Not begun.
    Open,
    /// No new requests; those under way finish.
    Draining,
    /// What is still under way is dropped.
    Cut,
}

/// Time for connections that are cut off to be let go.
const CUT_TIMEOUT: Duration = Duration::from_millis(500);

impl Server {
    pub(crate) fn new(listener: TcpListener, workers: Workers, state: Arc<State>) -> Self {
        let places = Arc::new(Semaphore::new(state.settings.max_connections.min(Semaphore::MAX_PERMITS)));
        Self { listener: Some(listener), workers, state, places, close: watch::Sender::new(Closing::Open) }
    }

    /// Serves until the future ends. Never fails: a connection that breaks is its client's matter.
    pub(crate) async fn accept_until(&self, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => return,
                () = self.accept_one() => {}
            }
        }
    }

    async fn accept_one(&self) {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
        let Some(listener) = &self.listener else { return std::future::pending().await };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for more to send.
                let _ = stream.set_nodelay(true);
                // The thread that serves the connection must be the one that hears from its socket.
                match stream.into_std() {
                    Ok(stream) => {
                        self.workers.spawn(connection(
                            stream,
                            peer,
                            Arc::clone(&self.state),
                            place,
                            self.close.subscribe(),
                        ));
                    }
                    Err(error) => tracing::warn!(%error, "a connection could not be handed over"),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    /// Closes idle connections, waits for the others until the deadline; true when all were done.
    pub(crate) async fn drain(&mut self, deadline: Duration) -> bool {
        self.listener = None;
        self.close.send_replace(Closing::Draining);
        self.all_gone(deadline).await
    }

    /// Drops every connection, and with it the calls that are under way.
    pub(crate) async fn cut(&self) {
        self.close.send_replace(Closing::Cut);
        self.all_gone(CUT_TIMEOUT).await;
    }

    async fn all_gone(&self, deadline: Duration) -> bool {
        let all = u32::try_from(self.state.settings.max_connections).unwrap_or(u32::MAX);
        tokio::time::timeout(deadline, self.places.acquire_many(all)).await.is_ok()
    }
}

/// One connection, for the metrics.
struct Counted(Arc<State>);

impl Counted {
    fn one(state: &Arc<State>) -> Self {
        state.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    stream: std::net::TcpStream,
    peer: SocketAddr,
    state: Arc<State>,
    _place: OwnedSemaphorePermit,
    mut close: watch::Receiver<Closing>,
) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be taken over");
            return;
        }
    };
    let _counted = Counted::one(&state);
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(endpoints::serve(state, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = closing(&mut close, Closing::Draining) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                result = connection.as_mut() => result,
                () = closing(&mut close, Closing::Cut) => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends when the runtime has come this far, or is gone.
async fn closing(close: &mut watch::Receiver<Closing>, step: Closing) {
    let _ = close.wait_for(|reached| *reached >= step).await;
}
