//! Lists and objects as parameters: OpenAPI `style` and `explode` over RFC 6570 (OpenAPI 3.1 §4.8.12.4). The text of
//! a list is a JSON list or values between commas; the text of an object is a JSON object. Not for scalars, which
//! are sent as they are, and not for values described by a media type.

use crate::encode;
use crate::flat::{self, Members, Nested};
use open_cli_contract::catalog::ParameterDetails;
use serde::Deserialize;
use std::borrow::Cow;

/// Values of one list or object. What is longer does not fit into a URL with any sense.
const MAX_VALUES: usize = 4096;

/// How the text of a parameter that is no plain scalar is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    array: bool,
    object: bool,
    /// The schema allows a scalar, too.
    scalar: bool,
    style: Style,
    explode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Form,
    Simple,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
    /// OpenAPI 3.2: one cookie per value.
    Cookie,
    /// `label` and `matrix`.
    Unsupported,
}

/// Where the text goes decides how its parts are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Query,
    Path,
    Cookie,
    /// Header values are sent as they are.
    Header,
}

/// A parameter's value, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Sent as it is.
    Scalar(&'a str),
    List(Vec<Cow<'a, str>>),
    Object(Vec<(String, Cow<'a, str>)>),
}

/// The only part of a schema that counts here.
#[derive(Deserialize)]
struct Typed {
    #[serde(default, rename = "type")]
    kind: Kinds,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Kinds {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl Shape {
    /// `None` for a plain scalar.
    pub(crate) fn compile(location: &str, details: &ParameterDetails) -> Option<Self> {
        let (style, explode_by_default) = match (location, details.style.as_str()) {
            ("path", "label" | "matrix") => (Style::Unsupported, false),
            ("path" | "header", _) => (Style::Simple, false),
            ("query", "spaceDelimited") => (Style::SpaceDelimited, false),
            ("query", "pipeDelimited") => (Style::PipeDelimited, false),
            ("query", "deepObject") => (Style::DeepObject, true),
            ("cookie", "cookie") => (Style::Cookie, true),
            _ => (Style::Form, true),
        };
        let explode = details.explode.unwrap_or(explode_by_default);
        let mut shape = Self { array: false, object: false, scalar: false, style, explode };
        if style == Style::Unsupported {
            return Some(shape);
        }
        let schema = details.schema.as_deref().filter(|_| details.content_type.is_empty())?;
        let kinds = match serde_json::from_str::<Typed>(schema.get()).ok()?.kind {
            Kinds::One(kind) => vec![kind],
            Kinds::Many(kinds) => kinds,
            Kinds::None => return None,
        };
        for kind in &kinds {
            match kind.as_str() {
                "array" => shape.array = true,
                "object" => shape.object = true,
                "null" => {}
                _ => shape.scalar = true,
            }
        }
        (shape.array || shape.object).then_some(shape)
    }

    /// The fault of a tool whose style can't be written.
    pub(crate) fn unsupported(&self) -> Option<&'static str> {
        (self.style == Style::Unsupported)
            .then_some("style not supported: this version writes no `label` and `matrix` path parameters")
    }

    /// What the text says, or what is wrong with it.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Value<'a>, &'static str> {
        if self.object && (!self.array || text.trim_start().starts_with('{')) {
            return match Members::parse(text) {
                Some(members) => object(members),
                None if self.scalar => Ok(Value::Scalar(text)),
                None => Err("must be a JSON object such as '{\"name\":\"value\"}'"),
            };
        }
        if !self.array {
            return Ok(Value::Scalar(text));
        }
        if let Some(elements) = flat::elements(text) {
            check_count(elements.len())?;
            let mut items = Vec::with_capacity(elements.len());
            for element in elements {
                items.extend(flat::scalar(element).map_err(nested)?);
            }
            return Ok(Value::List(items));
        }
        if self.scalar {
            return Ok(Value::Scalar(text));
        }
        if text.is_empty() {
            return Ok(Value::List(Vec::new()));
        }
        let items: Vec<_> = text.split(',').take(MAX_VALUES + 1).map(Cow::Borrowed).collect();
        check_count(items.len())?;
        Ok(Value::List(items))
    }

    /// The query parameters for a value of a parameter named `wire`: encoded names and values.
    pub(crate) fn query(&self, wire: &str, value: &Value<'_>) -> Vec<(String, String)> {
        let name = encode::form(wire);
        let is_deep = self.style == Style::DeepObject;
        match value {
            Value::Scalar(text) => vec![(name, encode::form(text))],
            Value::List(items) if self.explode && !items.is_empty() => {
                // The specification leaves lists in `deepObject` open; `name[]` is what APIs that use it read.
                let name = if is_deep { encode::form(&format!("{wire}[]")) } else { name };
                items.iter().map(|item| (name.clone(), encode::form(item))).collect()
            }
            Value::Object(members) if is_deep && !members.is_empty() => members
                .iter()
                .map(|(key, value)| (encode::form(&format!("{wire}[{key}]")), encode::form(value)))
                .collect(),
            Value::Object(members) if self.explode && !members.is_empty() => {
                members.iter().map(|(key, value)| (encode::form(key), encode::form(value))).collect()
            }
            _ => vec![(name, self.joined(value, Escape::Query))],
        }
    }

    /// True when the names of query parameters come from the value.
    pub(crate) fn names_from_value(&self, value: &Value<'_>) -> bool {
        matches!(value, Value::Object(_)) && self.explode && self.style != Style::DeepObject
    }

    /// The text for a path.
    pub(crate) fn path(&self, value: &Value<'_>) -> String {
        self.joined(value, Escape::Path)
    }

    /// The text for a header.
    pub(crate) fn header(&self, value: &Value<'_>) -> String {
        self.joined(value, Escape::Header)
    }

    /// Cookie names and values, encoded. `form` writes what RFC 6570 says, with `&` inside one cookie.
    pub(crate) fn cookies(&self, wire: &str, value: &Value<'_>) -> Vec<(String, String)> {
        let strict = |text: &str| {
            let mut out = String::new();
            encode::push_strict(&mut out, text);
            out
        };
        let mut pairs: Vec<(String, String)> = match value {
            Value::List(items) if self.explode && !items.is_empty() => {
                items.iter().map(|item| (wire.to_owned(), strict(item))).collect()
            }
            Value::Object(members) if self.explode && !members.is_empty() => {
                members.iter().map(|(key, value)| (strict(key), strict(value))).collect()
            }
            _ => vec![(wire.to_owned(), self.joined(value, Escape::Cookie))],
        };
        if self.style != Style::Cookie && pairs.len() > 1 {
            let rest: String = pairs.split_off(1).into_iter().map(|(k, v)| format!("&{k}={v}")).collect();
            pairs[0].1.push_str(&rest);
        }
        pairs
    }

    /// All values in one text.
    fn joined(&self, value: &Value<'_>, escape: Escape) -> String {
        let separator = match self.style {
            Style::SpaceDelimited => "%20",
            Style::PipeDelimited => "%7C",
            _ => ",",
        };
        let mut out = String::new();
        let mut push = |before: &str, text: &str| {
            out.push_str(before);
            escape.push(&mut out, text);
        };
        match value {
            Value::Scalar(text) => push("", text),
            Value::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    push(if i == 0 { "" } else { separator }, item);
                }
            }
            Value::Object(members) => {
                let inner = if self.style == Style::Simple && self.explode { "=" } else { separator };
                for (i, (key, value)) in members.iter().enumerate() {
                    push(if i == 0 { "" } else { separator }, key);
                    push(inner, value);
                }
            }
        }
        out
    }
}

impl Value<'_> {
    /// A list or object without anything in it.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
        }
    }
}

