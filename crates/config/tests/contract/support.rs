//! Short ways to load texts and to look at findings.

use std::path::PathBuf;

use open_cli_config::{ConfigDiagnostic, Loaded, Scope, load_text};
use serde_json::{Value, json};

/// The file of a scope.
pub(crate) fn path_of(scope: Scope) -> PathBuf {
    PathBuf::from(match scope {
        Scope::Managed => "/etc/open-cli/.cli.json",
        Scope::User => "/home/u/.config/open-cli/.cli.json",
        Scope::Project => "/srv/acme/.cli.json",
        Scope::Local => "/srv/acme/.cli.local.json",
    })
}

/// Loads scopes from JSON values.
pub(crate) fn scopes(scopes: &[(Scope, Value)]) -> Result<Loaded, Vec<ConfigDiagnostic>> {
    let texts: Vec<_> = scopes.iter().map(|(scope, value)| (*scope, value.to_string())).collect();
    texts_of(&texts.iter().map(|(scope, text)| (*scope, text.as_str())).collect::<Vec<_>>())
}

/// Loads scopes from texts.
pub(crate) fn texts_of(scopes: &[(Scope, &str)]) -> Result<Loaded, Vec<ConfigDiagnostic>> {
    let files: Vec<_> = scopes.iter().map(|(scope, text)| (*scope, path_of(*scope), (*text).to_owned())).collect();
    load_text(&files).map_err(|error| error.diagnostics().to_vec())
}

/// A project file with `cli` and `mode`, and the given members.
pub(crate) fn project(members: Value) -> Value {
    let mut value = json!({"cli": "1.0.0", "mode": {"default": "discover"}});
    for (key, member) in members.as_object().expect("an object") {
        value[key] = member.clone();
    }
    value
}

/// Loads one project file.
pub(crate) fn one(members: Value) -> Result<Loaded, Vec<ConfigDiagnostic>> {
    scopes(&[(Scope::Project, project(members))])
}

/// The paths of findings.
pub(crate) fn paths(findings: &[ConfigDiagnostic]) -> Vec<&str> {
    findings.iter().map(|finding| finding.path.as_str()).collect()
}

/// Loading the members must fail with exactly this path, and the message must hold the anchor.
pub(crate) fn fails(members: Value, path: &str, anchor: &str) {
    let text = members.to_string();
    let findings = one(members).expect_err(&text);
    assert_eq!(paths(&findings), [path], "{text}\n{findings:#?}");
    assert!(findings[0].message.contains(anchor), "{text}: {}", findings[0].message);
}

/// Loading the members must succeed with exactly these paths among the warnings.
pub(crate) fn warns(members: Value, expected: &[&str]) -> Loaded {
    let text = members.to_string();
    let loaded = one(members).unwrap_or_else(|findings| panic!("{text}\n{findings:#?}"));
    assert_eq!(paths(&loaded.warnings), expected, "{text}");
    loaded
}

/// EFF JSON.
pub(crate) fn eff(loaded: &Loaded) -> Value {
    serde_json::to_value(&loaded.config).expect("serialises")
}
