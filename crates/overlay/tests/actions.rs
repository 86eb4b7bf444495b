//! What actions do to documents: a table of overlays, documents and results, through the public API.

use open_cli_contract::catalog::Severity;
use open_cli_overlay::{ActionKind, ActionStatus, Applied, Overlay};
use serde_json::{Value, json};

fn overlay(version: &str, actions: Value) -> Overlay {
    let text = json!({ "overlay": version, "info": { "title": "t", "version": "1" }, "actions": actions });
    Overlay::parse(text.to_string().as_bytes(), "overlay.yaml").expect("an overlay")
}

fn apply(version: &str, actions: Value, mut document: Value) -> (Value, Applied) {
    let applied = overlay(version, actions).apply(&mut document);
    (document, applied)
}

/// Applies without any complaint.
fn clean(version: &str, actions: Value, document: Value) -> Value {
    let overlay = overlay(version, actions.clone());
    assert_eq!(overlay.diagnostics(), [], "{actions}");
    let (document, applied) = apply(version, actions.clone(), document);
    assert_eq!(applied.diagnostics(), [], "{actions}");
    assert!(!applied.is_incomplete(), "{actions}");
    document
}

/// Overlay 1.1, "Action Object"; W18, W20, W21
#[test]
fn actions_change_what_they_say() {
    for (action, before, after) in [
        // Objects merge recursively; what only one side has is kept or inserted.
        (
            json!({ "target": "$.a", "update": { "x": { "new": 1 }, "y": 2, "z": null } }),
            json!({ "a": { "x": { "old": 0 }, "y": 0 }, "b": 0 }),
            json!({ "a": { "x": { "old": 0, "new": 1 }, "y": 2, "z": null }, "b": 0 }),
        ),
        // Lists inside of objects are concatenated.
        (
            json!({ "target": "$", "update": { "tags": ["b"], "more": [1] } }),
            json!({ "tags": ["a"] }),
            json!({ "tags": ["a", "b"], "more": [1] }),
        ),
        // To a selected list: a list is concatenated, anything else is one element.
        (json!({ "target": "$.l", "update": [2, 3] }), json!({ "l": [1] }), json!({ "l": [1, 2, 3] })),
        (json!({ "target": "$.l", "update": { "x": 1 } }), json!({ "l": [1] }), json!({ "l": [1, { "x": 1 }] })),
        (json!({ "target": "$.l", "update": "x" }), json!({ "l": [1] }), json!({ "l": [1, "x"] })),
        (json!({ "target": "$.l", "update": null }), json!({ "l": [1] }), json!({ "l": [1, null] })),
        // Scalars replace scalars, whatever their type.
        (json!({ "target": "$.s", "update": 7 }), json!({ "s": "x" }), json!({ "s": 7 })),
        (json!({ "target": "$.s", "update": null }), json!({ "s": true }), json!({ "s": null })),
        (json!({ "target": "$", "update": { "s": "y" } }), json!({ "s": null }), json!({ "s": "y" })),
        // Each match gets its own value, and each node only once.
        (
            json!({ "target": "$['a','a','b']", "update": [1] }),
            json!({ "a": [], "b": [] }),
            json!({ "a": [1], "b": [1] }),
        ),
        // Targets inside of targets: all are selected before anything is written.
        (
            json!({ "target": "$..[?@.k]", "update": { "n": { "k": 1 } } }),
            json!({ "a": { "k": 1, "n": { "k": 2 } } }),
            json!({ "a": { "k": 1, "n": { "k": 1, "n": { "k": 1 } } } }),
        ),
        // Removal: members, elements, several elements of one list, elements inside of elements.
        (json!({ "target": "$.a", "remove": true }), json!({ "a": 1, "b": 2 }), json!({ "b": 2 })),
        (json!({ "target": "$.l[0,2,-1]", "remove": true }), json!({ "l": [0, 1, 2, 3] }), json!({ "l": [1] })),
        (
            json!({ "target": "$.l[?@.n=='x']", "remove": true }),
            json!({ "l": [{ "n": "x" }, { "n": "y" }, { "n": "x" }] }),
            json!({ "l": [{ "n": "y" }] }),
        ),
        (
            json!({ "target": "$..[?@.d]", "remove": true }),
            json!({ "l": [{ "d": 1, "m": [{ "d": 1 }] }, { "m": [{ "d": 1 }, { "e": 1 }] }] }),
            json!({ "l": [{ "m": [{ "e": 1 }] }] }),
        ),
        (json!({ "target": "$.*", "remove": true }), json!({ "a": 1, "b": [2] }), json!({})),
        (
            json!({ "target": "$.tags[?@ == 'x']", "remove": true }),
            json!({ "tags": ["x", "y"] }),
            json!({ "tags": ["y"] }),
        ),
        // Copies merge, append or replace like updates.
        (
            json!({ "target": "$.p['/b']", "copy": "$.p['/a']" }),
            json!({ "p": { "/a": { "get": { "x": 1 } }, "/b": { "put": {} } } }),
            json!({ "p": { "/a": { "get": { "x": 1 } }, "/b": { "put": {}, "get": { "x": 1 } } } }),
        ),
        (
            json!({ "target": "$.*.v", "copy": "$.x" }),
            json!({ "a": { "v": 1 }, "x": 2 }),
            json!({ "a": { "v": 2 }, "x": 2 }),
        ),
        (json!({ "target": "$.l", "copy": "$.l" }), json!({ "l": [1, 2] }), json!({ "l": [1, 2, 1, 2] })),
        (json!({ "target": "$.a", "copy": "$" }), json!({ "a": {} }), json!({ "a": { "a": {} } })),
    ] {
        for version in ["1.1.0", "1.2.0"] {
            assert_eq!(clean(version, json!([action]), before.clone()), after, "{action}");
        }
    }
}

