//! Rules matched against tools once, decisions read off the result.

use crate::{Mode, Pattern, Rules, ToolSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why a call may or may not run. The words are the contract's reason codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Runs.
    Allowed,
    /// Denied by the managed scope.
    ManagedDeny,
    /// Denied by `policy.deny` of any other scope (W56).
    PolicyDeny,
    /// Outside the tool set in force.
    CuratedDeny,
    /// Its definition is not the one that an operator has looked at.
    Quarantined,
    /// Needs an approval that was not given.
    ApprovalRequired,
}

impl Reason {
    /// The reason code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ManagedDeny => "managed_deny",
            Self::PolicyDeny => "policy_deny",
            Self::CuratedDeny => "curated_deny",
            Self::Quarantined => "tool_quarantined",
            Self::ApprovalRequired => "approval_required",
        }
    }
}

/// The answer, with what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The reason code.
    pub reason: Reason,
    /// The rule in words, e.g. `policy.deny "crm:wipe*"`; empty when allowed.
    pub because: String,
}

impl Decision {
    /// May it run?
    pub fn is_allowed(&self) -> bool {
        self.reason == Reason::Allowed
    }
}

/// What the rules say about one tool, whoever asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolVerdict {
    managed_deny: Option<u32>,
    deny: Option<u32>,
    approval: Option<u32>,
    requires_approval: bool,
    /// Why it must not be called until an operator accepts it.
    quarantine: Option<Arc<str>>,
    /// One flag per tool set, in the order of their names.
    sets: Vec<bool>,
}

impl ToolVerdict {
    /// True when a `policy.deny` of any scope refuses it, whoever asks.
    pub fn is_denied(&self) -> bool {
        self.managed_deny.is_some() || self.deny.is_some()
    }

    /// True when a call needs an approval, by the tool's own safety or by `policy.approvalRequired`.
    pub fn needs_approval(&self) -> bool {
        self.requires_approval || self.approval.is_some()
    }

    /// The same, and not to be called, for this reason.
    #[must_use]
    pub fn quarantined(self, reason: Arc<str>) -> Self {
        Self { quarantine: Some(reason), ..self }
    }

    /// Why it must not be called until an operator accepts it.
    pub fn quarantine(&self) -> Option<&str> {
        self.quarantine.as_deref()
    }
}

/// Which curation is in force for a request. Narrowing only: a request can add conditions, never remove one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Name for display: the profile asked for, the default profile, or `discover`.
    pub view: String,
    /// Mode for display.
    pub mode: String,
    /// Tool sets that must all admit the tool when it is called; `None` stands for "admits nothing".
    required: Vec<Option<usize>>,
    /// Tool sets that must all admit the tool for it to be listed.
    listed: Vec<Option<usize>>,
}

/// A pattern that matches no tool of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedPattern {
    /// Where it is configured, e.g. `policy.deny`.
    pub path: String,
    /// The pattern.
    pub pattern: String,
}

/// The rules, compiled.
#[derive(Debug, Clone, Default)]
pub struct PolicyTable {
    rules: Rules,
    managed_deny: Vec<Pattern>,
    deny: Vec<Pattern>,
    approval: Vec<Pattern>,
    sets: Vec<(Vec<Pattern>, Vec<Pattern>)>,
    set_index: BTreeMap<String, usize>,
}

impl PolicyTable {
    /// Compiles the rules.
    pub fn new(rules: Rules) -> Self {
        let compile = |patterns: &[String]| patterns.iter().map(|p| Pattern::new(p)).collect::<Vec<_>>();
        let set_index = rules.tool_sets.keys().enumerate().map(|(i, name)| (name.clone(), i)).collect();
        Self {
            managed_deny: compile(&rules.managed_deny),
            deny: compile(&rules.deny),
            approval: compile(&rules.approval_required),
            sets: rules.tool_sets.values().map(|set| (compile(&set.allow), compile(&set.deny))).collect(),
            set_index,
            rules,
        }
    }

