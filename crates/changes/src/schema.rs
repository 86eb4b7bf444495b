//! JSON Schemas as facts that can be compared: types, few values, members, and a digest of the rest. The order of
//! members means nothing, nor does what a component is called; what only describes is left out, unless asked for. Not
//! for validating.

use crate::canonical::{comma, data, hex, set, text};
use open_cli_contract::definition::{Input, MediaDefinition};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};

/// A list of values that is longer becomes part of the digest.
const MAX_VALUES: usize = 64;
/// And so does one with a longer value.
const MAX_VALUE_BYTES: usize = 200;
/// An object with more members is compared as a whole.
const MAX_MEMBERS: usize = 512;
/// Schemas below schemas, through references too. What is deeper is compared by all definitions together.
const MAX_DEPTH: usize = 200;
/// References from one to the next until a schema says something itself.
const MAX_HOPS: usize = 32;

/// Keywords that hold a schema by name.
const SCHEMAS_BY_NAME: &[&str] = &["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// Keywords that hold a schema or a list of them.
const SCHEMAS: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Lists whose order means nothing.
const SETS: &[&str] = &["enum", "required", "type"];
/// Keywords that only describe.
const TEXTS: &[&str] = &["$comment", "deprecated", "description", "example", "examples", "externalDocs", "title"];

/// Reads one schema, self-contained or not.
pub(crate) struct Schema<'a> {
    root: &'a Value,
    definitions: Option<&'a Map<String, Value>>,
    keeps_text: bool,
    done: HashMap<&'a str, String>,
    /// Definitions that are being read: a reference to one of them closes a cycle, and goes by its name.
    open: Vec<&'a str>,
    is_too_deep: bool,
}

impl<'a> Schema<'a> {
    /// With `keeps_text`, what only describes counts too.
    pub(crate) fn new(root: &'a Value, keeps_text: bool) -> Self {
        let definitions = root.get("$defs").and_then(Value::as_object);
        Self { root, definitions, keeps_text, done: HashMap::new(), open: Vec::new(), is_too_deep: false }
    }

    /// As a parameter's schema.
    pub(crate) fn input(&mut self, location: &str, name: &str, required: bool) -> Input {
        self.named(self.root, location, name, required)
    }

    /// As a body's schema.
    pub(crate) fn media(&mut self) -> MediaDefinition {
        let schema = self.resolved(self.root);
        let properties = schema.get("properties").and_then(Value::as_object);
        let Some(properties) = properties.filter(|properties| properties.len() <= MAX_MEMBERS) else {
            let whole = self.named(schema, "", "", false);
            return MediaDefinition {
                members: Vec::new(),
                kind: whole.kind,
                schema: self.with_values(schema, whole.schema),
            };
        };
        let required: BTreeSet<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut members: Vec<Input> = properties
            .iter()
            .map(|(name, member)| self.named(member, "", name, required.contains(name.as_str())))
            .collect();
        members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut known = vec!["properties"];
        if required.iter().all(|name| properties.contains_key(*name)) {
            known.push("required");
        }
        let kind = kind(schema, &mut known);
        MediaDefinition { members, kind, schema: self.digest(schema, &known) }
    }

    /// The values of a body are no member of its definition.
    fn with_values(&mut self, schema: &'a Value, digest: String) -> String {
        if schema.get("enum").is_none() {
            return digest;
        }
        let mut known = Vec::new();
        kind(schema, &mut known);
        self.digest(schema, &known)
    }

    fn named(&mut self, schema: &'a Value, location: &str, name: &str, required: bool) -> Input {
        let schema = self.resolved(schema);
        let mut known = Vec::new();
        let kind = kind(schema, &mut known);
        let values = values(schema);
        if !values.is_empty() {
            known.push("enum");
        }
        let schema = self.digest(schema, &known);
        Input { location: location.to_owned(), name: name.to_owned(), required, kind, values, schema }
    }

    /// What a schema that only refers refers to.
    fn resolved(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..MAX_HOPS {
            let Some(members) = schema.as_object() else { break };
            let says_nothing =
                members.keys().all(|name| name == "$ref" || name == "$defs" || self.is_left_out(name));
            let target = members.get("$ref").and_then(Value::as_str).and_then(|target| self.definition(target));
            match target {
                Some((_, target)) if says_nothing => schema = target,
                _ => break,
            }
        }
        schema
    }

    fn definition(&self, reference: &str) -> Option<(&'a str, &'a Value)> {
        let name = reference.strip_prefix("#/$defs/")?.replace("~1", "/").replace("~0", "~");
        self.definitions?.get_key_value(&name).map(|(name, schema)| (name.as_str(), schema))
    }

    fn is_left_out(&self, name: &str) -> bool {
        !self.keeps_text && (name.starts_with("x-") || TEXTS.contains(&name))
    }

