//! The state between two YAML events: what is open, which keys it has, and where anchored nodes are in the output.

use super::merge::{entries, sources};
use super::scalar::{Scalar, resolve};
use super::{Limits, YamlError};
use crate::json::{MAX_DEPTH, write_string};
use granit_parser::{Marker, ScalarStyle, Tag};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Up to this many keys, comparing with each is faster than hashing.
const FEW_KEYS: usize = 16;
/// How much of a key an error shows.
const SHOWN_KEY_BYTES: usize = 80;
const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// A finished node, as the JSON it became.
#[derive(Debug, Clone)]
pub(super) struct Anchored {
    /// In `side` instead of `out`.
    pub(super) aside: bool,
    pub(super) range: Range<usize>,
    /// 0 for a scalar, else one more than its highest child.
    pub(super) height: usize,
}

/// What an open mapping waits for.
#[derive(Clone, Copy, PartialEq)]
enum Waits {
    Key,
    Value,
    MergeValue,
}

/// An open list or mapping.
struct Frame {
    is_mapping: bool,
    anchor: usize,
    start: usize,
    height: usize,
    is_empty: bool,
    waits: Waits,
    /// Its keys are `keys[keys_from..]`.
    keys_from: usize,
    /// The same keys, once there are many.
    many_keys: HashSet<Box<[u8]>>,
    merges: Option<Vec<Anchored>>,
}

pub(super) struct Transcoder {
    out: Vec<u8>,
    /// JSON of merge values written in place, which are no part of the output.
    side: Vec<u8>,
    frames: Vec<Frame>,
    /// Places of the keys of all open mappings, quotes included.
    keys: Vec<Range<usize>>,
    anchors: HashMap<usize, Anchored>,
    /// Anchors in the order their nodes ended.
    anchor_order: Vec<usize>,
    nodes: usize,
    /// Bytes copied or searched for aliases and merges.
    expanded: usize,
    limits: Limits,
}

impl Transcoder {
    pub(super) fn new(input_bytes: usize, limits: Limits) -> Self {
        Self {
            out: Vec::with_capacity(input_bytes.min(limits.output_bytes)),
            side: Vec::new(),
            frames: Vec::new(),
            keys: Vec::new(),
            anchors: HashMap::new(),
            anchor_order: Vec::new(),
            nodes: 0,
            expanded: 0,
            limits,
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.out.is_empty() {
            self.out.extend_from_slice(b"null");
        }
        self.out
    }

    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        mark: &Marker,
    ) -> Result<(), YamlError> {
        let waits_for_key = self.waits_for_key();
        if waits_for_key && is_merge_key(text, style, tag) {
            return self.merge_key(mark);
        }
        let scalar = typed(text, style, tag).map_err(|reason| YamlError::at(mark, reason))?;
        let start = self.begin_node(mark)?;
        match scalar {
            Scalar::Null if waits_for_key => {
                return Err(YamlError::at(mark, "null can't be a key; quote it if it is text"));
            }
            // A key is the text that was written: `200`, `1.0`, `true`.
            _ if waits_for_key => write_string(&mut self.out, text),
            Scalar::Null => self.out.extend_from_slice(b"null"),
            Scalar::Bool(true) => self.out.extend_from_slice(b"true"),
            Scalar::Bool(false) => self.out.extend_from_slice(b"false"),
            Scalar::Number(number) => self.out.extend_from_slice(number.as_bytes()),
            Scalar::Text => write_string(&mut self.out, text),
        }
        self.end_node(start, anchor, 0, mark)
    }

    pub(super) fn alias(&mut self, anchor: usize, mark: &Marker) -> Result<(), YamlError> {
        let Some(target) = self.anchors.get(&anchor).cloned() else {
            return Err(YamlError::at(mark, "the alias stands inside the node it refers to"));
        };
        if self.frames.len() + target.height > MAX_DEPTH {
            return Err(too_deep(mark));
        }
        self.expand(target.range.len(), mark)?;
        if self.frames.last().is_some_and(|frame| frame.waits == Waits::MergeValue) {
            return self.end_merge_value(target, mark);
        }
        let waits_for_key = self.waits_for_key();
        let start = self.begin_node(mark)?;
        self.copy(&target);
        if waits_for_key {
            match self.out.get(start) {
                Some(b'"') => {}
                Some(b'{' | b'[') => return Err(collection_as_key(mark)),
                Some(b'n') => return Err(YamlError::at(mark, "null can't be a key; quote it if it is text")),
                _ => {
                    self.out.insert(start, b'"');
                    self.out.push(b'"');
                }
            }
        }
        self.end_node(start, 0, target.height, mark)
    }

