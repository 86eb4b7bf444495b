//! The log as its readers see it.

mod concurrent;
mod damage;
mod law;
mod pages;

use super::*;
use crate::chain::{Position, splice};
use crate::layout::Layout;
use crate::sealed::write_segment;
use open_cli_files::append_private;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A log that is written by hand.
struct Log {
    root: tempfile::TempDir,
    layout: Layout,
    last: Position,
}

impl Log {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("temporary directory");
        let layout = Layout::new(&root.path().join("audit.log"));
        Self { root, layout, last: Position::default() }
    }

    fn reader(&self) -> AuditReader {
        AuditReader::new(self.layout.live())
    }

    fn put(path: &Path, text: &[u8]) {
        append_private(path).expect("opened").write_all(text).expect("written");
    }

    /// Appends to the live file.
    fn add(&self, text: &[u8]) {
        Self::put(self.layout.live(), text);
    }

    /// A line for this body at the end of the chain.
    fn linked(&mut self, body: &str) -> Vec<u8> {
        let mut line = Vec::new();
        self.last = splice(&mut line, body.as_bytes(), self.last);
        line
    }

    /// Appends `count` events, numbered by their request ids as by their sequence numbers.
    fn add_events(&mut self, count: u64, padding: usize) {
        let text: Vec<u8> = (0..count).flat_map(|_| self.event(padding)).collect();
        self.add(&text);
    }

    fn event(&mut self, padding: usize) -> Vec<u8> {
        let seq = self.last.seq + 1;
        let time = Timestamp::from_second(1_767_225_600 + i64::try_from(seq).expect("small")).expect("in range");
        self.linked(&format!(
            "{{\"timestamp\":\"{time}\",\"toolId\":\"tool-{}\",\"decision\":\"{}\",\"requestId\":\"r-{seq}\",\"pad\":\"{}\"}}",
            seq % 10,
            if seq.is_multiple_of(7) { "denied" } else { "allowed" },
            "x".repeat(padding),
        ))
    }

    /// Puts the live file aside, and seals it if asked for. Returns its first sequence number.
    fn put_aside(&self, seal: bool) -> u64 {
        let first = self.first_of_live();
        assert!(!self.layout.sealed(first).exists(), "names are given once");
        std::fs::rename(self.layout.live(), self.layout.pending(first)).expect("renamed");
        if seal {
            self.seal(first);
        }
        first
    }

    fn first_of_live(&self) -> u64 {
        let text = std::fs::read(self.layout.live()).expect("readable");
        text.split(|byte| *byte == b'\n').find_map(crate::chain::Link::of).map_or(0, |link| link.seq)
    }

    fn seal(&self, first: u64) -> PathBuf {
        let (pending, sealed) = (self.layout.pending(first), self.layout.sealed(first));
        write_segment(&pending, &sealed, &self.layout.index(first)).expect("sealed");
        std::fs::remove_file(pending).expect("removed");
        sealed
    }

    fn list(&self, query: &AuditQuery) -> AuditPage {
        self.reader().list(query).expect("readable")
    }
}

fn any() -> AuditQuery {
    AuditQuery::default()
}

/// Sequence numbers of events; 0 for one without.
fn seqs(events: &[Box<RawValue>]) -> Vec<u64> {
    events
        .iter()
        .map(|raw| {
            serde_json::from_str::<serde_json::Value>(raw.get()).expect("JSON")["seq"].as_u64().unwrap_or(0)
        })
        .collect()
}

/// More than any test writes.
const EVENTS_MAX: usize = 10_000;

/// All pages of a query.
fn all_pages(reader: &AuditReader, query: &AuditQuery) -> Vec<String> {
    let (mut query, mut found) = (query.clone(), Vec::new());
    loop {
        let page = reader.list(&query).expect("readable");
        assert!(!page.truncated || !page.events.is_empty(), "a page brings us further");
        assert!(found.len() < EVENTS_MAX, "a cursor leads back");
        found.extend(page.events.iter().map(|raw| raw.get().to_owned()));
        if !page.truncated {
            assert_eq!(page.next_cursor.is_some(), query.order == Order::OldestFirst);
            return found;
        }
        let cursor = page.next_cursor.expect("there is more");
        query.cursor = Some(cursor.to_string().parse().expect("a cursor"));
    }
}

fn streamed(reader: &AuditReader, query: &AuditQuery) -> Vec<String> {
    let mut text = Vec::new();
    for piece in reader.stream(query).expect("readable") {
        text.extend(piece.expect("readable"));
    }
    String::from_utf8(text).expect("UTF-8").lines().map(str::to_owned).collect()
}
