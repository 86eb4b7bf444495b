//! The end of a text file: its last whole line and what follows it, read from the end, whatever the size of the file.
//!
//! Not for what the line means.

use crate::LINE_MAX;
use crate::scan::read_at;
use memchr::memrchr;
use std::fs::File;
use std::io;

/// First piece that is read; most last lines are in it.
const PIECE: u64 = 16 << 10;
/// Most of a line that is looked at. Nothing we wrote is longer than [`LINE_MAX`].
const PART_MAX: u64 = 2 * LINE_MAX as u64;

/// How a file ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tail {
    /// The last line that is not empty and has its LF, without it.
    pub(crate) line: Option<Vec<u8>>,
    /// Bytes up to and with the last LF.
    pub(crate) end: u64,
    /// What follows, at most [`PART_MAX`] of it.
    pub(crate) torn: Vec<u8>,
}

impl Tail {
    /// Reads the end of the first `length` bytes of a file.
    pub(crate) fn of(file: &File, length: u64) -> io::Result<Self> {
        let end = last_lf(file, length)?.map_or(0, |at| at + 1);
        let torn = piece(file, end, length.min(end.saturating_add(PART_MAX)))?;
        Ok(Self { line: last_line(file, end)?, end, torn })
    }
}

fn last_line(file: &File, end: u64) -> io::Result<Option<Vec<u8>>> {
    let mut size = PIECE;
    loop {
        let start = end.saturating_sub(size);
        let text = piece(file, start, end)?;
        let Some(last) = text.iter().rposition(|byte| *byte != b'\n') else {
            if start == 0 {
                return Ok(None);
            }
            size *= 8;
            continue;
        };
        let text = &text[..=last];
        match memrchr(b'\n', text) {
            Some(before) => return Ok(Some(text[before + 1..].to_vec())),
            None if start == 0 || size >= PART_MAX => return Ok(Some(text.to_vec())),
            None => size *= 8,
        }
    }
}

/// Where the last LF before `end` is.
fn last_lf(file: &File, mut end: u64) -> io::Result<Option<u64>> {
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        if let Some(at) = memrchr(b'\n', &piece(file, start, end)?) {
            return Ok(Some(start + at as u64));
        }
        end = start;
    }
    Ok(None)
}

/// Some bytes of a file; fewer when it ends before.
pub(crate) fn piece(file: &File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    let read = read_at(file, &mut bytes, start)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_line_is_found_whatever_is_before_and_after_it() {
        let long = "x".repeat(PIECE as usize * 9 + 5);
        let lfs = "\n".repeat(PIECE as usize * 3);
        for (text, line, end, torn) in [
            (String::new(), None, 0, String::new()),
            ("\n\n".into(), None, 2, String::new()),
            ("torn".into(), None, 0, "torn".into()),
            ("a\n".into(), Some("a".to_owned()), 2, String::new()),
            ("a\nbc\n".into(), Some("bc".into()), 5, String::new()),
            ("a\nbc".into(), Some("a".into()), 2, "bc".into()),
            (format!("a\nb{lfs}t"), Some("b".into()), 3 + lfs.len() as u64, "t".into()),
            (format!("a\n{long}\n"), Some(long.clone()), 3 + long.len() as u64, String::new()),
            (format!("a\n{long}\n{long}"), Some(long.clone()), 3 + long.len() as u64, long.clone()),
        ] {
            let mut file = tempfile::tempfile().expect("temporary file");
            file.write_all(text.as_bytes()).expect("written");
            let tail = Tail::of(&file, text.len() as u64).expect("readable");
            assert_eq!(tail.line.map(|line| String::from_utf8(line).expect("text")), line);
            assert_eq!((tail.end, String::from_utf8(tail.torn).expect("text")), (end, torn));
        }
    }
}
