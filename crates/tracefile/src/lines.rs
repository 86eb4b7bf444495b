//! Lines with a bound on each, not on the file: forwards to compress them, backwards to find the newest first. Longer
//! lines than [`LINE_MAX`] are left out; we never write them.

use memchr::{memchr, memrchr};
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;

/// Longest line that is written or read, LF excluded.
pub(crate) const LINE_MAX: usize = 4 << 20;

/// What is read at once from the end.
const BLOCK: usize = 256 << 10;

/// Tells each whole line with its offset; what has no LF at its end is none.
///
/// # Errors
/// When reading fails, and what `tell` says.
pub(crate) fn each_line(
    mut reader: impl BufRead,
    mut tell: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut offset = 0;
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            if read <= LINE_MAX {
                return Ok(());
            }
            offset += read as u64 + skip_until_lf(&mut reader)?;
            continue;
        }
        tell(offset, &line)?;
        offset += read as u64;
    }
}

fn skip_until_lf(reader: &mut impl BufRead) -> io::Result<u64> {
    Ok(reader.skip_until(b'\n')? as u64)
}

/// The lines of a block, last first; empty ones are left out.
pub(crate) fn reversed(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (before, line) = match memrchr(b'\n', rest) {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (&rest[..0], rest),
            };
            rest = before;
            if !line.is_empty() {
                return Some(line);
            }
        }
    })
}

/// Reads a file from its end, in blocks of whole lines. Bytes that are added meanwhile are not seen.
pub(crate) struct Backwards<'a> {
    file: &'a File,
    /// What comes before this was not read yet.
    end: u64,
    block: Vec<u8>,
}

impl<'a> Backwards<'a> {
    pub(crate) fn new(file: &'a File) -> io::Result<Self> {
        Ok(Self { file, end: file.metadata()?.len(), block: Vec::new() })
    }

    /// The next block; `None` at the beginning of the file.
    ///
    /// # Errors
    /// When reading fails. A file that was cut meanwhile has ended.
    pub(crate) fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        match self.read_block() {
            Ok(from) => Ok(from.map(|from| &self.block[from..])),
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    fn read_block(&mut self) -> io::Result<Option<usize>> {
        let mut size = BLOCK;
        while self.end > 0 {
            let start = self.read(size)?;
            if start == 0 {
                self.end = 0;
                return Ok(Some(0));
            }
            match memchr(b'\n', &self.block) {
                Some(at) if at + 1 < self.block.len() => {
                    self.end = start + at as u64 + 1;
                    return Ok(Some(at + 1));
                }
                _ if size <= LINE_MAX => size *= 2,
                _ => {
                    self.end = start;
                    self.skip_line()?;
                    size = BLOCK;
                }
            }
        }
        Ok(None)
    }

    /// Goes back to the beginning of an overlong line.
    fn skip_line(&mut self) -> io::Result<()> {
        while self.end > 0 {
            let start = self.read(BLOCK)?;
            if let Some(at) = memrchr(b'\n', &self.block) {
                self.end = start + at as u64 + 1;
                return Ok(());
            }
            self.end = start;
        }
        Ok(())
    }

    /// Reads up to `size` bytes before the end, and says where they begin.
    fn read(&mut self, size: usize) -> io::Result<u64> {
        let start = self.end.saturating_sub(size as u64);
        self.block.resize((self.end - start) as usize, 0);
        self.file.read_exact_at(&mut self.block, start)?;
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn forwards(text: &[u8]) -> Vec<(u64, usize)> {
        let mut found = Vec::new();
        each_line(text, |offset, line| {
            found.push((offset, line.len()));
            Ok(())
        })
        .expect("readable");
        found
    }

    fn backwards(text: &[u8]) -> Vec<Vec<u8>> {
        let mut file = tempfile::tempfile().expect("temporary file");
        file.write_all(text).expect("written");
        let mut blocks = Backwards::new(&file).expect("readable");
        let mut found = Vec::new();
        while let Some(block) = blocks.next_block().expect("readable") {
            assert!(block.len() <= 4 * LINE_MAX);
            found.extend(reversed(block).map(<[u8]>::to_vec));
        }
        found.reverse();
        found
    }

    #[test]
    fn lines_are_found_from_both_sides_whatever_their_number_and_length() {
        let line = |letter: u8, length: usize| [vec![letter; length], b"\n".to_vec()].concat();
        let many: Vec<u8> = (0..200_000_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let longest = [line(b'a', 5), line(b'b', LINE_MAX), line(b'c', 7)].concat();
        let overlong = [line(b'a', 5), line(b'b', 3 * LINE_MAX + 5), line(b'c', 7)].concat();
        for (text, lengths) in [
            (b"".to_vec(), vec![]),
            (b"a\n".to_vec(), vec![1]),
            (longest, vec![5, LINE_MAX, 7]),
            (overlong, vec![5, 7]),
            (line(b'x', 3 * LINE_MAX), vec![]),
            (many, (0..200_000_u32).map(|n| n.to_string().len()).collect()),
        ] {
            let found = forwards(&text);
            assert_eq!(found.iter().map(|(_, length)| *length).collect::<Vec<_>>(), lengths);
            for (offset, length) in found {
                assert_eq!(text[offset as usize + length], b'\n', "the offset is right");
            }
            assert_eq!(backwards(&text).iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        }
        assert_eq!(forwards(b"a\n\ntorn"), [(0, 1), (2, 0)]);
        assert_eq!(backwards(b"a\n\ntorn"), [b"a".to_vec(), b"torn".to_vec()]);
    }
}
