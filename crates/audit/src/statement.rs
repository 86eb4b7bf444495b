//! Signed statements about the log, each a small JSON file beside it: the head checkpoint, one for each sealed
//! segment, and the anchor that retention leaves.
//!
//! A signature covers a canonical text and not the JSON: a line with the kind of statement, then `name=value` lines
//! in a fixed order. Values are numbers, hashes and times, so none can contain a line break.

use crate::AuditError;
use crate::chain::{Hash, Position};
use crate::key::{PublicKey, SigningKey};
use open_cli_contract::Timestamp;
use open_cli_files::{Durability, read_bounded, replace};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Largest statement that is read.
const STATEMENT_MAX: u64 = 16 << 10;

/// How far the log went at a moment when everything up to there was synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    /// Last record; 0 when there is none.
    pub(crate) seq: u64,
    /// Hash of its line.
    pub(crate) hash: Hash,
    /// First record of the live file; 0 when it has none.
    pub(crate) first_seq: u64,
    /// Bytes of the live file up to the end of the record.
    pub(crate) size: u64,
    pub(crate) time: Timestamp,
}

impl Head {
    pub(crate) fn position(&self) -> Position {
        Position { seq: self.seq, hash: self.hash }
    }
}

/// What a sealed segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SegmentStatement {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// Lines, those from before the chain included.
    pub(crate) records: u64,
    /// Bytes of the text.
    pub(crate) bytes: u64,
    /// Hash of the line before the first record.
    pub(crate) prev_hash: Hash,
    /// Hash of the last line.
    pub(crate) last_hash: Hash,
    /// SHA-256 of the text.
    pub(crate) sha256: Hash,
    /// Time of the earliest record.
    pub(crate) from: Option<Timestamp>,
    /// Time of the latest record.
    pub(crate) to: Option<Timestamp>,
    pub(crate) sealed_at: Timestamp,
}

impl SegmentStatement {
    pub(crate) fn last(&self) -> Position {
        Position { seq: self.last_seq, hash: self.last_hash }
    }
}

/// The last record that retention removed. The log goes on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Anchor {
    pub(crate) last_seq: u64,
    pub(crate) last_hash: Hash,
    pub(crate) time: Timestamp,
}

impl Anchor {
    pub(crate) fn position(&self) -> Position {
        Position { seq: self.last_seq, hash: self.last_hash }
    }
}