#[test]
fn the_order_of_members_is_kept() {
    let document = json!({ "z": 1, "a": { "y": 1, "b": 2, "x": 3 }, "m": 2 });
    let actions = json!([
        { "target": "$.a.b", "remove": true },
        { "target": "$", "update": { "m": 3, "new": 4, "a": { "y": 5, "c": 6 } } },
        { "target": "$['z','q']", "remove": true },
    ]);
    let result = clean("1.1.0", actions, document);
    assert_eq!(result.to_string(), r#"{"a":{"y":5,"x":3,"c":6},"m":3,"new":4}"#);
}

#[test]
fn actions_see_the_result_of_those_before() {
    let actions = json!([
        { "target": "$.paths", "update": { "/new": {} } },
        { "target": "$.paths['/new']", "copy": "$.paths['/old']" },
        { "target": "$.paths['/old']", "remove": true },
        { "target": "$.paths['/new'].get", "update": { "summary": "moved" } },
    ]);
    let document = json!({ "paths": { "/old": { "get": { "tags": ["a"] } } } });
    let expected = json!({ "paths": { "/new": { "get": { "tags": ["a"], "summary": "moved" } } } });
    assert_eq!(clean("1.1.0", actions, document), expected);
}

/// Overlay 1.2, "Reusable Action Reference Object"
#[test]
fn reusable_actions_apply_to_the_targets_of_their_references() {
    let text = json!({
        "overlay": "1.2.0",
        "info": { "title": "t", "version": "1" },
        "components": { "actions": {
            "errors": { "description": "shared", "fields": { "update": { "404": { "description": "none" } }, "description": "d" } },
            "a/b~c d": { "fields": { "remove": true }, "x-note": 1 },
            "nothing": { "fields": {} },
        } },
        "actions": [
            { "$ref": "#/components/actions/errors", "target": "$.a" },
            { "$ref": "#/components/actions/errors", "target": "$.b", "description": "own", "x-y": 1 },
            { "$ref": "#/components/actions/a~1b~0c%20d", "target": "$.c" },
        ],
    });
    let overlay = Overlay::parse(text.to_string().as_bytes(), "o").unwrap();
    let notes: Vec<_> = overlay.diagnostics().iter().filter(|one| one.severity < Severity::Note).collect();
    assert!(notes.is_empty(), "{notes:?}");
    let descriptions: Vec<_> = overlay.actions().iter().map(|action| action.description.as_deref()).collect();
    assert_eq!(descriptions, [Some("d"), Some("own"), None]);
    let mut document = json!({ "a": { "200": {} }, "b": {}, "c": 1 });
    assert!(!overlay.apply(&mut document).is_incomplete());
    let error = json!({ "description": "none" });
    assert_eq!(document, json!({ "a": { "200": {}, "404": error }, "b": { "404": error } }));
}

/// OV-2, OV-5, OV-7: what the reference adds to the specification.
#[test]
fn the_copy_of_the_reference_copies_and_moves() {
    for (action, after) in [
        (json!({ "copy": { "to": "$.x.y" } }), json!({ "l": [{ "k": 1 }, { "k": 2 }], "x": { "y": { "k": 1 } } })),
        (json!({ "copy": { "to": "$['l']" } }), json!({ "l": { "k": 1 } })),
        (json!({ "copy": { "to": "$" } }), json!({ "l": [{ "k": 1 }, { "k": 2 }] })),
        (
            json!({ "copy": { "to": "$.x" }, "update": { "n": 3 }, "remove": true }),
            json!({ "l": [], "x": { "k": 1, "n": 3 } }),
        ),
        (
            json!({ "copy": { "to": "$.x" }, "update": null }),
            json!({ "l": [{ "k": 1 }, { "k": 2 }], "x": { "k": 1 } }),
        ),
    ] {
        let mut action = action;
        action["target"] = json!("$.l[?@.k]");
        let (document, applied) = apply("1.1.0", json!([action]), json!({ "l": [{ "k": 1 }, { "k": 2 }] }));
        assert_eq!(document, after, "{action}");
        assert_eq!((applied.actions[0].kind, applied.actions[0].matched), (ActionKind::Copy, 2));
        assert_eq!(applied.diagnostics(), [], "{action}");
    }
    for (to, message) in [
        ("$.s.x", "copy.to \"$.s.x\" of action 1: \"s\" is a text, not an object"),
        ("$.l.x", "copy.to \"$.l.x\" of action 1: \"l\" is a list, not an object"),
    ] {
        let actions = json!([{ "target": "$.l", "update": [9], "copy": { "to": to } }]);
        let before = json!({ "l": [1], "s": "t" });
        let (document, applied) = apply("1.1.0", actions, before.clone());
        assert_eq!((document, applied.diagnostics()[0].message.as_str()), (before, message));
    }
}

/// W19, OV-4, OV-6, OV-8, and the errors of the specification: each refused action changes nothing.
#[test]
fn an_action_that_does_not_fit_is_refused_as_a_whole() {
    let before = json!({ "a": { "x": 1, "t": ["u"], "o": { "p": 1 } }, "b": { "x": 2 }, "l": [1], "s": "t" });
    for (action, status, code, message) in [
        (
            json!({ "target": "$.nope.x", "update": {} }),
            ActionStatus::NoMatch,
            "overlay_no_match",
            "target \"$.nope.x\" of action 1 selects nothing; \"$\" is there, but nothing at \".nope\"",
        ),
        (
            json!({ "target": "$.s", "update": { "x": 1 } }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "update target \"$.s\" is not an object",
        ),
        (
            json!({ "target": "$.a", "update": [1] }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "update of action 1 does not fit at \"/a\": there is an object, given is a list",
        ),
        (
            json!({ "target": "$['b','a']", "update": { "x": 5, "o": { "p": { "q": 1 } } } }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "update of action 1 does not fit at \"/a/o/p\": there is a number, given is an object",
        ),
        (
            json!({ "target": "$.a", "update": { "t": "u" } }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "update of action 1 does not fit at \"/a/t\": there is a list, given is a text",
        ),
        (
            json!({ "target": "$", "update": { "a": null } }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "update of action 1 does not fit at \"/a\": there is an object, given is empty",
        ),
        (
            json!({ "target": "$.*", "update": { "x": 5 } }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "update target \"$.*\" selects 2 objects, 1 lists and 1 scalars together",
        ),
        (
            json!({ "target": "$", "remove": true }),
            ActionStatus::Refused,
            "overlay_type_mismatch",
            "action 1 would remove the whole document",
        ),
        (
            json!({ "target": "$.a", "copy": "$.c" }),
            ActionStatus::Refused,
            "overlay_copy_source",
            "copy of action 1: \"$.c\" selects 0 nodes, not one",
        ),
        (
            json!({ "target": "$.a", "copy": "$.*" }),
            ActionStatus::Refused,
            "overlay_copy_source",
            "copy of action 1: \"$.*\" selects 4 nodes, not one",
        ),
        (
            json!({ "target": "$.nope", "copy": { "to": "$.x" } }),
            ActionStatus::Refused,
            "overlay_no_match",
            "target \"$.nope\" of action 1 selects nothing; \"$\" is there, but nothing at \".nope\"",
        ),
        (
            json!({ "target": "$.a", "update": null }),
            ActionStatus::NoEffect,
            "overlay_action_no_effect",
            "\"update\" of action 1 is empty; nothing is merged",
        ),
    ] {
        let (document, applied) = apply("1.1.0", json!([action]), before.clone());
        assert_eq!(document, before, "{action}");
        let diagnostics = applied.diagnostics();
        let found: Vec<_> = diagnostics.iter().map(|one| (one.code.as_str(), one.message.as_str())).collect();
        assert_eq!((applied.actions[0].status, found), (status, vec![(code, message)]), "{action}");
        assert!(diagnostics[0].pointer.starts_with("/actions/0"));
    }
}

#[test]
fn a_refused_action_does_not_stop_the_next() {
    let actions = json!([{ "target": "$.s", "update": {} }, { "target": "$.x[", "remove": true }, { "target": "$.a", "update": { "x": 2 } }]);
    let (document, applied) = apply("1.1.0", actions, json!({ "a": {}, "s": 1 }));
    assert_eq!(document, json!({ "a": { "x": 2 }, "s": 1 }));
    let statuses: Vec<_> = applied.actions.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [ActionStatus::Refused, ActionStatus::Refused, ActionStatus::Applied]);
    assert!(applied.is_incomplete());
}

/// Overlay 1.0 speaks of objects and lists only; what it does not forbid works, with a warning.
#[test]
fn overlay_1_0_is_lenient_with_a_warning() {
    for (action, before, after, warnings) in [
        (json!({ "target": "$.s", "update": "y" }), json!({ "s": "x" }), json!({ "s": "y" }), 1),
        (
            json!({ "target": "$.*", "update": { "n": 1 } }),
            json!({ "o": {}, "l": [] }),
            json!({ "o": { "n": 1 }, "l": [{ "n": 1 }] }),
            1,
        ),
        (json!({ "target": "$.l", "update": [1] }), json!({ "l": [0] }), json!({ "l": [0, 1] }), 0),
        (json!({ "target": "$.s", "remove": true }), json!({ "s": 1 }), json!({}), 0),
    ] {
        let (document, applied) = apply("1.0.0", json!([action]), before);
        assert_eq!(document, after, "{action}");
        assert_eq!(applied.diagnostics().len(), warnings, "{action}: {:?}", applied.diagnostics());
    }
}

#[test]
fn growth_is_bounded() {
    // Each action doubles the document.
    let double = json!({ "target": "$.l", "copy": "$.l" });
    let (document, applied) = apply("1.1.0", Value::Array(vec![double; 64]), json!({ "l": [1] }));
    assert!(document["l"].as_array().expect("a list").len() <= 2_000_000);
    assert!(applied.diagnostics().iter().any(|one| one.code == "overlay_limit_exceeded"));
    // Each action doubles its depth.
    let deepen = json!({ "target": "$..[?@.leaf == true].below", "copy": "$" });
    let (document, applied) = apply(
        "1.1.0",
        Value::Array(vec![deepen; 64]),
        json!({ "leaf": false, "r": { "leaf": true, "below": {} } }),
    );
    let depth = document.to_string().matches("\"below\"").count();
    assert!(depth < 1_000 && applied.is_incomplete(), "{depth}");
    let text = document.to_string();
    assert!(serde_json::from_str::<Value>(&text).is_ok(), "what is written can be read again");
}
