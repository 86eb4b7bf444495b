//! CFG-11 to CFG-15 and weaknesses 2 to 4: everything at once, sorted, each with its place.

use open_cli_config::{ConfigError, MAX_FINDINGS, Scope, load_text};
use serde_json::json;

use crate::support::{path_of, paths, texts_of};

/// Weakness 3.
#[test]
fn all_faults_of_all_scopes_are_reported_sorted_by_path() {
    let findings = texts_of(&[
        (Scope::User, r#"{"policy": {"deny": 1}, "zzz": 1}"#),
        (Scope::Project, r#"{"cli": "1", "services": {"crm": {"source": "gone"}}, "mode": {"default": "x"}}"#),
        (Scope::Local, r#"{"sources": {"a": {"type": "openapi"}}}"#),
    ])
    .expect_err("faults");
    assert_eq!(paths(&findings), ["", "mode.default", "policy.deny", "services.crm.source", "sources.a.uri"]);
    let scopes: Vec<_> = findings.iter().map(|f| f.scope.as_str()).collect();
    assert_eq!(scopes, ["user", "project", "user", "project", "local"]);
}

/// Weakness 2: faults of the merged configuration have a place too.
#[test]
fn merged_faults_point_at_the_scope_that_caused_them() {
    let findings = texts_of(&[
        (Scope::User, "{\n  \"sources\": {\n    \"a\": {\"type\": \"mcp\", \"transport\": {\"type\": \"stdio\", \"command\": \"x\"}}}}"),
        (Scope::Project, "{\"cli\": \"1\", \"mode\": {\"default\": \"discover\"},\n \"sources\": {\"a\": {\n  \"uri\": \"u\"}}}"),
    ])
    .expect_err("banned");
    assert_eq!(paths(&findings), ["sources.a.uri"]);
    assert_eq!((findings[0].scope, findings[0].line, findings[0].column), (Scope::Project, 3, 3));
    assert_eq!(findings[0].file, path_of(Scope::Project));
}

/// What an unreadable scope defines is unknown; calling it missing would mislead.
#[test]
fn a_scope_with_a_syntax_error_hides_what_it_may_define_and_nothing_else() {
    let findings = texts_of(&[(Scope::User, "{"), (Scope::Project, r#"{"cli": 1}"#)]).expect_err("faults");
    assert_eq!(paths(&findings), ["", "cli"]);
}

/// CFG-15.
#[test]
fn an_error_prints_on_one_line_for_programs_and_on_several_for_people() {
    let text = "{\"cli\": 1,\n \"mode\": {\"default\": \"discover\"}, \"a\\nb\": 1}";
    let error = load_text(&[(Scope::Project, path_of(Scope::Project), text.to_owned())]).expect_err("faults");
    assert_eq!(
        error.to_string(),
        "configuration validation failed; : unknown key \"a\\nb\"; remove it; cli: expected string, found number"
    );
    assert_eq!(
        error.render(),
        "configuration validation failed: 2 faults\n  \
         /srv/acme/.cli.json:2:35: unknown key \"a\\nb\"; remove it\n  \
         /srv/acme/.cli.json:1:9: cli: expected string, found number"
    );
    let json = serde_json::to_value(&error.diagnostics()[1]).expect("serialises");
    let expected = json!({"path": "cli", "message": "expected string, found number", "scope": "project",
        "file": "/srv/acme/.cli.json", "line": 1, "column": 9});
    assert_eq!(json, expected);
}

#[test]
fn a_control_character_in_an_id_does_not_start_a_line() {
    let text = r#"{"cli": "1", "mode": {"default": "discover"}, "secrets": {"a\nERROR": 1}}"#;
    let error = load_text(&[(Scope::Project, path_of(Scope::Project), text.to_owned())]).expect_err("faults");
    assert_eq!(error.diagnostics()[0].path, "secrets.a\nERROR");
    assert!(error.to_string().contains("secrets.a\\nERROR"));
    assert_eq!(error.render().lines().count(), 2);
}

#[test]
fn the_number_of_findings_is_bounded_and_the_rest_counted() {
    let keys: Vec<String> = (0..1000).map(|i| format!("\"k{i}\": 1")).collect();
    let text = format!("{{{}}}", keys.join(","));
    let findings = texts_of(&[(Scope::Project, &text)]).expect_err("faults");
    assert_eq!(findings.len(), MAX_FINDINGS + 1);
    assert!(findings[MAX_FINDINGS].message.contains("802 more"), "{}", findings[MAX_FINDINGS].message);
}

#[test]
fn nothing_to_load_is_its_own_error() {
    assert!(matches!(load_text(&[]), Err(ConfigError::NotFound { .. })));
}

/// Secrets never appear in findings.
#[test]
fn values_are_not_quoted_in_findings() {
    let text = r#"{"secrets": {"s": {"type": "hunter2", "value": "hunter2"}}, "cli": {"x": "hunter2"},
        "runtime": {"remote": {"url": "hunter2"}}}"#;
    let error = load_text(&[(Scope::Project, path_of(Scope::Project), text.to_owned())]).expect_err("faults");
    assert!(!format!("{error} {error:?} {}", error.render()).contains("hunter2"));
}