/// Something that is signed.
pub(crate) trait Statement: Serialize + DeserializeOwned {
    /// First line of the canonical text: no signature of one kind is good for another.
    const KIND: &'static str;
    /// Names and values, in the order of the canonical text.
    fn values(&self) -> Vec<(&'static str, String)>;
}

impl Statement for Head {
    const KIND: &'static str = "open-cli audit head 1";
    fn values(&self) -> Vec<(&'static str, String)> {
        vec![
            ("seq", self.seq.to_string()),
            ("hash", self.hash.to_string()),
            ("firstSeq", self.first_seq.to_string()),
            ("size", self.size.to_string()),
            ("time", self.time.to_string()),
        ]
    }
}

impl Statement for SegmentStatement {
    const KIND: &'static str = "open-cli audit segment 1";
    fn values(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        vec![
            ("firstSeq", self.first_seq.to_string()),
            ("lastSeq", self.last_seq.to_string()),
            ("records", self.records.to_string()),
            ("bytes", self.bytes.to_string()),
            ("prevHash", self.prev_hash.to_string()),
            ("lastHash", self.last_hash.to_string()),
            ("sha256", self.sha256.to_string()),
            ("from", time(self.from)),
            ("to", time(self.to)),
            ("sealedAt", self.sealed_at.to_string()),
        ]
    }
}

impl Statement for Anchor {
    const KIND: &'static str = "open-cli audit anchor 1";
    fn values(&self) -> Vec<(&'static str, String)> {
        vec![
            ("lastSeq", self.last_seq.to_string()),
            ("lastHash", self.last_hash.to_string()),
            ("time", self.time.to_string()),
        ]
    }
}

fn canonical(statement: &impl Statement, kind: &str) -> Vec<u8> {
    let mut text = format!("{kind}\n");
    for (name, value) in statement.values() {
        text.push_str(&format!("{name}={value}\n"));
    }
    text.into_bytes()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<T> {
    #[serde(flatten)]
    statement: T,
    key_id: String,
    signature: String,
}

/// Signs a statement and puts it in place of the one before it.
pub(crate) fn write<T: Statement + Copy>(
    path: &Path,
    statement: &T,
    key: &SigningKey,
    durability: Durability,
) -> Result<(), AuditError> {
    let signature = key.sign(&canonical(statement, T::KIND));
    let signed = Signed { statement: *statement, key_id: key.public().id(), signature };
    let mut text =
        serde_json::to_vec(&signed).map_err(|cause| AuditError::Encode { reason: cause.to_string() })?;
    text.push(b'\n');
    Ok(replace(path, &text, durability)?)
}

/// What was found where a statement should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// Nothing.
    Missing,
    /// A statement that one of the keys signed.
    Good(T),
    /// Anything else; says what is wrong with it.
    Bad(String),
}

impl<T> Found<T> {
    pub(crate) fn good(self) -> Option<T> {
        match self {
            Self::Good(statement) => Some(statement),
            Self::Missing | Self::Bad(_) => None,
        }
    }
}

/// Reads a statement and checks its signature.
///
/// # Errors
/// When the file is there and can't be read.
pub(crate) fn read<T: Statement>(path: &Path, keys: &[PublicKey]) -> Result<Found<T>, AuditError> {
    let text = match read_bounded(path, STATEMENT_MAX) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(Found::Missing),
        Err(open_cli_files::FileError::TooLarge { .. }) => return Ok(Found::Bad("it is too large".into())),
        Err(error) => return Err(error.into()),
    };
    let signed: Signed<T> = match serde_json::from_slice(&text) {
        Ok(signed) => signed,
        Err(cause) => return Ok(Found::Bad(format!("it is no statement ({cause})"))),
    };
    let Some(key) = keys.iter().find(|key| key.id() == signed.key_id) else {
        return Ok(Found::Bad("it is signed with a key that is not trusted".into()));
    };
    if key.verifies(&canonical(&signed.statement, T::KIND), &signed.signature) {
        Ok(Found::Good(signed.statement))
    } else {
        Ok(Found::Bad("its signature does not fit its content".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    fn head() -> Head {
        Head { seq: 7, hash: Hash::of(b"7"), first_seq: 2, size: 900, time: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn what_is_signed_is_read_back_and_every_change_of_it_is_found() {
        let root = tempfile::tempdir().expect("temporary directory");
        let layout = Layout::new(&root.path().join("audit.log"));
        let (key, _) = SigningKey::open_or_make(&layout).expect("made");
        let keys = [key.public().clone()];
        let path = layout.head();
        assert_eq!(read::<Head>(&path, &keys).expect("readable"), Found::Missing);
        write(&path, &head(), &key, Durability::Unsynced).expect("written");
        assert_eq!(read::<Head>(&path, &keys).expect("readable"), Found::Good(head()));
        assert!(matches!(read::<Head>(&path, &[]).expect("readable"), Found::Bad(_)));
        assert!(matches!(read::<Anchor>(&path, &keys).expect("readable"), Found::Bad(_)));

        let text = std::fs::read_to_string(&path).expect("text");
        for (from, to) in [
            ("\"seq\":7", "\"seq\":6"),
            ("\"size\":900", "\"size\":901"),
            ("\"firstSeq\":2", "\"firstSeq\":3"),
            ("1970", "1971"),
            ("\"keyId\":\"", "\"keyId\":\"0"),
            ("\"hash\":\"", "\"hash\":\"A"),
            ("{", "["),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            replace(&path, changed.as_bytes(), Durability::Unsynced).expect("written");
            assert!(matches!(read::<Head>(&path, &keys).expect("readable"), Found::Bad(_)), "{from} -> {to}");
        }
    }

    #[test]
    fn statements_of_two_kinds_never_have_the_same_text() {
        let anchor = Anchor { last_seq: 7, last_hash: Hash::of(b"7"), time: Timestamp::UNIX_EPOCH };
        let text = canonical(&anchor, Anchor::KIND);
        assert!(text.starts_with(b"open-cli audit anchor 1\nlastSeq=7\nlastHash="));
        assert!(text.ends_with(b"\ntime=1970-01-01T00:00:00Z\n"));
        assert_ne!(text, canonical(&anchor, Head::KIND));
    }
}
