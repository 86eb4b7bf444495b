//! Patterns of schemas that can't be checked without taking exponential time, said when a description is read. A look at
//! the text, not at the schemas: those are compiled when their tool is called first, and say the rest then.

use crate::diagnostics::note;
use memchr::memmem;
use open_cli_contract::catalog::Diagnostic;
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_schema::check_pattern;
use serde::Deserialize;
use std::collections::HashSet;

/// Patterns of one document that are named.
const MAX_NAMED: usize = 20;
/// Longest pattern that a message shows.
const MAX_SHOWN: usize = 80;

/// A note for each pattern that is not checked; each pattern once.
pub(crate) fn patterns(location: &str, text: &str) -> Vec<Diagnostic> {
    const KEY: &str = "\"pattern\"";
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for at in memmem::find_iter(text.as_bytes(), KEY) {
        let Some(value) = text[at + KEY.len()..].trim_start().strip_prefix(':') else { continue };
        let mut reader = serde_json::Deserializer::from_str(value);
        let Ok(pattern) = std::borrow::Cow::<str>::deserialize(&mut reader) else { continue };
        if !seen.insert(pattern.to_string()) {
            continue;
        }
        let Err(error) = check_pattern(&pattern) else { continue };
        let code = DiagnosticCode::SchemaUnchecked;
        let shown: String = pattern.chars().take(MAX_SHOWN).collect();
        let message = format!("values are not checked against the pattern {shown:?}: {error}");
        let mut diagnostic = note("", code.as_str(), message, code.advice());
        diagnostic.pointer = format!("{location}#{}", pointer(text, at));
        found.push(diagnostic);
        if found.len() >= MAX_NAMED {
            break;
        }
    }
    found
}

/// JSON Pointer of the member whose name begins at a place of the text, which is valid JSON.
fn pointer(text: &str, wanted: usize) -> String {
    /// An object with the name of the member that is read, or a list with the number of the item.
    enum Level<'t> {
        Object(&'t str),
        List(usize),
    }
    let bytes = text.as_bytes();
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut is_name = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                levels.push(Level::Object(""));
                is_name = true;
            }
            b'[' => levels.push(Level::List(0)),
            b'}' | b']' => {
                levels.pop();
                is_name = false;
            }
            b':' => is_name = false,
            b',' => match levels.last_mut() {
                Some(Level::List(index)) => *index += 1,
                _ => is_name = true,
            },
            b'"' => {
                let start = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if let (true, Some(Level::Object(name))) = (is_name, levels.last_mut()) {
                    *name = text.get(start + 1..at).unwrap_or_default();
                }
                if start == wanted {
                    break;
                }
            }
            _ => {}
        }
        at += 1;
    }
    levels.iter().fold(String::new(), |all, level| match level {
        Level::Object(name) => all + "/" + &name.replace('~', "~0").replace('/', "~1"),
        Level::List(index) => all + "/" + &index.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_that_cannot_be_checked_is_named_once_with_its_place() {
        let text = r#"{"a":[{"pattern":"^x$"},{"x/y":{"pattern" : "(?=a\\d)"}}],"pattern":7,"b":{"pattern":"(?=a\\d)"},"c":{"properties":{"pattern":{"type":"string"}}}}"#;
        let found = patterns("/api.json", text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].pointer, "/api.json#/a/1/x~1y/pattern");
        assert!(found[0].message.contains(r#""(?=a\\d)""#), "{}", found[0].message);
    }
}
