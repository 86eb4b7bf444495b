//! The audit log in a file: opening, appending, closing.

use crate::checkpoint::{told_synced, write_head};
use crate::keeper::Keeper;
use crate::key::{PublicKey, SigningKey};
use crate::layout::{Form, Layout};
use crate::query::{AuditPage, AuditQuery, AuditReader};
use crate::recover::{self, Tampering};
use crate::seal::{Room, Sealer};
use crate::shared::Core;
use crate::statement::{self, Found, Head};
use crate::stats::{Stats, StatsSnapshot};
use crate::writer::{Writer, sync};
use crate::{AuditError, AuditOptions, Durability, line};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Event type of the record that says what was found when the log was opened. `verify` reports such records.
pub(crate) const TAMPERING_EVENT: &str = "audit_tampering";

/// An open audit log. Shared between threads; appends never mix, also not with those of other processes (AUDIT-7).
///
/// A log that is moved away or removed by somebody else is opened anew within a second. Until then lines go to the
/// file that was moved, so a rotation by renaming loses none. Dropping it syncs what was written.
pub struct AuditLog {
    core: Arc<Core>,
    keeper: Option<JoinHandle<()>>,
}

/// That, and where, an event is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub seq: u64,
    /// Bytes of the live file up to the end of the write that the event was part of.
    pub offset: u64,
    /// It survives a power loss.
    pub synced: bool,
}

/// What [`AuditLog::open`] found. Worth a line in the log of the runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The last line was cut off, by a crash or a full disk. It was completed or, when it was no whole record, moved
    /// to `<path>.torn` (AUDIT-5).
    pub repaired_torn_line: bool,
    /// Permission bits of a file that existed and that other users may access. It is left as it is.
    pub exposed_mode: Option<u32>,
    /// Signs that somebody else changed the log. Each is in the log, as an event too.
    pub tampering: Vec<Tampering>,
    /// Number of the last record; 0 when there was none.
    pub last_seq: u64,
    /// Files put aside that an earlier process did not get sealed; that is made up for now.
    pub unsealed: usize,
}

impl AuditLog {
    /// Opens the log as it is kept by default.
    ///
    /// # Errors
    /// When it can't be created or opened.
    pub fn open(path: &Path) -> Result<(Self, OpenReport), AuditError> {
        Self::open_with(path, AuditOptions::default())
    }

    /// Opens the log, creating it as 0600 and its directory as 0700, repairs its end, and finds the place in the chain
    /// from its end and its signed head.
    ///
    /// # Errors
    /// When it can't be created or opened, when its key can't be used, or when signs of tampering can't be recorded.
    pub fn open_with(path: &Path, options: AuditOptions) -> Result<(Self, OpenReport), AuditError> {
        let (layout, stats) = (Layout::new(path), Arc::new(Stats::default()));
        let mut writer = Writer::open(&layout, &stats)?;
        let mut report = OpenReport { exposed_mode: writer.exposed_mode()?, ..OpenReport::default() };
        let (mut key, mut sealer) = (None, None);
        if writer.is_file() {
            let (opened, keys) = recover_chain(&layout, &mut writer, &mut report)?;
            let opened = Arc::new(opened);
            if options.sealing {
                let room = Room {
                    layout: layout.clone(),
                    options: options.clone(),
                    stats: Arc::clone(&stats),
                    key: Arc::clone(&opened),
                    keys,
                };
                sealer = Some(Sealer::start(room).map_err(|cause| AuditError::Thread { cause })?);
            }
            key = Some(opened);
        }
        stats.bad.add(report.tampering.len() as u64 + u64::from(report.repaired_torn_line));
        let core = Arc::new(Core::new(layout, options, stats, writer, key, sealer));
        let keeper = Keeper::new(Arc::clone(&core));
        let keeper = std::thread::Builder::new()
            .name("audit-keeper".into())
            .spawn(move || keeper.run())
            .map_err(|cause| AuditError::Thread { cause })?;
        Ok((Self { core, keeper: Some(keeper) }, report))
    }

    /// Writes an event as one line and returns when it is in the file, whatever the durability: for where nobody can
    /// wait. Blocks for the time of a write to the page cache: microseconds.
    ///
    /// # Errors
    /// When the event is not in the log. Whatever a failed write left there is cut off.
    pub fn append(&self, event: &AuditEvent) -> Result<Receipt, AuditError> {
        self.core.write(&line::encode(event)?)
    }

    /// [`AuditLog::append`], and [`AuditLog::sync`] in a log that is kept as [`Durability::Synced`]. Blocks.
    ///
    /// # Errors
    /// When the event is not in the log, or may not survive a power loss.
    pub fn append_and_wait(&self, event: &AuditEvent) -> Result<Receipt, AuditError> {
        let receipt = self.append(event)?;
        if self.core.options.durability == Durability::Written {
            return Ok(receipt);
        }
        self.sync()?;
        Ok(Receipt { synced: true, ..receipt })
    }

