//! From a JSON Pointer to line and column in the text as it was written, JSON or YAML: for people who read a
//! diagnostic. The text is walked once for all pointers, and only when somebody asks; nothing is kept of it.

mod json;
mod trie;
mod yaml;

use crate::error::FormatError;
use crate::format::{BOM, is_json};
use memchr::memrchr;
use trie::Trie;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// It is the place of what was asked for, not only of the nearest thing around it.
    pub is_exact: bool,
}

impl Place {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1, is_exact: true };
}

/// Where each pointer leads: to the key of a member, to an item of a list. What the text does not have, because an
/// overlay added it or somebody removed it since, gets the place of the nearest thing around it.
pub fn places(content: &[u8], pointers: &[&str]) -> Vec<Place> {
    let mut trie = Trie::new(pointers.iter().copied());
    let content = content.strip_prefix(BOM).unwrap_or(content);
    // Pointers are asked about documents that were read; of a text that has become something else nothing is known.
    if let Ok(text) = std::str::from_utf8(content) {
        if is_json(text) {
            json::walk(text, &mut trie);
        } else {
            yaml::walk(text, &mut trie);
        }
    }
    pointers.iter().map(|pointer| trie.place(pointer)).collect()
}

/// Where a text stops being a document; its beginning when the fault is in no one place.
pub fn place_of_fault(content: &[u8], fault: &FormatError) -> Place {
    let (line, column) = match fault {
        FormatError::Yaml(fault) => (fault.line, fault.column),
        // That reader counts bytes.
        FormatError::Json { line, column, .. } => {
            let start = content.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
            let start: usize = start.map(<[u8]>::len).sum();
            place_at(content, start + column.saturating_sub(1))
        }
        FormatError::NotUtf8 { position } => place_at(content, *position),
        _ => (1, 1),
    };
    Place { line: line.max(1), column: column.max(1), is_exact: true }
}

/// Line and column of a byte.
fn place_at(content: &[u8], position: usize) -> (usize, usize) {
    let before = &content[..position.min(content.len())];
    let line_start = memrchr(b'\n', before).map_or(0, |at| at + 1);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::to_json;
    use bytes::Bytes;

    fn shown(text: &str, pointers: &[&str]) -> Vec<String> {
        let all = places(text.as_bytes(), pointers);
        all.iter().map(|p| format!("{}:{}{}", p.line, p.column, if p.is_exact { "" } else { " near" })).collect()
    }

    #[test]
    fn the_same_pointers_lead_to_their_place_in_json_and_yaml() {
        let json = "{\n  \"a\": 1,\n  \"b/c\": [10, {\"ü\": {}, \"d\": null}],\n  \"e~\": {}\n}\n";
        let pointers = ["", "/a", "/b~1c", "/b~1c/0", "/b~1c/1/d", "/e~0", "/e~0/x/y", "/z", "/b~1c/7", "/a/b"];
        let expected =
            ["1:1", "2:3", "3:3", "3:11", "3:25", "4:3", "4:3 near", "1:1 near", "3:3 near", "2:3 near"];
        assert_eq!(shown(json, &pointers), expected);
        let yaml = "a: 1\nb/c:\n  - 10\n  - ü: {}\n    d:\ne~: {}\n";
        let expected = ["1:1", "1:1", "2:1", "3:5", "5:5", "6:1", "6:1 near", "1:1 near", "2:1 near", "1:1 near"];
        assert_eq!(shown(yaml, &pointers), expected);
    }

    #[test]
    fn keys_are_compared_as_they_read() {
        let json = "\u{feff} {\"\\u0061\\\"\": {\"200\": 1}}";
        assert_eq!(shown(json, &["/a\"", "/a\"/200"]), ["1:3", "1:16"]);
        let yaml = "# note\n\"a\\\"\": {200: x, 1.0: y}\n? z\n: 1\n";
        assert_eq!(shown(yaml, &["/a\"/200", "/a\"/1.0", "/z"]), ["2:9", "2:17", "3:3"]);
    }

    #[test]
    fn aliases_and_merge_keys_lead_to_where_the_node_was_written() {
        let yaml = "base: &base\n  x: {deep: 1}\n  y: 2\none: *base\ntwo:\n  <<: *base\n  y: 3\nthree:\n  <<: [*base, {z: 4}]\n";
        assert_eq!(
            shown(yaml, &["/one", "/one/x", "/one/x/deep", "/two/x/deep", "/two/y", "/three/z", "/three/x"]),
            ["4:1", "2:3", "2:7", "2:7", "7:3", "9:16", "2:3"]
        );
    }

    #[test]
    fn what_is_no_document_has_no_places() {
        for text in ["", "{", "a: [", "- *unknown", "\t"] {
            assert_eq!(shown(text, &["/a/b", ""])[0], "1:1 near", "{text:?}");
        }
        assert_eq!(places(b"\xff\xfe", &["/a"]), [Place { is_exact: false, ..Place::START }]);
        let deep = "[".repeat(100_000);
        assert_eq!(shown(&deep, &["/0/0/0/0"]), ["1:1 near"]);
        let pointer = "/0".repeat(100_000);
        assert_eq!(places(b"[[[1]]]", &[&pointer])[0].column, 4);
    }

    #[test]
    fn a_fault_is_found_in_the_text() {
        for (text, expected) in [
            (&b"{\"a\":\n \"\xc3\xbc\" 1}"[..], (2, 6)),
            (b"a: 1\nb: [", (2, 4)),
            (b"a: 1\n  \xff", (2, 3)),
            (b"<html>", (1, 1)),
            (b"{", (1, 1)),
        ] {
            let fault = to_json(&Bytes::copy_from_slice(text)).expect_err("broken");
            let place = place_of_fault(text, &fault);
            assert_eq!((place.line, place.column), expected, "{fault}");
        }
    }
}
