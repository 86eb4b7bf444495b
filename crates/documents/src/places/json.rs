//! Places in JSON. The text is valid; only what leads to a pointer is entered, everything else is skipped.

use super::trie::{NodeId, Trie};
use crate::json::{string_end, value_end};
use std::borrow::Cow;

pub(super) fn walk(text: &str, trie: &mut Trie) {
    let mut walker = Walker { json: text.as_bytes(), found: Vec::new() };
    let start = walker.skip_space(0);
    walker.value(start, Trie::ROOT, trie);
    let Walker { mut found, .. } = walker;
    found.sort_unstable();
    // Lines and columns in one pass.
    let (mut at, mut line, mut column) = (0, 1, 1);
    for (position, node) in found {
        for c in text.get(at..position).unwrap_or_default().chars() {
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        at = position;
        trie.found(node, (line, column), false);
    }
}

struct Walker<'a> {
    json: &'a [u8],
    /// Positions of wanted keys and items.
    found: Vec<(usize, NodeId)>,
}

impl Walker<'_> {
    /// The value that begins here; gives the position after it. As deep as the longest pointer, which is bounded.
    fn value(&mut self, start: usize, node: NodeId, trie: &Trie) -> usize {
        match self.json.get(start) {
            Some(b'{') if trie.has_children(node) => self.object(start, node, trie),
            Some(b'[') if trie.has_children(node) => self.list(start, node, trie),
            _ => value_end(self.json, start),
        }
    }

    fn object(&mut self, start: usize, node: NodeId, trie: &Trie) -> usize {
        let mut at = self.skip_space(start + 1);
        while self.json.get(at) == Some(&b'"') {
            let end = string_end(self.json, at);
            let key: Cow<'_, str> = serde_json::from_slice(&self.json[at..end]).unwrap_or_default();
            let child = trie.child(node, &key);
            let value = self.skip_space(self.skip_space(end) + 1);
            let after = self.member(child, at, value, trie);
            at = self.skip_space(after);
            if self.json.get(at) == Some(&b',') {
                at = self.skip_space(at + 1);
            }
        }
        at + 1
    }

    fn list(&mut self, start: usize, node: NodeId, trie: &Trie) -> usize {
        let mut at = self.skip_space(start + 1);
        let mut index = 0_usize;
        while self.json.get(at).is_some_and(|byte| *byte != b']') {
            let child = trie.child(node, &index.to_string());
            let after = self.member(child, at, at, trie);
            at = self.skip_space(after);
            if self.json.get(at) == Some(&b',') {
                at = self.skip_space(at + 1);
            }
            index += 1;
        }
        at + 1
    }

    fn member(&mut self, child: Option<NodeId>, place: usize, value: usize, trie: &Trie) -> usize {
        let Some(child) = child else { return value_end(self.json, value) };
        self.found.push((place, child));
        self.value(value, child, trie)
    }

    fn skip_space(&self, from: usize) -> usize {
        let rest = self.json.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    }
}
