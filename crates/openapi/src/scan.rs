//! Takes the references out of the text of a schema, so that others can be put in their place, and takes the white
//! space and the identifiers (`$id`, `$anchor`) with them: they would change what the new references mean. Not for
//! looking up what the references name.

use crate::walk::{Event, Inside, walk};

/// A schema's text without white space and without its references.
pub(crate) struct Scanned {
    pub(crate) text: String,
    /// In the order of the text.
    pub(crate) references: Vec<Reference>,
}

/// A reference that was taken out.
pub(crate) struct Reference {
    /// Its place in the new text.
    pub(crate) at: usize,
    /// Its place in the old text.
    pub(crate) from: usize,
    /// What was there, as JSON text with quotes.
    pub(crate) written: String,
    /// The schema means nothing without the target; not so for the names of a `discriminator`.
    pub(crate) is_needed: bool,
}

/// JSON Schema 2020-12 §8.2: what gives a schema a name, and what it is called where that name has no use.
const IDENTIFIERS: &[(&str, &str)] =
    &[("$id", "\"x-id\""), ("$anchor", "\"x-anchor\""), ("$dynamicAnchor", "\"x-dynamicAnchor\"")];

/// `text` is valid JSON.
pub(crate) fn scan(text: &str) -> Scanned {
    let mut out = String::with_capacity(text.len());
    let mut references = Vec::new();
    let mut copied = 0;
    walk(text, |event| match event {
        Event::Space { start, end } => {
            out.push_str(&text[copied..start]);
            copied = end;
        }
        Event::Name { inside: Inside::Schema, name, start, end } if name.starts_with('$') => {
            let other = IDENTIFIERS.iter().find(|(identifier, _)| *identifier == name);
            let is_text = text[end..].trim_start_matches([' ', '\n', '\r', '\t', ':']).starts_with('"');
            if let Some((_, other)) = other.filter(|_| is_text) {
                out.push_str(&text[copied..start]);
                out.push_str(other);
                copied = end;
            }
        }
        Event::Text { inside, name, start, end } => {
            let written = &text[start..end];
            let is_needed = inside == Inside::Schema && matches!(name, "$ref" | "$dynamicRef");
            if is_needed || (inside == Inside::Mapping && written.contains(['/', '#'])) {
                out.push_str(&text[copied..start]);
                copied = end;
                references.push(Reference { at: out.len(), from: start, written: written.to_owned(), is_needed });
            }
        }
        _ => {}
    });
    out.push_str(&text[copied..]);
    Scanned { text: out, references }
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
                r##"{"properties":{"$ref":{"$ref":"#/a"},"default":{"$dynamicRef":"#b"}}}"##,
                r#"{"properties":{"$ref":{"$ref":},"default":{"$dynamicRef":}}}"#,
                &["#/a", "#b"],
            ),
            (
                r##"{"example":{"$ref":"#/a"},"enum":[{"$ref":"b"}],"x-y":{"$ref":"c"}}"##,
                r##"{"example":{"$ref":"#/a"},"enum":[{"$ref":"b"}],"x-y":{"$ref":"c"}}"##,
                &[],
            ),
            (
                r##"{"discriminator":{"propertyName":"#/p","mapping":{"a":"#/a","b":"B"}}}"##,
                r##"{"discriminator":{"propertyName":"#/p","mapping":{"a":,"b":"B"}}}"##,
                &["#/a"],
            ),
            (r#"{"description":"a \" \"$ref\": b"}"#, r#"{"description":"a \" \"$ref\": b"}"#, &[]),
            ("true", "true", &[]),
        ] {
            let scanned = scan(text);
            assert_eq!(scanned.text, expected);
            let found: Vec<&str> = scanned.references.iter().map(|r| r.written.trim_matches('"')).collect();
            assert_eq!(found, references, "{text}");
            for reference in &scanned.references {
                assert!(text[reference.from..].starts_with(&reference.written), "{text}");
            }
        }
    }

    #[test]
    fn identifiers_of_schemas_become_remarks() {
        for (text, expected) in [
            (r#"{"$id" : "a","items":{"$anchor":"b"}}"#, r#"{"x-id":"a","items":{"x-anchor":"b"}}"#),
            (r#"{"$dynamicAnchor":"b"}"#, r#"{"x-dynamicAnchor":"b"}"#),
            (r#"{"properties":{"$id":{"type":"string"}}}"#, r#"{"properties":{"$id":{"type":"string"}}}"#),
            (r#"{"$id":{"a":1},"const":{"$id":"a"}}"#, r#"{"$id":{"a":1},"const":{"$id":"a"}}"#),
        ] {
            assert_eq!(scan(text).text, expected);
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let text = "[".repeat(200_000) + &"]".repeat(200_000);
        assert_eq!(scan(&text).text, text);
    }
}
