//! The scopes of a token: which tools they reach (runtime-and-admin §5.6 with weaknesses W-18 and W-19), and which
//! rights beside tools they give (W-5). Words that are neither mean nothing here.

use open_cli_contract::glob::Pattern;
use sha2::{Digest, Sha256};

/// Longest scope text of a token. A longer one is refused, not cut: a word that is lost may be one that restricts.
pub const MAX_SCOPE_BYTES: usize = 16 * 1024;

/// What a caller may do beside seeing and calling tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read the audit records of all callers; without it, one's own.
    AuditRead,
    /// Read the traces of all requests; without it, one's own.
    TraceRead,
    /// Read the metrics.
    MetricsRead,
    /// Have remote descriptions fetched again.
    Refresh,
    /// Stop the runtime, change its log, end anybody's session. Every other right comes with it.
    RuntimeAdmin,
}

impl Right {
    /// All rights, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::AuditRead, Self::TraceRead, Self::MetricsRead, Self::Refresh, Self::RuntimeAdmin];

    /// The scope that gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuditRead => "audit:read",
            Self::TraceRead => "trace:read",
            Self::MetricsRead => "metrics:read",
            Self::Refresh => "refresh",
            Self::RuntimeAdmin => "runtime:admin",
        }
    }
}

/// The scopes of a caller, sorted by what they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Everything the token says, in order, once.
    words: Vec<Box<str>>,
    bundles: Vec<Box<str>>,
    profiles: Vec<Box<str>>,
    tools: Vec<Box<str>>,
    approve: Vec<Pattern>,
    envelope: [u8; 32],
}

impl Scopes {
    /// Sorts the words of a token.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words: Vec<Box<str>> = words.into_iter().map(Box::from).collect();
        words.sort_unstable();
        words.dedup();
        // Sorted words stay sorted behind a common prefix.
        let after = |prefix: &str| -> Vec<Box<str>> {
            words.iter().filter_map(|word| word.strip_prefix(prefix)).map(Box::from).collect()
        };
        let (bundles, profiles, tools) = (after("bundle:"), after("profile:"), after("tool:"));
        let approve = words.iter().filter_map(|word| word.strip_prefix("approve:")).map(Pattern::new).collect();
        let mut hash = Sha256::new();
        for list in [&bundles, &profiles, &tools] {
            for word in list {
                // A scope word has no white space.
                hash.update(word.as_bytes());
                hash.update(b" ");
            }
            hash.update(b"\n");
        }
        Self { envelope: hash.finalize().into(), words, bundles, profiles, tools, approve }
    }

    /// The words of a `scope` claim.
    pub fn parse(text: &str) -> Self {
        Self::new(text.split_whitespace())
    }

    /// Does the token carry this very word?
    pub fn has(&self, word: &str) -> bool {
        contains(&self.words, word)
    }

    /// All words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| &**word)
    }

    /// Does the token give this right?
    pub fn allows(&self, right: Right) -> bool {
        self.has(right.as_str()) || self.has(Right::RuntimeAdmin.as_str())
    }

    /// May calls of this tool be approved by the caller? `approve:<pattern over tool ids>`, `approve:*` for all.
    pub fn may_approve(&self, tool_id: &str) -> bool {
        self.approve.iter().any(|pattern| pattern.matches(tool_id))
    }

    /// Is the tool one that the scopes reach? `lists` tells whether a profile's view has the tool; an unknown profile
    /// has none (SCOPE-1 to SCOPE-8).
    ///
    /// `bundle:` and `profile:` scopes are united; `tool:` scopes restrict what they reach, even to nothing (W-18).
    pub fn reach(&self, tool_id: &str, service_id: &str, lists: impl Fn(&str) -> bool) -> bool {
        let has_union = !self.bundles.is_empty() || !self.profiles.is_empty();
        if self.tools.is_empty() && !has_union {
            return false;
        }
        if !self.tools.is_empty() && !contains(&self.tools, tool_id) {
            return false;
        }
        !has_union || contains(&self.bundles, service_id) || self.profiles.iter().any(|profile| lists(profile))
    }

    /// The same for all callers that reach the same tools of any catalog by the same words.
    pub fn envelope(&self) -> &[u8; 32] {
        &self.envelope
    }
}

fn contains(sorted: &[Box<str>], word: &str) -> bool {
    sorted.binary_search_by(|one| (**one).cmp(word)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: [(&str, &str); 3] =
        [("parcels:list", "parcels"), ("parcels:void", "parcels"), ("billing:charge", "billing")];

    fn reached(scope: &str) -> Vec<&'static str> {
        let scopes = Scopes::parse(scope);
        let lists = |id: &'static str| move |profile: &str| profile == "viewer" && id == "parcels:list";
        TOOLS.iter().filter(|(id, service)| scopes.reach(id, service, lists(id))).map(|(id, _)| *id).collect()
    }

    /// SCOPE-1 to SCOPE-11 and the worked examples, W-18.
    #[test]
    fn bundles_and_profiles_unite_and_tools_restrict() {
        for (scope, expected) in [
            ("bundle:parcels", &["parcels:list", "parcels:void"][..]),
            ("bundle:parcels  bundle:billing", &["parcels:list", "parcels:void", "billing:charge"]),
            ("profile:viewer", &["parcels:list"]),
            ("profile:viewer bundle:billing", &["parcels:list", "billing:charge"]),
            ("bundle:parcels tool:parcels:void", &["parcels:void"]),
            ("bundle:parcels tool:billing:charge", &[]),
            ("tool:billing:charge", &["billing:charge"]),
            ("tool:billing:charge tool:parcels:list", &["parcels:list", "billing:charge"]),
            // The typing error does not widen.
            ("bundle:parcels tool:parcels:typo", &[]),
            ("bundle:parcels tool:", &[]),
            // No wildcards, and the case counts.
            ("bundle:*", &[]),
            ("profile:*", &[]),
            ("tool:*", &[]),
            ("tool:* bundle:parcels", &[]),
            ("bundle:* tool:parcels:list", &[]),
            ("Bundle:parcels", &[]),
            ("profile:unknown", &[]),
            ("profile:unknown tool:parcels:list", &[]),
            ("openid email parcels", &[]),
            ("runtime:admin approve:*", &[]),
            ("", &[]),
        ] {
            assert_eq!(reached(scope), expected, "{scope}");
        }
    }

    /// W-5.
    #[test]
    fn rights_are_words_of_their_own_and_the_administrator_has_them_all() {
        let scopes = Scopes::parse("audit:read bundle:a approve:a:* approve:b:get");
        assert!(scopes.allows(Right::AuditRead));
        assert!(!scopes.allows(Right::TraceRead) && !scopes.allows(Right::RuntimeAdmin));
        assert!(scopes.may_approve("a:delete") && scopes.may_approve("b:get") && !scopes.may_approve("b:delete"));
        let admin = Scopes::parse("runtime:admin");
        assert!(Right::ALL.iter().all(|right| admin.allows(*right)));
        assert!(!admin.may_approve("a:delete"), "who runs the runtime does not approve what others do with it");
    }

    #[test]
    fn the_envelope_is_one_for_all_who_reach_the_same() {
        let envelope = |text: &str| *Scopes::parse(text).envelope();
        assert_eq!(envelope("bundle:b bundle:a openid"), envelope("bundle:a audit:read bundle:b bundle:a"));
        for (one, other) in [("bundle:a", "profile:a"), ("bundle:a", "tool:a"), ("bundle:a", "bundle:a bundle:b")]
        {
            assert_ne!(envelope(one), envelope(other));
        }
    }
}
