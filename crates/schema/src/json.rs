//! A JSON value that borrows its text: what is checked is read once and thrown away, so nothing is copied that has no
//! escapes. Numbers are whole or `f64`. Not for sending: bodies go out as they came.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// A JSON value.
#[derive(Debug, Clone, Default)]
pub enum Json<'a> {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object, members in the order of the text; a name may occur twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A JSON number.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// Whole, and fits.
    Int(i64),
    /// Whole, and too large for `i64`.
    Large(u64),
    /// Everything else, as near as `f64` comes.
    Float(f64),
}

impl Number {
    /// Of mathematical value without fraction: `1.0` too.
    pub fn is_whole(self) -> bool {
        match self {
            Self::Int(_) | Self::Large(_) => true,
            Self::Float(float) => float.fract() == 0.0,
        }
    }

    /// As `f64`, perhaps rounded.
    pub fn as_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "said so")]
        match self {
            Self::Int(int) => int as f64,
            Self::Large(int) => int as f64,
            Self::Float(float) => float,
        }
    }

    /// The whole number, when it is one and exactly known.
    pub(crate) fn as_int(self) -> Option<i128> {
        match self {
            Self::Int(int) => Some(int.into()),
            Self::Large(int) => Some(int.into()),
            #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
            Self::Float(float) if float.fract() == 0.0 && float.abs() < 1e30 => Some(float as i128),
            Self::Float(_) => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::Large(int) => write!(f, "{int}"),
            Self::Float(float) => write!(f, "{float}"),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// JSON has no NaN, so the order is total.
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Self::Int(left), Self::Int(right)) = (self, other) {
            return left.cmp(right);
        }
        match (self.as_int(), other.as_int()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }
}

impl<'a> Json<'a> {
    /// Reads one JSON value; as deep as `serde_json` goes (128 levels).
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The last member of this name.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(bool) => Json::Bool(bool),
            Self::Number(number) => Json::Number(number),
            Self::Text(text) => Json::Text(Cow::Owned(text.into_owned())),
            Self::List(items) => Json::List(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(members) => Json::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::List(_) => 4,
            Self::Object(_) => 5,
        }
    }

    /// An order in which equal values, and only those, are equal: by meaning, whatever the order of members.
    pub(crate) fn order(&self, other: &Json<'_>) -> Ordering {
        match (self, other) {
            (Self::Bool(left), Json::Bool(right)) => left.cmp(right),
            (Self::Number(left), Json::Number(right)) => left.cmp(right),
            (Self::Text(left), Json::Text(right)) => left.as_ref().cmp(right.as_ref()),
            (Self::List(left), Json::List(right)) => {
                let items = left.iter().zip(right).map(|(l, r)| l.order(r));
                items.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
            }
            (Self::Object(left), Json::Object(right)) => order_members(left, right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn order_members(left: &[(Cow<'_, str>, Json<'_>)], right: &[(Cow<'_, str>, Json<'_>)]) -> Ordering {
    if left.len() != right.len() {
        return left.len().cmp(&right.len());
    }
    let (mut l, mut r): (Vec<_>, Vec<_>) = (left.iter().collect(), right.iter().collect());
    l.sort_by(|a, b| a.0.cmp(&b.0));
    r.sort_by(|a, b| a.0.cmp(&b.0));
    let members = l.iter().zip(&r).map(|(l, r)| l.0.as_ref().cmp(r.0.as_ref()).then_with(|| l.1.order(&r.1)));
    members.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl PartialEq for Json<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E: Error>(self, bool: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(bool))
    }
    fn visit_i64<E: Error>(self, int: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Int(int)))
    }
    fn visit_u64<E: Error>(self, int: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(i64::try_from(int).map_or(Number::Large(int), Number::Int)))
    }
    fn visit_f64<E: Error>(self, float: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Float(float)))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Json::Object(members))
    }
}

/// The name of a member, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json<'_> {
        Json::parse(text).expect(text)
    }

    #[test]
    fn values_are_equal_by_meaning() {
        for (left, right, same) in [
            ("1", "1.0", true),
            ("1e2", "100", true),
            ("9223372036854775808", "9223372036854775808.0", true),
            ("1", "true", false),
            ("0", "false", false),
            (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1}"#, true),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#, false),
            ("[1,2]", "[2,1]", false),
            (r#""\u0061""#, r#""a""#, true),
            ("null", "false", false),
        ] {
            assert_eq!(json(left) == json(right), same, "{left} {right}");
        }
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        let read = json(r#"["plain","es\"caped"]"#);
        let Json::List(items) = &read else { panic!("a list") };
        assert!(matches!(&items[0], Json::Text(Cow::Borrowed("plain"))));
        assert!(matches!(&items[1], Json::Text(Cow::Owned(_))));
    }
}
