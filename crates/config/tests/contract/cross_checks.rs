//! §1.9 and weaknesses 13 and 14.

use serde_json::json;

use crate::support::{fails, one, warns};

fn mcp() -> serde_json::Value {
    json!({"type": "mcp", "transport": {"type": "stdio", "command": "c"}})
}

/// CFG-75 to CFG-77.
#[test]
fn services_lead_to_their_sources() {
    let api = json!({"type": "openapi", "uri": "u"});
    fails(
        json!({"sources": {"crm": api}, "services": {"a": {"source": "crn"}}}),
        "services.a.source",
        "unknown source \"crn\"; did you mean \"crm\"",
    );
    fails(json!({"services": {"a": {}}}), "services.a.source", "required");
    fails(
        json!({"sources": {"fs": mcp(), "crm": api}, "services": {"fs": {"source": "crm"}}}),
        "services.fs.source",
        "must reference \"fs\"",
    );
    fails(
        json!({"sources": {"fs": mcp()}, "services": {"two": {"source": "fs"}}}),
        "services.two.source",
        "second service",
    );
    warns(json!({"sources": {"crm": api}, "services": {"a": {"source": "crm"}, "b": {"source": "crm"}}}), &[]);
}

/// Weakness 14: errors.
#[test]
fn two_services_cannot_answer_to_one_name() {
    let sources =
        json!({"x": {"type": "openapi", "uri": "u"}, "off": {"type": "openapi", "uri": "u", "enabled": false}});
    let services = |services: serde_json::Value| json!({"sources": sources, "services": services});
    fails(
        services(json!({"a": {"source": "x", "alias": "c"}, "b": {"source": "x", "alias": "c"}})),
        "services.b.alias",
        "already answers",
    );
    fails(
        services(json!({"a": {"source": "x", "alias": "b"}, "b": {"source": "x"}})),
        "services.a.alias",
        "already answers",
    );
    // Two variants, one switched off.
    warns(services(json!({"a": {"source": "x", "alias": "c"}, "b": {"source": "off", "alias": "c"}})), &[]);
    // Exchanged names are odd but clear.
    warns(services(json!({"a": {"source": "x", "alias": "b"}, "b": {"source": "x", "alias": "a"}})), &[]);
}

/// Weakness 14: warnings, because such files load elsewhere and the policy fails closed on them.
#[test]
fn names_that_lead_nowhere_are_warned_about() {
    warns(
        json!({"agents": {"defaultProfile": "p", "profiles": {"q": {"toolSet": "t"}, "r": {"mode": "curated"}}}}),
        &["agents.defaultProfile", "agents.profiles.q.toolSet", "agents.profiles.r.toolSet"],
    );
    warns(
        json!({"policy": {"deny": ["ok:*", "bad:["]}, "curation": {"toolSets": {"t": {"allow": ["a\\"]}}}}),
        &["curation.toolSets.t.allow.0", "policy.deny.1"],
    );
    warns(
        json!({"sources": {"a": {"type": "mcp", "transport": {"type": "sse", "url": "https://h",
        "headerSecrets": {"X-Key": "gone"}}}}}),
        &["sources.a.transport.headerSecrets.X-Key"],
    );
    warns(
        json!({"sources": {"a": {"type": "apiCatalog", "uri": "https://h"}}, "services": {"a": {"source": "a"}}}),
        &["services.a.source"],
    );
    warns(json!({"catalog": {"newTools": "quarantine"}}), &["catalog.newTools"]);
}

/// CFG-18, weakness 13.
#[test]
fn literal_secrets_load_with_a_warning_and_do_not_print() {
    let literal = json!({"type": "literal", "value": "hunter2"});
    let members = json!({
        "secrets": {"s": literal, "o": {"type": "oauth2", "mode": "clientCredentials", "clientSecret": literal}},
        "sources": {"a": {"type": "mcp", "transport": {"type": "streamable-http", "url": "https://u:hunter2@h/",
            "headers": {"Authorization": "hunter2", "Accept": "text/plain"}}}},
        "services": {"a": {"source": "a", "overlays": ["https://hunter2@h/o"]}},
        "runtime": {"remote": {"url": "https://h/?token=hunter2", "oauth": {"client": {"clientId": literal}}},
            "server": {"auth": {"mode": "oauth2Introspection", "audience": "a", "introspectionURL": "https://hunter2@i/",
                "clientId": literal, "clientSecret": literal}}}
    });
    let loaded = warns(
        members,
        &[
            "runtime.remote.oauth.client.clientId",
            "runtime.server.auth.clientId",
            "runtime.server.auth.clientSecret",
            "secrets.o.clientSecret",
            "secrets.s",
        ],
    );
    let json = serde_json::to_string(&loaded.config).expect("serialises");
    assert!(!json.contains("hunter2"), "{json}");
    assert!(json.contains("text/plain"), "{json}");
    assert!(!format!("{loaded:?}").contains("hunter2"), "{loaded:?}");
    let revealed = loaded.config.revealed();
    assert_eq!(revealed.to_string().matches("hunter2").count(), 10, "{revealed:#}");
    assert_eq!(revealed["secrets"]["o"]["clientSecret"], literal);
}

/// What is revealed loads to the same configuration.
#[test]
fn revealed_json_is_a_config_file() {
    let members = json!({
        "secrets": {"s": {"type": "literal", "value": "x"}, "f": {"type": "file", "value": "./t"}},
        "sources": {"a": mcp(), "b": {"type": "openapi", "uri": "./b.yaml", "refresh": {"maxAgeSeconds": 5}}},
        "services": {"b": {"source": "b", "overlays": ["./o.yaml"]}},
        "runtime": {"remote": {"oauth": {"mode": "browserLogin", "browserLogin": {"callbackPort": 80}}}}
    });
    let first = one(members).expect("loads");
    let second = one(first.config.revealed()).expect("loads again");
    assert_eq!(first.config, second.config);
}
