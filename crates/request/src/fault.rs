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
    /// JSON Pointer into the value; empty for the value itself.
    pub pointer: String,
    /// What was expected, where the description says: `a whole number`.
    pub expected: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for ArgumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flag.is_empty() {
            return f.write_str(&self.problem);
        }
        let space = if self.pointer.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}: {}", self.flag, self.pointer, self.problem)
    }
}

impl ArgumentFault {
    /// Of an argument, shown as it is typed.
    pub(crate) fn of(
        kind: FaultKind,
        argument: &str,
        flag: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            argument: argument.into(),
            flag: flag.into(),
            pointer: String::new(),
            expected: String::new(),
            problem: problem.into(),
        }
    }

    pub(crate) fn flag(kind: FaultKind, wire: &str, name: &str, problem: impl Into<String>) -> Self {
        Self::of(kind, wire, format!("--{name}"), problem)
    }

    pub(crate) fn unknown(key: &str, problem: impl Into<String>) -> Self {
        let shown = echo(key);
        Self::of(FaultKind::Unknown, &shown, format!("--{shown}"), problem)
    }

    pub(crate) fn body(kind: FaultKind, problem: impl Into<String>) -> Self {
        Self::of(kind, "body", "--body", problem)
    }

    pub(crate) fn tool(problem: impl Into<String>) -> Self {
        Self::of(FaultKind::Tool, "", "", problem)
    }

    /// What the schema finds wrong with the value of an argument.
    pub(crate) fn schema(argument: &str, flag: &str, fault: open_cli_schema::Fault) -> Self {
        let problem = match fault.is_missing {
            true => "is required".to_owned(),
            false => format!("expected {}", fault.expected),
        };
        let kind = if fault.is_missing { FaultKind::Missing } else { FaultKind::Invalid };
        Self { pointer: fault.pointer, expected: fault.expected, ..Self::of(kind, argument, flag, problem) }
    }

    #[must_use]
    pub(crate) fn at(mut self, pointer: String) -> Self {
        self.pointer = pointer;
        self
    }
}

/// A caller's word, short and without control characters.
pub(crate) fn echo(word: &str) -> String {
    let mut shown: String = word.chars().take(ECHO_MAX).map(|c| if c.is_control() { '?' } else { c }).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    shown
}
