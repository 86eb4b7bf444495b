//! The call: attempts, redirects and pauses within one deadline (RT-1 to RT-7 as amended by weaknesses 4, 63, 64).
//! Dropping the future cancels the request on the wire.

use crate::connect::Connector;
use crate::error::Fault;
use crate::redirect;
use crate::result::{ToolResult, sort};
use crate::send::{Attempt, Outcome};
use crate::wire::Wire;
use crate::{ExecutionError, Limits};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use open_cli_credentials::Credentials;
use open_cli_observe::Trace;
use open_cli_request::FilledRequest;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

/// Largest head of an answer, and largest piece of a body that is read at once.
const RESPONSE_BUFFER_BYTES: usize = 256 * 1024;

/// Keeps connections alive.
type Pool = Client<Connector, Full<Bytes>>;

/// Sends calls to upstreams. One for the whole program. Each core has connections of its own, so that a thread that
/// serves callers finds its upstream's answer on its own runtime and no other thread has to be woken for it.
pub struct Upstream {
    pools: Vec<Pool>,
    /// Calls that wait for an answer.
    pub(crate) waiting: AtomicUsize,
    pub(crate) limits: Limits,
}

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    /// What to send.
    pub request: FilledRequest,
    /// As whom.
    pub credentials: &'a Credentials,
    /// Repeating it changes nothing more: it may be tried again.
    pub idempotent: bool,
    /// For spans.
    pub path_template: &'a str,
}

impl Upstream {
    /// A client with these bounds. Needs no runtime yet.
    pub fn new(limits: Limits) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = || {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(limits.idle_timeout)
                .pool_max_idle_per_host(limits.max_idle_per_host)
                .http1_max_buf_size(RESPONSE_BUFFER_BYTES)
                .build(Connector::new(&limits))
        };
        Self { pools: std::iter::repeat_with(pool).take(count).collect(), waiting: AtomicUsize::new(0), limits }
    }

    /// The pool of this thread.
    pub(crate) fn pool(&self) -> &Pool {
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        &self.pools[NUMBER.with(|number| number % self.pools.len())]
    }

    /// Calls the upstream. Any HTTP status is a result; an error means that there is no complete answer.
    pub async fn execute(&self, call: Call<'_>, trace: &Trace) -> Result<ToolResult, ExecutionError> {
        let mut span = trace.span("execution.http");
        let result = self.run(call, span.trace()).await;
        if trace.is_enabled() {
            let retries = match &result {
                Ok(result) => {
                    span.set("http.response.status_code", result.status);
                    result.retry_count
                }
                Err(error) => error.retry_count(),
            };
            span.set("retryCount", retries);
        }
        span.end_with(result)
    }

    async fn run(&self, call: Call<'_>, trace: &Trace) -> Result<ToolResult, ExecutionError> {
        let deadline = Instant::now() + self.limits.total_timeout;
        let credentials = call.credentials;
        let mut wire = Wire::new(call.request, credentials, trace)?;
        let mut number = 1;
        let mut redirects = 0;
        let mut was_hung_up = false;
        loop {
            let attempt = Attempt {
                number,
                may_repeat: call.idempotent,
                deadline,
                path_template: call.path_template,
                credentials,
            };
            let retry_count = number - 1;
            match self.send(&wire, &attempt, trace).await {
                Ok(Outcome::Answer { status, headers, body }) => {
                    return Ok(ToolResult {
                        status: status.as_u16(),
                        content_type: headers.get(CONTENT_TYPE).cloned(),
                        body: sort(&headers, body),
                        headers,
                        retry_count,
                    });
                }
                Ok(Outcome::Again(pause)) => {
                    tokio::time::sleep(pause).await;
                    number += 1;
                    redirects = 0;
                }
                Ok(Outcome::Redirect { status, location }) => {
                    let refused = |url, cause: &str| {
                        Err(ExecutionError::Redirects { url, cause: cause.to_owned(), retry_count })
                    };
                    wire = match redirect::follow(&wire, status, &location, credentials, trace) {
                        Ok(next) => next,
                        Err(refusal) => return refused(refusal.to, refusal.why),
                    };
                    redirects += 1;
                    if redirects > self.limits.max_redirects {
                        let cause = format!("{} redirects were followed already", self.limits.max_redirects);
                        return refused(wire.shown(credentials), &cause);
                    }
                }
                // A server may hang up an idle connection just when we send on it. Nothing was answered, so the
                // call is sent once more on another connection, if it may be.
                Err(Fault::Reset { reused: true, .. }) if call.idempotent && !was_hung_up => was_hung_up = true,
                Err(fault) => return Err(self.error(fault, &wire, credentials, retry_count)),
            }
        }
    }

    fn error(&self, fault: Fault, wire: &Wire, credentials: &Credentials, retry_count: u32) -> ExecutionError {
        let url = wire.shown(credentials);
        match fault {
            Fault::Unreachable(cause) => ExecutionError::Unreachable { url, cause, retry_count },
            Fault::Reset { cause, .. } => ExecutionError::Reset { url, cause, retry_count },
            Fault::Protocol(cause) => ExecutionError::Protocol { url, cause, retry_count },
            Fault::TooLarge => {
                ExecutionError::TooLarge { url, limit: self.limits.max_response_bytes, retry_count }
            }
            Fault::Timeout => ExecutionError::Timeout { url, limit: self.limits.total_timeout, retry_count },
        }
    }
}
