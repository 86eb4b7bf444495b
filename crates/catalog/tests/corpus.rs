//! Builds a catalog from every public description of the shared data folder, one after the other, and prints a table
//! of document, operations (as the folder's list of sources counts them), tools, diagnostics and time. Skipped, and
//! says so, where the folder is not there.

use open_cli_catalog::Builder;
use open_cli_config::{Locations, ScopeSet};
use open_cli_contract::catalog::Severity;
use open_cli_documents::{Documents, DocumentsConfig};
use open_cli_observe::{Nop, Trace};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Descriptions of which no catalog can be made, with the reason.
const UNREADABLE: &[(&str, &str)] = &[
    ("mermade/3.0/malicious/yamlbomb.yaml", "aliases that expand without end"),
    ("teamdigitale/openapi-v3/marketplace-catalog.yml", "not YAML: a plain scalar starts with `%`"),
];

/// Operations that may be missing in all: those that are broken themselves, each a diagnostic of severity error.
const BROKEN_OPERATIONS: usize = 40;

fn shared_data() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().ok()?;
    manifest.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

/// Paths below the openapi folder and their operations, from the tables `| file | version | ops | …`.
fn listed(sources: &str) -> Vec<(String, usize)> {
    let mut rows = Vec::new();
    let mut folder: Option<String> = None;
    for line in sources.lines() {
        if line.starts_with('#') {
            folder =
                line.strip_prefix("### openapi").map(|rest| rest.strip_prefix('/').unwrap_or_default().to_owned());
        }
        let (Some(folder), cells) = (&folder, line.split('|').map(str::trim).collect::<Vec<_>>()) else {
            continue;
        };
        let [_, file, version, operations, _, ..] = cells[..] else { continue };
        if !version.starts_with("---") && version != "version" {
            let slash = if folder.is_empty() { "" } else { "/" };
            rows.push((format!("{folder}{slash}{file}"), operations.parse().unwrap_or(0)));
        }
    }
    rows
}

/// The document itself, or a copy: unpacked, and with references to URLs turned into references to files that are
/// not there. No test asks the network.
fn usable(path: &Path, scratch: &Path) -> PathBuf {
    let bytes = std::fs::read(path).expect("read");
    let text = if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
        text
    } else {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let refers_to_urls = text.split("$ref").skip(1).any(|rest| {
            let target = rest.trim_start_matches(['"', '\'', ':', ' ', '\n']);
            target.starts_with("http://") || target.starts_with("https://")
        });
        if !refers_to_urls {
            return path.to_owned();
        }
        let parts: Vec<&str> = text.split("$ref").collect();
        let rest = parts[1..]
            .iter()
            .map(|rest| rest.replacen("https://", "absent/", 1).replacen("http://", "absent/", 1));
        std::iter::once(parts[0].to_owned()).chain(rest).collect::<Vec<_>>().join("$ref")
    };
    let copy = scratch.join("copy.yaml");
    std::fs::File::create(&copy).expect("create").write_all(text.as_bytes()).expect("write");
    copy
}

#[tokio::test]
async fn every_public_description_becomes_a_catalog() {
    let Some(data) = shared_data() else {
        println!("skipped: no shared data");
        return;
    };
    let rows = listed(&std::fs::read_to_string(data.join("SOURCES.md")).expect("SOURCES.md"));
    assert!(rows.len() > 700, "{} rows", rows.len());
    let scratch = tempfile::tempdir().expect("temp dir");
    let documents = Arc::new(Documents::new(DocumentsConfig::default()));
    let config = scratch.path().join("config.json");
    println!(
        "{:<90} {:>10} {:>6} {:>6} {:>8} {:>6} {:>6}",
        "document", "operations", "tools", "errors", "warnings", "notes", "ms"
    );
    let (mut operations, mut tools, mut failed) = (0, 0, Vec::new());
    for (file, expected) in &rows {
        let path = usable(&data.join("openapi").join(file), scratch.path());
        let text = serde_json::json!({"cli": "1", "mode": {"default": "discover"},
            "sources": {"s": {"type": "openapi", "uri": path}}, "services": {"s": {"source": "s"}}});
        std::fs::File::create(&config).expect("create").write_all(text.to_string().as_bytes()).expect("write");
        let environment = |_: &str| None;
        let locations = Locations {
            project: Some(config.clone()),
            scopes: ScopeSet::SERVER,
            ..Locations::from_environment(&environment, scratch.path().to_owned())
        };
        let started = Instant::now();
        let trace = Trace::detached(Arc::new(Nop));
        let snapshot = Builder::new(locations, Arc::clone(&documents))
            .build(None, false, &trace)
            .await
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let milliseconds = started.elapsed().as_millis();
        let count = |severity| snapshot.diagnostics().iter().filter(|d| d.severity == severity).count();
        let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
        println!(
            "{file:<90} {expected:>10} {:>6} {errors:>6} {warnings:>8} {notes:>6} {milliseconds:>6}",
            snapshot.tool_count()
        );
        operations += expected;
        tools += snapshot.tool_count();
        if snapshot.diagnostics().iter().any(|d| d.code == "source_failed") {
            failed.push(file.as_str());
        }
        // Names: every command answers to one tool only.
        let mut words = HashSet::new();
        for entry in snapshot.tools() {
            let prepared = entry.prepared().expect("readable");
            let tool = prepared.tool();
            assert!(
                words.insert((tool.group.clone(), tool.command.clone())),
                "{file}: {} {} twice",
                tool.group,
                tool.command
            );
            assert!(!tool.command.is_empty() && !tool.group.is_empty(), "{file}: {}", tool.id);
        }
        let mut ids: Vec<&str> = snapshot.tools().map(|entry| entry.id()).collect();
        assert!(ids.is_sorted(), "{file}");
        ids.dedup();
        assert_eq!(ids.len(), snapshot.tool_count(), "{file}: ids are distinct");
    }
    println!("{} documents, {operations} operations, {tools} tools", rows.len());
    let expected: Vec<&str> = UNREADABLE.iter().map(|(file, _)| *file).collect();
    assert_eq!(failed, expected, "descriptions of which no catalog could be made");
    // More tools than operations: HEAD, OPTIONS, TRACE and QUERY count for us and not for the list.
    assert!(tools + BROKEN_OPERATIONS >= operations, "{tools} of {operations}");
}
