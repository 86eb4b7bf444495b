//! The bytes of an index. All numbers are little-endian.
//!
//! ```text
//! magic with version
//! per group of records:  its columns, one after the other
//! directory:             the segment's length, and per group: where its columns are, their lengths and CRC-32s,
//!                        and its blocks
//! length and CRC-32 of the directory, magic
//! ```
//!
//! Columns of a group with n records: `start` n u32, where the record begins in the text of its block; `time` the
//! earliest as i64, the width 4 or 8 as u32, then n differences, microseconds; `request` and `trace` n CRC-32s; each
//! other key as a dictionary: its size as u32, that many CRC-32s, then n places in it, in one byte, two or four.

use crate::sealed::crc;
use open_cli_contract::Timestamp;

/// How an index begins and ends. The last digit is the version.
pub(crate) const MAGIC: &[u8; 8] = b"OCAUDIX1";
/// After the directory: its length, its CRC-32, the magic.
pub(crate) const TRAILER: usize = 4 + 4 + MAGIC.len();
/// Largest directory that is read. A segment of 500 GB has one of this size.
pub(crate) const DIRECTORY_MAX: usize = 128 << 20;

/// What records are found by, beside their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Request,
    Trace,
    Session,
    Tool,
    Service,
    Principal,
    Type,
    Decision,
}

impl Key {
    /// All, those first that choose the fewest records.
    pub(crate) const ALL: [Self; 8] = [
        Self::Request,
        Self::Trace,
        Self::Session,
        Self::Tool,
        Self::Principal,
        Self::Service,
        Self::Type,
        Self::Decision,
    ];

    /// Values are nearly all different.
    pub(crate) fn is_plain(self) -> bool {
        matches!(self, Self::Request | Self::Trace)
    }

    fn column(self) -> usize {
        2 + self as usize
    }
}

/// What stands for a value in a column. An absent value is an empty one.
pub(crate) fn hash(value: &str) -> u32 {
    crc(value.as_bytes())
}

/// A moment in whole microseconds, rounded down: in the order of time, but not exact.
pub(crate) fn micros(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// Column with the starts.
pub(crate) const START: usize = 0;
/// Column with the times.
pub(crate) const TIME: usize = 1;
/// Columns of a group.
pub(crate) const COLUMNS: usize = 2 + Key::ALL.len();

/// Place of a key's column.
pub(crate) fn column_of(key: Key) -> usize {
    key.column()
}

/// A column's length and CRC-32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) length: u32,
    pub(crate) crc: u32,
}

/// A block of the segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockEntry {
    /// Where it is in the compressed file, and how long.
    pub(crate) at: u64,
    pub(crate) length: u32,
    /// Where its text is in that of the segment, and how long.
    pub(crate) text_at: u64,
    pub(crate) text_length: u32,
    /// CRC-32 of its text.
    pub(crate) crc: u32,
    /// Its first record, counted in the group.
    pub(crate) first_record: u32,
    pub(crate) bad_lines: u32,
    /// Smallest and largest sequence number in it; 0 when it has none.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
}

/// Some blocks in a row and the columns of their records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Where its first column is in the index.
    pub(crate) at: u64,
    pub(crate) records: u32,
    /// Earliest and latest time of a record, microseconds.
    pub(crate) first_time: i64,
    pub(crate) last_time: i64,
    pub(crate) columns: [Column; COLUMNS],
    pub(crate) blocks: Vec<BlockEntry>,
}

/// The directory at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    /// Length of the compressed file.
    pub(crate) gz_length: u64,
    pub(crate) groups: Vec<Group>,
}

impl Directory {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let u32s = |out: &mut Vec<u8>, numbers: &[u32]| {
            numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        };
        let u64s = |out: &mut Vec<u8>, numbers: &[u64]| {
            numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        };
        u64s(&mut out, &[self.gz_length]);
        for group in &self.groups {
            u64s(&mut out, &[group.at, group.first_time.cast_unsigned(), group.last_time.cast_unsigned()]);
            let blocks = u32::try_from(group.blocks.len()).unwrap_or(u32::MAX);
            u32s(&mut out, &[group.records, blocks]);
            group.columns.iter().for_each(|column| u32s(&mut out, &[column.length, column.crc]));
            for block in &group.blocks {
                u64s(&mut out, &[block.at, block.text_at, block.first_seq, block.last_seq]);
                u32s(&mut out, &[block.length, block.text_length, block.crc, block.first_record, block.bad_lines]);
            }
        }
        out
    }

    /// None when the bytes are no directory.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let mut directory = Self { gz_length: bytes.u64()?, groups: Vec::new() };
        while !bytes.0.is_empty() {
            let mut group = Group { at: bytes.u64()?, ..Group::default() };
            (group.first_time, group.last_time) = (bytes.u64()?.cast_signed(), bytes.u64()?.cast_signed());
            group.records = bytes.u32()?;
            let blocks = bytes.u32()?;
            for column in &mut group.columns {
                *column = Column { length: bytes.u32()?, crc: bytes.u32()? };
            }
            for _ in 0..blocks {
                let (at, text_at, first_seq, last_seq) = (bytes.u64()?, bytes.u64()?, bytes.u64()?, bytes.u64()?);
                group.blocks.push(BlockEntry {
                    at,
                    length: bytes.u32()?,
                    text_at,
                    text_length: bytes.u32()?,
                    crc: bytes.u32()?,
                    first_record: bytes.u32()?,
                    bad_lines: bytes.u32()?,
                    first_seq,
                    last_seq,
                });
            }
            directory.groups.push(group);
        }
        Some(directory)
    }
}

/// Reads numbers.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*number))
    }
    fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }
}
