use super::{Data, pack};
use open_cli_contract::catalog::{BodySchema, Tool, ToolDetails};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::sync::Arc;

fn tool(id: &str, group: &str, command: &str) -> Tool {
    serde_json::from_value(json!({
        "id": id, "serviceId": "s", "method": "GET", "path": "/x", "group": group, "command": command,
        "safety": {"destructive": false, "readOnly": true, "requiresApproval": id.contains("wipe")},
        "servers": ["https://h.example/"],
    }))
    .expect("a tool")
}

fn hidden(mut tool: Tool, group: &str, alias: &str) -> Tool {
    tool.details = Some(ToolDetails {
        hidden_aliases: vec![alias.to_owned()],
        hidden_group: group.to_owned(),
        tags: vec!["t".to_owned()],
        ..ToolDetails::default()
    });
    tool
}

fn shelf(tools: Vec<Tool>) -> Data {
    pack("shop", tools).expect("packed")
}

/// With details, hidden names and schemas.
pub(super) fn three_tools() -> Data {
    let mut detailed = hidden(tool("s:b", "x", "b"), "", "B");
    let schema = to_raw_value(&json!({"title": "t"})).expect("JSON").into();
    let one = BodySchema { media_type: "application/json".into(), schema };
    detailed.details.get_or_insert_default().body_schemas = vec![one];
    shelf(vec![tool("s:a", "x", "a"), detailed, tool("s:wipe", "y", "größe")])
}

fn json_of(pieces: &[bytes::Bytes]) -> Value {
    serde_json::from_slice(&pieces.concat()).expect("JSON")
}

#[test]
fn tools_are_found_by_id_and_group() {
    let shelf = shelf(vec![tool("s:a", "x", "a"), tool("s:b", "y", "b"), tool("s:wipe", "x", "wipe")]);
    assert_eq!(shelf.ids().collect::<Vec<_>>(), ["s:a", "s:b", "s:wipe"]);
    for (id, expected) in [("s:a", Some(0)), ("s:b", Some(1)), ("s:wipe", Some(2)), ("s:", None), ("t", None)] {
        assert_eq!(shelf.position(id), expected, "{id}");
    }
    assert_eq!((shelf.of_group("x"), shelf.of_group("z")), (vec![0, 2], vec![]));
    assert_eq!(shelf.group(1), "y");
    assert!(shelf.requires_approval(2) && !shelf.requires_approval(0));
    assert!(pack("shop", Vec::new()).expect("packed").position("s:a").is_none());
}

/// Names that are hidden, groups that repeat the service's word.
#[test]
fn words_lead_to_the_commands_that_answer_to_them() {
    let shelf = shelf(vec![
        hidden(tool("s:a", "gift-cards", "list-all"), "Gift Cards", "listAll"),
        tool("s:b", "gift-cards", "get"),
        tool("s:c", "shop", "ping"),
    ]);
    let words = |text: &str| text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    for (text, expected) in [
        ("", None),
        ("nothing", None),
        ("gift-cards", Some((1, vec![0, 1], false))),
        ("gift-cards get", Some((2, vec![1], true))),
        ("gift-cards get 12", Some((2, vec![1], true))),
        ("gift-cards 12", Some((1, vec![0, 1], false))),
        ("gift-cards listAll", Some((2, vec![0], true))),
        ("shop ping", Some((2, vec![2], true))),
        ("ping", Some((1, vec![2], true))),
    ] {
        let found = shelf.find(&words(text)).map(|found| (found.words, found.positions, found.is_command));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn texts_are_cut_where_they_belong() {
    let schema = |text: &str| -> Arc<RawValue> { to_raw_value(&json!({"title": text})).expect("JSON").into() };
    let shared = schema("shared");
    let with = |mut tool: Tool, schema: &Arc<RawValue>| {
        let one = BodySchema { media_type: "application/json".into(), schema: Arc::clone(schema) };
        tool.details.get_or_insert_default().body_schemas = vec![one];
        tool
    };
    let shelf = shelf(vec![
        with(tool("s:a", "x", "a"), &shared),
        with(hidden(tool("s:b", "x", "b"), "", "B"), &shared),
        tool("s:c", "x", "c"),
    ]);
    let ids = |text: bytes::Bytes| -> Vec<String> {
        let all: Vec<Value> =
            serde_json::from_str(&format!("[{}]", String::from_utf8_lossy(&text))).expect("JSON");
        all.iter().map(|one| one["id"].as_str().expect("id").to_owned()).collect()
    };
    for (first, last, expected) in [(0, 0, &["s:a"][..]), (1, 2, &["s:b", "s:c"]), (0, 2, &["s:a", "s:b", "s:c"])]
    {
        assert_eq!(ids(shelf.listed(first, last)), expected);
        assert_eq!(ids(shelf.brief(first, last)), expected);
    }
    let detailed = json_of(&shelf.detailed(1, true));
    assert_eq!(detailed["details"]["tags"], json!(["t"]));
    assert_eq!(detailed["details"]["bodySchemas"][0]["schema"]["title"], "shared");
    assert_eq!(json_of(&shelf.detailed(1, false))["details"].get("bodySchemas"), None);
    assert_eq!(json_of(&shelf.detailed(0, true))["details"]["bodySchemas"][0]["schema"]["title"], "shared");
    assert_eq!(json_of(&shelf.detailed(2, true))["details"], json!({}));
    let whole = shelf.tool(1, true).expect("readable").details.expect("details");
    assert_eq!((whole.hidden_aliases, whole.body_schemas.len()), (vec!["B".to_owned()], 1));
}

#[test]
fn servers_with_credentials_are_called_and_not_shown() {
    let mut secret = tool("s:a", "x", "a");
    secret.servers = vec!["https://user:pass@h.example/".to_owned()];
    let shelf = shelf(vec![secret, tool("s:b", "x", "b")]);
    let shown = String::from_utf8(shelf.listed(0, 1).to_vec()).expect("text");
    assert!(!shown.contains("pass"), "{shown}");
    assert_eq!(shelf.tool(0, false).expect("readable").servers, ["https://user:pass@h.example/"]);
    assert_eq!(shelf.tool(1, false).expect("readable").servers, ["https://h.example/"]);
}
