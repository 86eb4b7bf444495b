//! A place between two records that stays what it is while the log grows, is put aside, compressed and shortened
//! from its old end.
//!
//! Not for finding the place (see `locate`).

use std::fmt;
use std::str::FromStr;

/// Longest cursor that is read.
const CURSOR_MAX: usize = 64;

/// A place in the log, opaque to callers: it is taken from a page and given back. Records of the chain are named by
/// their sequence number; others (of a log from before the chain) by where they are in their part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor(pub(super) Place);

/// What a cursor names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Right after the record with this number.
    After(u64),
    /// Right before it.
    Before(u64),
    /// An offset in the text of a part.
    At(PartName, u64),
}

/// A part of the log, by a name that it keeps when it is put aside and compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PartName {
    /// By its age among those of the older naming: the number taken from the largest there is.
    Numbered(u16),
    /// By its first sequence number.
    From(u64),
}

impl Cursor {
    /// Before the oldest record.
    pub const START: Self = Self(Place::After(0));

    /// Right after the record with a sequence number: for who keeps that number.
    pub fn after(seq: u64) -> Self {
        Self(Place::After(seq))
    }

    /// The sequence number of the record right before the place, when the cursor names one.
    pub fn seq(self) -> Option<u64> {
        match self.0 {
            Place::After(seq) => Some(seq),
            Place::Before(_) | Place::At(..) => None,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::After(seq) => write!(f, "a{seq}"),
            Place::Before(seq) => write!(f, "b{seq}"),
            Place::At(PartName::Numbered(part), offset) => write!(f, "n{part}.{offset}"),
            Place::At(PartName::From(part), offset) => write!(f, "p{part}.{offset}"),
        }
    }
}

/// A text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this log; take it from the page before, or leave it out to begin anew")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = (text.len() <= CURSOR_MAX).then(|| place_of(text)).flatten();
        let cursor = place.map(Cursor).ok_or(InvalidCursor)?;
        // One way to write each.
        if cursor.to_string() == text { Ok(cursor) } else { Err(InvalidCursor) }
    }
}

fn place_of(text: &str) -> Option<Place> {
    let (kind, rest) = text.split_at_checked(1)?;
    match (kind, rest.split_once('.')) {
        ("a", None) => Some(Place::After(rest.parse().ok()?)),
        ("b", None) => Some(Place::Before(rest.parse().ok()?)),
        ("n", Some((part, at))) => Some(Place::At(PartName::Numbered(part.parse().ok()?), at.parse().ok()?)),
        ("p", Some((part, at))) => Some(Place::At(PartName::From(part.parse().ok()?), at.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for place in [
            Place::After(0),
            Place::After(u64::MAX),
            Place::Before(7),
            Place::At(PartName::Numbered(3), 4),
            Place::At(PartName::From(u64::MAX), u64::MAX),
        ] {
            let cursor = Cursor(place);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "a",
            "1",
            "x1",
            "a-1",
            "a+1",
            "a01",
            "a1.2",
            "p1",
            "p1.",
            "n70000.1",
            "a18446744073709551616",
            "ä1",
            "a1 ",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
        assert_eq!((Cursor::START.seq(), Cursor::after(3).seq()), (Some(0), Some(3)));
    }
}
