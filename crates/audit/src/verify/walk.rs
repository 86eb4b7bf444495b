//! One file from its first line to its last. What comes before the file is not known here, so files can be walked at
//! the same time.

use super::parts::{Kind, Part};
use super::report::{PROBLEMS_MAX, Problem, ProblemKind};
use crate::chain::{Hash, Link, Position};
use crate::log::TAMPERING_EVENT;
use crate::scan::{Chunk, Chunks, Direction};
use crate::sealed::Blocks;
use crate::statement::Found;
use aws_lc_rs::digest::{Context, SHA256};
use memchr::{memchr_iter, memmem};
use serde::de::IgnoredAny;
use std::io;
use std::sync::Arc;

/// What to look out for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Records whose hash is asked for, sorted.
    pub(crate) seqs: Vec<u64>,
    /// Records after this one are parsed as JSON; the signed ones before it are what they were.
    pub(crate) parse_after: u64,
}

/// Lines at the beginning of a file without a place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    None,
    /// Hash of the last of them.
    Until(Hash),
    /// The last of them is too long to be one of ours.
    Unknown,
}

/// A record that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) position: Position,
    pub(crate) line: u64,
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) lines: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) unchained: u64,
    pub(crate) prefix: Prefix,
    pub(crate) first: Option<(u64, Link)>,
    pub(crate) last: Option<Position>,
    pub(crate) last_line: u64,
    pub(crate) marks: Vec<Mark>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) more_problems: u64,
    pub(crate) torn: u64,
    /// SHA-256 of the text, when the chain does not cover all of it.
    pub(crate) text_hash: Option<Hash>,
}

/// Walks through a file.
pub(crate) fn walk(part: &Part, wanted: &Wanted) -> io::Result<Walk> {
    let mut walker = Walker::new(part, wanted);
    match &part.kind {
        Kind::Sealed(_) => {
            let mut blocks = Blocks::of(Arc::clone(&part.file))?;
            while let Some(block) = blocks.next()? {
                match block.text {
                    Some((text, _)) => walker.text(text, false, false),
                    None => walker.damaged(block.at, block.length),
                }
            }
        }
        _ => {
            let mut chunks = Chunks::new(Arc::clone(&part.file), 0, part.length, Direction::Forward);
            while let Some(Chunk { text, head_cut, tail_cut, .. }) = chunks.next()? {
                walker.text(text, head_cut, tail_cut);
            }
        }
    }
    walker.end()
}

struct Walker<'a> {
    part: &'a Part,
    name: String,
    wanted: &'a Wanted,
    found: Walk,
    digest: Option<Context>,
    tampering: memmem::Finder<'static>,
    /// Something before the next record was lost, which has been told.
    is_lost: bool,
}

impl<'a> Walker<'a> {
    fn new(part: &'a Part, wanted: &'a Wanted) -> Self {
        let covers_all = match &part.kind {
            Kind::Sealed(Found::Good(signed)) => {
                signed.first_seq > 0 && signed.records == (signed.last_seq - signed.first_seq).saturating_add(1)
            }
            _ => true,
        };
        let found = Walk {
            lines: 0,
            records: 0,
            bytes: 0,
            unchained: 0,
            prefix: Prefix::None,
            first: None,
            last: None,
            last_line: 0,
            marks: Vec::new(),
            problems: Vec::new(),
            more_problems: 0,
            torn: 0,
            text_hash: None,
        };
        Self {
            part,
            name: part.name(),
            wanted,
            found,
            digest: (!covers_all).then(|| Context::new(&SHA256)),
            tampering: memmem::Finder::new(&format!("\"eventType\":\"{TAMPERING_EVENT}\"")).into_owned(),
            is_lost: false,
        }
    }

    fn problem(&mut self, kind: ProblemKind, line: u64, seq: Option<u64>, message: String) {
        if self.found.problems.len() < PROBLEMS_MAX {
            let line = (line > 0).then_some(line);
            self.found.problems.push(Problem { kind, file: self.name.clone(), line, seq, message });
        } else {
            self.found.more_problems += 1;
        }
    }

