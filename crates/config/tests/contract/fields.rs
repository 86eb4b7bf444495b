//! §1.1 and §1.3: format, types, bounds, unknown keys, the two shapes of secrets.

use open_cli_config::Scope;
use serde_json::json;

use crate::support::{fails, one, paths, scopes, texts_of, warns};

/// CFG-1, CFG-5 to CFG-8.
#[test]
fn a_file_that_is_not_one_json_object_is_a_finding_with_an_empty_path() {
    for (text, anchor) in [
        ("", "empty"),
        ("{} x", "after the end"),
        ("\u{feff}{}", "byte-order mark"),
        ("{,}", "a key"),
        ("[]", "expected object"),
        ("null", "expected object"),
        ("\"x\"", "expected object"),
    ] {
        let findings = texts_of(&[(Scope::Project, text)]).expect_err(text);
        assert_eq!(paths(&findings), [""], "{text}");
        assert!(findings[0].message.contains(anchor), "{text}: {}", findings[0].message);
    }
}

/// Weakness 1: an auditor may read the first of two.
#[test]
fn repeated_keys_are_refused_at_every_level_with_their_place() {
    let text =
        "{\"cli\":\"1\",\n \"mode\":{\"default\":\"curated\",\n  \"default\":\"discover\"},\n \"cli\":\"2\"}";
    let findings = texts_of(&[(Scope::Project, text)]).expect_err("repeated");
    let places: Vec<_> = findings.iter().map(|f| (f.path.as_str(), f.line, f.column)).collect();
    assert_eq!(places, [("", 4, 2), ("mode", 3, 3)]);
    assert!(findings[0].message.contains("\"cli\""), "{}", findings[0].message);
}

/// CFG-2, CFG-3.
#[test]
fn an_unknown_key_is_reported_at_the_object_that_holds_it_and_named() {
    fails(json!({"CLI": "1"}), "", "\"CLI\"; did you mean \"cli\"");
    fails(json!({"$schema": "x"}), "", "$schema");
    fails(json!({"x-note": 1}), "", "x-note");
    fails(json!({"policy": {"denny": []}}), "policy", "did you mean \"deny\"");
    fails(
        json!({"sources": {"a": {"type": "openapi", "uri": "u"}}, "services": {"a": {"source": "a", "enabled": true}}}),
        "services.a",
        "\"enabled\"",
    );
    // One slip is one finding, though `uri` is missing too.
    fails(json!({"sources": {"crm": {"type": "openapi", "urI": "u"}}}), "sources.crm", "did you mean \"uri\"");
    fails(
        json!({"runtime": {"remote": {"oauth": {"tokenref": "env:A", "mode": "providedToken"}}}}),
        "runtime.remote.oauth",
        "tokenRef",
    );
}

/// CFG-4.
#[test]
fn null_is_a_type_error_for_every_field() {
    fails(json!({"runtime": null}), "runtime", "expected object, found null");
    let source = |extra: serde_json::Value| {
        let mut source = json!({"type": "mcp", "transport": {"type": "streamable-http", "url": "https://h"}});
        source["transport"]["headers"] = extra;
        json!({"sources": {"a": source}})
    };
    fails(source(json!({"A": null})), "sources.a.transport.headers.A", "expected string");
    fails(
        json!({"sources": {"a": {"type": "openapi", "uri": "u", "refresh": null}}}),
        "sources.a.refresh",
        "expected object",
    );
}

/// CFG-9, weakness 15.
#[test]
fn integers_are_whole_and_within_bounds() {
    let port = |number: &str| {
        format!(
            r#"{{"cli":"1","mode":{{"default":"discover"}},
            "runtime":{{"remote":{{"oauth":{{"browserLogin":{{"callbackPort":{number}}}}}}}}}}}"#
        )
    };
    assert!(texts_of(&[(Scope::Project, &port("8080"))]).is_ok());
    for (number, anchor) in [
        ("0", "at least 1"),
        ("-3", "at least 1"),
        ("65536", "at most 65535"),
        ("99999999999999999999", "at most 65535"),
        ("8080.0", "whole number"),
        ("1e3", "whole number"),
        ("\"80\"", "expected integer, found string"),
    ] {
        let findings = texts_of(&[(Scope::Project, &port(number))]).expect_err(number);
        assert_eq!(paths(&findings), ["runtime.remote.oauth.browserLogin.callbackPort"], "{number}");
        assert!(findings[0].message.contains(anchor), "{number}: {}", findings[0].message);
    }
}

