//! What two revisions of a catalog differ in, on the wire: `GET /v1/catalog/changes`, `POST /v1/refresh`,
//! `open-cli catalog diff`. Lists are bounded and counted. Not for finding the differences: that is `changes`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How much a change matters. Ordered: the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeSeverity {
    /// A call does something else, goes elsewhere, or is guarded less.
    Safety,
    /// Calls that worked may be refused.
    Breaking,
    /// Calls that worked still do.
    Compatible,
    /// No call can tell.
    Cosmetic,
}

impl ChangeSeverity {
    /// All, the worst first.
    pub const ALL: [Self; 4] = [Self::Safety, Self::Breaking, Self::Compatible, Self::Cosmetic];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Breaking => "breaking",
            Self::Compatible => "compatible",
            Self::Cosmetic => "cosmetic",
        }
    }
}

macro_rules! kinds {
    ($($variant:ident $word:literal $severity:ident $meaning:literal;)*) => {
        /// What can change about a tool.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ChangeKind { $(#[doc = $meaning] $variant,)* }

        impl ChangeKind {
            /// All, in the order of the documentation.
            pub const ALL: &[ChangeKind] = &[$(ChangeKind::$variant,)*];
            /// The word on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word,)* } }
            /// How much it matters.
            pub fn severity(self) -> ChangeSeverity { match self { $(Self::$variant => ChangeSeverity::$severity,)* } }
            /// What happened, a few words.
            pub fn meaning(self) -> &'static str { match self { $(Self::$variant => $meaning,)* } }
            /// The kind for a word.
            pub fn parse(word: &str) -> Option<Self> { match word { $($word => Some(Self::$variant),)* _ => None } }
        }
    };
}

kinds! {
    ServerChanged "server_changed" Safety "calls go to another server";
    MethodChanged "method_changed" Safety "another HTTP method";
    PathChanged "path_changed" Safety "another path";
    BackendChanged "backend_changed" Safety "something else executes it";
    AuthChanged "auth_changed" Safety "other credentials";
    SafetyWeakened "safety_weakened" Safety "it says that it is more harmless, or needs no approval any more";
    DescriptionChanged "description_changed" Safety "what an MCP server tells agents about it changed";
    RequiredParameterAdded "required_parameter_added" Breaking "a new parameter that must be given";
    ParameterRemoved "parameter_removed" Breaking "a parameter is gone";
    ParameterNowRequired "parameter_now_required" Breaking "a parameter must be given now";
    ParameterNarrowed "parameter_narrowed" Breaking "a parameter takes fewer values";
    ParameterChanged "parameter_changed" Breaking "a parameter takes other values";
    RequiredBodyAdded "required_body_added" Breaking "a body must be given now";
    BodyRemoved "body_removed" Breaking "it takes no body any more";
    BodyNowRequired "body_now_required" Breaking "the body must be given now";
    BodyNarrowed "body_narrowed" Breaking "the body can be less";
    BodyChanged "body_changed" Breaking "the body is described otherwise";
    MediaTypeRemoved "media_type_removed" Breaking "a media type of the body is gone";
    CommandRenamed "command_renamed" Breaking "its command has another name";
    SafetyStrengthened "safety_strengthened" Compatible "it says that it is less harmless, or needs an approval now";
    OptionalParameterAdded "optional_parameter_added" Compatible "a new parameter that may be given";
    ParameterNowOptional "parameter_now_optional" Compatible "a parameter need not be given any more";
    ParameterWidened "parameter_widened" Compatible "a parameter takes more values";
    OptionalBodyAdded "optional_body_added" Compatible "a body may be given now";
    BodyNowOptional "body_now_optional" Compatible "the body need not be given any more";
    BodyWidened "body_widened" Compatible "the body can be more";
    MediaTypeAdded "media_type_added" Compatible "another media type of the body";
    Deprecated "deprecated" Compatible "it is deprecated now";
    Undeprecated "undeprecated" Cosmetic "it is not deprecated any more";
    TextChanged "text_changed" Cosmetic "descriptions, examples or hints";
}

/// One aspect of a tool that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Word of a [`ChangeKind`].
    pub kind: String,
    /// How much it matters.
    pub severity: ChangeSeverity,
    /// Which parameter or media type, e.g. `query limit`; empty when it is about the tool.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// What it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// What it is now.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
}

/// A tool that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlteredTool {
    /// Tool id.
    pub id: String,
    /// Of its worst change.
    pub severity: ChangeSeverity,
    /// What changed, the worst first.
    pub changes: Vec<Change>,
}

