//! What is wrong with a configuration, and exactly where (CFG-15, weaknesses 2 to 4).

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::locations::Scope;
use crate::tree::At;

/// Most findings that one load reports; the rest is counted.
pub const MAX_FINDINGS: usize = 200;

/// One fault or warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigDiagnostic {
    /// Dotted path of the field, map keys raw; the object that contains it for an unknown key; empty for the root.
    pub path: String,
    /// What is wrong, and what to do. Never holds a configured secret.
    pub message: String,
    /// Scope of the file.
    pub scope: Scope,
    /// Absolute path of the file.
    pub file: PathBuf,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, from 1, in characters.
    pub column: usize,
}

impl ConfigDiagnostic {
    /// `file:line:column: path: message`, for people. Control characters are escaped.
    pub fn render(&self) -> String {
        let mut out = format!("{}:{}:{}: ", self.file.display(), self.line, self.column);
        if !self.path.is_empty() {
            out.push_str(&printable(&self.path));
            out.push_str(": ");
        }
        out.push_str(&printable(&self.message));
        out
    }
}

/// Why no configuration could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No scope has a file.
    #[error("no configuration file found in any scope; create one with `open-cli init` or name it with --config")]
    NotFound {
        /// Every path that was looked at.
        tried: Vec<PathBuf>,
    },
    /// A file could not be looked up or read. An unreadable scope is never treated as absent (weakness 5).
    #[error("cannot read the {scope} configuration {}: {source}; check the path and its permissions", path.display())]
    Io {
        /// Scope of the file.
        scope: Scope,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Every fault of every scope, sorted by path, then file and place.
    #[error("configuration validation failed{}", one_line(.0))]
    Invalid(Vec<ConfigDiagnostic>),
}

impl ConfigError {
    /// The findings of [`ConfigError::Invalid`]; empty otherwise.
    pub fn diagnostics(&self) -> &[ConfigDiagnostic] {
        match self {
            Self::Invalid(diagnostics) => diagnostics,
            _ => &[],
        }
    }

    /// Several lines for people: one finding per line, with file, line and column.
    pub fn render(&self) -> String {
        let Self::Invalid(diagnostics) = self else { return self.to_string() };
        let mut out = match diagnostics.len() {
            1 => "configuration validation failed: 1 fault".to_owned(),
            count => format!("configuration validation failed: {count} faults"),
        };
        for diagnostic in diagnostics {
            out.push_str("\n  ");
            out.push_str(&diagnostic.render());
        }
        out
    }
}

/// CFG-15: `; <path>: <message>` for each.
fn one_line(diagnostics: &[ConfigDiagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing to a String cannot fail.
        let _ = write!(out, "; {}: {}", printable(&diagnostic.path), printable(&diagnostic.message));
    }
    out
}

/// Keys are chosen by whoever wrote the file: a line break in one must not start a line of a log.
fn printable(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// One of the files being loaded.
pub(crate) struct SourceFile {
    pub(crate) scope: Scope,
    pub(crate) path: PathBuf,
}

/// Collects the findings of one load.
pub(crate) struct Report {
    pub(crate) files: Vec<SourceFile>,
    faults: Vec<ConfigDiagnostic>,
    warnings: Vec<ConfigDiagnostic>,
    left_out: usize,
    warnings_left_out: usize,
    /// Paths with a fault of their own.
    faulty: HashSet<String>,
    /// Paths that could not be understood at all; nothing is said about what is below.
    broken: HashSet<String>,
    /// A file could not be read as JSON: what it defines is unknown, so nothing can be called missing.
    pub(crate) unreadable: bool,
}

impl Report {
    pub(crate) fn new(files: Vec<SourceFile>) -> Self {
        Self {
            files,
            faults: Vec::new(),
            warnings: Vec::new(),
            left_out: 0,
            warnings_left_out: 0,
            faulty: HashSet::new(),
            broken: HashSet::new(),
            unreadable: false,
        }
    }

    pub(crate) fn scope(&self, at: At) -> Scope {
        self.files[usize::from(at.file)].scope
    }

    fn diagnostic(&self, at: At, path: &str, message: String) -> ConfigDiagnostic {
        let file = &self.files[usize::from(at.file)];
        ConfigDiagnostic {
            path: path.to_owned(),
            message,
            scope: file.scope,
            file: file.path.clone(),
            line: at.line as usize,
            column: at.column as usize,
        }
    }

    /// A fault within one file.
    pub(crate) fn fault(&mut self, at: At, path: &str, message: impl Into<String>) {
        if self.faults.len() == MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        self.faults.push(self.diagnostic(at, path, message.into()));
        self.faulty.insert(path.to_owned());
    }

    /// A fault of the merged configuration: not said when a fault within a file explains it (weakness 4).
    pub(crate) fn merged_fault(&mut self, at: At, path: &str, message: impl Into<String>) {
        if !self.unreadable && !self.faulty.contains(path) && !self.is_broken(path) {
            self.fault(at, path, message);
        }
    }

    pub(crate) fn warning(&mut self, at: At, path: &str, message: impl Into<String>) {
        if self.warnings.len() == MAX_FINDINGS {
            self.warnings_left_out += 1;
            return;
        }
        self.warnings.push(self.diagnostic(at, path, message.into()));
    }

    /// A warning about the merged configuration; only meaningful while it is sound.
    pub(crate) fn merged_warning(&mut self, at: At, path: &str, message: impl Into<String>) {
        if !self.unreadable && !self.is_broken(path) {
            self.warning(at, path, message);
        }
    }

    pub(crate) fn mark_broken(&mut self, path: String) {
        if self.broken.len() < MAX_FINDINGS {
            self.broken.insert(path);
        }
    }

    pub(crate) fn is_broken(&self, path: &str) -> bool {
        self.broken.contains(path) || path.match_indices('.').any(|(dot, _)| self.broken.contains(&path[..dot]))
    }

    pub(crate) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    pub(crate) fn fault_count(&self) -> usize {
        self.faults.len() + self.left_out
    }

    /// The faults, sorted, one per place.
    pub(crate) fn into_error(self) -> ConfigError {
        ConfigError::Invalid(tidy(self.faults, self.left_out))
    }

    /// The warnings, sorted, one per place.
    pub(crate) fn into_warnings(self) -> Vec<ConfigDiagnostic> {
        tidy(self.warnings, self.warnings_left_out)
    }
}

/// Sorted by path, then precedence and place; a file that is loaded as two scopes (CFG-29) reports once.
fn tidy(mut findings: Vec<ConfigDiagnostic>, left_out: usize) -> Vec<ConfigDiagnostic> {
    findings.sort_by(|a, b| {
        (&a.path, a.scope, &a.file, a.line, a.column).cmp(&(&b.path, b.scope, &b.file, b.line, b.column))
    });
    let mut seen = HashSet::new();
    findings.retain(|f| seen.insert((f.path.clone(), f.message.clone(), f.file.clone(), f.line, f.column)));
    if let (Some(last), 1..) = (findings.last().cloned(), left_out) {
        let message = format!("{left_out} more findings are not listed");
        findings.push(ConfigDiagnostic { path: String::new(), message, ..last });
    }
    findings
}
