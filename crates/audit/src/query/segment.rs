//! The records of a sealed segment that match: chosen in its index, confirmed on their text. Only blocks with
//! records that may match are read.

use super::filter::{Filter, Hit};
use super::parts::Segment;
use crate::chain::Link;
use crate::index::BlockEntry;
use crate::scan::{Direction, read_at, record_at};
use crate::sealed::{MEMBER_MAX, Unpacker};
use memchr::memchr;
use std::fs::File;
use std::io;

/// The blocks of a segment within some bounds.
pub(super) struct Blocks {
    segment: Segment,
    direction: Direction,
    /// What is left, in the text of the segment.
    start: u64,
    end: u64,
    /// The group that was chosen from, by its number.
    chosen: Option<Chosen>,
    is_rebuilt: bool,
    unpacked: Block,
}

/// Records of a group that may match.
struct Chosen {
    group: usize,
    records: Vec<u32>,
    starts: Vec<u32>,
}

/// Reads single blocks.
pub(super) struct Block {
    unpacker: Unpacker,
    member: Vec<u8>,
    pub(super) text: Vec<u8>,
}

impl Block {
    pub(super) fn new() -> Self {
        Self { unpacker: Unpacker::new(), member: Vec::new(), text: Vec::new() }
    }

    /// Reads the text of a block. False when it is damaged, or is not what was indexed.
    pub(super) fn read(&mut self, gz: &File, block: &BlockEntry) -> io::Result<bool> {
        let length = usize::try_from(block.length).ok().filter(|length| *length <= MEMBER_MAX);
        let Some(length) = length else { return Ok(false) };
        self.member.resize(length, 0);
        let read = read_at(gz, &mut self.member, block.at)?;
        Ok(self.unpacker.unpack(&self.member[..read], &mut self.text) == Some(block.crc))
    }
}

impl Blocks {
    pub(super) fn new(segment: Segment, start: u64, end: u64, direction: Direction) -> Self {
        let end = end.min(segment.text_length());
        Self { segment, direction, start, end, chosen: None, is_rebuilt: false, unpacked: Block::new() }
    }

    /// The text that was found last.
    pub(super) fn text(&self) -> &[u8] {
        &self.unpacked.text
    }

    /// Goes on to the next block and adds its hits; returns where its text begins and how long it is.
    pub(super) fn next(
        &mut self,
        filter: &Filter,
        hits: &mut Vec<Hit>,
        bad_lines: &mut u64,
    ) -> io::Result<Option<(u64, usize)>> {
        loop {
            match self.step(filter, hits, bad_lines) {
                Err(cause) if cause.kind() == io::ErrorKind::InvalidData && !self.is_rebuilt => {
                    self.is_rebuilt = true;
                    self.chosen = None;
                    self.segment.rebuild()?;
                }
                outcome => return outcome,
            }
        }
    }

    fn step(
        &mut self,
        filter: &Filter,
        hits: &mut Vec<Hit>,
        bad_lines: &mut u64,
    ) -> io::Result<Option<(u64, usize)>> {
        let Some((group_number, block_number)) = self.place() else { return Ok(None) };
        let index = &self.segment.index;
        let group = &index.groups()[group_number];
        if self.chosen.as_ref().is_none_or(|chosen| chosen.group != group_number) {
            let records = index.select(group, filter.wanted())?;
            let starts = if records.is_empty() { Vec::new() } else { index.starts(group)? };
            self.chosen = Some(Chosen { group: group_number, records, starts });
        }
        let Some(chosen) = &self.chosen else { return Ok(None) };
        let block = &group.blocks[block_number];
        let after = group.blocks.get(block_number + 1).map_or(group.records, |next| next.first_record);
        let first = chosen.records.partition_point(|record| *record < block.first_record);
        let last = chosen.records.partition_point(|record| *record < after);
        let (start, end) = (self.start, self.end);
        let block_end = block.text_at + u64::from(block.text_length);
        match self.direction {
            Direction::Forward => self.start = block_end.max(start + 1),
            Direction::Backward => self.end = block.text_at.min(end - 1),
        }
        if (start..end).contains(&block.text_at) {
            *bad_lines += u64::from(block.bad_lines);
        }
        let of_block = |record: &&u32| {
            let at = block.text_at + chosen.starts.get(**record as usize).copied().map_or(0, u64::from);
            (start..end).contains(&at)
        };
        let records: Vec<_> = chosen.records[first..last].iter().filter(of_block).collect();
        if records.is_empty() {
            return Ok(Some((block.text_at, 0)));
        }
        if !self.unpacked.read(&self.segment.gz, block)? {
            *bad_lines += records.len() as u64;
            return Ok(Some((block.text_at, 0)));
        }
        let text = &self.unpacked.text;
        // The text is what was indexed, so when everything matches and each line is a record there is no need to look.
        let is_plain = filter.is_everything() && block.bad_lines == 0;
        for record in records {
            let start = chosen.starts.get(*record as usize).copied().unwrap_or(u32::MAX) as usize;
            let next = record.checked_add(1).filter(|next| *next < after);
            let next =
                next.and_then(|next| chosen.starts.get(next as usize)).map_or(usize::MAX, |at| *at as usize);
            let hit = match is_plain.then(|| linked_line(text, start, next)).flatten() {
                Some(hit) => Some(hit),
                None => record_at(text, start)
                    .filter(|record| filter.matches(&record.head))
                    .map(|record| Hit { start: record.start, end: record.start + record.json.len() }),
            };
            hits.extend(hit);
        }
        Ok(Some((block.text_at, text.len())))
    }

    /// Group and number of the next block within the bounds.
    fn place(&self) -> Option<(usize, usize)> {
        let groups = self.segment.index.groups();
        let group_start = |number: usize| groups[number].blocks.first().map_or(0, |block| block.text_at);
        if self.start >= self.end {
            return None;
        }
        // The last block that begins at or before the first byte, or before the last one, that is left.
        let at = match self.direction {
            Direction::Forward => self.start,
            Direction::Backward => self.end - 1,
        };
        let mut low = 0;
        let mut high = groups.len();
        while high - low > 1 {
            let middle = low.midpoint(high);
            if group_start(middle) <= at { low = middle } else { high = middle }
        }
        let group = groups.get(low)?;
        let block = group.blocks.partition_point(|block| block.text_at <= at).checked_sub(1)?;
        Some((low, block))
    }
}

/// The record that is a whole line with a place in the chain, when the next one begins behind that line.
fn linked_line(text: &[u8], start: usize, next: usize) -> Option<Hit> {
    let rest = text.get(start..)?;
    let length = memchr(b'\n', rest)?;
    (next > start + length && (start == 0 || text[start - 1] == b'\n')).then_some(())?;
    Link::of(&rest[..length]).map(|_| Hit { start, end: start + length })
}
