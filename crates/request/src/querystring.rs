//! The whole query as one parameter: `in: querystring` of OpenAPI 3.2 (§4.12.1). Its media type says how the value is
//! written: a form from a JSON object or from `a=1&b=2`, anything else as one text, percent-encoded. Not for parameters
//! beside it: what the server's URL fixes stays, and can't be replaced.

use crate::encode;
use serde_json::{Map, Value};

/// Most members of a form.
const MAX_MEMBERS: usize = 4096;

/// How the value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// `application/x-www-form-urlencoded`, also when nothing is said.
    Form,
    /// JSON, which must be JSON.
    Json,
    /// As it is given.
    Text,
}

impl Whole {
    pub(crate) fn of(content_type: &str) -> Self {
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            "" | "application/x-www-form-urlencoded" => Self::Form,
            media if media.ends_with("/json") || media.ends_with("+json") => Self::Json,
            _ => Self::Text,
        }
    }

    /// Encoded names and values. The name is empty for a text that is the query itself.
    pub(crate) fn pairs(self, text: &str) -> Result<Vec<(String, String)>, &'static str> {
        match self {
            Self::Form => form(text),
            Self::Json if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => Err("must be JSON"),
            Self::Json | Self::Text => {
                let mut encoded = String::with_capacity(text.len() * 2);
                encode::push_strict(&mut encoded, text);
                Ok(vec![(String::new(), encoded)])
            }
        }
    }
}

fn form(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut pairs = Vec::new();
    if text.trim_start().starts_with('{') {
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| "must be a JSON object, or pairs such as a=1&b=2")?;
        for (name, value) in &members {
            match value {
                Value::Null => {}
                Value::Array(items) => items.iter().for_each(|item| push(&mut pairs, name, &shown(item))),
                value => push(&mut pairs, name, &shown(value)),
            }
        }
    } else {
        let text = text.strip_prefix('?').unwrap_or(text);
        for (name, value) in ::url::form_urlencoded::parse(text.as_bytes()) {
            push(&mut pairs, &name, &value);
        }
    }
    if pairs.len() > MAX_MEMBERS {
        return Err("has more members than a query can take");
    }
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err("has a member without a name");
    }
    Ok(pairs)
}

fn push(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    pairs.push((encode::form(name), encode::form(value)));
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content_type: &str, text: &str) -> String {
        match Whole::of(content_type).pairs(text) {
            Ok(pairs) => pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"),
            Err(problem) => format!("! {problem}"),
        }
    }

    #[test]
    fn the_media_type_says_how_the_query_is_written() {
        let form = "application/x-www-form-urlencoded";
        for (content_type, text, expected) in [
            (
                form,
                r#"{"a b":"c&d","n":[1,"x"],"o":{"p":true},"z":null}"#,
                "a+b=c%26d&n=1&n=x&o=%7B%22p%22%3Atrue%7D",
            ),
            (form, "?a=1&b=%20x&a=2", "a=1&b=+x&a=2"),
            ("", "a", "a="),
            ("", "", ""),
            (form, "{", "! must be a JSON object, or pairs such as a=1&b=2"),
            (form, "=1", "! has a member without a name"),
            (form, "a=1#x&b", "a=1%23x&b="),
            ("application/json; charset=utf-8", r#"{"a":[1]}"#, "=%7B%22a%22%3A%5B1%5D%7D"),
            ("application/problem+json", "{", "! must be JSON"),
            ("text/plain", "a b&c=d", "=a%20b%26c%3Dd"),
        ] {
            assert_eq!(shown(content_type, text), expected, "{content_type} {text}");
        }
    }
}
