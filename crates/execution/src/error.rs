//! Why a call has no result. Messages name the URL without its secrets, what happened and what to do.

use open_cli_contract::problem::ErrorCode;
use open_cli_credentials::CredentialsError;
use open_cli_request::UrlTooLong;
use std::time::Duration;

/// A call that has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are the same everywhere: redacted URL, cause, retries so far")]
pub enum ExecutionError {
    /// No connection: name, address, port, TLS or too slow.
    #[error("can't connect to {url}: {cause}; check that the API is up and that the server URL is right")]
    Unreachable { url: String, cause: String, retry_count: u32 },
    /// The connection ended before the answer did.
    #[error(
        "{url} closed the connection before it answered in full ({cause}); whether the call took effect is unknown"
    )]
    Reset { url: String, cause: String, retry_count: u32 },
    /// The answer is not HTTP.
    #[error("the answer of {url} is not valid HTTP ({cause}); check that the server URL points at the API")]
    Protocol { url: String, cause: String, retry_count: u32 },
    /// The answer is larger than accepted.
    #[error("the answer of {url} is larger than {limit} bytes; ask for less, or raise `--max-response-bytes`")]
    TooLarge { url: String, limit: u64, retry_count: u32 },
    /// A redirect that is not followed.
    #[error("the redirect to {url} is not followed: {cause}; check the server URL")]
    Redirects { url: String, cause: String, retry_count: u32 },
    /// The time for the whole call is over.
    #[error("{url} did not answer within {} s; try again, or raise `--upstream-timeout`", .limit.as_secs_f64())]
    Timeout { url: String, limit: Duration, retry_count: u32 },
    /// The head of the answer did not come in time.
    #[error(
        "{url} did not begin to answer within {} s; try again, or raise network.firstByteTimeoutMs", .limit.as_secs_f64()
    )]
    FirstByte { url: String, limit: Duration, retry_count: u32 },
    /// The target is inside, and nobody who may say so chose it.
    #[error(
        "{url} is not called: {cause}, and the description that names it is not the operator's own; to allow it, set \
         network.allowAddresses of the source"
    )]
    Forbidden { url: String, cause: String, retry_count: u32 },
    /// The circuit breaker is open.
    #[error("{url} failed again and again and is left alone for another {} s; nothing was sent", .retry_after.as_secs_f64().ceil())]
    CircuitOpen { url: String, retry_after: Duration, retry_count: u32 },
    /// Too many calls are under way to this upstream.
    #[error(
        "{limit} calls of {url} are under way and {queued} wait, which is as many as may; try again, or raise \
         network.maxConcurrent or network.maxQueued; nothing was sent"
    )]
    Busy { url: String, limit: usize, queued: usize, retry_count: u32 },
    /// The credentials could not be resolved; nothing was sent.
    #[error("{0}")]
    Credentials(#[from] CredentialsError),
    /// The request can't be expressed; nothing was sent.
    #[error("the request can't be sent: {0}")]
    Request(String),
}

impl ExecutionError {
    /// The code it is answered with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unreachable { .. } => ErrorCode::UpstreamUnreachable,
            Self::Reset { .. } => ErrorCode::UpstreamReset,
            Self::Protocol { .. } => ErrorCode::UpstreamProtocol,
            Self::TooLarge { .. } => ErrorCode::UpstreamTooLarge,
            Self::Redirects { .. } => ErrorCode::UpstreamRedirects,
            Self::Timeout { .. } | Self::FirstByte { .. } => ErrorCode::UpstreamTimeout,
            Self::Forbidden { .. } => ErrorCode::TargetForbidden,
            Self::CircuitOpen { .. } => ErrorCode::UpstreamCircuitOpen,
            Self::Busy { .. } => ErrorCode::UpstreamBusy,
            Self::Credentials(error) => error.code(),
            Self::Request(_) => ErrorCode::ExecutionError,
        }
    }

    /// Retries after 429 or 503 before it failed.
    pub fn retry_count(&self) -> u32 {
        match self {
            Self::Unreachable { retry_count, .. }
            | Self::Reset { retry_count, .. }
            | Self::Protocol { retry_count, .. }
            | Self::TooLarge { retry_count, .. }
            | Self::Redirects { retry_count, .. }
            | Self::Timeout { retry_count, .. }
            | Self::FirstByte { retry_count, .. }
            | Self::Forbidden { retry_count, .. }
            | Self::CircuitOpen { retry_count, .. }
            | Self::Busy { retry_count, .. } => *retry_count,
            Self::Credentials(_) | Self::Request(_) => 0,
        }
    }
}

impl ExecutionError {
    /// When trying again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CircuitOpen { retry_after, .. } => Some(*retry_after),
            Self::Busy { .. } => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<UrlTooLong> for ExecutionError {
    fn from(error: UrlTooLong) -> Self {
        Self::Request(error.to_string())
    }
}

/// What went wrong with one request on the wire, before the URL and the retries are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `transient`: the other side refused, which it may not a moment later.
    Unreachable {
        cause: String,
        transient: bool,
    },
    /// `reused`: on a connection that had served before, so the server may just have hung up while it was idle.
    Reset {
        cause: String,
        reused: bool,
    },
    Protocol(String),
    TooLarge,
    Timeout,
    FirstByte,
    Forbidden(String),
    CircuitOpen(Duration),
    Busy,
}

impl Fault {
    /// Nothing says that the next attempt ends alike.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { transient: true, .. } | Self::Reset { .. } | Self::FirstByte)
    }

    /// The upstream itself is in trouble.
    pub(crate) fn is_the_upstreams(&self) -> bool {
        self.is_transient() || matches!(self, Self::Unreachable { .. } | Self::Timeout | Self::Protocol(_))
    }
}

/// The innermost cause says most; what wraps it only repeats that something failed.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