    /// The rules as configured.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Matches one tool against every rule; `requires_approval` is the tool's own safety.
    pub fn judge(&self, tool_id: &str, requires_approval: bool) -> ToolVerdict {
        let first = |patterns: &[Pattern]| {
            patterns.iter().position(|p| p.matches(tool_id)).and_then(|i| u32::try_from(i).ok())
        };
        let sets = self
            .sets
            .iter()
            .zip(self.rules.tool_sets.values())
            .map(|((allow, deny), set)| set_admits(set, allow, deny, tool_id))
            .collect();
        ToolVerdict {
            managed_deny: first(&self.managed_deny),
            deny: first(&self.deny),
            approval: first(&self.approval),
            requires_approval,
            quarantine: None,
            sets,
        }
    }

    /// Curation in force for a request that names these. Empty means not named.
    pub fn admission(&self, mode: Option<Mode>, profile: &str) -> Admission {
        let rules = &self.rules;
        let default_is_curated = rules.default_mode == Mode::Curated;
        let default_profile = rules.default_profile.as_deref().unwrap_or_default();
        let mut required = Vec::new();
        let mut listed = Vec::new();
        let named = rules.profiles.get(profile);
        if !profile.is_empty() {
            match named {
                Some(known) => {
                    let set = self.tool_set(known.tool_set.as_deref());
                    let is_curated =
                        default_is_curated || known.mode.or(mode).unwrap_or(rules.default_mode) == Mode::Curated;
                    if is_curated {
                        required.push(set);
                    }
                    if is_curated || known.tool_set.is_some() {
                        listed.push(set);
                    }
                }
                // Fail closed: a profile nobody defined admits nothing (deviation 8, W-24).
                None => {
                    required.push(None);
                    listed.push(None);
                }
            }
        }
        // The curation a request without profile is under; a named profile only narrows it further.
        let base_is_curated = default_is_curated || (profile.is_empty() && mode == Some(Mode::Curated));
        let base_applies = base_is_curated && (profile.is_empty() || !default_profile.is_empty());
        if base_applies && (profile.is_empty() || profile != default_profile) {
            let set = rules.profiles.get(default_profile).and_then(|p| self.tool_set(p.tool_set.as_deref()));
            required.push(set);
            listed.push(set);
        }
        let (view, mode) = match named {
            Some(known) => (profile.to_owned(), known.mode.map_or("", Mode::as_str)),
            None if !profile.is_empty() => (profile.to_owned(), Mode::Curated.as_str()),
            None if base_is_curated && rules.profiles.contains_key(default_profile) => {
                let mode = rules.profiles[default_profile].mode.map_or("", Mode::as_str);
                (default_profile.to_owned(), mode)
            }
            None if base_is_curated => (Mode::Curated.as_str().to_owned(), Mode::Curated.as_str()),
            None => (Mode::Discover.as_str().to_owned(), Mode::Discover.as_str()),
        };
        Admission { view, mode: mode.to_owned(), required, listed }
    }

    /// Does a profile's own view list the tool (EV-2, failing closed as deviation 8 has it)?
    pub fn profile_lists(&self, profile: &str, verdict: &ToolVerdict) -> bool {
        let Some(known) = self.rules.profiles.get(profile) else { return false };
        match known.tool_set.as_deref() {
            Some(set) => admits(self.tool_set(Some(set)), verdict),
            None => known.mode.unwrap_or(self.rules.default_mode) == Mode::Discover,
        }
    }

