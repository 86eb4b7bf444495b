//! JSON without the white space between its tokens. Descriptions are often pretty-printed; the catalog is not.

use serde_json::value::RawValue;

/// The same JSON, white space outside strings removed.
pub(crate) fn compact(raw: &RawValue) -> Box<RawValue> {
    let text = raw.get();
    let bytes = text.as_bytes();
    if !bytes.iter().any(|b| matches!(b, b'\n' | b'\r' | b'\t' | b' ')) {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut start = 0;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => i = end_of_string(bytes, i),
            b'\n' | b'\r' | b'\t' | b' ' => {
                out.push_str(&text[start..i]);
                while i < bytes.len() && matches!(bytes[i], b'\n' | b'\r' | b'\t' | b' ') {
                    i += 1;
                }
                start = i;
            }
            _ => i += 1,
        }
    }
    out.push_str(&text[start..]);
    // Removing white space between tokens keeps JSON valid; should it ever not, the original is right as it is.
    RawValue::from_string(out).unwrap_or_else(|_| raw.to_owned())
}

/// Index behind the closing quote of the string that opens at `i`.
fn end_of_string(bytes: &[u8], mut i: usize) -> usize {
    i += 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_between_tokens_goes() {
        for (input, expected) in [
            ("{\n  \"a b\" : [ 1 , \"x \\\" y\" ]\n}", "{\"a b\":[1,\"x \\\" y\"]}"),
            ("true", "true"),
            ("{\"a\":\" \\\\\" , \"b\": {} }", "{\"a\":\" \\\\\",\"b\":{}}"),
            ("\"é ü\"", "\"é ü\""),
        ] {
            let raw = RawValue::from_string(input.to_owned()).expect("valid");
            assert_eq!(compact(&raw).get(), expected);
        }
    }
}
