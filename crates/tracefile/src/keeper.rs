//! The thread that keeps the folder: compresses what was put aside, removes what is too old or too much, and mends what
//! a killed process left.

use crate::index::Row;
use crate::names::{LIVE, Segment, segments};
use crate::{Options, Shared, pack, priority, store};
use jiff::Timestamp;
use open_cli_files::sweep_temporaries;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often the folder is looked at when nothing is put aside.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);

/// A file that was put aside, and what is in it if that is known.
pub(crate) type Job = (Segment, Option<Vec<Row>>);

pub(crate) struct Keeper {
    pub(crate) directory: PathBuf,
    pub(crate) options: Options,
    pub(crate) jobs: Receiver<Job>,
    pub(crate) shared: Arc<Shared>,
}

impl Keeper {
    /// Until nobody can put anything aside any more.
    pub(crate) fn run(self) {
        priority::lower();
        self.mend();
        let mut looked = Instant::now();
        while !self.is_closing() {
            match self.jobs.recv_timeout(LOOK_EVERY) {
                Ok((segment, rows)) => self.pack(&segment, rows),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            retain(&self.directory, &self.options);
            let is_behind = self.shared.has_leftovers.swap(false, Ordering::Relaxed);
            if is_behind || looked.elapsed() >= LOOK_EVERY {
                self.mend();
                looked = Instant::now();
            }
        }
    }

    /// Does what was left undone: by a killed process, by a full disk, or because too much came at once.
    fn mend(&self) {
        // What can't be removed now is tried again.
        let _ = sweep_temporaries(&self.directory);
        retain(&self.directory, &self.options);
        for segment in segments(&self.directory).unwrap_or_default() {
            self.pack(&segment, None);
            if !self.is_closing() {
                mend_index(&segment);
            }
        }
        retain(&self.directory, &self.options);
    }

    fn pack(&self, segment: &Segment, rows: Option<Vec<Row>>) {
        // It may be removed already, or packed when its job came late.
        if self.is_closing() || !segment.plain().exists() {
            return;
        }
        if let Err(error) = pack::pack(segment, rows) {
            tracing::warn!(%error, "a trace file stays uncompressed for now");
        }
    }

    /// Nothing new is begun; the next start goes on.
    fn is_closing(&self) -> bool {
        self.shared.is_closing.load(Ordering::Relaxed)
    }
}

/// Makes the index of a compressed file that has none.
fn mend_index(segment: &Segment) {
    if !segment.index().exists()
        && let Ok(packed) = File::open(segment.packed())
        && let Err(cause) = store::index(segment, &packed)
    {
        tracing::warn!(file = %segment.packed().display(), %cause, "traces can't be read");
    }
}

/// Removes the oldest until the rest is young enough and together small enough.
pub(crate) fn retain(directory: &Path, options: &Options) {
    let size = |path: &Path| std::fs::symlink_metadata(path).map_or(0, |found| found.len());
    // The room that the live file will take is its own already.
    let mut total = size(&directory.join(LIVE)).max(options.max_bytes);
    let keep = i64::try_from(options.keep_age.as_secs()).unwrap_or(i64::MAX);
    let oldest = Timestamp::now().as_second().saturating_sub(keep);
    // Newest first: once the room is used up, everything older goes.
    for segment in segments(directory).unwrap_or_default() {
        let is_only_index = !segment.plain().exists() && !segment.packed().exists();
        total = segment.files().iter().fold(total, |total, path| total.saturating_add(size(path)));
        if is_only_index || total > options.keep_bytes || segment.at.as_second() < oldest {
            // A file that can't be removed is tried again.
            segment.files().iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
    }
}
