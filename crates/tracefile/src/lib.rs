//! The trace file of an instance: every sampled request as one line of OTLP JSON, failed and refused ones always, so
//! that a trace can be seen without any backend; and queries over it, also of a stopped instance. `traces.jsonl` in the
//! folder is being written and can be read by an OpenTelemetry collector (`otlpjsonfile`); what was put aside is
//! compressed beside it, with an index. Bounded in rate, size and age; what is lost is counted.
//!
//! Not for audit (that must not be lost), not for sending (that is `otlp`), and not for who may see what: queries ask
//! their caller.

mod convert;
mod decode;
mod index;
mod keeper;
mod lines;
mod live;
mod names;
mod options;
mod pack;
mod priority;
mod query;
mod stats;
mod store;
mod writer;

pub use convert::{merge_spans, merge_summaries, record, summary};
pub use options::Options;
pub use query::{IsWanted, LIST_DEFAULT, LIST_MAX, ListQuery};
pub use stats::Stats;
pub use store::{FOUND_MAX, TraceStore};

use keeper::Keeper;
use live::Live;
use open_cli_files::FileError;
use open_cli_observe::{LocalTrace, Observer};
use open_cli_otlp::Resource;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Thread};
use std::time::{Duration, Instant};
use writer::{Batch, Message, Writer};

/// Traces that wait for the writer.
const QUEUE: usize = 8 * 1024;
/// Files that wait to be compressed.
const JOBS: usize = 4;
/// How long a flush or the end waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);
/// Attributes of the resource that are worth repeating on every line begin so.
const KEPT: [&str; 2] = ["service.", "deployment."];

/// The trace file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceFileError {
    /// The folder or the file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A thread.
    #[error("cannot start a thread for the trace file: {0}; raise the limit of processes of this user")]
    Thread(std::io::Error),
}

/// The trace file: an observer. Dropped, it writes what it was told and ends.
pub struct TraceFile {
    shared: Arc<Shared>,
    store: TraceStore,
    /// `None` only while this is dropped.
    queue: Option<SyncSender<Message>>,
    writer: Thread,
    /// Disconnected when both threads ended.
    ended: Mutex<Receiver<()>>,
    /// Spans that failed traces may use beyond the room.
    reserve: i64,
}

/// What the observer and its threads share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) stats: Stats,
    /// Spans that may still come; the writer gives more.
    pub(crate) room: AtomicI64,
    pub(crate) is_closing: AtomicBool,
    /// Files were put aside that the keeper was not told of.
    pub(crate) has_leftovers: AtomicBool,
    flushes: Mutex<Vec<SyncSender<()>>>,
}

impl Shared {
    /// Who waits until everything is written.
    pub(crate) fn flushes(&self) -> MutexGuard<'_, Vec<SyncSender<()>>> {
        self.flushes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TraceFile {
    /// Begins to write into this folder, e.g. `<stateDir>/traces`, which is made when it is missing. The instance must
    /// be owned: two processes may not write one folder. Of the resource only `service.*` and `deployment.*` are
    /// written, because every line repeats them.
    ///
    /// # Errors
    /// When the folder or the file can't be made or opened, or the system has no thread left.
    pub fn open(directory: &Path, resource: &Resource, options: Options) -> Result<Self, TraceFileError> {
        let options = options.within_bounds();
        let state = open_cli_files::create_private_dir_all(directory)?;
        if let Some(mode) = state.exposed_mode {
            tracing::warn!(directory = %directory.display(), mode = format!("{mode:o}"), "others can look into the traces");
        }
        let live = Live::open(directory)?;
        let burst = i64::from(options.spans_per_second);
        let shared = Arc::new(Shared { room: AtomicI64::new(burst), ..Shared::default() });
        let (queue, messages) = sync_channel(QUEUE);
        let (jobs, waiting) = sync_channel(JOBS);
        let keeper =
            Keeper { directory: directory.to_owned(), options, jobs: waiting, shared: Arc::clone(&shared) };
        let writer = Writer {
            shared: Arc::clone(&shared),
            options,
            resource: short(resource),
            live,
            queue: messages,
            keeper: jobs,
            batch: Batch::default(),
            taken: 0,
            looked: Instant::now(),
            refilled: Instant::now(),
            failed: None,
        };
        let (running, ended) = sync_channel::<()>(0);
        let start = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let running = running.clone();
            let run = move || {
                run();
                drop(running);
            };
            Builder::new().name(name.into()).spawn(run).map_err(TraceFileError::Thread)
        };
        start("traces-keep", Box::new(move || keeper.run()))?;
        let writer = start("traces-write", Box::new(move || writer.run()))?;
        Ok(Self {
            shared,
            store: TraceStore::new(directory),
            queue: Some(queue),
            writer: writer.thread().clone(),
            ended: Mutex::new(ended),
            reserve: burst,
        })
    }

    /// What was done and lost.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Queries over what is written. What happened within the last tenth of a second may not be; see
    /// [`TraceFile::flush`], and [`merge_spans`] for what is still in memory.
    pub fn store(&self) -> &TraceStore {
        &self.store
    }

    /// Waits until everything told so far is written, at most five seconds; true when it is. Blocks.
    pub fn flush(&self) -> bool {
        let (done, wait) = sync_channel(1);
        let Some(queue) = &self.queue else { return false };
        self.shared.flushes().push(done);
        // A full queue wakes the writer too.
        let _ = queue.try_send(Message::Wake);
        self.writer.unpark();
        wait.recv_timeout(PATIENCE).is_ok()
    }

    /// Takes spans of the room; failed traces may go below it.
    fn admits(&self, trace: &LocalTrace, is_failed: bool) -> bool {
        let spans = i64::try_from(trace.spans.len()).unwrap_or(i64::MAX);
        let least = if is_failed { -self.reserve } else { 0 };
        let room = &self.shared.room;
        if room.fetch_sub(spans, Ordering::Relaxed) > least {
            return true;
        }
        room.fetch_add(spans, Ordering::Relaxed);
        false
    }
}

impl Observer for TraceFile {
    fn wants_events(&self) -> bool {
        false
    }

    fn wants_spans(&self) -> bool {
        false
    }

    /// On the request path: two atomic operations and a place in a queue.
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        let stats = &self.shared.stats;
        let is_failed = trace.is_failed();
        if !trace.sampled && !is_failed {
            return stats::add(&stats.unsampled_traces, 1);
        }
        if !self.admits(trace, is_failed) {
            return stats::add(&stats.rate_dropped_traces, 1);
        }
        let sent =
            self.queue.as_ref().is_some_and(|queue| queue.try_send(Message::Trace(Arc::clone(trace))).is_ok());
        if !sent {
            stats::add(&stats.queue_dropped_traces, 1);
        }
    }
}

impl Drop for TraceFile {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::Relaxed);
        self.queue = None;
        self.writer.unpark();
        // Threads that hang in the file system are left to themselves.
        let _ = self.ended.get_mut().map(|ended| ended.recv_timeout(PATIENCE));
    }
}

fn short(resource: &Resource) -> Resource {
    let is_kept = |name: &str| KEPT.iter().any(|prefix| name.starts_with(prefix));
    Resource::new(resource.attributes().iter().filter(|(name, _)| is_kept(name)).cloned().collect())
}

#[cfg(test)]
mod tests;
