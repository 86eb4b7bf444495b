//! Finds the `$ref`s inside the text of a schema, knowing which members hold schemas and which hold data: what
//! stands in an `example` or an `enum` is no reference. Iterative, because schemas may be nested deeply. Not for
//! looking up what they name.

/// A schema's text without white space, its `$ref`s taken out.
pub(crate) struct Scanned {
    pub(crate) text: String,
    /// Place in the text and what was there, as JSON text with quotes; ascending.
    pub(crate) references: Vec<(usize, String)>,
}

/// What an object or list holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Keywords.
    Schema,
    /// Schemas by name.
    Schemas,
    /// Data, which is left alone.
    Data,
}

struct Frame {
    inside: Inside,
    is_object: bool,
    /// What the value after the last member name is.
    next: Inside,
    /// The last member name is a `$ref`.
    is_reference: bool,
    /// A member name comes next.
    at_name: bool,
}

/// `text` is valid JSON.
pub(crate) fn scan(text: &str) -> Scanned {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut references = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut start = 0;
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'{' | b'[' => {
                let inside = frames.last().map_or(Inside::Schema, |frame| frame.next);
                let is_object = byte == b'{';
                frames.push(Frame { inside, is_object, next: inside, is_reference: false, at_name: is_object });
                i += 1;
            }
            b'}' | b']' => {
                frames.pop();
                i += 1;
            }
            b',' => {
                if let Some(frame) = frames.last_mut() {
                    frame.at_name = frame.is_object;
                }
                i += 1;
            }
            b'"' => {
                let end = end_of_string(bytes, i);
                if let Some(frame) = frames.last_mut().filter(|frame| frame.is_object) {
                    if frame.at_name {
                        let name = text.get(i + 1..end.saturating_sub(1)).unwrap_or_default();
                        frame.at_name = false;
                        frame.next = value_of(frame.inside, name);
                        frame.is_reference = frame.inside == Inside::Schema && name == "$ref";
                    } else if frame.is_reference {
                        out.push_str(&text[start..i]);
                        references.push((out.len(), text[i..end].to_owned()));
                        start = end;
                    }
                }
                i = end;
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&text[start..i]);
                while matches!(bytes.get(i), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                    i += 1;
                }
                start = i;
            }
            _ => i += 1,
        }
    }
    out.push_str(&text[start..]);
    Scanned { text: out, references }
}

/// What the value of a member is.
fn value_of(inside: Inside, name: &str) -> Inside {
    match inside {
        Inside::Data => Inside::Data,
        Inside::Schemas => Inside::Schema,
        Inside::Schema => match name {
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => Inside::Schemas,
            "example" | "examples" | "default" | "enum" | "const" | "discriminator" | "xml" => Inside::Data,
            _ if name.starts_with("x-") => Inside::Data,
            _ => Inside::Schema,
        },
    }
}

/// Index behind the closing quote of the string that opens at `i`.
fn end_of_string(bytes: &[u8], mut i: usize) -> usize {
    i += 1;
    while let Some(&byte) = bytes.get(i) {
        match byte {
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
    fn references_are_found_where_schemas_are_and_nowhere_else() {
        for (text, expected, references) in [
            (r##"{ "$ref" : "#/a" }"##, r#"{"$ref":}"#, &["#/a"][..]),
            (
                r##"{"items":{"$ref":"#/a"},"x":[ {"$ref":"#/b"} ]}"##,
                r#"{"items":{"$ref":},"x":[{"$ref":}]}"#,
                &["#/a", "#/b"],
            ),
            (
                r##"{"properties":{"$ref":{"$ref":"#/a"},"default":{"$ref":"#/b"}}}"##,
                r#"{"properties":{"$ref":{"$ref":},"default":{"$ref":}}}"#,
                &["#/a", "#/b"],
            ),
            (
                r##"{"example":{"$ref":"#/a"},"enum":[{"$ref":"b"}]}"##,
                r##"{"example":{"$ref":"#/a"},"enum":[{"$ref":"b"}]}"##,
                &[],
            ),
            (r#"{"description":"a \" \"$ref\": b"}"#, r#"{"description":"a \" \"$ref\": b"}"#, &[]),
            ("true", "true", &[]),
        ] {
            let scanned = scan(text);
            assert_eq!(scanned.text, expected);
            let found: Vec<&str> = scanned.references.iter().map(|(_, text)| text.trim_matches('"')).collect();
            assert_eq!(found, references, "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let text = "[".repeat(200_000) + &"]".repeat(200_000);
        assert_eq!(scan(&text).text, text);
    }
}
