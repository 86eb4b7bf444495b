//! Real API descriptions, when they are at hand: each loads as a set, soon.

mod common;

use common::{documents, quiet};
use open_cli_documents::{FetchPolicy, Location};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `<some folder above>/shared/data/openapi`.
fn data() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.map(|folder| folder.join("shared/data/openapi")).find(|folder| folder.is_dir())
}

fn descriptions(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("entry").path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            descriptions(&path, found);
        } else if matches!(extension, Some("json" | "yaml" | "yml")) {
            found.push(path);
        }
    }
}

/// Remote references are answered by nobody: no document may leave this machine in a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_real_description_loads() {
    let Some(data) = data() else {
        println!("skipped: no shared data");
        return;
    };
    let mut paths = Vec::new();
    descriptions(&data, &mut paths);
    paths.sort();
    let multi = data.join("multi");
    // Parts of the large sets are read with their roots below.
    paths.retain(|path| !path.starts_with(multi.join("digitalocean")));
    let cache = tempfile::tempdir().expect("temporary directory");
    let begun = Instant::now();
    let mut failures = BTreeMap::new();
    let mut slowest = (0, PathBuf::new());
    let (mut loaded_count, mut with_remote, mut unreadable) = (0, 0, 0);
    let bytes_of = |path: &Path| path.metadata().expect("metadata").len();
    let total: u64 = paths.iter().map(|path| bytes_of(path)).sum();
    for path in &paths {
        let one = Instant::now();
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text
            .split("$ref")
            .skip(1)
            .any(|rest| rest.trim_start_matches([' ', ':', '"', '\'', '\n']).starts_with("http"))
        {
            with_remote += 1;
            continue;
        }
        let documents = documents(cache.path());
        match documents.load(&Location::File(path.clone()), &FetchPolicy::default(), &quiet()).await {
            Ok(loaded) => {
                loaded_count += 1;
                unreadable += loaded.diagnostics.len();
                assert_eq!(loaded.fetches, [], "{}", path.display());
                for document in &loaded.set {
                    serde_json::from_slice::<serde::de::IgnoredAny>(&document.json).expect("JSON");
                }
            }
            Err(error) => {
                let name = path.strip_prefix(&data).expect("below").display().to_string();
                failures.insert(name, error.to_string().replace(&data.display().to_string(), ""));
            }
        }
        slowest = slowest.max((one.elapsed().as_millis(), path.clone()));
    }
    println!(
        "{} files, {:.1} MB: {loaded_count} loaded, {with_remote} with remote references left out, \
         {} refused, {unreadable} unreadable references, {:.1} s; slowest {} ms {}",
        paths.len(),
        total as f64 / 1e6,
        failures.len(),
        begun.elapsed().as_secs_f64(),
        slowest.0,
        slowest.1.display()
    );
    for (name, error) in &failures {
        println!("  {name}: {error}");
    }
    // What is refused is empty, a list, or broken, and is so on purpose or by accident of its authors.
    assert!(failures.len() * 50 < paths.len(), "too many refusals");
    assert!(begun.elapsed().as_secs() < 60);
}

#[tokio::test]
async fn thousands_of_files_are_one_set_in_seconds() {
    let Some(data) = data() else {
        println!("skipped: no shared data");
        return;
    };
    let cache = tempfile::tempdir().expect("temporary directory");
    let root = data.join("multi/digitalocean/DigitalOcean-public.v2.yaml");
    let begun = Instant::now();
    let documents = documents(cache.path());
    let loaded = documents.load(&Location::File(root), &FetchPolicy::default(), &quiet()).await.expect("loaded");
    let elapsed = begun.elapsed();
    let bytes: usize = loaded.set.iter().map(|document| document.json.len()).sum();
    println!(
        "digitalocean: {} documents, {:.1} MB of JSON, {} diagnostics, {:.2} s",
        loaded.set.len(),
        bytes as f64 / 1e6,
        loaded.diagnostics.len(),
        elapsed.as_secs_f64()
    );
    for diagnostic in loaded.diagnostics.iter().take(5) {
        println!("  {} {}", diagnostic.pointer, diagnostic.message);
    }
    assert!(loaded.set.len() > 1_000);
    assert!(elapsed.as_secs() < 30);
}

/// Pointers of a value, each with its last token when that is a key.
fn pointers(value: &serde_json::Value, at: &str, found: &mut Vec<(String, Option<String>)>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push((pointer.clone(), Some(key.clone())));
                pointers(value, &pointer, found);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                found.push((format!("{at}/{index}"), None));
                pointers(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Everything that a document has is found in its text, at the key that the pointer ends with.
#[test]
fn every_pointer_of_real_descriptions_leads_to_its_key() {
    const LARGEST: u64 = 200_000;
    const LONGEST_LINE: usize = 2_000;
    let Some(data) = data() else {
        println!("skipped: no shared data");
        return;
    };
    let mut paths = Vec::new();
    descriptions(&data, &mut paths);
    paths.retain(|path| !path.starts_with(data.join("multi/digitalocean")));
    paths.retain(|path| path.metadata().is_ok_and(|metadata| metadata.len() < LARGEST));
    let (mut documents, mut checked, mut longest) = (0, 0, std::time::Duration::ZERO);
    for path in paths {
        let content = std::fs::read(&path).expect("read");
        let Ok(json) = open_cli_documents::to_json(&content.clone().into()) else { continue };
        let Ok(value) = serde_json::from_slice(&json) else { continue };
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        let text = String::from_utf8(content).expect("UTF-8").trim_start_matches('\u{feff}').to_owned();
        let lines: Vec<&str> = text.split('\n').collect();
        let wanted: Vec<&str> = all.iter().map(|(pointer, _)| pointer.as_str()).collect();
        let begun = Instant::now();
        let places = open_cli_documents::places(text.as_bytes(), &wanted);
        longest = longest.max(begun.elapsed());
        documents += 1;
        for ((pointer, key), place) in all.iter().zip(places) {
            assert!(place.is_exact, "{}#{pointer}", path.display());
            checked += 1;
            let line = lines[place.line - 1];
            // Counting characters from the start of one long line takes too long.
            if let Some(key) = key.as_ref().filter(|_| line.len() < LONGEST_LINE) {
                let rest: String = line.chars().skip(place.column - 1).collect();
                let rest = rest.trim_start_matches(['"', '\'']);
                // A key with escapes is written otherwise than it reads.
                let is_there = rest.starts_with(key) || rest.contains('\\') || key.contains(['\'', '"', '\n']);
                assert!(is_there, "{}#{pointer} is at {place:?}: {rest}", path.display());
            }
        }
    }
    println!("{checked} pointers of {documents} documents, one at most {longest:?}");
    assert!(checked > 50_000);
}
