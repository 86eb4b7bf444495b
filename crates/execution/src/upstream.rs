//! The call: attempts, redirects and pauses within one deadline (RT-1 to RT-7 as amended by weaknesses 4, 63, 64).
//! Dropping the future cancels the request on the wire.

use crate::error::Fault;
use crate::places::Busy;
use crate::redirect;
use crate::result::{ToolResult, sort};
use crate::retry;
use crate::route::{Route, Shared};
use crate::send::{Attempt, Outcome};
use crate::wire::Wire;
use crate::{ExecutionError, Limits};
use http::header::CONTENT_TYPE;
use open_cli_credentials::Credentials;
use open_cli_observe::Trace;
use open_cli_request::FilledRequest;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

/// Sends calls to upstreams. One for the whole program.
pub struct Upstream {
    pub(crate) shared: Shared,
    /// Calls that wait for an answer.
    pub(crate) waiting: AtomicUsize,
}

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    /// What to send.
    pub request: FilledRequest,
    /// As whom.
    pub credentials: &'a Credentials,
    /// Repeating it changes nothing more: it may be tried again.
    pub may_repeat: bool,
    /// A description that the operator did not write names the target.
    pub is_elsewhere: bool,
    /// For spans.
    pub path_template: &'a str,
}

impl Upstream {
    /// A client; `limits` are those of routes without wishes of their own. Needs no runtime yet.
    pub fn new(limits: Limits) -> Self {
        Self { shared: Shared::new(limits), waiting: AtomicUsize::new(0) }
    }

    /// Calls the upstream. Any HTTP status is a result; an error means that there is no complete answer.
    pub async fn execute(
        &self,
        route: &Route,
        call: Call<'_>,
        trace: &Trace,
    ) -> Result<ToolResult, ExecutionError> {
        let mut span = trace.span("execution.http");
        let result = self.run(route, call, span.trace()).await;
        span.write(|span| {
            let retries = match &result {
                Ok(result) => {
                    span.set("http.response.status_code", result.status);
                    result.retry_count
                }
                Err(error) => error.retry_count(),
            };
            span.set("retryCount", retries);
        });
        span.end_with(result)
    }

    async fn run(&self, route: &Route, call: Call<'_>, trace: &Trace) -> Result<ToolResult, ExecutionError> {
        let limits = &route.limits;
        let deadline = Instant::now() + limits.total_timeout;
        let credentials = call.credentials;
        let mut wire = Wire::new(call.request, credentials, trace)?;
        route.state.budget.earn(limits.retry_budget_percent);
        let mut number = 1;
        let mut redirects = 0;
        let mut was_hung_up = false;
        let mut is_elsewhere = call.is_elsewhere;
        loop {
            let attempt = Attempt {
                number,
                may_repeat: call.may_repeat,
                deadline,
                path_template: call.path_template,
                credentials,
                route,
                is_elsewhere,
            };
            let retry_count = number - 1;
            let pause = match self.attempt(&wire, &attempt, trace).await {
                Ok(Outcome::Answer { status, headers, body }) => {
                    return Ok(ToolResult {
                        status: status.as_u16(),
                        content_type: headers.get(CONTENT_TYPE).cloned(),
                        body: sort(&headers, body),
                        headers,
                        retry_count,
                    });
                }
                Ok(Outcome::Again { pause, .. }) => pause,
                Ok(Outcome::Redirect { status, location }) => {
                    let refused = |url, cause: &str| {
                        Err(ExecutionError::Redirects { url, cause: cause.to_owned(), retry_count })
                    };
                    let next = match redirect::follow(&wire, status, &location, credentials, trace) {
                        Ok(next) => next,
                        Err(refusal) => return refused(refusal.to, refusal.why),
                    };
                    is_elsewhere |= next.uri.authority() != wire.uri.authority();
                    wire = next;
                    redirects += 1;
                    if redirects > limits.max_redirects {
                        let cause = format!("{} redirects were followed already", limits.max_redirects);
                        return refused(wire.shown(credentials), &cause);
                    }
                    continue;
                }
                // A server may hang up an idle connection just when we send on it. Nothing was answered, so the
                // call is sent once more on another connection, if it may be.
                Err(Fault::Reset { reused: true, .. }) if call.may_repeat && !was_hung_up => {
                    was_hung_up = true;
                    continue;
                }
                Err(fault) => {
                    let again = call.may_repeat && fault.is_transient() && number < limits.max_attempts;
                    let pause = retry::backoff(number, fastrand::f64);
                    if !again || Instant::now() + pause >= deadline || !route.state.budget.spend() {
                        return Err(error(fault, &wire, route, credentials, retry_count));
                    }
                    pause
                }
            };
            route.state.retried();
            tokio::time::sleep(pause).await;
            number += 1;
            redirects = 0;
        }
    }

