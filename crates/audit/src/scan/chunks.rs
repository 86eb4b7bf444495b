//! A text file in pieces of whole lines, from its start or from its end, in constant memory.
//!
//! Not for what is in the lines (see `records`).

use memchr::{memchr, memrchr};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes of a chunk, when its lines are not longer.
pub(crate) const CHUNK: usize = 256 << 10;
/// Bytes of a chunk for who needs a line or two.
const SMALL: usize = 8 << 10;
/// Most bytes of a chunk. A line that does not fit is longer than any line may be, and is cut.
pub(crate) const CHUNK_MAX: usize = 2 << 20;
const _: () = assert!(CHUNK_MAX > crate::LINE_MAX + 1);

/// Which way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the oldest record to the newest.
    Forward,
    /// From the newest to the oldest.
    Backward,
}

/// Whole lines, but for a line that is too long for a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    /// Where it begins in the file.
    pub(crate) at: u64,
    pub(crate) text: &'a [u8],
    /// It begins within a line.
    pub(crate) head_cut: bool,
    /// It ends within a line, not counting the end of the file.
    pub(crate) tail_cut: bool,
}

/// The chunks of a part of a file.
#[derive(Debug)]
pub(crate) struct Chunks {
    file: Arc<File>,
    start: u64,
    end: u64,
    direction: Direction,
    /// The last chunk ended (forward) or began (backward) within a line.
    is_cut: bool,
    /// Bytes of a chunk, when its lines are not longer.
    window: usize,
    buffer: Vec<u8>,
    /// Where the last chunk begins in the buffer.
    told: usize,
}

impl Chunks {
    /// The bytes from `start` to `end`; both should be between two lines.
    pub(crate) fn new(file: Arc<File>, start: u64, end: u64, direction: Direction) -> Self {
        Self { file, start, end, direction, is_cut: false, window: CHUNK, buffer: Vec::new(), told: 0 }
    }

    /// Chunks of another size than [`CHUNK`].
    pub(crate) fn of(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// Reads less, for who needs a line or two.
    pub(crate) fn small(self) -> Self {
        self.of(SMALL)
    }

    /// `start` (forward) may be within a line, which is not told then.
    pub(crate) fn within_a_line(self) -> Self {
        Self { is_cut: true, ..self }
    }

    /// The text of the chunk that was told last, and maybe more behind it.
    pub(crate) fn text(&self) -> &[u8] {
        self.buffer.get(self.told..).unwrap_or_default()
    }

    /// The next one. A file that became shorter meanwhile ends earlier.
    pub(crate) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        match self.direction {
            Direction::Forward => self.forward(),
            Direction::Backward => self.backward(),
        }
    }

    fn forward(&mut self) -> io::Result<Option<Chunk<'_>>> {
        let (at, left) = (self.start, bounded(self.end.saturating_sub(self.start)));
        let (mut window, mut read) = (self.window.min(left), 0);
        let length = loop {
            let found = fill(&self.file, &mut self.buffer, read, window, at)?;
            let last = memrchr(b'\n', &self.buffer[read..found]).map(|i| read + i + 1);
            read = found;
            match last {
                Some(after) if read == window && window < left => break after,
                _ if read < window || window == left => break read,
                _ => window = (window + CHUNK).min(left),
            }
        };
        if length == 0 {
            return Ok(None);
        }
        self.start += length as u64;
        let text = &self.buffer[..length];
        let head_cut = self.is_cut;
        // A chunk of the largest size without a line's end: the end of the file may be further away.
        self.is_cut = length == CHUNK_MAX && text.last() != Some(&b'\n');
        Ok(Some(Chunk { at, text, head_cut, tail_cut: self.is_cut }))
    }

    fn backward(&mut self) -> io::Result<Option<Chunk<'_>>> {
        let left = bounded(self.end.saturating_sub(self.start));
        let mut window = self.window.min(left);
        let cut = loop {
            let at = self.end - window as u64;
            let read = fill(&self.file, &mut self.buffer, 0, window, at)?;
            if read < window {
                // The file became shorter: go on from where it ends now.
                if at + read as u64 <= self.start {
                    return Ok(None);
                }
                self.end = at + read as u64;
                window = CHUNK.min(bounded(self.end - self.start));
                continue;
            }
            if at == self.start {
                break 0;
            }
            // The LF at the very end belongs to the last line of the chunk.
            match memchr(b'\n', &self.buffer[..window.saturating_sub(1)]) {
                Some(first) => break first + 1,
                None if window == left => break 0,
                None => window = (window + CHUNK).min(left),
            }
        };
        if window == 0 {
            return Ok(None);
        }
        let at = self.end - (window - cut) as u64;
        self.end = at;
        self.told = cut;
        let text = &self.buffer[cut..window];
        let tail_cut = self.is_cut;
        self.is_cut = cut == 0 && at > self.start && !ends_a_line(&self.file, at)?;
        Ok(Some(Chunk { at, text, head_cut: self.is_cut, tail_cut }))
    }
}

