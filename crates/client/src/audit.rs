//! Reading the audit log (runtime-and-admin §4; audit query of this project): pages, and streams of any length.

use crate::ClientError;
use crate::answer::Head;
use crate::runtime::{Runtime, path};
use crate::transport::{ANSWER_LIMIT, Fault, Stream, stream_fault};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};

const ROUTE: &str = "/v1/audit/events";
/// Longest record.
const MAX_LINE: u64 = 4 << 20;
/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// Filter of the audit log. What is empty is not asked for.
#[derive(Debug, Default, Clone)]
pub struct AuditQuery<'a> {
    /// At most so many events: the latest, or with a cursor the first.
    pub limit: &'a str,
    /// RFC 3339 time, inclusive.
    pub since: &'a str,
    /// RFC 3339 time, exclusive.
    pub until: &'a str,
    /// `tool_execution`, `authz_denial`, …
    pub event_type: &'a str,
    /// `allowed`, `denied`, `error`.
    pub decision: &'a str,
    /// Tool id.
    pub tool: &'a str,
    /// Service id.
    pub service: &'a str,
    /// Authenticated caller.
    pub principal: &'a str,
    /// Request.
    pub request_id: &'a str,
    /// W3C trace id.
    pub trace_id: &'a str,
    /// Number of the record. Runtimes that can't look for it send everything.
    pub seq: &'a str,
    /// Where to go on, as the runtime said.
    pub cursor: &'a str,
}

/// Some records.
#[derive(Debug, Default)]
pub struct AuditPage {
    /// Oldest first.
    pub events: Vec<Value>,
    /// Where the next page begins; absent when the runtime has no pages.
    pub cursor: Option<String>,
    /// Lines of the log that hold no record.
    pub bad_lines: u64,
    /// Older records were left out.
    pub is_truncated: bool,
}

impl Runtime {
    /// `GET /v1/audit/events`. Other runtimes ignore the filter and answer `null` for nothing.
    pub fn audit(&self, query: &AuditQuery<'_>) -> Result<AuditPage, ClientError> {
        let (answer, events) = self.read_with_head::<Option<Vec<Value>>>(&self.audit_path(query), ROUTE)?;
        Ok(AuditPage {
            events: events.unwrap_or_default(),
            cursor: answer.next_cursor(),
            bad_lines: answer.bad_lines(),
            is_truncated: answer.is_truncated(),
        })
    }

    /// The same as lines, read as they come.
    pub fn audit_lines(&self, query: &AuditQuery<'_>) -> Result<AuditLines<'_>, ClientError> {
        let (head, stream, request_id) = self.stream(&self.audit_path(query), ROUTE)?;
        let mut lines = AuditLines {
            runtime: self,
            request_id,
            reader: BufReader::with_capacity(BUFFER, stream),
            is_truncated: head.is_truncated(),
            whole: None,
        };
        if !head.is_lines() {
            lines.read_whole(&head)?;
        }
        Ok(lines)
    }

    fn audit_path(&self, query: &AuditQuery<'_>) -> String {
        path(
            ROUTE,
            &[
                ("config", self.config()),
                ("limit", query.limit),
                ("since", query.since),
                ("until", query.until),
                ("type", query.event_type),
                ("decision", query.decision),
                ("tool", query.tool),
                ("service", query.service),
                ("principal", query.principal),
                ("requestId", query.request_id),
                ("traceId", query.trace_id),
                ("seq", query.seq),
                ("cursor", query.cursor),
            ],
        )
    }
}

/// Records as they come, oldest first.
pub struct AuditLines<'a> {
    runtime: &'a Runtime,
    request_id: String,
    reader: BufReader<Stream>,
    /// Older records were left out.
    pub is_truncated: bool,
    /// Of a runtime that knows only arrays.
    whole: Option<VecDeque<Box<RawValue>>>,
}

impl AuditLines<'_> {
    /// Puts the next record, without the end of its line, in place of what `line` holds; false at the end.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<bool, ClientError> {
        line.clear();
        if let Some(whole) = &mut self.whole {
            let record = whole.pop_front();
            line.extend_from_slice(record.as_ref().map_or("", |record| record.get()).as_bytes());
            return Ok(record.is_some());
        }
        loop {
            let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', line);
            let count = read.map_err(|error| self.broken(stream_fault(error)))?;
            if count == 0 {
                return Ok(false);
            }
            if line.last() != Some(&b'\n') && count as u64 == MAX_LINE {
                return Err(self.broken(Fault::Broken(format!("a record is longer than {MAX_LINE} bytes"))));
            }
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            if !line.is_empty() {
                return Ok(true);
            }
        }
    }

    fn read_whole(&mut self, head: &Head) -> Result<(), ClientError> {
        let mut body = Vec::new();
        let read = self.reader.by_ref().take(ANSWER_LIMIT).read_to_end(&mut body);
        read.map_err(|error| self.broken(stream_fault(error)))?;
        let array = self.runtime.parse::<Option<VecDeque<Box<RawValue>>>>(head, &body, &self.request_id)?;
        self.whole = Some(array.unwrap_or_default());
        Ok(())
    }

    fn broken(&self, fault: Fault) -> ClientError {
        let fault = match fault {
            // The limit of an answer is not the one that was met.
            Fault::TimedOut => Fault::Broken("nothing more came in time".into()),
            fault => fault,
        };
        self.runtime.fault(fault, self.request_id.clone())
    }
}
