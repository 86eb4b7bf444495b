//! Writing an index while a segment is written or read, with one group of records in memory.

use super::format::{
    BlockEntry, COLUMNS, Column, Directory, Group, Key, MAGIC, START, TIME, column_of, hash, micros,
};
use crate::chain::Link;
use crate::scan::{Chunk, Record, each_record, lines};
use crate::sealed::crc;
use open_cli_contract::Timestamp;
use std::collections::HashMap;
use std::io::{self, Write};

/// A group is closed with the block that brings it to so many records, or to so many blocks.
const GROUP_RECORDS: usize = 32 << 10;
const GROUP_BLOCKS: usize = 256;

/// What was indexed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) records: u64,
    pub(crate) bad_lines: u64,
    /// First and last sequence number; 0 when there is none.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// Earliest and latest time.
    pub(crate) first_time: Option<Timestamp>,
    pub(crate) last_time: Option<Timestamp>,
}

/// Takes the blocks of a segment in their order.
pub(crate) struct Builder<W: Write> {
    out: W,
    written: u64,
    text_at: u64,
    directory: Directory,
    blocks: Vec<BlockEntry>,
    rows: Rows,
    summary: Summary,
}

/// The records of the group that is being filled.
#[derive(Default)]
struct Rows {
    starts: Vec<u32>,
    times: Vec<i64>,
    /// In the order of [`Key::ALL`].
    hashes: [Vec<u32>; Key::ALL.len()],
}

impl<W: Write> Builder<W> {
    pub(crate) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self {
            out,
            written: MAGIC.len() as u64,
            text_at: 0,
            directory: Directory::default(),
            blocks: Vec::new(),
            rows: Rows::default(),
            summary: Summary::default(),
        })
    }

    /// Adds a block: where it is in the compressed file, how long, the CRC of its text, and the text.
    pub(crate) fn block(&mut self, at: u64, length: usize, crc: u32, chunk: Chunk<'_>) -> io::Result<()> {
        let mut block = self.entry(at, length, chunk.text.len())?;
        block.crc = crc;
        let (rows, summary) = (&mut self.rows, &mut self.summary);
        // A bad line may have a place too.
        for link in lines(chunk).filter_map(|(_, line)| Link::of(line?.trim_ascii_end())) {
            block.first_seq = if block.first_seq == 0 { link.seq } else { block.first_seq.min(link.seq) };
            block.last_seq = block.last_seq.max(link.seq);
            summary.first_seq = if summary.first_seq == 0 { link.seq } else { summary.first_seq };
            summary.last_seq = link.seq;
        }
        let bad_lines = each_record(chunk, |record| {
            summary.see(&record);
            rows.push(&record);
        });
        block.bad_lines = u32::try_from(bad_lines).map_err(io::Error::other)?;
        self.summary.bad_lines += bad_lines;
        self.text_at += chunk.text.len() as u64;
        self.add(block)
    }

    /// Adds a block that can't be read: one bad line, for nobody knows how many it had.
    pub(crate) fn damaged(&mut self, at: u64, length: usize, text_length: usize) -> io::Result<()> {
        // It takes some room in the text, so that it is passed by who walks over the text.
        let mut block = self.entry(at, length.min(u32::MAX as usize), text_length.max(1))?;
        self.text_at += u64::from(block.text_length);
        block.bad_lines = 1;
        self.summary.bad_lines += 1;
        self.add(block)
    }

    fn entry(&self, at: u64, length: usize, text_length: usize) -> io::Result<BlockEntry> {
        Ok(BlockEntry {
            at,
            length: u32::try_from(length).map_err(io::Error::other)?,
            text_at: self.text_at,
            text_length: u32::try_from(text_length).map_err(io::Error::other)?,
            crc: 0,
            first_record: u32::try_from(self.rows.starts.len()).map_err(io::Error::other)?,
            bad_lines: 0,
            first_seq: 0,
            last_seq: 0,
        })
    }

    fn add(&mut self, block: BlockEntry) -> io::Result<()> {
        self.blocks.push(block);
        if self.rows.starts.len() >= GROUP_RECORDS || self.blocks.len() >= GROUP_BLOCKS {
            self.close_group()?;
        }
        Ok(())
    }

    fn close_group(&mut self) -> io::Result<()> {
        if self.blocks.is_empty() {
            return Ok(());
        }
        let rows = &self.rows;
        let mut group = Group {
            at: self.written,
            records: u32::try_from(rows.starts.len()).map_err(io::Error::other)?,
            first_time: rows.times.iter().copied().min().unwrap_or(0),
            last_time: rows.times.iter().copied().max().unwrap_or(0),
            columns: [Column::default(); COLUMNS],
            blocks: std::mem::take(&mut self.blocks),
        };
        let mut columns = [const { Vec::new() }; COLUMNS];
        columns[START] = numbers(&rows.starts);
        columns[TIME] = times(&rows.times, group.first_time, group.last_time);
        for (key, hashes) in Key::ALL.into_iter().zip(&rows.hashes) {
            columns[column_of(key)] = if key.is_plain() { numbers(hashes) } else { dictionary(hashes) };
        }
        for (entry, column) in group.columns.iter_mut().zip(&columns) {
            self.out.write_all(column)?;
            *entry = Column { length: u32::try_from(column.len()).map_err(io::Error::other)?, crc: crc(column) };
            self.written += column.len() as u64;
        }
        self.directory.groups.push(group);
        self.rows.clear();
        Ok(())
    }

    /// Writes what is left. `gz_length` is the length of the compressed file.
    pub(crate) fn finish(mut self, gz_length: u64) -> io::Result<Summary> {
        self.close_group()?;
        self.directory.gz_length = gz_length;
        let directory = self.directory.encode();
        self.out.write_all(&directory)?;
        self.out.write_all(&u32::try_from(directory.len()).map_err(io::Error::other)?.to_le_bytes())?;
        self.out.write_all(&crc(&directory).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        self.out.flush()?;
        Ok(self.summary)
    }
}

