//! What was given for a parameter, as text or as JSON, and what it says. Not for how it is written: see `style`.

use crate::flat::{self, Members};
use open_cli_schema::{Json, Types, View};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Values of one list or object. What is longer does not fit into a URL with any sense.
const MAX_VALUES: usize = 4096;

/// What a caller gave.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given<'a> {
    /// Typed on a command line: the schema says what it means.
    Text(&'a str),
    /// A JSON value; never `null`, which counts as not given.
    Json(&'a RawValue),
}

/// A parameter's value, read.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Scalar(Cow<'a, str>),
    List(Vec<Part<'a>>),
    Object(Vec<(String, Part<'a>)>),
}

/// A value in a list or object.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Text(Cow<'a, str>),
    /// A list or an object inside.
    Nested(&'a RawValue),
}

impl<'a> Part<'a> {
    /// `None` for `null`, which means absent (RFC 6570 §2.3).
    pub(crate) fn of(raw: &'a RawValue) -> Option<Self> {
        match flat::scalar(raw) {
            Ok(text) => text.map(Self::Text),
            Err(flat::Nested) => Some(Self::Nested(raw)),
        }
    }
}

impl<'a> Value<'a> {
    /// What was given, by the types that the schema allows.
    pub(crate) fn read(given: Given<'a>, types: Types) -> Result<Self, &'static str> {
        match given {
            Given::Json(raw) => Self::of_json(raw),
            Given::Text(text) => Self::of_text(text, types),
        }
    }

    fn of_json(raw: &'a RawValue) -> Result<Self, &'static str> {
        if let Some(elements) = flat::elements(raw.get()) {
            return list(elements);
        }
        match Members::parse(raw.get()) {
            Some(members) => object(members),
            None => Ok(Self::Scalar(flat::scalar(raw).ok().flatten().unwrap_or_default())),
        }
    }

    fn of_text(text: &'a str, types: Types) -> Result<Self, &'static str> {
        // Nothing is known: it is sent as it is.
        if types == Types::ANY || !types.allows(Types::LIST | Types::OBJECT) {
            return Ok(Self::Scalar(Cow::Borrowed(text)));
        }
        let takes_text = types.allows(Types::BOOL | Types::NUMBER | Types::TEXT);
        let start = text.trim_start();
        if types.allows(Types::OBJECT) && (start.starts_with('{') || !types.allows(Types::LIST)) {
            return match Members::parse(text) {
                Some(members) => object(members),
                None if takes_text => Ok(Self::Scalar(Cow::Borrowed(text))),
                None => Err("must be a JSON object such as '{\"name\":\"value\"}'"),
            };
        }
        if let Some(elements) = flat::elements(text) {
            return list(elements);
        }
        if takes_text {
            return Ok(Self::Scalar(Cow::Borrowed(text)));
        }
        if text.is_empty() {
            return Ok(Self::List(Vec::new()));
        }
        let items: Vec<_> = text.split(',').take(MAX_VALUES + 1).map(|item| Part::Text(item.into())).collect();
        check_count(items.len())?;
        Ok(Self::List(items))
    }

    /// A list or object without anything in it.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
        }
    }

    /// Something in it is a list or an object itself.
    pub(crate) fn is_nested(&self) -> bool {
        let nested = |part: &Part<'_>| matches!(part, Part::Nested(_));
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.iter().any(nested),
            Self::Object(members) => members.iter().any(|(_, part)| nested(part)),
        }
    }

    /// What text was meant by, as the schema has it: for checking.
    pub(crate) fn meant<'v>(&'v self, view: View<'_>) -> Json<'v> {
        let part = |part: &'v Part<'a>, view: Option<View<'_>>| match part {
            Part::Nested(raw) => Json::parse(raw.get()).unwrap_or_default(),
            Part::Text(text) => match view {
                Some(view) => view.read(text),
                None => Json::Text(Cow::Borrowed(text)),
            },
        };
        match self {
            Self::Scalar(text) => view.read(text),
            Self::List(items) => {
                let of_items = view.items();
                Json::List(items.iter().map(|item| part(item, of_items)).collect())
            }
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(key, value)| (Cow::Borrowed(key.as_str()), part(value, view.member(key))));
                Json::Object(members.collect())
            }
        }
    }
}

fn list<'a>(elements: Vec<&'a RawValue>) -> Result<Value<'a>, &'static str> {
    check_count(elements.len())?;
    Ok(Value::List(elements.into_iter().filter_map(Part::of).collect()))
}

fn object(members: Members<'_>) -> Result<Value<'_>, &'static str> {
    check_count(members.0.len())?;
    let members = members.0.into_iter().filter_map(|(key, raw)| Some((key, Part::of(raw)?)));
    Ok(Value::Object(members.collect()))
}

fn check_count(count: usize) -> Result<(), &'static str> {
    if count > MAX_VALUES { Err("holds more than 4096 values; send fewer") } else { Ok(()) }
}
