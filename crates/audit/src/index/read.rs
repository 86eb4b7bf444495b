//! Finding the records that may match, in an index that is checked as far as it is read.

use super::format::{DIRECTORY_MAX, Directory, Group, Key, MAGIC, START, TIME, TRAILER, column_of, hash, micros};
use crate::scan::read_at;
use crate::sealed::crc;
use open_cli_contract::Timestamp;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// An index of a segment.
#[derive(Debug)]
pub(crate) struct Index {
    file: File,
    directory: Directory,
}

/// What is looked for, as it stands in the columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    keys: Vec<(Key, u32)>,
    /// Microseconds, both ends included: the moments at the ends are looked at exactly on the record.
    since: Option<i64>,
    until: Option<i64>,
}

impl Wanted {
    /// `values` in the order in which they should be looked at.
    pub(crate) fn new<'a>(
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        values: impl Iterator<Item = (Key, &'a str)>,
    ) -> Self {
        Self {
            keys: values.map(|(key, value)| (key, hash(value))).collect(),
            since: since.map(micros),
            until: until.map(micros),
        }
    }

    fn time_excludes(&self, first: i64, last: i64) -> bool {
        self.since.is_some_and(|since| last < since) || self.until.is_some_and(|until| first > until)
    }

    fn time_includes(&self, first: i64, last: i64) -> bool {
        self.since.is_none_or(|since| first >= since) && self.until.is_none_or(|until| last <= until)
    }
}

/// A column was not what it should be.
fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the index of the segment is damaged")
}

impl Index {
    /// Opens an index. None when it is damaged, of another version, or of another segment.
    pub(crate) fn open(file: File, gz: &Arc<File>) -> io::Result<Option<Self>> {
        let Some(directory) = directory_of(&file)? else { return Ok(None) };
        if !is_sound(&directory, file.metadata()?.len())
            || directory.gz_length != gz.metadata()?.len()
            || !is_of(&directory, gz)?
        {
            return Ok(None);
        }
        Ok(Some(Self { file, directory }))
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.directory.groups
    }

    /// Records of a group that may match, by their numbers, ascending.
    pub(crate) fn select(&self, group: &Group, wanted: &Wanted) -> io::Result<Vec<u32>> {
        if group.records == 0 || wanted.time_excludes(group.first_time, group.last_time) {
            return Ok(Vec::new());
        }
        let mut chosen: Option<Vec<u32>> = None;
        for (key, value) in &wanted.keys {
            let column = self.column(group, column_of(*key))?;
            let narrowed = match key.is_plain() {
                true => choose(chosen, &Ids::new(&column, 4, group)?, *value),
                false => {
                    let (size, rest) = column.split_first_chunk().ok_or_else(damaged)?;
                    let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| damaged())?;
                    let (words, ids) = rest.split_at_checked(size.saturating_mul(4)).ok_or_else(damaged)?;
                    let ids = Ids::new(ids, width_of(size), group)?;
                    let place = words.chunks_exact(4).position(|word| word == value.to_le_bytes());
                    match place.and_then(|place| u32::try_from(place).ok()) {
                        Some(place) => choose(chosen, &ids, place),
                        None => Vec::new(),
                    }
                }
            };
            if narrowed.is_empty() {
                return Ok(narrowed);
            }
            chosen = Some(narrowed);
        }
        let mut chosen = chosen.unwrap_or_else(|| (0..group.records).collect());
        if !wanted.time_includes(group.first_time, group.last_time) {
            let column = self.column(group, TIME)?;
            let times = Times::new(&column, group)?;
            chosen.retain(|record| times.get(*record).is_some_and(|time| !wanted.time_excludes(time, time)));
        }
        Ok(chosen)
    }

    /// Where the records of a group begin in the texts of their blocks.
    pub(crate) fn starts(&self, group: &Group) -> io::Result<Vec<u32>> {
        let column = self.column(group, START)?;
        let starts: Vec<u32> = column.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        if starts.len() == group.records as usize { Ok(starts) } else { Err(damaged()) }
    }

    fn column(&self, group: &Group, number: usize) -> io::Result<Vec<u8>> {
        let before: u64 = group.columns[..number].iter().map(|column| u64::from(column.length)).sum();
        let column = group.columns[number];
        let mut bytes = vec![0; column.length as usize];
        let read = read_at(&self.file, &mut bytes, group.at.saturating_add(before))?;
        if read == bytes.len() && crc(&bytes) == column.crc { Ok(bytes) } else { Err(damaged()) }
    }
}