    /// Digest of what a schema says but for these keywords; empty when that is nothing.
    fn digest(&mut self, schema: &'a Value, known: &[&str]) -> String {
        let mut out = Vec::new();
        self.write(schema, known, 0, &mut out);
        if out == b"{}" || out == b"true" {
            return String::new();
        }
        if self.is_too_deep {
            // Whatever was not reached is in here.
            data(self.root, &mut out);
        }
        crate::canonical::digest(&out)
    }

    fn write(&mut self, schema: &'a Value, known: &[&str], depth: usize, out: &mut Vec<u8>) {
        let Some(members) = schema.as_object() else { return data(schema, out) };
        if depth > MAX_DEPTH {
            self.is_too_deep = true;
            return out.extend_from_slice(b"\"deep\"");
        }
        let is_root = std::ptr::eq(schema, self.root);
        let is_written =
            |name: &str| !(known.contains(&name) || self.is_left_out(name) || is_root && name == "$defs");
        let mut members: Vec<_> = members.iter().filter(|(name, _)| is_written(name)).collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        out.push(b'{');
        for (i, (name, value)) in members.into_iter().enumerate() {
            comma(i, out);
            text(name, out);
            out.push(b':');
            self.keyword(name, value, depth, out);
        }
        out.push(b'}');
    }

    fn keyword(&mut self, name: &str, value: &'a Value, depth: usize, out: &mut Vec<u8>) {
        match value {
            Value::Object(schemas) if SCHEMAS_BY_NAME.contains(&name) => {
                let mut schemas: Vec<_> = schemas.iter().collect();
                schemas.sort_unstable_by_key(|(name, _)| *name);
                out.push(b'{');
                for (i, (name, schema)) in schemas.into_iter().enumerate() {
                    comma(i, out);
                    text(name, out);
                    out.push(b':');
                    self.write(schema, &[], depth + 1, out);
                }
                out.push(b'}');
            }
            Value::Array(schemas) if SCHEMAS.contains(&name) => {
                out.push(b'[');
                for (i, schema) in schemas.iter().enumerate() {
                    comma(i, out);
                    self.write(schema, &[], depth + 1, out);
                }
                out.push(b']');
            }
            Value::Object(_) if SCHEMAS.contains(&name) => self.write(value, &[], depth + 1, out),
            Value::Array(elements) if SETS.contains(&name) => set(elements, out),
            Value::String(target) if name == "$ref" => match self.definition(target) {
                Some((name, schema)) => {
                    let referred = self.referred(name, schema, depth + 1);
                    text(&referred, out);
                }
                None => text(target, out),
            },
            other => data(other, out),
        }
    }

    /// Digest of a definition. Each is read once; a cycle is closed by name.
    fn referred(&mut self, name: &'a str, schema: &'a Value, depth: usize) -> String {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        if self.open.contains(&name) {
            return format!("#{name}");
        }
        self.open.push(name);
        let mut out = Vec::new();
        self.write(schema, &[], depth, &mut out);
        self.open.pop();
        let digest = hex(&Sha256::digest(&out));
        self.done.insert(name, digest.clone());
        digest
    }
}

/// What only describes, with its place. A member that is called like such a keyword counts too.
pub(crate) fn texts(value: &Value, place: &str, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in members {
                let place = format!("{place}/{name}");
                if name.starts_with("x-") || TEXTS.contains(&name.as_str()) {
                    text(&place, out);
                    data(value, out);
                } else {
                    texts(value, &place, out);
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| texts(element, place, out)),
        _ => {}
    }
}

/// The types, joined by `|`; what was read goes to `known`.
fn kind(schema: &Value, known: &mut Vec<&'static str>) -> String {
    let mut types: BTreeSet<&str> = match schema.get("type") {
        Some(Value::String(word)) => BTreeSet::from([word.as_str()]),
        Some(Value::Array(words)) if words.iter().all(Value::is_string) => {
            words.iter().filter_map(Value::as_str).collect()
        }
        _ => return String::new(),
    };
    known.push("type");
    if let Some(Value::Bool(nullable)) = schema.get("nullable") {
        known.push("nullable");
        if *nullable {
            types.insert("null");
        }
    }
    Vec::from_iter(types).join("|")
}

