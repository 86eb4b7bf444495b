//! Line by line through any reader. For what is no file.

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

