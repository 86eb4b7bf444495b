//! Which other documents a document refers to: its `$ref` texts that are not `#…`, found in one pass over the JSON
//! without a tree. Values that are data and not description (examples, defaults, `x-…`) are not looked into.

use memchr::memmem;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Most schemas with a name of their own that one document may have.
const MAX_IDS: usize = 100_000;
/// Members whose values are data.
const DATA: &[&str] = &["const", "default", "enum", "example", "examples"];
/// Members that hold a map with names for keys: there `default` is a response and `enum` may be a property.
const MAPS: &[&str] = &[
    "$defs",
    "callbacks",
    "content",
    "definitions",
    "dependentSchemas",
    "encoding",
    "headers",
    "links",
    "mediaTypes",
    "parameters",
    "pathItems",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "securityDefinitions",
    "securitySchemes",
    "webhooks",
];

/// What a document says about other ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Each target once, in the order of the text.
    pub(crate) external: Vec<External>,
    /// Schemas with a name of their own; outer ones may follow inner ones.
    pub(crate) ids: Vec<Id>,
}

/// A schema with an `$id` (JSON Schema 2020-12 §8.2.1): a document inside the document, which references may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id {
    /// As written, without its fragment.
    pub(crate) text: String,
    /// Index of the schema with an `$id` around it, whose name its own is relative to.
    pub(crate) parent: Option<usize>,
}

/// References to one document, from one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct External {
    /// The reference as written, without its fragment.
    pub(crate) target: String,
    /// JSON Pointer of the first object that has it.
    pub(crate) pointer: String,
    /// How many there are.
    pub(crate) count: usize,
    /// Index of the schema with an `$id` that it stands in, and is relative to.
    pub(crate) scope: Option<usize>,
}

/// References of valid JSON to other documents, and names that it has for its own schemas.
pub(crate) fn references(json: &[u8]) -> References {
    let has_ids = memmem::find(json, br#""$id""#).is_some();
    if !has_ids && !may_have_external(json) {
        return References::default();
    }
    let mut found = Found { has_ids, ..Found::default() };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // The JSON was validated; should this fail all the same, what was found so far counts.
    let _ = Node { found: &mut found, is_map: false, is_reference: false }.deserialize(&mut deserializer);
    found.finish()
}

/// A quick no for the many documents whose references are all `"$ref": "#…`.
fn may_have_external(json: &[u8]) -> bool {
    memmem::find_iter(json, br#""$ref""#).any(|at| {
        let mut rest = json[at + br#""$ref""#.len()..].iter().filter(|byte| !byte.is_ascii_whitespace());
        // Not a string: a property of that name.
        rest.next() == Some(&b':') && rest.next() == Some(&b'"') && rest.next() != Some(&b'#')
    })
}

#[derive(Default)]
struct Found {
    list: Vec<External>,
    by_target: HashMap<String, usize>,
    ids: Vec<Id>,
    /// There may be an `$id`, so that the same target may mean several documents.
    has_ids: bool,
    pointer: String,
}

impl Found {
    fn add(&mut self, reference: &str) {
        let target = reference.split_once('#').map_or(reference, |(target, _)| target);
        if target.is_empty() {
            return;
        }
        if !self.has_ids {
            if let Some(&known) = self.by_target.get(target) {
                self.list[known].count += 1;
                return;
            }
            self.by_target.insert(target.to_owned(), self.list.len());
        }
        let (target, pointer) = (target.to_owned(), self.pointer.clone());
        self.list.push(External { target, pointer, count: 1, scope: None });
    }

    /// An object with an `$id` is read; what was found in it and is in no inner one is its own.
    fn name(&mut self, text: &str, first_reference: usize, first_id: usize) {
        let text = text.split_once('#').map_or(text, |(uri, _)| uri);
        // A document that has a name is its own base already; fragments alone are names within.
        if text.is_empty() || self.ids.len() >= MAX_IDS {
            return;
        }
        let own = self.ids.len();
        self.ids[first_id..].iter_mut().filter(|id| id.parent.is_none()).for_each(|id| id.parent = Some(own));
        let inside = self.list[first_reference..].iter_mut().filter(|external| external.scope.is_none());
        inside.for_each(|external| external.scope = Some(own));
        self.ids.push(Id { text: text.to_owned(), parent: None });
    }

    fn finish(self) -> References {
        let Self { list, ids, has_ids, .. } = self;
        if !has_ids {
            return References { external: list, ids };
        }
        let mut external: Vec<External> = Vec::new();
        let mut known: HashMap<(String, Option<usize>), usize> = HashMap::new();
        for one in list {
            match known.get(&(one.target.clone(), one.scope)) {
                Some(&place) => external[place].count += 1,
                None => {
                    known.insert((one.target.clone(), one.scope), external.len());
                    external.push(one);
                }
            }
        }
        References { external, ids }
    }

    fn push(&mut self, token: &str) -> usize {
        let before = self.pointer.len();
        self.pointer.push('/');
        if token.contains(['~', '/']) {
            self.pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        } else {
            self.pointer.push_str(token);
        }
        before
    }

    fn pop(&mut self, before: Option<usize>) {
        if let Some(before) = before {
            self.pointer.truncate(before);
        }
    }
}

/// One value.
struct Node<'a> {
    found: &'a mut Found,
    /// Its keys are names.
    is_map: bool,
    /// It is the value of a `$ref`: a text is a reference, an object is a property of that name.
    is_reference: bool,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.is_reference {
            self.found.add(text);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let outer = self.is_reference.then(|| self.found.push("$ref"));
        for index in 0_usize.. {
            let before = self.found.push(&index.to_string());
            let node = Node { found: self.found, is_map: false, is_reference: false };
            let next = list.next_element_seed(node)?;
            self.found.pointer.truncate(before);
            if next.is_none() {
                break;
            }
        }
        self.found.pop(outer);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let outer = self.is_reference.then(|| self.found.push("$ref"));
        let (first_reference, first_id) = (self.found.list.len(), self.found.ids.len());
        let mut id = None;
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let key = &*key.0;
            if key == "$id" && !self.is_map && self.found.has_ids {
                id = map.next_value::<Text<'de>>()?.0;
                continue;
            }
            if !self.is_map && (DATA.contains(&key) || key.starts_with("x-")) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            // In a map of names too: many documents split `responses` and the like this way.
            if key == "$ref" {
                map.next_value_seed(Node { found: self.found, is_map: false, is_reference: true })?;
                continue;
            }
            let before = self.found.push(key);
            let is_map = !self.is_map && MAPS.contains(&key);
            map.next_value_seed(Node { found: self.found, is_map, is_reference: false })?;
            self.found.pointer.truncate(before);
        }
        if let Some(id) = id {
            self.found.name(&id, first_reference, first_id);
        }
        self.found.pop(outer);
        Ok(())
    }
}

