//! Where the spans of one request grow: heads, attributes and texts of all of them, each kind in one piece of memory
//! that is handed over whole. Not for who may look at it (`span`, `local_trace`), nor for where it comes from (`pool`).

use crate::SpanKind;
use crate::recordable::{Recordable, Slot};
use open_cli_contract::trace::SpanId;
use std::fmt::Write as _;
use std::ops::Range;

/// Most spans of one request that are kept; more are counted.
const MAX_SPANS: usize = 8192;
/// Longest text that a span keeps: what callers and upstreams say must not fill the memory.
pub(crate) const MAX_TEXT: usize = 1024;
/// Most text of one request; beyond it texts are empty.
const MAX_TEXTS: usize = 16 << 20;
/// Stands for "no attribute".
const NONE: u32 = u32::MAX;

/// All spans of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arena {
    /// In the order in which they began.
    heads: Vec<Head>,
    pairs: Vec<Pair>,
    texts: String,
    /// Places of those that ended, in that order.
    ended: Vec<u32>,
}

/// A span but for its attributes.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) name: &'static str,
    pub(crate) title: Option<Text>,
    pub(crate) error: Option<Text>,
    pub(crate) kind: SpanKind,
    pub(crate) has_remote_parent: bool,
    /// Unix nanoseconds.
    pub(crate) started: i64,
    pub(crate) finished: i64,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    first: u32,
    last: u32,
    /// A bit for each name that an attribute has, see [`bit`]: most new names are known to be new by it.
    names: u64,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    name: &'static str,
    value: Stored,
    /// The next attribute of the same span.
    next: u32,
}

/// Value of an attribute, its text elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored {
    Text(Text),
    Int(i64),
    Bool(bool),
}

/// A piece of the texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    start: u32,
    end: u32,
}

impl Text {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Head {
    pub(crate) fn new(
        name: &'static str,
        span_id: SpanId,
        parent: Option<SpanId>,
        has_remote_parent: bool,
    ) -> Self {
        let kind = SpanKind::Internal;
        let (title, error, first, last) = (None, None, NONE, NONE);
        let (started, finished) = (0, 0);
        let names = 0;
        Self {
            name,
            title,
            error,
            kind,
            has_remote_parent,
            started,
            finished,
            span_id,
            parent,
            first,
            last,
            names,
        }
    }

    /// The outermost span here.
    pub(crate) fn is_local_root(&self) -> bool {
        self.parent.is_none() || self.has_remote_parent
    }
}

impl Arena {
    /// Begins a span; `None` when there are too many. The outermost one is always taken.
    pub(crate) fn begin(&mut self, head: Head) -> Option<u32> {
        if self.heads.len() >= MAX_SPANS && !head.is_local_root() {
            return None;
        }
        let place = u32::try_from(self.heads.len()).ok()?;
        self.heads.push(head);
        Some(place)
    }

    /// The place of a span that began at this one. Another when the outermost span ended before it.
    pub(crate) fn place(&self, began: u32, span: SpanId) -> Option<u32> {
        if self.heads.get(began as usize).is_some_and(|head| head.span_id == span) {
            return Some(began);
        }
        let place = self.heads.iter().position(|head| head.span_id == span)?;
        u32::try_from(place).ok()
    }

    pub(crate) fn head(&self, place: u32) -> &Head {
        &self.heads[place as usize]
    }

    pub(crate) fn head_mut(&mut self, place: u32) -> &mut Head {
        &mut self.heads[place as usize]
    }

    /// Sets an attribute; a second value replaces the first.
    pub(crate) fn set(&mut self, place: u32, name: &'static str, value: impl Recordable) {
        let mut slot = Slot { arena: self, value: Stored::Bool(false) };
        value.record(&mut slot);
        let value = slot.value;
        let head = &mut self.heads[place as usize];
        let bit = bit(name);
        let mut at = if head.names & bit == 0 { NONE } else { head.first };
        while let Some(pair) = self.pairs.get_mut(at as usize) {
            if pair.name == name {
                pair.value = value;
                return;
            }
            at = pair.next;
        }
        let Ok(new) = u32::try_from(self.pairs.len()) else { return };
        self.pairs.push(Pair { name, value, next: NONE });
        head.names |= bit;
        let before = std::mem::replace(&mut head.last, new);
        match self.pairs.get_mut(before as usize) {
            Some(before) => before.next = new,
            None => head.first = new,
        }
    }

    /// Keeps a text, cut to 1 KiB.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        // What does not fit is cut; nothing else can fail.
        self.written(|out| _ = out.write_str(text))
    }

    /// Keeps what it shows itself as, cut to 1 KiB.
    pub(crate) fn shown(&mut self, what: impl std::fmt::Display) -> Text {
        self.written(|out| _ = write!(out, "{what}"))
    }