    /// Records an event as the log's durability asks. Never blocks the thread for a sync; runs on any executor. A
    /// future that is dropped after its first poll records the event all the same.
    ///
    /// # Errors
    /// When the event is not in the log, or may not survive a power loss.
    pub async fn record(&self, event: &AuditEvent) -> Result<Receipt, AuditError> {
        let body = line::encode(event)?;
        match self.core.options.durability {
            Durability::Written => self.core.write(&body),
            Durability::Synced => self.core.enqueue(body)?.await.unwrap_or(Err(AuditError::Closed)),
        }
    }

    /// Waits until all that was written survives a power loss and the signed head knows it. Blocks.
    ///
    /// # Errors
    /// When it can't be synced.
    pub fn sync(&self) -> Result<(), AuditError> {
        self.core.flush()
    }

    /// Waits until what was put aside is sealed, and what retention removes is removed. Blocks.
    pub fn settle(&self) {
        if let Some(sealer) = &self.core.sealer {
            sealer.settle();
        }
    }

    /// Bytes of the live file that survive a power loss. Also told as a `trace` event of this crate, with the fields
    /// `offset`, `seq` and `first_seq` (first record of the live file), after each sync and before anybody who waited
    /// for it goes on, and when a live file was opened or begun.
    pub fn synced_offset(&self) -> u64 {
        self.core.synced_offset()
    }

    /// What the log did since it was opened.
    pub fn stats(&self) -> StatsSnapshot {
        self.core.stats.snapshot()
    }

    /// The key that this log is signed with. None for a device.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.core.key.as_ref().map(|key| key.public())
    }

    /// Events that match a query; see [`AuditReader::list`].
    ///
    /// # Errors
    /// When the log can't be read. A missing file has no events (AUDIT-3).
    pub fn list(&self, query: &AuditQuery) -> Result<AuditPage, AuditError> {
        self.reader().list(query)
    }

    /// Reads the log, also while it is written.
    pub fn reader(&self) -> AuditReader {
        AuditReader::new(self.path())
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        self.core.layout.live()
    }
}

/// Syncs and ends the threads.
impl Drop for AuditLog {
    fn drop(&mut self) {
        self.core.close();
        if let Some(keeper) = self.keeper.take() {
            // A thread that panicked has nothing more to say.
            let _ = keeper.join();
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("path", &self.path()).field("options", &self.core.options).finish()
    }
}

/// Takes the chain over from whoever wrote last.
fn recover_chain(
    layout: &Layout,
    writer: &mut Writer,
    report: &mut OpenReport,
) -> Result<(SigningKey, Vec<PublicKey>), AuditError> {
    let lock = writer.lock_current()?;
    let unreadable = |cause| AuditError::Read { path: layout.live().to_owned(), cause };
    let unwritable = |cause| AuditError::Write { path: layout.live().to_owned(), cause };
    let (key, key_is_new) = SigningKey::open_or_make(layout)?;
    let keys = PublicKey::read_all(&layout.public_keys())?;
    let live = Arc::clone(writer.file());
    let length = live.metadata().map_err(unreadable)?.len();
    let (size, was_torn) = recover::repair_end(layout, &live, length).map_err(unwritable)?;
    let mut place = recover::place(layout, &live, size, &keys)?;
    let head = statement::read::<Head>(&layout.head(), &keys)?;
    let (mut tampering, position) = recover::check_head(&head, &place, &live).map_err(unreadable)?;
    if key_is_new && (place.position.seq > 0 || head != Found::Missing) {
        tampering.push(Tampering::KeyMissing);
    }
    place.position = position;
    report.repaired_torn_line = was_torn;
    report.last_seq = position.seq;
    let segments = layout.segments().map_err(unreadable)?;
    report.unsealed = segments.iter().filter(|segment| segment.form == Form::Pending).count();
    writer.trust(keys.clone());
    writer.set_place(place);
    drop(lock);
    // In the log before the head goes on: a new head must not hide what the old one showed.
    for sign in &tampering {
        let event = line::encode(&tampering_event(sign))?;
        writer.append(std::iter::once(&*event))?;
    }
    report.tampering = tampering;
    sync(writer.file()).map_err(unwritable)?;
    told_synced(writer.place());
    write_head(layout, writer.place(), &key)?;
    Ok((key, keys))
}

fn tampering_event(sign: &Tampering) -> AuditEvent {
    AuditEvent {
        timestamp: Timestamp::now(),
        event_type: TAMPERING_EVENT.into(),
        tool_id: "runtime.audit".into(),
        decision: Decision::Error,
        reason_code: sign.code().into(),
        ..AuditEvent::default()
    }
}

#[cfg(test)]
mod tests;
