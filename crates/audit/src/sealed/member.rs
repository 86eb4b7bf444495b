//! One member of a sealed segment: a gzip stream of its own (RFC 1952) that says in an extra field how long it is,
//! so that a reader finds the next one without inflating it, and goes on behind a damaged one. `zcat` reads it.
//!
//! Not for what the text is.

use crate::scan::CHUNK_MAX;
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use std::io;

/// Compression level. The higher ones cost several times the time for a few percent of the size.
const LEVEL: u32 = 3;
/// How each member begins: gzip, deflate, an extra field; no time, no flags, an unknown system; twelve bytes of
/// extra field: our two letters and eight bytes.
pub(crate) const MAGIC: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 12, 0, b'O', b'C', 8, 0];
/// The magic and two lengths.
pub(crate) const HEADER: usize = MAGIC.len() + 8;
/// CRC-32 and length of the text.
const TRAILER: usize = 8;
/// Longest member: deflate adds five bytes to each 16 KiB that it can't compress.
pub(crate) const MEMBER_MAX: usize = CHUNK_MAX + CHUNK_MAX / 1000 + 1024;

/// What the header of a member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// Of the member, header and trailer included.
    pub(crate) member: usize,
    /// Of its text.
    pub(crate) text: usize,
}

/// Reads a header. None when it is none of ours, or its lengths can't be.
pub(crate) fn lengths_of(header: &[u8]) -> Option<Lengths> {
    let rest = header.strip_prefix(&MAGIC)?;
    let (member, rest) = rest.split_first_chunk::<4>()?;
    let text = rest.first_chunk::<4>()?;
    let lengths = Lengths {
        member: usize::try_from(u32::from_le_bytes(*member)).ok()?,
        text: usize::try_from(u32::from_le_bytes(*text)).ok()?,
    };
    ((HEADER + TRAILER..=MEMBER_MAX).contains(&lengths.member) && lengths.text <= CHUNK_MAX).then_some(lengths)
}

/// CRC-32 of some bytes, as in gzip.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Makes members.
pub(crate) struct Packer {
    compress: Compress,
    member: Vec<u8>,
}

impl Packer {
    pub(crate) fn new() -> Self {
        Self { compress: Compress::new(Compression::new(LEVEL), false), member: Vec::new() }
    }

    /// A member with this text, and the CRC of the text.
    pub(crate) fn pack(&mut self, text: &[u8]) -> io::Result<(&[u8], u32)> {
        let too_long = || io::Error::other("a block of the audit log is too long");
        self.compress.reset();
        self.member.clear();
        self.member.extend_from_slice(&MAGIC);
        self.member.extend_from_slice(&[0; HEADER - MAGIC.len()]);
        self.member.reserve(text.len() + text.len() / 1000 + 1024);
        loop {
            let done = usize::try_from(self.compress.total_in()).map_err(|_| too_long())?;
            let rest = text.get(done..).unwrap_or_default();
            match self.compress.compress_vec(rest, &mut self.member, FlushCompress::Finish)? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => self.member.reserve(text.len() / 2 + 1024),
            }
        }
        let crc = crc(text);
        let text_length = u32::try_from(text.len()).map_err(|_| too_long())?.to_le_bytes();
        self.member.extend_from_slice(&crc.to_le_bytes());
        self.member.extend_from_slice(&text_length);
        let member_length = u32::try_from(self.member.len()).map_err(|_| too_long())?.to_le_bytes();
        self.member[MAGIC.len()..MAGIC.len() + 4].copy_from_slice(&member_length);
        self.member[MAGIC.len() + 4..HEADER].copy_from_slice(&text_length);
        Ok((&self.member, crc))
    }
}

/// Reads members.
pub(crate) struct Unpacker {
    inflate: Decompress,
}

impl Unpacker {
    pub(crate) fn new() -> Self {
        Self { inflate: Decompress::new(false) }
    }

    /// Puts the text of a member into `text` and returns its CRC. None when the member is damaged.
    pub(crate) fn unpack(&mut self, member: &[u8], text: &mut Vec<u8>) -> Option<u32> {
        text.clear();
        let lengths = lengths_of(member).filter(|lengths| lengths.member == member.len())?;
        let (deflated, trailer) = member.get(HEADER..)?.split_last_chunk::<TRAILER>()?;
        text.reserve(lengths.text);
        self.inflate.reset(false);
        let status = self.inflate.decompress_vec(deflated, text, FlushDecompress::Finish).ok()?;
        let crc = crc(text);
        let expected = [crc.to_le_bytes(), u32::try_from(lengths.text).ok()?.to_le_bytes()].concat();
        let is_whole = status == Status::StreamEnd
            && self.inflate.total_in() == deflated.len() as u64
            && text.len() == lengths.text
            && expected == trailer;
        is_whole.then_some(crc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_is_gzip() {
        let noise: Vec<u8> = (0..CHUNK_MAX as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let (mut packer, mut unpacker, mut text) = (Packer::new(), Unpacker::new(), Vec::new());
        for original in [b"".as_slice(), b"{}\n", &b"{\"a\":1}\n".repeat(30_000), &noise] {
            let (member, crc) = packer.pack(original).expect("packed");
            assert!(member.len() <= MEMBER_MAX);
            assert_eq!(unpacker.unpack(member, &mut text), Some(crc));
            assert_eq!(text, original);
            let mut plain = Vec::new();
            io::Read::read_to_end(&mut flate2::read::GzDecoder::new(member), &mut plain).expect("gzip");
            assert_eq!(plain, original);
        }
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let (mut unpacker, mut text) = (Unpacker::new(), Vec::new());
        let member = Packer::new().pack(&b"{\"toolId\":\"a\"}\n".repeat(10)).expect("packed").0.to_vec();
        for i in 0..member.len() {
            let mut damaged = member.clone();
            damaged[i] ^= 1;
            assert_eq!(unpacker.unpack(&damaged, &mut text), None, "byte {i}");
            assert_eq!(unpacker.unpack(&member[..i], &mut text), None, "cut at {i}");
        }
        assert!(unpacker.unpack(&member, &mut text).is_some());
    }
}
