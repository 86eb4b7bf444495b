//! Reads the public descriptions of the shared data folder and compares the number of operations with the counts
//! that its `SOURCES.md` gives. Prints one line per document with `--nocapture`.

use bytes::Bytes;
use open_cli_contract::catalog::Severity;
use open_cli_documents::{Document, DocumentSet, Documents, DocumentsConfig, FetchPolicy, Location};
use open_cli_observe::{Nop, Trace};
use open_cli_openapi::Api;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Documents whose operations are not all read, and how many of them are left out, with the reason.
const LEFT_OUT: &[(&str, usize, &str)] = &[
    ("openapi/mermade/3.0/fail/event-backend/openapi.json", 1, "`in: body` in OpenAPI 3"),
    (
        "openapi/mermade/3.0/fail/gluecon/example1_from_._Different_requestbody.md.yaml",
        1,
        "`parameters` is an object",
    ),
    ("openapi/mermade/3.0/fail/gluecon/example1_from_._Fixed_file.md.yaml", 1, "`parameters` is an object"),
    ("openapi/mermade/3.0/fail/gluecon/example1_from_._New_links.md.yaml", 2, "`parameters` is an object"),
    ("openapi/mermade/3.0/fail/gluecon/example2_from_._New_callbacks.md.yaml", 1, "`parameters` is an object"),
    ("openapi/mermade/3.0/fail/gluecon/example3_from_._New_callbacks.md.yaml", 1, "`parameters` is an object"),
    ("openapi/mermade/3.0/fail/openapi-vue/edit1.json", 7, "`in: body` and `in: formData` in OpenAPI 3"),
    ("openapi/mermade/3.0/fail/openapi-vue/openapi.json", 7, "`in: body` and `in: formData` in OpenAPI 3"),
    ("openapi/mermade/3.0/fail/pathitem-property.yaml", 1, "the method is written `GET`"),
    ("openapi/oas-schema-tests/v3.2/fail/path-item-object-conflicting-additional-operation.yaml", 1, "POST twice"),
    (
        "openapi/teamdigitale/external-apis/cercaareeprotette.e015.servizirl.it.yaml",
        1,
        "parameter at a URL, not loaded",
    ),
    ("openapi/teamdigitale/openapi-v3/api-example.yaml", 1, "parameter at a URL, not loaded"),
];

/// Files that are no readable text at all.
const UNREADABLE: &[(&str, &str)] = &[
    ("openapi/mermade/3.0/malicious/yamlbomb.yaml", "an alias inside the node it names"),
    ("openapi/teamdigitale/openapi-v3/marketplace-catalog.yml", "not YAML: a plain scalar starts with `%`"),
];

fn shared_data() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().ok()?;
    manifest.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

/// A description and what it refers to. No test asks the network: references to URLs are turned into references to
/// files that are not there.
async fn load(documents: &Documents, path: &Path) -> Result<DocumentSet, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut json = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .read_to_end(&mut json)
            .map_err(|error| error.to_string())?;
        let location = Location::File(path.to_path_buf());
        return Ok(DocumentSet::from_documents(vec![Document { location, json: Bytes::from(json) }]));
    }
    let text = String::from_utf8_lossy(&bytes);
    let offline = without_urls(&text);
    let copy = match offline {
        None => None,
        Some(offline) => {
            let mut copy = tempfile::Builder::new().suffix(".yaml").tempfile().map_err(|e| e.to_string())?;
            copy.write_all(offline.as_bytes()).map_err(|error| error.to_string())?;
            Some(copy)
        }
    };
    let location = Location::File(copy.as_ref().map_or(path, |copy| copy.path()).to_path_buf());
    let trace = Trace::detached(Arc::new(Nop));
    let loaded = documents.load(&location, &FetchPolicy::default(), &trace).await;
    loaded.map(|loaded| loaded.set).map_err(|error| error.to_string())
}

/// The text with another target for each `$ref` to a URL; `None` when there is none.
fn without_urls(text: &str) -> Option<String> {
    let mut changed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("$ref") {
        let after = at + "$ref".len();
        let target = rest[after..].trim_start_matches(['"', '\'', ':', ' ', '\n']);
        let start = rest.len() - target.len();
        changed.push_str(&rest[..start]);
        if target.starts_with("https://") || target.starts_with("http://") {
            changed.push_str("absent/");
            rest = target.split_once("://").map_or("", |(_, rest)| rest);
        } else {
            rest = target;
        }
    }
    changed.push_str(rest);
    (changed != text).then_some(changed)
}

