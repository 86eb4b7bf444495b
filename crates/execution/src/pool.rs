//! Connections that are kept open. Each core has connections of its own, so that a thread that serves callers finds its
//! upstream's answer on its own runtime and no other thread has to be woken for it.

use crate::connect::Connector;
use crate::{Limits, Reach};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Largest head of an answer, and largest piece of a body that is read at once.
const RESPONSE_BUFFER_BYTES: usize = 256 * 1024;

/// Keeps connections alive.
pub(crate) type Pool = Client<Connector, Full<Bytes>>;

/// One pool a core.
pub(crate) struct Pools(Vec<Pool>);

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pools").field(&self.0.len()).finish()
    }
}

impl Pools {
    /// Needs no runtime yet. Connections lead only to where `reach` allows.
    pub(crate) fn new(limits: &Limits, reach: &Reach) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = || {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(limits.idle_timeout)
                .pool_max_idle_per_host(limits.max_idle_per_host)
                .http1_max_buf_size(RESPONSE_BUFFER_BYTES)
                .build(Connector::new(limits, reach))
        };
        Self(std::iter::repeat_with(pool).take(count).collect())
    }

    /// The pool of this thread.
    pub(crate) fn mine(&self) -> &Pool {
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        &self.0[NUMBER.with(|number| number % self.0.len())]
    }
}