    pub(super) fn start(
        &mut self,
        is_mapping: bool,
        anchor: usize,
        tag: Option<&Tag>,
        mark: &Marker,
    ) -> Result<(), YamlError> {
        if self.waits_for_key() {
            return Err(collection_as_key(mark));
        }
        let kind = if is_mapping { "map" } else { "seq" };
        if let Some(other) = tag.and_then(Tag::core_suffix).filter(|suffix| *suffix != kind) {
            return Err(YamlError::at(mark, format!("a list or mapping has the tag `!!{other}`; remove the tag")));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep(mark));
        }
        let start = self.begin_node(mark)?;
        self.out.push(if is_mapping { b'{' } else { b'[' });
        self.frames.push(Frame {
            is_mapping,
            anchor,
            start,
            height: 0,
            is_empty: true,
            waits: Waits::Key,
            keys_from: self.keys.len(),
            many_keys: HashSet::new(),
            merges: None,
        });
        Ok(())
    }

    pub(super) fn end(&mut self, mark: &Marker) -> Result<(), YamlError> {
        if let Some(merges) = self.frames.last_mut().and_then(|frame| frame.merges.take()) {
            for source in &merges {
                self.merge(source, mark)?;
            }
        }
        let Some(frame) = self.frames.pop() else {
            return Err(YamlError::at(mark, "the parser closed what it never opened"));
        };
        self.keys.truncate(frame.keys_from);
        self.out.push(if frame.is_mapping { b'}' } else { b']' });
        self.end_node(frame.start, frame.anchor, frame.height + 1, mark)
    }

    fn waits_for_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_mapping && frame.waits == Waits::Key)
    }

    /// Writes what stands before a node and says where the node begins.
    fn begin_node(&mut self, mark: &Marker) -> Result<usize, YamlError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(YamlError::at(mark, format!("more than {} nodes; split the document", self.limits.nodes)));
        }
        if let Some(frame) = self.frames.last_mut()
            && (!frame.is_mapping || frame.waits == Waits::Key)
        {
            if !frame.is_empty {
                self.out.push(b',');
            }
            frame.is_empty = false;
        }
        Ok(self.out.len())
    }

    /// Does what follows from a node being complete.
    fn end_node(&mut self, start: usize, anchor: usize, height: usize, mark: &Marker) -> Result<(), YamlError> {
        if self.out.len() + self.side.len() > self.limits.output_bytes {
            return Err(too_large(self.limits, mark));
        }
        let node = Anchored { aside: false, range: start..self.out.len(), height };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
            self.anchor_order.push(anchor);
        }
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        frame.height = frame.height.max(height);
        if !frame.is_mapping {
            return Ok(());
        }
        match frame.waits {
            Waits::Key => {
                frame.waits = Waits::Value;
                if !self.add_key(node.range.clone()) {
                    let shown = node.range.start..node.range.end.min(node.range.start + SHOWN_KEY_BYTES);
                    let key = String::from_utf8_lossy(&self.out[shown]);
                    return Err(YamlError::at(mark, format!("the key {key} stands twice in one mapping")));
                }
                self.out.push(b':');
            }
            Waits::Value => frame.waits = Waits::Key,
            Waits::MergeValue => {
                let node = self.put_aside(node);
                self.end_merge_value(node, mark)?;
            }
        }
        Ok(())
    }

    /// Adds a key of the innermost mapping; false when it has it already.
    fn add_key(&mut self, key: Range<usize>) -> bool {
        let Some(frame) = self.frames.last_mut() else { return true };
        let keys = &self.keys[frame.keys_from..];
        let bytes = &self.out[key.clone()];
        let is_new = if keys.len() < FEW_KEYS {
            !keys.iter().any(|known| &self.out[known.clone()] == bytes)
        } else {
            if frame.many_keys.is_empty() {
                frame.many_keys.extend(keys.iter().map(|known| self.out[known.clone()].into()));
            }
            frame.many_keys.insert(bytes.into())
        };
        if is_new {
            self.keys.push(key);
        }
        is_new
    }

    fn merge_key(&mut self, mark: &Marker) -> Result<(), YamlError> {
        if let Some(frame) = self.frames.last_mut() {
            if frame.merges.is_some() {
                return Err(YamlError::at(mark, "the key `<<` stands twice in one mapping; give it a list"));
            }
            frame.merges = Some(Vec::new());
            frame.waits = Waits::MergeValue;
        }
        Ok(())
    }

    fn end_merge_value(&mut self, value: Anchored, mark: &Marker) -> Result<(), YamlError> {
        let json = if value.aside { &self.side } else { &self.out };
        let Some(found) = sources(json, &value) else {
            return Err(YamlError::at(mark, "`<<` takes a mapping or a list of mappings"));
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.height = frame.height.max(value.height);
            frame.merges = Some(found);
            frame.waits = Waits::Key;
        }
        Ok(())
    }

    /// Moves the node at the end of the output aside, with the anchors in it.
    fn put_aside(&mut self, node: Anchored) -> Anchored {
        let cut = node.range.start;
        let moved = self.side.len();
        let aside = |range: &Range<usize>| range.start - cut + moved..range.end - cut + moved;
        // What is aside stays there, so its anchors need no second look.
        while let Some(inner) = self.anchor_order.last().and_then(|anchor| self.anchors.get_mut(anchor)) {
            if !inner.aside {
                if inner.range.start < cut {
                    break;
                }
                inner.range = aside(&inner.range);
                inner.aside = true;
            }
            self.anchor_order.pop();
        }
        let range = aside(&node.range);
        self.side.extend_from_slice(&self.out[cut..]);
        self.out.truncate(cut);
        Anchored { aside: true, range, height: node.height }
    }

    /// Appends to the innermost mapping the entries of another whose keys it does not have.
    fn merge(&mut self, source: &Anchored, mark: &Marker) -> Result<(), YamlError> {
        self.expand(source.range.len(), mark)?;
        let json = if source.aside { &self.side } else { &self.out };
        let found: Vec<_> = entries(json, source.range.clone()).collect();
        for entry in found {
            let before = self.out.len();
            let is_first = self.frames.last().is_some_and(|frame| frame.is_empty);
            if !is_first {
                self.out.push(b',');
            }
            let start = self.out.len();
            self.copy(&Anchored { range: entry.whole, ..source.clone() });
            if !self.add_key(start..start + entry.key.len()) {
                self.out.truncate(before);
                continue;
            }
            if let Some(frame) = self.frames.last_mut() {
                frame.is_empty = false;
            }
            if self.out.len() + self.side.len() > self.limits.output_bytes {
                return Err(too_large(self.limits, mark));
            }
        }
        Ok(())
    }

    fn copy(&mut self, node: &Anchored) {
        if node.aside {
            self.out.extend_from_slice(&self.side[node.range.clone()]);
        } else {
            self.out.extend_from_within(node.range.clone());
        }
    }

    fn expand(&mut self, bytes: usize, mark: &Marker) -> Result<(), YamlError> {
        self.expanded = self.expanded.saturating_add(bytes);
        if self.expanded > self.limits.output_bytes { Err(too_large(self.limits, mark)) } else { Ok(()) }
    }
}

