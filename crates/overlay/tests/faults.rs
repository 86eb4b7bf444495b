//! What is said about overlays that are wrong or odd.

use open_cli_contract::catalog::Severity;
use open_cli_overlay::{Overlay, Version};
use serde_json::{Value, json};

fn parse(text: &str) -> Result<Overlay, String> {
    Overlay::parse(text.as_bytes(), "overlay.yaml").map_err(|error| error.to_string())
}

#[test]
fn what_is_no_overlay_is_refused() {
    for (text, message) in [
        ("[]", "the overlay is a list: an object with \"overlay\" and \"actions\" is expected"),
        ("7", "the overlay is a number: an object with \"overlay\" and \"actions\" is expected"),
        ("{", "the overlay is not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("overlay: 1.0.0", "the overlay is not valid JSON: expected value at line 1 column 1"),
        (
            r#"{"openapi":"3.1.0","info":{},"paths":{}}"#,
            "this is no overlay but has \"openapi\", like an OpenAPI description; check the reference",
        ),
        (r#"{"overlay":"2.0.0"}"#, "Overlay version \"2.0.0\" is not known here; 1.0, 1.1 and 1.2 are"),
        (r#"{"overlay":2}"#, "Overlay version \"2\" is not known here; 1.0, 1.1 and 1.2 are"),
        (r#"{"overlay":"one"}"#, "Overlay version \"one\" is not known here; 1.0, 1.1 and 1.2 are"),
        (r#"{"overlay":"1.0.0","actions":{}}"#, "\"actions\" is an object: a list of actions is expected"),
    ] {
        assert_eq!(parse(text).expect_err(text), message);
    }
    let many = json!({ "overlay": "1.0.0", "actions": vec![json!({ "target": "$" }); 10_001] });
    assert_eq!(parse(&many.to_string()).unwrap_err(), "the overlay has more than 10000 actions; split it");
    let large = format!("{{\"x-large\":\"{}\"}}", "x".repeat(16 << 20));
    assert_eq!(parse(&large).unwrap_err(), "the overlay is larger than 16777216 bytes; split it");
}

/// catalog-and-execution §5.1: an empty document changes nothing.
#[test]
fn an_empty_overlay_changes_nothing() {
    for text in ["null", "{}", r#"{"overlay":"1.1.0"}"#, r#"{"overlay":"1.1.0","actions":[]}"#] {
        let overlay = parse(text).expect(text);
        let codes: Vec<_> = overlay.diagnostics().iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["overlay_empty"], "{text}");
        let mut document = json!({ "a": 1 });
        assert!(overlay.apply(&mut document).actions.is_empty());
        assert_eq!(document, json!({ "a": 1 }));
    }
}

#[test]
fn versions_are_read_leniently() {
    for (written, version, odd) in [
        (json!("1.0.0"), Version::V1_0, false),
        (json!("1.1.7"), Version::V1_1, false),
        (json!("1.2.0"), Version::V1_2, false),
        (json!("1.1"), Version::V1_1, true),
        (json!(1.0), Version::V1_0, true),
        (json!(1.1), Version::V1_1, true),
        (json!(1), Version::V1_2, true),
        (json!("1.9.0"), Version::V1_2, true),
        (json!(true), Version::V1_2, true),
    ] {
        let text = json!({ "overlay": written, "actions": [{ "target": "$.a", "remove": true }] });
        let overlay = parse(&text.to_string()).expect("an overlay");
        assert_eq!((overlay.version(), !overlay.diagnostics().is_empty()), (version, odd), "{written}");
    }
}

/// The overlay of the conformance fixture has no `info`.
#[test]
fn an_overlay_of_the_reference_is_read_without_a_word() {
    let text = json!({
        "overlay": "1.1.0",
        "actions": [
            { "target": "$.paths['/tickets'].get", "update": { "x-cli-name": "list" } },
            { "target": "$.paths['/tickets'].get.parameters[?(@.name=='status')]", "update": { "x-cli-name": "state" } },
        ],
    });
    assert_eq!(parse(&text.to_string()).unwrap().diagnostics(), []);
}

/// Each case: severity, code, pointer, message.
#[test]
fn faults_are_named_with_their_place() {
    use Severity::{Error, Note, Warning};
    let action = |action: Value| json!({ "overlay": "1.2.0", "actions": [action] });
    for (overlay, severity, code, pointer, message) in [
        (
            action(json!(7)),
            Error,
            "overlay_action_invalid",
            "/actions/0",
            "action 1 is a number; an object with \"target\" is expected",
        ),
        (
            action(json!({ "update": {} })),
            Error,
            "overlay_action_invalid",
            "/actions/0",
            "action 1 has no \"target\"",
        ),
        (
            action(json!({ "target": 1, "remove": true })),
            Error,
            "overlay_action_invalid",
            "/actions/0/target",
            "\"target\" of action 1 is a number; a JSONPath is expected",
        ),
        (
            action(json!({ "target": "info.title", "remove": true })),
            Error,
            "overlay_path_invalid",
            "/actions/0/target",
            "target of action 1 \"info.title\" is no JSONPath (RFC 9535): character 1: a query begins with `$`",
        ),
        (
            action(json!({ "target": "$.paths.['/a']", "remove": true })),
            Error,
            "overlay_path_invalid",
            "/actions/0/target",
            "target of action 1 \"$.paths.['/a']\" is no JSONPath (RFC 9535): character 9: a member name, `*` or `[` is expected",
        ),
        (
            action(json!({ "target": "$", "remove": "maybe" })),
            Error,
            "overlay_action_invalid",
            "/actions/0/remove",
            "\"remove\" of action 1 is a text; true or false is expected",
        ),
        (
            action(json!({ "target": "$", "copy": 1 })),
            Error,
            "overlay_action_invalid",
            "/actions/0/copy",
            "\"copy\" of action 1 is a number; a JSONPath is expected",
        ),
        (
            action(json!({ "target": "$.a", "copy": "$.b", "update": {} })),
            Error,
            "overlay_action_invalid",
            "/actions/0",
            "action 1 has both \"update\" and \"copy\", each of which switches the other off",
        ),
        (
            action(json!({ "target": "$.a", "copy": { "to": "$.a[0]" } })),
            Error,
            "overlay_action_invalid",
            "/actions/0/copy/to",
            "copy.to of action 1 is \"$.a[0]\": only member names can be created",
        ),
        (
            action(json!({ "target": "$.a", "copy": {} })),
            Error,
            "overlay_action_invalid",
            "/actions/0/copy",
            "\"copy\" of action 1 has no \"to\" that is a JSONPath",
        ),
        (
            action(json!({ "target": "$.a", "$ref": "#/components/actions/b" })),
            Error,
            "overlay_action_invalid",
            "/actions/0/$ref",
            "action 1 refers to \"#/components/actions/b\", which is not there",
        ),
        (
            action(json!({ "target": "$.a", "$ref": "#/components/actions/a/b" })),
            Error,
            "overlay_action_invalid",
            "/actions/0/$ref",
            "\"$ref\" of action 1 is \"#/components/actions/a/b\", no reusable action",
        ),
        (
            action(json!({ "target": "$.a", "$ref": "#/components/actions/b", "update": {} })),
            Error,
            "overlay_action_invalid",
            "/actions/0/update",
            "action 1 has \"update\" beside \"$ref\"",
        ),
        (
            action(json!({ "target": "$[?match(@.a, '\\\\d')]", "remove": true })),
            Warning,
            "overlay_path_unusual",
            "/actions/0/target",
            "target of action 1 \"$[?match(@.a, '\\\\d')]\": a pattern of the query is no I-Regexp (RFC 9485) and matches nothing: `\\d` does not exist there; write a class such as [0-9]",
        ),
        (
            action(json!({ "target": "$.a", "Remove": true })),
            Warning,
            "overlay_field_unknown",
            "/actions/0",
            "the member \"Remove\" is not known here and has no effect",
        ),
        (
            action(json!({ "target": "$.a", "remove": true, "update": {} })),
            Note,
            "overlay_action_no_effect",
            "/actions/0/update",
            "\"update\" of action 1 has no effect beside \"remove: true\"",
        ),
        (
            action(json!({ "target": "$.a" })),
            Note,
            "overlay_action_no_effect",
            "/actions/0",
            "action 1 has no \"update\", \"copy\" or \"remove: true\"; it does nothing",
        ),
        (
            json!({ "overlay": "1.0.0", "actions": [{ "target": "$.a", "copy": "$.b" }] }),
            Warning,
            "overlay_field_invalid",
            "/actions/0/copy",
            "\"copy\" is new in Overlay 1.1, but the overlay says it is 1.0",
        ),
        (
            json!({ "overlay": "1.1.0", "$self": "a", "actions": [{ "target": "$.a", "remove": true }] }),
            Warning,
            "overlay_field_invalid",
            "/$self",
            "\"$self\" is new in Overlay 1.2, but the overlay says it is 1.1",
        ),
        (
            json!({ "overlay": "1.2.0", "extends": "https://user:hunter2@h.example/a#b", "actions": [{ "target": "$.a", "remove": true }] }),
            Warning,
            "overlay_field_invalid",
            "/extends",
            "\"extends\" is \"https://REDACTED@h.example/a\": it names a document and may have no fragment",
        ),
        (
            json!({ "overlay": "1.1.0", "info": { "title": "t", "version": 1 }, "actions": [{ "target": "$.a", "remove": true }] }),
            Warning,
            "overlay_field_invalid",
            "/info/version",
            "\"version\" is a number; a text is expected",
        ),
        (
            json!({ "overlay": "1.1.0", "actions": [{ "target": "$.a", "remove": true }, { "target": "$.a", "remove": true }] }),
            Warning,
            "overlay_action_duplicate",
            "/actions/1",
            "action 2 is the same as action 1; it is applied again",
        ),
        (
            json!({ "overlay": "1.2.0", "components": { "actions": { "a": { "update": {} } } }, "actions": [{ "target": "$.a", "remove": true }] }),
            Warning,
            "overlay_field_unknown",
            "/components/actions/a",
            "the member \"update\" is not known here and has no effect",
        ),
    ] {
        let parsed = parse(&overlay.to_string()).expect("an overlay");
        let found: Vec<_> = parsed
            .diagnostics()
            .iter()
            .map(|one| (one.severity, one.code.as_str(), one.pointer.as_str(), one.message.as_str()))
            .collect();
        assert!(found.contains(&(severity, code, pointer, message)), "{overlay}: {found:#?}");
    }
}

#[test]
fn diagnostics_are_bounded() {
    let actions: Vec<Value> = (0..3_000).map(|n| json!({ "target": n })).collect();
    let overlay = parse(&json!({ "overlay": "1.0.0", "actions": actions }).to_string()).unwrap();
    assert_eq!(overlay.diagnostics().len(), 501 + 500, "errors, notes and the remark about the rest");
}

/// Overlay 1.2, "Establishing the Base URI"
#[test]
fn a_document_that_the_overlay_was_not_made_for_is_a_warning() {
    for (own, extends, source, location, document_own, agrees) in [
        (
            None,
            "../openapi/a.yaml",
            "https://h.example/overlays/o.yaml",
            "https://h.example/openapi/a.yaml",
            None,
            true,
        ),
        (None, "./a.yaml", "/srv/o.yaml", "/srv/a.yaml", None, true),
        (None, "./a.yaml", "/srv/o.yaml", "file:///srv/a.yaml", None, true),
        (None, "a.yaml", "apis/o.yaml", "apis/a.yaml", None, true),
        (None, "/a.yaml", "https://h.example/x/o.yaml", "https://h.example/a.yaml", None, true),
        (
            Some("https://h.example/o/o.yaml"),
            "../p/a.yaml",
            "/srv/o.yaml",
            "https://h.example/p/a.yaml",
            None,
            true,
        ),
        (Some("sub/o.yaml"), "a.yaml", "/srv/o.yaml", "/srv/sub/a.yaml", None, true),
        (None, "https://h.example/id", "/srv/o.yaml", "/srv/a.yaml", Some("https://h.example/id"), true),
        (None, "urn:example:a", "/srv/o.yaml", "/srv/a.yaml", Some("urn:example:a"), true),
        (None, "https://h.example/a.yaml", "/srv/o.yaml", "https://user:pw@h.example/a.yaml", None, true),
        (None, "b.yaml", "/srv/o.yaml", "/srv/a.yaml", None, false),
        (None, "https://h.example/b", "/srv/o.yaml", "/srv/a.yaml", Some("https://h.example/id"), false),
        (None, "a.yaml", "https://h.example/o.yaml", "/srv/a.yaml", None, false),
    ] {
        let text = json!({ "overlay": "1.2.0", "$self": own, "extends": extends, "actions": [{ "target": "$.a", "remove": true }] });
        let overlay = Overlay::parse(text.to_string().as_bytes(), source).unwrap();
        let diagnostic = overlay.check_extends(location, document_own);
        assert_eq!(diagnostic.is_none(), agrees, "{extends} {location}: {diagnostic:?}");
    }
    let text = json!({ "overlay": "1.2.0", "extends": "b.yaml", "actions": [] });
    let overlay = Overlay::parse(text.to_string().as_bytes(), "https://user:pw@h.example/o.yaml").unwrap();
    let diagnostic = overlay.check_extends("https://user:pw@h.example/a.yaml", None).expect("a mismatch");
    assert_eq!(
        diagnostic.message,
        "the overlay was made for \"https://REDACTED@h.example/b.yaml\", but is applied to \"https://REDACTED@h.example/a.yaml\""
    );
}
