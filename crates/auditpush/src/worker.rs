//! The work of a sink: read on from its cursor, send, and move the cursor when the other side took the records; wait
//! when there are none, and ever longer when the other side takes none.

use crate::backoff::Backoff;
use crate::control::Control;
use crate::cursor_file::{CursorFile, Place};
use crate::deliver::{Batch, Deliver, Entry, Failure, Lost};
use crate::gap::{Gap, GapReason, missing};
use crate::settings::Begins;
use crate::stats::{Stats, add};
use crate::{BATCH_RECORDS, Sink};
use open_cli_audit::{AuditError, AuditPage, AuditQuery, AuditReader, Cursor};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often to look whether there is a new record; a look is one `stat`.
const POLL: Duration = Duration::from_millis(250);
/// How often a cursor that moves is kept. After a kill, as much is sent again.
const SAVE: Duration = Duration::from_secs(1);
/// How long, and how many records may be in doubt.
const IN_DOUBT_TIME: Duration = Duration::from_secs(10);
const IN_DOUBT_RECORDS: u64 = 5000;

/// What a round came to.
enum Step {
    /// There may be more.
    On(Duration),
    /// Nothing is left.
    Done,
    /// It failed; not before that long.
    Failed(Duration),
}

/// A sink at work.
pub(crate) struct Worker {
    reader: AuditReader,
    sink: Sink,
    deliver: Box<dyn Deliver>,
    file: CursorFile,
    control: Arc<Control>,
    stats: Arc<Stats>,
    timeout: Duration,
    /// Where sending is.
    place: Place,
    /// Up to where all is delivered for sure.
    safe: Place,
    /// What lies between the two, and since when.
    in_doubt: (u64, Option<Instant>),
    saved: (Option<Place>, Instant),
    /// Most records of a batch; fewer when the receiver finds it too large.
    most: usize,
    backoff: Backoff,
    failed: u32,
    /// The live file when everything had been read.
    seen: Option<Stamp>,
    /// The record before which others seem to be missing.
    suspect: Option<u64>,
    has_begun: bool,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Worker({})", self.sink.place)
    }
}

impl Worker {
    pub(crate) fn new(
        reader: AuditReader,
        sink: Sink,
        deliver: Box<dyn Deliver>,
        (file, kept): (CursorFile, Option<Place>),
        (control, stats): (Arc<Control>, Arc<Stats>),
        timeout: Duration,
    ) -> Self {
        let place = kept.unwrap_or(Place::START);
        stats.safe_seq.store(place.seq.unwrap_or(0), Ordering::Relaxed);
        Self {
            reader,
            sink,
            deliver,
            file,
            control,
            stats,
            timeout,
            place,
            safe: place,
            in_doubt: (0, None),
            saved: (kept, Instant::now()),
            most: BATCH_RECORDS,
            backoff: Backoff::new(),
            failed: 0,
            seen: None,
            suspect: None,
            has_begun: false,
        }
    }

