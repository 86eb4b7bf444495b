//! Indents JSON text without reading it into a tree: numbers, key order and duplicate keys stay as sent.

/// Columns per level.
const INDENT: usize = 2;

/// Valid JSON, indented. The bytes of strings and numbers are untouched.
pub(crate) fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut is_escaped = false;
    for (i, &byte) in json.iter().enumerate() {
        if in_string {
            out.push(byte);
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'"' => {
                in_string = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                let next = json[i + 1..].iter().find(|b| !b.is_ascii_whitespace());
                if !matches!(next, Some(b'}' | b']')) {
                    depth += 1;
                    new_line(&mut out, depth);
                } else {
                    // An empty one: the closing bracket does not go back a level.
                    depth += 1;
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(out.last(), Some(b'{' | b'[')) {
                    new_line(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
    }
    out
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + depth * INDENT, b' ');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_order_and_duplicates_stay_as_sent() {
        let json = br#"{"b":1.10e400,"a":"x\"{,\\","a":[],"c":{},"d":[1, {"e":null}]}"#;
        insta::assert_snapshot!(String::from_utf8(pretty(json)).unwrap());
        assert_eq!(pretty(b" null "), b"null");
    }

    proptest! {
        #[test]
        fn it_is_what_serde_json_prints(
            text in ".{0,20}",
            n in any::<i64>(),
            many in prop::collection::vec(any::<bool>(), 0..4),
        ) {
            let value = serde_json::json!({ "t": text, "n": [n, { "m": many }], "e": {} });
            let compact = serde_json::to_vec(&value).unwrap();
            let expected = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(String::from_utf8(pretty(&compact)).unwrap(), expected);
        }
    }
}
