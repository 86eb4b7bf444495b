//! Places in YAML, from the events of the parser. A pointer that leads through an alias or a merge key goes on in the
//! node that was anchored, which is found in another pass.

use super::trie::{NodeId, Trie};
use crate::yaml::parser;
use granit_parser::{Event, ScalarStyle};
use std::collections::HashMap;

/// Passes over the text: one, and one more for each alias on the way of a pointer.
const MAX_PASSES: usize = 16;

/// What a node is, for the pointers: nothing for most, and several things where aliases refer to it.
type Meanings = Vec<Meaning>;

#[derive(Debug, Clone, Copy)]
struct Meaning {
    node: NodeId,
    /// It is written somewhere else than where the pointer leads.
    is_inherited: bool,
}

/// An open list or mapping.
struct Frame {
    is_mapping: bool,
    meanings: Meanings,
    /// Items so far.
    index: usize,
    /// A key was read, and its value means this.
    value: Option<Meanings>,
    /// The items are mappings whose members count as those of the mapping around.
    is_merge_list: bool,
    /// The key was `<<`.
    is_merge: bool,
}

pub(super) fn walk(text: &str, trie: &mut Trie) {
    let root = vec![Meaning { node: Trie::ROOT, is_inherited: false }];
    let mut pass = Pass { trie, frames: Vec::new(), root, wanted: HashMap::new(), aliases: HashMap::new() };
    for _ in 0..MAX_PASSES {
        pass.run(text);
        pass.frames.clear();
        pass.root.clear();
        pass.wanted = std::mem::take(&mut pass.aliases);
        if pass.wanted.is_empty() {
            break;
        }
    }
}

struct Pass<'a> {
    trie: &'a mut Trie,
    frames: Vec<Frame>,
    /// What the document is.
    root: Meanings,
    /// What anchored nodes are.
    wanted: HashMap<usize, Meanings>,
    /// Aliases that pointers lead through.
    aliases: HashMap<usize, Meanings>,
}

impl Pass<'_> {
    fn run(&mut self, text: &str) {
        for next in parser(text) {
            let Ok((event, span)) = next else { return };
            let place = (span.start.line(), span.start.col() + 1);
            match event {
                Event::Scalar(text, style, ..) => {
                    let is_merge = style == ScalarStyle::Plain && text == "<<";
                    if !self.key(&text, is_merge, place) {
                        self.value(place);
                    }
                }
                Event::Alias(anchor) if !self.key("", false, place) => {
                    let (meanings, _) = self.value(place);
                    let on_the_way = meanings.into_iter().filter(|meaning| self.trie.has_children(meaning.node));
                    let on_the_way: Vec<Meaning> = on_the_way.collect();
                    if !on_the_way.is_empty() {
                        self.aliases.entry(anchor).or_default().extend(on_the_way);
                    }
                }
                Event::SequenceStart(_, anchor, _) => self.open(false, anchor, place),
                Event::MappingStart(_, anchor, _) => self.open(true, anchor, place),
                Event::SequenceEnd | Event::MappingEnd => {
                    self.frames.pop();
                }
                Event::DocumentEnd => return,
                _ => {}
            }
        }
    }

    fn open(&mut self, is_mapping: bool, anchor: usize, place: (usize, usize)) {
        let (mut meanings, is_merge) = self.value(place);
        let inherited = |meaning: &Meaning| Meaning { is_inherited: true, ..*meaning };
        meanings.extend(self.wanted.get(&anchor).into_iter().flatten().map(inherited));
        let is_merge_list = is_merge && !is_mapping;
        self.frames.push(Frame { is_mapping, meanings, index: 0, value: None, is_merge_list, is_merge: false });
    }

    /// Takes the key of a mapping, if one is due.
    fn key(&mut self, text: &str, is_merge: bool, place: (usize, usize)) -> bool {
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.is_mapping && frame.value.is_none()) else {
            return false;
        };
        frame.is_merge = is_merge;
        if is_merge {
            let inherited = frame.meanings.iter().map(|meaning| Meaning { is_inherited: true, ..*meaning });
            frame.value = Some(inherited.collect());
            return true;
        }
        let mut value = Vec::new();
        for Meaning { node, is_inherited } in &frame.meanings {
            if let Some(node) = self.trie.child(*node, text) {
                self.trie.found(node, place, *is_inherited);
                value.push(Meaning { node, is_inherited: *is_inherited });
            }
        }
        frame.value = Some(value);
        true
    }

    /// What the value that begins here means, and whether it is one of a merge key.
    fn value(&mut self, place: (usize, usize)) -> (Meanings, bool) {
        let Some(frame) = self.frames.last_mut() else { return (self.root.clone(), false) };
        if frame.is_mapping {
            return (frame.value.take().unwrap_or_default(), frame.is_merge);
        }
        if frame.is_merge_list {
            return (frame.meanings.clone(), true);
        }
        let mut meanings = Vec::new();
        for Meaning { node, is_inherited } in &frame.meanings {
            if let Some(node) = self.trie.child(*node, &frame.index.to_string()) {
                self.trie.found(node, place, *is_inherited);
                meanings.push(Meaning { node, is_inherited: *is_inherited });
            }
        }
        frame.index += 1;
        (meanings, false)
    }
}