impl Summary {
    fn see(&mut self, record: &Record<'_>) {
        self.records += 1;
        let time = record.head.timestamp;
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.last_time = Some(self.last_time.map_or(time, |last| last.max(time)));
    }
}

impl Rows {
    fn push(&mut self, record: &Record<'_>) {
        // A chunk is far shorter than 4 GiB.
        self.starts.push(u32::try_from(record.start).unwrap_or(u32::MAX));
        self.times.push(micros(record.head.timestamp));
        for (key, hashes) in Key::ALL.into_iter().zip(&mut self.hashes) {
            hashes.push(hash(record.head.value(key)));
        }
    }

    fn clear(&mut self) {
        self.starts.clear();
        self.times.clear();
        self.hashes.iter_mut().for_each(Vec::clear);
    }
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn times(times: &[i64], first: i64, last: i64) -> Vec<u8> {
    let is_narrow = last.abs_diff(first) <= u64::from(u32::MAX);
    let mut out = first.to_le_bytes().to_vec();
    out.extend_from_slice(&if is_narrow { 4_u32 } else { 8 }.to_le_bytes());
    let width = if is_narrow { 4 } else { 8 };
    for time in times {
        out.extend_from_slice(&time.abs_diff(first).to_le_bytes()[..width]);
    }
    out
}

fn dictionary(hashes: &[u32]) -> Vec<u8> {
    let (mut words, mut places) = (Vec::new(), HashMap::new());
    let ids: Vec<u32> = hashes
        .iter()
        .map(|hash| {
            *places.entry(*hash).or_insert_with(|| {
                words.push(*hash);
                // As many words as records at most, and those fit.
                u32::try_from(words.len() - 1).unwrap_or(u32::MAX)
            })
        })
        .collect();
    let mut out = u32::try_from(words.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    out.extend(numbers(&words));
    let width = super::read::width_of(words.len());
    for id in ids {
        out.extend_from_slice(&id.to_le_bytes()[..width]);
    }
    out
}
