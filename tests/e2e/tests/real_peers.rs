//! Programs that nobody here wrote, described by themselves, called through both of ours.

use open_cli_e2e::{Sandbox, get, httpbin, prefect};
use serde_json::{Value, json};

/// httpbin: Swagger 2.0, every method, header and cookie tricks.
#[test]
fn httpbin_swagger_2_0() {
    let Some(peer) = httpbin("httpbin_swagger_2_0") else { return };
    // It names its public host whatever its address is; everything else is as it publishes it.
    let mut spec = get(&format!("{}/spec.json", peer.url)).json();
    spec["host"] = json!(peer.url.trim_start_matches("http://"));
    spec["schemes"] = json!(["http"]);
    let sandbox = Sandbox::new();
    sandbox.write("httpbin.json", &spec.to_string());
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"httpbin": {"type": "openapi", "uri": "./httpbin.json"}},
        "services": {"httpbin": {"source": "httpbin"}}}));
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    let tools = catalog["catalog"]["tools"].as_array().expect("tools").clone();
    assert!(tools.len() > 60, "{} tools", tools.len());
    assert_eq!(catalog["catalog"]["services"][0]["servers"], json!([peer.url]));
    let command = |method: &str, path: &str| {
        let is_meant = |tool: &&Value| tool["method"] == method && tool["path"] == path;
        let tool = tools.iter().find(is_meant).unwrap_or_else(|| panic!("{method} {path}"));
        (tool["group"].as_str().expect("group").to_owned(), tool["command"].as_str().expect("command").to_owned())
    };
    let run = |method: &str, path: &str, rest: &[&str]| {
        let (group, name) = command(method, path);
        let words: Vec<&str> = ["httpbin", &group, &name].into_iter().chain(rest.iter().copied()).collect();
        toolbox.cli(&words).run()
    };
    let said = run("GET", "/get", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let seen: Value = serde_json::from_str(&said.out).expect("json");
    // It keeps X-Request-Id to itself, and shows the trace.
    assert!(seen["headers"]["Traceparent"].is_string(), "{seen}");
    assert!(seen["headers"]["User-Agent"].as_str().expect("agent").starts_with("open-cli-toolbox/"));
    // A path value is one segment, whatever is in it.
    let said = run("GET", "/base64/{value}", &["aGVsbG8gd29ybGQ="]);
    assert_eq!((said.code, said.out.as_str()), (0, "hello world\n"));
    assert_eq!(run("GET", "/status/{codes}", &["404"]).code, 4);
    assert_eq!(run("GET", "/status/{codes}", &["418"]).code, 4);
    assert_eq!(run("GET", "/status/{codes}", &["502"]).code, 5);
    let said = run("GET", "/image/png", &["--include", "--format", "json"]);
    let wrapper: Value = serde_json::from_str(&said.out).expect("json");
    assert!(wrapper["bodyBase64"].as_str().expect("binary").starts_with("iVBOR"), "{wrapper}");
    assert_eq!(run("GET", "/gzip", &[]).code, 0);
    let said = run("GET", "/relative-redirect/{n}", &["3"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(run("GET", "/redirect-to", &["--url", "/get"]).code, 0);
    assert_eq!(run("DELETE", "/anything", &[]).code, 0);
    assert_eq!(run("GET", "/cache/{value}", &[]).code, 2, "a missing argument is a usage error");
}

/// Prefect's server: OpenAPI 3.1, state in a database, relative server URL.
#[test]
fn prefect_openapi_3_1() {
    let Some(peer) = prefect("prefect_openapi_3_1") else { return };
    let sandbox = Sandbox::new();
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"api": {"type": "openapi", "uri": format!("{}/api/openapi.json", peer.url)}},
        "services": {"prefect": {"source": "api"}},
        "policy": {"approvalRequired": ["prefect:delete*"]}}));
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    let tools = catalog["catalog"]["tools"].as_array().expect("tools").clone();
    assert!(tools.len() > 150, "{} tools", tools.len());
    let words = |method: &str, path: &str| {
        let is_meant = |tool: &&Value| tool["method"] == method && tool["path"] == path;
        let tool = tools.iter().find(is_meant).unwrap_or_else(|| panic!("{method} {path}"));
        vec!["prefect".to_owned(), text(&tool["group"]), text(&tool["command"])]
    };
    let run = |mut words: Vec<String>, rest: &[&str]| {
        words.extend(rest.iter().map(|word| (*word).to_owned()));
        toolbox.cli(&words.iter().map(String::as_str).collect::<Vec<_>>()).run()
    };
    let body = r#"{"name":"from_open_cli","value":"42"}"#;
    let said = run(words("POST", "/variables/"), &["--body", body]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = run(words("GET", "/variables/name/{name}"), &["from_open_cli"]);
    let variable: Value = serde_json::from_str(&said.out).expect("json");
    assert_eq!((&variable["name"], &variable["value"]), (&json!("from_open_cli"), &json!("42")));
    let said = run(words("POST", "/variables/filter"), &["--body", "{}"]);
    assert_eq!(serde_json::from_str::<Value>(&said.out).expect("json").as_array().map(Vec::len), Some(1));
    let id = variable["id"].as_str().expect("id");
    let refused = run(words("DELETE", "/variables/{id}"), &[id]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert_eq!(run(words("DELETE", "/variables/{id}"), &[id, "--approval"]).code, 0);
    assert_eq!(run(words("GET", "/variables/name/{name}"), &["from_open_cli"]).code, 4);
    let decisions: Vec<Value> = toolbox.audit().iter().map(|event| event["decision"].clone()).collect();
    assert_eq!(decisions, ["allowed", "allowed", "allowed", "denied", "allowed", "allowed"]);
    // The help of a command of somebody else's API.
    let said = run(words("GET", "/variables/name/{name}"), &["--help"]);
    assert!(said.code == 0 && said.out.contains("<name>"), "{said:?}");
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
