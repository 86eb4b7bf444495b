//! Reads every public description of the shared data folder. Prints one line each (`--nocapture`).

use bytes::Bytes;
use open_cli_documents::{Document, DocumentSet, Location};
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn data() -> Option<PathBuf> {
    if let Ok(d) = std::env::var("CORPUS") {
        return Some(PathBuf::from(d));
    }
    None
}

fn read_json(path: &Path) -> Option<Bytes> {
    let mut bytes = std::fs::read(path).ok()?;
    if path.extension().is_some_and(|e| e == "gz") {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut out).ok()?;
        bytes = out;
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).ok()?;
    Some(Bytes::from(bytes))
}

fn refs(v: &serde_json::Value, out: &mut Vec<String>) {
    match v {
        serde_json::Value::Object(m) => {
            for (k, v) in m {
                if k == "$ref" {
                    if let Some(s) = v.as_str() {
                        if !s.starts_with('#') {
                            out.push(s.to_owned());
                        }
                    }
                }
                refs(v, out);
            }
        }
        serde_json::Value::Array(a) => {
            for v in a {
                refs(v, out)
            }
        }
        _ => {}
    }
}

fn load(path: &Path) -> Option<DocumentSet> {
    let root = Location::File(path.to_path_buf());
    let mut todo = vec![root];
    let mut seen = HashSet::new();
    let mut documents = Vec::new();
    while let Some(l) = todo.pop() {
        if !seen.insert(l.clone()) {
            continue;
        }
        let Location::File(p) = &l else { continue };
        let Some(json) = read_json(p) else { if documents.is_empty() { return None } else { continue } };
        if json.len() < 3_000_000 {
            let mut out = vec![];
            refs(&serde_json::from_slice(&json).unwrap(), &mut out);
            for r in out {
                if let Ok(j) = l.join(&r) {
                    todo.push(j)
                }
            }
        }
        documents.push(Document { location: l, json });
    }
    Some(DocumentSet::from_documents(documents))
}

#[test]
fn every_public_description_is_read() {
    let Some(data) = data() else {
        println!("skipped: no shared data");
        return;
    };
    let sources = std::fs::read_to_string("/work/shared/data/SOURCES.md").unwrap();
    let mut folder: Option<String> = None;
    let mut totals: BTreeMap<String, (usize, usize, usize, usize)> = BTreeMap::new();
    for line in sources.lines() {
        if let Some(h) = line.strip_prefix("### ") {
            folder = h
                .strip_prefix("openapi")
                .map(|r| if r.starts_with('/') { r[1..].to_owned() } else { String::new() });
            continue;
        }
        if line.starts_with("## ") {
            folder = None;
        }
        let Some(folder) = &folder else { continue };
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells.len() < 6 || cells[1] == "file" || cells[1].starts_with("---") {
            continue;
        }
        let (file, version, ops) = (cells[1], cells[2], cells[3].parse::<usize>().unwrap_or(0));
        let path = data.join(folder).join(file);
        let t = totals.entry(folder.clone()).or_default();
        t.0 += 1;
        t.1 += ops;
        let Some(set) = load(&path) else {
            println!("UNLOADABLE {folder}/{file} {version}");
            continue;
        };
        let start = Instant::now();
        let api = open_cli_openapi::read(&set);
        let took = start.elapsed();
        match api {
            Ok(api) => {
                let c = |s| api.diagnostics.iter().filter(|d| d.severity == s).count();
                use open_cli_contract::catalog::Severity::*;
                t.2 += 1;
                t.3 += api.operations.len();
                let mark = if api.operations.len() != ops { "DIFF" } else { "same" };
                println!(
                    "{mark} {folder}/{file} {version} {} ops {} (expected {ops}) e{} w{} n{} {:?} docs {}",
                    api.version,
                    api.operations.len(),
                    c(Error),
                    c(Warning),
                    c(Note),
                    took,
                    set.len()
                );
                for d in &api.diagnostics {
                    println!("    {:?} {} {} | {} | {}", d.severity, d.code, d.pointer, d.message, d.hint);
                }
            }
            Err(e) => println!("ERROR {folder}/{file} {version} {e}"),
        }
    }
    for (k, v) in totals {
        println!("TOTAL {k}: {v:?}");
    }
}
