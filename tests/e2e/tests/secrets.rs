//! Secrets, tokens, userinfo and known token parameters appear nowhere that a runtime writes or serves: not in spans,
//! trace files, metrics, logs, the audit log, the catalog, errors or its state. Random secrets, in every place where a
//! configuration or a caller may have one, then a search for each of them, as it is and in the usual encodings.

use open_cli_e2e::{EchoApi, Sandbox};
use serde_json::json;
use std::path::Path;

/// A word that is nowhere else.
fn secret(place: &str) -> String {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("zq{place}{seed:x}zq")
}

/// As it is, in base64 at any offset, and in hex.
fn encodings(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![secret.to_owned(), hex]
}

#[test]
fn no_secret_is_in_anything_that_a_runtime_writes_or_serves() {
    let api = EchoApi::start();
    let server = api.url.trim_start_matches("http://").to_owned();
    let names = ["env", "file", "literal", "query", "cookie", "basic", "source", "userinfo", "caller", "arg"];
    let secrets: Vec<String> = names.iter().map(|name| secret(name)).collect();
    let of = |name: &str| secrets[names.iter().position(|n| *n == name).expect("a name")].clone();

    let sandbox = Sandbox::new().with_variable("FROM_ENV", &of("env"));
    let file = sandbox.write("secret.txt", &of("file"));
    let scheme = |name: &str| json!([{ name: [] }]);
    let operation = |name: &str| json!({"operationId": name, "security": scheme(name), "responses": {}});
    sandbox.write(
        "api.json",
        &json!({
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
            "servers": [{"url": format!("http://user:{}@{server}", of("userinfo"))}],
            "components": {"securitySchemes": {
                "bearerEnv": {"type": "http", "scheme": "bearer"},
                "headerFile": {"type": "apiKey", "in": "header", "name": "X-Shibboleth"},
                "queryKey": {"type": "apiKey", "in": "query", "name": "shibboleth"},
                "cookieKey": {"type": "apiKey", "in": "cookie", "name": "crumb"},
                "basicLiteral": {"type": "http", "scheme": "basic"},
                "literalKey": {"type": "apiKey", "in": "header", "name": "X-Literal"}}},
            "paths": {
                "/bearer": {"get": operation("bearerEnv")}, "/file": {"get": operation("headerFile")},
                "/query": {"get": operation("queryKey")}, "/cookie": {"get": operation("cookieKey")},
                "/basic": {"get": operation("basicLiteral")}, "/literal": {"get": operation("literalKey")},
                "/open": {"get": {"operationId": "open", "responses": {}, "parameters": [
                    {"name": "access_token", "in": "query", "schema": {"type": "string"}}]}}}
        })
        .to_string(),
    );
    sandbox.write_config(&json!({
        "cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"s": {"type": "openapi", "uri": "./api.json"},
                    "gone": {"type": "openapi",
                             "uri": format!("http://user:{}@127.0.0.1:1/api.json?token={}", of("source"), of("source"))}},
        "services": {"echo": {"source": "s"}, "gone": {"source": "gone"}},
        "secrets": {
            "echo.bearerEnv": {"type": "env", "value": "FROM_ENV"},
            "echo.headerFile": {"type": "file", "value": file},
            "echo.queryKey": {"type": "literal", "value": of("query")},
            "echo.cookieKey": {"type": "literal", "value": of("cookie")},
            "echo.basicLiteral": {"type": "literal", "value": format!("user:{}", of("basic"))},
            "echo.literalKey": {"type": "literal", "value": of("literal")}},
    }));
    let toolbox = sandbox.toolbox(&["--access-log", "--log", "trace", "--log-format", "json"]);
    let execute = format!("{}/v1/tools/execute", toolbox.url);
    let mut sent_upstream = String::new();
    for tool in ["bearerEnv", "headerFile", "queryKey", "cookieKey", "basicLiteral", "literalKey"] {
        let reply = toolbox.execute(&json!({"toolId": format!("echo:{tool}")}));
        assert_eq!(reply.status, 200, "{tool}: {reply:?}");
        sent_upstream.push_str(&reply.body);
    }
    // The secrets do reach the upstream, which answers with what it was sent.
    for name in ["env", "file", "query", "cookie", "literal"] {
        assert!(sent_upstream.contains(&of(name)), "{name} is used");
    }
    let call = json!({"toolId": "echo:open", "flags": {"access-token": of("arg")}}).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &*format!("Bearer {}", of("caller"))),
        ("cookie", &*format!("session={}", of("caller"))),
    ];
    open_cli_e2e::request("POST", &execute, &headers, call.as_bytes());
    open_cli_e2e::request("GET", &format!("{}/v1/traces?token={}", toolbox.url, of("caller")), &headers, b"");

    let mut places: Vec<(String, String)> = [
        "/v1/catalog/effective?shape=slice&detail=full",
        "/v1/catalog/effective",
        "/v1/traces?background=true&limit=1000",
        "/metrics",
        "/readyz",
        "/v1/runtime/info",
        "/v1/audit/events",
    ]
    .iter()
    .map(|path| ((*path).to_owned(), toolbox.get(path).body))
    .collect();
    let traces = toolbox.get("/v1/traces?background=true&limit=1000").json();
    for trace in traces.as_array().expect("an array") {
        let id = trace["traceId"].as_str().expect("an id");
        places.push((format!("trace {id}"), toolbox.get(&format!("/v1/traces/{id}")).body));
    }
    assert!(places.iter().any(|(_, text)| text.contains("execution.attempt")), "there are spans");
    let log = toolbox.child.log();
    let state = toolbox.state_dir.clone();
    assert_eq!(toolbox.stop(), 0);
    places.push(("the log".to_owned(), log));
    gather(&sandbox.state_root(), &mut places);
    assert!(
        places.iter().any(|(name, text)| name.contains("traces") && text.contains("execution.attempt")),
        "{state:?}"
    );
    for (name, secret) in names.iter().zip(&secrets) {
        for form in encodings(secret) {
            for (place, text) in &places {
                assert!(!text.contains(&form), "the secret of {name} is in {place}: {}", around(text, &form));
            }
        }
    }
}

/// Every file below a folder.
fn gather(folder: &Path, places: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            gather(&path, places);
        } else {
            let bytes = std::fs::read(&path).expect("readable");
            places.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

fn around(text: &str, found: &str) -> String {
    let at = text.find(found).unwrap_or(0);
    text.chars().skip(text[..at].chars().count().saturating_sub(120)).take(300).collect()
}