impl Escape {
    fn push(self, out: &mut String, text: &str) {
        match self {
            Self::Query => encode::push_form(out, text),
            Self::Path => encode::push_path_value(out, text),
            Self::Cookie => encode::push_strict(out, text),
            Self::Header => out.push_str(text),
        }
    }
}

fn object(members: Members<'_>) -> Result<Value<'_>, &'static str> {
    check_count(members.0.len())?;
    let mut object = Vec::with_capacity(members.0.len());
    for (key, raw) in members.0 {
        if let Some(value) = flat::scalar(raw).map_err(nested)? {
            object.push((key, value));
        }
    }
    Ok(Value::Object(object))
}

fn nested(_: Nested) -> &'static str {
    "holds a list or an object inside; only flat values are supported in this version"
}

fn check_count(count: usize) -> Result<(), &'static str> {
    if count > MAX_VALUES { Err("holds more than 4096 values; send fewer") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(location: &str, style: &str, explode: Option<bool>, kind: &str) -> Option<Shape> {
        let schema = serde_json::value::RawValue::from_string(format!(r#"{{"type":{kind}}}"#)).expect("json");
        let details =
            ParameterDetails { style: style.into(), explode, schema: Some(schema), ..Default::default() };
        Shape::compile(location, &details)
    }

    fn pairs(pairs: Vec<(String, String)>, between: &str) -> String {
        pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(between)
    }

    const ARRAY: &str = r#""array""#;
    const OBJECT: &str = r#""object""#;
    const COLORS: &str = r#"["blue","black","brown"]"#;
    const RGB: &str = r#"{"R":100,"G":200,"B":150}"#;

    /// OpenAPI 3.1.1 §4.8.12.4, "Style Examples".
    #[test]
    fn the_table_of_the_specification() {
        let (yes, no, default) = (Some(true), Some(false), None);
        for (location, style, explode, kind, text, expected) in [
            ("path", "", default, ARRAY, COLORS, "blue,black,brown"),
            ("path", "simple", yes, ARRAY, COLORS, "blue,black,brown"),
            ("path", "simple", no, OBJECT, RGB, "R,100,G,200,B,150"),
            ("path", "simple", yes, OBJECT, RGB, "R=100,G=200,B=150"),
            ("header", "", default, ARRAY, COLORS, "blue,black,brown"),
            ("header", "", yes, OBJECT, RGB, "R=100,G=200,B=150"),
            ("query", "form", no, ARRAY, COLORS, "color=blue,black,brown"),
            ("query", "", default, ARRAY, COLORS, "color=blue&color=black&color=brown"),
            ("query", "form", no, OBJECT, RGB, "color=R,100,G,200,B,150"),
            ("query", "form", default, OBJECT, RGB, "R=100&G=200&B=150"),
            ("query", "spaceDelimited", default, ARRAY, COLORS, "color=blue%20black%20brown"),
            ("query", "spaceDelimited", no, OBJECT, RGB, "color=R%20100%20G%20200%20B%20150"),
            ("query", "spaceDelimited", yes, ARRAY, COLORS, "color=blue&color=black&color=brown"),
            ("query", "pipeDelimited", no, ARRAY, COLORS, "color=blue%7Cblack%7Cbrown"),
            ("query", "pipeDelimited", no, OBJECT, RGB, "color=R%7C100%7CG%7C200%7CB%7C150"),
            ("query", "deepObject", default, OBJECT, RGB, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
            ("query", "deepObject", yes, ARRAY, "a,b", "color%5B%5D=a&color%5B%5D=b"),
            ("cookie", "", default, ARRAY, COLORS, "color=blue&color=black&color=brown"),
            ("cookie", "form", no, ARRAY, COLORS, "color=blue,black,brown"),
            ("cookie", "form", default, OBJECT, RGB, "R=100&G=200&B=150"),
            ("cookie", "cookie", default, ARRAY, "a,b;", "color=a; color=b%3B"),
            // Parts are encoded, what stands between them is not.
            ("query", "", no, ARRAY, r#"["a,b","c d","ü&"]"#, "color=a%2Cb,c+d,%C3%BC%26"),
            ("query", "", no, ARRAY, "1,2", "color=1,2"),
            ("query", "", default, ARRAY, "[a,b", "color=%5Ba&color=b"),
            ("path", "", default, ARRAY, r#"["a/b","c,d"]"#, "a%2Fb,c%2Cd"),
            ("query", "", default, ARRAY, r#"[1.50,true,null,""]"#, "color=1.50&color=true&color="),
            ("query", "", default, r#"["array","null"]"#, "a,b", "color=a&color=b"),
            ("query", "", default, r#"["array","string"]"#, "a,b", "color=a%2Cb"),
            ("query", "", default, r#"["array","string"]"#, r#"["a","b"]"#, "color=a&color=b"),
            ("query", "", default, r#"["object","string"]"#, "a,b", "color=a%2Cb"),
        ] {
            let shape = shape(location, style, explode, kind).expect("a shape");
            let value = shape.read(text).expect("readable");
            let written = match location {
                "path" => shape.path(&value),
                "header" => shape.header(&value),
                "query" => pairs(shape.query("color", &value), "&"),
                _ => pairs(shape.cookies("color", &value), "; "),
            };
            assert_eq!(written, expected, "{location} {style} {explode:?} {text}");
        }
    }

    #[test]
    fn scalars_and_values_with_a_media_type_have_no_shape() {
        for kind in [r#""string""#, r#"["integer","null"]"#, "7"] {
            assert_eq!(shape("query", "", None, kind), None, "{kind}");
        }
        let schema = serde_json::value::RawValue::from_string(r#"{"type":"object"}"#.into()).expect("json");
        let details = ParameterDetails {
            schema: Some(schema),
            content_type: "application/json".into(),
            ..ParameterDetails::default()
        };
        assert_eq!(Shape::compile("query", &details), None);
        assert!(shape("path", "matrix", None, r#""string""#).expect("a shape").unsupported().is_some());
    }

    #[test]
    fn what_is_not_flat_or_no_object_is_refused() {
        let array = shape("query", "", None, ARRAY).expect("a shape");
        let object = shape("query", "", None, OBJECT).expect("a shape");
        assert!(array.read("[[1]]").expect_err("nested").contains("flat"));
        assert!(object.read(r#"{"a":{}}"#).expect_err("nested").contains("flat"));
        for text in ["", "a", "[1]", "{", "{\"a\":1} x"] {
            assert!(object.read(text).expect_err(text).contains("JSON object"), "{text}");
        }
        assert!(array.read(&",".repeat(MAX_VALUES)).expect_err("many").contains("4096"));
        assert!(array.read("").expect("empty").is_empty());
    }
}
