//! The cache on disk: `<stem>.json` and `<stem>.body`, the stem being the SHA-256 of the key (config-and-state §4.1,
//! §4.6). Everything here blocks.
//!
//! A new body is written beside the old one under its own digest, `<stem>.<SHA-256>.body`; then the metadata that
//! names the digest; then the body takes the name of the contract (weakness 40). A process that dies at any point
//! leaves either the old pair or the new one, and a pair of different generations is never served.

use super::inventory::{self, Swept};
use super::metadata::Metadata;
use bytes::Bytes;
use open_cli_files::{Durability, FileError, create_private_dir_all, read_bounded, replace};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest metadata file; a server's headers are far smaller.
pub(super) const MAX_METADATA_BYTES: u64 = 1 << 20;

/// A stored answer.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) metadata: Metadata,
    pub(super) body: Bytes,
}

/// What was found under a key.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// Was there, was damaged, is deleted (CACHE-17, CACHE-18).
    Corrupt,
    Entry(Box<Entry>),
}

#[derive(Debug, Clone)]
pub(super) struct Store {
    dir: PathBuf,
    max_body_bytes: u64,
    /// Somebody else's: nothing is written, nothing is deleted.
    is_read_only: bool,
}

/// Why an entry can't be had from disk.
enum Miss {
    Nothing,
    Unreadable(FileError),
    Damaged(String),
}

impl Store {
    pub(super) fn new(dir: PathBuf, max_body_bytes: usize) -> Self {
        Self { dir, max_body_bytes: max_body_bytes as u64, is_read_only: false }
    }

    /// The cache of another process.
    pub(super) fn read_only(dir: PathBuf, max_body_bytes: usize) -> Self {
        Self { is_read_only: true, ..Self::new(dir, max_body_bytes) }
    }

    fn paths(&self, key: &str) -> (PathBuf, PathBuf) {
        let stem = hex(&Sha256::digest(key));
        (self.dir.join(format!("{stem}.json")), self.dir.join(format!("{stem}.body")))
    }

    /// What is stored under the key. A disk that can't be read is logged and has nothing.
    pub(super) fn load(&self, key: &str) -> Found {
        let entry = self.read(key).or_else(|miss| match miss {
            // Another process may have replaced the pair between our two reads.
            Miss::Damaged(_) => self.read(key),
            miss => Err(miss),
        });
        match entry {
            Ok(entry) => Found::Entry(Box::new(entry)),
            Err(Miss::Nothing) => Found::Nothing,
            Err(Miss::Unreadable(error)) => {
                tracing::warn!(%error, "the document cache can't be read; going on without");
                Found::Nothing
            }
            Err(Miss::Damaged(_)) if self.is_read_only => Found::Nothing,
            Err(Miss::Damaged(reason)) => {
                tracing::warn!(dir = %self.dir.display(), reason, "a damaged entry of the document cache was deleted");
                self.remove(key);
                Found::Corrupt
            }
        }
    }

    fn read(&self, key: &str) -> Result<Entry, Miss> {
        let (metadata_path, body_path) = self.paths(key);
        // An orphan body is of no use (CACHE-16).
        let json = bounded(&metadata_path, MAX_METADATA_BYTES, "metadata")?.ok_or(Miss::Nothing)?;
        let metadata = Metadata::decode(&json).map_err(|error| Miss::Damaged(error.to_string()))?;
        let fault = match bounded(&body_path, self.max_body_bytes, "body")? {
            Some(body) => match fault_of(&metadata, &body) {
                None => return Ok(Entry { metadata, body: body.into() }),
                Some(fault) => fault,
            },
            None => "the body is missing",
        };
        // A process may have died before the new body took its name.
        if let Some(new_path) = addressed(&body_path, &metadata.body_sha256)
            && let Some(body) = bounded(&new_path, self.max_body_bytes, "body")?
            && fault_of(&metadata, &body).is_none()
        {
            if !self.is_read_only {
                log_failure(std::fs::rename(&new_path, &body_path), &new_path);
            }
            return Ok(Entry { metadata, body: body.into() });
        }
        Err(Miss::Damaged(fault.to_owned()))
    }

