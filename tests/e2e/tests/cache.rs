//! `open-cli-toolbox cache`, beside a runtime that reads its descriptions over HTTP.

use open_cli_e2e::{Sandbox, Site, get};
use serde_json::{Value, json};

fn description(title: &str) -> String {
    json!({"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "servers": [{"url": "{base}"}],
        "paths": {"/things": {"get": {"operationId": "listThings", "responses": {}}}}})
    .to_string()
}

fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
    let said = sandbox.operate(args);
    assert_eq!(said.code, 0, "{args:?}: {}", said.err);
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
}

#[test]
fn what_is_stored_is_listed_and_cleared_beside_a_running_instance() {
    let site = Site::new();
    let lines = ["Content-Type: application/json", "Cache-Control: max-age=600", "ETag: \"v1\""];
    site.set("/a.json?key=s3cr3t", 200, &lines, &description("A"));
    site.set("/b.json", 200, &["Content-Type: application/json"], &description("B"));
    let sandbox = Sandbox::new();
    let source = |path: &str| json!({"type": "openapi", "uri": format!("{}{path}", site.url)});
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"a": source("/a.json?key=s3cr3t"), "b": source("/b.json")},
        "services": {"a": {"source": "a"}, "b": {"source": "b"}}}));
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(toolbox.catalog()["catalog"]["tools"].as_array().map(Vec::len), Some(2));
    let state = sandbox.state_root().display().to_string();
    let args = |words: &[&'static str]| -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).chain(["--state-dir".to_owned(), state.clone()]).collect()
    };
    let run = |words: &[&'static str]| {
        let args = args(words);
        sandbox.operate(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let json = |words: &[&'static str]| {
        let args = args(words);
        json_of(&sandbox, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };

    let listed = run(&["cache", "list"]);
    let table: Vec<&str> = listed.out.lines().collect();
    assert_eq!((listed.code, table.len()), (0, 3), "{}", listed.out);
    assert!(table[0].starts_with("CONFIRMED") && table[0].ends_with("URL"), "{}", table[0]);
    assert!(table[1].contains("left") && table[1].contains("\"v1\"") && table[1].contains("200"), "{}", table[1]);
    assert!(table[1].ends_with("/a.json?key=REDACTED") && !listed.out.contains("s3cr3t"), "{}", table[1]);
    assert!(table[2].contains("none") && table[2].ends_with("/b.json"), "{}", table[2]);
    assert!(listed.err.contains("2 entries"), "{}", listed.err);
    let entry = &json(&["cache", "list", "--url", "a.json", "--format", "json"])["instances"][0]["entries"][0];
    assert_eq!(
        (&entry["isFresh"], &entry["statusCode"], &entry["method"]),
        (&json!(true), &json!(200), &json!("GET"))
    );
    assert!(entry["bytes"].as_u64() > Some(100) && entry["ageSeconds"].as_u64() < Some(60), "{entry}");
    assert_eq!(run(&["cache", "list", "--older-than", "1h"]).out, "");
    assert_eq!(run(&["cache", "list", "--older-than", "soon"]).code, 2);
    assert_eq!(run(&["cache", "list", "--instance-id", "nobody"]).code, 3);

    let cleared = run(&["cache", "clear", "--url", "*/b.json"]);
    assert!(cleared.code == 0 && cleared.out.contains("1 entry removed"), "{}", cleared.out);
    let cleared = json(&["cache", "clear", "--format", "json"]);
    assert_eq!(cleared["instances"][0]["removed"], 1);
    assert_eq!(run(&["cache", "list"]).out, "");
    // The runtime goes on, and reads anew what it is asked to refresh.
    assert_eq!(toolbox.catalog()["catalog"]["tools"].as_array().map(Vec::len), Some(2));
    site.set("/b.json", 200, &["Content-Type: application/json"], &description("B2"));
    let refreshed = get(&format!("{}/v1/refresh", toolbox.url));
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(
        json(&["cache", "list", "--format", "json"])["instances"][0]["entries"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(toolbox.stop(), 0);
}
