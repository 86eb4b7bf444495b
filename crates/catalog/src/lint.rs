//! What a check of a configuration looks at beside building it: secrets. Not part of a build, because it depends on
//! the machine and the moment, and a runtime finds out when a secret is needed.

use crate::diagnostics::warning;
use crate::snapshot::Snapshot;
use open_cli_contract::catalog::{AuthAlternative, Diagnostic};
use open_cli_contract::diagnostic::DiagnosticCode;
use std::collections::BTreeMap;

impl Snapshot {
    /// Secrets that can't be resolved on this machine (their `pointer` is the path in the configuration), and services
    /// whose tools need credentials that no secret is configured for. Reads variables and files, shows no value.
    pub fn secret_diagnostics(&self) -> Vec<Diagnostic> {
        let unresolved = self.secrets().faults().into_iter().map(|(key, message)| {
            let code = DiagnosticCode::SecretUnresolved;
            let diagnostic = warning("config", code.as_str(), message, code.advice());
            Diagnostic { pointer: format!("secrets.{key}"), ..diagnostic }
        });
        let missing = self.missing_secrets().into_iter().map(|((service, schemes), tools)| {
            let (noun, verb) = if tools == 1 { ("tool", "needs") } else { ("tools", "need") };
            let message =
                format!("{tools} {noun} of {service} {verb} {schemes}, for which no secret is configured");
            let hint =
                format!("Configure a secret \"{service}.<scheme>\" or \"<scheme>\", or deny what needs it.");
            warning(&service, DiagnosticCode::SecretMissing.as_str(), message, &hint)
        });
        unresolved.chain(missing).collect()
    }

    /// Tools that no alternative can work for, by service and what they ask for.
    fn missing_secrets(&self) -> BTreeMap<(String, String), usize> {
        let mut missing = BTreeMap::new();
        let open = self.policy().admission(None, "");
        for entry in self.tools() {
            let Ok(prepared) = entry.prepared() else { continue };
            let alternatives = &prepared.tool().auth_alternatives;
            let service = &entry.service().id;
            let is_complete = |alternative: &AuthAlternative| {
                alternative.requirements.iter().all(|one| self.secrets().is_configured(service, &one.name))
            };
            // An alternative without requirements is complete: anonymous access.
            let is_callable = alternatives.is_empty() || alternatives.iter().any(is_complete);
            if !is_callable && self.policy().decide(entry.verdict(), &open, true).is_allowed() {
                *missing.entry((service.clone(), in_words(alternatives))).or_default() += 1;
            }
        }
        missing
    }
}

/// `a`, `a + b`, `a or b + c`.
fn in_words(alternatives: &[AuthAlternative]) -> String {
    let one = |alternative: &AuthAlternative| {
        let names: Vec<&str> = alternative.requirements.iter().map(|one| one.name.as_str()).collect();
        names.join(" + ")
    };
    alternatives.iter().map(one).collect::<Vec<_>>().join(" or ")
}
