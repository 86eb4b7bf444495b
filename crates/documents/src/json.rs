//! JSON as text: checks, string writing, and walking compact JSON by position. No tree is ever built.

use memchr::{memchr, memchr2};
use serde::de::IgnoredAny;

/// Deepest nesting of objects and arrays; what serde_json reads without a limit of its own in the way.
pub(crate) const MAX_DEPTH: usize = 127;

/// Checks that the text is JSON, nested no deeper than [`MAX_DEPTH`]. One scan and one pass over the brackets.
pub(crate) fn validate(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text)?;
    if depth(text.as_bytes()) > MAX_DEPTH {
        return Err(serde::de::Error::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(())
}

/// Nesting of valid JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = json;
    loop {
        let quote = memchr(b'"', rest);
        for byte in &rest[..quote.unwrap_or(rest.len())] {
            match byte {
                b'{' | b'[' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let Some(quote) = quote else { return deepest };
        let after = string_end(rest, quote);
        rest = &rest[after..];
    }
}

/// Position after the string that begins at `start` (its quote).
pub(crate) fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

/// Position after the value that begins at `start`; the JSON is compact and valid.
pub(crate) fn value_end(json: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at = string_end(json, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            // The end of the value itself, or of what holds it.
            b'}' | b']' => return if depth == 1 { at + 1 } else { at },
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    json.len()
}

/// Appends the text as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                let hex = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        for (text, expected) in
            [("1", 0), ("{}", 1), (r#"{"[[[\"[[":[[],{"a\\":"["}]}"#, 3), (r#"["a","b"]"#, 1), (r#""["#, 0)]
        {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(validate(&nested(MAX_DEPTH)).is_ok());
        let error = validate(&nested(MAX_DEPTH + 1)).expect_err("too deep");
        assert!(error.to_string().contains("nested deeper than 127"), "{error}");
        // The promise behind the number.
        serde_json::from_str::<serde_json::Value>(&nested(MAX_DEPTH)).expect("serde_json reads it");
        assert!(serde_json::from_str::<serde_json::Value>(&nested(MAX_DEPTH + 1)).is_err());
    }

    #[test]
    fn written_strings_read_back() {
        for text in ["", "plain", "a\"b\\c", "\u{0}\u{1f}\n\r\t\u{7f}", "ünïcode 🎵", "\u{2028}"] {
            let mut out = Vec::new();
            write_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
        }
    }

    #[test]
    fn values_end_where_they_end() {
        for (json, start, expected) in [
            (r#"{"a":1,"b":[{"c":"}"}]}"#, 5, 6),
            (r#"{"a":1,"b":[{"c":"}"}]}"#, 11, 22),
            (r#"{"a":1,"b":[{"c":"}"}]}"#, 0, 23),
            (r#"["x,","y"]"#, 1, 5),
            ("[1,2]", 3, 4),
            ("12", 0, 2),
            ("{}", 0, 2),
        ] {
            assert_eq!(value_end(json.as_bytes(), start), expected, "{json} at {start}");
        }
    }
}
