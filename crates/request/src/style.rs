//! Values as text: OpenAPI `style`, `explode` and `allowReserved` over RFC 6570 (OpenAPI 3.1 §4.8.12.4, 3.2 §4.12.5).
//! Lists and objects inside lists and objects have a form in `deepObject` only. Not for reading what was given, and not
//! for values described by a media type.

use crate::encode;
use crate::value::{Part, Value};
use serde_json::value::RawValue;

/// Lists and objects within each other, in `deepObject`.
const MAX_DEPTH: usize = 16;
/// Names and values that `deepObject` makes of one value.
const MAX_PAIRS: usize = 4096;

/// Why a value has no form in a style.
pub(crate) const NESTED: &str =
    "holds a list or an object inside, which this style can't carry; only `deepObject` and `content` can";

/// How a parameter's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    kind: Kind,
    explode: bool,
    reserved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form,
    Simple,
    Label,
    Matrix,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
    /// OpenAPI 3.2: one cookie per value.
    Cookie,
}

/// Where the text goes decides how its parts are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Query {
        reserved: bool,
    },
    Path {
        reserved: bool,
    },
    Cookie,
    /// Header values are sent as they are.
    Header,
}

impl Style {
    /// An unknown style is the default one of the location.
    pub(crate) fn of(location: &str, style: &str, explode: Option<bool>, reserved: bool) -> Self {
        let (kind, explode_by_default) = match (location, style) {
            ("path", "label") => (Kind::Label, false),
            ("path", "matrix") => (Kind::Matrix, false),
            ("path" | "header", _) => (Kind::Simple, false),
            ("query", "spaceDelimited") => (Kind::SpaceDelimited, false),
            ("query", "pipeDelimited") => (Kind::PipeDelimited, false),
            ("query", "deepObject") => (Kind::DeepObject, true),
            ("cookie", "cookie") => (Kind::Cookie, true),
            _ => (Kind::Form, true),
        };
        Self { kind, explode: explode.unwrap_or(explode_by_default), reserved }
    }

