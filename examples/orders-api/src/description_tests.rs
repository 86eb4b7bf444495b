use super::*;
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The subset of YAML that our description uses: no anchors, no tags.
fn yaml(text: &str) -> Value {
    fn node<'a>(event: Event<'a>, next: &mut impl FnMut() -> Event<'a>) -> Value {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => match text.as_ref() {
                "true" | "false" => Value::Bool(text == "true"),
                number => number.parse::<i64>().map_or_else(|_| Value::String(text.to_string()), Value::from),
            },
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match next() {
                        Event::SequenceEnd => return Value::Array(items),
                        event => items.push(node(event, next)),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut members = Map::new();
                loop {
                    match next() {
                        Event::MappingEnd => return Value::Object(members),
                        Event::Scalar(key, ..) => members.insert(key.into_owned(), node(next(), next)),
                        other => panic!("{other:?} as a key"),
                    };
                }
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    let mut events = Parser::new_from_str(text).map(|event| event.expect("YAML").0);
    let mut next = || events.next().expect("another event");
    assert!(matches!(next(), Event::StreamStart));
    assert!(matches!(next(), Event::DocumentStart(..)));
    node(next(), &mut next)
}

#[test]
fn both_forms_of_the_description_say_the_same() {
    let json: Value = serde_json::from_str(JSON).expect("JSON");
    let yaml = yaml(YAML);
    for (name, value) in json.as_object().expect("an object") {
        assert!(yaml[name] == *value, "{name} differs between openapi.json and openapi.yaml");
    }
    assert_eq!(yaml.as_object().map(Map::len), json.as_object().map(Map::len));
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(root: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
                    assert!(found.is_some(), "{target}");
                }
                members.values().for_each(|value| walk(root, value));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(root, value)),
            _ => {}
        }
    }
    let json: Value = serde_json::from_str(JSON).expect("JSON");
    walk(&json, &json);
}
