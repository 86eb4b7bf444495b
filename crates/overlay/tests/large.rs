//! Large real documents: what overlays cost. Prints the figures; bounds them in optimised builds.

mod common;

use open_cli_overlay::{Overlay, preview};
use serde_json::{Value, json};
use std::io::Read;
use std::time::{Duration, Instant};

/// What one action may take on 13 MB of JSON, with much room for a busy machine.
const LIMIT: Duration = Duration::from_millis(600);

#[test]
fn an_action_on_a_large_document_takes_milliseconds() {
    let Some(file) = common::shared("openapi/github.api.github.com.3.0.json.gz") else { return };
    let packed = std::fs::read(file).expect("the document is readable");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut text).expect("gzip");
    let document: Value = serde_json::from_slice(&text).expect("JSON");
    println!("{} MB", text.len() / 1_000_000);
    for (what, target, change) in [
        ("one operation", "$.paths['/user'].get", json!({ "update": { "x-cli-name": "me" } })),
        ("every operation", "$.paths.*[?@.responses]", json!({ "update": { "x-seen": true } })),
        ("every description", "$..description", json!({ "remove": true })),
        ("every example", "$..['example','examples']", json!({ "remove": true })),
        ("all objects with a type", "$..[?@.type]", json!({ "update": { "x-typed": 1 } })),
        ("half of the paths", "$.paths[?@.get]", json!({ "remove": true })),
        (
            "a filter on parameters",
            "$.paths.*.*.parameters[?@.name=='per_page']",
            json!({ "update": { "x-page": 1 } }),
        ),
        ("a pattern", "$..operationId[?match(@, 'x')]", json!({ "remove": true })),
        ("nothing", "$..nothing", json!({ "remove": true })),
    ] {
        let mut action = change;
        action["target"] = json!(target);
        let overlay = json!({ "overlay": "1.0.0", "actions": [action] }).to_string();
        let overlay = Overlay::parse(overlay.as_bytes(), "").expect("an overlay");
        let mut changed = document.clone();
        let start = Instant::now();
        let applied = overlay.apply(&mut changed);
        let took = start.elapsed();
        let start = Instant::now();
        let changes = preview(&document, &changed);
        println!(
            "{what}: {} matched, {took:.1?}; preview {:.1?}, {} changes",
            applied.actions[0].matched,
            start.elapsed(),
            changes.changes.len() + changes.omitted,
        );
        assert!(!applied.is_incomplete(), "{what}: {:?}", applied.diagnostics());
        assert!(cfg!(debug_assertions) || took < LIMIT, "{what}: {took:?}");
    }
}
