//! Reads the public descriptions of the shared data folder and compares the number of operations with the counts
//! that its `SOURCES.md` gives. Prints one line per document with `--nocapture`. YAML documents are read once the
//! documents crate loads them; until then `OPEN_CLI_CORPUS` may name a copy of the folder with JSON text in all files.

use bytes::Bytes;
use open_cli_contract::catalog::Severity;
use open_cli_documents::{Document, DocumentSet, Location};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Documents whose operations are not all read, and how many of them are left out, with the reason.
const LEFT_OUT: &[(&str, usize, &str)] = &[
    ("mermade/3.0/fail/event-backend/openapi.json", 1, "`in: body` in OpenAPI 3"),
    ("mermade/3.0/fail/gluecon/example1_from_._Different_requestbody.md.yaml", 1, "`parameters` is an object"),
    ("mermade/3.0/fail/gluecon/example1_from_._Fixed_file.md.yaml", 1, "`parameters` is an object"),
    ("mermade/3.0/fail/gluecon/example1_from_._New_links.md.yaml", 2, "`parameters` is an object"),
    ("mermade/3.0/fail/gluecon/example2_from_._New_callbacks.md.yaml", 1, "`parameters` is an object"),
    ("mermade/3.0/fail/gluecon/example3_from_._New_callbacks.md.yaml", 1, "`parameters` is an object"),
    ("mermade/3.0/fail/openapi-vue/edit1.json", 7, "`in: body` and `in: formData` in OpenAPI 3"),
    ("mermade/3.0/fail/openapi-vue/openapi.json", 7, "`in: body` and `in: formData` in OpenAPI 3"),
    ("mermade/3.0/fail/pathitem-property.yaml", 1, "the method is written `GET`"),
    ("oas-schema-tests/v3.2/fail/path-item-object-conflicting-additional-operation.yaml", 1, "POST twice"),
    ("teamdigitale/external-apis/cercaareeprotette.e015.servizirl.it.yaml", 1, "parameter at a URL, not loaded"),
    ("teamdigitale/openapi-v3/api-example.yaml", 1, "parameter at a URL, not loaded"),
];

/// Files that are no readable text at all.
const UNREADABLE: &[(&str, &str)] = &[
    ("mermade/3.0/malicious/yamlbomb.yaml", "aliases that expand without end"),
    ("teamdigitale/openapi-v3/marketplace-catalog.yml", "not YAML: a plain scalar starts with `%`"),
];

fn shared_data() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().ok()?;
    manifest.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

/// JSON text of a file; `None` for anything else.
fn json_of(path: &Path) -> Option<Bytes> {
    let mut bytes = std::fs::read(path).ok()?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).ok()?;
        bytes = unpacked;
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).ok()?;
    Some(bytes.into())
}

/// A file and the files that its references name.
fn load(path: &Path) -> Option<DocumentSet> {
    let mut waiting = vec![Location::File(path.to_path_buf())];
    let mut seen = HashSet::new();
    let mut documents = Vec::new();
    while let Some(location) = waiting.pop() {
        let Location::File(file) = &location else { continue };
        if !seen.insert(location.clone()) {
            continue;
        }
        let Some(json) = json_of(file) else {
            if documents.is_empty() {
                return None;
            }
            continue;
        };
        // The large documents are in one file.
        if json.len() < 1 << 20 {
            let mut references = Vec::new();
            collect_references(&serde_json::from_slice(&json).expect("checked"), &mut references);
            waiting.extend(references.iter().filter_map(|reference| location.join(reference).ok()));
        }
        documents.push(Document { location, json });
    }
    Some(DocumentSet::from_documents(documents))
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            references.extend(reference.filter(|text| !text.starts_with('#')).map(str::to_owned));
            members.values().for_each(|value| collect_references(value, references));
        }
        Value::Array(elements) => elements.iter().for_each(|value| collect_references(value, references)),
        _ => {}
    }
}

/// Rows `| file | version | ops | …` below the headings `### openapi…` of the list of sources: path below the
/// openapi folder, operations.
fn expectations(sources: &str) -> Vec<(String, String, usize)> {
    let mut rows = Vec::new();
    let mut collection = None;
    for line in sources.lines() {
        if line.starts_with('#') {
            let heading = line.strip_prefix("### openapi");
            collection = heading.map(|rest| rest.strip_prefix('/').unwrap_or_default().to_owned());
            continue;
        }
        let Some(collection) = &collection else { continue };
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, file, version, operations, _, ..] = cells[..] else { continue };
        if version.starts_with("---") || version == "version" {
            continue;
        }
        let file = if collection.is_empty() { file.to_owned() } else { format!("{collection}/{file}") };
        rows.push((collection.clone(), file, operations.parse().unwrap_or(0)));
    }
    rows
}

#[test]
fn every_public_description_is_read() {
    let Some(data) = shared_data() else {
        println!("skipped: no shared data");
        return;
    };
    let texts = std::env::var_os("OPEN_CLI_CORPUS").map_or_else(|| data.join("openapi"), PathBuf::from);
    let sources = std::fs::read_to_string(data.join("SOURCES.md")).expect("SOURCES.md");
    let rows = expectations(&sources);
    assert!(rows.len() > 700, "{} rows", rows.len());

    let mut totals: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut skipped = 0;
    for (collection, file, expected) in rows {
        let total = totals.entry(collection).or_default();
        total[0] += 1;
        total[2] += expected;
        let Some(set) = load(&texts.join(&file)) else {
            let known = UNREADABLE.iter().any(|(known, _)| *known == file);
            let is_yaml = file.ends_with(".yaml") || file.ends_with(".yml");
            match (known, is_yaml) {
                (true, _) => println!("{file}: unreadable, as expected"),
                (false, true) => skipped += 1,
                (false, false) => faults.push(format!("{file}: not JSON")),
            }
            total[2] -= expected;
            continue;
        };
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
        if left_out > 0 && errors + warnings == 0 {
            faults.push(format!("{file}: operations are missing without a word"));
        }
    }
    for (collection, [documents, read, expected, operations]) in totals {
        let collection = if collection.is_empty() { "(single documents)" } else { &collection };
        println!("{collection}: {read} of {documents} documents, {operations} of {expected} operations");
    }
    if skipped > 0 {
        println!("skipped: {skipped} YAML documents");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
