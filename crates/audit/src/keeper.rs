//! The thread beside the writers: it syncs what they wrote, commits what waits for a sync in groups, writes the
//! signed head after a sync, and puts the live file aside when it is full or old.
//!
//! Callers never sync themselves. In `written` mode they write and go on; in `synced` mode they queue their event and
//! wait for a message, so that no thread that serves others is ever held by a disk.

use crate::chain::Position;
use crate::checkpoint::{told_synced, write_head};
use crate::gather::Gather;
use crate::recover::Place;
use crate::shared::{Core, Queue, Queued};
use crate::writer::sync;
use crate::{AuditError, Durability, Receipt};
use open_cli_contract::Timestamp;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a written event may wait for its sync.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How old the signed head may become while events are written.
const HEAD_EVERY: Duration = Duration::from_secs(1);
/// The same when every event is synced: what is acknowledged as safe should soon be known to the head.
const HEAD_EVERY_SYNCED: Duration = Duration::from_millis(200);
/// When to look for the age of the live file again while somebody writes to it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Pause after a rotation or a head that failed.
const RETRY: Duration = Duration::from_secs(10);
/// What the keeper remembers between two rounds.
pub(crate) struct Keeper {
    core: Arc<Core>,
    synced_at: Instant,
    sync_took: Duration,
    /// What was synced and is not in the head yet.
    unstated: Option<Place>,
    /// No head before this.
    next_head: Instant,
    next_rotation: Instant,
    gather: Gather,
    /// How many events make a group, and until when they are waited for.
    wanted: usize,
    gather_until: Instant,
}

