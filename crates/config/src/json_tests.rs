use super::*;
use proptest::prelude::*;

fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Flag(flag) => (*flag).into(),
        Value::Number(text) => serde_json::from_str(text).expect("a number"),
        Value::Text(text) => text.clone().into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Object(object) => {
            object.members.iter().map(|(key, member)| (key.clone(), plain(&member.node))).collect()
        }
    }
}

/// CFG-1, weakness 1.
#[test]
fn what_is_not_exactly_one_json_document_is_refused_with_its_place() {
    let deep = "[".repeat(65);
    let long_key = format!("{{\"{}\":1}}", "k".repeat(1025));
    for (text, line, column, anchor) in [
        ("", 1, 1, "empty"),
        (" \n", 2, 1, "empty"),
        ("\u{feff}{}", 1, 1, "byte-order mark"),
        ("{} x", 1, 4, "after the end"),
        ("{\n  \"a\": 1,\n}", 3, 1, "a key"),
        ("{\n  // why\n}", 2, 3, "comments"),
        ("{\"é\" 1}", 1, 6, "`:`"),
        ("[1 2]", 1, 4, "`,` or `]`"),
        ("{\"a\":01}", 1, 7, "begin with 0"),
        ("{\"a\":1.}", 1, 8, "digit"),
        ("{\"a\":tru}", 1, 6, "JSON value"),
        ("{\"a\":\"x", 1, 8, "ends inside"),
        ("\"a\nb\"", 1, 3, "line break"),
        ("\"\\ud800\"", 1, 8, "surrogate"),
        ("\"\\x\"", 1, 3, "escape"),
        ("\"\\u00zz\"", 1, 3, "hexadecimal"),
        ("{\"a\":", 1, 6, "ends here"),
        (&deep, 1, 65, "64 levels"),
        (&long_key, 1, 1029, "1024 bytes"),
    ] {
        let fault = read(text, 0).err().unwrap_or_else(|| panic!("{text:.40} was read"));
        assert_eq!((fault.line, fault.column), (line, column), "{text:.40}: {}", fault.message);
        assert!(fault.message.contains(anchor), "{text:.40}: {}", fault.message);
    }
    assert!(read(&" ".repeat(MAX_FILE_BYTES + 1), 0).is_err());
}

#[test]
fn keys_and_values_know_where_they_are() {
    let node = read("{\n  \"größe\": [1,\n    true]\n}", 3).expect("valid");
    let member = &node.object().expect("object").members["größe"];
    assert_eq!((member.key_at.line, member.key_at.column), (2, 3));
    assert_eq!((member.node.at.line, member.node.at.column), (2, 12));
    let items = member.node.list().expect("list");
    assert_eq!((items[1].at.file, items[1].at.line, items[1].at.column), (3, 3, 5));
}

#[test]
fn the_first_of_repeated_keys_is_kept_and_the_second_remembered() {
    let node = read(r#"{"a":1,"a":2}"#, 0).expect("valid");
    let object = node.object().expect("object");
    assert_eq!(plain(&node), serde_json::json!({"a": 1}));
    assert_eq!(object.repeated[0].0, "a");
    assert_eq!(object.repeated[0].1.column, 8);
}

#[test]
fn a_large_file_on_one_line_is_read_in_linear_time() {
    let text = format!("[{}1]", "1,".repeat(500_000));
    let node = read(&text, 0).expect("valid");
    assert_eq!(node.list().expect("list").last().expect("last").at.column, 1_000_002);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_back(value in any_json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("writes")] {
            let node = read(&text, 0).map_err(|fault| TestCaseError::fail(fault.message))?;
            prop_assert_eq!(&plain(&node), &value);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_like_serde_json_does(text in r#"[\[\]{}":,0-9eE.+\-\\ua-f \ntrulsn]{0,40}"#) {
        let ours = read(&text, 0);
        let theirs = serde_json::from_str::<Box<serde_json::value::RawValue>>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}", text);
    }
}