fn too_large(limits: Limits, mark: &Marker) -> YamlError {
    let bytes = limits.output_bytes;
    YamlError::at(mark, format!("more than {bytes} bytes of JSON with its aliases expanded; use fewer aliases"))
}

fn too_deep(mark: &Marker) -> YamlError {
    YamlError::at(mark, format!("nested deeper than {MAX_DEPTH} levels"))
}

fn collection_as_key(mark: &Marker) -> YamlError {
    YamlError::at(mark, "a list or mapping can't be a key")
}

fn is_merge_key(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> bool {
    let is_plain = style == ScalarStyle::Plain && text == "<<";
    match tag {
        None => is_plain,
        Some(tag) => tag.suffix_in_namespace(YAML_TAGS).as_deref() == Some("merge"),
    }
}

/// The meaning of a scalar under its tag. The error is a reason.
fn typed<'a>(text: &'a str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar<'a>, String> {
    let plain = || resolve(text).map_err(str::to_owned);
    let untagged = || if style == ScalarStyle::Plain { plain() } else { Ok(Scalar::Text) };
    let Some(tag) = tag else { return untagged() };
    let Some(kind) = tag.suffix_in_namespace(YAML_TAGS) else {
        // `! 12` is text (YAML 1.2 §6.9.1); tags of applications say nothing here.
        return if tag.original() == "!" { Ok(Scalar::Text) } else { untagged() };
    };
    let fits = |scalar: &Scalar<'_>| match (&*kind, scalar) {
        ("null", Scalar::Null) | ("bool", Scalar::Bool(_)) | ("float", Scalar::Number(_)) => true,
        ("int", Scalar::Number(number)) => !number.contains(['.', 'e', 'E']),
        _ => false,
    };
    match &*kind {
        "null" | "bool" | "int" | "float" => plain().and_then(|scalar| {
            if fits(&scalar) { Ok(scalar) } else { Err(format!("the value is no `!!{kind}`; remove the tag")) }
        }),
        "map" | "seq" => Err(format!("a scalar has the tag `!!{kind}`; remove the tag")),
        _ => Ok(Scalar::Text),
    }
}
