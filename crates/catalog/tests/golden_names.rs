//! The names of tools, groups and commands: what people type and what scripts and policies refer to. Nothing may change
//! them by accident, so they are kept here: all of them for our own descriptions (`naming/`), and for every public
//! description of the shared data folder their number and a hash. `UPDATE_GOLDEN=1` writes what is found.
//!
//! And the law behind them: the order in which a description has its members means nothing.

use open_cli_catalog::{Builder, Snapshot};
use open_cli_config::{Locations, ScopeSet};
use open_cli_documents::{Documents, DocumentsConfig, FetchPolicy, Location};
use open_cli_observe::{Nop, Trace};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Our own descriptions.
const OWN: &[&str] = &[
    "tests/naming/odd-names.json",
    "tests/naming/three-two.yaml",
    "tests/naming/two.json",
    "tests/naming/without-ids.yaml",
    "../../examples/orders-api/openapi.yaml",
];

/// How many orders are tried.
const SHUFFLES: u64 = 60;

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().expect("manifest folder")
}

fn shared_data() -> Option<PathBuf> {
    let manifest = manifest();
    manifest.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

/// A folder for configurations and copies, and what reads documents.
struct Desk {
    dir: tempfile::TempDir,
    documents: Arc<Documents>,
}

impl Desk {
    fn new() -> Self {
        let documents = Arc::new(Documents::new(DocumentsConfig::default()));
        Self { dir: tempfile::tempdir().expect("temporary folder"), documents }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::File::create(&path).expect("create").write_all(bytes).expect("write");
        path
    }

    /// The catalog with this description as its only service, `s`.
    async fn snapshot(&self, description: &Path, previous: Option<&Snapshot>, force_refresh: bool) -> Snapshot {
        let text = serde_json::json!({"cli": "1", "mode": {"default": "discover"},
            "sources": {"s": {"type": "openapi", "uri": description}}, "services": {"s": {"source": "s"}}});
        let config = self.write("config.json", text.to_string().as_bytes());
        let environment = |_: &str| None;
        let locations = Locations {
            project: Some(config),
            scopes: ScopeSet::SERVER,
            ..Locations::from_environment(&environment, self.dir.path().to_owned())
        };
        let builder = Builder::new(locations, Arc::clone(&self.documents));
        let trace = Trace::detached(Arc::new(Nop));
        builder.build(previous, force_refresh, &trace).await.expect("a snapshot")
    }
}

/// `GET /bins -> s:listBins | bins | list-bins`, ascending.
fn names(snapshot: &Snapshot) -> Vec<String> {
    let line = |tool: &open_cli_contract::catalog::Tool| {
        format!("{} {} -> {} | {} | {}", tool.method, tool.path, tool.id, tool.group, tool.command)
    };
    let mut lines: Vec<String> =
        snapshot.tools().map(|entry| line(entry.prepared().expect("readable").tool())).collect();
    lines.sort();
    lines
}

/// Compares with a golden file, or writes it.
fn compare(file: &str, found: &str) {
    let path = manifest().join("tests/naming").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::File::create(&path).expect("create").write_all(found.as_bytes()).expect("write");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let (golden, found): (Vec<&str>, Vec<&str>) = (golden.lines().collect(), found.lines().collect());
    let gone = golden.iter().filter(|line| !found.contains(line)).map(|line| format!("- {line}"));
    let new = found.iter().filter(|line| !golden.contains(line)).map(|line| format!("+ {line}"));
    let changes: Vec<String> = gone.chain(new).collect();
    assert!(
        changes.is_empty(),
        "names changed (UPDATE_GOLDEN=1 accepts them; people's scripts do not):\n{}",
        changes.join("\n")
    );
}

#[tokio::test]
async fn the_names_of_our_own_descriptions_stay() {
    let desk = Desk::new();
    let mut found = String::new();
    for file in OWN {
        let snapshot = desk.snapshot(&manifest().join(file), None, false).await;
        found.push_str(&format!("# {}\n{}\n", file.trim_start_matches("../"), names(&snapshot).join("\n")));
    }
    compare("own.golden", &found);
}

/// The description itself, or a copy: unpacked, and with references to URLs turned into references to files that are
/// not there. No test asks the network.
fn usable(desk: &Desk, path: &Path) -> PathBuf {
    let bytes = std::fs::read(path).expect("read");
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).expect("gzip");
        return desk.write("copy.yaml", &text);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut offline = String::new();
    for (i, part) in text.split("$ref").enumerate() {
        let target = part.trim_start_matches(['"', '\'', ':', ' ', '\n']);
        let lead = &part[..part.len() - target.len()];
        match target.strip_prefix("https://").or_else(|| target.strip_prefix("http://")) {
            Some(rest) if i > 0 => offline.push_str(&format!("$ref{lead}absent/{rest}")),
            _ if i > 0 => offline.push_str(&format!("$ref{part}")),
            _ => offline.push_str(part),
        }
    }
    if offline == text { path.to_owned() } else { desk.write("copy.yaml", offline.as_bytes()) }
}