    /// Stores an answer: body, then metadata, then the name of the body.
    pub(super) fn save(&self, key: &str, entry: &mut Entry) -> Result<(), FileError> {
        let (metadata_path, body_path) = self.paths(key);
        entry.metadata.body_sha256 = hex(&Sha256::digest(&entry.body));
        entry.metadata.body_length = Some(entry.body.len() as u64);
        let new_path =
            addressed(&body_path, &entry.metadata.body_sha256).expect("invariant: the digest was just written");
        create_private_dir_all(&self.dir)?;
        replace(&new_path, &entry.body, Durability::Unsynced)?;
        let saved = replace(&metadata_path, &encode(&entry.metadata), Durability::Unsynced);
        match &saved {
            Ok(()) => log_failure(std::fs::rename(&new_path, &body_path), &new_path),
            Err(_) => remove(&new_path),
        }
        saved
    }

    /// Stores what a 304 changed; the body stays.
    pub(super) fn save_metadata(&self, key: &str, metadata: &Metadata) -> Result<(), FileError> {
        replace(&self.paths(key).0, &encode(metadata), Durability::Unsynced)
    }

    /// Removes both files, metadata first: a body alone is not an entry.
    pub(super) fn remove(&self, key: &str) {
        let (metadata_path, body_path) = self.paths(key);
        remove(&metadata_path);
        remove(&body_path);
    }

    /// Removes every entry.
    pub(super) fn clear(&self) -> io::Result<Swept> {
        inventory::clear(&self.dir, &mut |_| true)
    }

    /// Removes entries not written for `max_age`, then the oldest ones above `max_bytes` (weakness 48), then what
    /// killed processes left behind.
    pub(super) fn sweep(&self, max_age: Duration, max_bytes: u64) -> io::Result<Swept> {
        inventory::sweep(&self.dir, max_age, max_bytes)
    }
}

/// A file, unless it is not there.
fn bounded(path: &Path, limit: u64, what: &str) -> Result<Option<Vec<u8>>, Miss> {
    match read_bounded(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(FileError::TooLarge { .. }) => Err(Miss::Damaged(format!("the {what} is too large"))),
        Err(error) => Err(Miss::Unreadable(error)),
    }
}

/// What says that a body does not belong to the metadata. Other writers of the contract's files keep no digest.
fn fault_of(metadata: &Metadata, body: &[u8]) -> Option<&'static str> {
    if metadata.body_length.is_some_and(|length| length != body.len() as u64) {
        return Some("the body has another length");
    }
    let is_known = !metadata.body_sha256.is_empty();
    (is_known && metadata.body_sha256 != hex(&Sha256::digest(body))).then_some("the body has another digest")
}

/// Where a body of this digest lies before it takes its name. The digest may come from a damaged file.
fn addressed(body_path: &Path, digest: &str) -> Option<PathBuf> {
    is_digest(digest).then(|| body_path.with_extension(format!("{digest}.body")))
}

/// What our files are named by; other files in the folder are none of our business.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn log_failure(result: io::Result<()>, path: &Path) {
    if let Err(error) = result {
        tracing::warn!(path = %path.display(), %error, "a file of the document cache could not be renamed");
    }
}

pub(super) fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a file of the document cache could not be removed");
        }
        _ => {}
    }
}

fn encode(metadata: &Metadata) -> Vec<u8> {
    serde_json::to_vec(metadata).expect("invariant: metadata has string keys only")
}

