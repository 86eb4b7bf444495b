//! Reading line by line with a bound on the line, not on the file (AUDIT-4, weakness 55).

use crate::LINE_MAX;
use std::io::{self, BufRead, BufReader, Read};

/// Size of a read.
const CHUNK: usize = 64 << 10;

/// A line as found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes without the LF.
    Whole(&'a [u8]),
    /// It was longer than [`LINE_MAX`] and was skipped.
    TooLong,
}

/// Tells each line; a last one without LF too.
pub(crate) fn each_line(reader: impl Read, mut tell: impl FnMut(Line<'_>)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(CHUNK, reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.len() > LINE_MAX {
            tell(Line::TooLong);
            reader.skip_until(b'\n')?;
        } else {
            tell(Line::Whole(&line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &[u8]) -> Vec<Option<usize>> {
        let mut found = Vec::new();
        let tell = |line: Line<'_>| match line {
            Line::Whole(line) => found.push(Some(line.len())),
            Line::TooLong => found.push(None),
        };
        each_line(text, tell).expect("readable");
        found
    }

    #[test]
    fn lines_are_found_whatever_their_end_and_length() {
        let exactly = [vec![b'x'; LINE_MAX], b"\ny".to_vec()].concat();
        let over = [vec![b'x'; LINE_MAX + 1], b"\ny\n".to_vec()].concat();
        let far_over = vec![b'x'; LINE_MAX * 2 + 7];
        for (text, expected) in [
            (b"".as_slice(), vec![]),
            (b"\n", vec![Some(0)]),
            (b"a", vec![Some(1)]),
            (b"a\nbc\n", vec![Some(1), Some(2)]),
            (b"a\n\n\nb", vec![Some(1), Some(0), Some(0), Some(1)]),
            (&exactly, vec![Some(LINE_MAX), Some(1)]),
            (&over, vec![None, Some(1)]),
            (&far_over, vec![None]),
        ] {
            assert_eq!(lengths(text), expected);
        }
    }
}