/// A text; anything else is nothing.
struct Text<'de>(Option<Cow<'de, str>>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned)))
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Vec<String> {
        let all = references(json.as_bytes()).external;
        all.iter().map(|e| format!("{} {} {}", e.target, e.pointer, e.count)).collect()
    }

    #[test]
    fn references_to_other_documents_are_found_with_their_place() {
        for (json, expected) in [
            (r##"{"a":{"$ref":"#/b"}}"##, &[][..]),
            (r##"{"a":[1,{"$ref" : "p.yaml#/x"},{"$ref":"p.yaml#/y"}]}"##, &["p.yaml /a/1 2"]),
            (r##"{"a/b~c":{"$ref":"p.yaml"}}"##, &["p.yaml /a~1b~0c 1"]),
            (
                r##"{"$ref":"p.yaml","z":{"$ref":"https://h.example/q#"}}"##,
                &["p.yaml  1", "https://h.example/q /z 1"],
            ),
            (r##"{"a":{"$ref":"p\u002eyaml"}}"##, &["p.yaml /a 1"]),
            (r##"{"a":{"\u0024ref":"p.yaml"},"b":{"$ref":"q.yaml"}}"##, &["p.yaml /a 1", "q.yaml /b 1"]),
            (r##"{"responses":{"$ref":"p.yaml"}}"##, &["p.yaml /responses 1"]),
            // A property of that name.
            (r##"{"properties":{"$ref":{"$ref":"p.yaml"}},"$ref":{"type":"x"}}"##, &["p.yaml /properties/$ref 1"]),
        ] {
            assert_eq!(found(json), expected, "{json}");
        }
    }

    #[test]
    fn data_is_not_description() {
        for key in ["example", "examples", "default", "enum", "const", "x-internal"] {
            assert_eq!(found(&format!(r#"{{"{key}":[{{"$ref":"p.yaml"}}]}}"#)), [""; 0], "{key}");
        }
        for (json, expected) in [
            (r#"{"responses":{"default":{"$ref":"p.yaml"}}}"#, "p.yaml /responses/default 1"),
            (r#"{"properties":{"example":{"$ref":"p.yaml"}}}"#, "p.yaml /properties/example 1"),
            (r#"{"headers":{"x-rate":{"$ref":"p.yaml"}}}"#, "p.yaml /headers/x-rate 1"),
            (
                r#"{"properties":{"properties":{"properties":{"default":{"$ref":"p.yaml"}}}}}"#,
                "p.yaml /properties/properties/properties/default 1",
            ),
        ] {
            assert_eq!(found(json), [expected], "{json}");
        }
        // A property called `properties` is a schema again.
        assert_eq!(found(r#"{"properties":{"properties":{"default":{"$ref":"p.yaml"}}}}"#), [""; 0]);
    }

    #[test]
    fn names_of_schemas_are_found_and_references_know_what_they_are_relative_to() {
        let json = r##"{"a":{"properties":{"$id":{"$ref":"p"},"x":{"$ref":"q"},"y":{"$id":"in#f","$ref":"q"}},"$id":"https://s.example/out"},
            "b":{"$ref":"q"},"c":{"$id":7},"d":{"$id":"#f"},"e":{"default":{"$id":"data"}},"f":{"$id":"urn:u"}}"##;
        let References { external, ids } = references(json.as_bytes());
        let ids: Vec<_> = ids.iter().map(|id| (id.text.as_str(), id.parent)).collect();
        assert_eq!(ids, [("in", Some(1)), ("https://s.example/out", None), ("urn:u", None)]);
        let shown: Vec<_> = external.iter().map(|e| (e.target.as_str(), e.pointer.as_str(), e.scope)).collect();
        let expected = [
            ("p", "/a/properties/$id", Some(1)),
            ("q", "/a/properties/x", Some(1)),
            ("q", "/a/properties/y", Some(0)),
            ("q", "/b", None),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_quick_look_is_enough_when_there_is_nothing() {
        assert!(!may_have_external(br##"{"a":{"$ref" :  "#/b"},"$ref":{}}"##));
        assert!(may_have_external(br##"{"a":{"$ref" :  "b"}}"##));
    }
}
