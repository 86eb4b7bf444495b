//! Diagnostics of the catalog itself.

use open_cli_contract::catalog::{Diagnostic, Severity};

pub(crate) fn error(source: &str, code: &str, message: String, hint: &str) -> Diagnostic {
    diagnostic(Severity::Error, source, code, message, hint)
}

pub(crate) fn warning(source: &str, code: &str, message: String, hint: &str) -> Diagnostic {
    diagnostic(Severity::Warning, source, code, message, hint)
}

pub(crate) fn note(source: &str, code: &str, message: String, hint: &str) -> Diagnostic {
    diagnostic(Severity::Note, source, code, message, hint)
}

fn diagnostic(severity: Severity, source: &str, code: &str, message: String, hint: &str) -> Diagnostic {
    Diagnostic {
        severity,
        code: code.into(),
        source: source.into(),
        pointer: String::new(),
        message,
        hint: hint.into(),
    }
}
