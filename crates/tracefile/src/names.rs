//! Names in the folder: `traces.jsonl` is being written; `traces-<UTC time>-<n>.jsonl` was put aside at that time;
//! `….jsonl.gz` is that one compressed, with `….idx` beside it. The number orders them, whatever the clock did.

use jiff::Timestamp;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The file that is being written.
pub(crate) const LIVE: &str = "traces.jsonl";

const PREFIX: &str = "traces-";
const PLAIN: &str = ".jsonl";
const PACKED: &str = ".jsonl.gz";
const INDEX: &str = ".idx";

/// A file that was put aside, in whatever form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Higher is newer.
    pub(crate) number: u64,
    /// When it was put aside: all of it happened before.
    pub(crate) at: Timestamp,
    /// Folder and name without its ending.
    stem: PathBuf,
}

impl Segment {
    pub(crate) fn new(directory: &Path, at: Timestamp, number: u64) -> Self {
        let name = format!("{PREFIX}{}-{number}", at.strftime("%Y%m%dT%H%M%SZ"));
        Self { number, at, stem: directory.join(name) }
    }

    /// Lines as they were written.
    pub(crate) fn plain(&self) -> PathBuf {
        self.with(PLAIN)
    }

    /// The same, compressed.
    pub(crate) fn packed(&self) -> PathBuf {
        self.with(PACKED)
    }

    /// What is in the compressed file, and where.
    pub(crate) fn index(&self) -> PathBuf {
        self.with(INDEX)
    }

    /// All that can be there.
    pub(crate) fn files(&self) -> [PathBuf; 3] {
        [self.plain(), self.packed(), self.index()]
    }

    fn with(&self, ending: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// From the name of any of its files.
    fn parse(directory: &Path, name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        let stem = [PACKED, PLAIN, INDEX].into_iter().find_map(|ending| name.strip_suffix(ending))?;
        let (at, number) = stem.strip_prefix(PREFIX)?.rsplit_once('-')?;
        Some(Self { number: number.parse().ok()?, at: at.parse().ok()?, stem: directory.join(stem) })
    }
}

/// What was put aside in a folder, newest first. A missing folder has none.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn segments(directory: &Path) -> io::Result<Vec<Segment>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut found: Vec<Segment> =
        entries.flatten().filter_map(|entry| Segment::parse(directory, &entry.file_name())).collect();
    found.sort_unstable_by(|a, b| (b.number, &b.stem).cmp(&(a.number, &a.stem)));
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_files::append_private;

    #[test]
    fn segments_are_found_in_order_whatever_else_lies_there() {
        let root = tempfile::tempdir().expect("temporary directory");
        for name in [
            "traces.jsonl",
            "traces-20260131T080000Z-9.jsonl.gz",
            "traces-20260131T080000Z-9.idx",
            "traces-20260130T080000Z-10.jsonl",
            "traces-20260131T080000Z-11.jsonl",
            "traces-20260131T080000Z-11.jsonl.gz",
            "traces-now-12.jsonl",
            "traces-20260131T080000Z.jsonl",
            "traces-20260131T080000Z-13.txt",
            "other",
        ] {
            append_private(&root.path().join(name)).expect("created");
        }
        let found = segments(root.path()).expect("readable");
        assert_eq!(found.iter().map(|segment| segment.number).collect::<Vec<_>>(), [11, 10, 9]);
        assert_eq!(found[2].at, "2026-01-31T08:00:00Z".parse().expect("a time"));
        let again = Segment::new(root.path(), found[2].at, 9);
        assert_eq!(again, found[2]);
        assert!(again.packed().exists() && again.index().exists());
        assert_eq!(segments(&root.path().join("missing")).expect("none"), []);
    }
}
