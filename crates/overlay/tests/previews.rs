//! What `overlay preview` shows.

use open_cli_overlay::{ChangeKind, LineKind, preview};
use serde_json::{Value, json};

#[test]
fn changes_are_found_where_they_are() {
    use ChangeKind::{Added, Changed, Removed};
    for (before, after, expected) in [
        (json!({ "a": 1 }), json!({ "a": 1 }), vec![]),
        (json!({ "a": 1, "b": 2 }), json!({ "b": 2, "a": 1 }), vec![]),
        (json!({ "a": { "/x": 1 } }), json!({ "a": { "/x": 2 } }), vec![("/a/~1x", Changed)]),
        (json!({ "a": 1 }), json!({ "b": 1 }), vec![("/a", Removed), ("/b", Added)]),
        (json!([1, 2, 3, 4]), json!([1, 3, 4]), vec![("/1", Removed)]),
        (json!([1, 2]), json!([0, 1, 2, 3]), vec![("/0", Added), ("/3", Added)]),
        (json!([1, 2, 3, 4, 5]), json!([1, 3, 5]), vec![("/1", Removed), ("/3", Removed)]),
        (json!([{ "n": 1, "k": 1 }, 7]), json!([{ "n": 1, "k": 2 }, 7]), vec![("/0/k", Changed)]),
        (json!([{ "n": 1 }, 8]), json!([{ "n": 2 }, 8, 9]), vec![("/0/n", Changed), ("/2", Added)]),
        (json!({ "a": [] }), json!({ "a": {} }), vec![("/a", Changed)]),
        (json!(1), json!(2), vec![("", Changed)]),
    ] {
        let preview = preview(&before, &after);
        let found: Vec<_> = preview.changes.iter().map(|change| (change.pointer.as_str(), change.kind)).collect();
        assert_eq!(found, expected, "{before} {after}");
        assert_eq!(preview.is_empty(), expected.is_empty());
        for change in &preview.changes {
            assert_eq!(change.after, (change.kind != Removed).then(|| after.pointer(&change.pointer).unwrap()));
            if change.kind != Added {
                assert!(change.before.is_some());
            }
        }
    }
}

#[test]
fn a_preview_reads_as_unified_text() {
    let before = json!({
        "info": { "description": "one\ntwo\nthree\nfour" },
        "paths": { "/a": { "get": { "summary": "old", "tags": ["x"] }, "put": { "deprecated": true } } },
    });
    let mut after = before.clone();
    after["info"]["description"] = json!("one\ntwo\n3\u{1b}[31m\u{202e}\u{9b}\t\nfour");
    after["paths"]["/a"]["get"]["summary"] = json!("new");
    after["paths"]["/a"]["get"]["x-cli"] = json!({ "name": "list", "hidden": [1] });
    after["paths"]["/a"].as_object_mut().unwrap().shift_remove("put");
    let text = preview(&before, &after).to_string();
    let expected = "\
@@ /info/description
  … 2 lines are the same
- three
+ 3\\u{1b}[31m\\u{202e}\\u{9b}\\t
  … 1 line is the same
@@ /paths/~1a/get/summary
- \"old\"
+ \"new\"
@@ /paths/~1a/get/x-cli
+ {
+   \"name\": \"list\",
+   \"hidden\": [
+     1
+   ]
+ }
@@ /paths/~1a/put
- {
-   \"deprecated\": true
- }
";
    assert_eq!(text, expected);
}

#[test]
fn a_preview_is_bounded() {
    let before: Value = (0..5_000).map(|n| (n.to_string(), json!(0))).collect::<serde_json::Map<_, _>>().into();
    let after: Value = (0..5_000).map(|n| (n.to_string(), json!(1))).collect::<serde_json::Map<_, _>>().into();
    let found = preview(&before, &after);
    assert_eq!((found.changes.len(), found.omitted), (1_000, 4_000));
    assert_eq!(found.lines().last().unwrap().text, "  … 4000 more changes are not shown");
    let large = json!({ "l": (0..10_000).collect::<Vec<_>>() });
    let lines = preview(&json!({}), &large).lines();
    assert_eq!(lines.len(), 1 + 60 + 1);
    let (one, other) = ("x".repeat(1_000_000), "x".repeat(1_000_000) + "y");
    let (one, other) = (json!(one), json!(other));
    let lines = preview(&one, &other).lines();
    assert!(lines.iter().all(|line| line.text.chars().count() < 410));
    assert!(
        lines.iter().any(|line| line.kind == LineKind::Added && line.text.ends_with("xy\"")),
        "the difference is shown"
    );
    // Two long lists without anything in common.
    let (one, other) = (json!((0..3_000).collect::<Vec<_>>()), json!((9_000..12_000).collect::<Vec<_>>()));
    assert_eq!(preview(&one, &other).omitted, 2_000);
}
