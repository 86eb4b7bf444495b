//! YAML 1.2 core schema (§10.3.2): what a plain scalar means in JSON. Leading zeros and underscores make text, because
//! `007` is an id in an API description far more often than it is seven. Numbers keep their digits.

use std::borrow::Cow;

/// What a scalar is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// Valid JSON number text.
    Number(Cow<'a, str>),
    /// A string: the scalar's own text.
    Text,
}

/// The meaning of a plain scalar without a tag. The error is a reason.
pub(super) fn resolve(text: &str) -> Result<Scalar<'_>, &'static str> {
    let scalar = match text.as_bytes().first() {
        None | Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F') => word(text),
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => number(text)?,
        _ => Scalar::Text,
    };
    Ok(scalar)
}

fn word(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => Scalar::Text,
    }
}

fn number(text: &str) -> Result<Scalar<'_>, &'static str> {
    if let Some(value) = based(text) {
        return Ok(Scalar::Number(Cow::Owned(value.to_string())));
    }
    let (sign, rest) = match text.as_bytes()[0] {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Err("infinity has no form in JSON; quote it if it is text"),
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => {
            return Err("not-a-number has no form in JSON; quote it if it is text");
        }
        _ => {}
    }
    Ok(decimal(text, sign, rest).map_or(Scalar::Text, Scalar::Number))
}

/// `0x1F` and `0o17`.
fn based(text: &str) -> Option<u128> {
    let (digits, radix) = match text.get(..2)? {
        "0x" => (&text[2..], 16),
        "0o" => (&text[2..], 8),
        _ => return None,
    };
    // `from_str_radix` takes a sign, the schema does not.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

fn decimal<'a>(text: &'a str, sign: &str, rest: &'a str) -> Option<Cow<'a, str>> {
    let (whole, after) = digits(rest);
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => {
            let (fraction, after) = digits(after);
            (Some(fraction), after)
        }
        None => (None, after),
    };
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let is_exponent = |after: &str| {
        let magnitude = after.strip_prefix(['e', 'E']).map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
        magnitude.is_some_and(|m| !m.is_empty() && digits(m).1.is_empty())
    };
    if !after.is_empty() && !is_exponent(after) {
        return None;
    }
    // What a double can't hold would make the whole document unreadable as JSON; it is most likely an id.
    if (text.len() > 300 || !after.is_empty()) && !text.parse::<f64>().is_ok_and(f64::is_finite) {
        return None;
    }
    let is_json = !text.starts_with('+') && !whole.is_empty() && fraction.is_none_or(|f| !f.is_empty());
    if is_json {
        return Some(Cow::Borrowed(text));
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = match fraction {
        None => String::new(),
        Some("") => ".0".to_owned(),
        Some(fraction) => format!(".{fraction}"),
    };
    Some(Cow::Owned(format!("{sign}{whole}{fraction}{after}")))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("NULL", "null"),
            ("nULL", "text"),
            ("True", "true"),
            ("FALSE", "false"),
            ("no", "text"),
            ("on", "text"),
            ("y", "text"),
            ("0", "0"),
            ("-0", "-0"),
            ("200", "200"),
            ("+12", "12"),
            ("010", "text"),
            ("00", "text"),
            ("01.5", "text"),
            ("1_000", "text"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0x", "text"),
            ("0x+1", "text"),
            ("-0x1", "text"),
            ("0b11", "text"),
            ("3.0", "3.0"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("+.5", "0.5"),
            ("5.", "5.0"),
            ("1.e3", "1.0e3"),
            ("1E-3", "1E-3"),
            ("1e", "text"),
            ("1e400", "text"),
            (".", "text"),
            ("-", "text"),
            ("+", "text"),
            (".e5", "text"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("2031-04-05", "text"),
            ("1.2.3", "text"),
            ("12:30", "text"),
            ("-.inf", "error"),
            (".NaN", "error"),
            ("-.nan", "text"),
            ("०", "text"),
        ] {
            let shown = match resolve(text) {
                Ok(Scalar::Null) => "null".to_owned(),
                Ok(Scalar::Bool(value)) => value.to_string(),
                Ok(Scalar::Number(number)) => {
                    serde_json::from_str::<serde_json::Number>(&number).expect("JSON number");
                    number.into_owned()
                }
                Ok(Scalar::Text) => "text".to_owned(),
                Err(_) => "error".to_owned(),
            };
            assert_eq!(shown, expected, "{text:?}");
        }
        assert_eq!(resolve(&"9".repeat(400)), Ok(Scalar::Text));
    }
}
