//! What help reads out of a body's schema: the members of an object and a skeleton to start from. `$ref`s into the
//! schema's own `$defs` and `allOf` are followed. Not for checking bodies.

use crate::dynamic::Schema;
use crate::text::{first_line, one_line};
use open_cli_contract::catalog::{RequestBody, Tool};
use serde_json::{Map, Value};

/// Members of a body that are listed.
const MAX_MEMBERS: usize = 24;
/// Parts of an `allOf` that are read.
const MAX_PARTS: usize = 8;
/// References and parts inside one another that are looked into.
const MAX_DEPTH: usize = 4;
/// Objects inside one another in a skeleton.
const MAX_SKELETON_DEPTH: usize = 2;

/// The schema of the JSON body, else of any; self-contained when the runtime gives it so.
pub(super) fn of(tool: &Tool, body: &RequestBody) -> Option<Value> {
    let content = body
        .content_types
        .iter()
        .find(|content| content.media_type.contains("json") && content.schema.is_some())
        .or_else(|| body.content_types.iter().find(|content| content.schema.is_some()))?;
    let resolved = tool.details.iter().flat_map(|details| &details.body_schemas);
    let resolved = resolved.into_iter().find(|resolved| resolved.media_type == content.media_type);
    let text = match resolved {
        Some(resolved) => resolved.schema.get(),
        None => content.schema.as_ref()?.get(),
    };
    serde_json::from_str(text).ok()
}

/// `name <type>` and what is said about it.
pub(super) fn members(schema: &Value) -> Vec<(String, String)> {
    let (properties, required) = object(schema, schema, 0);
    let mut rows: Vec<(String, String)> = properties
        .iter()
        .map(|(name, property)| {
            let reference = property.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            let target = followed(schema, property);
            let kind = match (Schema::of(target).kind(), reference) {
                (kind, Some(reference)) if kind == "value" || kind == "object" => reference.to_owned(),
                (kind, _) => kind,
            };
            let mark = if required.contains(name) { "[required]" } else { "" };
            let about = [property, target].into_iter().find_map(|s| s.get("description").and_then(Value::as_str));
            let about = about.map(first_line).unwrap_or_default();
            (format!("{} <{}>", one_line(name), one_line(&kind)), format!("{about} {mark}").trim().to_owned())
        })
        .collect();
    // Required members first, each part in the order of the schema.
    rows.sort_by_key(|(_, about)| !about.ends_with("[required]"));
    let more = rows.len().saturating_sub(MAX_MEMBERS);
    rows.truncate(MAX_MEMBERS);
    if more > 0 {
        rows.push((format!("… {more} more"), String::new()));
    }
    rows
}

/// The required members with values of their type.
pub(super) fn sample(schema: &Value) -> Value {
    match Schema::of(followed(schema, schema)).kind().as_str() {
        kind if kind.ends_with(",…") => Value::Array(Vec::new()),
        _ => skeleton(schema, schema, 0),
    }
}

fn skeleton(root: &Value, schema: &Value, depth: usize) -> Value {
    let (properties, required) = object(root, schema, 0);
    let mut body = Map::new();
    for name in required.into_iter().take(MAX_MEMBERS) {
        let property = properties.get(&name).map(|property| followed(root, property));
        let kind = match property.and_then(|property| property.get("type")) {
            Some(Value::Array(kinds)) => {
                kinds.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null"))
            }
            kind => kind.and_then(Value::as_str),
        };
        let is_object = |p: &&Value| kind == Some("object") || p.get("properties").or(p.get("allOf")).is_some();
        let first = property.and_then(|property| property.get("enum")).and_then(|choices| choices.get(0)).cloned();
        let value = first.unwrap_or_else(|| match (kind, property.filter(is_object)) {
            (_, Some(property)) if depth < MAX_SKELETON_DEPTH => skeleton(root, property, depth + 1),
            (_, Some(_)) => Value::Object(Map::new()),
            (Some("integer" | "number"), _) => 1.into(),
            (Some("boolean"), _) => true.into(),
            (Some("array"), _) => Value::Array(Vec::new()),
            _ => "…".into(),
        });
        body.insert(name, value);
    }
    Value::Object(body)
}

/// Properties and the names of the required ones, those of the `allOf` parts first.
fn object(root: &Value, schema: &Value, depth: usize) -> (Map<String, Value>, Vec<String>) {
    let schema = followed(root, schema);
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let parts = schema.get("allOf").and_then(Value::as_array).filter(|_| depth < MAX_DEPTH);
    for part in parts.into_iter().flatten().take(MAX_PARTS) {
        let (more, names) = object(root, part, depth + 1);
        properties.extend(more);
        required.extend(names);
    }
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.extend(own.map(|(name, property)| (name.clone(), property.clone())));
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    required.extend(names.map(str::to_owned));
    (properties, required)
}

/// What a reference into the schema itself names.
fn followed<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..MAX_DEPTH {
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        match pointer.and_then(|pointer| root.pointer(pointer)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_skeleton_are_found_through_references_and_parts() {
        let schema: Value = serde_json::from_str(
            r##"{"allOf":[{"$ref":"#/$defs/Base"}],"required":["item","kind"],"properties":{
                "note":{"type":"string"},"item":{"$ref":"#/$defs/Item"},"kind":{"$ref":"#/$defs/Kind"}},
                "$defs":{"Base":{"required":["id"],"properties":{"id":{"type":"integer"}}},
                "Kind":{"enum":["a","b"]},"Item":{"type":"object","description":"What","required":["n","up"],
                "properties":{"n":{"type":["null","number"]},"up":{"type":"array"}}}}}"##,
        )
        .unwrap();
        let rows = members(&schema);
        let rows: Vec<(&str, &str)> = rows.iter().map(|(name, about)| (name.as_str(), about.as_str())).collect();
        let required = "[required]";
        let expected = [
            ("id <integer>", required),
            ("item <Item>", "What [required]"),
            ("kind <a|b>", required),
            ("note <string>", ""),
        ];
        assert_eq!(rows, expected);
        assert_eq!(sample(&schema).to_string(), r#"{"id":1,"item":{"n":1,"up":[]},"kind":"a"}"#);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema: Value =
            serde_json::from_str(r##"{"required":["a"],"properties":{"a":{"$ref":"#"}},"allOf":[{"$ref":"#"}]}"##)
                .unwrap();
        assert!(!members(&schema).is_empty() && sample(&schema).is_object());
    }
}
