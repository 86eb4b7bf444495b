//! A sealed segment from its start to its end, block by block, in constant memory. A damaged block is told as such
//! and costs that block only.
//!
//! Not for finding single records (see `index`).

use super::member::{HEADER, Lengths, MAGIC, Unpacker, lengths_of};
use crate::AuditError;
use crate::scan::{CHUNK, read_at};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A piece of the segment.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// Where it begins in the compressed file.
    pub(crate) at: u64,
    /// Bytes that it takes there.
    pub(crate) length: u64,
    /// Its text, whole lines, and the CRC-32 of it. None when it is damaged. A line that is too long to be a record
    /// may go on in the next block.
    pub(crate) text: Option<(&'a [u8], u32)>,
    /// How long its text is, or was as far as the header of a damaged one can be believed.
    pub(crate) text_length: usize,
}

/// Reads the blocks of a sealed segment in their order.
pub(crate) struct Blocks {
    file: Arc<File>,
    at: u64,
    end: u64,
    unpacker: Unpacker,
    member: Vec<u8>,
    text: Vec<u8>,
}

impl Blocks {
    /// Opens a segment.
    pub(crate) fn open(gz: &Path) -> Result<Self, AuditError> {
        let unreadable = |cause| AuditError::Read { path: gz.to_owned(), cause };
        Self::of(Arc::new(File::open(gz).map_err(unreadable)?)).map_err(unreadable)
    }

    pub(crate) fn of(file: Arc<File>) -> io::Result<Self> {
        let end = file.metadata()?.len();
        Ok(Self { file, at: 0, end, unpacker: Unpacker::new(), member: Vec::new(), text: Vec::new() })
    }

    /// Bytes of the compressed file.
    pub(crate) fn compressed_bytes(&self) -> u64 {
        self.end
    }

    /// The next block.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let at = self.at;
        if let Some(lengths) = self.lengths_at(at)? {
            self.member.resize(lengths.member, 0);
            let read = read_at(&self.file, &mut self.member, at)?;
            if let Some(crc) = self.unpacker.unpack(&self.member[..read], &mut self.text) {
                self.at += lengths.member as u64;
                let text_length = self.text.len();
                return Ok(Some(Block { at, length: self.at - at, text: Some((&self.text, crc)), text_length }));
            }
            let after = at + lengths.member as u64;
            if after == self.end || (after < self.end && self.lengths_at(after)?.is_some()) {
                // Its lengths are right and its content is not.
                self.at = after;
                return Ok(Some(Block { at, length: after - at, text: None, text_length: lengths.text }));
            }
        }
        self.at = self.next_header(at + 1)?;
        Ok(Some(Block { at, length: self.at - at, text: None, text_length: 0 }))
    }

    fn lengths_at(&self, at: u64) -> io::Result<Option<Lengths>> {
        let mut header = [0; HEADER];
        let read = read_at(&self.file, &mut header, at)?;
        Ok(lengths_of(&header[..read]))
    }

    /// Where the next member begins, or the end.
    fn next_header(&mut self, mut at: u64) -> io::Result<u64> {
        self.member.resize(CHUNK, 0);
        loop {
            let read = read_at(&self.file, &mut self.member, at)?;
            if let Some(found) = memchr::memmem::find(&self.member[..read], &MAGIC) {
                return Ok(at + found as u64);
            }
            if read < self.member.len() {
                return Ok(self.end);
            }
            // A header may lie across two windows.
            at += (read - MAGIC.len()) as u64;
        }
    }
}
