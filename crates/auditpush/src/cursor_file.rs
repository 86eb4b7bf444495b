//! How far a sink is, in `<log>.push-<hash of the sink>.json`. Replaced whole, so a crash leaves the old place or the
//! new one; the old one costs duplicates, never a record.

use crate::control::Control;
use crate::deliver::Lost;
use open_cli_audit::Cursor;
use open_cli_files::{Durability, FileError, read_bounded, replace};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Largest file that is read.
const FILE_MAX: u64 = 4 << 10;
const VERSION: u32 = 1;

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) cursor: Cursor,
    /// Number of the last record before it; none when the sink is new.
    pub(crate) seq: Option<u64>,
    /// Records right before it that are lost and of which the receiver was not told yet.
    pub(crate) lost: Option<Lost>,
}

impl Place {
    /// The oldest record that is kept.
    pub(crate) const START: Self = Self { cursor: Cursor::START, seq: None, lost: None };
}

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    /// For people: of the URL, what is no secret.
    sink: String,
    cursor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Lost>,
}

/// The file of a sink.
#[derive(Debug)]
pub(crate) struct CursorFile {
    path: PathBuf,
    sink: String,
}

impl CursorFile {
    /// Of a sink with this hash, for the log at this path.
    pub(crate) fn new(log: &Path, hash: &str, sink: &str) -> Self {
        let mut path = log.as_os_str().to_owned();
        path.push(format!(".push-{hash}.json"));
        Self { path: path.into(), sink: sink.to_owned() }
    }

    /// The place that was kept; none for a new sink. A file that is damaged counts as none, because to send twice is
    /// better than not to send.
    pub(crate) fn load(&self) -> Result<Option<Place>, FileError> {
        let text = match read_bounded(&self.path, FILE_MAX) {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(FileError::TooLarge { .. }) => return Ok(self.damaged()),
            Err(error) => return Err(error),
        };
        let content = serde_json::from_slice::<Content>(&text).ok().filter(|content| content.version == VERSION);
        let place = content.and_then(|content| {
            Some(Place { cursor: content.cursor.parse().ok()?, seq: content.seq, lost: content.lost })
        });
        Ok(place.or_else(|| self.damaged()))
    }

    fn damaged(&self) -> Option<Place> {
        tracing::warn!(
            path = %self.path.display(),
            "this file does not say how far the audit push is; all records that are kept are sent again"
        );
        None
    }

    /// Keeps a place, unless the files are somebody else's by now.
    pub(crate) fn save(&self, control: &Control, place: &Place) -> Result<(), FileError> {
        let content = Content {
            version: VERSION,
            sink: self.sink.clone(),
            cursor: place.cursor.to_string(),
            seq: place.seq,
            lost: place.lost,
        };
        // Text and numbers can always be written.
        let Ok(mut text) = serde_json::to_vec(&content) else { return Ok(()) };
        text.push(b'\n');
        control.with_files(|| replace(&self.path, &text, Durability::Synced)).unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_place_is_read_as_it_was_kept_and_damage_counts_as_a_new_sink() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = CursorFile::new(&root.path().join("audit.log"), "ab12", "https://siem.example");
        let control = Control::default();
        assert_eq!(file.load().expect("nothing there"), None);
        for place in [
            Place::START,
            Place { cursor: Cursor::after(7), seq: Some(7), lost: Some(Lost { from: 3, to: 5 }) },
            Place { cursor: "p1.200".parse().expect("a cursor"), seq: None, lost: None },
        ] {
            file.save(&control, &place).expect("kept");
            assert_eq!(file.load().expect("readable"), Some(place));
        }
        assert!(file.path.ends_with("audit.log.push-ab12.json"));
        for text in
            ["", "{", r#"{"version":2,"sink":"","cursor":"a1"}"#, r#"{"version":1,"sink":"","cursor":"?"}"#]
        {
            replace(&file.path, text.as_bytes(), Durability::Unsynced).expect("written");
            assert_eq!(file.load().expect("readable"), None, "{text}");
        }
        control.end(Duration::ZERO);
        file.save(&control, &Place::START).expect("nothing to do");
        assert_eq!(file.load().expect("readable"), None, "nothing is written after the end");
    }
}
