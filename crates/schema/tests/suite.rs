//! The JSON Schema Test Suite, where `scripts/peers.sh` has put it: every verdict of draft 2020-12 that a schema
//! without other documents can ask for, and the formats that are checked here.

use open_cli_schema::{Json, Options, Schema};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Files that ask for what is not there on purpose.
const LEFT_OUT: &[(&str, &str)] = &[
    ("dynamicRef", "dynamic references are resolved when a description is read"),
    ("refRemote", "no schema loads another document"),
    ("vocabulary", "the vocabulary is fixed"),
    ("format", "formats are annotations there; here some are checked"),
];

/// Groups by their description, for the same reasons.
const GROUPS_LEFT_OUT: &[&str] = &["$id", "URN", "urn", "remote ref", "base URI", "$anchor inside an enum"];

/// Formats that are checked.
const FORMATS: &[&str] = &["date-time", "date", "time", "uuid", "ipv4", "ipv6"];

fn suite() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("OPEN_CLI_TEST_SCHEMA_SUITE").filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    assert!(std::env::var_os("OPEN_CLI_REQUIRE_PEERS").is_none(), "OPEN_CLI_TEST_SCHEMA_SUITE is not set");
    #[expect(clippy::print_stderr, reason = "whoever runs the tests must know")]
    {
        eprintln!("skipped: OPEN_CLI_TEST_SCHEMA_SUITE is not set; `make test` installs the suite");
    }
    None
}

struct Run {
    asked: usize,
    wrong: Vec<String>,
}

impl Run {
    fn file(&mut self, path: &Path, may_run: impl Fn(&str, &str) -> bool) {
        let name = path.file_stem().expect("name").to_string_lossy().into_owned();
        let groups: Value = serde_json::from_slice(&std::fs::read(path).expect("file")).expect("json");
        for group in groups.as_array().expect("groups") {
            let about = group["description"].as_str().expect("description");
            let written = group["schema"].to_string();
            if !may_run(about, &written) {
                continue;
            }
            let schema = Schema::compile(&written, Options::default()).expect("a schema");
            for test in group["tests"].as_array().expect("tests") {
                let data = test["data"].to_string();
                let value = Json::parse(&data).expect("json");
                self.asked += 1;
                let (expected, fits) = (test["valid"] == true, schema.fits(&value));
                if fits != expected || schema.faults(&value).is_empty() != fits {
                    let what = test["description"].as_str().expect("description");
                    self.wrong.push(format!("{name}: {about}: {what}: {fits}, skipped {:?}", schema.skipped()));
                }
            }
        }
    }
}

#[test]
fn every_verdict_of_the_official_suite() {
    let Some(suite) = suite() else { return };
    let suite = suite.join("draft2020-12");
    let mut run = Run { asked: 0, wrong: Vec::new() };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&suite).expect("suite").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "json")) {
        let name = file.file_stem().expect("name").to_string_lossy();
        if !LEFT_OUT.iter().any(|(left_out, _)| *left_out == name) {
            run.file(file, |about, schema| {
                let refers = schema.contains("\"$id\"") || schema.contains("\"http") && schema.contains("$ref");
                let is_plain = schema.replace("https://json-schema.org/draft/2020-12/schema", "");
                !GROUPS_LEFT_OUT.iter().any(|word| about.contains(word))
                    && !(refers && (is_plain.contains("\"$id\"") || is_plain.contains("\"http")))
                    && !schema.contains(r#""$ref":"https://json-schema.org"#)
            });
        }
    }
    let required = run.asked;
    for format in FORMATS {
        run.file(&suite.join(format!("optional/format/{format}.json")), |_, _| true);
    }
    run.file(&suite.join("optional/ecmascript-regex.json"), |_, schema| !schema.contains("(?="));
    assert!(required > 900, "{required}");
    assert!(run.wrong.is_empty(), "{} of {}:\n{}", run.wrong.len(), run.asked, run.wrong.join("\n"));
}
