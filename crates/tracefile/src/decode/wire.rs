//! The JSON as it is written: only the fields that are read, numbers as strings or numbers, words as words or numbers.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceSpans<'a> {
    #[serde(borrow)]
    pub(super) scope_spans: Option<Vec<ScopeSpans<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct ScopeSpans<'a> {
    #[serde(borrow)]
    pub(super) spans: Option<Vec<Span<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span<'a> {
    #[serde(borrow, default)]
    pub(super) trace_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) span_id: Cow<'a, str>,
    pub(super) parent_span_id: Option<String>,
    pub(super) flags: Option<Int>,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: Word,
    pub(super) start_time_unix_nano: Option<Int>,
    pub(super) end_time_unix_nano: Option<Int>,
    /// Not looked at for spans that are only counted.
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    pub(super) status: Option<Status>,
}

impl<'a> Span<'a> {
    pub(super) fn attributes(&self) -> Vec<KeyValue<'a>> {
        let pairs = self.attributes.and_then(|raw| serde_json::from_str::<Option<Vec<_>>>(raw.get()).ok());
        pairs.flatten().unwrap_or_default()
    }
}

#[derive(Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) code: Word,
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct KeyValue<'a> {
    #[serde(borrow, default)]
    pub(super) key: Cow<'a, str>,
    pub(super) value: Option<AnyValue>,
}

/// One of them is set. Lists and maps have the form that OTLP gives them; we write none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnyValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Int>,
    double_value: Option<Value>,
    array_value: Option<Value>,
    kvlist_value: Option<Value>,
    bytes_value: Option<Value>,
}

impl AnyValue {
    pub(super) fn into_json(self) -> Value {
        let int = self.int_value.and_then(|int| int.0).map(Value::from);
        let text = self.string_value.map(Value::String);
        let others = self.double_value.or(self.array_value).or(self.kvlist_value).or(self.bytes_value);
        text.or(int).or(self.bool_value.map(Value::Bool)).or(others).unwrap_or(Value::Object(Map::new()))
    }
}

/// A whole number, or what could not be understood as one.
pub(super) struct Int(pub(super) Option<i64>);

/// A word of a closed list, or its number.
#[derive(Default)]
pub(super) enum Word {
    #[default]
    None,
    Number(i64),
    Text(String),
}

impl Word {
    pub(super) fn is(&self, word: &str, number: i64) -> bool {
        match self {
            Self::None => false,
            Self::Number(own) => *own == number,
            Self::Text(own) => own == word,
        }
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Word::deserialize(deserializer)? {
            Word::Number(number) => Some(number),
            Word::Text(text) => text.parse().ok(),
            Word::None => None,
        }))
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;
        impl Visitor<'_> for NumberOrText {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or text")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word::Number(number))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
                Ok(i64::try_from(number).map_or(Word::None, Word::Number))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Word, E> {
                Ok(Word::Number(number as i64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word::Text(text.to_owned()))
            }
            fn visit_unit<E: Error>(self) -> Result<Word, E> {
                Ok(Word::None)
            }
        }
        deserializer.deserialize_any(NumberOrText)
    }
}
