//! What is in a compressed file, and where: a row for each trace of each line, so that a query unpacks only what it
//! wants. Rows hold hashes and are hints: who reads a line looks again. Written beside the file, made anew when it is
//! missing or damaged; never the only place of anything.

use crate::decode;
use open_cli_contract::trace::TraceId;
use open_cli_contract::traces::SpanRecord;
use open_cli_observe::LocalTrace;
use std::ops::Range;

/// First bytes of an index, with the version of its form.
const MAGIC: [u8; 8] = *b"octrcix1";
/// Magic, length of the packed file, how many members, how many rows.
const HEADER: usize = 8 + 8 + 4 + 4;
const MEMBER: usize = 8 + 4;
const ROW: usize = 8 + 9 * 4;
const CHECKSUM: usize = 4;

/// Largest index that is read.
pub(crate) const INDEX_MAX: u64 = 256 << 20;

/// The outermost span is in the line.
pub(crate) const HAS_ROOT: u32 = 1;
/// The outermost span failed, or ended in a refusal.
pub(crate) const FAILED: u32 = 2;
/// It is of a request.
pub(crate) const REQUEST: u32 = 4;

/// One trace of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Row {
    /// Beginning of the outermost span, else of the first; Unix nanoseconds.
    pub(crate) started: i64,
    /// How long the outermost span took; `u32::MAX` is that or longer.
    pub(crate) micros: u32,
    /// Which member the line is in.
    pub(crate) member: u32,
    /// Where the line begins in the unpacked member. Before it is packed: where in the file.
    pub(crate) offset: u32,
    /// [`HAS_ROOT`] and so on.
    pub(crate) flags: u32,
    /// Hashes, see [`hash`]; 0 when there is none.
    pub(crate) trace: u32,
    pub(crate) request: u32,
    pub(crate) tool: u32,
    pub(crate) service: u32,
    pub(crate) name: u32,
}

/// A member of a packed file: unpacked on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Where it begins in the packed file.
    pub(crate) offset: u64,
    /// Its length, unpacked.
    pub(crate) length: u32,
}

/// 32 bits of FNV-1a, never 0. Part of the form of an index.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let all = bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    ((all ^ (all >> 32)) as u32).max(1)
}

pub(crate) fn hash_of_trace(id: TraceId) -> u32 {
    hash(&id.to_bytes())
}

fn hash_of(text: Option<&str>) -> u32 {
    text.map_or(0, |text| hash(text.as_bytes()))
}

fn micros(nanos: u64) -> u32 {
    u32::try_from(nanos / 1000).unwrap_or(u32::MAX)
}

impl Row {
    /// The row of these spans of a trace, whose line begins there in the file.
    pub(crate) fn of(trace: &LocalTrace, places: Range<usize>, offset: u32) -> Self {
        let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
        let mut row = Self {
            offset,
            trace: hash_of_trace(trace.trace_id),
            request: hash_of(trace.request_id.as_ref().map(|id| id.as_str())),
            flags: flag(trace.request_id.is_some(), REQUEST),
            ..Self::default()
        };
        let root = trace.root().filter(|_| places.end == trace.spans.len());
        let Some(first) = root.or_else(|| trace.spans().nth(places.start)) else { return row };
        row.started = i64::try_from(first.started_nanos()).unwrap_or(i64::MAX);
        if let Some(root) = root {
            row.flags |= HAS_ROOT | flag(root.is_failed(), FAILED);
            row.micros = micros(root.nanos());
            row.name = hash(root.name().as_bytes());
            row.tool = hash_of(root.attribute("tool.id"));
            row.service = hash_of(root.attribute("service.id"));
        }
        row
    }

