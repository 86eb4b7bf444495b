//! JSON objects as lists of borrowed members: one pass over the text, nothing below the first level is looked at.
//! Lenient on purpose: a member of the wrong shape is a missing member. Not for schemas, which are never read.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A document of the set, in the order of first use.
pub(crate) type DocumentId = usize;

/// A value and the document that holds it, which is the base of its `$ref`s.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) document: DocumentId,
    pub(crate) raw: &'a RawValue,
}

/// What kind of JSON value a text is, seen from its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub(crate) fn of(raw: &RawValue) -> Self {
        Self::of_byte(raw.get().as_bytes().first())
    }

    /// The text is valid JSON or about to be found invalid.
    pub(crate) fn of_text(text: &str) -> Self {
        Self::of_byte(text.trim_start().as_bytes().first())
    }

    fn of_byte(first: Option<&u8>) -> Self {
        match first {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::Text,
            Some(b't' | b'f') => Self::Bool,
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number,
        }
    }

    /// For messages.
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::Null => "empty",
        }
    }
}

impl<'a> Place<'a> {
    pub(crate) fn kind(self) -> Kind {
        Kind::of(self.raw)
    }

    /// A text, or a number or boolean as written: YAML authors forget quotes (OA-4).
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let written = self.raw.get();
        match self.kind() {
            Kind::Text if !written.contains('\\') => {
                written.get(1..written.len().saturating_sub(1)).map(Cow::Borrowed)
            }
            Kind::Text => serde_json::from_str(written).ok().map(Cow::Owned),
            Kind::Number | Kind::Bool => Some(Cow::Borrowed(written)),
            Kind::Object | Kind::Array | Kind::Null => None,
        }
    }

    /// Only the boolean `true`; the text `"true"` is not one (§9.8).
    pub(crate) fn is_true(self) -> bool {
        self.raw.get() == "true"
    }

    /// The elements of a list; `None` for anything else.
    pub(crate) fn elements(self) -> Option<Vec<Self>> {
        if self.kind() != Kind::Array {
            return None;
        }
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.raw.get()).ok()?;
        Some(elements.into_iter().map(|raw| Self { document: self.document, raw }).collect())
    }
}

/// The members of a JSON object, in document order.
#[derive(Clone, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Place<'a>)>);

impl<'a> Object<'a> {
    /// `None` when the value is no object.
    pub(crate) fn of(place: Place<'a>) -> Option<Self> {
        match place.kind() {
            Kind::Object => Self::parse(place.raw.get(), place.document).ok(),
            _ => None,
        }
    }

    /// Reads the text of an object.
    pub(crate) fn parse(text: &'a str, document: DocumentId) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let object = Members { document }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(object)
    }

    /// The last member of this name that is not `null`.
    pub(crate) fn get(&self, name: &str) -> Option<Place<'a>> {
        let (_, place) = self.0.iter().rev().find(|(key, _)| key == name)?;
        (place.kind() != Kind::Null).then_some(*place)
    }

    /// A member's text, see [`Place::text`].
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.text()
    }

    /// A member's text; empty when missing.
    pub(crate) fn string(&self, name: &str) -> String {
        self.text(name).map(Cow::into_owned).unwrap_or_default()
    }

    /// True when the member is the boolean `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(Place::is_true)
    }

    /// A member's boolean.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name)?.raw.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// A member's object.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::of(self.get(name)?)
    }

    /// The target of a `$ref`.
    pub(crate) fn reference(&self) -> Option<Cow<'a, str>> {
        let place = self.get("$ref")?;
        if place.kind() == Kind::Text { place.text() } else { None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Members in document order, `null` ones too.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Cow<'a, str>, Place<'a>)> {
        self.0.iter().map(|(key, place)| (key, *place))
    }

    /// Puts the wanted members of `outer` over the own ones.
    pub(crate) fn overlay(&mut self, outer: Object<'a>, wanted: impl Fn(&str) -> bool) {
        self.0.extend(outer.0.into_iter().filter(|(key, _)| key != "$ref" && wanted(key)));
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Place<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A member name, borrowed unless it is written with escapes.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct Members {
    document: DocumentId,
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            let raw: &'de RawValue = map.next_value()?;
            members.push((key, Place { document: self.document, raw }));
        }
        Ok(Object(members))
    }
}

/// Says whether the text is one JSON value, without keeping anything of it.
pub(crate) fn check(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object<'_> {
        Object::parse(text, 0).expect("object")
    }

    #[test]
    fn members_are_borrowed_and_wrong_shapes_are_missing() {
        let text = r#"{"a":"x","b":3.10,"c":true,"d":null,"e":{"f":1},"g":"q\"\u00e9","\u0061b":"k","a":"y"}"#;
        let object = object(text);
        assert_eq!(object.string("a"), "y", "the last of a repeated member counts");
        assert_eq!(object.string("b"), "3.10");
        assert_eq!(object.string("c"), "true");
        assert_eq!(object.boolean("c"), Some(true));
        assert!(object.get("d").is_none());
        assert_eq!(object.string("e"), "");
        assert_eq!(object.object("e").map(|e| e.string("f")).as_deref(), Some("1"));
        assert_eq!(object.string("g"), "q\"é");
        assert_eq!(object.string("ab"), "k");
        assert!(object.object("a").is_none());
        assert!(object.get("a").and_then(Place::elements).is_none());
    }

    #[test]
    fn broken_text_is_refused() {
        for text in ["", "{", "[]", "{} {}", r#"{"a":}"#, "nul"] {
            assert!(Object::parse(text, 0).is_err(), "{text}");
        }
        assert!(check("[1,{}]").is_ok());
        assert!(check("[1,").is_err());
    }
}
