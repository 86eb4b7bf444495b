//! Documents that are not what they should be: each gives a diagnostic that says which document, where and what to do,
//! in bounded time and memory, and leaves the rest of the catalog as it is.

mod common;

use common::{Desk, THINGS, ids};
use open_cli_contract::catalog::Diagnostic;
use serde_json::json;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// No document may hold a build up for longer, on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);
/// Nor take more memory than documents of the largest size do.
const MOST_KILOBYTES: u64 = 400 << 10;

const GOOD: [&str; 2] = ["things:deleteThing", "things:listThings"];

/// The good service beside one of `bad.yaml`.
fn desk(overlays: &[&str]) -> Desk {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    desk.config(json!({
        "sources": {
            "things": {"type": "openapi", "uri": "things.yaml"},
            "bad": {"type": "openapi", "uri": "bad.yaml"},
        },
        "services": {"things": {"source": "things"}, "bad": {"source": "bad", "overlays": overlays}},
    }));
    desk
}

fn openapi(paths: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\nservers: [{{url: 'https://h.example'}}]\npaths:\n{paths}"
    )
}

/// Ten anchors, each ten times the one before.
fn bomb() -> String {
    let line = |level: usize| {
        let before = vec![format!("*a{}", level.saturating_sub(1)); 10].join(", ");
        format!("a{level}: &a{level} [{before}]\n")
    };
    format!("a0: &a0 lol\n{}", (1..10).map(line).collect::<String>())
}

fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default().to_owned();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Builds, and looks at what every case has in common.
async fn built(desk: &Desk, name: &str, code: &str, pointer: &str) -> (Vec<String>, Diagnostic) {
    let (begun, before) = (Instant::now(), peak_kilobytes());
    let snapshot = desk.build(None).await;
    assert!(begun.elapsed() < LONGEST, "{name}: {:?}", begun.elapsed());
    assert!(peak_kilobytes() < before + MOST_KILOBYTES, "{name}: {} KiB", peak_kilobytes() - before);
    let tools: Vec<String> = ids(&snapshot).into_iter().map(str::to_owned).collect();
    assert!(GOOD.iter().all(|good| tools.iter().any(|tool| tool == good)), "{name}: {tools:?}");
    let found = snapshot.diagnostics().iter().find(|one| one.code == code && one.source == "bad");
    let found = found.unwrap_or_else(|| panic!("{name}: no {code} in {:#?}", snapshot.diagnostics())).clone();
    assert_eq!(desk.plain(&found.pointer), pointer, "{name}: {found:?}");
    assert!(!found.message.is_empty() && !found.hint.is_empty(), "{name}: {found:?}");
    assert!(!snapshot.diagnostics().iter().any(|one| one.source == "things"), "{name}");
    (tools, found)
}

#[tokio::test]
async fn what_is_no_document_leaves_one_service_out() {
    let desk = desk(&[]);
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    for (name, content, part) in [
        ("truncated", "{\"openapi\": \"3.1.0\", \"paths\": {".to_owned(), "EOF while parsing"),
        ("HTML", "<!DOCTYPE html><title>Sign in</title>".to_owned(), "is an HTML page"),
        ("nested", deep, "JSON"),
        ("nested YAML", format!("a: {}", "[".repeat(100_000)), "YAML"),
        ("a bomb", bomb(), "use fewer aliases"),
        ("duplicate keys", openapi("  /a: {}\n  /a: {}\n"), "the key \"/a\" stands twice"),
        ("itself", "a: &a [*a]".to_owned(), "stands inside the node"),
    ] {
        desk.write("bad.yaml", &content);
        let (tools, found) = built(&desk, name, "document_invalid", "/bad.yaml#").await;
        assert_eq!(tools, GOOD, "{name}");
        assert!(found.message.contains(part), "{name}: {}", found.message);
        assert!(found.message.len() < 1000, "{name}: {} bytes", found.message.len());
    }
    let mut file = std::fs::File::create(desk.dir.path().join("bad.yaml")).expect("created");
    file.write_all(b"\x7fELF\x02\x01\x00\xff\xfe").expect("written");
    let (_, found) = built(&desk, "binary", "document_invalid", "/bad.yaml#").await;
    assert!(found.message.contains("is not UTF-8"), "{}", found.message);
}

#[tokio::test]
async fn a_document_that_is_too_large_is_not_read() {
    let desk = desk(&[]);
    let file = std::fs::File::create(desk.dir.path().join("bad.yaml")).expect("created");
    file.set_len(200 << 20).expect("a sparse file");
    let (tools, found) = built(&desk, "200 MB", "document_too_large", "/bad.yaml#").await;
    assert_eq!(tools, GOOD);
    assert!(found.message.contains("max_file_bytes"), "{}", found.message);
}

#[tokio::test]
async fn what_is_wrong_inside_a_description_costs_no_more_than_it_must() {
    let desk = desk(&[]);
    let get = |id: &str| format!("{{get: {{operationId: {id}, responses: {{}}}}}}");
    let good = format!("  /good: {}\n", get("good"));
    for (name, paths, code, pointer, kept) in [
        ("itself", "  /a: {$ref: '#/paths/~1a'}\n".to_owned(), "reference_unresolved", "/paths/~1a", 1),
        (
            "operation ids",
            format!("  /a: {}\n  /b: {}\n", get("same"), get("same")),
            "operation_id_duplicate",
            "/paths/~1b/get",
            3,
        ),
        ("punctuation", format!("  /a: {}\n", get("'---'")), "name_unusable", "/paths/~1a/get/operationId", 2),
        ("emoji", format!("  /a: {}\n", get("'🎵🎶'")), "name_unusable", "/paths/~1a/get/operationId", 2),
        (
            "path parameters",
            format!("  '/a/{{id}}': {}\n", get("one")),
            "path_parameter_mismatch",
            "/paths/~1a~1{id}/get",
            2,
        ),
    ] {
        desk.write("bad.yaml", &openapi(&format!("{good}{paths}")));
        let (tools, _) = built(&desk, name, code, pointer).await;
        assert_eq!(tools.len(), GOOD.len() + kept, "{name}: {tools:?}");
        assert!(tools.contains(&"bad:good".to_owned()), "{name}: {tools:?}");
    }
}

#[tokio::test]
async fn an_overlay_that_removes_everything_leaves_one_service_out() {
    let desk = desk(&["bare.yaml"]);
    desk.write("bad.yaml", &openapi("  /a: {get: {operationId: a, responses: {}}}\n"));
    desk.write(
        "bare.yaml",
        "overlay: 1.0.0\ninfo: {title: T, version: '1'}\nactions: [{target: $.*, remove: true}]\n",
    );
    let (tools, found) = built(&desk, "everything", "description_invalid", "/bad.yaml#").await;
    assert_eq!(tools, GOOD);
    assert!(found.message.contains("neither `openapi` nor `swagger`"), "{}", found.message);
}
