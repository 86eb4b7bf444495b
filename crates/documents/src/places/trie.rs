//! The pointers that are asked for, as a tree of their tokens, and the places found so far.

use super::Place;
use std::borrow::Cow;
use std::collections::HashMap;

/// Tokens of a pointer that are looked at; no document that is read nests deeper.
const MAX_TOKENS: usize = 256;

/// Index of a node.
pub(super) type NodeId = usize;

#[derive(Debug, Default)]
struct Node {
    children: HashMap<String, NodeId>,
    place: Option<(usize, usize)>,
    /// Found where the value is merged from, which a member of its own outweighs.
    is_inherited: bool,
}

#[derive(Debug)]
pub(super) struct Trie {
    /// Never empty; the first is the root.
    nodes: Vec<Node>,
}

impl Trie {
    pub(super) const ROOT: NodeId = 0;

    pub(super) fn new<'a>(pointers: impl Iterator<Item = &'a str>) -> Self {
        let mut trie = Self { nodes: vec![Node { place: Some((1, 1)), ..Node::default() }] };
        for pointer in pointers {
            let mut node = Self::ROOT;
            for token in tokens(pointer) {
                let next = trie.nodes.len();
                node = *trie.nodes[node].children.entry(token.into_owned()).or_insert(next);
                if node == next {
                    trie.nodes.push(Node::default());
                }
            }
        }
        trie
    }

    pub(super) fn child(&self, node: NodeId, token: &str) -> Option<NodeId> {
        self.nodes[node].children.get(token).copied()
    }

    /// Is anything below it asked for?
    pub(super) fn has_children(&self, node: NodeId) -> bool {
        !self.nodes[node].children.is_empty()
    }

    pub(super) fn found(&mut self, node: NodeId, place: (usize, usize), is_inherited: bool) {
        let node = &mut self.nodes[node];
        if node.place.is_none() || (node.is_inherited && !is_inherited) {
            node.place = Some(place);
            node.is_inherited = is_inherited;
        }
    }

    /// The place of a pointer, or of the nearest thing around it.
    pub(super) fn place(&self, pointer: &str) -> Place {
        let mut node = Self::ROOT;
        let (mut nearest, mut is_exact) = ((1, 1), true);
        for token in tokens(pointer) {
            let next = self.child(node, &token);
            is_exact = next.is_some_and(|next| self.nodes[next].place.is_some());
            match next {
                Some(next) if is_exact => node = next,
                _ => break,
            }
            nearest = self.nodes[node].place.unwrap_or(nearest);
        }
        Place { line: nearest.0, column: nearest.1, is_exact }
    }
}

/// RFC 6901; a `#` in front is a fragment's.
fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let pointer = pointer.strip_prefix('#').unwrap_or(pointer);
    let tokens = pointer.strip_prefix('/').map(|rest| rest.split('/')).into_iter().flatten();
    tokens.take(MAX_TOKENS).map(|token| match token.contains('~') {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    })
}
