//! Schemas as API descriptions write them, seen from outside.

use open_cli_schema::{Dialect, Direction, Json, Options, Schema, Types};
use proptest::prelude::*;

fn schema(text: &str) -> Schema {
    Schema::compile(text, Options::default()).expect(text)
}

fn old(text: &str) -> Schema {
    Schema::compile(text, Options { dialect: Dialect::OpenApi30, ..Options::default() }).expect(text)
}

fn json(text: &str) -> Json<'_> {
    Json::parse(text).expect(text)
}

fn faults(schema: &Schema, value: &str) -> Vec<String> {
    schema.faults(&json(value)).iter().map(ToString::to_string).collect()
}

#[test]
fn every_fault_is_named_with_its_place_and_without_the_value() {
    let order = schema(
        r##"{"type":"object","required":["id","items"],"additionalProperties":false,"properties":{
            "id":{"type":"string","format":"uuid"},"note":{"type":["string","null"],"maxLength":5},
            "kind":{"enum":["a",1,null]},"at":{"type":"string","format":"date-time"},
            "items":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/Item"}}},
            "$defs":{"Item":{"type":"object","required":["sku"],"properties":{"sku":{"type":"string","pattern":"^[a-z]+$"},
            "n":{"type":"integer","minimum":1,"maximum":9},"price":{"type":"number","exclusiveMinimum":0,"multipleOf":0.01}}}}}"##,
    );
    let value = r#"{"id":"s3cret","note":"s3cret","kind":"s3cret","at":"yesterday","s3cret":1,"items":[
        {"sku":"S3CRET","n":0,"price":0},{"n":1.5,"price":0.001},{"sku":"a","n":10,"price":19.99},7]}"#;
    assert_eq!(
        faults(&order, value),
        [
            "/id: expected a UUID such as 123e4567-e89b-12d3-a456-426614174000",
            "/note: expected a text of at most 5 characters",
            "/kind: expected one of: a, 1, null",
            "/at: expected a date and time such as 2026-01-31T12:00:00Z",
            "/s3cret: expected no such member: the description knows `at`, `id`, `items`, `kind`, `note`",
            "/items/0/sku: expected a text that matches ^[a-z]+$",
            "/items/0/n: expected at least 1",
            "/items/0/price: expected more than 0",
            "/items/1/sku: is required",
            "/items/1/n: expected a whole number",
            "/items/1/price: expected a multiple of 0.01",
            "/items/2/n: expected at most 9",
            "/items/3: expected an object",
        ]
    );
    assert_eq!(faults(&order, "{}"), ["/id: is required", "/items: is required"]);
    assert_eq!(faults(&order, "[]"), ["expected an object"]);
}

