//! Sealing: a log that was put aside is compressed, indexed and signed, beside the writers, and then the text is
//! removed. A crash at any point leaves the text, and the next start does it again.
//!
//! Not for the format of a sealed segment (see `sealed`).

use crate::chain::{Hash, Link, Position};
use crate::key::{PublicKey, SigningKey};
use crate::layout::{Form, Layout};
use crate::recover::first_line;
use crate::sealed::{Blocks, SealedInfo, write_segment};
use crate::statement::{self, SegmentStatement};
use crate::stats::Stats;
use crate::writer::PutAside;
use crate::{AuditError, AuditOptions, retention};
use aws_lc_rs::digest::{Context, SHA256};
use open_cli_contract::Timestamp;
use open_cli_files::{Durability, lock_within};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often old segments are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(15 * 60);
/// How long another process may use a text that is to be sealed.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// The thread that seals, and what it is asked to do.
#[derive(Debug)]
pub(crate) struct Sealer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_wanted: bool,
    is_busy: bool,
    is_closing: bool,
    /// The last record of a text, as the writer knows it.
    expected: BTreeMap<u64, Position>,
}

/// What sealing needs to know of the log.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) layout: Layout,
    pub(crate) options: AuditOptions,
    pub(crate) stats: Arc<Stats>,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) keys: Vec<PublicKey>,
}

impl Sealer {
    /// Starts the thread, which first seals what an earlier process left.
    pub(crate) fn start(room: Room) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.state.lock().is_wanted = true;
        let thread = std::thread::Builder::new().name("audit-sealer".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run(&room)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// There may be something to seal.
    pub(crate) fn wake(&self, aside: Option<PutAside>) {
        let mut state = self.shared.state.lock();
        state.is_wanted = true;
        if let Some(aside) = aside {
            state.expected.insert(aside.first_seq, aside.last);
        }
        self.shared.changed.notify_all();
    }

    /// Waits until nothing is left to do. Blocks.
    pub(crate) fn settle(&self) {
        let mut state = self.shared.state.lock();
        while state.is_wanted || state.is_busy {
            self.shared.changed.wait(&mut state);
        }
    }
}

/// Waits for the segment at hand; others stay for the next start.
impl Drop for Sealer {
    fn drop(&mut self) {
        self.shared.state.lock().is_closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, room: &Room) {
        loop {
            {
                let mut state = self.state.lock();
                state.is_busy = false;
                self.changed.notify_all();
                while !state.is_wanted && !state.is_closing {
                    if self.changed.wait_for(&mut state, LOOK_EVERY).timed_out() {
                        break;
                    }
                }
                if state.is_closing {
                    return;
                }
                state.is_wanted = false;
                state.is_busy = true;
            }
            self.seal_all(room);
            if let Err(error) = retention::apply(room) {
                room.stats.failures.add(1);
                tracing::error!(%error, "old segments of the audit log can't be removed");
            }
        }
    }

    fn seal_all(&self, room: &Room) {
        let segments = match room.layout.segments() {
            Ok(segments) => segments,
            Err(cause) => {
                room.stats.failures.add(1);
                tracing::error!(%cause, path = %room.layout.directory().display(), "the audit logs put aside can't be listed");
                return;
            }
        };
        for segment in segments.into_iter().filter(|segment| segment.form == Form::Pending) {
            let expected = {
                let state = self.state.lock();
                if state.is_closing {
                    return;
                }
                state.expected.get(&segment.first_seq).copied()
            };
            match seal(room, segment.first_seq, expected) {
                Ok(true) => {
                    self.state.lock().expected.remove(&segment.first_seq);
                    room.stats.segments_sealed.add(1);
                }
                Ok(false) => {}
                Err(error) => {
                    room.stats.failures.add(1);
                    tracing::error!(%error, "an audit log can't be sealed and stays as text");
                }
            }
        }
    }
}

/// Seals one text. False when another process does.
fn seal(room: &Room, first_seq: u64, expected: Option<Position>) -> Result<bool, AuditError> {
    let (source, gz) = (room.layout.pending(first_seq), room.layout.sealed(first_seq));
    let unreadable = |cause| AuditError::Read { path: source.clone(), cause };
    let text = File::open(&source).map_err(unreadable)?;
    if matches!(lock_within(&text, LOCK_PATIENCE), Err(TryLockError::WouldBlock)) {
        return Ok(false);
    }
    let info = write_segment(&source, &gz, &room.layout.index(first_seq))?;
    if text_hash(Blocks::open(&gz)?).map_err(|cause| AuditError::Read { path: gz.clone(), cause })? != info.sha256
    {
        return Err(AuditError::Damaged { path: gz, reason: "what is read back is not what was written".into() });
    }
    let found = Position { seq: info.last_seq, hash: info.last_line_hash };
    let last = expected.unwrap_or(found);
    if last != found {
        room.stats.bad.add(1);
        tracing::error!(path = %source.display(), "the audit log was changed after it was put aside");
    }
    let length = text.metadata().map_err(unreadable)?.len();
    let first = first_line(&text, length).map_err(unreadable)?.as_deref().and_then(Link::of);
    let statement = statement_of(&info, first_seq, first.map_or(Hash::ZERO, |link| link.prev), last);
    statement::write(&room.layout.statement(first_seq), &statement, &room.key, Durability::Synced)?;
    std::fs::remove_file(&source).map_err(|cause| AuditError::Write { path: source.clone(), cause })?;
    Ok(true)
}

fn statement_of(info: &SealedInfo, first_seq: u64, prev_hash: Hash, last: Position) -> SegmentStatement {
    SegmentStatement {
        first_seq,
        last_seq: last.seq,
        records: info.records,
        bytes: info.bytes,
        prev_hash,
        last_hash: last.hash,
        sha256: info.sha256,
        from: info.first_time,
        to: info.last_time,
        sealed_at: Timestamp::now(),
    }
}

fn text_hash(mut blocks: Blocks) -> std::io::Result<Hash> {
    let mut digest = Context::new(&SHA256);
    while let Some(block) = blocks.next()? {
        if let Some((text, _)) = block.text {
            digest.update(text);
        }
    }
    Ok(Hash::from_digest(&digest.finish()))
}
