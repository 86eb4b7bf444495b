//! One request on the wire, in its own span, and what its answer asks for.

use crate::body::{self, BodyFault};
use crate::connect::Uses;
use crate::error::{Fault, root_cause};
use crate::patience::Waiting;
use crate::route::Route;
use crate::upstream::Upstream;
use crate::wire::Wire;
use crate::{redirect, retry};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hyper_util::client::legacy;
use jiff::Timestamp;
use open_cli_contract::reach::Inside;
use open_cli_credentials::Credentials;
use open_cli_observe::{ActiveSpan, OpenSpan, Shown, SpanKind, Trace, semconv};
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// What came of one request.
pub(crate) enum Outcome {
    /// The answer stands.
    Answer { status: StatusCode, headers: HeaderMap, body: Bytes },
    /// Look elsewhere.
    Redirect { status: StatusCode, location: Vec<u8> },
    /// Try again after a while.
    Again { status: StatusCode, pause: Duration },
}

/// What matters for one request of a call.
pub(crate) struct Attempt<'a> {
    /// From 1.
    pub(crate) number: u32,
    /// The call may be repeated.
    pub(crate) may_repeat: bool,
    /// When the call must be over.
    pub(crate) deadline: Instant,
    /// For the span.
    pub(crate) path_template: &'a str,
    /// Kept out of the span.
    pub(crate) credentials: &'a Credentials,
    /// Which way.
    pub(crate) route: &'a Route,
    /// A redirect led to another origin.
    pub(crate) is_elsewhere: bool,
}

impl Upstream {
    /// Sends; ends within the deadline.
    pub(crate) async fn send(&self, wire: &Wire, attempt: &Attempt<'_>, trace: &Trace) -> Result<Outcome, Fault> {
        let mut span = trace.span("execution.attempt");
        span.write(|span| describe(span, wire, attempt));
        let exchange = self.exchange(wire, attempt, &mut span);
        let result = tokio::time::timeout_at(attempt.deadline, exchange).await.unwrap_or(Err(Fault::Timeout));
        if let Err(fault) = &result {
            span.set("error.type", fault.word());
            span.fail(fault.word());
        }
        span.end();
        result
    }

    async fn exchange(&self, wire: &Wire, attempt: &Attempt<'_>, span: &mut ActiveSpan) -> Result<Outcome, Fault> {
        let limits = &attempt.route.limits;
        let pool = attempt.route.pools(&self.shared, attempt.is_elsewhere).mine();
        let answer = Waiting::enter(&self.waiting).on(pool.request(wire.request(span.trace())));
        let response = match limits.first_byte_timeout {
            None => answer.await,
            Some(limit) => tokio::time::timeout(limit, answer).await.map_err(|_| Fault::FirstByte)?,
        }
        .map_err(fault_of)?;
        let (head, body) = response.into_parts();
        if let Some(uses) = head.extensions.get::<Uses>() {
            uses.count();
        }
        span.write(|span| {
            span.set("http.response.status_code", head.status.as_u16());
            if head.status.is_client_error() || head.status.is_server_error() {
                span.set("error.type", head.status.as_str());
                span.fail(head.status);
            }
        });
        if let Some(location) = redirect::location(head.status, &head.headers) {
            let location = location.to_vec();
            body::drain(body).await;
            return Ok(Outcome::Redirect { status: head.status, location });
        }
        if attempt.may_repeat
            && let Some(pause) =
                retry::pause(attempt.number, limits, head.status, &head.headers, Timestamp::now, fastrand::f64)
            && Instant::now() + pause < attempt.deadline
            && attempt.route.state.budget.spend()
        {
            body::drain(body).await;
            return Ok(Outcome::Again { status: head.status, pause });
        }
        match body::read(body, limits.max_response_bytes).await {
            Ok(body) => Ok(Outcome::Answer { status: head.status, headers: head.headers, body }),
            Err(BodyFault::TooLarge) => Err(Fault::TooLarge),
            // Bytes came, so it is no idle connection that was hung up.
            Err(BodyFault::Broken(error)) => Err(fault_of_hyper(&error, false)),
        }
    }
}

/// OpenTelemetry's HTTP client span, once for each request on the wire.
fn describe(span: &mut OpenSpan<'_>, wire: &Wire, attempt: &Attempt<'_>) {
    let method = semconv::method(wire.method.as_str());
    span.describe(SpanKind::Client, format_args!("{method} {}", attempt.path_template));
    span.set("http.request.method", method);
    span.set("server.address", wire.uri.host().unwrap_or_default());
    let default_port = if wire.uri.scheme_str() == Some("https") { 443 } else { 80 };
    span.set("server.port", wire.uri.port_u16().unwrap_or(default_port));
    match wire.harmless() {
        Some(uri) => span.set("url.full", Shown(uri)),
        None => span.set("url.full", wire.shown(attempt.credentials)),
    }
    span.set("url.template", attempt.path_template);
    if attempt.number > 1 {
        span.set("http.request.resend_count", attempt.number - 1);
    }
}

impl Fault {
    /// For the span: the message with the URL is the outer span's.
    fn word(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Reset { .. } => "connection closed",
            Self::Protocol(_) => "not HTTP",
            Self::TooLarge => "answer too large",
            Self::Timeout | Self::FirstByte => "timeout",
            Self::Forbidden(_) => "target forbidden",
            Self::CircuitOpen(_) => "circuit open",
            Self::Busy => "busy",
        }
    }
}

fn fault_of(error: legacy::Error) -> Fault {
    if error.is_connect() {
        if let Some(inside) = in_chain(&error, |error| error.downcast_ref::<Inside>()) {
            return Fault::Forbidden(inside.to_string());
        }
        let kind = in_chain(&error, |error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
        let transient = matches!(
            kind,
            Some(
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
            )
        );
        return Fault::Unreachable { cause: root_cause(&error), transient };
    }
    let reused = error.connect_info().is_some_and(|connected| {
        let mut extras = http::Extensions::new();
        connected.get_extras(&mut extras);
        extras.get::<Uses>().is_some_and(Uses::reused)
    });
    match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<hyper::Error>()) {
        Some(error) => fault_of_hyper(error, reused),
        None => Fault::Reset { cause: root_cause(&error), reused },
    }
}

/// The first in a chain of causes that is looked for; I/O errors hide what they hold from `source`.
fn in_chain<'a, T>(
    error: &'a (dyn std::error::Error + 'static),
    look: impl Fn(&'a (dyn std::error::Error + 'static)) -> Option<&'a T>,
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = look(error).or_else(|| held.and_then(|held| look(held))) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn fault_of_hyper(error: &hyper::Error, reused: bool) -> Fault {
    if error.is_parse() || is_misframed(error) {
        return Fault::Protocol(root_cause(error));
    }
    Fault::Reset { cause: root_cause(error), reused }
}

/// Broken chunk framing travels as an I/O error of its own kind; a socket has others.
fn is_misframed(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput))
}
