//! JSON values as YAML 1.2 block style, keys in their order (W36). What could be read as something else is quoted.

use serde_json::Value;
use std::fmt::Write as _;

/// The value as a YAML document with a final newline.
pub(crate) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut out),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut out),
        _ => {
            scalar(value, &mut out);
            out.push('\n');
        }
    }
    out
}

/// A non-empty mapping or sequence, the cursor being at the start of a line or behind `- `.
fn block(value: &Value, indent: usize, out: &mut String) {
    let mut is_first = true;
    let mut start = |out: &mut String| {
        if !std::mem::take(&mut is_first) {
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                start(out);
                string(key, out);
                out.push(':');
                match value {
                    Value::Object(map) if !map.is_empty() => nested(value, indent + 2, out),
                    Value::Array(items) if !items.is_empty() => nested(value, indent, out),
                    _ => {
                        out.push(' ');
                        scalar(value, out);
                        out.push('\n');
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                start(out);
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => block(item, indent + 2, out),
                    Value::Array(items) if !items.is_empty() => block(item, indent + 2, out),
                    _ => {
                        scalar(item, out);
                        out.push('\n');
                    }
                }
            }
        }
        _ => scalar(value, out),
    }
}

fn nested(value: &Value, indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    block(value, indent, out);
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => string(text, out),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn string(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    // JSON's escapes are a subset of YAML's double-quoted ones; what JSON leaves bare but YAML does not print is
    // escaped as well.
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Starts with a letter, holds no indicator, and no YAML version reads it as anything but a string.
fn is_plain(text: &str) -> bool {
    let is_word_start = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_harmless = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, ' ' | '_' | '-' | '.' | '/' | '+' | '(' | ')' | '@' | ':' | '=' | '$' | ';')
    };
    is_word_start
        && text.len() <= 200
        && text.chars().all(is_harmless)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_keep_case_and_order_and_ambiguous_text_is_quoted() {
        let value = serde_json::json!({
            "statusCode": 200, "activePath": null, "version": "1.0", "yes": "no", "url": "http://h/a?b=1#c",
            "list": [1, {"a": [], "b": [[2, 3], {}]}, "- x"], "empty": {}, "text": "two\nlines: é",
        });
        insta::assert_snapshot!(yaml(&value));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~éñ\n\t:#'\"-]{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "null", "~", "0x1", "1e3", "- a", "a: b", "a #b", "---", ".5", "@a", "!x", "a:", "=", "<<"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[ -~]{0,6}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_yaml_reader_reads_back_the_same_value(value in any_value()) {
            let text = yaml(&value);
            let back = crate::init::yaml::parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            prop_assert_eq!(back, value, "{}", text);
        }
    }
}
