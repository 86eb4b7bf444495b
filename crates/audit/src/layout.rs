//! The files of a log and their names: the live file at the path of the contract, everything else beside it with
//! that path as the beginning of its name.
//!
//! Not for what is in them.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Most numbered logs of the older naming (`audit.log.1` and so on) that are looked for.
const NUMBERED_MAX: u16 = 1000;
/// Digits of a first sequence number in a name, so that names sort as the records do.
const DIGITS: usize = 12;

/// Where the files of a log are.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    live: PathBuf,
}

/// A part of the log that gets no more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// First sequence number in it; 0 when it has none.
    pub(crate) first_seq: u64,
    pub(crate) form: Form,
    pub(crate) path: PathBuf,
}

/// How a segment is kept. The order is that of age when sequence numbers don't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text, as an older version or a log rotator put it aside; a higher number is older.
    Numbered(u16),
    /// Text that waits to be sealed. While it is there, it counts, not the compressed copy.
    Pending,
    /// Compressed, with a signed statement and an index beside it.
    Sealed,
}

impl Layout {
    pub(crate) fn new(live: &Path) -> Self {
        Self { live: live.to_owned() }
    }

    pub(crate) fn live(&self) -> &Path {
        &self.live
    }

    pub(crate) fn directory(&self) -> &Path {
        match self.live.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.live.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    /// The newest signed checkpoint.
    pub(crate) fn head(&self) -> PathBuf {
        self.beside(".head")
    }

    /// What retention removed last.
    pub(crate) fn anchor(&self) -> PathBuf {
        self.beside(".anchor")
    }

    /// The instance's key.
    pub(crate) fn key(&self) -> PathBuf {
        self.beside(".key")
    }

    /// Its public half, and those of the keys before it.
    pub(crate) fn public_keys(&self) -> PathBuf {
        self.beside(".pub")
    }

    /// What was cut off the end of the log because it was not a whole line.
    pub(crate) fn torn(&self) -> PathBuf {
        self.beside(".torn")
    }

    fn segment_file(&self, first_seq: u64, extension: &str) -> PathBuf {
        self.beside(&format!(".{first_seq:0DIGITS$}.{extension}"))
    }

    pub(crate) fn pending(&self, first_seq: u64) -> PathBuf {
        self.segment_file(first_seq, "log")
    }

    pub(crate) fn sealed(&self, first_seq: u64) -> PathBuf {
        self.segment_file(first_seq, "gz")
    }

    pub(crate) fn index(&self, first_seq: u64) -> PathBuf {
        self.segment_file(first_seq, "idx")
    }

    pub(crate) fn statement(&self, first_seq: u64) -> PathBuf {
        self.segment_file(first_seq, "sig")
    }

    /// The segments that are there, oldest first.
    pub(crate) fn segments(&self) -> io::Result<Vec<Segment>> {
        let mut found = Vec::new();
        self.each_name(|rest| {
            if let Some((form, first_seq)) = form_of(rest) {
                found.push(Segment { first_seq, form, path: self.beside(&format!(".{rest}")) });
            }
        })?;
        found.sort_by_key(|segment| match segment.form {
            Form::Numbered(number) => (0, u64::from(u16::MAX - number), 0),
            Form::Pending => (1, segment.first_seq, 0),
            Form::Sealed => (1, segment.first_seq, 1),
        });
        // The text comes first and makes its compressed copy invisible.
        found.dedup_by(|next, kept| kept.form == Form::Pending && next.first_seq == kept.first_seq);
        Ok(found)
    }

    /// First sequence numbers of the files with an extension.
    pub(crate) fn first_seqs(&self, extension: &str) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        self.each_name(|rest| {
            let number = rest.strip_suffix(extension).and_then(|rest| rest.strip_suffix('.'));
            found.extend(number.and_then(first_seq_of));
        })?;
        found.sort_unstable();
        Ok(found)
    }

    /// Tells what follows `<live>.` in each name beside the live file.
    fn each_name(&self, mut tell: impl FnMut(&str)) -> io::Result<()> {
        let Some(live) = self.live.file_name().map(OsStr::as_encoded_bytes) else { return Ok(()) };
        let entries = match std::fs::read_dir(self.directory()) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let rest = name.as_encoded_bytes().strip_prefix(live).and_then(|rest| rest.strip_prefix(b"."));
            if let Some(rest) = rest.and_then(|rest| str::from_utf8(rest).ok()) {
                tell(rest);
            }
        }
        Ok(())
    }
}

fn form_of(rest: &str) -> Option<(Form, u64)> {
    match rest.split_once('.') {
        Some((number, "log")) => Some((Form::Pending, first_seq_of(number)?)),
        Some((number, "gz")) => Some((Form::Sealed, first_seq_of(number)?)),
        Some(_) => None,
        None if rest.starts_with(|first: char| matches!(first, '1'..='9')) => {
            let number = rest.parse().ok().filter(|number| *number <= NUMBERED_MAX)?;
            Some((Form::Numbered(number), 0))
        }
        None => None,
    }
}

/// A number with at least [`DIGITS`] digits; exactly as we write it.
fn first_seq_of(text: &str) -> Option<u64> {
    let number = text.parse().ok()?;
    (format!("{number:0DIGITS$}") == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_listed_oldest_first_and_nothing_else_is_taken_for_one() {
        let root = tempfile::tempdir().expect("temporary directory");
        let layout = Layout::new(&root.path().join("audit.log"));
        assert_eq!(layout.segments().expect("readable"), []);
        for name in [
            "audit.log",
            "audit.log.1",
            "audit.log.12",
            "audit.log.2",
            "audit.log.01",
            "audit.log.1001",
            "audit.log.0",
            "audit.log.000000000007.gz",
            "audit.log.000000000007.idx",
            "audit.log.000000000007.sig",
            "audit.log.000000000030.gz",
            "audit.log.000000000030.log",
            "audit.log.1000000000000.log",
            "audit.log.0000000000001.gz",
            "audit.log.000000000000.gz",
            "audit.log.000000000030.gz.tmp",
            "audit.log.head",
            "audit.log.key",
            "audit.log2.000000000001.gz",
            "other.log.000000000001.gz",
            "audit.log.+00000000001.gz",
        ] {
            open_cli_files::append_private(&root.path().join(name)).expect("created");
        }
        let found: Vec<_> = layout
            .segments()
            .expect("readable")
            .into_iter()
            .map(|segment| segment.path.file_name().expect("named").to_str().expect("text")[10..].to_owned())
            .collect();
        assert_eq!(
            found,
            ["12", "2", "1", "000000000000.gz", "000000000007.gz", "000000000030.log", "1000000000000.log"]
        );
        assert_eq!(layout.first_seqs("sig").expect("readable"), [7]);
        assert_eq!(layout.sealed(7), root.path().join("audit.log.000000000007.gz"));
        let nowhere = Layout::new(&root.path().join("missing/audit.log"));
        assert_eq!(nowhere.segments().expect("nothing there"), []);
    }
}
