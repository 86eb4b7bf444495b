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
