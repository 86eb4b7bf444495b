//! §1.5: how scopes combine.

use open_cli_config::Scope::{self, Local, Managed, Project, User};
use serde_json::{Value, json};

use crate::support::{eff, paths, project, scopes};

fn merged(earlier: Value, later: Value) -> Value {
    let files = [(User, project(earlier)), (Project, later)];
    eff(&scopes(&files).unwrap_or_else(|findings| panic!("{findings:#?}")))
}

/// The worked example of §1.5, CFG-31.
#[test]
fn deny_lists_are_united_and_the_managed_one_is_kept_apart() {
    let loaded = scopes(&[
        (Managed, json!({"policy": {"deny": ["crm:wipe*", "", "crm:wipe*"]}})),
        (User, json!({"policy": {"deny": ["hr:*", "crm:wipe*"], "allowExecSecrets": true}})),
        (Project, project(json!({"policy": {"deny": ["fin:pay"]}}))),
    ])
    .expect("loads");
    assert_eq!(loaded.config.policy.deny, ["crm:wipe*", "hr:*", "fin:pay"]);
    assert_eq!(loaded.managed_deny, ["crm:wipe*"]);
    assert!(loaded.config.policy.allow_exec_secrets);
    assert!(!eff(&loaded).to_string().contains("managedDeny"));
}

#[test]
fn scalars_are_replaced_one_by_one_and_an_empty_mode_changes_nothing() {
    let json = merged(
        json!({"mode": {"default": "curated"}, "runtime": {"remote": {"url": "https://a", "requestConfigPath": "/p",
            "oauth": {"audience": "x", "scopes": ["a"]}}}}),
        json!({"cli": "2", "mode": {}, "runtime": {"remote": {"url": "https://b", "oauth": {"scopes": []}}}}),
    );
    assert_eq!(json["cli"], "2");
    assert_eq!(json["mode"], json!({"default": "curated"}));
    let expected = json!({"url": "https://b", "requestConfigPath": "/p", "oauth": {"audience": "x"}});
    assert_eq!(json["runtime"]["remote"], expected);
}

#[test]
fn secret_references_and_refresh_are_replaced_whole() {
    let json = merged(
        json!({
            "secrets": {"s": {"type": "exec", "command": ["a"]}},
            "sources": {"a": {"type": "openapi", "uri": "u", "refresh": {"manualOnly": true}}},
            "runtime": {"remote": {"oauth": {"client": {"clientId": {"type": "exec", "command": ["a"]}}}}}
        }),
        json!({
            "secrets": {"s": {"type": "env", "value": "S"}},
            "sources": {"a": {"refresh": {"maxAgeSeconds": 10}}},
            "runtime": {"remote": {"oauth": {"client": {"clientId": {"type": "env", "value": "I"}}}}}
        }),
    );
    assert_eq!(json["secrets"]["s"], json!({"type": "env", "value": "S"}));
    assert_eq!(json["sources"]["a"]["refresh"], json!({"maxAgeSeconds": 10}));
    assert_eq!(json["runtime"]["remote"]["oauth"]["client"]["clientId"], json!({"type": "env", "value": "I"}));
}

#[test]
fn a_changed_source_type_drops_what_belonged_to_the_old_one() {
    let mcp = json!({"type": "mcp", "transport": {"type": "streamable-http", "url": "https://h"},
        "disabledTools": ["x"], "oauth": {"mode": "clientCredentials"}});
    let json = merged(
        json!({"sources": {"a": mcp}}),
        json!({"sources": {"a": {"type": "openapi", "uri": "u"}}, "services": {"a": {"source": "a"}}}),
    );
    assert_eq!(json["sources"]["a"], json!({"type": "openapi", "uri": "u", "enabled": true}));
    let json = merged(
        json!({"sources": {"a": {"type": "openapi", "uri": "u"}}}),
        json!({"sources": {"a": {"type": "mcp", "transport": {"type": "stdio", "command": "c"}}}}),
    );
    let expected = json!({"type": "mcp", "enabled": true, "transport": {"type": "stdio", "command": "c"}});
    assert_eq!(json["sources"]["a"], expected);
}

#[test]
fn a_changed_transport_type_drops_the_settings_of_the_other_family() {
    let http = json!({"type": "sse", "url": "https://h/a", "headers": {"A": "1"}, "headerSecrets": {}});
    let stdio = json!({"type": "stdio", "command": "c", "args": ["a"], "env": {"E": "1"}});
    let with = |transport: &Value| json!({"sources": {"a": {"type": "mcp", "transport": transport}}});
    let over = |transport: Value| json!({"sources": {"a": {"transport": transport}}});
    for (earlier, later, expected) in [
        (
            &http,
            json!({"type": "streamable-http"}),
            json!({"type": "streamable-http", "url": "https://h/a", "headers": {"A": "1"}}),
        ),
        (&http, stdio.clone(), stdio.clone()),
        (&stdio, json!({"type": "sse", "url": "https://h/b"}), json!({"type": "sse", "url": "https://h/b"})),
        (
            &stdio,
            json!({"args": [], "env": {"F": "2"}}),
            json!({"type": "stdio", "command": "c", "env": {"F": "2"}}),
        ),
    ] {
        assert_eq!(merged(with(earlier), over(later))["sources"]["a"]["transport"], expected);
    }
}

