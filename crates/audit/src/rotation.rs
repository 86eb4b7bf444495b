//! Keeping the log from growing for ever: `audit.log` becomes `audit.log.1`, that one `audit.log.2`, and so on; the
//! oldest is removed (weakness 54).

use std::io;
use std::path::{Path, PathBuf};

/// When a log is put aside and how many of them are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The log is put aside before it grows beyond this. A single longer line is still written.
    pub max_bytes: u64,
    /// Logs put aside that are kept, at most [`Rotation::KEEP_MAX`].
    pub keep: u16,
}

impl Rotation {
    /// Most logs put aside that are kept; a larger wish is lowered to it.
    pub const KEEP_MAX: u16 = 1000;

    fn kept(self) -> u16 {
        self.keep.min(Self::KEEP_MAX)
    }

    /// Where the logs put aside are, oldest first. Not all need exist.
    pub(crate) fn older(self, path: &Path) -> impl Iterator<Item = PathBuf> {
        (1..=self.kept()).rev().map(|number| numbered(path, number))
    }

    /// Puts the log aside. A crash in between leaves a gap in the numbers and loses nothing.
    pub(crate) fn put_aside(self, path: &Path) -> io::Result<()> {
        let kept = self.kept();
        if kept == 0 {
            return std::fs::remove_file(path);
        }
        for number in (1..kept).rev() {
            // Renaming onto the oldest removes it.
            if_there(std::fs::rename(numbered(path, number), numbered(path, number + 1)))?;
        }
        std::fs::rename(path, numbered(path, 1))
    }
}

fn numbered(path: &Path, number: u16) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn if_there(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
