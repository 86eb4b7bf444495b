//! The published examples and schema of the contract, when they lie beside the workspace.

use std::path::{Path, PathBuf};

use open_cli_config::{Loaded, Locations, load};

use crate::support::{eff, paths};

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn shared() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared/data/contract"))
        .find(|dir| dir.is_dir());
    if found.is_none() {
        println!("skipped: no shared data");
    }
    found
}

fn load_file(path: PathBuf) -> Result<Loaded, Vec<String>> {
    let folder = path.parent().expect("folder").to_owned();
    let mut locations = Locations::from_environment(&|_| None, folder.clone());
    locations.managed_dir = folder.join("none");
    locations.project = Some(path);
    load(&locations).map_err(|error| paths(error.diagnostics()).iter().map(|path| (*path).to_owned()).collect())
}

/// Deviation 1: the published examples load, although they have no `runtime`.
#[test]
fn valid_examples_load_without_a_warning() {
    let Some(shared) = shared() else { return };
    for name in [
        "spec/examples/minimal.cli.json",
        "spec/examples/project.cli.json",
        "conformance/fixtures/config/project.cli.json",
        "conformance/fixtures/config/mcp-compat.cli.json",
        "conformance/fixtures/config/mcp-streamable-http-oauth.cli.json",
    ] {
        let loaded = load_file(shared.join(name)).unwrap_or_else(|paths| panic!("{name}: {paths:?}"));
        assert_eq!(loaded.warnings, [], "{name}");
        assert_eq!(eff(&loaded)["runtime"]["mode"], "remote", "{name}");
    }
}

#[test]
fn invalid_examples_fail_at_the_field_that_is_wrong() {
    let Some(shared) = shared() else { return };
    for (name, path) in [
        ("invalid-openapi-oauth", "sources.tickets.oauth"),
        ("invalid-mcp-uri", "sources.filesystem.uri"),
        ("invalid-openapi-transport", "sources.tickets.transport"),
    ] {
        let paths = load_file(shared.join(format!("spec/examples/{name}.cli.json"))).expect_err(name);
        assert_eq!(paths, [path], "{name}");
    }
}

/// Every key of the published schema is known here: each is put into a file alone, and none may be "unknown".
#[test]
fn every_key_of_the_published_schema_is_known() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("spec/schemas/cli.schema.json")).expect("schema");
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut seen = 0;
    visit(&schema, &schema, &mut Vec::new(), &mut |keys| {
        seen += 1;
        let (last, parents) = keys.split_last().expect("a key");
        // A value of the wrong type everywhere: what is known is a type error, what is not is an unknown key.
        let value = parents
            .iter()
            .rev()
            .fold(serde_json::json!({ last: {"?": 0} }), |value, key| serde_json::json!({ key: value }));
        if keys.starts_with(&["runtime".to_owned(), "local".to_owned()]) {
            return;
        }
        let findings =
            crate::support::scopes(&[(open_cli_config::Scope::Project, value.clone())]).expect_err("faults");
        let unknown = format!("unknown key {last:?}");
        assert!(!findings.iter().any(|f| f.message.starts_with(&unknown)), "{value}: {findings:#?}");
    });
    assert!(seen > 80, "{seen} keys visited");
}

fn visit(
    schema: &serde_json::Value,
    node: &serde_json::Value,
    keys: &mut Vec<String>,
    each: &mut dyn FnMut(&[String]),
) {
    if let Some(name) = node["$ref"].as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
        return visit(schema, &schema["$defs"][name], keys, each);
    }
    for option in node["anyOf"].as_array().into_iter().flatten() {
        visit(schema, option, keys, each);
    }
    for (key, child) in node["properties"].as_object().into_iter().flatten() {
        keys.push(key.clone());
        each(keys);
        visit(schema, child, keys, each);
        keys.pop();
    }
    if node["additionalProperties"].is_object() {
        keys.push("some-id".to_owned());
        visit(schema, &node["additionalProperties"], keys, each);
        keys.pop();
    }
}
