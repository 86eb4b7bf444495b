//! From the bytes of a document to JSON text: JSON is checked once and passed on untouched, everything else is read
//! as YAML (catalog-and-execution §4.1).

use crate::error::FormatError;
use crate::{json, yaml};
use bytes::Bytes;

pub(crate) const BOM: &[u8] = "\u{feff}".as_bytes();

/// Valid JSON text for the bytes of a JSON or YAML document, without a byte order mark. JSON is passed on untouched.
///
/// # Errors
/// When the bytes are neither, or beyond the bounds of the YAML reader.
pub fn to_json(input: &Bytes) -> Result<Bytes, FormatError> {
    let input = if input.starts_with(BOM) { input.slice(BOM.len()..) } else { input.clone() };
    let text =
        std::str::from_utf8(&input).map_err(|error| FormatError::NotUtf8 { position: error.valid_up_to() })?;
    let trimmed = text.trim_start();
    if let Some(markup) = trimmed.strip_prefix('<') {
        if markup.starts_with("?xml") {
            return Err(FormatError::Xml);
        }
        // `<<: …` and `<= 5` are YAML.
        if markup.starts_with(|c: char| c == '!' || c.is_ascii_alphabetic()) {
            return Err(FormatError::Html);
        }
    }
    if !trimmed.starts_with(['{', '[']) {
        return Ok(yaml::to_json(text, yaml::Limits::default())?.into());
    }
    let Err(json_error) = json::validate(text) else { return Ok(input.clone()) };
    // A YAML flow mapping may begin like JSON. What looks like JSON gets the JSON reader's complaint.
    yaml::to_json(text, yaml::Limits::default()).map(Bytes::from).map_err(|yaml_error| {
        let looks_like_json = trimmed[1..].trim_start().starts_with(['"', '{', '[', '}', ']']);
        if looks_like_json { json_fault(&json_error) } else { yaml_error.into() }
    })
}

/// True for text that [`to_json`] passes on untouched.
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && json::validate(text).is_ok()
}

fn json_fault(error: &serde_json::Error) -> FormatError {
    FormatError::Json { line: error.line(), column: error.column(), reason: error.to_string() }
}

/// Refuses documents whose top level is not an object (OA-2).
pub(crate) fn require_object(json: &[u8]) -> Result<(), FormatError> {
    let found = match json.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => return Ok(()),
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'n') | None => "empty",
        Some(_) => "a number or truth value",
    };
    Err(FormatError::NotAnObject { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(input: &[u8]) -> Result<String, String> {
        let json = to_json(&Bytes::copy_from_slice(input)).map_err(|error| error.to_string())?;
        require_object(&json).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&json).into_owned())
    }

    /// OA-1, OA-2
    #[test]
    fn documents_become_json_or_a_clear_error() {
        for (input, expected) in [
            (&b"{\"a\":1}"[..], Ok("{\"a\":1}")),
            (b"\xef\xbb\xbf {\"a\": 1}\n", Ok(" {\"a\": 1}\n")),
            (b"\xef\xbb\xbfa: 1", Ok("{\"a\":1}")),
            (b"{\n\t\"a\":\t1\n}", Ok("{\n\t\"a\":\t1\n}")),
            (b"{\"a\":1,\"a\":2}", Ok("{\"a\":1,\"a\":2}")),
            (b"{a: 1}", Ok("{\"a\":1}")),
            (b"{\"a\": yes, # note\n}", Ok("{\"a\":\"yes\"}")),
            (b"<<: {a: 1}", Ok("{\"a\":1}")),
            (b"", Err("is empty: expected object document")),
            (b"# nothing\n", Err("is empty: expected object document")),
            (b"[1]", Err("is a list: expected object document")),
            (b"- 1", Err("is a list: expected object document")),
            (b"hello", Err("is a text: expected object document")),
            (b"7", Err("is a number or truth value: expected object document")),
            (b"\xff\xfe{\0", Err("is not UTF-8 text (byte 0); convert it to UTF-8")),
            (
                b" <!DOCTYPE html>",
                Err("is an HTML page, not an API description; check the address, and whether it needs a sign-in"),
            ),
            (
                b"<html>",
                Err("is an HTML page, not an API description; check the address, and whether it needs a sign-in"),
            ),
            (b"<?xml version='1.0'?>", Err("is an XML document, not an API description")),
            (b"{\"a\": 1", Err("is not valid JSON: EOF while parsing an object at line 1 column 7")),
            (b"{\"a\":\n 1]", Err("is not valid JSON: expected `,` or `}` at line 2 column 3")),
            (
                b"{a: 1, a: 2}",
                Err("is not valid YAML: line 1, column 8: the key \"a\" stands twice in one mapping"),
            ),
        ] {
            assert_eq!(
                object(input).as_deref().map_err(String::as_str),
                expected,
                "{}",
                String::from_utf8_lossy(input)
            );
        }
    }

    #[test]
    fn json_is_passed_on_without_a_copy() {
        let input = Bytes::from_static(b"{\"a\":1}");
        assert_eq!(to_json(&input).expect("JSON").as_ptr(), input.as_ptr());
    }
}
