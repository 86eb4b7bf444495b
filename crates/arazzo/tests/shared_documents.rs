//! The public Arazzo documents of the shared data: examples of the specification, the tests of its schemas, the
//! documents of other tools.

mod common;

use open_cli_arazzo::Description;
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_documents::{Documents, DocumentsConfig, FetchPolicy, Location};
use open_cli_observe::{Nop, Trace};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A YAML or JSON file as JSON, the way it is read in production.
async fn read(path: &Path) -> Result<Description, String> {
    let documents = Documents::new(DocumentsConfig::default());
    let location = Location::File(path.to_path_buf());
    let trace = Trace::detached(Arc::new(Nop));
    let single = documents.read_one(&location, &FetchPolicy::default(), &trace).await;
    let json = single.map_err(|error| error.to_string())?.document.json;
    Description::parse(&json).map_err(|error| error.to_string())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let below = entries(folder).into_iter();
    below.flat_map(|path| if path.is_dir() { documents(&path) } else { vec![path] }).collect()
}

/// `code pointer` of what is at least so severe.
fn shown(diagnostics: &[Diagnostic], least: Severity) -> Vec<String> {
    let worth = diagnostics.iter().filter(|diagnostic| diagnostic.severity <= least);
    worth.map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.pointer)).collect()
}

#[tokio::test]
async fn what_the_schemas_accept_is_read_without_an_error_and_what_they_refuse_is_told() {
    let Some(folder) = common::shared("arazzo/schema-tests") else { return };
    let (mut passed, mut failed) = (0, 0);
    for version in entries(&folder) {
        for path in entries(&version.join("pass")) {
            let description = read(&path).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let errors = shown(&description.diagnostics, Severity::Error);
            assert!(errors.is_empty() && !description.workflows.is_empty(), "{}: {errors:?}", path.display());
            passed += 1;
        }
        for path in entries(&version.join("fail")) {
            // A fragment in `$self` is a warning: the document means something without it.
            let Ok(description) = read(&path).await else {
                failed += 1;
                continue;
            };
            let is_about_itself = name_of(&path) == "invalid-self-fragment.arazzo.yaml";
            let least = if is_about_itself { Severity::Warning } else { Severity::Error };
            let odd = shown(&description.diagnostics, least);
            assert!(!odd.is_empty(), "{}: {description:?}", path.display());
            failed += 1;
        }
    }
    assert_eq!((passed, failed), (35, 27));
}

/// Each with its workflows, and what is at least a warning.
#[tokio::test]
async fn the_documents_of_others_are_read() {
    let Some(folder) = common::shared("arazzo") else { return };
    let mut all = Vec::new();
    for folder in ["examples", "redocly-museum", "speakeasy"].map(|name| folder.join(name)) {
        for path in documents(&folder) {
            if name_of(&path).contains("arazzo.yaml") {
                let description = read(&path).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let told = shown(&description.diagnostics, Severity::Warning);
                all.push(format!("{} {} {told:?}", name_of(&path), description.workflows.len()));
            }
        }
    }
    // The example's own slips: an output without `.outputs`, and outputs that no step gives.
    let bnpl = r#"["workflow_expression_invalid /workflows/0/outputs/finalizedPaymentPlan", "workflow_reference_unknown /workflows/0/steps/4", "workflow_reference_unknown /workflows/0/steps/5", "workflow_reference_unknown /workflows/0/steps/6"]"#;
    let invalid = r#"["workflow_field_invalid /workflows/0/steps/0", "workflow_field_invalid /workflows/0/steps/1/parameters/0", "workflow_invalid /workflows/0", "workflow_field_invalid /info"]"#;
    let expected = [
        "ExtendedParametersExample.arazzo.yaml 1 []",
        "FAPI-PAR.arazzo.yaml 1 []",
        "LoginAndRetrievePets.arazzo.yaml 1 []",
        &format!("bnpl-arazzo.yaml 1 {bnpl}"),
        "oauth.arazzo.yaml 3 []",
        "pet-coupons.arazzo.yaml 3 []",
        "museum-api.arazzo.yaml 2 []",
        "museum-tickets.arazzo.yaml 1 []",
        &format!("invalid.arazzo.yaml 0 {invalid}"),
        "addition.expected.arazzo.yaml 4 []",
        "complex.expected.arazzo.yaml 3 []",
        "deletion.expected.arazzo.yaml 2 []",
        "input.arazzo.yaml 3 []",
        "map-addition.expected.arazzo.yaml 3 []",
        "map-deletion.expected.arazzo.yaml 3 []",
        "map-reorder.expected.arazzo.yaml 3 []",
        "map-stress.expected.arazzo.yaml 3 []",
        "reorder.expected.arazzo.yaml 3 []",
        "simple.arazzo.yaml 1 []",
        // The output's name is misspelled there.
        "speakeasybar.arazzo.yaml 3 [\"workflow_reference_unknown /workflows/0/steps/1\"]",
        "test.arazzo.yaml 1 []",
        "traintravelapi.arazzo.yaml 4 []",
    ];
    assert_eq!(all, expected);
}