#[test]
fn of_several_shapes_the_one_that_was_meant_is_complained_about() {
    let pets = schema(
        r##"{"oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}],
            "discriminator":{"propertyName":"kind","mapping":{"d":"#/components/schemas/Dog"}},
            "$defs":{"Cat":{"type":"object","required":["lives"]},"Dog":{"type":"object","required":["bark"]}}}"##,
    );
    assert_eq!(faults(&pets, r#"{"kind":"d"}"#), ["/bark: is required"]);
    assert_eq!(faults(&pets, r#"{"kind":"Cat"}"#), ["/lives: is required"]);
    assert_eq!(faults(&pets, r#"{"kind":"cow"}"#), ["/kind: expected one of: `Cat`, `Dog`, `d`"]);
    assert_eq!(faults(&pets, "{}"), ["/kind: is required"]);
    let maybe = schema(r#"{"anyOf":[{"type":"array","items":{"type":"integer"}},{"type":"null"}]}"#);
    assert_eq!(faults(&maybe, r#"["x"]"#), ["/0: expected a whole number"]);
    assert_eq!(faults(&maybe, "true"), ["expected a list or null"]);
    let both = schema(r#"{"oneOf":[{"minimum":1},{"minimum":2}]}"#);
    assert_eq!(faults(&both, "3"), ["expected a value that fits exactly one of the described shapes"]);
}

#[test]
fn the_dialects_of_openapi() {
    for (text, value, in_30, in_31) in [
        (r#"{"type":"string","nullable":true}"#, "null", true, true),
        (r#"{"type":"string","nullable":true,"enum":["a"]}"#, "null", true, true),
        (r##"{"$ref":"#/$defs/A","maxLength":1,"$defs":{"A":{"type":"string"}}}"##, "\"ab\"", true, false),
        (r#"{"minimum":1,"exclusiveMinimum":true}"#, "1", false, false),
        (r#"{"minimum":1,"exclusiveMinimum":false}"#, "1", true, true),
        (r#"{"exclusiveMinimum":1}"#, "1", false, false),
        (r#"{"maximum":5,"exclusiveMaximum":4}"#, "4", false, false),
        (r#"{"type":"file"}"#, "\"bytes\"", true, true),
        (r#"{"type":"integer","format":"int32"}"#, "2147483648", false, false),
        (r#"{"type":"integer","format":"int64"}"#, "9223372036854775808", false, false),
        (r#"{"type":"integer","format":"int64"}"#, "9223372036854775807", true, true),
        (r#"{"type":"number","format":"int32"}"#, "1.5", true, true),
        (r#"{"items":[{"type":"integer"}],"additionalItems":false}"#, "[1,2]", false, false),
        (r#"{"type":"string","format":"email"}"#, "\"no\"", true, true),
    ] {
        assert_eq!(old(text).fits(&json(value)), in_30, "3.0 {text} {value}");
        assert_eq!(schema(text).fits(&json(value)), in_31, "3.1 {text} {value}");
    }
}

#[test]
fn what_only_the_other_side_sends_is_not_missing() {
    let text = r#"{"required":["id","secret"],"properties":{"id":{"readOnly":true},"secret":{"writeOnly":true}}}"#;
    let of = |direction| Schema::compile(text, Options { direction, ..Options::default() }).expect("schema");
    assert_eq!(faults(&of(Direction::Request), "{}"), ["/secret: is required"]);
    assert_eq!(faults(&of(Direction::Response), "{}"), ["/id: is required"]);
}

#[test]
fn what_cannot_be_read_is_skipped_and_said_to_be() {
    for (text, value, pointer, reason) in [
        (r#"{"properties":{"a/b":{"pattern":"(?=x)"}}}"#, r#"{"a/b":"y"}"#, "/properties/a~1b", "looks ahead"),
        (r##"{"items":{"$ref":"#/nowhere"}}"##, "[1]", "/items", "leads nowhere"),
        (r#"{"items":{"$ref":"other.json"}}"#, "[1]", "/items", "leads nowhere"),
        (r#"{"type":"strnig"}"#, "1", "", "no type"),
        (r#"{"minLength":"3"}"#, "\"a\"", "", "no number"),
        (r#"{"properties":{"a":7}}"#, r#"{"a":1}"#, "/properties/a", "no schema"),
        (r##"{"allOf":[{"$ref":"#"}]}"##, "1", "", "defined by itself"),
        (r#"{"x-truncated":true}"#, "1", "", "cut short"),
    ] {
        let schema = schema(text);
        assert!(schema.fits(&json(value)), "{text}");
        let skipped = &schema.skipped()[0];
        assert!(skipped.pointer == pointer && skipped.reason.contains(reason), "{text}: {skipped:?}");
    }
    for text in ["", "7", "[]", "{"] {
        assert!(Schema::compile(text, Options::default()).is_err(), "{text}");
    }
}

#[test]
fn cycles_through_members_are_followed_as_deep_as_the_value_goes() {
    let tree = schema(
        r##"{"$ref":"#/$defs/T","$defs":{"T":{"required":["n"],"properties":{"sub":{"items":{"$ref":"#/$defs/T"}}}}}}"##,
    );
    assert!(tree.skipped().is_empty());
    let faults = faults(&tree, r#"{"n":1,"sub":[{"n":2,"sub":[{"sub":[]}]}]}"#);
    assert_eq!(faults, ["/sub/0/sub/0/n: is required"]);
}

/// Alternatives within alternatives could multiply without end.
#[test]
fn work_is_bounded_and_what_costs_too_much_is_refused() {
    let level = |inner: &str| format!(r#"{{"anyOf":[{inner},{inner},{inner},{inner}]}}"#);
    let definitions: Vec<String> = (0..16)
        .map(|i| format!(r#""L{i}":{}"#, level(&format!(r##"{{"$ref":"#/$defs/L{}"}}"##, i + 1))))
        .collect();
    let text =
        format!(r##"{{"$ref":"#/$defs/L0","$defs":{{{},"L16":{{"type":"string"}}}}}}"##, definitions.join(","));
    let schema = schema(&text);
    let started = std::time::Instant::now();
    assert!(!schema.fits(&json("7")));
    assert!(!schema.faults(&json("7")).is_empty());
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn text_is_read_as_the_schema_means_it() {
    for (text, written, expected) in [
        (r#"{"type":"integer"}"#, "5", "5"),
        (r#"{"type":"string"}"#, "5", "\"5\""),
        (r#"{"type":["string","integer"]}"#, "5", "5"),
        (r#"{"type":["string","integer"],"enum":["5"]}"#, "5", "\"5\""),
        (r#"{"type":"boolean"}"#, "true", "true"),
        (r#"{"type":"boolean"}"#, "yes", "\"yes\""),
        (r#"{"anyOf":[{"type":"number"},{"type":"null"}]}"#, "1.5", "1.5"),
        (r#"{"anyOf":[{"type":"number"},{"type":"null"}]}"#, "null", "null"),
        (r#"{"enum":[1,2]}"#, "2", "2"),
        (r##"{"allOf":[{"$ref":"#/$defs/N"}],"$defs":{"N":{"type":"integer"}}}"##, "7", "7"),
        ("{}", "7", "7"),
        (r#"{"type":"integer"}"#, " 7", "\" 7\""),
        (r#"{"type":"integer"}"#, "07", "\"07\""),
    ] {
        assert_eq!(schema(text).view().read(written), json(expected), "{text} {written}");
    }
}

#[test]
fn a_look_into_a_schema_goes_through_references_and_combinations() {
    let form = schema(
        r##"{"allOf":[{"$ref":"#/$defs/Base"}],"properties":{"file":{"type":"string","format":"binary"}},
            "$defs":{"Base":{"properties":{"tags":{"type":"array","items":{"type":"integer"}},"meta":{"type":"object"}}}}}"##,
    );
    let view = form.view();
    assert_eq!(view.members().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["file", "meta", "tags"]);
    assert_eq!(view.member("file").expect("file").hints().format, "binary");
    let tags = view.member("tags").expect("tags");
    assert_eq!((tags.types(), tags.items().expect("items").types()), (Types::LIST, Types::INTEGER));
    assert!(view.member("none").is_none());
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i32>().prop_map(|n| n.to_string()),
        (-1000.0..1000.0_f64).prop_map(|n| format!("{n:?}")),
        "[a-zA-Z0-9/~#$.]{0,8}".prop_map(|s| format!("\"{s}\"")),
    ];
    let keys = "type|properties|items|\\$ref|enum|anyOf|oneOf|not|if|then|minLength|pattern|required|allOf|\
        additionalProperties|unevaluatedProperties|unevaluatedItems|contains|const|uniqueItems|[a-c]";
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((keys, inner), 0..5).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// No text is too strange; a value has faults exactly when it does not fit.
    #[test]
    fn any_schema_and_any_value(schema in any_json(), value in any_json()) {
        if let Ok(schema) = Schema::compile(&schema, Options::default()) {
            let value = json(&value);
            prop_assert_eq!(schema.fits(&value), schema.faults(&value).is_empty());
        }
    }
}
