//! The schema of a workflow's inputs, self-contained: what its `$ref`s name among the components is gathered under
//! `$defs`. Not for checking values.

use crate::components::Context;
use crate::diagnostic::{Report, code, quoted};
use crate::limits::MAX_INPUT_DEFINITIONS;
use serde_json::{Map, Value};

const COMPONENTS: &str = "#/components/inputs/";

/// The schema with everything it refers to.
pub(crate) fn bundled(schema: &Value, pointer: &str, context: &Context<'_>, report: &mut Report) -> Value {
    let mut bundle = Bundle { context, names: Vec::new(), report, pointer };
    let mut root = bundle.rewritten(schema);
    // A reference and nothing else stands for what it names.
    let named = only_reference(&root).and_then(|text| text.strip_prefix("#/$defs/")).map(unescaped);
    if let Some(found) = named.and_then(|name| context.inputs?.get(&name)) {
        bundle.names.clear();
        root = bundle.rewritten(found);
    }
    let mut definitions = Map::new();
    let mut done = 0;
    while let Some(name) = bundle.names.get(done).cloned() {
        done += 1;
        if let Some(found) = context.inputs.and_then(|inputs| inputs.get(&name)) {
            let written = bundle.rewritten(found);
            definitions.insert(name, written);
        }
    }
    if let (Value::Object(members), false) = (&mut root, definitions.is_empty()) {
        match members.get_mut("$defs") {
            Some(Value::Object(own)) => definitions.into_iter().for_each(|(name, value)| {
                own.entry(name).or_insert(value);
            }),
            _ => {
                members.insert("$defs".into(), Value::Object(definitions));
            }
        }
    }
    root
}

fn only_reference(schema: &Value) -> Option<&str> {
    let members = schema.as_object().filter(|members| members.len() == 1)?;
    members.get("$ref")?.as_str()
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

struct Bundle<'c, 'r> {
    context: &'c Context<'c>,
    /// Definitions that are needed, in the order of their first use.
    names: Vec<String>,
    report: &'r mut Report,
    pointer: &'c str,
}

impl Bundle<'_, '_> {
    fn rewritten(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let rewrite = |(name, value): (&String, &Value)| {
                    let value = match value {
                        Value::String(text) if name == "$ref" => Value::String(self.reference(text)),
                        value => self.rewritten(value),
                    };
                    (name.clone(), value)
                };
                Value::Object(members.iter().map(rewrite).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.rewritten(item)).collect()),
            other => other.clone(),
        }
    }

    fn reference(&mut self, text: &str) -> String {
        let Some(token) = text.strip_prefix(COMPONENTS) else { return text.to_owned() };
        let (token, rest) = token.split_at(token.find('/').unwrap_or(token.len()));
        let name = unescaped(token);
        if !self.context.inputs.is_some_and(|inputs| inputs.contains_key(&name)) {
            let message = format!("the inputs refer to {}, which is not there", quoted(text));
            self.report.warning(code::REFERENCE, self.pointer, message, "correct the reference");
            return text.to_owned();
        }
        if !self.names.contains(&name) && self.names.len() < MAX_INPUT_DEFINITIONS {
            self.names.push(name);
        }
        format!("#/$defs/{token}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;
    use serde_json::json;

    #[test]
    fn inputs_are_gathered_and_cycles_stay_references() {
        let root = json!({"components": {"inputs": {
            "pet": {"type": "object", "properties": {"next": {"$ref": "#/components/inputs/pet"}, "shop": {"$ref": "#/components/inputs/shop"}}},
            "shop": {"type": "string"}, "unused": {"type": "null"}, "a/b": {"type": "number"},
        }}});
        let mut report = Report::default();
        let context = Context::new(Version::V1_0, root.as_object().expect("object"), &mut report);
        let mut bundle = |schema: Value| bundled(&schema, "/w", &context, &mut report);
        let pet = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/pet"}, "shop": {"$ref": "#/$defs/shop"}}});
        let mut expected = pet.clone();
        expected["$defs"] = json!({"pet": pet, "shop": {"type": "string"}});
        assert_eq!(bundle(json!({"$ref": "#/components/inputs/pet"})), expected);
        assert_eq!(bundle(json!({"$ref": "#/components/inputs/shop"})), json!({"type": "string"}));
        assert_eq!(bundle(json!({"type": "object"})), json!({"type": "object"}));
        assert_eq!(
            bundle(json!({"properties": {"x": {"$ref": "#/components/inputs/a~1b"}}})),
            json!({"properties": {"x": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": {"type": "number"}}})
        );
        assert_eq!(
            bundle(json!({"$ref": "#/components/inputs/none"})),
            json!({"$ref": "#/components/inputs/none"})
        );
        assert_eq!(bundle(json!(true)), json!(true));
        let missing = report.finish().into_iter().filter(|d| d.code == code::REFERENCE).count();
        assert_eq!(missing, 1);
    }
}
