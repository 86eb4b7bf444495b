//! Containers indexed for JSON Pointers (RFC 6901), and the escapes of pointer tokens. Not for following `$ref`s.

use crate::json::{Key, Kind};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// A container of a document, indexed.
pub(crate) enum Node<'a> {
    Object(HashMap<Cow<'a, str>, &'a RawValue>),
    Array(Vec<&'a RawValue>),
}

impl<'a> Node<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        match Kind::of_text(text) {
            Kind::Object => serde_json::from_str::<Index<'a>>(text).ok().map(|index| Self::Object(index.0)),
            Kind::Array => serde_json::from_str(text).ok().map(Self::Array),
            _ => None,
        }
    }

    pub(crate) fn get(&self, token: &str) -> Option<&'a RawValue> {
        match self {
            Self::Object(members) => members.get(token).copied(),
            Self::Array(elements) => {
                let canonical = token == "0" || !token.starts_with('0');
                if !canonical || !token.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                elements.get(token.parse::<usize>().ok()?).copied()
            }
        }
    }
}

/// The member names of an object on the way from its value.
struct Index<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'de> serde::Deserialize<'de> for Index<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IndexVisitor;
        impl<'de> Visitor<'de> for IndexVisitor {
            type Value = Index<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = HashMap::new();
                while let Some((Key(key), raw)) = map.next_entry()? {
                    members.insert(key, raw);
                }
                Ok(Index(members))
            }
        }
        deserializer.deserialize_map(IndexVisitor)
    }
}

/// The member name that a token of a JSON Pointer stands for.
pub(crate) fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~").into() } else { token.into() }
}

/// One token of a JSON Pointer, escaped.
pub(crate) fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) { token.replace('~', "~0").replace('/', "~1").into() } else { token.into() }
}
