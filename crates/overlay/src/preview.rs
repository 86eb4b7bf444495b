//! What differs between a document before and after: for people who look at an overlay's effect. Not a patch format.
//! Elements of lists are matched by content, so that one removed element is one change.

use crate::limits::MAX_CHANGES;
use open_cli_jsonpath::Location;
use serde::Serialize;
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most cells of the table that matches two lists; beyond, elements are compared by their place.
const MAX_CELLS: usize = 250_000;
/// Deeper than this, values are compared as a whole.
const MAX_RECURSION: usize = 256;

/// What happened to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Was not there before.
    Added,
    /// Is not there any more.
    Removed,
    /// Has another value.
    Changed,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change<'a> {
    /// JSON Pointer into the document afterwards; for [`ChangeKind::Removed`] into the one before.
    pub pointer: String,
    /// What happened.
    pub kind: ChangeKind,
    /// The value before, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<&'a Value>,
    /// The value afterwards, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<&'a Value>,
}

/// All differences of two documents, as far as they are listed. Printed as unified text.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Preview<'a> {
    /// In the order of the documents.
    pub changes: Vec<Change<'a>>,
    /// How many more there are: see [`MAX_CHANGES`].
    pub omitted: usize,
}

impl Preview<'_> {
    /// True when the documents are equal.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.omitted == 0
    }
}

/// Compares a document before with the same document afterwards. The order of members does not count.
pub fn preview<'a>(before: &'a Value, after: &'a Value) -> Preview<'a> {
    let mut differ = Differ::default();
    differ.compare(before, after);
    differ.preview
}

#[derive(Default)]
struct Differ<'a> {
    preview: Preview<'a>,
    pointer: String,
    depth: usize,
}

impl<'a> Differ<'a> {
    fn compare(&mut self, before: &'a Value, after: &'a Value) {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) if self.depth < MAX_RECURSION => {
                self.objects(before, after);
            }
            (Value::Array(before), Value::Array(after)) if self.depth < MAX_RECURSION => {
                self.lists(before, after);
            }
            _ if before == after => {}
            _ => self.push(ChangeKind::Changed, Some(before), Some(after)),
        }
    }

    fn objects(&mut self, before: &'a Map<String, Value>, after: &'a Map<String, Value>) {
        for (name, value) in before {
            self.below(name, |differ| match after.get(name) {
                Some(other) => differ.compare(value, other),
                None => differ.push(ChangeKind::Removed, Some(value), None),
            });
        }
        for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            self.below(name, |differ| differ.push(ChangeKind::Added, None, Some(value)));
        }
    }

    fn lists(&mut self, before: &'a [Value], after: &'a [Value]) {
        let shared = before.iter().zip(after);
        let head = shared.take_while(|(before, after)| before == after).count();
        let (old, new) = (&before[head..], &after[head..]);
        let shared = old.iter().rev().zip(new.iter().rev());
        let tail = shared.take_while(|(before, after)| before == after).count();
        let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
        let (mut from, mut to) = (0, 0);
        for (old_kept, new_kept) in kept(old, new).into_iter().chain([(old.len(), new.len())]) {
            self.gap(head + from, &old[from..old_kept], head + to, &new[to..new_kept]);
            (from, to) = (old_kept + 1, new_kept + 1);
        }
    }

    /// Elements that are not on both sides: in pairs as long as there are pairs.
    fn gap(&mut self, from: usize, old: &'a [Value], to: usize, new: &'a [Value]) {
        let pairs = old.len().min(new.len());
        for (offset, (before, after)) in old.iter().zip(new).enumerate() {
            self.below(&(to + offset).to_string(), |differ| differ.compare(before, after));
        }
        for (offset, value) in old.iter().enumerate().skip(pairs) {
            self.below(&(from + offset).to_string(), |differ| differ.push(ChangeKind::Removed, Some(value), None));
        }
        for (offset, value) in new.iter().enumerate().skip(pairs) {
            self.below(&(to + offset).to_string(), |differ| differ.push(ChangeKind::Added, None, Some(value)));
        }
    }

    fn below(&mut self, token: &str, inner: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        Location::push_token(&mut self.pointer, token);
        self.depth += 1;
        inner(self);
        self.depth -= 1;
        self.pointer.truncate(length);
    }

    fn push(&mut self, kind: ChangeKind, before: Option<&'a Value>, after: Option<&'a Value>) {
        if self.preview.changes.len() >= MAX_CHANGES {
            self.preview.omitted += 1;
        } else {
            self.preview.changes.push(Change { pointer: self.pointer.clone(), kind, before, after });
        }
    }
}

/// The places of elements that are on both sides, in order: the longest common subsequence.
fn kept(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    if old.is_empty() || new.is_empty() || (old.len() + 1).saturating_mul(width) > MAX_CELLS {
        return Vec::new();
    }
    let [old, new] = [old, new].map(|list| list.iter().map(digest).collect::<Vec<u64>>());
    // longest[i * width + j]: of old[i..] and new[j..].
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = match old[i] == new[j] {
                true => longest[(i + 1) * width + j + 1] + 1,
                false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Equal for equal values, whatever the order of members.
fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => 0_u8.hash(&mut hasher),
        Value::Bool(value) => (1_u8, value).hash(&mut hasher),
        Value::Number(number) => (2_u8, number).hash(&mut hasher),
        Value::String(text) => (3_u8, text).hash(&mut hasher),
        Value::Array(elements) => {
            (4_u8, elements.len()).hash(&mut hasher);
            elements.iter().for_each(|element| digest(element).hash(&mut hasher));
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let mut hasher = DefaultHasher::new();
                (name, digest(value)).hash(&mut hasher);
                hasher.finish()
            };
            let sum = members.iter().map(member).fold(0, u64::wrapping_add);
            (5_u8, members.len(), sum).hash(&mut hasher);
        }
    }
    hasher.finish()
}
