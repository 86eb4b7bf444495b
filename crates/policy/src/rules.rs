//! The rules as configured, independent of how they were written down.

use std::collections::BTreeMap;

/// Which tools a caller sees and may call by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// All tools.
    #[default]
    Discover,
    /// Only those of a tool set.
    Curated,
}

impl Mode {
    /// The word in configuration and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Curated => "curated",
        }
    }

    /// The mode for a word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "discover" => Some(Self::Discover),
            "curated" => Some(Self::Curated),
            _ => None,
        }
    }
}

/// `curation.toolSets.<id>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolSet {
    /// Patterns of admitted tools; empty admits all that are not denied.
    pub allow: Vec<String>,
    /// Patterns of tools left out.
    pub deny: Vec<String>,
}

/// `agents.profiles.<id>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Mode of the profile, if it sets one.
    pub mode: Option<Mode>,
    /// Tool set of the profile, if it names one.
    pub tool_set: Option<String>,
}

/// All rules of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// `policy.deny` of the managed scope.
    pub managed_deny: Vec<String>,
    /// `policy.deny` of all scopes.
    pub deny: Vec<String>,
    /// `policy.approvalRequired`.
    pub approval_required: Vec<String>,
    /// `mode.default`.
    pub default_mode: Mode,
    /// `curation.toolSets`.
    pub tool_sets: BTreeMap<String, ToolSet>,
    /// `agents.profiles`.
    pub profiles: BTreeMap<String, Profile>,
    /// `agents.defaultProfile`.
    pub default_profile: Option<String>,
}