#[test]
fn oauth_merges_per_field_and_falls_with_its_transport() {
    let env = |name: &str| json!({"type": "env", "value": name});
    let source = json!({"type": "mcp", "transport": {"type": "streamable-http", "url": "https://h"},
        "oauth": {"mode": "authorizationCode", "authorizationURL": "https://h/a", "interactive": true,
            "callbackPort": 1, "redirectURI": "app:cb", "tokenURL": "https://h/t", "scopes": ["a"]}});
    let later =
        json!({"mode": "clientCredentials", "clientId": env("I"), "clientSecret": env("S"), "scopes": ["b"]});
    let json = merged(json!({"sources": {"a": source}}), json!({"sources": {"a": {"oauth": later}}}));
    let expected = json!({"mode": "clientCredentials", "tokenURL": "https://h/t", "clientId": env("I"),
        "clientSecret": env("S"), "scopes": ["b"]});
    assert_eq!(json["sources"]["a"]["oauth"], expected);
    let json =
        merged(json!({"sources": {"a": source}}), json!({"sources": {"a": {"transport": {"type": "sse"}}}}));
    assert_eq!(json["sources"]["a"].get("oauth"), None);
}

/// CFG-33 undone (weakness 9), CFG-34.
#[test]
fn a_source_may_be_assembled_over_scopes_and_disabled_before_it_is_defined() {
    let json = merged(
        json!({"sources": {"crm": {"enabled": false}, "fs": {"transport": {"type": "stdio", "command": "c"}}}}),
        json!({"sources": {"crm": {"type": "openapi", "uri": "u"}, "fs": {"type": "mcp"}}}),
    );
    assert_eq!(json["sources"]["crm"]["enabled"], false);
    assert_eq!(json["sources"]["fs"]["transport"]["command"], "c");
}

#[test]
fn services_profiles_and_tool_sets_merge_by_their_own_rules() {
    let json = merged(
        json!({
            "sources": {"a": {"type": "openapi", "uri": "u"}},
            "services": {"a": {"source": "a", "alias": "x", "overlays": ["o"], "skills": ["s"]}},
            "agents": {"profiles": {"p": {"mode": "curated", "toolSet": "t"}}, "defaultProfile": "p"},
            "curation": {"toolSets": {"t": {"allow": ["b", "a"]}}}
        }),
        json!({
            "services": {"a": {"overlays": [], "skills": ["z"]}},
            "agents": {"profiles": {"p": {"mode": "discover"}}},
            "curation": {"toolSets": {"t": {"allow": ["a", "c"], "deny": ["d"]}}}
        }),
    );
    assert_eq!(json["services"]["a"], json!({"source": "a", "alias": "x", "skills": ["z"]}));
    assert_eq!(json["agents"]["profiles"]["p"], json!({"mode": "discover", "toolSet": "t"}));
    assert_eq!(json["curation"]["toolSets"]["t"], json!({"allow": ["b", "a", "c"], "deny": ["d"]}));
}

/// CFG-35 undone (weakness 18).
#[test]
fn null_removes_what_an_earlier_scope_defined() {
    let base = project(json!({
        "sources": {"a": {"type": "openapi", "uri": "u"}},
        "services": {"a": {"source": "a"}},
        "secrets": {"s": {"type": "env", "value": "S"}},
        "curation": {"toolSets": {"t": {"allow": ["x"]}}},
        "agents": {"profiles": {"p": {}}}
    }));
    let nothing = json!({"sources": {"a": null}, "services": {"a": null}, "secrets": {"s": null},
        "curation": {"toolSets": {"t": null}}, "agents": {"profiles": {"p": null}}});
    let loaded = scopes(&[(Project, base.clone()), (Local, nothing.clone())]).expect("loads");
    let bare = json!({"cli": "1.0.0", "mode": {"default": "discover"}, "runtime": {"mode": "remote"},
        "curation": {}, "agents": {}, "policy": {}});
    assert_eq!(eff(&loaded), bare);
    assert!(loaded.warnings.is_empty());
    // Nothing to remove is worth a word, not a failure: another program may read fewer scopes.
    let loaded = scopes(&[(Project, project(nothing.clone()))]).expect("loads");
    assert_eq!(loaded.warnings.len(), 5);
    // The first scope has nothing before it.
    let findings = scopes(&[(Managed, nothing), (Project, base)]).expect_err("managed null");
    assert_eq!(
        paths(&findings),
        ["agents.profiles.p", "curation.toolSets.t", "secrets.s", "services.a", "sources.a"]
    );
}

#[test]
fn every_value_knows_which_scope_said_it_last() {
    let loaded = scopes(&[
        (User, json!({"cli": "1", "policy": {"deny": ["a"]}})),
        (Project, json!({"mode": {"default": "discover"}, "cli": "2"})),
    ])
    .expect("loads");
    let scope_of = |path: &str| -> Scope { loaded.origins[path].scope };
    assert_eq!((scope_of("cli"), scope_of("policy.deny"), scope_of("mode.default")), (Project, User, Project));
    assert_eq!(loaded.origins["cli"].column, 38);
}