fn hex(digest: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &'static str) -> Entry {
        Entry { metadata: Metadata::default(), body: Bytes::from_static(body.as_bytes()) }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let store = Store::new(dir.path().join("http"), 100);
        (dir, store)
    }

    fn write(path: &Path, content: &[u8]) {
        replace(path, content, Durability::Unsynced).expect("written");
    }

    /// CACHE-2
    #[test]
    fn file_names_are_the_contracts() {
        let (_dir, store) = store();
        for (key, stem) in [
            (
                "GET:https://specs.example.test/pay.json",
                "0d7185987b280d4ee56730a5cef2edfda8072b2e7abc22a4015bd3ba3710312f",
            ),
            ("HEAD:https://api.example.test/", "35ed9594323e038833f8e75f0cd84ab5f6f05a718de883fe3e64f8096b8ae33b"),
        ] {
            let (metadata, body) = store.paths(key);
            assert!(metadata.ends_with(format!("{stem}.json")) && body.ends_with(format!("{stem}.body")));
        }
    }

    #[test]
    fn what_is_saved_is_found_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, store) = store();
        assert!(matches!(store.load("k"), Found::Nothing));
        store.save("k", &mut entry("body")).expect("saved");
        let Found::Entry(found) = store.load("k") else { panic!("not found") };
        assert_eq!((&*found.body, found.metadata.body_length), (&b"body"[..], Some(4)));
        let (metadata, body) = store.paths("k");
        for (path, mode) in [(metadata, 0o600), (body, 0o600), (store.dir.clone(), 0o700)] {
            assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, mode, "{}", path.display());
        }
        store.remove("k");
        assert!(matches!(store.load("k"), Found::Nothing));
    }

    /// CACHE-16 to CACHE-20, weakness 40
    #[test]
    fn damaged_entries_are_deleted() {
        let (_dir, store) = store();
        let (metadata, body) = store.paths("k");
        type Damage<'a> = &'a dyn Fn();
        let damages: [(&str, Damage<'_>); 6] = [
            ("metadata", &|| write(&metadata, b"{")),
            ("empty metadata", &|| write(&metadata, b"")),
            ("no body", &|| remove(&body)),
            ("other body", &|| write(&body, b"BODY")),
            ("shorter body", &|| write(&body, b"bod")),
            ("huge body", &|| write(&body, &[b'x'; 101])),
        ];
        for (name, damage) in damages {
            store.save("k", &mut entry("body")).expect("saved");
            damage();
            assert!(matches!(store.load("k"), Found::Corrupt), "{name}");
            assert!(!metadata.exists() && !body.exists(), "{name}");
            assert!(matches!(store.load("k"), Found::Nothing), "{name}");
        }
        write(&body, b"orphan");
        assert!(matches!(store.load("k"), Found::Nothing));
        // Entries of writers that know no digest are taken as they are.
        write(&metadata, b"{}");
        assert!(matches!(store.load("k"), Found::Entry(_)));
    }

    /// Weakness 40: a process may die at any point of a save.
    #[test]
    fn a_save_that_was_cut_off_costs_neither_the_old_nor_the_new_answer() {
        let (_dir, store) = store();
        let (metadata, body) = store.paths("k");
        let at = |bytes: &[u8]| addressed(&body, &hex(&Sha256::digest(bytes))).expect("a digest");
        let found = || match store.load("k") {
            Found::Entry(entry) => String::from_utf8_lossy(&entry.body).into_owned(),
            other => panic!("{other:?}"),
        };
        store.save("k", &mut entry("old")).expect("saved");
        let old = std::fs::read(&metadata).expect("metadata");
        // Before the metadata was written.
        write(&at(b"new"), b"new");
        assert_eq!(found(), "old");
        // Before the body took its name.
        store.save("k", &mut entry("new")).expect("saved");
        std::fs::rename(&body, at(b"new")).expect("renamed");
        write(&body, b"old");
        let reader = Store::read_only(store.dir.clone(), 100);
        let Found::Entry(read) = reader.load("k") else { panic!("not found") };
        assert_eq!((&*read.body, at(b"new").exists()), (&b"new"[..], true), "a reader changes nothing");
        assert_eq!(found(), "new");
        assert_eq!((std::fs::read(&body).expect("body"), at(b"new").exists()), (b"new".to_vec(), false));
        // Metadata that names what was never written.
        write(&metadata, &old);
        assert!(matches!(reader.load("k"), Found::Nothing) && metadata.exists());
        assert!(matches!(store.load("k"), Found::Corrupt));
    }
}
