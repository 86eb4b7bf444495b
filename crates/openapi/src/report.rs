//! Collects diagnostics: bounded, without repetitions. Not for deciding what is a fault.

use crate::limits::MAX_DIAGNOSTICS;
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::redact;
use std::borrow::Cow;
use std::collections::HashSet;

/// The stable words of [`Diagnostic::code`].
pub mod code {
    use open_cli_contract::diagnostic::DiagnosticCode;

    /// The declared version is written oddly or is newer than this program.
    pub const VERSION: &str = DiagnosticCode::VersionUnusual.as_str();
    /// `paths` is missing or is no object.
    pub const PATHS: &str = DiagnosticCode::PathsInvalid.as_str();
    /// A path can't be called as written; its operations are left out.
    pub const PATH: &str = DiagnosticCode::PathInvalid.as_str();
    /// Template and declared path parameters disagree.
    pub const PATH_PARAMETER: &str = DiagnosticCode::PathParameterMismatch.as_str();
    /// An operation was left out because calling it would be wrong.
    pub const OPERATION: &str = DiagnosticCode::OperationInvalid.as_str();
    /// A later operation lost its `operationId` to an earlier one.
    pub const OPERATION_ID: &str = DiagnosticCode::OperationIdDuplicate.as_str();
    /// A parameter is declared twice in one list.
    pub const PARAMETER_DUPLICATE: &str = DiagnosticCode::ParameterDuplicate.as_str();
    /// Part of a parameter's description was not understood.
    pub const PARAMETER: &str = DiagnosticCode::ParameterInvalid.as_str();
    /// Part of a request body was not understood.
    pub const BODY: &str = DiagnosticCode::RequestBodyInvalid.as_str();
    /// A response was not understood.
    pub const RESPONSE: &str = DiagnosticCode::ResponseInvalid.as_str();
    /// The declaration of a tag was not understood.
    pub const TAG: &str = DiagnosticCode::TagInvalid.as_str();
    /// A `$ref` leads nowhere.
    pub const REFERENCE: &str = DiagnosticCode::ReferenceUnresolved.as_str();
    /// A server can't be used as written.
    pub const SERVER: &str = DiagnosticCode::ServerInvalid.as_str();
    /// A server of a local document has no host.
    pub const SERVER_RELATIVE: &str = DiagnosticCode::ServerRelative.as_str();
    /// A local document names no server.
    pub const SERVER_MISSING: &str = DiagnosticCode::ServerMissing.as_str();
    /// A `security` list was not understood.
    pub const SECURITY: &str = DiagnosticCode::SecurityInvalid.as_str();
    /// A security scheme was not understood.
    pub const SCHEME: &str = DiagnosticCode::SecuritySchemeInvalid.as_str();
    /// A requirement names a scheme that is not defined.
    pub const SCHEME_UNDEFINED: &str = DiagnosticCode::SecuritySchemeUndefined.as_str();
    /// A member belongs to a later version and has no effect.
    pub const MEMBER_IGNORED: &str = DiagnosticCode::MemberIgnored.as_str();
    /// `webhooks` are not turned into operations.
    pub const WEBHOOKS: &str = DiagnosticCode::WebhooksIgnored.as_str();
    /// Something is beyond a bound of this program.
    pub const LIMIT: &str = DiagnosticCode::LimitExceeded.as_str();
    /// There were more diagnostics than are kept.
    pub const TRUNCATED: &str = DiagnosticCode::DiagnosticsTruncated.as_str();
}

/// Longest quotation of a document in a message, in bytes.
const MAX_QUOTED: usize = 120;
/// Longest text that is searched for credentials; of a longer one the rest is never shown.
const MAX_MASKED: usize = 4096;

#[derive(Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    seen: HashSet<(&'static str, String, String)>,
    kept: [usize; 3],
    dropped: usize,
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

    fn push(&mut self, severity: Severity, code: &'static str, pointer: &str, message: String, hint: &str) {
        let kept = &mut self.kept[severity as usize];
        if *kept >= MAX_DIAGNOSTICS {
            self.dropped += 1;
            return;
        }
        // A fault of a path item would repeat with each of its operations.
        if !self.seen.insert((code, pointer.to_owned(), message.clone())) {
            return;
        }
        *kept += 1;
        self.diagnostics.push(Diagnostic {
            severity,
            code: code.to_owned(),
            source: String::new(),
            pointer: pointer.to_owned(),
            message,
            hint: hint.to_owned(),
        });
    }

    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        if self.dropped > 0 {
            self.diagnostics.push(Diagnostic {
                severity: Severity::Note,
                code: code::TRUNCATED.to_owned(),
                source: String::new(),
                pointer: String::new(),
                message: format!("{} more diagnostics of this description are not listed", self.dropped),
                hint: "repair the listed ones first".to_owned(),
            });
        }
        self.diagnostics
    }
}

/// A text of the document as part of a message: credentials in URLs masked, control characters escaped, bounded.
pub(crate) fn quoted(text: &str) -> String {
    // Masking needs the whole userinfo, so it comes before the cut to what is shown.
    let masked = match cut(text, MAX_MASKED) {
        text if text.contains("://") => Cow::Owned(redact::text(text)),
        text => Cow::Borrowed(text),
    };
    let visible = cut(&masked, MAX_QUOTED);
    let mut shown = String::with_capacity(visible.len() + 5);
    shown.push('`');
    for c in visible.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.push_str(if visible.len() < text.len() && visible.len() < masked.len() { "…`" } else { "`" });
    shown
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_dropped_and_the_rest_is_counted_beyond_the_bound() {
        let mut report = Report::default();
        report.note(code::WEBHOOKS, "/a", "same".to_owned(), "");
        report.note(code::WEBHOOKS, "/a", "same".to_owned(), "");
        for i in 0..MAX_DIAGNOSTICS + 7 {
            report.warning(code::SERVER, "", format!("{i}"), "");
        }
        report.error(code::OPERATION, "/b", "an error after many warnings is kept".to_owned(), "");
        let diagnostics = report.finish();
        assert_eq!(diagnostics.len(), 1 + MAX_DIAGNOSTICS + 1 + 1);
        let last = diagnostics.last().expect("last");
        assert_eq!(last.message, "7 more diagnostics of this description are not listed");
        assert_eq!(diagnostics[diagnostics.len() - 2].severity, Severity::Error);
    }

    #[test]
    fn quotations_are_short_and_without_secrets() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted("https://u:p@h.example/x"), "`https://REDACTED@h.example/x`");
        let long = quoted(&"é".repeat(100));
        assert_eq!(long, format!("`{}…`", "é".repeat(60)));
    }
}
