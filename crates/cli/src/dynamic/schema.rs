//! As much of JSON Schema as a command line can check before sending: integer, number, boolean, enum. Everything
//! else is the API's to judge; what is not understood passes.

use serde_json::Value;
use serde_json::value::RawValue;

/// The schema of one parameter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    types: Vec<String>,
    choices: Vec<String>,
    /// For help.
    pub(crate) default: Option<String>,
    is_array: bool,
    item: String,
}

impl Schema {
    pub(crate) fn read(raw: Option<&RawValue>) -> Self {
        let value = raw.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok()).unwrap_or(Value::Null);
        Self::of(&value)
    }

    /// Of a schema that is already a tree.
    pub(crate) fn of(value: &Value) -> Self {
        let types = types_of(value);
        let choices = match (value.get("enum"), value.get("const")) {
            (Some(Value::Array(choices)), _) => choices.iter().filter(|c| !c.is_null()).map(shown).collect(),
            (_, Some(only)) => vec![shown(only)],
            _ => Vec::new(),
        };
        let is_array = types.iter().any(|kind| kind == "array");
        let item = value.get("items").map_or_else(String::new, |items| Self::of(items).kind());
        Self { types, choices, default: value.get("default").map(shown), is_array, item }
    }

    /// Word for help: `integer`, `asc|desc`, `string,…`.
    pub(crate) fn kind(&self) -> String {
        if !self.choices.is_empty() {
            return self.choices.join("|");
        }
        if self.is_array {
            return format!("{},…", if self.item.is_empty() { "value" } else { &self.item });
        }
        if self.types.is_empty() {
            return "value".into();
        }
        if self.types.iter().all(|kind| kind == "boolean") {
            return "true|false".into();
        }
        self.types.join("|")
    }

    /// The values, when they are few and known.
    pub(crate) fn choices(&self) -> Vec<String> {
        let is_boolean =
            self.choices.is_empty() && !self.types.is_empty() && self.types.iter().all(|t| t == "boolean");
        if is_boolean { vec!["true".into(), "false".into()] } else { self.choices.clone() }
    }

    /// Several occurrences of the flag are one value, joined by commas.
    pub(crate) fn is_array(&self) -> bool {
        self.is_array
    }

    /// A value that fits, for examples.
    pub(crate) fn sample(&self) -> Option<String> {
        if let Some(value) = self.default.clone().or_else(|| self.choices.first().cloned()) {
            return Some(value);
        }
        match self.types.first().map(String::as_str) {
            Some("integer" | "number") => Some("1".into()),
            Some("boolean") => Some("true".into()),
            _ => None,
        }
    }

    /// What was expected, when the value does not fit.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        if self.is_array {
            return Ok(());
        }
        if !self.choices.is_empty() {
            return match self.choices.iter().any(|choice| choice == value) {
                true => Ok(()),
                false => Err(format!("one of: {}", self.choices.join(", "))),
            };
        }
        let fits = |kind: &str| match kind {
            "integer" => is_integer(value),
            "number" => is_number(value),
            "boolean" => matches!(value, "true" | "false"),
            // Objects and text alike are passed on.
            _ => true,
        };
        if self.types.is_empty() || self.types.iter().any(|kind| fits(kind)) {
            return Ok(());
        }
        let words: Vec<&str> = self
            .types
            .iter()
            .map(|kind| match kind.as_str() {
                "integer" => "a whole number",
                "number" => "a number",
                "boolean" => "true or false",
                other => other,
            })
            .collect();
        Err(words.join(" or "))
    }
}

fn types_of(value: &Value) -> Vec<String> {
    match value.get("type") {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A JSON number without fraction, of any size: `-7`, `1e3`.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_digits || (is_number(text) && text.parse::<f64>().is_ok_and(|number| number.fract() == 0.0))
}

/// A finite decimal number.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '+'))
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(json: &str) -> Schema {
        Schema::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn values_are_checked_by_type_and_enum_and_by_nothing_else() {
        let integer = r#"{"type":"integer","minimum":5}"#;
        for (json, value, expected) in [
            (integer, "3", Ok(())),
            (integer, "-12345678901234567890123", Ok(())),
            (integer, "1e3", Ok(())),
            (integer, "1.5", Err("a whole number")),
            (integer, "abc", Err("a whole number")),
            (integer, "", Err("a whole number")),
            (r#"{"type":"number"}"#, "1.5e-3", Ok(())),
            (r#"{"type":"number"}"#, "inf", Err("a number")),
            (r#"{"type":"number"}"#, "1e999", Err("a number")),
            (r#"{"type":"boolean"}"#, "true", Ok(())),
            (r#"{"type":"boolean"}"#, "yes", Err("true or false")),
            (r#"{"type":["integer","null"]}"#, "x", Err("a whole number")),
            (r#"{"type":["integer","string"]}"#, "x", Ok(())),
            (r#"{"type":"string","enum":["a","b"]}"#, "c", Err("one of: a, b")),
            (r#"{"type":"integer","enum":[1,2]}"#, "2", Ok(())),
            (r##"{"$ref":"#/components/schemas/X"}"##, "anything", Ok(())),
            (r#"{"type":"array","items":{"type":"integer"}}"#, "1,2", Ok(())),
            ("true", "x", Ok(())),
        ] {
            assert_eq!(schema(json).check(value), expected.map_err(str::to_owned), "{json} {value}");
        }
    }

    #[test]
    fn help_gets_a_word_for_every_kind() {
        for (json, expected) in [
            (r#"{"type":"integer"}"#, "integer"),
            (r#"{"enum":["a",1,null]}"#, "a|1"),
            (r#"{"type":"array","items":{"type":"string"}}"#, "string,…"),
            (r#"{"type":["number","null"]}"#, "number"),
            (r#"{"type":"boolean"}"#, "true|false"),
            ("{}", "value"),
        ] {
            assert_eq!(schema(json).kind(), expected, "{json}");
        }
    }
}
