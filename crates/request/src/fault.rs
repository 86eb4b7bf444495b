//! What is wrong with the arguments of a call. Values never appear here: they may be secrets.

use std::fmt;

/// Longest name of an unknown argument that is repeated to the caller.
const ECHO_MAX: usize = 64;

/// What kind of fault it is, for callers that treat them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Something required was not given.
    Missing,
    /// Something was given that the tool does not take.
    Unknown,
    /// A value can't be sent.
    Invalid,
    /// The tool itself can't be called: no base URL, an illegal header name. The caller is not to blame.
    Tool,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ArgumentFault {
    /// What kind.
    pub kind: FaultKind,
    /// Name on the wire; empty when the fault belongs to no argument.
    pub argument: String,
    /// As typed: `--page-size`, `<bin-id>`, `--body`; empty when the fault belongs to no argument.
    pub flag: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for ArgumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flag.is_empty() {
            return f.write_str(&self.problem);
        }
        write!(f, "{}: {}", self.flag, self.problem)
    }
}

impl ArgumentFault {
    pub(crate) fn flag(kind: FaultKind, wire: &str, name: &str, problem: impl Into<String>) -> Self {
        Self { kind, argument: wire.into(), flag: format!("--{name}"), problem: problem.into() }
    }

    pub(crate) fn positional(kind: FaultKind, wire: &str, name: &str, problem: impl Into<String>) -> Self {
        Self { kind, argument: wire.into(), flag: format!("<{name}>"), problem: problem.into() }
    }

    pub(crate) fn unknown(key: &str, problem: impl Into<String>) -> Self {
        let shown = echo(key);
        Self { kind: FaultKind::Unknown, flag: format!("--{shown}"), argument: shown, problem: problem.into() }
    }

    pub(crate) fn body(kind: FaultKind, problem: impl Into<String>) -> Self {
        Self { kind, argument: "body".into(), flag: "--body".into(), problem: problem.into() }
    }

    pub(crate) fn tool(problem: impl Into<String>) -> Self {
        Self { kind: FaultKind::Tool, argument: String::new(), flag: String::new(), problem: problem.into() }
    }
}

/// A caller's word, short and without control characters.
fn echo(word: &str) -> String {
    let mut shown: String = word.chars().take(ECHO_MAX).map(|c| if c.is_control() { '?' } else { c }).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    shown
}