impl Keeper {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let now = Instant::now();
        Self {
            core,
            synced_at: now,
            sync_took: Duration::ZERO,
            unstated: None,
            next_head: now,
            next_rotation: now,
            gather: Gather::default(),
            wanted: 1,
            gather_until: now,
        }
    }

    /// Works until the log is closed.
    pub(crate) fn run(mut self) {
        loop {
            let mut work = self.wait();
            let is_closing = work.is_closing;
            if !work.events.is_empty() {
                self.commit(std::mem::take(&mut work.events));
            }
            let wants_sync = is_closing || !work.flushes.is_empty() || self.core.is_urgent.load(Ordering::Acquire);
            let mut outcome = Ok(());
            if self.core.is_dirty.load(Ordering::Acquire) && (wants_sync || self.synced_at.elapsed() >= SYNC_EVERY)
            {
                outcome = self.sync();
            }
            self.rotate_if_due();
            if is_closing || !work.flushes.is_empty() || Instant::now() >= self.next_head {
                self.state_head();
            }
            for flush in work.flushes {
                // Who asked may have gone.
                let _ = flush.send(outcome.as_ref().copied().map_err(AuditError::again));
            }
            if is_closing {
                return;
            }
        }
    }

    /// Waits until there is something to do, and takes it.
    fn wait(&mut self) -> Queue {
        let core = Arc::clone(&self.core);
        let mut queue = core.queue.lock();
        loop {
            let is_urgent = !queue.flushes.is_empty() || queue.is_closing;
            let mut wait = self.time_to_wait();
            if !queue.events.is_empty() {
                let is_complete = queue.events.len() >= self.wanted;
                let patience = self.gather_until.saturating_duration_since(Instant::now());
                let patience = if is_complete { Duration::ZERO } else { patience };
                wait = Some(wait.map_or(patience, |wait| wait.min(patience)));
            }
            if is_urgent || wait == Some(Duration::ZERO) {
                if !queue.events.is_empty() {
                    self.gather.came(queue.events.len(), self.wanted);
                    self.wanted = 1;
                }
                core.stats.queue_depth.set(0);
                let is_closing = queue.is_closing;
                return std::mem::replace(&mut *queue, Queue { is_closing, ..Queue::default() });
            }
            queue.wanted = self.wanted;
            match wait {
                Some(wait) => drop(core.wake.wait_for(&mut queue, wait)),
                None => core.wake.wait(&mut queue),
            }
        }
    }

    /// Time until the next thing is due; none when nothing will be.
    fn time_to_wait(&self) -> Option<Duration> {
        let core = &*self.core;
        let now = Instant::now();
        let until = |moment: Instant| moment.saturating_duration_since(now);
        let is_dirty = core.is_dirty.load(Ordering::Acquire);
        let sync = is_dirty.then(|| match core.is_urgent.load(Ordering::Acquire) {
            true => Duration::ZERO,
            false => until(self.synced_at + SYNC_EVERY),
        });
        let head = self.unstated.is_some().then(|| until(self.next_head));
        let rotation =
            if core.is_full.load(Ordering::Acquire) { Some(Duration::ZERO) } else { self.time_to_age() };
        let rotation = rotation.map(|wait| wait.max(until(self.next_rotation)));
        [sync, head, rotation].into_iter().flatten().min()
    }

    /// Time until the live file is old.
    fn time_to_age(&self) -> Option<Duration> {
        let age = self.core.options.rotate_age?;
        // Callers may wait for this thread meanwhile: it does not wait for a writer.
        let Some(writer) = self.core.writer.try_lock() else { return Some(LOOK_AGAIN) };
        let begun = writer.place().begun?;
        drop(writer);
        let old = Timestamp::now().duration_since(begun);
        Some(age.saturating_sub(Duration::try_from(old).unwrap_or_default()))
    }

    /// Writes a group, syncs once, and tells everybody.
    fn commit(&mut self, events: Vec<Queued>) {
        let core = Arc::clone(&self.core);
        let written = {
            let mut writer = core.writer.lock();
            writer.append(events.iter().map(|event| &*event.body)).map(|position| (position, writer.place().size))
        };
        let outcome = written.and_then(|(last, size)| {
            core.is_dirty.store(true, Ordering::Release);
            if core.options.rotate_bytes.is_some_and(|most| size >= most) {
                core.is_full.store(true, Ordering::Release);
            }
            self.sync().map(|()| (last, size))
        });
        let waiting = core.queue.lock().events.len();
        let (wanted, patience) = self.gather.after_sync(events.len(), waiting, self.sync_took);
        (self.wanted, self.gather_until) = (wanted, Instant::now() + patience);
        match outcome {
            Ok((last, size)) => tell_all(events, last, size),
            Err(error) => {
                core.stats.failures.add(events.len() as u64);
                for event in events {
                    let _ = event.tell.send(Err(error.again()));
                }
            }
        }
    }

    fn sync(&mut self) -> Result<(), AuditError> {
        let core = &*self.core;
        core.is_urgent.store(false, Ordering::Release);
        // Whoever writes after this makes it dirty again.
        core.is_dirty.store(false, Ordering::Release);
        let (file, place, is_file, directory_changed) = {
            let mut writer = core.writer.lock();
            let changed = writer.take_directory_changed();
            (Arc::clone(writer.file()), *writer.place(), writer.is_file(), changed)
        };
        let started = Instant::now();
        let outcome = sync(&file).and_then(|()| match directory_changed && is_file {
            true => File::open(core.layout.directory()).and_then(|directory| sync(&directory)),
            false => Ok(()),
        });
        self.synced_at = Instant::now();
        self.sync_took = self.synced_at - started;
        core.stats.synced(self.sync_took);
        if let Err(cause) = outcome {
            core.stats.failures.add(1);
            core.is_dirty.store(true, Ordering::Release);
            if directory_changed {
                core.writer.lock().set_directory_changed();
            }
            tracing::error!(%cause, path = %core.layout.live().display(), "the audit log can't be synced");
            return Err(AuditError::Write { path: core.layout.live().to_owned(), cause });
        }
        core.synced_offset.store(place.size, Ordering::Release);
        // Before anybody is told, so that the last of these never claims too little.
        told_synced(&place);
        self.unstated = (is_file && place.position.seq > 0).then_some(place);
        Ok(())
    }

    /// Signs how far the log is synced.
    fn state_head(&mut self) {
        let (Some(place), Some(key)) = (self.unstated, &self.core.key) else { return };
        let every = match self.core.options.durability {
            Durability::Written => HEAD_EVERY,
            Durability::Synced => HEAD_EVERY_SYNCED,
        };
        match write_head(&self.core.layout, &place, key) {
            Ok(()) => {
                self.unstated = None;
                self.core.stats.heads.add(1);
                self.next_head = Instant::now() + every;
            }
            Err(error) => {
                self.core.stats.failures.add(1);
                tracing::error!(%error, "the head of the audit log can't be signed");
                self.next_head = Instant::now() + RETRY;
            }
        }
    }

    fn rotate_if_due(&mut self) {
        let is_full = self.core.is_full.load(Ordering::Acquire);
        let is_due = is_full || self.time_to_age() == Some(Duration::ZERO);
        if !is_due || Instant::now() < self.next_rotation {
            return;
        }
        // Without the lock of the writer: little is left to sync when the file is put aside.
        let synced = if self.core.is_dirty.load(Ordering::Acquire) { self.sync() } else { Ok(()) };
        let core = &*self.core;
        let outcome = synced.and_then(|()| {
            let mut writer = core.writer.lock();
            let aside = writer.put_aside()?;
            core.is_full.store(false, Ordering::Release);
            // Nobody else moves it, and nothing is written meanwhile.
            core.synced_offset.store(writer.place().size, Ordering::Release);
            told_synced(writer.place());
            Ok(aside)
        });
        match outcome {
            Ok(Some(aside)) => {
                core.is_dirty.store(true, Ordering::Release);
                if let Some(sealer) = &core.sealer {
                    sealer.wake(Some(aside));
                }
            }
            Ok(None) => self.next_rotation = Instant::now() + RETRY,
            Err(error) => {
                core.stats.failures.add(1);
                tracing::error!(%error, "the audit log can't be put aside and goes on growing");
                self.next_rotation = Instant::now() + RETRY;
            }
        }
    }
}

/// Tells each of a group which record is theirs.
fn tell_all(events: Vec<Queued>, last: Position, size: u64) {
    let first = last.seq.saturating_sub(events.len() as u64).saturating_add(1);
    for (seq, event) in (first..).zip(events) {
        // Who asked may have gone; the event is recorded all the same.
        let _ = event.tell.send(Ok(Receipt { seq, offset: size, synced: true }));
    }
}