    /// The decision: managed deny, deny, curation, quarantine, approval, in this order.
    pub fn decide(&self, verdict: &ToolVerdict, admission: &Admission, approved: bool) -> Decision {
        let rule = |name: &str, patterns: &[Pattern], index: u32| {
            format!("{name} \"{}\"", patterns.get(index as usize).map_or("", Pattern::as_str))
        };
        if let Some(index) = verdict.managed_deny {
            let because = rule("managed policy.deny", &self.managed_deny, index);
            return Decision { reason: Reason::ManagedDeny, because };
        }
        if let Some(index) = verdict.deny {
            return Decision { reason: Reason::PolicyDeny, because: rule("policy.deny", &self.deny, index) };
        }
        if !admission.admits_call(verdict) {
            let because = format!("the tool set of \"{}\" does not admit it", admission.view);
            return Decision { reason: Reason::CuratedDeny, because };
        }
        if let Some(reason) = verdict.quarantine() {
            return Decision { reason: Reason::Quarantined, because: reason.to_owned() };
        }
        if verdict.needs_approval() && !approved {
            let because = match verdict.approval {
                Some(index) => rule("policy.approvalRequired", &self.approval, index),
                None => "the tool's own safety requires it".to_owned(),
            };
            return Decision { reason: Reason::ApprovalRequired, because };
        }
        Decision { reason: Reason::Allowed, because: String::new() }
    }

    /// Which patterns match at least one of these tools; what several calls give may be or-ed together for
    /// [`PolicyTable::unmatched`].
    pub fn matched<'a>(&self, tool_ids: impl Iterator<Item = &'a str> + Clone) -> Vec<bool> {
        self.patterns().map(|(_, pattern)| tool_ids.clone().any(|id| pattern.matches(id))).collect()
    }

    /// Patterns that match no tool (deviation 7), each once for each place.
    pub fn unmatched(&self, matched: &[bool]) -> Vec<UnmatchedPattern> {
        let matched = matched.iter().chain(std::iter::repeat(&false));
        let mut seen = BTreeSet::new();
        let unmatched = self.patterns().zip(matched).filter(|(_, is_matched)| !**is_matched).map(|(one, _)| one);
        unmatched
            .filter(|(path, pattern)| seen.insert((path.clone(), pattern.as_str())))
            .map(|(path, pattern)| UnmatchedPattern { path, pattern: pattern.as_str().to_owned() })
            .collect()
    }

    /// Everything but what the managed scope denies, with its place.
    fn patterns(&self) -> impl Iterator<Item = (String, &Pattern)> {
        let at = |path: String, patterns| std::iter::repeat(path).zip(patterns);
        let sets = self.rules.tool_sets.keys().zip(&self.sets).flat_map(move |(name, (allow, deny))| {
            at(format!("curation.toolSets.{name}.allow"), allow)
                .chain(at(format!("curation.toolSets.{name}.deny"), deny))
        });
        at("policy.deny".into(), &self.deny)
            .chain(at("policy.approvalRequired".into(), &self.approval))
            .chain(sets)
    }

    fn tool_set(&self, name: Option<&str>) -> Option<usize> {
        self.set_index.get(name?).copied()
    }
}

impl Admission {
    /// May the tool be called under this curation?
    pub fn admits_call(&self, verdict: &ToolVerdict) -> bool {
        self.required.iter().all(|set| admits(*set, verdict))
    }

    /// Is the tool listed under this curation?
    pub fn lists(&self, verdict: &ToolVerdict) -> bool {
        self.listed.iter().all(|set| admits(*set, verdict))
    }

    /// True when every tool is listed, so that the complete list can be used as it is.
    pub fn lists_everything(&self) -> bool {
        self.listed.is_empty()
    }
}

fn admits(set: Option<usize>, verdict: &ToolVerdict) -> bool {
    set.and_then(|index| verdict.sets.get(index)).copied().unwrap_or(false)
}

/// §19.3: a non-empty allow list must match; then any deny match refuses, except the literal `**` beside an allow
/// list. A set without any pattern admits nothing (W-19).
fn set_admits(set: &ToolSet, allow: &[Pattern], deny: &[Pattern], tool_id: &str) -> bool {
    if set.allow.is_empty() && set.deny.is_empty() {
        return false;
    }
    let is_allowed = allow.is_empty() || allow.iter().any(|p| p.matches(tool_id));
    let counts = |p: &&Pattern| p.as_str() != "**" || allow.is_empty();
    is_allowed && !deny.iter().filter(counts).any(|p| p.matches(tool_id))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
