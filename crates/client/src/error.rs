//! What can go wrong between this program and the runtime, named after what it means for the caller.

use open_cli_contract::problem::{ErrorCode, Problem};
use std::time::Duration;

/// Why a call to the runtime gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No source names a runtime.
    #[error("no runtime is configured")]
    NoRuntime,
    /// The URL can't be used.
    #[error("the runtime URL {url:?} is not valid: {reason}")]
    InvalidUrl {
        /// As given, secrets masked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection.
    #[error("the runtime at {url} can't be reached: {detail}")]
    Unreachable {
        /// Base URL.
        url: String,
        /// What the network said.
        detail: String,
    },
    /// Connected, but no complete answer in time.
    #[error("the runtime at {url} did not answer within {} s", .after.as_secs_f32())]
    TimedOut {
        /// Base URL.
        url: String,
        /// How long was waited.
        after: Duration,
        /// The request.
        request_id: String,
    },
    /// Connected, but what came back is not an answer of this contract.
    #[error("the runtime at {url} gave an answer that can't be used: {detail}")]
    BadAnswer {
        /// Base URL.
        url: String,
        /// What is wrong with it.
        detail: String,
        /// The request.
        request_id: String,
    },
    /// The runtime said no.
    #[error("{}", .0.headline())]
    Refused(Box<Refusal>),
    /// `runtime.remote.oauth` asks for what this version can't do.
    #[error("{what} of runtime.remote.oauth is not supported by this version yet")]
    SignInUnsupported {
        /// As configured.
        what: String,
    },
    /// `tokenRef` does not lead to a token.
    #[error("{reason}")]
    Token {
        /// What is wrong; names the variable, never its value.
        reason: String,
    },
}

/// A refusal of the runtime: a status of 400 or more.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The problem, completed from status and text when the runtime sent plain text.
    pub problem: Problem,
    /// Its code, when it is one of the closed list.
    pub code: Option<ErrorCode>,
    /// The configured token was not sent, because the runtime is not the one it was configured for.
    pub token_withheld: bool,
}

impl Refusal {
    /// What happened, one line.
    pub fn headline(&self) -> String {
        if !self.problem.title.is_empty() { self.problem.title.clone() } else { self.problem.code.clone() }
    }

    /// Reads a refusal from problem JSON, or from plain text as other runtimes send it: the trimmed body is the code,
    /// or starts with it, or is a sentence.
    pub(crate) fn read(status: u16, body: &[u8], request_id: &str, token_withheld: bool) -> Self {
        let mut problem = match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if !problem.code.is_empty() => problem,
            _ => Self::from_text(status, String::from_utf8_lossy(body).trim()),
        };
        let code = ErrorCode::parse(&problem.code);
        problem.status = status;
        if let Some(code) = code {
            if problem.title.is_empty() {
                problem.title = code.title().into();
            }
            if problem.hint.is_empty() {
                problem.hint = code.hint().into();
            }
        }
        if problem.request_id.is_empty() {
            problem.request_id = request_id.to_owned();
        }
        Self { problem, code, token_withheld }
    }

    fn from_text(status: u16, text: &str) -> Problem {
        let first = text.split_whitespace().next().unwrap_or_default().trim_end_matches(':');
        if let Some(code) = ErrorCode::parse(first) {
            let detail = text[first.len()..].trim_start_matches(':').trim();
            return *Problem::new(code, detail);
        }
        let code = match (status, text) {
            (404, "tool not found") => ErrorCode::ToolNotFound,
            (400, "config query parameter is required") => ErrorCode::ConfigRequired,
            (401, _) => ErrorCode::AuthnFailed,
            (403, _) => ErrorCode::AuthzDenied,
            (404, _) => ErrorCode::NotFound,
            (405, _) => ErrorCode::MethodNotAllowed,
            (409, _) => ErrorCode::RuntimeAttachMismatch,
            (501, _) => ErrorCode::NotConfigured,
            (502, _) => ErrorCode::ExecutionError,
            (504, _) => ErrorCode::UpstreamTimeout,
            (400..=499, _) => ErrorCode::InvalidRequest,
            _ => ErrorCode::Internal,
        };
        let is_whole = text == "tool not found" || text == "config query parameter is required";
        *Problem::new(code, if is_whole { "" } else { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_and_plain_text_give_the_same_refusal() {
        for (status, body, code, detail) in [
            (403, "approval_required\n", "approval_required", ""),
            (404, "tool not found", "tool_not_found", ""),
            (404, "tool_not_found No tool \"a:b\".\n", "tool_not_found", "No tool \"a:b\"."),
            (401, "authn_failed", "authn_failed", ""),
            (502, "dial tcp: refused", "execution_error", "dial tcp: refused"),
            (418, "", "invalid_request", ""),
            (503, "<html>", "internal", "<html>"),
            (403, r#"{"code":"policy_deny","detail":"rule shelf:*"}"#, "policy_deny", "rule shelf:*"),
            (500, r#"{"unrelated":true}"#, "internal", r#"{"unrelated":true}"#),
        ] {
            let refusal = Refusal::read(status, body.as_bytes(), "r1", false);
            assert_eq!(refusal.problem.code, code, "{body}");
            assert_eq!(refusal.problem.detail, detail, "{body}");
            assert_eq!(refusal.problem.request_id, "r1");
            assert!(!refusal.headline().is_empty() && !refusal.problem.hint.is_empty());
        }
    }

    #[test]
    fn a_code_of_a_later_version_is_kept() {
        let refusal = Refusal::read(429, br#"{"code":"rate_limited","title":"Slow down"}"#, "", false);
        assert_eq!((refusal.code, refusal.headline()), (None, "Slow down".to_owned()));
    }
}
