//! JSON lists and objects of scalars as text, in the order they are written: what parameters and forms can carry.
//! Numbers stay as they are written. Not for nested values; `null` means absent (RFC 6570 §2.3).

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A list or an object inside one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nested;

/// The members of a JSON object, values unread.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl<'a> Members<'a> {
    /// `None` when the text is no JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The elements of a JSON list, unread; `None` when the text is none.
pub(crate) fn elements(text: &str) -> Option<Vec<&RawValue>> {
    if text.trim_start().starts_with('[') { serde_json::from_str(text).ok() } else { None }
}

/// The text of a scalar; `None` for `null`.
pub(crate) fn scalar(raw: &RawValue) -> Result<Option<Cow<'_, str>>, Nested> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') => Err(Nested),
        Some(b'n') | None => Ok(None),
        Some(b'"') => Ok(serde_json::from_str::<String>(text).ok().map(Cow::Owned)),
        Some(_) => Ok(Some(Cow::Borrowed(text))),
    }
}