/// Everything below a folder that may be a description, ascending.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let is_text =
            path.extension().is_some_and(|e| ["json", "yaml", "yml", "gz"].iter().any(|known| e == *known));
        if path.is_dir() {
            files(&path, found);
        } else if is_text {
            found.push(path);
        }
    }
    found.sort();
}

#[tokio::test]
async fn the_names_of_every_public_description_stay() {
    let Some(data) = shared_data().map(|data| data.join("openapi")) else {
        println!("skipped: no shared data");
        return;
    };
    let desk = Desk::new();
    let mut paths = Vec::new();
    files(&data, &mut paths);
    let (mut found, mut total) = (String::new(), 0);
    for path in &paths {
        let snapshot = desk.snapshot(&usable(&desk, path), None, false).await;
        let names = names(&snapshot);
        if names.is_empty() {
            continue;
        }
        let hash: String = Sha256::digest(names.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = path.strip_prefix(&data).expect("below the folder").display();
        found.push_str(&format!("{hash} {:>5} {file}\n", names.len()));
        total += names.len();
    }
    println!("{} files, {total} tools", paths.len());
    compare("public.golden", &found);
}

/// Numbers that look as if by chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    fn one<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }
}

/// The same value with the members of every object in another order; lists stay as they are.
fn shuffled(value: &Value, dice: &mut Dice) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            for i in (1..members.len()).rev() {
                members.swap(i, dice.below(i + 1));
            }
            let members = members.into_iter().map(|(name, value)| {
                let name = Value::String(name.clone());
                format!("{name}:{}", shuffled(value, dice))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(|element| shuffled(element, dice)).collect();
            format!("[{}]", elements.join(","))
        }
        other => other.to_string(),
    }
}

/// A description that collides on purpose: few words, many operations.
fn crowded(dice: &mut Dice) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for _ in 0..=dice.below(24) {
        let words: Vec<&str> =
            (0..dice.below(4)).map(|_| dice.one(&["a", "b", "{c}", "{d}", "A", "🎁"])).collect();
        let item = paths.entry(format!("/{}", words.join("/"))).or_insert_with(|| Value::Object(Map::new()));
        let mut operation = serde_json::json!({ "responses": {} });
        let id = dice.one(&["", "", "list", "List", "get:/a", "...", "getA"]);
        if !id.is_empty() {
            operation["operationId"] = id.into();
        }
        let tag = dice.one(&["", "a", "A", "🎁"]);
        if !tag.is_empty() {
            operation["tags"] = serde_json::json!([tag]);
        }
        item[dice.one(&["get", "put", "post", "delete", "head"])] = operation;
    }
    serde_json::json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://h.example"}], "paths": paths})
}

#[tokio::test]
async fn the_order_of_members_changes_no_name() {
    let desk = Desk::new();
    let mut values = Vec::new();
    for file in OWN {
        let location = Location::File(manifest().join(file));
        let trace = Trace::detached(Arc::new(Nop));
        let loaded = desk.documents.load(&location, &FetchPolicy::default(), &trace).await.expect("readable");
        values.push(serde_json::from_slice::<Value>(&loaded.set.root().json).expect("json"));
    }
    for seed in 0..SHUFFLES {
        let dice = &mut Dice(seed);
        let own = &values[dice.below(values.len())];
        for value in [own, &crowded(dice)] {
            let path = desk.write("description.json", value.to_string().as_bytes());
            let first = names(&desk.snapshot(&path, None, false).await);
            let text = shuffled(value, dice);
            let path = desk.write("description.json", text.as_bytes());
            let second = names(&desk.snapshot(&path, None, false).await);
            assert_eq!(first, second, "seed {seed}: {text}");
            assert!(!first.is_empty(), "seed {seed}: {text}");
            let commands: HashSet<_> = first.iter().filter_map(|line| Some(line.split_once(" | ")?.1)).collect();
            assert_eq!(commands.len(), first.len(), "seed {seed}: every command is one tool's: {first:#?}");
            let ids: HashSet<_> =
                first.iter().filter_map(|line| line.split(" | ").next()?.split(" -> ").nth(1)).collect();
            assert_eq!(ids.len(), first.len(), "seed {seed}: every id is one tool's: {first:#?}");
        }
    }
}

#[tokio::test]
async fn reading_again_changes_no_name() {
    let desk = Desk::new();
    for file in OWN {
        let path = manifest().join(file);
        let first = desk.snapshot(&path, None, false).await;
        let second = desk.snapshot(&path, Some(&first), true).await;
        assert_eq!(names(&first), names(&second), "{file}");
    }
}
