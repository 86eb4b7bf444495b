//! The public overlays of the shared data: the compliant sets, the tests of the schemas, the sets of other tools.

mod common;

use open_cli_contract::catalog::Severity;
use open_cli_documents::{Documents, DocumentsConfig, FetchPolicy, Location};
use open_cli_observe::{Nop, Trace};
use open_cli_overlay::{ActionStatus, Applied, Overlay};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A YAML or JSON file as JSON, the way it is read in production. References are not followed.
async fn read(path: &Path) -> Result<Vec<u8>, String> {
    let documents = Documents::new(DocumentsConfig { max_documents: 1, ..DocumentsConfig::default() });
    let location = Location::File(path.to_path_buf());
    let trace = Trace::detached(Arc::new(Nop));
    let loaded = documents.load(&location, &FetchPolicy::default(), &trace).await;
    loaded.map(|loaded| loaded.set.root().json.to_vec()).map_err(|error| error.to_string())
}

async fn value(path: &Path) -> Value {
    let json = read(path).await.unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&json).expect("JSON")
}

async fn overlay(path: &Path) -> Result<Overlay, String> {
    Overlay::parse(&read(path).await?, &path.to_string_lossy()).map_err(|error| error.to_string())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

async fn apply(overlay_path: &Path, document: &Path) -> (Value, Applied) {
    let overlay = overlay(overlay_path).await.expect("an overlay");
    let errors: Vec<_> = overlay.diagnostics().iter().filter(|one| one.severity.is_error()).collect();
    assert!(errors.is_empty(), "{}: {errors:?}", overlay_path.display());
    let mut document = value(document).await;
    let applied = overlay.apply(&mut document);
    (document, applied)
}

#[tokio::test]
async fn the_compliant_sets_pass_in_full() {
    let Some(folder) = common::shared("overlay/compliant-sets") else { return };
    let sets: Vec<_> = entries(&folder).into_iter().filter(|path| path.is_dir()).collect();
    assert_eq!(sets.len(), 8);
    for set in sets {
        let (document, applied) = apply(&set.join("overlay.yaml"), &set.join("openapi.yaml")).await;
        assert!(!applied.is_incomplete(), "{}: {applied:?}", set.display());
        assert_eq!(document, value(&set.join("output.yaml")).await, "{}", set.display());
    }
}

#[tokio::test]
async fn what_the_schemas_accept_is_read_without_a_warning() {
    let Some(folder) = common::shared("overlay/schema-tests") else { return };
    let mut seen = 0;
    for version in entries(&folder) {
        for path in entries(&version.join("pass")) {
            let overlay = overlay(&path).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let odd: Vec<_> = overlay.diagnostics().iter().filter(|one| one.severity < Severity::Note).collect();
            assert!(odd.is_empty(), "{}: {odd:?}", path.display());
            seen += 1;
        }
        for path in entries(&version.join("fail")) {
            if let Ok(overlay) = overlay(&path).await {
                let odd = overlay.diagnostics().iter().any(|one| one.severity < Severity::Note);
                assert!(odd, "{}: {overlay:?}", path.display());
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 103);
}

#[tokio::test]
async fn the_sets_of_other_tools_give_their_results() {
    let Some(folder) = common::shared("overlay/speakeasy") else { return };
    for (overlay, document, result) in [
        ("overlay-copy.yaml", "openapi-copy.yaml", "openapi-copy-expected.yaml"),
        ("overlay-copy-move.yaml", "openapi-copy.yaml", "openapi-copy-move-expected.yaml"),
        ("overlay-version-header.yaml", "openapi-version-header.yaml", "openapi-version-header-expected.yaml"),
    ] {
        let (found, applied) = apply(&folder.join(overlay), &folder.join(document)).await;
        assert!(!applied.is_incomplete(), "{overlay}: {applied:?}");
        assert_eq!(found, value(&folder.join(result)).await, "{overlay}");
    }
    let (_, applied) = apply(&folder.join("overlay-copy-errors.yaml"), &folder.join("openapi-copy.yaml")).await;
    assert_eq!(applied.diagnostics()[0].code, "overlay_copy_source");
    let (_, applied) = apply(&folder.join("overlay-mismatched.yaml"), &folder.join("openapi.yaml")).await;
    let statuses: Vec<_> = applied.actions.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [ActionStatus::NoMatch, ActionStatus::Applied, ActionStatus::Applied]);
    let exclusive = overlay(&folder.join("overlay-copy-mutual-exclusive.yaml")).await.expect("an overlay");
    assert!(exclusive.diagnostics()[0].message.contains("both \"update\" and \"copy\""));
    // Has a query that only that tool understands.
    let own = overlay(&folder.join("overlay.yaml")).await.expect("an overlay");
    let errors: Vec<_> = own.diagnostics().iter().filter(|one| one.severity.is_error()).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].hint.contains("an extension of some tools"), "{errors:?}");
}

#[tokio::test]
async fn a_real_overlay_of_many_actions_applies() {
    let Some(folder) = common::shared("overlay/train-travel-microcks") else { return };
    let (document, applied) = apply(&folder.join("overlays.yaml"), &folder.join("openapi.yaml")).await;
    assert!(!applied.is_incomplete(), "{:#?}", applied.diagnostics());
    assert!(document.get("x-topics").is_none());
}

#[tokio::test]
async fn the_overlay_of_the_conformance_fixture_is_read_without_a_word() {
    let Some(file) = common::shared("contract/conformance/fixtures/overlays/tickets.overlay.yaml") else { return };
    assert_eq!(overlay(&file).await.expect("an overlay").diagnostics(), []);
}