/// What in a schema leads to a definition that it does not have. Not told of one that a bound cut off.
fn dangling(schema: &str) -> Vec<String> {
    let value: serde_json::Value = match serde_json::from_str(schema) {
        Ok(value) => value,
        Err(error) => return vec![error.to_string()],
    };
    if value["x-truncated"] == true {
        return Vec::new();
    }
    let names = schema.split("\"$ref\":\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next());
    names
        .filter(|name| value["$defs"].get(name).is_none())
        .map(|name| format!("nothing is called {name}"))
        .collect()
}

/// What is wrong with the schemas of parameters and answers.
fn not_self_contained(set: &DocumentSet, api: &Api) -> Vec<String> {
    let mut faults = Vec::new();
    for operation in &api.operations {
        let schemas = operation.parameters.iter().filter_map(|parameter| parameter.schema.as_ref());
        let bundled = schemas.filter(|schema| schema.get().contains("$defs"));
        faults.extend(bundled.flat_map(|schema| dangling(schema.get())));
    }
    // Each look reads the root again, so not at all of them.
    for operation in api.operations.iter().step_by(api.operations.len() / 2 + 1) {
        match open_cli_openapi::responses(set, &operation.pointer) {
            Ok((responses, _)) => {
                let resolved = responses.iter().flat_map(|response| &response.resolved);
                faults.extend(resolved.flat_map(|(_, schema)| dangling(schema.get())));
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    faults
}

/// Rows `| file | version | ops | …` of the section on OpenAPI documents: collection, path below the data folder,
/// operations.
fn expectations(sources: &str) -> Vec<(String, String, usize)> {
    let mut rows = Vec::new();
    let mut in_section = false;
    let mut collection = "";
    for line in sources.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            collection = heading.split(' ').next().unwrap_or_default();
        } else if line.starts_with("## ") {
            in_section = line.starts_with("## OpenAPI documents");
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, file, version, operations, _, ..] = cells[..] else { continue };
        if in_section && !version.starts_with("---") && version != "version" {
            let path = format!("{collection}/{file}");
            rows.push((collection.to_owned(), path, operations.parse().unwrap_or(0)));
        }
    }
    rows
}

#[tokio::test]
async fn every_public_description_is_read() {
    let Some(data) = shared_data() else {
        println!("skipped: no shared data");
        return;
    };
    let sources = std::fs::read_to_string(data.join("SOURCES.md")).expect("SOURCES.md");
    let rows = expectations(&sources);
    assert!(rows.len() > 700, "{} rows", rows.len());

    let mut totals: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut faults = Vec::new();
    let documents = Documents::new(DocumentsConfig::default());
    for (collection, file, expected) in rows {
        let total = totals.entry(collection).or_default();
        total[0] += 1;
        total[2] += expected;
        let known = UNREADABLE.iter().any(|(known, _)| *known == file);
        let set = match load(&documents, &data.join(&file)).await {
            Ok(set) => set,
            Err(error) if known => {
                println!("{file}: unreadable, as expected: {error}");
                continue;
            }
            Err(error) => {
                faults.push(format!("{file}: {error}"));
                continue;
            }
        };
        if known {
            faults.push(format!("{file}: readable, against expectation"));
        }
        let start = Instant::now();
        let api = match open_cli_openapi::read(&set) {
            Ok(api) => api,
            Err(error) => {
                faults.push(format!("{file}: {error}"));
                continue;
            }
        };
        let took = start.elapsed();
        let count = |severity| api.diagnostics.iter().filter(|d| d.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let read = api.operations.len();
        println!("{file}: {} {read} operations, {errors} errors, {warnings} warnings, {took:.1?}", api.version);
        total[1] += 1;
        total[3] += read;
        let left_out = LEFT_OUT.iter().find(|(known, ..)| *known == file).map_or(0, |(_, count, _)| *count);
        if read + left_out != expected {
            faults.push(format!("{file}: {read} operations, {expected} expected: {:#?}", api.diagnostics));
        }
        faults.extend(not_self_contained(&set, &api).into_iter().map(|fault| format!("{file}: {fault}")));
        if left_out > 0 && errors + warnings == 0 {
            faults.push(format!("{file}: operations are missing without a word"));
        }
    }
    for (collection, [documents, read, expected, operations]) in totals {
        println!("{collection}: {read} of {documents} documents, {operations} of {expected} operations");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
