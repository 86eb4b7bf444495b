//! §1.6 and §1.8: MCP sources and the `mcpServers` input.

use open_cli_config::Scope::{Local, Project, User};
use serde_json::{Value, json};

use crate::support::{eff, fails, one, paths, project, scopes, warns};

fn servers(entry: Value) -> Value {
    json!({"mcpServers": {"fs": entry}})
}

fn source(transport: Value) -> Value {
    json!({"sources": {"a": {"type": "mcp", "transport": transport}}})
}

fn with_oauth(kind: &str, oauth: Value) -> Value {
    let mut value = source(json!({"type": kind, "url": "https://h"}));
    value["sources"]["a"]["oauth"] = oauth;
    value
}

/// CFG-45, CFG-50.
#[test]
fn an_entry_becomes_a_source_with_its_service() {
    let loaded = warns(
        json!({"mcpServers": {"fs": {"type": "stdio", "command": "mcp-fs", "args": ["/data"]}},
            "services": {"fs": {"alias": "files"}}}),
        &[],
    );
    let json = eff(&loaded);
    let expected = json!({"type": "mcp", "enabled": true, "transport": {"type": "stdio", "command": "mcp-fs", "args": ["/data"]}});
    assert_eq!(json["sources"]["fs"], expected);
    assert_eq!(json["services"]["fs"], json!({"source": "fs", "alias": "files"}));
    assert_eq!(json.get("mcpServers"), None);
    let json = eff(&warns(source(json!({"type": "stdio", "command": "c"})), &[]));
    assert_eq!(json["services"]["a"], json!({"source": "a"}));
}

/// Weaknesses 11 and 12.
#[test]
fn the_type_is_inferred_and_an_entry_can_be_disabled() {
    let json = eff(&warns(servers(json!({"command": "c", "enabled": false})), &[]));
    assert_eq!(json["sources"]["fs"]["transport"]["type"], "stdio");
    assert_eq!(json["sources"]["fs"]["enabled"], false);
    let json = eff(&warns(servers(json!({"url": "https://h"})), &[]));
    assert_eq!(json["sources"]["fs"]["transport"]["type"], "streamable-http");
    fails(servers(json!({"command": "c", "url": "https://h"})), "sources.fs.transport.type", "required");
    fails(servers(json!({"args": ["c"]})), "sources.fs.transport.type", "required");
    fails(servers(json!({})), "sources.fs.transport", "required");
    fails(servers(json!({"type": "http", "url": "https://h"})), "mcpServers.fs.type", "streamable-http");
    fails(servers(json!({"command": 5})), "mcpServers.fs.command", "expected string");
    fails(servers(json!({"command": "c", "refresh": {}})), "mcpServers.fs", "\"refresh\"");
    // A type that an earlier scope states is not inferred again.
    let files = [
        (User, project(servers(json!({"type": "sse", "url": "https://a"})))),
        (Project, servers(json!({"url": "https://b"}))),
    ];
    let json = eff(&scopes(&files).expect("loads"));
    assert_eq!(json["sources"]["fs"]["transport"], json!({"type": "sse", "url": "https://b"}));
}

/// CFG-46 undone (weakness 10), CFG-49.
#[test]
fn empty_lists_clear_inherited_ones() {
    let files = [
        (
            User,
            project(servers(json!({"command": "c", "args": ["x"], "env": {"A": "1"}, "disabledTools": ["t"]}))),
        ),
        (Project, servers(json!({"args": [], "env": {}, "disabledTools": []}))),
    ];
    let json = eff(&scopes(&files).expect("loads"));
    let expected = json!({"type": "mcp", "enabled": true, "transport": {"type": "stdio", "command": "c"}});
    assert_eq!(json["sources"]["fs"], expected);
}

/// CFG-48 with weakness 11: the same name is fine while the types agree.
#[test]
fn one_name_in_both_maps_is_ambiguous_only_when_they_disagree() {
    let fs = || servers(json!({"command": "c"}));
    let other = || json!({"sources": {"fs": {"type": "openapi", "uri": "u"}}});
    let mut both = fs();
    both["sources"] = other()["sources"].clone();
    fails(both, "mcpServers.fs", "ambiguous");
    for (files, path) in [
        ([(User, project(other())), (Project, fs())], "mcpServers.fs"),
        ([(User, project(fs())), (Project, other())], "sources.fs"),
    ] {
        let findings = scopes(&files).expect_err("ambiguous");
        assert_eq!(paths(&findings), [path]);
        assert!(findings[0].message.contains("ambiguous"));
    }
    let off = || json!({"sources": {"fs": {"enabled": false, "transport": {"args": ["x"]}}}});
    for files in [[(User, project(fs())), (Project, off())], [(User, project(off())), (Project, fs())]] {
        let json = eff(&scopes(&files).expect("loads"));
        assert_eq!(json["sources"]["fs"]["enabled"], false);
        assert_eq!(json["sources"]["fs"]["transport"], json!({"type": "stdio", "command": "c", "args": ["x"]}));
    }
    let mut refined = fs();
    refined["sources"] = json!({"fs": {"type": "mcp", "transport": {"args": ["x"]}}});
    assert_eq!(eff(&one(refined).expect("loads"))["sources"]["fs"]["transport"]["args"], json!(["x"]));
    let mut twice = fs();
    twice["sources"] = json!({"fs": {"transport": {"command": "d"}}});
    fails(twice, "mcpServers.fs", "ambiguous");
    // A removed name is free again.
    let files = [
        (User, project(fs())),
        (Project, json!({"sources": {"fs": null}, "services": {"fs": {"source": "fs"}}})),
        (Local, other()),
    ];
    assert_eq!(eff(&scopes(&files).expect("loads"))["sources"]["fs"]["type"], "openapi");
}

