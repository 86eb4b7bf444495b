//! The JSONPath Compliance Test Suite: every valid query with its values and normalized paths, every invalid one
//! refused.

mod common;

use open_cli_jsonpath::{Budget, JsonPath};
use serde_json::Value;

const STEPS: u64 = 1_000_000;

/// The values and the normalized paths that a query selects.
fn select(query: &str, document: &Value) -> Result<(Value, Value), String> {
    let path = JsonPath::parse(query).map_err(|error| error.to_string())?;
    let nodes = path.select(document, &mut Budget::new(STEPS)).map_err(|error| error.to_string())?;
    for node in &nodes {
        // The law of normalized paths: each selects exactly its own node.
        let again = JsonPath::parse(&node.location.to_string()).map_err(|error| error.to_string())?;
        let found = again.select(document, &mut Budget::new(STEPS)).map_err(|error| error.to_string())?;
        assert_eq!(found.as_slice(), std::slice::from_ref(node), "{query}: {}", node.location);
        assert_eq!(document.pointer(&node.location.to_pointer()), Some(node.value), "{query}");
    }
    let values = nodes.iter().map(|node| node.value.clone()).collect();
    let paths = nodes.iter().map(|node| Value::String(node.location.to_string())).collect();
    Ok((Value::Array(values), Value::Array(paths)))
}

#[test]
fn the_compliance_suite_passes_in_full() {
    let Some(folder) = common::shared("jsonpath") else { return };
    let suite = std::fs::read(folder.join("cts.json")).expect("the suite is readable");
    let suite: Value = serde_json::from_slice(&suite).expect("the suite is JSON");
    let cases = suite["tests"].as_array().expect("the suite has tests");
    let mut failures = Vec::new();
    for case in cases {
        let (name, query) = (&case["name"], case["selector"].as_str().expect("a selector"));
        let result = select(query, &case["document"]);
        let expected = case.get("invalid_selector").and_then(Value::as_bool) != Some(true);
        let passed = match &result {
            Err(_) => !expected,
            Ok((values, paths)) => {
                let one = case.get("result").is_some_and(|result| result == values)
                    && case.get("result_paths").is_none_or(|result| result == paths);
                let several = case["results"].as_array().zip(case["results_paths"].as_array());
                let any = several.is_some_and(|(all, all_paths)| {
                    all.iter()
                        .zip(all_paths)
                        .any(|(result, result_paths)| result == values && result_paths == paths)
                });
                expected && (one || any)
            }
        };
        if !passed {
            failures.push(format!("{name}: {query}: {result:?}"));
        }
    }
    println!("{} of {} cases pass", cases.len() - failures.len(), cases.len());
    assert!(failures.is_empty() && cases.len() > 700, "{}", failures.join("\n"));
}
