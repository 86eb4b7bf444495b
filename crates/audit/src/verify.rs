//! Checking a log offline, from its files and the public keys alone: every record is hashed and compared with what
//! the next one says, segments and the head with what was signed. Finds what was edited, removed, moved, added or cut
//! off, and names the first bad record.
//!
//! What it can't find: a change by somebody who has the private key, and the end of the log taken back to an older
//! state together with its head. Against the first, keep the key where only the runtime can read it; against both,
//! give it what was exported ([`VerifyOptions::known`]). Not for repairing anything.

mod parts;
mod report;
mod stitch;
mod walk;

pub use report::{Problem, ProblemKind, VerifyReport};

use crate::AuditError;
use crate::chain::Hash;
use crate::key::PublicKey;
use crate::layout::Layout;
use parking_lot::Mutex;
use parts::Files;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use walk::{Walk, Wanted};

/// Most files that are checked at the same time.
const THREADS_MAX: usize = 8;

/// What to check a log against.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Keys that are trusted, instead of those in `<path>.pub`, which whoever changed the log may have changed too.
    pub keys: Vec<PublicKey>,
    /// Records that are known from elsewhere: their number and the hash of their line in hex, as the record after
    /// them has it in `prevHash`.
    pub known: Vec<(u64, String)>,
    /// Threads to use; 0: as many as there are processors, up to 8.
    pub threads: usize,
}

/// Checks the log at `path`. It may be in use.
///
/// # Errors
/// When there is no log, or its files can't be read. A log that is not as it should be is a report, not an error.
pub fn verify(path: &Path, options: &VerifyOptions) -> Result<VerifyReport, AuditError> {
    let started = Instant::now();
    let layout = Layout::new(path);
    let files = Files::open(&layout, &options.keys)?;
    let wanted = wanted(&files, options);
    let walks = walk_all(&files, &wanted, options.threads)?;
    let mut report = stitch::stitch(&files, walks, options);
    report.elapsed = started.elapsed();
    Ok(report)
}

fn wanted(files: &Files, options: &VerifyOptions) -> Wanted {
    let head = files.head.clone().good();
    let mut seqs: Vec<u64> = options.known.iter().map(|(seq, _)| *seq).collect();
    seqs.extend(head.map(|head| head.seq));
    seqs.extend(files.anchor.clone().good().map(|anchor| anchor.last_seq));
    seqs.sort_unstable();
    seqs.dedup();
    Wanted { seqs, parse_after: head.map_or(0, |head| head.seq) }
}

/// Walks through all files, several at a time. The walks are in the order of the files.
fn walk_all(files: &Files, wanted: &Wanted, threads: usize) -> Result<Vec<Walk>, AuditError> {
    let available = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let threads = if threads == 0 { available } else { threads }.min(files.parts.len()).max(1);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((number, part)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|number| Some((number, files.parts.get(number)?)))
        {
            let walk = walk::walk(part, wanted);
            done.lock().push((number, walk));
        }
    };
    std::thread::scope(|scope| {
        // The thread at hand is one of them.
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut done = done.into_inner();
    done.sort_unstable_by_key(|(number, _)| *number);
    let failed = |number: usize, cause| AuditError::Read { path: files.parts[number].path.clone(), cause };
    done.into_iter().map(|(number, walk)| walk.map_err(|cause| failed(number, cause))).collect()
}

fn hash_of(hex: &str) -> Option<Hash> {
    Hash::from_hex(hex.as_bytes())
}

#[cfg(test)]
mod tests;
