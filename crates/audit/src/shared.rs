//! What those who write and the keeper share: the writer, the queue of a group commit, and the flags between them.
//!
//! Not for what the keeper does with it (see `keeper`).

use crate::key::SigningKey;
use crate::layout::Layout;
use crate::seal::Sealer;
use crate::stats::Stats;
use crate::writer::Writer;
use crate::{AuditError, AuditOptions, Durability, Receipt};
use futures_channel::oneshot;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Most events that wait for a group commit.
pub(crate) const QUEUE_MAX: usize = 1 << 16;
/// Most bytes of them.
const QUEUE_MAX_BYTES: usize = 256 << 20;

/// An event that waits to be committed.
pub(crate) struct Queued {
    pub(crate) body: Vec<u8>,
    pub(crate) tell: oneshot::Sender<Result<Receipt, AuditError>>,
}

/// What waits for the keeper.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) events: Vec<Queued>,
    pub(crate) bytes: usize,
    /// With so many events the keeper wants to be woken.
    pub(crate) wanted: usize,
    /// Who wants to know when all that was written before is synced.
    pub(crate) flushes: Vec<SyncSender<Result<(), AuditError>>>,
    pub(crate) is_closing: bool,
}

/// What callers and the keeper share.
pub(crate) struct Core {
    pub(crate) layout: Layout,
    pub(crate) options: AuditOptions,
    pub(crate) stats: Arc<Stats>,
    pub(crate) writer: Mutex<Writer>,
    /// None for a device.
    pub(crate) key: Option<Arc<SigningKey>>,
    pub(crate) sealer: Option<Sealer>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) wake: Condvar,
    /// Something was written since the last sync began.
    pub(crate) is_dirty: AtomicBool,
    /// The sync should not wait for its second to pass.
    pub(crate) is_urgent: AtomicBool,
    pub(crate) is_full: AtomicBool,
    pub(crate) synced_offset: AtomicU64,
}

impl Core {
    pub(crate) fn new(
        layout: Layout,
        options: AuditOptions,
        stats: Arc<Stats>,
        writer: Writer,
        key: Option<Arc<SigningKey>>,
        sealer: Option<Sealer>,
    ) -> Self {
        Self {
            layout,
            options,
            stats,
            synced_offset: AtomicU64::new(writer.place().size),
            writer: Mutex::new(writer),
            key,
            sealer,
            queue: Mutex::default(),
            wake: Condvar::new(),
            is_dirty: AtomicBool::new(false),
            is_urgent: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
        }
    }

    pub(crate) fn synced_offset(&self) -> u64 {
        self.synced_offset.load(Ordering::Acquire)
    }

    /// Writes an event at once.
    pub(crate) fn write(&self, body: &[u8]) -> Result<Receipt, AuditError> {
        let (receipt, size) = {
            let mut writer = self.writer.lock();
            let position = writer.append(std::iter::once(body)).inspect_err(|_| self.stats.failures.add(1))?;
            let size = writer.place().size;
            (Receipt { seq: position.seq, offset: size, synced: false }, size)
        };
        let mut is_news = !self.is_dirty.swap(true, Ordering::AcqRel);
        if self.options.durability == Durability::Synced {
            is_news |= !self.is_urgent.swap(true, Ordering::AcqRel);
        }
        if self.options.rotate_bytes.is_some_and(|most| size >= most) {
            is_news |= !self.is_full.swap(true, Ordering::AcqRel);
        }
        if is_news {
            self.wake_keeper(&self.queue.lock());
        }
        Ok(receipt)
    }

    /// Queues an event for the next group commit.
    pub(crate) fn enqueue(
        &self,
        body: Vec<u8>,
    ) -> Result<oneshot::Receiver<Result<Receipt, AuditError>>, AuditError> {
        let (tell, told) = oneshot::channel();
        let mut queue = self.queue.lock();
        if queue.is_closing {
            return Err(AuditError::Closed);
        }
        let waiting = queue.events.len();
        if waiting >= QUEUE_MAX || queue.bytes + body.len() > QUEUE_MAX_BYTES {
            self.stats.failures.add(1);
            return Err(AuditError::Overloaded { waiting });
        }
        queue.bytes += body.len();
        queue.events.push(Queued { body, tell });
        self.stats.queue_depth.set(queue.events.len() as u64);
        if waiting == 0 || waiting + 1 == queue.wanted {
            self.wake_keeper(&queue);
        }
        Ok(told)
    }

    /// Waits until all that was written is synced and in the signed head. Blocks.
    pub(crate) fn flush(&self) -> Result<(), AuditError> {
        let (tell, told) = sync_channel(1);
        {
            let mut queue = self.queue.lock();
            if queue.is_closing {
                return Err(AuditError::Closed);
            }
            queue.flushes.push(tell);
            self.wake_keeper(&queue);
        }
        told.recv().unwrap_or(Err(AuditError::Closed))
    }

    /// Ends the keeper once everything is synced.
    pub(crate) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.is_closing = true;
        self.wake_keeper(&queue);
    }

    /// The guard shows that the keeper either waits or has yet to look: no wake-up is lost.
    fn wake_keeper(&self, _queue: &MutexGuard<'_, Queue>) {
        self.wake.notify_one();
    }
}