    fn written(&mut self, write: impl FnOnce(&mut Bounded<'_>)) -> Text {
        let start = self.texts.len();
        if start < MAX_TEXTS {
            write(&mut Bounded { texts: &mut self.texts, start, is_full: false });
        }
        let at = |length: usize| u32::try_from(length).unwrap_or(NONE);
        Text { start: at(start), end: at(self.texts.len()) }
    }

    pub(crate) fn get(&self, text: Text) -> &str {
        self.texts.get(text.range()).unwrap_or_default()
    }

    /// Attributes of a span, in the order they were set.
    pub(crate) fn pairs(&self, head: &Head) -> impl Iterator<Item = (&'static str, Stored)> {
        let mut at = head.first;
        std::iter::from_fn(move || {
            let pair = self.pairs.get(at as usize)?;
            at = pair.next;
            Some((pair.name, pair.value))
        })
    }

    /// Counts it among those that ended.
    pub(crate) fn end(&mut self, place: u32) {
        self.ended.push(place);
    }

    /// Those that ended, in that order.
    pub(crate) fn ended(&self) -> impl DoubleEndedIterator<Item = &Head> + ExactSizeIterator {
        self.ended.iter().map(|place| &self.heads[*place as usize])
    }

    /// A copy of one span that ended.
    pub(crate) fn only(&self, place: u32) -> Self {
        let mut only = Self::default();
        only.copy(self, self.head(place));
        only.end(0);
        only
    }

    /// What goes on after those that ended are handed over: the spans that are still under way.
    pub(crate) fn under_way(&self) -> Self {
        let mut rest = Self::default();
        if self.heads.len() > self.ended.len() {
            let mut has_ended = vec![false; self.heads.len()];
            self.ended.iter().for_each(|place| has_ended[*place as usize] = true);
            let open = self.heads.iter().zip(has_ended).filter(|(_, has_ended)| !has_ended);
            open.for_each(|(head, _)| rest.copy(self, head));
        }
        rest
    }

    fn copy(&mut self, from: &Self, head: &Head) {
        let place = u32::try_from(self.heads.len()).unwrap_or(NONE);
        let mut copied = |text: Option<Text>| text.map(|text| self.text(from.get(text)));
        let (title, error) = (copied(head.title), copied(head.error));
        self.heads.push(Head { title, error, first: NONE, last: NONE, names: 0, ..head.clone() });
        for (name, value) in from.pairs(head) {
            match value {
                Stored::Text(text) => self.set(place, name, from.get(text)),
                Stored::Int(number) => self.set(place, name, number),
                Stored::Bool(truth) => self.set(place, name, truth),
            }
        }
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.heads.clear();
        self.pairs.clear();
        self.texts.clear();
        self.ended.clear();
    }

    /// About how much memory it holds, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.heads.capacity() * size_of::<Head>()
            + self.pairs.capacity() * size_of::<Pair>()
            + self.texts.capacity()
    }
}

/// One bit of 64, by length, first and last byte: the names of one span seldom share one.
fn bit(name: &str) -> u64 {
    let ends = name.as_bytes().first().zip(name.as_bytes().last());
    let (first, last) = ends.map_or((0, 0), |(first, last)| (u32::from(*first), u32::from(*last)));
    1 << ((name.len() as u32 * 7 + first * 3 + last * 5) % 64)
}

/// Writes at most [`MAX_TEXT`] bytes, cut between characters, and says when that was too little.
struct Bounded<'a> {
    texts: &'a mut String,
    start: usize,
    is_full: bool,
}

impl std::fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.is_full {
            return Err(std::fmt::Error);
        }
        let room = (self.start + MAX_TEXT).saturating_sub(self.texts.len());
        if text.len() <= room {
            self.texts.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        self.texts.push_str(&text[..end]);
        self.texts.push('…');
        self.is_full = true;
        Err(std::fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(id: u64, parent: Option<u64>) -> Head {
        Head::new("stage", SpanId::new(id).expect("an id"), parent.and_then(SpanId::new), false)
    }

    #[test]
    fn attributes_of_spans_that_grow_at_once_stay_apart_and_in_order() {
        let mut arena = Arena::default();
        let one = arena.begin(head(1, None)).expect("room");
        let two = arena.begin(head(2, Some(1))).expect("room");
        arena.set(one, "a", "first");
        arena.set(two, "a", 7_u16);
        arena.set(one, "b", true);
        arena.set(one, "a", "second");
        let shown = |place| {
            let pairs = arena.pairs(arena.head(place));
            let text = |value| match value {
                Stored::Text(text) => arena.get(text).to_owned(),
                other => format!("{other:?}"),
            };
            pairs.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>()
        };
        assert_eq!(shown(one), ["a=second", "b=Bool(true)"]);
        assert_eq!(shown(two), ["a=Int(7)"]);
    }

    #[test]
    fn too_many_spans_are_refused_but_for_an_outermost_one() {
        let mut arena = Arena::default();
        (1..=MAX_SPANS as u64).for_each(|id| _ = arena.begin(head(id, Some(9))).expect("room"));
        assert!(arena.begin(head(9999, Some(9))).is_none());
        assert!(arena.begin(head(9999, None)).is_some());
    }

    #[test]
    fn long_text_is_cut_between_characters_and_says_so() {
        let mut arena = Arena::default();
        for (text, length) in
            [("x".repeat(1024), 1024), ("x".repeat(1025), 1024 + 3), ("ä€".repeat(300), 1024 + 3)]
        {
            let kept = arena.text(&text);
            let kept = arena.get(kept);
            assert!(kept.len() <= length && kept.len() > 1020, "{}", kept.len());
            assert_eq!(kept.ends_with('…'), text.len() > 1024);
        }
        assert_eq!(arena.get(Text { start: 5, end: NONE }), "");
    }
}
