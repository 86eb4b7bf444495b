//! Records that a sink will never get: found by their numbers, which follow each other without a gap. Not for what is
//! done about them.

use crate::deliver::{Entry, Lost};

/// Records that a sink will never get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The sink: scheme, host and port.
    pub sink: String,
    /// First record.
    pub from: u64,
    /// Last record.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why records are lost to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// They were not in the log any more, or not readable, when it was their turn.
    Removed,
    /// The receiver says that the record is too large.
    TooLarge,
}

impl GapReason {
    /// Word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed_undelivered",
            Self::TooLarge => "too_large_for_receiver",
        }
    }
}

/// The first place where the numbers are not one after the other, and which ones are not there. A sink that is new
/// begins with whatever is kept.
pub(crate) fn missing(entries: &[Entry], before: Option<u64>) -> Option<(usize, Lost)> {
    let mut last = before;
    for (at, entry) in entries.iter().enumerate() {
        let Some(seq) = entry.seq else { continue };
        if let Some(last) = last
            && seq > last.saturating_add(1)
        {
            return Some((at, Lost { from: last + 1, to: seq - 1 }));
        }
        last = Some(seq);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(numbers: &[Option<u64>]) -> Vec<Entry> {
        let line = |seq: &Option<u64>| seq.map_or("{}".to_owned(), |seq| format!("{{\"seq\":{seq}}}"));
        let raw = |seq| serde_json::value::RawValue::from_string(line(seq)).expect("JSON");
        numbers.iter().map(|seq| Entry::new(raw(seq))).collect()
    }

    #[test]
    fn missing_numbers_are_found_wherever_they_are() {
        for (numbers, before, expected) in [
            (&[Some(5), Some(6)][..], None, None),
            (&[Some(5), Some(6)], Some(4), None),
            (&[Some(5), Some(6)], Some(2), Some((0, Lost { from: 3, to: 4 }))),
            (&[Some(5), Some(8)], Some(4), Some((1, Lost { from: 6, to: 7 }))),
            (&[None, None, Some(1)], Some(0), None),
            (&[None, Some(3)], Some(1), Some((1, Lost { from: 2, to: 2 }))),
        ] {
            assert_eq!(missing(&entries(numbers), before), expected, "{numbers:?} after {before:?}");
        }
    }
}