    /// Can it be written?
    pub(crate) fn check(self, value: &Value<'_>) -> Result<(), &'static str> {
        match (self.kind, value.is_nested()) {
            (Kind::DeepObject, true) => {
                let mut pairs = Vec::new();
                let is_fine = self.deep("", value, &mut pairs);
                if is_fine { Ok(()) } else { Err("is nested too deeply, or holds too many values") }
            }
            (_, true) => Err(NESTED),
            (_, false) => Ok(()),
        }
    }

    /// The query parameters for a value of a parameter named `wire`: encoded names and values.
    pub(crate) fn query(self, wire: &str, value: &Value<'_>) -> Vec<(String, String)> {
        let escape = Escape::Query { reserved: self.reserved };
        let name = || encode::form(wire);
        match value {
            Value::Scalar(text) => vec![(name(), escape.of(text))],
            _ if self.kind == Kind::DeepObject && !value.is_empty() => {
                let mut pairs = Vec::new();
                self.deep(wire, value, &mut pairs);
                pairs
            }
            Value::List(items) if self.explode && !items.is_empty() => {
                items.iter().map(|item| (name(), escape.part(item))).collect()
            }
            Value::Object(members) if self.explode && !members.is_empty() => {
                members.iter().map(|(key, value)| (encode::form(key), escape.part(value))).collect()
            }
            _ => {
                let separator = match self.kind {
                    Kind::SpaceDelimited => "%20",
                    Kind::PipeDelimited => "%7C",
                    _ => ",",
                };
                let mut out = String::new();
                join(&mut out, value, escape, separator, separator);
                vec![(name(), out)]
            }
        }
    }

    /// `a[b]=1`, deeper objects as `a[b][c]=1`. The specification leaves lists open: those of scalars are `a[]=1`, as
    /// the APIs that use this style read them; others have numbers, `a[0][b]=1`. False when it is beyond the bounds.
    fn deep(self, wire: &str, value: &Value<'_>, pairs: &mut Vec<(String, String)>) -> bool {
        match value {
            Value::Scalar(_) => true,
            Value::List(items) => self.deep_list(wire, items, 0, pairs),
            Value::Object(members) => {
                members.iter().all(|(key, part)| self.deep_part(format!("{wire}[{key}]"), part, 1, pairs))
            }
        }
    }

    fn deep_list(self, name: &str, items: &[Part<'_>], depth: usize, pairs: &mut Vec<(String, String)>) -> bool {
        let is_flat = items.iter().all(|item| matches!(item, Part::Text(_)));
        items.iter().enumerate().all(|(index, item)| {
            let name = if is_flat { format!("{name}[]") } else { format!("{name}[{index}]") };
            self.deep_part(name, item, depth + 1, pairs)
        })
    }

    fn deep_part(self, name: String, part: &Part<'_>, depth: usize, pairs: &mut Vec<(String, String)>) -> bool {
        if depth > MAX_DEPTH || pairs.len() >= MAX_PAIRS {
            return false;
        }
        match part {
            Part::Text(text) => {
                pairs.push((encode::form(&name), Escape::Query { reserved: self.reserved }.of(text)));
                true
            }
            Part::Nested(raw) => self.deep_raw(&name, raw, depth, pairs),
        }
    }

    fn deep_raw(self, name: &str, raw: &RawValue, depth: usize, pairs: &mut Vec<(String, String)>) -> bool {
        if let Some(elements) = crate::flat::elements(raw.get()) {
            let items: Vec<Part<'_>> = elements.into_iter().filter_map(Part::of).collect();
            return self.deep_list(name, &items, depth, pairs);
        }
        let Some(members) = crate::flat::Members::parse(raw.get()) else { return false };
        members
            .0
            .into_iter()
            .filter_map(|(key, raw)| Some((key, Part::of(raw)?)))
            .all(|(key, part)| self.deep_part(format!("{name}[{key}]"), &part, depth + 1, pairs))
    }

    /// True when the names of query parameters come from the value.
    pub(crate) fn names_from_value(self, value: &Value<'_>) -> bool {
        matches!(value, Value::Object(_)) && self.explode && self.kind != Kind::DeepObject
    }

    /// The text for a path.
    pub(crate) fn path(self, wire: &str, value: &Value<'_>) -> String {
        let escape = Escape::Path { reserved: self.reserved };
        let mut out = String::new();
        match self.kind {
            Kind::Label => {
                out.push('.');
                let (between, inner) = if self.explode { (".", "=") } else { (",", ",") };
                join(&mut out, value, escape, between, inner);
            }
            Kind::Matrix => self.matrix(&mut out, wire, value),
            _ => join(&mut out, value, escape, ",", if self.explode { "=" } else { "," }),
        }
        out
    }

    /// RFC 6570 §3.2.7: `;name=value`, without `=` for an empty text.
    fn matrix(self, out: &mut String, wire: &str, value: &Value<'_>) {
        let escape = Escape::Path { reserved: self.reserved };
        let push = |out: &mut String, name: &str, value: &str| {
            out.push(';');
            encode::push_strict(out, name);
            if !value.is_empty() {
                out.push('=');
                out.push_str(value);
            }
        };
        match value {
            Value::Scalar(text) => push(out, wire, &escape.of(text)),
            Value::List(items) if self.explode => {
                items.iter().for_each(|item| push(out, wire, &escape.part(item)));
            }
            Value::Object(members) if self.explode => {
                members.iter().for_each(|(key, value)| push(out, key, &escape.part(value)));
            }
            _ => {
                let mut joined = String::new();
                join(&mut joined, value, escape, ",", ",");
                push(out, wire, &joined);
            }
        }
    }

    /// The text for a header.
    pub(crate) fn header(self, value: &Value<'_>) -> String {
        let mut out = String::new();
        join(&mut out, value, Escape::Header, ",", if self.explode { "=" } else { "," });
        out
    }

    /// Cookie names and values, encoded. `form` writes what RFC 6570 says, with `&` inside one cookie.
    pub(crate) fn cookies(self, wire: &str, value: &Value<'_>) -> Vec<(String, String)> {
        let escape = Escape::Cookie;
        let mut pairs: Vec<(String, String)> = match value {
            Value::Scalar(text) => return vec![(wire.to_owned(), encode::cookie_value(text))],
            Value::List(items) if self.explode && !items.is_empty() => {
                items.iter().map(|item| (wire.to_owned(), escape.part(item))).collect()
            }
            Value::Object(members) if self.explode && !members.is_empty() => {
                members.iter().map(|(key, value)| (escape.of(key), escape.part(value))).collect()
            }
            _ => {
                let mut out = String::new();
                join(&mut out, value, escape, ",", ",");
                vec![(wire.to_owned(), out)]
            }
        };
        if self.kind != Kind::Cookie && pairs.len() > 1 {
            let rest: String = pairs.split_off(1).into_iter().map(|(k, v)| format!("&{k}={v}")).collect();
            pairs[0].1.push_str(&rest);
        }
        pairs
    }
}

/// All values in one text.
fn join(out: &mut String, value: &Value<'_>, escape: Escape, between: &str, inner: &str) {
    match value {
        Value::Scalar(text) => escape.push(out, text),
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { between });
                escape.push_part(out, item);
            }
        }
        Value::Object(members) => {
            for (i, (key, value)) in members.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { between });
                escape.push(out, key);
                out.push_str(inner);
                escape.push_part(out, value);
            }
        }
    }
}

impl Escape {
    fn push(self, out: &mut String, text: &str) {
        match self {
            Self::Query { reserved: false } => encode::push_form(out, text),
            Self::Query { reserved: true } => encode::push_reserved_query(out, text),
            Self::Path { reserved: false } => encode::push_path_value(out, text),
            Self::Path { reserved: true } => encode::push_reserved_path(out, text),
            Self::Cookie => encode::push_strict(out, text),
            Self::Header => out.push_str(text),
        }
    }

    /// What is nested was refused before (`Style::check`).
    fn push_part(self, out: &mut String, part: &Part<'_>) {
        match part {
            Part::Text(text) => self.push(out, text),
            Part::Nested(raw) => self.push(out, raw.get()),
        }
    }

    fn of(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 8);
        self.push(&mut out, text);
        out
    }

    fn part(self, part: &Part<'_>) -> String {
        let mut out = String::new();
        self.push_part(&mut out, part);
        out
    }
}

#[cfg(test)]
#[path = "style_tests.rs"]
mod tests;
