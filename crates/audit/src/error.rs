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
}
