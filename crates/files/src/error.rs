//! What went wrong with a file, which one, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A file operation failed. Every message names the path and a way out.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A private directory could not be made.
    #[error("cannot create the directory {}: {cause}; {}", path.display(), advice(cause))]
    CreateDirectory {
        /// The directory that was asked for.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// Something that is no directory is in the way.
    #[error("{} is not a directory; move it away or choose another path", path.display())]
    NotADirectory {
        /// The path in the way.
        path: PathBuf,
    },
    /// A file could not be replaced; it still has its old content.
    #[error("cannot replace {}: {cause}; {}", path.display(), advice(cause))]
    Replace {
        /// The file that keeps its old content.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// A file was replaced, but may not survive a power loss.
    #[error("replaced {}, but its folder cannot be synced: {cause}; {}", path.display(), advice(cause))]
    SyncDirectory {
        /// The file that was replaced.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// A file could not be opened for appending.
    #[error("cannot open {} for appending: {cause}; {}", path.display(), advice(cause))]
    Append {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// A file or directory could not be read.
    #[error("cannot read {}: {cause}; {}", path.display(), advice(cause))]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// A file that only its writer may write can be written by others, or is somebody else's.
    #[error("{} belongs to another user, or others may write it; it is not used, move it away", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// A file is larger than its reader accepts.
    #[error("{} is larger than {limit} bytes; it is not what it should be, move it away", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes that would have been accepted.
        limit: u64,
    },
}

impl FileError {
    /// The system's reason, when there is one.
    pub fn cause(&self) -> Option<&io::Error> {
        match self {
            Self::CreateDirectory { cause, .. }
            | Self::Replace { cause, .. }
            | Self::SyncDirectory { cause, .. }
            | Self::Append { cause, .. }
            | Self::Read { cause, .. } => Some(cause),
            Self::NotADirectory { .. } | Self::NotPrivate { .. } | Self::TooLarge { .. } => None,
        }
    }

    /// Nothing is at the path.
    pub fn is_not_found(&self) -> bool {
        self.cause().is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound)
    }

    /// The file or directory.
    pub fn path(&self) -> &Path {
        match self {
            Self::CreateDirectory { path, .. }
            | Self::NotADirectory { path }
            | Self::NotPrivate { path }
            | Self::Replace { path, .. }
            | Self::SyncDirectory { path, .. }
            | Self::Append { path, .. }
            | Self::Read { path, .. }
            | Self::TooLarge { path, .. } => path,
        }
    }
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::PermissionDenied => "give this user access to it, or choose another path",
        io::ErrorKind::ReadOnlyFilesystem => "choose a path on a writable file system",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::FileTooLarge => "raise the file-size limit of the process",
        io::ErrorKind::NotFound => "check that the path exists",
        io::ErrorKind::NotADirectory => "a part of the path is a file: move it away or choose another path",
        io::ErrorKind::IsADirectory => "a directory is in the way: move it away or choose another path",
        _ => "check the path and its file system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_where_why_and_what_to_do() {
        let cause = || io::Error::from(io::ErrorKind::PermissionDenied);
        let path = PathBuf::from("/var/s/runtime.json");
        for (error, words) in [
            (FileError::Replace { path: path.clone(), cause: cause() }, "cannot replace"),
            (FileError::Append { path: path.clone(), cause: cause() }, "appending"),
            (FileError::CreateDirectory { path: path.clone(), cause: cause() }, "directory"),
        ] {
            let text = error.to_string();
            for part in [words, "/var/s/runtime.json", "permission denied", "give this user access"] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
