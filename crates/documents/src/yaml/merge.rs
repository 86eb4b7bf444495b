//! Merge keys (`<<`): the entries of other mappings, where the mapping has no such key of its own. Of several
//! merged mappings the earlier one wins (yaml.org/type/merge).

use super::transcoder::Anchored;
use crate::json::{string_end, value_end};
use std::ops::Range;

/// One entry of compact JSON: its key with quotes, and key, colon and value together.
pub(super) struct Entry {
    pub(super) key: Range<usize>,
    pub(super) whole: Range<usize>,
}

/// Entries of the object that the compact JSON has at `range`.
pub(super) fn entries(json: &[u8], range: Range<usize>) -> impl Iterator<Item = Entry> {
    let json = &json[..range.end];
    // After the brace, and later after each comma.
    let mut at = range.start + 1;
    std::iter::from_fn(move || {
        if json.get(at) != Some(&b'"') {
            return None;
        }
        let key = at..string_end(json, at);
        let whole = at..value_end(json, key.end + 1);
        at = whole.end + 1;
        Some(Entry { key, whole })
    })
}

/// The mappings that a merge value stands for: itself, or the elements of a list. `None` when it is neither.
pub(super) fn sources(json: &[u8], value: &Anchored) -> Option<Vec<Anchored>> {
    let range = value.range.clone();
    match json.get(range.start)? {
        b'{' => Some(vec![value.clone()]),
        b'[' => {
            let mut found = Vec::new();
            let mut at = range.start + 1;
            while at + 1 < range.end {
                if json[at] != b'{' {
                    return None;
                }
                let end = value_end(json, at);
                found.push(Anchored { range: at..end, ..value.clone() });
                at = end + 1;
            }
            Some(found)
        }
        _ => None,
    }
}