fn bounded(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(CHUNK_MAX).min(CHUNK_MAX)
}

/// Is the byte before `at` an LF?
fn ends_a_line(file: &File, at: u64) -> io::Result<bool> {
    let mut byte = [0];
    Ok(read_at(file, &mut byte, at.saturating_sub(1))? == 1 && byte == *b"\n")
}

/// Reads into `buffer[from..to]` what is at `at + from`; returns how far the buffer is filled.
fn fill(file: &File, buffer: &mut Vec<u8>, from: usize, to: usize, at: u64) -> io::Result<usize> {
    if buffer.len() < to {
        buffer.resize(to, 0);
    }
    Ok(from + read_at(file, &mut buffer[from..to], at + from as u64)?)
}

/// Reads until the buffer is full or the file ends.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], at + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn chunks(text: &[u8], direction: Direction) -> Vec<(u64, usize, bool, bool)> {
        let mut file = tempfile::tempfile().expect("temporary file");
        file.write_all(text).expect("written");
        let mut chunks = Chunks::new(Arc::new(file), 0, text.len() as u64, direction);
        let mut found = Vec::new();
        while let Some(chunk) = chunks.next().expect("readable") {
            let at = usize::try_from(chunk.at).expect("small");
            assert_eq!(chunk.text, &text[at..at + chunk.text.len()]);
            found.push((chunk.at, chunk.text.len(), chunk.head_cut, chunk.tail_cut));
        }
        found
    }

    /// A text of lines with these lengths, LF included; the last one has none when `torn`.
    fn lines(lengths: &[usize], torn: bool) -> Vec<u8> {
        let mut text: Vec<u8> =
            lengths.iter().flat_map(|length| [vec![b'x'; length - 1], vec![b'\n']].concat()).collect();
        if torn {
            text.pop();
        }
        text
    }

    #[test]
    fn both_ways_see_each_byte_once_in_whole_lines() {
        for (lengths, torn) in [
            (vec![], false),
            (vec![1], false),
            (vec![2], true),
            (vec![1; 3 * CHUNK], false),
            (vec![700; 3000], false),
            (vec![700; 3000], true),
            (vec![10, crate::LINE_MAX + 1, 10, 300_000, 10], false),
            (vec![CHUNK, CHUNK, CHUNK], false),
            (vec![CHUNK - 1, CHUNK + 1, 5, CHUNK], true),
            (vec![CHUNK_MAX, CHUNK_MAX, 1], false),
        ] {
            let text = lines(&lengths, torn);
            for direction in [Direction::Forward, Direction::Backward] {
                let mut found = chunks(&text, direction);
                if direction == Direction::Backward {
                    found.reverse();
                }
                let mut at = 0;
                for (start, length, head_cut, tail_cut) in found {
                    assert_eq!(start, at, "{direction:?}");
                    assert!(!head_cut && !tail_cut, "{direction:?} {start} {length}");
                    let at_once = usize::try_from(at).expect("small");
                    assert!(at == 0 || text[at_once - 1] == b'\n', "{direction:?} begins with a line");
                    at += length as u64;
                }
                assert_eq!(at, text.len() as u64);
            }
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_said_to_be() {
        let text = lines(&[10, 5 * CHUNK_MAX, 10], false);
        for direction in [Direction::Forward, Direction::Backward] {
            let mut found = chunks(&text, direction);
            if direction == Direction::Backward {
                found.reverse();
            }
            assert_eq!(found.iter().map(|chunk| chunk.1).sum::<usize>(), text.len());
            assert!(found.iter().all(|chunk| chunk.1 <= CHUNK_MAX));
            assert!(!found[0].2 && !found[found.len() - 1].3);
            for pair in found.windows(2) {
                let end = usize::try_from(pair[1].0).expect("small");
                let cut = text[end - 1] != b'\n';
                assert_eq!((pair[0].3, pair[1].2), (cut, cut), "{direction:?} at {end}");
            }
        }
    }
}
