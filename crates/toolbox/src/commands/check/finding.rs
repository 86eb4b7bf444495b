//! What a check found, and how it is told to programs.

use open_cli_contract::catalog::{Diagnostic, Severity};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// By file and place.
    pub(super) findings: Vec<Finding>,
    /// What came of the configuration; `None` when it can't be used.
    pub(super) counts: Option<Counts>,
    /// The folder that paths are shown from.
    pub(super) here: PathBuf,
}

/// What a configuration leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) services: usize,
    pub(super) tools: usize,
}

/// One diagnostic with its place.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) diagnostic: Diagnostic,
    pub(super) place: Option<Place>,
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) artifact: Artifact,
    /// Line and column, from 1; `None` when the text is not at hand.
    pub(super) at: Option<(usize, usize)>,
}

/// A document, by the name that people know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Artifact {
    /// Absolute path.
    File(PathBuf),
    /// Redacted.
    Url(String),
}

impl Artifact {
    /// The path as seen from a folder, or the URL.
    pub(super) fn shown(&self, here: &Path) -> String {
        match self {
            Self::File(path) => path.strip_prefix(here).unwrap_or(path).display().to_string(),
            Self::Url(url) => url.clone(),
        }
    }
}

/// What the findings come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    pub(super) is_strict: bool,
    pub(super) is_failed: bool,
}

impl Verdict {
    pub(super) fn of(report: &Report, is_strict: bool) -> Self {
        let count = |severity| report.findings.iter().filter(|one| one.diagnostic.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let is_failed = errors > 0 || (is_strict && warnings > 0);
        Self { errors, warnings, notes: count(Severity::Note), is_strict, is_failed }
    }
}

pub(super) fn json(report: &Report, verdict: Verdict) -> Value {
    let findings: Vec<Value> = report.findings.iter().map(|finding| finding.json(&report.here)).collect();
    let mut value = json!({
        "ok": !verdict.is_failed,
        "strict": verdict.is_strict,
        "errors": verdict.errors,
        "warnings": verdict.warnings,
        "notes": verdict.notes,
        "findings": findings,
    });
    if let Some(counts) = report.counts {
        value["services"] = counts.services.into();
        value["tools"] = counts.tools.into();
    }
    value
}

impl Finding {
    fn json(&self, here: &Path) -> Value {
        let mut value = serde_json::to_value(&self.diagnostic).unwrap_or_default();
        let Some(place) = &self.place else { return value };
        let member = if matches!(place.artifact, Artifact::File(_)) { "file" } else { "url" };
        value[member] = place.artifact.shown(here).into();
        if let Some((line, column)) = place.at {
            value["line"] = line.into();
            value["column"] = column.into();
        }
        value
    }
}