/// CFG-60 to CFG-67.
#[test]
fn each_transport_has_its_own_settings() {
    let file_ban =
        |key: &str, value: Value| json!({"sources": {"a": {"type": "openapi", "uri": "u", key: value}}});
    fails(
        file_ban("transport", json!({"type": "stdio", "command": "c"})),
        "sources.a.transport",
        "only allowed for mcp",
    );
    fails(file_ban("disabledTools", json!([])), "sources.a.disabledTools", "only allowed for mcp");
    fails(file_ban("oauth", json!({"mode": "clientCredentials"})), "sources.a.oauth", "only allowed for mcp");
    let mut with_uri = source(json!({"type": "stdio", "command": "c"}));
    with_uri["sources"]["a"]["uri"] = json!("u");
    fails(with_uri, "sources.a.uri", "not allowed for mcp");
    fails(json!({"sources": {"a": {"type": "mcp"}}}), "sources.a.transport", "required");
    fails(source(json!({"command": "c"})), "sources.a.transport.type", "required");
    for (transport, path, anchor) in [
        (json!({"type": "stdio"}), "sources.a.transport.command", "required for stdio"),
        (json!({"type": "sse"}), "sources.a.transport.url", "required for sse"),
        (json!({"type": "streamable-http"}), "sources.a.transport.url", "required for streamable-http"),
        (
            json!({"type": "stdio", "command": "c", "url": "https://h"}),
            "sources.a.transport.url",
            "not allowed for stdio",
        ),
        (
            json!({"type": "stdio", "command": "c", "headers": {"A": "1"}}),
            "sources.a.transport.headers",
            "not allowed",
        ),
        (
            json!({"type": "sse", "url": "https://h", "args": ["x"]}),
            "sources.a.transport.args",
            "not allowed for sse",
        ),
    ] {
        fails(source(transport), path, anchor);
    }
    warns(source(json!({"type": "stdio", "command": "c", "headers": {}, "headerSecrets": {}})), &[]);
    warns(source(json!({"type": "sse", "url": "https://h", "args": [], "env": {}})), &[]);
    fails(with_oauth("sse", json!({})), "sources.a.oauth", "not allowed for sse");
    // Over two scopes, where the file's own ban does not see it.
    let files = [
        (User, project(json!({"sources": {"a": {"type": "openapi", "uri": "u"}}}))),
        (Project, json!({"sources": {"a": {"disabledTools": ["x"]}}})),
    ];
    assert_eq!(paths(&scopes(&files).expect_err("banned")), ["sources.a.disabledTools"]);
}

/// CFG-68 to CFG-72.
#[test]
fn mcp_sources_sign_in_by_client_credentials_only() {
    let secret = json!({"type": "env", "value": "A"});
    let complete = |extra: Value| {
        let mut oauth = json!({"mode": "clientCredentials", "clientId": secret, "clientSecret": secret,
            "tokenURL": "https://h/t"});
        for (key, value) in extra.as_object().expect("object") {
            oauth[key] = value.clone();
        }
        oauth
    };
    warns(with_oauth("streamable-http", complete(json!({}))), &[]);
    for (oauth, path, anchor) in [
        (json!({}), "sources.a.oauth.mode", "required"),
        (json!({"mode": "openIdConnect"}), "sources.a.oauth.mode", "not a direct oauth mode"),
        (json!({"mode": "authorizationCode"}), "sources.a.oauth.mode", "clientCredentials"),
        (
            json!({"mode": "clientCredentials", "clientId": secret, "clientSecret": secret}),
            "sources.a.oauth",
            "issuer or tokenURL",
        ),
        (
            json!({"mode": "clientCredentials", "clientId": secret, "issuer": "https://i"}),
            "sources.a.oauth.clientSecret",
            "required",
        ),
        (complete(json!({"interactive": false})), "sources.a.oauth.interactive", "not allowed"),
        (complete(json!({"callbackPort": 1})), "sources.a.oauth.callbackPort", "not allowed"),
        (complete(json!({"redirectURI": "app:cb"})), "sources.a.oauth.redirectURI", "not allowed"),
        (complete(json!({"authorizationURL": "https://h"})), "sources.a.oauth.authorizationURL", "not allowed"),
    ] {
        fails(with_oauth("streamable-http", oauth), path, anchor);
    }
}

/// CFG-73, CFG-74.
#[test]
fn a_header_has_one_owner() {
    let transport = json!({"type": "streamable-http", "url": "https://h", "headers": {"X-Key": "1"},
        "headerSecrets": {"x-key": "s"}});
    let mut value = source(transport);
    value["secrets"] = json!({"s": {"type": "env", "value": "S"}});
    fails(value, "sources.a.transport.headerSecrets.x-key", "duplicates");
    let secret = json!({"type": "env", "value": "A"});
    let mut value = with_oauth(
        "streamable-http",
        json!({"mode": "clientCredentials", "issuer": "https://i", "clientId": secret, "clientSecret": secret}),
    );
    value["sources"]["a"]["transport"]["headers"] = json!({"AUTHORIZATION": "x"});
    fails(value, "sources.a.transport.headers.AUTHORIZATION", "owned by oauth");
}