/// The values, ascending; none when there are too many.
fn values(schema: &Value) -> Vec<String> {
    let Some(Value::Array(values)) = schema.get("enum") else { return Vec::new() };
    if values.len() > MAX_VALUES {
        return Vec::new();
    }
    let mut texts = Vec::with_capacity(values.len());
    for value in values {
        let mut out = Vec::new();
        data(value, &mut out);
        match String::from_utf8(out) {
            Ok(text) if text.len() <= MAX_VALUE_BYTES => texts.push(text),
            _ => return Vec::new(),
        }
    }
    texts.sort_unstable();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(schema: Value) -> Input {
        Schema::new(&schema, false).input("query", "q", false)
    }

    fn media(schema: Value) -> MediaDefinition {
        Schema::new(&schema, false).media()
    }

    #[test]
    fn a_plain_schema_has_a_type_and_no_digest() {
        for (schema, kind, values, is_plain) in [
            (json!({"type": "string"}), "string", &[][..], true),
            (json!({"type": "string", "description": "d", "x-a": 1, "example": 2}), "string", &[], true),
            (json!({"type": ["string", "null"]}), "null|string", &[], true),
            (json!({"type": "string", "nullable": true}), "null|string", &[], true),
            (json!({"type": "string", "enum": ["b", "a"]}), "string", &["\"a\"", "\"b\""], true),
            (json!({"type": "string", "format": "date"}), "string", &[], false),
            (json!({"type": "string", "default": "x"}), "string", &[], false),
            (json!(true), "", &[], true),
            (json!({}), "", &[], true),
            (json!(false), "", &[], false),
        ] {
            let input = input(schema.clone());
            assert_eq!(
                (input.kind.as_str(), input.values.as_slice()),
                (kind, &values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>()[..]),
                "{schema}"
            );
            assert_eq!(input.schema.is_empty(), is_plain, "{schema}");
        }
    }

    /// Names of components, the order of members and words about them mean nothing.
    #[test]
    fn the_same_meaning_has_the_same_digest() {
        let one = json!({"type": "array", "items": {"$ref": "#/$defs/Item"}, "$defs": {
            "Item": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/Price"}}, "required": ["a", "b"]},
            "Price": {"type": "number", "minimum": 0}}});
        let other = json!({"$defs": {
            "Cost": {"minimum": 0, "type": "number", "description": "what it costs"},
            "Line": {"required": ["b", "a"], "properties": {"b": {"$ref": "#/$defs/Cost"}, "a": {"type": "string", "title": "A"}}, "type": "object"}},
            "items": {"$ref": "#/$defs/Line"}, "type": "array"});
        assert_eq!(media(one.clone()), media(other));
        let mut deeper = one.clone();
        deeper["$defs"]["Price"]["minimum"] = json!(1);
        assert_ne!(media(one.clone()), media(deeper), "what is deep below counts");
        // A member may be called like a keyword that only describes.
        let titled = json!({"type": "array", "items": {"properties": {"title": {"type": "string"}}}});
        let untitled = json!({"type": "array", "items": {"properties": {}}});
        assert_ne!(media(titled), media(untitled));
        let described = |schema: Value| {
            let mut out = Vec::new();
            texts(&schema, "", &mut out);
            out
        };
        assert_ne!(described(json!({"items": {"title": "a"}})), described(json!({"items": {"title": "b"}})));
        assert_eq!(described(json!({"type": "string", "title": "a"})), described(json!({"title": "a"})));
    }

    #[test]
    fn members_of_an_object_are_told_apart_and_what_another_refers_to_changes_none_of_them() {
        let schema = |more: Value| {
            let mut schema = json!({"$ref": "#/$defs/Order", "$defs": {
                "Order": {"type": "object", "required": ["sku"], "properties": {
                    "sku": {"type": "string"}, "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}}},
                "Line": {"type": "object", "properties": {"parent": {"$ref": "#/$defs/Line"}, "n": {"type": "integer"}}}}});
            if let Value::Object(more) = more {
                schema["$defs"]["Order"]["properties"].as_object_mut().unwrap().extend(more);
            }
            media(schema)
        };
        let one = schema(json!({}));
        assert_eq!(one.kind, "object");
        assert_eq!(
            one.members.iter().map(|m| (m.name.as_str(), m.required)).collect::<Vec<_>>(),
            [("lines", false), ("sku", true)]
        );
        let more = schema(json!({"note": {"$ref": "#/$defs/Line"}}));
        assert_eq!(
            (&more.members[0], &more.members[2], &more.schema),
            (&one.members[0], &one.members[1], &one.schema)
        );
    }

    #[test]
    fn cycles_and_depth_end() {
        let own = json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}});
        assert!(!media(own).schema.is_empty());
        let mut definitions = Map::new();
        for i in 0..1000 {
            let next = format!("#/$defs/d{}", i + 1);
            definitions.insert(format!("d{i}"), json!({"items": {"$ref": next}}));
        }
        definitions.insert("d1000".into(), json!({"type": "string"}));
        let chain = |last: &str| {
            let mut definitions = definitions.clone();
            definitions.insert("d1000".into(), json!({"type": last}));
            media(json!({"items": {"$ref": "#/$defs/d0"}, "$defs": definitions})).schema
        };
        assert_ne!(chain("string"), chain("number"), "nothing hides by being deep");
    }
}