    fn text(&mut self, text: &[u8], head_cut: bool, tail_cut: bool) {
        self.found.bytes += text.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(text);
        }
        if head_cut || tail_cut {
            self.too_long(head_cut);
            if tail_cut {
                return;
            }
        }
        // Two passes over the whole piece are much faster than two over each line.
        let is_plain = str::from_utf8(text).is_ok() && !has_control(text);
        let may_tell = self.tampering.find(text).is_some();
        let mut start = 0;
        if head_cut {
            start = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
        }
        let begin = start;
        for end in memchr_iter(b'\n', &text[begin..]) {
            self.line(&text[start..begin + end], is_plain, may_tell);
            start = begin + end + 1;
        }
        if start < text.len() {
            self.rest(&text[start..], is_plain, may_tell);
        }
    }

    /// What follows the last LF of the file.
    fn rest(&mut self, rest: &[u8], is_plain: bool, may_tell: bool) {
        if self.part.kind == Kind::Live && Link::of(rest).is_none() {
            self.found.torn = rest.len() as u64;
        } else {
            self.line(rest, is_plain, may_tell);
        }
    }

    fn line(&mut self, line: &[u8], is_plain: bool, may_tell: bool) {
        self.found.lines += 1;
        let number = self.found.lines;
        let Some(link) = Link::of(line) else { return self.unchained(line, number) };
        if !line.starts_with(b"{\"") || !(is_plain || is_text(line)) {
            self.problem(ProblemKind::NotARecord, number, Some(link.seq), "it is no line of JSON".into());
        } else if link.seq > self.wanted.parse_after && serde_json::from_slice::<IgnoredAny>(line).is_err() {
            self.problem(ProblemKind::NotARecord, number, Some(link.seq), "it is not valid JSON".into());
        }
        if may_tell && self.tampering.find(line).is_some() {
            let message =
                "the runtime found signs of tampering when it opened the log here; the record says which".into();
            self.problem(ProblemKind::FoundAtStart, number, Some(link.seq), message);
        }
        if !self.follows(link, number) {
            return;
        }
        let position = Position { seq: link.seq, hash: Hash::of(line) };
        if self.wanted.seqs.binary_search(&link.seq).is_ok() {
            self.found.marks.push(Mark { position, line: number });
        }
        self.found.records += 1;
        self.found.last = Some(position);
        self.found.last_line = number;
        self.is_lost = false;
    }

    /// Compares a record with the one before it. False when the chain does not go on with it.
    fn follows(&mut self, link: Link, number: u64) -> bool {
        let Some(last) = self.found.last else {
            self.found.first = Some((number, link));
            return true;
        };
        let expected = last.seq.saturating_add(1);
        if link.seq < expected {
            let message = match link.seq == last.seq {
                true => format!("record {} is there twice", link.seq),
                false => format!("record {} stands after record {}", link.seq, last.seq),
            };
            self.problem(ProblemKind::OutOfOrder, number, Some(link.seq), message);
            return false;
        }
        if self.is_lost {
            return true;
        }
        if link.seq > expected {
            self.problem(ProblemKind::Missing, number, Some(link.seq), missing(expected, link.seq - 1));
        } else if link.prev != last.hash {
            let (line, message) = (self.found.last_line, altered(last.seq));
            self.problem(ProblemKind::Altered, line, Some(last.seq), message);
        }
        true
    }

    fn unchained(&mut self, line: &[u8], number: u64) {
        if self.found.last.is_some() {
            let after = self.found.last.map_or(0, |last| last.seq);
            let message = format!("a line that is no record of this log stands after record {after}");
            self.problem(ProblemKind::NotARecord, number, None, message);
        } else if !line.is_empty() {
            self.found.unchained += 1;
            self.found.prefix = Prefix::Until(Hash::of(line));
        }
    }

    fn too_long(&mut self, goes_on: bool) {
        if goes_on {
            return;
        }
        self.found.lines += 1;
        if self.found.last.is_some() {
            let number = self.found.lines;
            self.problem(ProblemKind::NotARecord, number, None, "the line is longer than a record may be".into());
        } else {
            self.found.unchained += 1;
            self.found.prefix = Prefix::Unknown;
        }
    }

    fn damaged(&mut self, at: u64, length: u64) {
        let seq = self.found.last.map(|last| last.seq.saturating_add(1));
        let after = seq.map_or("its first record".to_owned(), |seq| format!("record {seq}"));
        let message = format!(
            "{length} bytes at {at} of the compressed file are damaged; what they held, from {after} on, can't be read"
        );
        self.problem(ProblemKind::Damaged, self.found.lines + 1, seq, message);
        self.is_lost = true;
    }

    fn end(mut self) -> io::Result<Walk> {
        self.found.text_hash = self.digest.map(|digest| Hash::from_digest(&digest.finish()));
        if self.part.kind == Kind::Live
            || matches!(self.part.kind, Kind::Sealed(_))
            || self.found.bytes >= self.part.length
        {
            return Ok(self.found);
        }
        Err(io::Error::other("the file became shorter while it was read"))
    }
}

pub(crate) fn missing(from: u64, to: u64) -> String {
    match from == to {
        true => format!("record {from}, which should stand before it, is missing"),
        false => format!("records {from} to {to}, which should stand before it, are missing"),
    }
}

pub(crate) fn altered(seq: u64) -> String {
    format!(
        "record {seq}, or the link of the record after it, was changed: the hash of the one is not what the other says"
    )
}

fn is_text(line: &[u8]) -> bool {
    str::from_utf8(line).is_ok() && !has_control(line)
}

/// Does it hold a control character other than LF? JSON escapes them.
fn has_control(text: &[u8]) -> bool {
    // Without an early exit the compiler compares many bytes at once.
    text.chunks(4096).any(|piece| piece.iter().fold(false, |found, byte| found | (*byte < 0x20 && *byte != b'\n')))
}
