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
            Self::Timeout { .. } => ErrorCode::UpstreamTimeout,
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
            | Self::Timeout { retry_count, .. } => *retry_count,
            Self::Credentials(_) | Self::Request(_) => 0,
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
    Unreachable(String),
    /// `reused`: on a connection that had served before, so the server may just have hung up while it was idle.
    Reset {
        cause: String,
        reused: bool,
    },
    Protocol(String),
    TooLarge,
    Timeout,
}

/// The innermost cause says most; what wraps it only repeats that something failed.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