    /// One request, when the upstream is well and has a place for it.
    async fn attempt(&self, wire: &Wire, attempt: &Attempt<'_>, trace: &Trace) -> Result<Outcome, Fault> {
        let (route, limits) = (attempt.route, &attempt.route.limits);
        let leave = route.state.breaker.admit().map_err(|open| {
            route.state.breaker_refused();
            Fault::CircuitOpen(open.0)
        })?;
        let _place = self.place(attempt, trace).await?;
        let result = self.send(wire, attempt, trace).await;
        let failed = match &result {
            Ok(
                Outcome::Answer { status, .. } | Outcome::Redirect { status, .. } | Outcome::Again { status, .. },
            ) => is_trouble(status.as_u16()),
            Err(fault) => fault.is_the_upstreams(),
        };
        if !failed {
            leave.succeeded();
        } else if leave.failed(limits.breaker_failures, limits.breaker_open) {
            route.state.breaker_opened();
        }
        result
    }

    async fn place<'a>(&self, attempt: &Attempt<'a>, trace: &Trace) -> Result<SemaphorePermit<'a>, Fault> {
        let (places, limits) = (&attempt.route.places, &attempt.route.limits);
        if let Some(place) = places.free() {
            return Ok(place);
        }
        let span = trace.span("execution.queue");
        let left = attempt.deadline.saturating_duration_since(Instant::now());
        let waited = places.wait(limits.max_queued, limits.queue_timeout.min(left)).await;
        span.end_with(waited).map_err(|Busy| {
            attempt.route.state.queue_refused();
            Fault::Busy
        })
    }
}

/// The upstream answers that it can't answer.
fn is_trouble(status: u16) -> bool {
    matches!(status, 502..=504)
}

fn error(fault: Fault, wire: &Wire, route: &Route, credentials: &Credentials, retry_count: u32) -> ExecutionError {
    let url = wire.shown(credentials);
    let limits = &route.limits;
    match fault {
        Fault::Unreachable { cause, .. } => ExecutionError::Unreachable { url, cause, retry_count },
        Fault::Reset { cause, .. } => ExecutionError::Reset { url, cause, retry_count },
        Fault::Protocol(cause) => ExecutionError::Protocol { url, cause, retry_count },
        Fault::TooLarge => ExecutionError::TooLarge { url, limit: limits.max_response_bytes, retry_count },
        Fault::Timeout => ExecutionError::Timeout { url, limit: limits.total_timeout, retry_count },
        Fault::FirstByte => ExecutionError::FirstByte {
            url,
            limit: limits.first_byte_timeout.unwrap_or(Duration::MAX),
            retry_count,
        },
        Fault::Forbidden(cause) => ExecutionError::Forbidden { url, cause, retry_count },
        Fault::CircuitOpen(retry_after) => ExecutionError::CircuitOpen { url, retry_after, retry_count },
        Fault::Busy => {
            ExecutionError::Busy { url, limit: limits.max_concurrent, queued: limits.max_queued, retry_count }
        }
    }
}
