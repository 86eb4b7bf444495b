//! §1.11: the effective configuration as JSON.

use serde_json::json;

use crate::support::{eff, warns};

#[test]
fn only_what_says_something_is_written() {
    let bare = eff(&warns(json!({"sources": {}, "policy": {"allowExecSecrets": false, "deny": []}}), &[]));
    let expected = json!({"cli": "1.0.0", "mode": {"default": "discover"}, "runtime": {"mode": "remote"},
        "curation": {}, "agents": {}, "policy": {}});
    assert_eq!(bare, expected);
    let source = json!({"type": "openapi", "uri": "u", "refresh": {"manualOnly": false, "maxAgeSeconds": 0}});
    let json = eff(&warns(json!({"sources": {"a": source}}), &[]));
    assert_eq!(json["sources"]["a"], json!({"type": "openapi", "uri": "u", "enabled": true}));
}

#[test]
fn every_field_is_written_under_its_own_name() {
    let env = json!({"type": "env", "value": "A"});
    let members = json!({
        "runtime": {
            "mode": "remote",
            "remote": {"url": "https://h/", "requestConfigPath": "/p", "oauth": {"mode": "oauthClient", "audience": "a",
                "scopes": ["s"], "tokenRef": "env:T", "client": {"tokenURL": "https://h/t", "clientId": env,
                "clientSecret": env}, "browserLogin": {"callbackPort": 1}, "delegation": {"enabled": true,
                "tokenExchangeURL": "https://h/x", "scopes": ["d"]}}},
            "server": {"auth": {"validationProfile": "oauth2_introspection", "mode": "oauth2Introspection",
                "issuer": "i", "jwksURL": "https://h/k", "audience": "a", "introspectionURL": "https://h/i",
                "authorizationURL": "https://h/a", "tokenURL": "https://h/t", "browserClientId": "b",
                "clientId": env, "clientSecret": env}}
        },
        "sources": {
            "a": {"type": "openapi", "uri": "u", "enabled": false, "refresh": {"maxAgeSeconds": 5, "manualOnly": true}},
            "m": {"type": "mcp", "enabled": true, "transport": {"type": "streamable-http", "url": "https://h/",
                "headers": {"Accept": "x"}, "headerSecrets": {"X-Key": "s"}}, "disabledTools": ["t"],
                "oauth": {"mode": "clientCredentials", "issuer": "https://i/", "tokenURL": "https://h/t",
                    "clientId": env, "clientSecret": env, "scopes": ["s"], "audience": "a",
                    "tokenStorage": "memory"}},
            "p": {"type": "mcp", "enabled": true, "transport": {"type": "stdio", "command": "c", "args": ["x"],
                "env": {"HOME": "/h"}}}
        },
        "services": {"a": {"source": "a", "alias": "z", "overlays": ["o"], "skills": ["s"], "workflows": ["w"]},
            "m": {"source": "m"}, "p": {"source": "p"}},
        "catalog": {"lock": "l.json", "newTools": "quarantine"},
        "curation": {"toolSets": {"t": {"allow": ["a"], "deny": ["b"]}}},
        "agents": {"profiles": {"p": {"mode": "curated", "toolSet": "t"}}, "defaultProfile": "p"},
        "policy": {"deny": ["d"], "approvalRequired": ["r"], "allowExecSecrets": true},
        "secrets": {
            "s": {"type": "osKeychain", "value": "svc/acc"}, "e": {"type": "exec", "command": ["p", "q"]},
            "o": {"type": "oauth2", "mode": "authorizationCode", "authorizationURL": "https://h/a",
                "interactive": false, "callbackPort": 9, "redirectURI": "app:cb", "tokenStorage": "instance"}
        }
    });
    let loaded = warns(members.clone(), &[]);
    assert_eq!(eff(&loaded), crate::support::project(members));
}
