//! Diagnostics of workflow documents: their words, and a bounded list of them that counts its errors.
//! [`Diagnostic::source`] is left empty: the caller knows for which service a document is read.

use crate::limits::MAX_DIAGNOSTICS;
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::redact;
use serde_json::Value;

/// The stable words of [`Diagnostic::code`].
pub mod code {
    /// The version is missing or written oddly.
    pub const VERSION: &str = "workflow_version";
    /// A member that the specification does not have.
    pub const FIELD_UNKNOWN: &str = "workflow_field_unknown";
    /// A member has the wrong type, is missing, or needs a later version.
    pub const FIELD: &str = "workflow_field_invalid";
    /// A source description can't be used.
    pub const SOURCE: &str = "workflow_source_invalid";
    /// The document has no workflows, or a workflow has no steps.
    pub const EMPTY: &str = "workflow_empty";
    /// A workflow, or something in it, can't be used as written; the workflow is left out.
    pub const INVALID: &str = "workflow_invalid";
    /// Two things have one name.
    pub const DUPLICATE: &str = "workflow_duplicate";
    /// A text is no runtime expression.
    pub const EXPRESSION: &str = "workflow_expression_invalid";
    /// A condition or selector can't be evaluated, so it fails.
    pub const CRITERION: &str = "workflow_criterion_invalid";
    /// A condition is understood, and others may refuse it.
    pub const CRITERION_ODD: &str = "workflow_criterion_unusual";
    /// Something refers to a step, workflow, component or output that is not there.
    pub const REFERENCE: &str = "workflow_reference_unknown";
    /// A feature that this program does not have.
    pub const UNSUPPORTED: &str = "workflow_unsupported";
    /// Something is beyond a bound of this program.
    pub const LIMIT: &str = "workflow_limit_exceeded";
    /// There were more diagnostics than are kept.
    pub const TRUNCATED: &str = "diagnostics_truncated";
}

/// Longest quotation of a document in a message, in characters.
const MAX_QUOTED: usize = 120;

/// A bounded list of diagnostics.
#[derive(Debug, Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    counts: [usize; 3],
}

impl Report {
    pub(crate) fn error(&mut self, code: &'static str, pointer: &str, message: String, hint: &str) {
        self.push(Severity::Error, code, pointer, message, hint);
    }

    pub(crate) fn warning(&mut self, code: &'static str, pointer: &str, message: String, hint: &str) {
        self.push(Severity::Warning, code, pointer, message, hint);
    }

    pub(crate) fn note(&mut self, code: &'static str, pointer: &str, message: String, hint: &str) {
        self.push(Severity::Note, code, pointer, message, hint);
    }

    /// How many errors there were, kept or not: what was read without a new one is sound.
    pub(crate) fn errors(&self) -> usize {
        self.counts[Severity::Error as usize]
    }

    fn push(&mut self, severity: Severity, code: &'static str, pointer: &str, message: String, hint: &str) {
        let count = &mut self.counts[severity as usize];
        *count += 1;
        if *count <= MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic(severity, code, pointer, message, hint));
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        let dropped: usize = self.counts.iter().map(|count| count.saturating_sub(MAX_DIAGNOSTICS)).sum();
        if dropped > 0 {
            let message = format!("{dropped} more diagnostics of this document are not listed");
            let hint = "repair the listed ones first";
            self.diagnostics.push(diagnostic(Severity::Note, code::TRUNCATED, "", message, hint));
        }
        self.diagnostics
    }
}

fn diagnostic(severity: Severity, code: &str, pointer: &str, message: String, hint: &str) -> Diagnostic {
    Diagnostic {
        severity,
        code: code.to_owned(),
        source: String::new(),
        pointer: pointer.to_owned(),
        message,
        hint: hint.to_owned(),
    }
}

/// A text of the document as part of a message.
pub(crate) fn quoted(text: &str) -> String {
    redact::quoted(text, MAX_QUOTED)
}

/// What a value is, with its article.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
