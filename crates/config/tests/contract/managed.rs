//! Deviation 8, weakness 6: what the managed scope says about sign-in, exec secrets, secrets and sources is final.

use open_cli_config::Scope::{Local, Managed, Project};
use serde_json::{Value, json};

use crate::support::{eff, paths, project, scopes};

fn auth() -> Value {
    json!({"validationProfile": "oidc_jwks", "issuer": "https://i", "audience": "a", "jwksURL": "https://i/k"})
}

fn managed() -> Value {
    json!({
        "sources": {"crm": {"type": "openapi", "uri": "/managed.yaml"}},
        "mcpServers": {"fs": {"command": "managed-fs"}},
        "secrets": {"s": {"type": "env", "value": "MANAGED"}},
        "policy": {"allowExecSecrets": false},
        "catalog": {"lock": "/managed.lock.json", "newTools": "quarantine"},
        "runtime": {"server": {"auth": auth()}}
    })
}

#[test]
fn later_scopes_cannot_override_managed_values_and_are_told_so() {
    let project_file = project(json!({
        "sources": {"crm": {"uri": "/mine.yaml"}, "own": {"type": "openapi", "uri": "/own.yaml"}},
        "secrets": {"s": {"type": "env", "value": "MINE"}, "t": {"type": "env", "value": "T"}},
        "policy": {"allowExecSecrets": true},
        "catalog": {"lock": "/mine.lock.json", "newTools": "allow"}
    }));
    let local = json!({
        "mcpServers": {"fs": {"command": "mine"}},
        "sources": {"crm": null},
        // Through the legacy door: `mode` would beat the managed profile.
        "runtime": {"server": {"auth": {"mode": "oauth2Introspection", "introspectionURL": "https://mine"}}}
    });
    let loaded = scopes(&[(Managed, managed()), (Project, project_file), (Local, local)]).expect("loads");
    let json = eff(&loaded);
    assert_eq!(json["sources"]["crm"]["uri"], "/managed.yaml");
    assert_eq!(json["sources"]["own"]["uri"], "/own.yaml");
    assert_eq!(json["sources"]["fs"]["transport"]["command"], "managed-fs");
    assert_eq!(json["secrets"]["s"]["value"], "MANAGED");
    assert_eq!(json["secrets"]["t"]["value"], "T");
    assert_eq!(json["runtime"]["server"]["auth"], auth());
    assert_eq!(json["catalog"], json!({"lock": "/managed.lock.json", "newTools": "quarantine"}));
    assert!(!loaded.config.policy.allow_exec_secrets);
    let expected = [
        "catalog.lock",
        "catalog.newTools",
        "policy.allowExecSecrets",
        "runtime.server.auth",
        "secrets.s",
        "sources.crm",
        "sources.crm",
        "sources.fs",
    ];
    assert_eq!(paths(&loaded.warnings), expected);
    assert!(loaded.warnings.iter().all(|w| w.scope != Managed && w.message.contains("managed")));
}

/// CFG-29: the same file may come as two scopes.
#[test]
fn saying_the_same_again_is_no_attempt_to_override() {
    let mut file = managed();
    file["cli"] = json!("1");
    file["mode"] = json!({"default": "discover"});
    let loaded = scopes(&[(Managed, file.clone()), (Project, file)]).expect("loads");
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
}

#[test]
fn what_managed_leaves_open_is_free() {
    let files = [
        (Managed, json!({"policy": {"deny": ["x"]}, "runtime": {"server": {"auth": {}}}})),
        (Project, project(json!({"policy": {"allowExecSecrets": true}, "runtime": {"server": {"auth": auth()}}}))),
    ];
    let loaded = scopes(&files).expect("loads");
    assert!(loaded.config.policy.allow_exec_secrets);
    assert!(loaded.config.runtime.auth().is_some());
    assert!(loaded.warnings.is_empty());
}