/// Tool ids, as many as the answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedIds {
    /// How many there are.
    pub count: usize,
    /// The first of them, ascending.
    pub tools: Vec<String>,
}

/// Altered tools, as many as the answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedAltered {
    /// How many there are.
    pub count: usize,
    /// How many there are of each severity, the worst first; none is left out.
    pub by_severity: SeverityCounts,
    /// The first of them, the worst first.
    pub tools: Vec<AlteredTool>,
}

/// Altered tools by the severity of their worst change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SeverityCounts {
    /// See [`ChangeSeverity::Safety`].
    pub safety: usize,
    /// See [`ChangeSeverity::Breaking`].
    pub breaking: usize,
    /// See [`ChangeSeverity::Compatible`].
    pub compatible: usize,
    /// See [`ChangeSeverity::Cosmetic`].
    pub cosmetic: usize,
}

impl SeverityCounts {
    /// How many of this one.
    pub fn of(&self, severity: ChangeSeverity) -> usize {
        match severity {
            ChangeSeverity::Safety => self.safety,
            ChangeSeverity::Breaking => self.breaking,
            ChangeSeverity::Compatible => self.compatible,
            ChangeSeverity::Cosmetic => self.cosmetic,
        }
    }

    /// One more of this one.
    pub fn add(&mut self, severity: ChangeSeverity) {
        match severity {
            ChangeSeverity::Safety => self.safety += 1,
            ChangeSeverity::Breaking => self.breaking += 1,
            ChangeSeverity::Compatible => self.compatible += 1,
            ChangeSeverity::Cosmetic => self.cosmetic += 1,
        }
    }
}

/// What lies between two revisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogChanges {
    /// The older revision, or what stands for it.
    pub from: String,
    /// The newer one.
    pub to: String,
    /// When the newer one came into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Tools that are new.
    pub added: ListedIds,
    /// Tools that are gone.
    pub removed: ListedIds,
    /// Tools that are not what they were.
    pub altered: ListedAltered,
    /// So many tools changed that not all were compared; the counts are right for each step, not for their sum.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl CatalogChanges {
    /// True when no tool changed.
    pub fn is_empty(&self) -> bool {
        self.added.count == 0 && self.removed.count == 0 && self.altered.count == 0
    }

    /// The worst of the altered tools; tools that are gone count as breaking.
    pub fn severity(&self) -> Option<ChangeSeverity> {
        let altered = ChangeSeverity::ALL.into_iter().find(|severity| self.altered.by_severity.of(*severity) > 0);
        let removed = (self.removed.count > 0).then_some(ChangeSeverity::Breaking);
        let added = (self.added.count > 0).then_some(ChangeSeverity::Compatible);
        [altered, removed, added].into_iter().flatten().min()
    }
}

/// A revision that a runtime knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownRevision {
    /// The revision.
    pub revision: String,
    /// When it came into force.
    pub at: Timestamp,
    /// What it added, removed and altered, against the one before.
    pub added: usize,
    /// See `added`.
    pub removed: usize,
    /// See `added`.
    pub altered: usize,
}

/// Answer of `GET /v1/catalog/changes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesResponse {
    /// What lies between.
    #[serde(flatten)]
    pub changes: CatalogChanges,
    /// What can be asked for, newest first.
    pub revisions: Vec<KnownRevision>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_word_and_the_list_goes_from_worst_to_best() {
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::parse(kind.as_str()), Some(*kind));
        }
        assert!(ChangeKind::ALL.is_sorted_by_key(|kind| kind.severity()));
        assert!(ChangeSeverity::ALL.is_sorted());
    }

    #[test]
    fn the_severity_of_a_difference_is_that_of_its_worst_part() {
        let mut changes = CatalogChanges::default();
        assert_eq!(changes.severity(), None);
        changes.added.count = 1;
        assert_eq!(changes.severity(), Some(ChangeSeverity::Compatible));
        changes.altered.by_severity.add(ChangeSeverity::Cosmetic);
        assert_eq!(changes.severity(), Some(ChangeSeverity::Compatible));
        changes.removed.count = 1;
        assert_eq!(changes.severity(), Some(ChangeSeverity::Breaking));
        changes.altered.by_severity.add(ChangeSeverity::Safety);
        assert_eq!(changes.severity(), Some(ChangeSeverity::Safety));
    }
}