/// Bytes of a place in a dictionary of this size.
pub(super) fn width_of(size: usize) -> usize {
    match size {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// Numbers of one, two or four bytes, one per record.
enum Ids<'a> {
    One(&'a [[u8; 1]]),
    Two(&'a [[u8; 2]]),
    Four(&'a [[u8; 4]]),
}

impl<'a> Ids<'a> {
    fn new(bytes: &'a [u8], width: usize, group: &Group) -> io::Result<Self> {
        if bytes.len() != group.records as usize * width {
            return Err(damaged());
        }
        Ok(match width {
            1 => Self::One(bytes.as_chunks().0),
            2 => Self::Two(bytes.as_chunks().0),
            _ => Self::Four(bytes.as_chunks().0),
        })
    }
}

/// Those of the records chosen before whose number is `value`; of all records when none were chosen yet.
fn choose(before: Option<Vec<u32>>, ids: &Ids<'_>, value: u32) -> Vec<u32> {
    fn among<const N: usize>(before: Option<Vec<u32>>, ids: &[[u8; N]], value: [u8; N]) -> Vec<u32> {
        match before {
            Some(mut chosen) => {
                chosen.retain(|record| ids.get(*record as usize) == Some(&value));
                chosen
            }
            None => (0_u32..).zip(ids).filter(|(_, id)| **id == value).map(|(record, _)| record).collect(),
        }
    }
    let [a, b, c, d] = value.to_le_bytes();
    match ids {
        Ids::One(ids) => among(before, ids, [a]),
        Ids::Two(ids) => among(before, ids, [a, b]),
        Ids::Four(ids) => among(before, ids, [a, b, c, d]),
    }
}

/// The times of a group.
struct Times<'a> {
    first: i64,
    width: usize,
    rest: &'a [u8],
}

impl<'a> Times<'a> {
    fn new(column: &'a [u8], group: &Group) -> io::Result<Self> {
        let (first, rest) = column.split_first_chunk().ok_or_else(damaged)?;
        let (width, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
        let width = if u32::from_le_bytes(*width) == 4 { 4 } else { 8 };
        if rest.len() != group.records as usize * width {
            return Err(damaged());
        }
        Ok(Self { first: i64::from_le_bytes(*first), width, rest })
    }

    fn get(&self, record: u32) -> Option<i64> {
        let at = record as usize * self.width;
        let mut bytes = [0; 8];
        bytes[..self.width].copy_from_slice(self.rest.get(at..at + self.width)?);
        self.first.checked_add_unsigned(u64::from_le_bytes(bytes))
    }
}

fn directory_of(file: &File) -> io::Result<Option<Directory>> {
    let length = file.metadata()?.len();
    let mut trailer = [0; TRAILER];
    let Some(trailer_at) = length.checked_sub(TRAILER as u64) else { return Ok(None) };
    let mut magic = [0; MAGIC.len()];
    if read_at(file, &mut trailer, trailer_at)? != TRAILER || read_at(file, &mut magic, 0)? != MAGIC.len() {
        return Ok(None);
    }
    let [a, b, c, d, e, f, g, h, end @ ..] = trailer;
    let (size, expected) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]));
    let at = trailer_at.checked_sub(size as u64);
    let Some(at) = at.filter(|_| magic == *MAGIC && end == *MAGIC && size <= DIRECTORY_MAX) else {
        return Ok(None);
    };
    let mut bytes = vec![0; size];
    let read = read_at(file, &mut bytes, at)?;
    Ok((read == size && crc(&bytes) == expected).then(|| Directory::decode(&bytes)).flatten())
}

/// Does all that the directory names lie within the index, in order? Whoever reads on relies on it: a directory with
/// a right checksum may still be made up.
fn is_sound(directory: &Directory, length: u64) -> bool {
    let mut text_at = Some(0_u64);
    directory.groups.iter().all(|group| {
        let columns: u64 = group.columns.iter().map(|column| u64::from(column.length)).sum();
        let mut record = 0;
        let blocks_are_in_order = group.blocks.iter().all(|block| {
            let is_within =
                block.at.checked_add(u64::from(block.length)).is_some_and(|end| end <= directory.gz_length);
            let is_next = is_within
                && text_at == Some(block.text_at)
                && (record..=group.records).contains(&block.first_record);
            text_at = block.text_at.checked_add(u64::from(block.text_length));
            record = block.first_record;
            is_next
        });
        group.at.checked_add(columns).is_some_and(|end| end <= length)
            && u64::from(group.columns[START].length) == u64::from(group.records) * 4
            && group.blocks.first().is_some_and(|block| block.first_record == 0)
            && blocks_are_in_order
            && text_at.is_some()
    })
}

/// Does the segment end with the block that the index names last?
fn is_of(directory: &Directory, gz: &File) -> io::Result<bool> {
    let last = directory.groups.iter().flat_map(|group| &group.blocks).next_back();
    let Some(last) = last.filter(|last| last.crc != 0) else { return Ok(true) };
    let mut trailer = [0; 8];
    let read = read_at(gz, &mut trailer, directory.gz_length.saturating_sub(8))?;
    let expected = [last.crc.to_le_bytes(), last.text_length.to_le_bytes()].concat();
    Ok(read == 8 && trailer[..] == expected)
}