    /// The row of the spans of one trace in a line.
    fn of_spans(spans: &[&SpanRecord], offset: u32) -> Option<Self> {
        let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
        let root = decode::root(spans.iter().copied());
        let first = root.or(spans.first().copied())?;
        let request = first.request_id();
        Some(Self {
            offset,
            started: nanos(first.started_at.as_nanosecond()),
            micros: root.map_or(0, |root| micros(root.nanos())),
            member: 0,
            flags: flag(request.is_some(), REQUEST)
                | flag(root.is_some(), HAS_ROOT)
                | flag(root.is_some_and(decode::is_failed), FAILED),
            trace: hash_of_trace(first.trace_id),
            request: hash_of(request),
            tool: hash_of(root.and_then(|root| root.attribute("tool.id"))),
            service: hash_of(root.and_then(|root| root.attribute("service.id"))),
            name: hash_of(root.map(|root| root.name.as_str())),
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.started.to_le_bytes());
        let rest = [
            self.micros,
            self.member,
            self.offset,
            self.flags,
            self.trace,
            self.request,
            self.tool,
            self.service,
            self.name,
        ];
        rest.iter().for_each(|number| out.extend(number.to_le_bytes()));
    }

    fn get(bytes: &[u8]) -> Option<Self> {
        let (started, mut rest) = bytes.split_first_chunk()?;
        let mut next = || {
            let (number, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u32::from_le_bytes(*number))
        };
        Some(Self {
            started: i64::from_le_bytes(*started),
            micros: next()?,
            member: next()?,
            offset: next()?,
            flags: next()?,
            trace: next()?,
            request: next()?,
            tool: next()?,
            service: next()?,
            name: next()?,
        })
    }
}

fn nanos(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Rows of a line that was read: one for each trace in it.
pub(crate) fn rows_of_line(line: &[u8], offset: u32) -> Vec<Row> {
    let spans = decode::spans(line).unwrap_or_default();
    decode::by_request(&spans).iter().filter_map(|group| Row::of_spans(group, offset)).collect()
}

/// An index in memory, as it is in its file.
pub(crate) struct Index {
    bytes: Vec<u8>,
    members: usize,
    rows: usize,
}

impl Index {
    pub(crate) fn new(packed_length: u64, members: &[Member], rows: &[Row]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER + members.len() * MEMBER + rows.len() * ROW + CHECKSUM);
        bytes.extend(MAGIC);
        bytes.extend(packed_length.to_le_bytes());
        bytes.extend((members.len() as u32).to_le_bytes());
        bytes.extend((rows.len() as u32).to_le_bytes());
        for member in members {
            bytes.extend(member.offset.to_le_bytes());
            bytes.extend(member.length.to_le_bytes());
        }
        rows.iter().for_each(|row| row.put(&mut bytes));
        bytes.extend(checksum(&bytes).to_le_bytes());
        Self { bytes, members: members.len(), rows: rows.len() }
    }

    /// From the content of its file; `None` when it is damaged, of another version, or of another packed file.
    pub(crate) fn parse(bytes: Vec<u8>, packed_length: u64) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
        let (magic, rest) = content.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (members, rest) = rest.split_first_chunk()?;
        let (rows, rest) = rest.split_first_chunk()?;
        let (members, rows) = (u32::from_le_bytes(*members) as usize, u32::from_le_bytes(*rows) as usize);
        let expected = members.checked_mul(MEMBER)?.checked_add(rows.checked_mul(ROW)?)?;
        let is_good = *magic == MAGIC
            && u64::from_le_bytes(*length) == packed_length
            && rest.len() == expected
            && checksum(content) == u32::from_le_bytes(*sum);
        is_good.then_some(Self { bytes, members, rows })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a member lies.
    pub(crate) fn member(&self, number: u32) -> Option<Member> {
        let number = usize::try_from(number).ok().filter(|number| *number < self.members)?;
        let from = HEADER + number * MEMBER;
        let (offset, length) = self.bytes.get(from..from + MEMBER)?.split_first_chunk()?;
        Some(Member { offset: u64::from_le_bytes(*offset), length: u32::from_le_bytes(*length.first_chunk()?) })
    }

    /// The rows, oldest first.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = Row> {
        let from = HEADER + self.members * MEMBER;
        let rows = self.bytes.get(from..from + self.rows * ROW).unwrap_or_default();
        rows.chunks_exact(ROW).filter_map(Row::get)
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let row =
            |n: u32| Row { started: -i64::from(n), micros: n, member: n % 2, offset: n * 10, ..Row::default() };
        let members = [Member { offset: 0, length: 100 }, Member { offset: 40, length: 200 }];
        Index::new(77, &members, &[row(1), row(2), row(3)])
    }

    #[test]
    fn an_index_is_read_back() {
        let read = Index::parse(index().bytes().to_vec(), 77).expect("good");
        assert_eq!(
            read.rows().map(|row| (row.started, row.offset)).collect::<Vec<_>>(),
            [(-1, 10), (-2, 20), (-3, 30)]
        );
        let members = [0, 1, 2].map(|number| read.member(number).map(|member| (member.offset, member.length)));
        assert_eq!(members, [Some((0, 100)), Some((40, 200)), None]);
    }

    #[test]
    fn a_damaged_index_is_none() {
        let good = index().bytes().to_vec();
        assert!(Index::parse(good.clone(), 78).is_none(), "of another file");
        assert!(Index::parse([&*good, b"x"].concat(), 77).is_none());
        for at in 0..good.len() {
            assert!(Index::parse(good[..at].to_vec(), 77).is_none(), "cut at {at}");
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            assert!(Index::parse(bad, 77).is_none(), "changed at {at}");
        }
    }
}
