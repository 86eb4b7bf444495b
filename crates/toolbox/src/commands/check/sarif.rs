//! A check as SARIF 2.1.0 (OASIS), for code scanning: one rule for each code, one result for each finding, paths relative
//! to the folder where the check was made.

use super::finding::{Artifact, Finding, Report, Verdict};
use open_cli_contract::catalog::Severity;
use open_cli_contract::diagnostic::DiagnosticCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use url::Url;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The root that relative paths count from, as code scanning services call it.
const ROOT: &str = "%SRCROOT%";

pub(super) fn sarif(report: &Report, verdict: Verdict) -> Value {
    let codes: BTreeSet<DiagnosticCode> = report.findings.iter().filter_map(code_of).collect();
    let codes: Vec<DiagnosticCode> = codes.into_iter().collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, &codes, report)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "open-cli-toolbox",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().copied().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": u8::from(verdict.is_failed),
            }],
            "results": results,
        }],
    })
}

fn code_of(finding: &Finding) -> Option<DiagnosticCode> {
    DiagnosticCode::parse(&finding.diagnostic.code)
}

fn rule(code: DiagnosticCode) -> Value {
    let (meaning, advice) = (code.meaning(), code.advice());
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": meaning},
        "help": {"text": format!("{meaning} {advice}"), "markdown": format!("{meaning}\n\n{advice}")},
    })
}

fn result(finding: &Finding, codes: &[DiagnosticCode], report: &Report) -> Value {
    let diagnostic = &finding.diagnostic;
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let text = match diagnostic.hint.as_str() {
        "" => diagnostic.message.clone(),
        hint => format!("{} ({hint})", diagnostic.message),
    };
    let mut value = json!({
        "ruleId": diagnostic.code,
        "level": level,
        "message": {"text": text},
        "partialFingerprints": {"openCli/v1": fingerprint(finding, &report.here)},
    });
    if let Some(index) = code_of(finding).and_then(|code| codes.iter().position(|known| *known == code)) {
        value["ruleIndex"] = index.into();
    }
    if let Some(location) = location(finding, &report.here) {
        value["locations"] = json!([location]);
    }
    value
}

fn location(finding: &Finding, here: &Path) -> Option<Value> {
    let place = finding.place.as_ref()?;
    let mut physical = json!({"artifactLocation": artifact(&place.artifact, here)});
    if let Some((line, column)) = place.at {
        physical["region"] = json!({"startLine": line, "startColumn": column});
    }
    let mut location = json!({"physicalLocation": physical});
    let pointer = &finding.diagnostic.pointer;
    if !pointer.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": pointer}]);
    }
    Some(location)
}

fn artifact(artifact: &Artifact, here: &Path) -> Value {
    let path = match artifact {
        Artifact::Url(url) => return json!({"uri": url}),
        Artifact::File(path) => path,
    };
    let url = Url::from_file_path(path).ok();
    let relative = path.strip_prefix(here).is_ok().then(|| {
        let base = Url::from_directory_path(here).ok()?;
        base.make_relative(url.as_ref()?)
    });
    match (relative.flatten(), url) {
        (Some(uri), _) => json!({"uri": uri, "uriBaseId": ROOT}),
        (None, Some(url)) => json!({"uri": url.as_str()}),
        (None, None) => json!({"description": {"text": path.display().to_string()}}),
    }
}

/// The same finding in the next run, also when lines have moved.
fn fingerprint(finding: &Finding, here: &Path) -> String {
    let name = finding.place.as_ref().map(|place| place.artifact.shown(here)).unwrap_or_default();
    let diagnostic = &finding.diagnostic;
    let pointer = diagnostic.pointer.rsplit_once('#').map_or(diagnostic.pointer.as_str(), |(_, rest)| rest);
    let mut hash = Sha256::new();
    for part in [&diagnostic.code, &diagnostic.source, &name, pointer, &diagnostic.message] {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
