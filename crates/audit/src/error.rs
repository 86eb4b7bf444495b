//! Why an event was not written, or the log not read.

use open_cli_files::FileError;
use std::io;
use std::path::PathBuf;

/// An operation on the audit log failed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file, or its directory, can't be opened.
    #[error("the audit log is not available: {0}")]
    Unavailable(#[from] FileError),
    /// The event was not written. The next append repairs what a half-written one left behind.
    #[error("cannot write to the audit log {}: {cause}; free space or repair the file system it is on", path.display())]
    Write {
        /// The log.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// The log was not read.
    #[error("cannot read the audit log {}: {cause}; check the file and its access rights", path.display())]
    Read {
        /// The log.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// Another process keeps the log locked.
    #[error("the audit log {} is locked by another process; stop what locks it, or use another --audit-path", path.display())]
    Locked {
        /// The log.
        path: PathBuf,
    },
    /// The event is longer than a line may be.
    #[error(
        "an audit event of {bytes} bytes is longer than the {limit} a line may have; shorten what the caller sent"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The event has no JSON form.
    #[error(
        "an audit event cannot be written as JSON: {reason}; this is a fault of the runtime, please report it"
    )]
    Encode {
        /// Why not.
        reason: String,
    },
    /// The key that signs is not usable.
    #[error("the key of the audit log {} cannot be used: {reason}; put the right file back, or move it away to go on with a new key", path.display())]
    Key {
        /// The key.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file that belongs to the log is damaged.
    #[error("{} is not what the audit log wrote: {reason}; put the right file back, or keep it as evidence", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// More records wait for the disk than may.
    #[error(
        "{waiting} audit records wait for the disk, the most that may; it is too slow for the calls that arrive"
    )]
    Overloaded {
        /// How many wait.
        waiting: usize,
    },
    /// A thread of the log can't be started.
    #[error("cannot start a thread for the audit log: {cause}; raise the limit on threads or free memory")]
    Thread {
        /// The system's reason.
        cause: io::Error,
    },
    /// The log is being closed.
    #[error("the audit log is closed; the runtime is ending")]
    Closed,
}

impl AuditError {
    /// The same failure, for another one who waited for the same write.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Write { path, cause } => {
                let cause = cause.raw_os_error().map_or_else(|| cause.kind().into(), io::Error::from_raw_os_error);
                Self::Write { path: path.clone(), cause }
            }
            Self::Locked { path } => Self::Locked { path: path.clone() },
            Self::Read { path, cause } => Self::Read { path: path.clone(), cause: cause.kind().into() },
            other => Self::Encode { reason: other.to_string() },
        }
    }
}
