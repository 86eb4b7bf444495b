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
        /// The request, as it would have been known; empty when it was none to a runtime.
        request_id: String,
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
    /// Connected, but to something else.
    #[error("the server at {url} is not an open-cli runtime: {detail}")]
    NotARuntime {
        /// Base URL.
        url: String,
        /// What it answered.
        detail: String,
        /// The request.
        request_id: String,
    },
    /// The runtime said no.
    #[error("{}", .0.headline())]
    Refused(Box<Refusal>),
    /// Only a person can get the token.
    #[error("nobody is signed in to the runtime at {url}")]
    SignInRequired {
        /// Base URL.
        url: String,
    },
    /// Getting a token did not succeed.
    #[error("{what}: {detail}")]
    SignIn {
        /// What failed.
        what: String,
        /// Why; names no secret.
        detail: String,
    },
    /// The configuration does not lead to a token, or to what is needed to get one.
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
    /// A token was sent.
    pub had_token: bool,
    /// The configured token was not sent, because the runtime is not the one it was configured for.
    pub token_withheld: bool,
    /// The answer named its request, so the runtime may have a trace of it.
    pub is_named: bool,
}

/// What an answer of status 400 or more shows that no runtime of this contract sends; `None` when one may have sent
/// it. Other runtimes send plain text, so only what none of them sends counts: pages, foreign JSON, and a 404 or 405
/// in words that are not theirs.
pub(crate) fn foreign(status: u16, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if let Ok(problem) = serde_json::from_str::<serde_json::Value>(text) {
        let member = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let is_ours = member("type").starts_with(PROBLEM_TYPE) || ErrorCode::parse(member("code")).is_some();
        return (!is_ours)
            .then(|| format!("it answered with status {status} and JSON that is no error of a runtime"));
    }
    if is_page(text) {
        return Some(format!("it answered with status {status} and a web page"));
    }
    let first = text.split_whitespace().next().unwrap_or_default().trim_end_matches(':');
    let is_known = ErrorCode::parse(first).is_some() || text == TOOL_NOT_FOUND || text == CONFIG_REQUIRED;
    (matches!(status, 404 | 405) && !is_known)
        .then(|| format!("it answered with status {status}: the address does not exist there"))
}

/// HTML or XML.
pub(crate) fn is_page(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// Beginning of the `type` of every problem.
const PROBLEM_TYPE: &str = "urn:open-cli:error";
/// Whole answers of other runtimes.
const TOOL_NOT_FOUND: &str = "tool not found";
const CONFIG_REQUIRED: &str = "config query parameter is required";

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
        Self { problem, code, had_token: false, token_withheld, is_named: false }
    }

    fn from_text(status: u16, text: &str) -> Problem {
        let first = text.split_whitespace().next().unwrap_or_default().trim_end_matches(':');
        if let Some(code) = ErrorCode::parse(first) {
            let detail = text[first.len()..].trim_start_matches(':').trim();
            return *Problem::new(code, detail);
        }
        let code = match (status, text) {
            (404, TOOL_NOT_FOUND) => ErrorCode::ToolNotFound,
            (400, CONFIG_REQUIRED) => ErrorCode::ConfigRequired,
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
        let is_whole = text == TOOL_NOT_FOUND || text == CONFIG_REQUIRED;
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
    fn the_answer_of_another_server_is_told_from_that_of_a_runtime() {
        for (status, body, is_foreign) in [
            (404, "<!DOCTYPE html><p>not found", true),
            (502, "\u{feff} <html>", true),
            (404, "404 page not found", true),
            (404, "", true),
            (404, r#"{"detail":"Not Found"}"#, true),
            (401, r#"{"error":"who are you?"}"#, true),
            (405, "Method Not Allowed", true),
            (404, "not_found\n", false),
            (404, "tool not found", false),
            (404, r#"{"code":"trace_not_found"}"#, false),
            (418, r#"{"type":"urn:open-cli:error:later","code":"later"}"#, false),
            (502, "dial tcp: connection refused", false),
            (500, "", false),
        ] {
            assert_eq!(foreign(status, body.as_bytes()).is_some(), is_foreign, "{status} {body}");
        }
    }

    #[test]
    fn a_code_of_a_later_version_is_kept() {
        let refusal = Refusal::read(429, br#"{"code":"moon_phase_wrong","title":"Slow down"}"#, "", false);
        assert_eq!((refusal.code, refusal.headline()), (None, "Slow down".to_owned()));
    }
}
