//! Sealed segments: a part of the log that gets no more lines, compressed so that a single block of it can be read
//! (a gzip file of many members, RFC 1952 §2.2, each of whole lines), with a columnar index beside it.
//!
//! Not for signing them, nor for deciding when a segment is sealed or removed.

mod blocks;
mod member;

pub(crate) use blocks::Blocks;
pub(crate) use member::{MEMBER_MAX, Unpacker, crc};

use crate::AuditError;
use crate::chain::Hash;
use crate::index::Builder;
use crate::scan::{Chunks, Direction};
use aws_lc_rs::digest::{Context, SHA256};
use member::Packer;
use memchr::memrchr;
use open_cli_contract::Timestamp;
use open_cli_files::{Durability, replace_with};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// Bytes of text in a block, when its lines are not longer. Each hit costs inflating a block, so larger ones make
/// pages slow; smaller ones compress worse (this size costs 3 % over four times of it).
const BLOCK: usize = 64 << 10;

/// What is in a sealed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedInfo {
    /// Records in it.
    pub(crate) records: u64,
    /// Lines that hold no record, or more than records.
    pub(crate) bad_lines: u64,
    /// Bytes of its text.
    pub(crate) bytes: u64,
    /// Sequence number of its first line that has one; 0 when none has.
    pub(crate) first_seq: u64,
    /// The same of its last.
    pub(crate) last_seq: u64,
    /// SHA-256 of the text.
    pub(crate) sha256: Hash,
    /// Hash of the last line that is not empty; zeros when there is none.
    pub(crate) last_line_hash: Hash,
    /// Earliest time of a record.
    pub(crate) first_time: Option<Timestamp>,
    /// Latest time of a record.
    pub(crate) last_time: Option<Timestamp>,
}

/// Compresses a text of lines and writes the index. Both are synced when this returns, and neither is half-written
/// at any time; the index is in place before the segment is. The source stays.
///
/// # Errors
/// When the source can't be read, or the segment or its index can't be written.
pub(crate) fn write_segment(source: &Path, gz: &Path, idx: &Path) -> Result<SealedInfo, AuditError> {
    let unreadable = |cause| AuditError::Read { path: source.to_owned(), cause };
    let text = File::open(source).map_err(unreadable)?;
    let length = text.metadata().map_err(unreadable)?.len();
    let chunks = Chunks::new(Arc::new(text), 0, length, Direction::Forward).of(BLOCK);
    let info = replace_with(gz, Durability::Synced, |gz_file| {
        replace_with(idx, Durability::Synced, |idx_file| seal(chunks, length, gz_file, idx_file))
            .map_err(io::Error::other)
    })?;
    Ok(info)
}

fn seal(mut chunks: Chunks, length: u64, gz: &mut File, idx: &mut File) -> io::Result<SealedInfo> {
    let mut index = Builder::new(BufWriter::new(idx))?;
    let (mut packer, mut digest, mut last_line) = (Packer::new(), Context::new(&SHA256), LastLine::default());
    let (mut at, mut bytes) = (0, 0);
    while let Some(chunk) = chunks.next()? {
        digest.update(chunk.text);
        last_line.see(chunk.text);
        let (member, crc) = packer.pack(chunk.text)?;
        gz.write_all(member)?;
        index.block(at, member.len(), crc, chunk)?;
        at += member.len() as u64;
        bytes += chunk.text.len() as u64;
    }
    if bytes != length {
        return Err(io::Error::other("the text became shorter while it was read"));
    }
    if bytes == 0 {
        // A file without any member is no gzip file.
        let (member, _) = packer.pack(b"")?;
        gz.write_all(member)?;
        at += member.len() as u64;
    }
    let summary = index.finish(at)?;
    Ok(SealedInfo {
        records: summary.records,
        bad_lines: summary.bad_lines,
        bytes,
        first_seq: summary.first_seq,
        last_seq: summary.last_seq,
        sha256: Hash::from_digest(&digest.finish()),
        last_line_hash: last_line.hash(),
        first_time: summary.first_time,
        last_time: summary.last_time,
    })
}

/// Hash of the last line that is not empty, over the chunks of a text.
struct LastLine {
    /// A line that has not ended yet, because it is longer than a chunk.
    open: Option<Context>,
    hash: Hash,
}

impl Default for LastLine {
    fn default() -> Self {
        Self { open: None, hash: Hash::ZERO }
    }
}

impl LastLine {
    fn see(&mut self, mut text: &[u8]) {
        if let Some(open) = &mut self.open {
            let end = memchr::memchr(b'\n', text);
            open.update(&text[..end.unwrap_or(text.len())]);
            let Some(end) = end else { return };
            self.close();
            text = &text[end + 1..];
        }
        let (whole, torn) = text.split_at(memrchr(b'\n', text).map_or(0, |end| end + 1));
        if let Some(last) = whole.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()) {
            self.hash = Hash::of(last);
        }
        if !torn.is_empty() {
            let mut open = Context::new(&SHA256);
            open.update(torn);
            self.open = Some(open);
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.hash = Hash::from_digest(&open.finish());
        }
    }

    fn hash(mut self) -> Hash {
        self.close();
        self.hash
    }
}

#[cfg(test)]
pub(crate) mod tests;
