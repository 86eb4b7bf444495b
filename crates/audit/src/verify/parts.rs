//! The files of a log, all open before the first is read: a log in use is rotated, sealed and shortened by retention
//! meanwhile.

use crate::AuditError;
use crate::key::PublicKey;
use crate::layout::{Form, Layout};
use crate::statement::{self, Anchor, Found, Head, SegmentStatement};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often the files are looked for again when they change while they are opened.
const ATTEMPTS: usize = 100;

/// A file with records.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<File>,
    /// Bytes to read.
    pub(crate) length: u64,
    pub(crate) kind: Kind,
}

/// What kind of file it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Numbered,
    /// First record, as the name says.
    Pending(u64),
    Sealed(Found<SegmentStatement>),
    Live,
}

impl Part {
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Everything there is.
#[derive(Debug)]
pub(crate) struct Files {
    /// Oldest first, as far as names tell; the live file last.
    pub(crate) parts: Vec<Part>,
    pub(crate) head: Found<Head>,
    pub(crate) anchor: Found<Anchor>,
    pub(crate) keys: Vec<PublicKey>,
    pub(crate) keys_from_log: bool,
    pub(crate) layout: Layout,
}

impl Files {
    pub(crate) fn open(layout: &Layout, trusted: &[PublicKey]) -> Result<Self, AuditError> {
        let keys_from_log = trusted.is_empty();
        let keys = if keys_from_log { keys_beside(layout)? } else { trusted.to_vec() };
        for _ in 0..ATTEMPTS {
            if let Some(files) = Self::try_open(layout, &keys, keys_from_log)? {
                return Ok(files);
            }
        }
        let cause = io::Error::other("its files change faster than they can be opened");
        Err(AuditError::Read { path: layout.live().to_owned(), cause })
    }

    /// None when the files changed meanwhile.
    fn try_open(layout: &Layout, keys: &[PublicKey], keys_from_log: bool) -> Result<Option<Self>, AuditError> {
        // In this order: the log is at least as long as the head says, and begins at the anchor or before.
        let head = statement::read(&layout.head(), keys)?;
        let live = open(layout.live())?;
        let live_id = id_of(live.as_ref().map(|(_, found)| found));
        let segments =
            layout.segments().map_err(|cause| AuditError::Read { path: layout.directory().to_owned(), cause })?;
        let mut parts = Vec::with_capacity(segments.len() + 1);
        for segment in segments {
            let Some((file, found)) = open(&segment.path)? else { return Ok(None) };
            let kind = match segment.form {
                Form::Numbered(_) => Kind::Numbered,
                Form::Pending => Kind::Pending(segment.first_seq),
                Form::Sealed => Kind::Sealed(statement::read(&layout.statement(segment.first_seq), keys)?),
            };
            parts.push(Part { path: segment.path, file: Arc::new(file), length: found.len(), kind });
        }
        if id_of(std::fs::metadata(layout.live()).ok().as_ref()) != live_id {
            // It was put aside since it was opened, and may be among the segments.
            return Ok(None);
        }
        match live {
            Some((file, _)) => {
                let path = layout.live().to_owned();
                // Now, not when it was opened: the head may be newer than that. A write in progress may be seen half.
                let length =
                    file.metadata().map_err(|cause| AuditError::Read { path: path.clone(), cause })?.len();
                parts.push(Part { path, file: Arc::new(file), length, kind: Kind::Live });
            }
            // A crash in the middle of a rotation leaves no live file.
            None if parts.is_empty() && head == Found::Missing => {
                return Err(AuditError::Read {
                    path: layout.live().to_owned(),
                    cause: io::ErrorKind::NotFound.into(),
                });
            }
            None => {}
        }
        let anchor = statement::read(&layout.anchor(), keys)?;
        Ok(Some(Self { parts, head, anchor, keys: keys.to_vec(), keys_from_log, layout: layout.clone() }))
    }
}

fn id_of(found: Option<&Metadata>) -> Option<(u64, u64)> {
    found.map(|found| (found.dev(), found.ino()))
}

fn keys_beside(layout: &Layout) -> Result<Vec<PublicKey>, AuditError> {
    match PublicKey::read_all(&layout.public_keys()) {
        Err(AuditError::Unavailable(error)) if error.is_not_found() => Ok(Vec::new()),
        // No key is trusted then, and the report says so.
        Err(AuditError::Key { .. }) => Ok(Vec::new()),
        keys => keys,
    }
}

fn open(path: &Path) -> Result<Option<(File, Metadata)>, AuditError> {
    let opened = File::open(path).and_then(|file| {
        let found = file.metadata()?;
        Ok((file, found))
    });
    match opened {
        Ok((_, found)) if !found.is_file() => {
            let cause = io::Error::other("it is no regular file, so nothing can be read back from it");
            Err(AuditError::Read { path: path.to_owned(), cause })
        }
        Ok(opened) => Ok(Some(opened)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(AuditError::Read { path: path.to_owned(), cause }),
    }
}
