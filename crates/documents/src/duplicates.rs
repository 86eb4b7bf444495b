//! Keys that stand twice in one object of a JSON document. Readers of JSON differ in which of them counts, so what a
//! person reads may not be what is served. In YAML such a key is a fault, and the document is refused. Not part of
//! loading: it takes as long as reading, and only a check asks for it.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Most that are told of one document.
const MAX_FOUND: usize = 50;

/// JSON Pointers of the keys of a JSON text that their object has already; nothing for a text that is no JSON.
pub fn duplicate_keys(json: &[u8]) -> Vec<String> {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    match (Node { found: &mut found }).deserialize(&mut deserializer) {
        Ok(()) => found.pointers,
        Err(_) => Vec::new(),
    }
}

#[derive(Default)]
struct Found {
    pointers: Vec<String>,
    pointer: String,
}

struct Node<'a> {
    found: &'a mut Found,
}

impl Node<'_> {
    /// Enters a member or an item.
    fn below(&mut self, token: &str) -> usize {
        let before = self.found.pointer.len();
        self.found.pointer.push('/');
        self.found.pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        before
    }
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
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let before = self.below(&index.to_string());
            let next = list.next_element_seed(Node { found: self.found })?;
            self.found.pointer.truncate(before);
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key_seed(Key)? {
            let before = self.below(&key);
            if !keys.insert(key) && self.found.pointers.len() < MAX_FOUND {
                let pointer = self.found.pointer.clone();
                self.found.pointers.push(pointer);
            }
            map.next_value_seed(Node { found: self.found })?;
            self.found.pointer.truncate(before);
        }
        Ok(())
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_stand_twice_are_found_where_they_are() {
        for (json, expected) in [
            (r#"{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}"#, &[][..]),
            (r#"{"a":1,"a":2,"a":3}"#, &["/a", "/a"]),
            (r#"{"p":{"/x":{},"\u002fx":{"y":1,"y":2}}}"#, &["/p/~1x", "/p/~1x/y"]),
            (r#"[{"a":1,"a":2}]"#, &["/0/a"]),
            ("{\"a\":", &[]),
            ("a: 1", &[]),
        ] {
            assert_eq!(duplicate_keys(json.as_bytes()), expected, "{json}");
        }
        let many = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(1000));
        assert_eq!(duplicate_keys(many.as_bytes()).len(), MAX_FOUND);
    }
}
