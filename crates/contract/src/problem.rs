//! The closed list of error codes and the RFC 9457 problem they travel in (deviation 4).
//! The table in `docs/errors.md` is generated from [`ErrorCode::ALL`].

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($variant:ident $code:literal $status:literal $title:literal $hint:literal;)*) => {
        /// Every code the runtime answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $(#[doc = $title] $variant,)* }

        impl ErrorCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];
            /// The stable word.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
            /// HTTP status it is sent with.
            pub fn status(self) -> u16 { match self { $(Self::$variant => $status,)* } }
            /// What it means, one line.
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title,)* } }
            /// What to do about it, one sentence.
            pub fn hint(self) -> &'static str { match self { $(Self::$variant => $hint,)* } }
            /// The code for a word.
            pub fn parse(word: &str) -> Option<Self> { match word { $($code => Some(Self::$variant),)* _ => None } }
        }
    };
}

codes! {
    InvalidRequest "invalid_request" 400 "The request is not what this endpoint takes"
        "Correct the request as the detail says.";
    InvalidArguments "invalid_arguments" 400 "The arguments do not fit the tool"
        "Look at the tool's inputs with `open-cli explain <tool>`.";
    ConfigRequired "config_required" 400 "The request names no configuration and the runtime has none of its own"
        "Name a configuration below the folder the runtime serves (`--config-root`).";
    ConfigInvalid "config_invalid" 400 "The configuration can't be read or is not valid"
        "Correct the configuration; the diagnostics name file, line and column.";
    CatalogFailed "catalog_failed" 400 "No catalog could be built from the configuration"
        "Correct the sources the detail names.";
    AuthnFailed "authn_failed" 401 "The caller could not be authenticated"
        "Sign in, or send a valid bearer token.";
    AuthzDenied "authz_denied" 403 "The caller's scopes do not include this"
        "Ask for a token with the scope that covers the tool.";
    ManagedDeny "managed_deny" 403 "The managed policy denies this tool"
        "Ask whoever manages this machine's policy; it can't be overridden here.";
    PolicyDeny "policy_deny" 403 "The policy denies this tool"
        "See `policy.deny` in the configuration.";
    CuratedDeny "curated_deny" 403 "The tool is not in the curated tool set"
        "Use another agent profile, or add the tool to its tool set.";
    ToolQuarantined "tool_quarantined" 403 "The tool is not what it was when it was pinned"
        "Have an operator look at the difference and accept it: `open-cli-toolbox catalog accept`.";
    ApprovalRequired "approval_required" 403 "The tool needs an approval"
        "Look at the request, then send it again with `--approval`.";
    TargetForbidden "target_forbidden" 403 "The tool leads to an address that descriptions from elsewhere may not name"
        "If it is meant to be called, allow the address with `network.allowAddresses` of the source.";
    RateLimited "rate_limited" 429 "A rate limit of the policy is reached"
        "Try again after the time that the header Retry-After names.";
    UnvalidatedDenied "unvalidated_denied" 403 "The policy allows no call whose arguments are not checked"
        "Leave out `--no-validate`, or ask for `policy.allowUnvalidated`; an overlay mends a description that is wrong.";
    OriginDenied "origin_denied" 403 "The request comes from another web origin"
        "Call the runtime directly, not from a web page of another origin.";
    NotFound "not_found" 404 "There is no such endpoint"
        "See docs/http-api.md for the endpoints.";
    ToolNotFound "tool_not_found" 404 "The catalog has no such tool"
        "List the tools with `open-cli catalog list`.";
    WorkflowNotFound "workflow_not_found" 404 "The catalog has no such workflow"
        "List the workflows with `open-cli workflow list`.";
    RevisionUnknown "revision_unknown" 404 "The runtime does not know this revision of the catalog"
        "The last revisions are known; `open-cli catalog diff` without one lists them.";
    TraceNotFound "trace_not_found" 404 "No request that is still known has this id"
        "Traces are kept for a bounded time; see `open-cli trace list`.";
    MethodNotAllowed "method_not_allowed" 405 "The endpoint does not take this method"
        "Use a method that the header Allow lists.";
    RequestTimeout "request_timeout" 408 "The request body did not arrive in time"
        "Send the whole body within half a minute.";
    RuntimeAttachMismatch "runtime_attach_mismatch" 409 "The runtime serves another configuration"
        "Leave the configuration out, or set runtime.remote.requestConfigPath to the path the runtime uses.";
    RuntimeAttachConflict "runtime_attach_conflict" 409 "Another session holds this exclusive runtime"
        "Wait until it ends, or use a runtime of your own.";
    RequestTooLarge "request_too_large" 413 "The request body is larger than the runtime accepts"
        "Send less, or raise `--max-request-bytes`.";
    UnsupportedMediaType "unsupported_media_type" 415 "The request body is not JSON"
        "Send `Content-Type: application/json`.";
    HeadersTooLarge "headers_too_large" 431 "The request headers are larger than the runtime accepts"
        "Send fewer or shorter headers.";
    Internal "internal" 500 "The runtime failed"
        "Report it with the request id; the runtime's log has the detail.";
    NotConfigured "not_configured" 501 "This runtime does not offer that"
        "Use a runtime where it is configured.";
    ExecutionError "execution_error" 502 "The tool could not be executed"
        "See the detail and the trace of the request.";
    CredentialsUnavailable "credentials_unavailable" 502 "The upstream's credentials can't be resolved"
        "Set up the secret the detail names, on the machine that runs the toolbox.";
    UpstreamUnreachable "upstream_unreachable" 502 "The upstream can't be reached"
        "Check that the API is up and that the server URL is right.";
    UpstreamReset "upstream_reset" 502 "The upstream closed the connection before it answered in full"
        "Try again; whether the call took effect is unknown.";
    UpstreamProtocol "upstream_protocol" 502 "The upstream's answer is not valid HTTP"
        "Check that the server URL points at the API.";
    UpstreamTooLarge "upstream_too_large" 502 "The upstream's answer is larger than the runtime accepts"
        "Ask for less (a page, a filter), or raise `--max-response-bytes`.";
    UpstreamRedirects "upstream_redirects" 502 "The upstream redirects too often, or to where the runtime won't follow"
        "Check the server URL; the detail names the last location.";
    McpError "mcp_error" 502 "The MCP server refused the call"
        "See the detail, which is the server's, and the tool's inputs with `open-cli explain <tool>`.";
    UpstreamTimeout "upstream_timeout" 504 "The upstream did not answer in time"
        "Try again, or raise `--upstream-timeout`.";
    UpstreamCircuitOpen "upstream_circuit_open" 503 "The upstream failed again and again and is left alone for a while"
        "Try again after the time that the header Retry-After names; see `network.breakerFailures`.";
    UpstreamBusy "upstream_busy" 503 "As many calls of this upstream are under way and waiting as may be"
        "Try again in a moment, or raise `network.maxConcurrent` of the service.";
    AuditUnavailable "audit_unavailable" 503 "The audit record can't be written, so the call was refused"
        "Free space or mend permissions on the audit log's file system.";
    RuntimeDraining "runtime_draining" 503 "The runtime is shutting down"
        "Try again in a moment.";
    CatalogBuilding "catalog_building" 503 "The first catalog is still being built"
        "Try again in a moment.";
    Overloaded "overloaded" 503 "The runtime has as many requests under way as it accepts"
        "Try again in a moment, or raise `--max-connections`.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An RFC 9457 problem. Members beyond these belong to the code and are kept in `extra`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Problem {
    /// `urn:open-cli:error:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line, the same for every problem of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// One of [`ErrorCode`].
    pub code: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Members that belong to the code, e.g. `toolId`, `diagnostics`.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of this code; boxed, because it travels as the error of many small results.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            kind: format!("urn:open-cli:error:{code}"),
            title: code.title().into(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().into(),
            hint: code.hint().into(),
            request_id: String::new(),
            extra: serde_json::Map::new(),
        })
    }

    /// Adds a member that belongs to the code.
    #[must_use]
    pub fn with(mut self: Box<Self>, name: &str, value: impl Into<serde_json::Value>) -> Box<Self> {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The plain-text form: the code, then the detail. `authn_failed` stands alone, because clients compare the
    /// whole body with it (HS-12).
    pub fn to_text(&self) -> String {
        if self.detail.is_empty() || self.code == ErrorCode::AuthnFailed.as_str() {
            format!("{}\n", self.code)
        } else {
            format!("{} {}\n", self.code, self.detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_words_that_parse_back() {
        let mut seen = HashSet::new();
        for &code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
            assert!((400..600).contains(&code.status()));
        }
    }

    #[test]
    fn the_text_form_starts_with_the_code() {
        let text = Problem::new(ErrorCode::ToolNotFound, "No tool \"a:b\".").to_text();
        assert_eq!(text, "tool_not_found No tool \"a:b\".\n");
        assert_eq!(Problem::new(ErrorCode::AuthnFailed, "expired").to_text(), "authn_failed\n");
    }
}