    /// Works until the end is wanted, and then makes one last try.
    pub(crate) fn run(&mut self, tell: &(dyn Fn(&Gap) + Send + Sync)) {
        loop {
            let end_by = self.control.end_by();
            let left = end_by.map_or(self.timeout, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            let step = self.round(left.min(self.timeout), tell);
            self.save(false);
            match step {
                Step::On(Duration::ZERO) => {}
                Step::On(pause) if end_by.is_some() => std::thread::park_timeout(pause),
                Step::On(pause) => self.control.wait(pause),
                Step::Done | Step::Failed(_) if end_by.is_some() => break,
                Step::Done => self.control.wait(POLL),
                Step::Failed(pause) => self.control.wait(pause),
            }
        }
        let left = self.control.end_by().map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        // A failure leaves the old place, from which the next start goes on.
        let _ = self.confirm(left);
        self.save(true);
    }

    fn round(&mut self, within: Duration, tell: &(dyn Fn(&Gap) + Send + Sync)) -> Step {
        match self.try_round(within, tell) {
            Ok(step) => step,
            Err(failure) => self.give_up(failure),
        }
    }

    fn try_round(&mut self, within: Duration, tell: &(dyn Fn(&Gap) + Send + Sync)) -> Result<Step, Failure> {
        if !self.has_begun {
            self.begin().map_err(|error| unreadable(&error))?;
            self.has_begun = true;
        }
        let (records, since) = self.in_doubt;
        if records >= IN_DOUBT_RECORDS || since.is_some_and(|since| since.elapsed() >= IN_DOUBT_TIME) {
            self.confirm(within)?;
        }
        let stamp = Stamp::of(self.reader.path());
        if self.seen.is_some() && self.seen == stamp {
            return Ok(Step::Done);
        }
        let page = self.reader.follow(self.place.cursor, self.most).map_err(|error| unreadable(&error))?;
        let AuditPage { events, next_cursor, .. } = page;
        let next = next_cursor.unwrap_or(self.place.cursor);
        let mut entries: Vec<_> = events.into_iter().map(Entry::new).collect();
        if entries.is_empty() {
            self.seen = stamp;
            self.moved(Place { cursor: next, ..self.place });
            return Ok(Step::Done);
        }
        let whole = entries.len();
        if let Some((at, lost)) = missing(&entries, self.place.seq) {
            if at == 0 {
                return self.miss(lost, within, tell);
            }
            entries.truncate(at);
        }
        self.suspect = None;
        let batch = Batch { entries: &entries, lost: self.place.lost, within };
        let sent = match self.deliver.send(&batch) {
            Ok(sent) => sent,
            Err(failure) if failure.is_too_large && entries.len() > 1 => {
                self.most = (entries.len() / 2).max(1);
                return Ok(Step::On(Duration::ZERO));
            }
            Err(failure) if failure.is_too_large => return self.skip(&entries, next, tell),
            Err(failure) => return Err(failure),
        };
        let taken = entries.get(..sent.taken).unwrap_or(&entries);
        let cursor = if taken.len() == whole { next } else { self.after(taken)? };
        let seq = taken.iter().rev().find_map(|entry| entry.seq).or(self.place.seq);
        self.place = Place { cursor, seq, lost: None };
        self.in_doubt.0 += (taken.len() as u64).saturating_sub(sent.rejected);
        add(&self.stats.rejected, sent.rejected);
        if sent.rejected > 0 {
            tracing::error!(sink = %self.sink.place, records = sent.rejected, "audit records were thrown away by their receiver");
        }
        if sent.in_doubt {
            self.in_doubt.1.get_or_insert_with(Instant::now);
        } else {
            self.is_safe();
        }
        self.most = (self.most * 2).min(BATCH_RECORDS);
        Ok(Step::On(sent.pause))
    }

    /// Finds where to begin: at the place that was kept if it is one of this log.
    fn begin(&mut self) -> Result<(), AuditError> {
        let newest = self.reader.list(&AuditQuery { limit: Some(1), ..AuditQuery::default() })?;
        let end = newest.next_cursor.unwrap_or(Cursor::START);
        let last = newest.events.into_iter().next_back().and_then(|line| Entry::new(line).seq);
        if self.place.seq.is_some_and(|seq| seq > last.unwrap_or(0)) {
            tracing::warn!(
                sink = %self.sink.place,
                "the audit log has fewer records than this receiver was sent: it is another log, and is sent from its \
                 beginning"
            );
            self.moved(Place::START);
        } else if self.saved.0.is_none() && self.sink.begins == Begins::Now {
            self.moved(Place { cursor: end, seq: last, lost: None });
        }
        self.save(true);
        Ok(())
    }

    /// Records are missing, if they are the next time too.
    fn miss(
        &mut self,
        lost: Lost,
        within: Duration,
        tell: &(dyn Fn(&Gap) + Send + Sync),
    ) -> Result<Step, Failure> {
        if self.suspect != Some(lost.to) {
            self.suspect = Some(lost.to);
            return Ok(Step::On(POLL));
        }
        // Else a failure would lead back to before the gap.
        self.confirm(within)?;
        self.lose(lost, GapReason::Removed, tell);
        add(&self.stats.lost, lost.to - lost.from + 1);
        let before = self.place.lost;
        let told = before.map_or(lost, |before| Lost { from: before.from.min(lost.from), to: lost.to });
        self.moved(Place { cursor: Cursor::after(lost.to), seq: Some(lost.to), lost: Some(told) });
        self.save(true);
        Ok(Step::On(Duration::ZERO))
    }

    /// Leaves out a record that the receiver finds too large alone: all others would wait for it for ever.
    fn skip(
        &mut self,
        entries: &[Entry],
        next: Cursor,
        tell: &(dyn Fn(&Gap) + Send + Sync),
    ) -> Result<Step, Failure> {
        let seq = entries.first().and_then(|entry| entry.seq);
        if let Some(seq) = seq {
            self.lose(Lost { from: seq, to: seq }, GapReason::TooLarge, tell);
        }
        add(&self.stats.rejected, 1);
        self.moved(Place { cursor: next, seq: seq.or(self.place.seq), lost: self.place.lost });
        self.save(true);
        Ok(Step::On(Duration::ZERO))
    }

    fn lose(&self, lost: Lost, reason: GapReason, tell: &(dyn Fn(&Gap) + Send + Sync)) {
        let Lost { from, to } = lost;
        tracing::error!(
            sink = %self.sink.place,
            from,
            to,
            reason = reason.as_str(),
            "audit records will never reach this receiver"
        );
        tell(&Gap { sink: self.sink.place.clone(), from, to, reason });
    }

    /// The place behind the last of these records.
    fn after(&self, taken: &[Entry]) -> Result<Cursor, Failure> {
        match taken.last().and_then(|entry| entry.seq) {
            Some(seq) => Ok(Cursor::after(seq)),
            // A line from before the chain has no number to go by.
            None => {
                let page =
                    self.reader.follow(self.place.cursor, taken.len()).map_err(|error| unreadable(&error))?;
                Ok(page.next_cursor.unwrap_or(self.place.cursor))
            }
        }
    }

    /// A place that needs nothing to be sent.
    fn moved(&mut self, place: Place) {
        self.place = place;
        if self.in_doubt.1.is_none() {
            self.is_safe();
        }
    }

    /// Asks whether what is in doubt arrived.
    fn confirm(&mut self, within: Duration) -> Result<(), Failure> {
        if self.in_doubt.1.is_some() {
            self.deliver.confirm(within)?;
            self.is_safe();
        }
        Ok(())
    }

    fn is_safe(&mut self) {
        let (records, _) = std::mem::take(&mut self.in_doubt);
        self.safe = self.place;
        add(&self.stats.delivered, records);
        self.stats.safe_seq.store(self.safe.seq.unwrap_or(0), Ordering::Relaxed);
        if records > 0 {
            if self.failed > 1 {
                tracing::info!(sink = %self.sink.place, "audit records reach their receiver again");
            }
            self.failed = 0;
            self.backoff = Backoff::new();
        }
    }

    /// Back to what is safe.
    fn give_up(&mut self, failure: Failure) -> Step {
        add(&self.stats.failures, 1);
        self.failed = self.failed.saturating_add(1);
        // A connection that went stale is no news, and one that stays away is told ever more rarely.
        if self.failed > 1 && self.failed.is_power_of_two() {
            tracing::warn!(
                sink = %self.sink.place,
                reason = failure.what,
                attempts = self.failed,
                "audit records can't be delivered; they stay in the audit log, and are tried again"
            );
        }
        self.place = self.safe;
        self.in_doubt = (0, None);
        self.seen = None;
        let own = self.backoff.pause();
        Step::Failed(failure.after.unwrap_or(own))
    }

    /// Keeps the place, if it is time.
    fn save(&mut self, at_once: bool) {
        let (saved, at) = self.saved;
        if saved == Some(self.safe) || !at_once && at.elapsed() < SAVE {
            return;
        }
        match self.file.save(&self.control, &self.safe) {
            Ok(()) => self.saved.0 = Some(self.safe),
            Err(error) => {
                tracing::warn!(sink = %self.sink.place, %error, "how far the audit push is can't be kept");
            }
        }
        self.saved.1 = Instant::now();
    }
}

fn unreadable(error: &AuditError) -> Failure {
    Failure::new(error.to_string())
}

/// What changes when the log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    file: u64,
    length: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self { device: found.dev(), file: found.ino(), length: found.len() })
    }
}
