//! What a check of the log found.

use open_cli_contract::Timestamp;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Most problems that are told one by one.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// Result of [`crate::verify()`].
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifyReport {
    /// Files that hold records, the live one included.
    pub files: usize,
    /// Records with a place in the chain.
    pub records: u64,
    /// Bytes of text checked.
    pub bytes: u64,
    /// First record that is there; 0 when there is none.
    pub first_seq: u64,
    /// Last record that is there; 0 when there is none.
    pub last_seq: u64,
    /// Hash of the last record's line, in hex: worth keeping elsewhere.
    pub last_hash: String,
    /// What is wrong, in the order of the log; at most 100.
    pub problems: Vec<Problem>,
    /// Problems that are not listed.
    pub more_problems: u64,
    /// Last record that retention removed, as a signed statement says; 0 when it removed none.
    pub removed_until: u64,
    /// Record up to which the signed head vouches for the end of the log.
    pub head_seq: u64,
    /// When it was signed.
    pub head_time: Option<Timestamp>,
    /// Records after the head. Only the chain protects them: that they were cut off or replaced together can't be
    /// seen.
    pub records_after_head: u64,
    /// Lines from before the chain was begun. Nothing protects them, but for the last one.
    pub unchained_lines: u64,
    /// Bytes of a half-written last line: a write in progress, or a crash that the next start repairs.
    pub torn_bytes: u64,
    /// Keys that were trusted, by their ids.
    pub key_ids: Vec<String>,
    /// The keys are those beside the log, which could have been exchanged with it.
    pub keys_from_log: bool,
    /// How long it took.
    #[serde(skip)]
    pub elapsed: Duration,
}

impl VerifyReport {
    /// Nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Speed of the check.
    pub fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// Name of the file.
    pub file: String,
    /// Line in it, or in its text when it is compressed; from 1 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Number of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What is wrong, and how that is known.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(seq) = self.seq {
            write!(f, " (record {seq})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A record, or its link, was changed.
    Altered,
    /// Records are not there.
    Missing,
    /// Records at the end are not there.
    Truncated,
    /// A record is there twice, or not where it belongs.
    OutOfOrder,
    /// A line is no record of the chain.
    NotARecord,
    /// A piece of a file can't be read.
    Damaged,
    /// A segment is not what was signed, or was not signed.
    Segment,
    /// The head is missing or was not signed by a trusted key.
    Head,
    /// The anchor was not signed by a trusted key.
    Anchor,
    /// There is no key to check signatures with.
    Key,
    /// The runtime itself found something at a start, and recorded it.
    FoundAtStart,
}
