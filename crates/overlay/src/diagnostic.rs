//! Diagnostics of overlays: their words, and a bounded list of them. Not for deciding what is a fault.
//! [`Diagnostic::source`] is left empty: the caller knows for which service an overlay is read.

use crate::limits::MAX_DIAGNOSTICS;
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::redact;

/// The stable words of [`Diagnostic::code`].
pub mod code {
    use open_cli_contract::diagnostic::DiagnosticCode;

    /// The version is missing, written oddly, or newer than this program.
    pub const VERSION: &str = DiagnosticCode::OverlayVersion.as_str();
    /// A member that the specification does not have.
    pub const FIELD_UNKNOWN: &str = DiagnosticCode::OverlayFieldUnknown.as_str();
    /// A member has the wrong type, is missing, or needs a later version.
    pub const FIELD: &str = DiagnosticCode::OverlayFieldInvalid.as_str();
    /// The overlay has no actions.
    pub const EMPTY: &str = DiagnosticCode::OverlayEmpty.as_str();
    /// An action is there twice.
    pub const DUPLICATE: &str = DiagnosticCode::OverlayActionDuplicate.as_str();
    /// An action, or part of it, does nothing as written.
    pub const NO_EFFECT: &str = DiagnosticCode::OverlayActionNoEffect.as_str();
    /// An action can't be carried out as written; it was left out.
    pub const ACTION: &str = DiagnosticCode::OverlayActionInvalid.as_str();
    /// A query is no JSONPath of RFC 9535.
    pub const PATH: &str = DiagnosticCode::OverlayPathInvalid.as_str();
    /// A query is valid but surely not meant so.
    pub const PATH_ODD: &str = DiagnosticCode::OverlayPathUnusual.as_str();
    /// A target selects nothing.
    pub const NO_MATCH: &str = DiagnosticCode::OverlayNoMatch.as_str();
    /// What is written does not fit what is selected.
    pub const MISMATCH: &str = DiagnosticCode::OverlayTypeMismatch.as_str();
    /// The source of a copy is not exactly one node.
    pub const COPY_SOURCE: &str = DiagnosticCode::OverlayCopySource.as_str();
    /// The overlay was made for another document.
    pub const EXTENDS: &str = DiagnosticCode::OverlayExtendsMismatch.as_str();
    /// Something is beyond a bound of this program.
    pub const LIMIT: &str = DiagnosticCode::OverlayLimitExceeded.as_str();
    /// There were more diagnostics than are kept.
    pub const TRUNCATED: &str = DiagnosticCode::DiagnosticsTruncated.as_str();
}

/// Longest quotation of an overlay in a message, in characters.
const MAX_QUOTED: usize = 160;

/// A bounded list of diagnostics.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    kept: [usize; 3],
    dropped: usize,
}

impl Report {
    pub(crate) fn error(&mut self, code: &'static str, pointer: &str, message: String, hint: &str) {
        self.push(diagnostic(Severity::Error, code, pointer, message, hint));
    }

    pub(crate) fn warning(&mut self, code: &'static str, pointer: &str, message: String, hint: &str) {
        self.push(diagnostic(Severity::Warning, code, pointer, message, hint));
    }

    pub(crate) fn note(&mut self, code: &'static str, pointer: &str, message: String, hint: &str) {
        self.push(diagnostic(Severity::Note, code, pointer, message, hint));
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let kept = &mut self.kept[diagnostic.severity as usize];
        if *kept >= MAX_DIAGNOSTICS {
            self.dropped += 1;
        } else {
            *kept += 1;
            self.diagnostics.push(diagnostic);
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        if self.dropped > 0 {
            let message = format!("{} more diagnostics of this overlay are not listed", self.dropped);
            let hint = "repair the listed ones first";
            self.diagnostics.push(diagnostic(Severity::Note, code::TRUNCATED, "", message, hint));
        }
        self.diagnostics
    }
}

pub(crate) fn diagnostic(
    severity: Severity,
    code: &'static str,
    pointer: &str,
    message: String,
    hint: &str,
) -> Diagnostic {
    Diagnostic {
        severity,
        code: code.to_owned(),
        source: String::new(),
        pointer: pointer.to_owned(),
        message,
        hint: hint.to_owned(),
    }
}

/// A text of the overlay as part of a message.
pub(crate) fn quoted(text: &str) -> String {
    redact::quoted(text, MAX_QUOTED)
}