#[test]
fn types_words_and_lengths_are_checked_at_the_exact_path() {
    for (members, path, anchor) in [
        (json!({"cli": ""}), "cli", "empty"),
        (json!({"cli": 1}), "cli", "expected string, found number"),
        (json!({"mode": {"default": "curate"}}), "mode.default", "did you mean \"curated\""),
        (json!({"runtime": {"mode": "embedded"}}), "runtime.mode", "remote"),
        (json!({"policy": {"deny": ["a", 1]}}), "policy.deny.1", "expected string"),
        (json!({"policy": {"allowExecSecrets": "yes"}}), "policy.allowExecSecrets", "expected boolean"),
        (json!({"sources": []}), "sources", "expected object, found array"),
        (json!({"sources": {"a": {"type": "http", "uri": "u"}}}), "sources.a.type", "must be one of apiCatalog"),
        (json!({"agents": {"defaultProfile": ""}}), "agents.defaultProfile", "empty"),
        (json!({"catalog": {"lock": true}}), "catalog.lock", "expected string"),
        (
            json!({"catalog": {"lock": "l", "newTools": "refuse"}}),
            "catalog.newTools",
            "must be one of allow, warn",
        ),
    ] {
        fails(members, path, anchor);
    }
}

/// CFG-53: whatever it holds.
#[test]
fn a_local_runtime_is_refused_once() {
    for local in [json!({}), json!({"heartbeatSeconds": 0}), json!({"share": 7}), json!(null)] {
        fails(json!({"runtime": {"local": local}}), "runtime.local", "no longer supported");
    }
}

/// CFG-19 to CFG-21, weaknesses 4 and 15.
#[test]
fn the_shape_of_a_secret_follows_its_type() {
    for (secret, path, anchor) in [
        (json!({"type": "env", "value": "A", "mode": "clientCredentials"}), "secrets.s", "\"mode\""),
        (json!({"type": "oauth2", "mode": "clientCredentials", "value": "A"}), "secrets.s", "\"value\""),
        (json!({"type": "oauth2"}), "secrets.s.mode", "required"),
        (json!({"mode": "clientCredentials"}), "secrets.s.type", "oauth2"),
        (json!({"type": "oauth2", "mode": "openIdConnect"}), "secrets.s.mode", "must be one of"),
        (json!({}), "secrets.s.type", "required"),
        (json!({"type": "vault", "path": "x"}), "secrets.s.type", "must be one of literal"),
        (json!({"type": "env"}), "secrets.s.value", "required for env"),
        (json!({"type": "file", "command": ["a"]}), "secrets.s.value", "required for file"),
        (json!({"type": "exec"}), "secrets.s.command", "required for exec"),
        (json!({"type": "exec", "command": []}), "secrets.s.command", "required for exec"),
        (
            json!({"type": "oauth2", "mode": "clientCredentials", "clientId": {"type": "oauth2"}}),
            "secrets.s.clientId.type",
            "must be one of literal",
        ),
    ] {
        fails(json!({"secrets": {"s": secret}}), path, anchor);
    }
    let loaded = warns(json!({"secrets": {"s": {"type": "exec", "value": "./token"}}}), &[]);
    let json = serde_json::to_value(&loaded.config.secrets["s"]).expect("serialises");
    assert_eq!(json, json!({"type": "exec", "command": ["/srv/acme/token"]}));
}

/// Weakness 15.
#[test]
fn url_fields_hold_urls_and_plain_http_for_tokens_is_warned_about() {
    let remote = |url: &str| json!({"runtime": {"remote": {"url": url}}});
    for url in ["localhost:8765", "/x", "ftp://h/x", "http://"] {
        fails(remote(url), "runtime.remote.url", "absolute http or https URL");
    }
    warns(remote("http://toolbox:8765"), &[]);
    let token =
        |url: &str| json!({"secrets": {"s": {"type": "oauth2", "mode": "clientCredentials", "tokenURL": url}}});
    warns(token("https://auth.example/token"), &[]);
    warns(token("http://127.0.0.1:9/token"), &[]);
    warns(token("http://localhost/token"), &[]);
    warns(token("http://[::1]/token"), &[]);
    warns(token("http://auth.example/token"), &["secrets.s.tokenURL"]);
    for kind in ["serviceRoot", "apiCatalog"] {
        fails(json!({"sources": {"a": {"type": kind, "uri": "./x"}}}), "sources.a.uri", "absolute http or https");
    }
}

/// Weakness 14: an id names a command.
#[test]
fn ids_are_not_empty() {
    fails(json!({"sources": {"": {"type": "openapi", "uri": "u"}}}), "sources.", "may not be empty");
    fails(json!({"secrets": {"": {"type": "env", "value": "A"}}}), "secrets.", "may not be empty");
}

/// CFG-16, CFG-17.
#[test]
fn what_no_scope_sets_is_missing_only_after_merging() {
    let findings = scopes(&[(Scope::Project, json!({}))]).expect_err("empty");
    assert_eq!(paths(&findings), ["cli", "mode.default"]);
    assert!(findings.iter().all(|f| f.message.contains("required") && (f.line, f.column) == (1, 1)));
    let both = [(Scope::User, json!({"cli": "1"})), (Scope::Project, json!({"mode": {"default": "discover"}}))];
    assert!(scopes(&both).is_ok());
    // Deviation 1; zero sources are fine (§9).
    let loaded = one(json!({"sources": {}})).expect("minimal");
    assert_eq!(crate::support::eff(&loaded)["runtime"], json!({"mode": "remote"}));
}
