//! Compressing a file that was put aside: gzip (RFC 1952) in members of some 256 KiB, each of whole lines, so that one
//! line costs one member; any gzip reads the whole. The index comes first, so that nobody sees the one without the
//! other.

use crate::index::{Index, Member, Row, rows_of_line};
use crate::lines::{LINE_MAX, each_line};
use crate::names::Segment;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use open_cli_files::{Durability, FileError, replace, replace_with};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::iter::Peekable;

/// Unpacked length of a member, unless one line is longer.
const MEMBER_BYTES: usize = 256 << 10;
/// How much of a member is unpacked; ours are smaller.
const MEMBER_MAX: usize = 2 * LINE_MAX;
/// What is read or unpacked at once.
const CHUNK: usize = 64 << 10;
/// The level with the best of speed and size for traces, measured.
const LEVEL: u32 = 2;

/// Compresses a segment and removes the plain file. Rows that are not known are read from the lines.
///
/// # Errors
/// When it can't be read or written; then the plain file stays.
pub(crate) fn pack(segment: &Segment, rows: Option<Vec<Row>>) -> Result<(), FileError> {
    let plain = segment.plain();
    let source = File::open(&plain).map_err(|cause| FileError::Read { path: plain.clone(), cause })?;
    replace_with(&segment.packed(), Durability::Unsynced, |file| {
        let mut packer = Packer::new(file, rows);
        each_line(BufReader::with_capacity(CHUNK, source), |offset, line| packer.line(offset, line))?;
        let index = packer.finish()?;
        replace(&segment.index(), index.bytes(), Durability::Unsynced).map_err(io::Error::other)
    })?;
    std::fs::remove_file(&plain).map_err(|cause| FileError::Replace { path: plain, cause })
}

struct Packer<'f> {
    file: &'f mut File,
    /// Rows of the file by offset, if they are known.
    known: Option<Peekable<std::vec::IntoIter<Row>>>,
    raw: Vec<u8>,
    packed: Vec<u8>,
    written: u64,
    members: Vec<Member>,
    rows: Vec<Row>,
}

impl<'f> Packer<'f> {
    fn new(file: &'f mut File, known: Option<Vec<Row>>) -> Self {
        let known = known.map(|rows| rows.into_iter().peekable());
        let (raw, packed) = (Vec::with_capacity(MEMBER_BYTES), Vec::with_capacity(MEMBER_BYTES / 4));
        Self { file, known, raw, packed, written: 0, members: Vec::new(), rows: Vec::new() }
    }

    fn line(&mut self, offset: u64, line: &[u8]) -> io::Result<()> {
        if !self.raw.is_empty() && self.raw.len() + line.len() >= MEMBER_BYTES {
            self.member()?;
        }
        let (member, place) = (self.members.len() as u32, self.raw.len() as u32);
        self.raw.extend_from_slice(line);
        self.raw.push(b'\n');
        match &mut self.known {
            Some(known) => {
                while let Some(row) = known.next_if(|row| u64::from(row.offset) <= offset) {
                    if u64::from(row.offset) == offset {
                        self.rows.push(Row { member, offset: place, ..row });
                    }
                }
            }
            None => self.rows.extend(rows_of_line(line, place).into_iter().map(|row| Row { member, ..row })),
        }
        Ok(())
    }

    fn member(&mut self) -> io::Result<()> {
        self.packed.clear();
        let mut encoder = GzEncoder::new(&mut self.packed, Compression::new(LEVEL));
        encoder.write_all(&self.raw)?;
        encoder.finish()?;
        self.file.write_all(&self.packed)?;
        self.members.push(Member { offset: self.written, length: self.raw.len() as u32 });
        self.written += self.packed.len() as u64;
        self.raw.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Index> {
        if !self.raw.is_empty() {
            self.member()?;
        }
        Ok(Index::new(self.written, &self.members, &self.rows))
    }
}

/// The content of a member, as far as it is good.
///
/// # Errors
/// When the file can't be read.
pub(crate) fn unpack(mut file: &File, member: Member, out: &mut Vec<u8>) -> io::Result<()> {
    file.seek(SeekFrom::Start(member.offset))?;
    out.clear();
    let length = (member.length as usize).min(MEMBER_MAX);
    // A member that ends too early is damaged: its lines up to there are good.
    let _ = GzDecoder::new(BufReader::with_capacity(CHUNK, file)).take(length as u64).read_to_end(out);
    Ok(())
}

/// Makes the index of a packed file from its content; what comes after a damaged member is left out.
///
/// # Errors
/// When the file can't be read at all.
pub(crate) fn index_of(mut file: &File) -> io::Result<Index> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    let mut source = Counted { inner: BufReader::with_capacity(CHUNK, file), at: 0 };
    let (mut members, mut rows, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    while !source.fill_buf()?.is_empty() {
        raw.clear();
        let offset = source.at;
        let mut decoder = GzDecoder::new(&mut source);
        let outcome = decoder.by_ref().take(MEMBER_MAX as u64).read_to_end(&mut raw);
        let outcome = outcome.and_then(|_| io::copy(&mut decoder, &mut io::sink()));
        each_line(&*raw, |at, line| {
            let found = rows_of_line(line, at as u32);
            rows.extend(found.into_iter().map(|row| Row { member: members.len() as u32, ..row }));
            Ok(())
        })?;
        members.push(Member { offset, length: raw.len() as u32 });
        if outcome.is_err() {
            break;
        }
    }
    Ok(Index::new(length, &members, &rows))
}

/// Knows how far a reader has come.
struct Counted<R> {
    inner: R,
    at: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }
    fn consume(&mut self, amount: usize) {
        self.at += amount as u64;
        self.inner.consume(amount);
    }
}
