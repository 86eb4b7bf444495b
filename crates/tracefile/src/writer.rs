//! The thread that writes: takes what the queue holds ten times a second, encodes it into one buffer, writes it at
//! once. Requests never wait for it, and it is not woken for each of them.

use crate::index::Row;
use crate::keeper::Job;
use crate::lines::LINE_MAX;
use crate::live::Live;
use crate::stats::add;
use crate::{Options, Shared, priority};
use jiff::Timestamp;
use open_cli_observe::LocalTrace;
use open_cli_otlp::{Resource, json};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

/// How long traces are gathered before they are written.
const TICK: Duration = Duration::from_millis(100);
/// How often it is looked whether the file is too old, when nothing comes.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// How often it is looked whether the file is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long nothing is tried after a write failed.
const PAUSE: Duration = Duration::from_secs(1);
/// A batch is written when it has so many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// Spans of one line; a larger trace has several.
const LINE_SPANS: usize = 512;

pub(crate) enum Message {
    Trace(Arc<LocalTrace>),
    /// Somebody waits in [`Shared::flushes`].
    Wake,
}

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    pub(crate) resource: Resource,
    pub(crate) live: Live,
    pub(crate) queue: Receiver<Message>,
    pub(crate) keeper: SyncSender<Job>,
    pub(crate) batch: Batch,
    /// Messages of this tick.
    pub(crate) taken: usize,
    pub(crate) looked: Instant,
    pub(crate) refilled: Instant,
    pub(crate) failed: Option<Instant>,
}

/// Lines that are not written yet.
#[derive(Default)]
pub(crate) struct Batch {
    lines: Vec<u8>,
    rows: Vec<Row>,
    traces: usize,
    spans: usize,
}

impl Writer {
    /// Until nobody can send anything any more, and what was sent is written.
    pub(crate) fn run(mut self) {
        priority::lower();
        loop {
            match self.queue.recv_timeout(IDLE) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {
                    self.put_aside_if_due();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // As long as something comes, nobody has to wake this thread.
            loop {
                self.refill();
                std::thread::park_timeout(TICK);
                let waiting = std::mem::take(&mut *self.shared.flushes());
                self.taken = 0;
                let is_over = self.drain();
                self.write();
                // What was sent before they came is written.
                for done in &waiting {
                    let _ = done.try_send(());
                }
                if is_over {
                    return;
                }
                if self.taken == 0 && self.refill() {
                    break;
                }
            }
        }
    }

    /// Takes what the queue holds; true when nothing more can come.
    fn drain(&mut self) -> bool {
        loop {
            match self.queue.try_recv() {
                Ok(message) => self.take(message),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
    }

    fn take(&mut self, message: Message) {
        self.taken += 1;
        if let Message::Trace(trace) = message {
            self.encode(&trace);
        }
    }

    /// Gives new room for spans; true when there is as much as there can be. None as long as the keeper is behind:
    /// files that are not compressed yet would push out the old ones.
    fn refill(&mut self) -> bool {
        if self.shared.has_leftovers.load(Ordering::Relaxed) {
            return false;
        }
        let burst = i64::from(self.options.spans_per_second);
        let due = self.refilled.elapsed().as_micros() * u128::from(self.options.spans_per_second) / 1_000_000;
        let room = self.shared.room.load(Ordering::Relaxed);
        let more = i64::try_from(due).unwrap_or(burst).min(burst.saturating_sub(room));
        // The time for less than a whole span goes on.
        if more > 0 || room >= burst {
            self.refilled = Instant::now();
            self.shared.room.fetch_add(more, Ordering::Relaxed);
        }
        room.saturating_add(more) >= burst
    }

    fn encode(&mut self, trace: &LocalTrace) {
        self.batch.traces += 1;
        self.lines(trace, 0..trace.spans.len(), LINE_SPANS);
    }

    /// These spans of the trace in lines of so many; the outermost span is in the last.
    fn lines(&mut self, trace: &LocalTrace, places: Range<usize>, spans: usize) {
        for start in places.clone().step_by(spans.max(1)) {
            self.line(trace, start..(start + spans).min(places.end));
        }
    }

    fn line(&mut self, trace: &LocalTrace, places: Range<usize>) {
        let from = self.batch.lines.len();
        json::part(&mut self.batch.lines, &self.resource, trace, places.clone());
        if self.batch.lines.len() - from > LINE_MAX {
            self.batch.lines.truncate(from);
            // A single span is never that large: its texts are bounded.
            if places.len() > 1 {
                let half = places.len().div_ceil(2);
                self.lines(trace, places, half);
            }
            return;
        }
        let offset = u32::try_from(from).unwrap_or(u32::MAX);
        self.batch.rows.push(Row::of(trace, places.clone(), offset));
        self.batch.spans += places.len();
        if self.batch.lines.len() >= BATCH_BYTES {
            self.write();
        }
    }

    fn write(&mut self) {
        if !self.batch.lines.is_empty() && !self.is_pausing() {
            self.reopen_if_gone();
            self.put_aside_if_due();
            match self.live.append(&self.batch.lines, &self.batch.rows) {
                Ok(()) => self.succeeded(),
                Err(cause) => self.failed(&cause),
            }
        }
        let stats = &self.shared.stats;
        let is_kept = self.failed.is_none();
        add(if is_kept { &stats.written_traces } else { &stats.failed_traces }, self.batch.traces);
        if is_kept {
            add(&stats.written_spans, self.batch.spans);
            add(&stats.written_bytes, self.batch.lines.len());
        }
        self.batch.clear();
    }

    /// A write failed a moment ago: what comes now is lost.
    fn is_pausing(&self) -> bool {
        self.failed.is_some_and(|failed| failed.elapsed() < PAUSE)
    }

    fn succeeded(&mut self) {
        if self.failed.take().is_some() {
            self.shared.stats.is_failing.store(false, Ordering::Relaxed);
            let lost = self.shared.stats.failed_traces.load(Ordering::Relaxed);
            tracing::info!(lost, "traces are written again");
        }
    }

    fn failed(&mut self, cause: &std::io::Error) {
        if self.failed.replace(Instant::now()).is_none() {
            self.shared.stats.is_failing.store(true, Ordering::Relaxed);
            let file = self.live.path().display();
            tracing::warn!(%file, %cause, "traces can't be written and are lost until they can; free some space");
        }
    }

    fn reopen_if_gone(&mut self) {
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        if self.live.is_gone()
            && let Err(error) = self.live.reopen()
        {
            tracing::debug!(%error, "the trace file can't be opened anew");
        }
    }

    fn put_aside_if_due(&mut self) {
        let age = i64::try_from(self.options.max_age.as_secs()).unwrap_or(i64::MAX);
        let oldest = Timestamp::now().as_second().saturating_sub(age);
        let oldest = Timestamp::from_second(oldest).unwrap_or(Timestamp::MIN);
        if !self.live.is_due(self.batch.lines.len(), self.options.max_bytes, oldest) {
            return;
        }
        match self.live.put_aside() {
            Ok(job) => {
                add(&self.shared.stats.rotations, 1);
                // A keeper that has too much to do looks for the file when it is done.
                if self.keeper.try_send(job).is_err() {
                    self.shared.has_leftovers.store(true, Ordering::Relaxed);
                }
            }
            // A file that can't be put aside goes on growing until it can.
            Err(error) => tracing::debug!(%error, "the trace file can't be put aside"),
        }
    }
}

impl Batch {
    fn clear(&mut self) {
        self.lines.clear();
        self.lines.shrink_to(2 * BATCH_BYTES);
        self.rows.clear();
        (self.traces, self.spans) = (0, 0);
    }
}
