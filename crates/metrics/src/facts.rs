//! What spans say, as values of labels from closed lists. Whatever callers, catalogs and upstreams send, nothing else
//! comes out of here; names from outside (tool, service, upstream) are bounded by `family`.

use crate::key::{OTHER, Word};
use open_cli_contract::problem::ErrorCode;
use open_cli_observe::{Attribute, SpanView, semconv};

/// Methods that have series (`semconv::method`).
pub(crate) const METHODS: [&str; 11] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY", OTHER];
/// What the cache can make of a fetch.
pub(crate) const CACHE_OUTCOMES: [&str; 6] =
    ["miss", "fresh_hit", "revalidated_hit", "refreshed", "stale_hit", "failed"];
/// How a build can end.
pub(crate) const BUILD_OUTCOMES: [&str; 3] = ["success", "failed", "cancelled"];
/// What can become of a catalog that an earlier run stored: in force at once, the beginning of a build, nothing.
pub(crate) const RESTORE_OUTCOMES: [&str; 3] = ["used", "outdated", "none"];
/// Codes of the policy's decisions.
pub(crate) const DECISIONS: [&str; 6] =
    ["allowed", "managed_deny", "policy_deny", "curated_deny", "tool_quarantined", "approval_required"];
/// Words for upstreams that gave no answer.
const FAULTS: [&str; 5] = ["timeout", "unreachable", "connection closed", "not HTTP", "answer too large"];
/// What ended before it was done, because its caller went away; the error of a span that is dropped.
const CANCELLED: &str = "cancelled";

fn one_of<const N: usize>(words: [&'static str; N], word: &str) -> Word<'static> {
    Word::Static(words.into_iter().find(|known| *known == word).unwrap_or(OTHER))
}

/// Place of a method in [`METHODS`].
pub(crate) fn method_place(method: &str) -> usize {
    METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1)
}

/// What a span of a request says.
#[derive(Default)]
pub(crate) struct Facts<'a> {
    pub(crate) method: Word<'a>,
    pub(crate) route: Word<'a>,
    pub(crate) scheme: Word<'a>,
    pub(crate) status: Word<'a>,
    pub(crate) tool: Option<&'a str>,
    pub(crate) service: Word<'a>,
    pub(crate) decision: Word<'a>,
    pub(crate) address: Word<'a>,
    pub(crate) port: Word<'a>,
    error: Option<&'a str>,
    failure: Option<&'static str>,
}

impl<'a> Facts<'a> {
    /// One pass over the attributes.
    pub(crate) fn of(span: SpanView<'a>) -> Self {
        let failure = span.error().map(|error| if error == CANCELLED { CANCELLED } else { OTHER });
        let mut facts = Self { method: Word::Static(OTHER), failure, ..Self::default() };
        for (name, value) in span.attributes() {
            match name {
                "http.request.method" => {
                    facts.method = Word::Static(semconv::method(value.as_str().unwrap_or("")))
                }
                "http.route" => facts.route = text(value),
                "url.scheme" => facts.scheme = one_of(["http", "https"], value.as_str().unwrap_or("")),
                "http.response.status_code" => facts.status = status(value),
                "error.type" => facts.error = value.as_str(),
                "tool.id" => facts.tool = value.as_str(),
                "service.id" => facts.service = text(value),
                "policy.decision" => facts.decision = decision(value.as_str().unwrap_or("")),
                "server.address" => facts.address = text(value),
                "server.port" => facts.port = port(value),
                _ => {}
            }
        }
        facts
    }

    /// `error.type` of a request to us: one of our codes.
    pub(crate) fn server_error(&self) -> Word<'static> {
        match self.error {
            Some(word) => Word::Static(ErrorCode::parse(word).map_or(OTHER, ErrorCode::as_str)),
            None => self.failure.map_or(Word::None, Word::Static),
        }
    }

    /// `error.type` of a request of ours: a status or a word for what went wrong.
    pub(crate) fn client_error(&self) -> Word<'a> {
        match self.error {
            Some(word) if is_error_status(word) => Word::Text(word),
            Some(word) => one_of(FAULTS, word),
            None => self.failure.map_or(Word::None, Word::Static),
        }
    }

    /// How a tool call ended, given the upstream's status.
    pub(crate) fn outcome(&self, upstream_status: Option<i64>) -> &'static str {
        match self.error.map(ErrorCode::parse) {
            Some(Some(code)) if matches!(code.status(), 401 | 403) => "refused",
            Some(_) => "failed",
            None if self.failure.is_some() => "failed",
            None if upstream_status.is_some_and(|status| status >= 400) => "upstream_error",
            None => "success",
        }
    }
}

/// What the cache made of a fetch.
pub(crate) fn cache_outcome(span: SpanView<'_>) -> Word<'static> {
    match span.attribute("cacheOutcome") {
        Some(word) => one_of(CACHE_OUTCOMES, word),
        None => Word::Static("failed"),
    }
}

/// How a build ended.
pub(crate) fn build_outcome(span: SpanView<'_>) -> Word<'static> {
    Word::Static(match span.error() {
        None => "success",
        Some(CANCELLED) => CANCELLED,
        Some(_) => "failed",
    })
}

/// What became of a stored catalog.
pub(crate) fn restore_outcome(span: SpanView<'_>) -> Word<'static> {
    let outcome = span.value("catalog.restore.outcome").and_then(|outcome| outcome.as_str());
    one_of(RESTORE_OUTCOMES, outcome.unwrap_or_default())
}

fn decision(word: &str) -> Word<'static> {
    if word == DECISIONS[0] {
        return Word::Static(DECISIONS[0]);
    }
    Word::Static(ErrorCode::parse(word).map_or(OTHER, ErrorCode::as_str))
}

fn text(value: Attribute<'_>) -> Word<'_> {
    value.as_str().map_or(Word::None, Word::Text)
}

fn status(value: Attribute<'_>) -> Word<'static> {
    value.as_int().filter(|status| (100..=599).contains(status)).map_or(Word::None, Word::Int)
}

fn port(value: Attribute<'_>) -> Word<'static> {
    value.as_int().filter(|port| (0..=65535).contains(port)).map_or(Word::None, Word::Int)
}

fn is_error_status(word: &str) -> bool {
    word.len() == 3 && word.parse().is_ok_and(|status: u16| (400..=599).contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_methods_is_that_of_the_conventions() {
        for method in METHODS {
            assert_eq!(semconv::method(method), method);
        }
        assert_eq!((method_place("QUERY"), method_place("BREW")), (9, 10));
    }

    #[test]
    fn every_outcome_of_the_cache_and_every_decision_is_known() {
        use open_cli_contract::catalog::CacheOutcome::{FreshHit, Miss, Refreshed, RevalidatedHit, StaleHit};
        for outcome in [Miss, FreshHit, RevalidatedHit, Refreshed, StaleHit] {
            assert!(CACHE_OUTCOMES.contains(&outcome.as_str()));
        }
        for word in DECISIONS {
            assert_eq!(decision(word), Word::Static(word));
        }
        assert_eq!(decision("whatever"), Word::Static(OTHER));
    }
}
