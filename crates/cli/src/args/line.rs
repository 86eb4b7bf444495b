//! A command line, taken apart.

use std::path::PathBuf;
use std::time::Duration;

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Pretty,
    Table,
}

impl Format {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "pretty" => Self::Pretty,
            "table" => Self::Table,
            _ => return None,
        })
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// The values of the global flags.
#[derive(Debug, Clone, Default)]
pub(crate) struct Globals {
    pub(crate) config: Option<PathBuf>,
    pub(crate) format: Option<Format>,
    pub(crate) runtime: Option<String>,
    pub(crate) mode: String,
    pub(crate) agent_profile: String,
    pub(crate) approval: bool,
    pub(crate) instance_id: Option<String>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) no_fail: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) color: ColorChoice,
    pub(crate) include: bool,
    pub(crate) no_input: bool,
    pub(crate) verbose: bool,
    pub(crate) help: bool,
    pub(crate) version: bool,
}

/// A command line, taken apart. Words still hold command words and operands alike: where the command ends is known
/// only once the command is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub(crate) globals: Globals,
    /// Words before `--`.
    pub(crate) words: Vec<String>,
    /// Words after `--`: operands, whatever they look like.
    pub(crate) operands: Vec<String>,
    /// Flags of the command, in order; a flag without value has `true` or `false`.
    pub(crate) flags: Vec<(String, String)>,
    /// Those of them whose value was a word of its own that looks like a flag.
    pub(crate) doubtful: Vec<(String, String)>,
}

impl Line {
    /// Last value of a flag of the command.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A flag without value was given.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.flag(name) == Some("true")
    }

    /// What follows the first `count` words: operands of both kinds.
    pub(crate) fn operands_after(&self, count: usize) -> Vec<String> {
        self.words.iter().skip(count).chain(&self.operands).cloned().collect()
    }
}
