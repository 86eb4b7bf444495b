//! The cache on disk: `<stem>.json` and `<stem>.body`, the stem being the SHA-256 of the key (config-and-state §4.1,
//! §4.6). The body is written first and its digest stands in the metadata, so a pair of different generations is
//! found out when it is read (weakness 40). Everything here blocks.

use super::metadata::Metadata;
use bytes::Bytes;
use open_cli_files::{Durability, FileError, create_private_dir_all, read_bounded, replace, sweep_temporaries};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Largest metadata file; a server's headers are far smaller.
const MAX_METADATA_BYTES: u64 = 1 << 20;

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
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries removed.
    pub entries: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    pub(super) fn new(dir: PathBuf, max_body_bytes: usize) -> Self {
        Self { dir, max_body_bytes: max_body_bytes as u64 }
    }

    fn paths(&self, key: &str) -> (PathBuf, PathBuf) {
        let stem = hex(&Sha256::digest(key));
        (self.dir.join(format!("{stem}.json")), self.dir.join(format!("{stem}.body")))
    }

    /// What is stored under the key. A disk that can't be read is logged and has nothing.
    pub(super) fn load(&self, key: &str) -> Found {
        let (metadata_path, body_path) = self.paths(key);
        let json = match read_bounded(&metadata_path, MAX_METADATA_BYTES) {
            Ok(json) => json,
            // An orphan body is of no use (CACHE-16).
            Err(error) if error.is_not_found() => return Found::Nothing,
            Err(FileError::TooLarge { .. }) => return self.corrupt(key, "the metadata is too large"),
            Err(error) => return unreadable(&error),
        };
        let metadata = match Metadata::decode(&json) {
            Ok(metadata) => metadata,
            Err(error) => return self.corrupt(key, &error.to_string()),
        };
        let body = match read_bounded(&body_path, self.max_body_bytes) {
            Ok(body) => body,
            Err(error) if error.is_not_found() => return self.corrupt(key, "the body is missing"),
            Err(FileError::TooLarge { .. }) => return self.corrupt(key, "the body is too large"),
            Err(error) => return unreadable(&error),
        };
        if metadata.body_length.is_some_and(|length| length != body.len() as u64) {
            return self.corrupt(key, "the body has another length");
        }
        if !metadata.body_sha256.is_empty() && metadata.body_sha256 != hex(&Sha256::digest(&body)) {
            return self.corrupt(key, "the body has another digest");
        }
        Found::Entry(Box::new(Entry { metadata, body: body.into() }))
    }

    /// Stores an answer: body, then metadata.
    pub(super) fn save(&self, key: &str, entry: &mut Entry) -> Result<(), FileError> {
        let (metadata_path, body_path) = self.paths(key);
        entry.metadata.body_sha256 = hex(&Sha256::digest(&entry.body));
        entry.metadata.body_length = Some(entry.body.len() as u64);
        create_private_dir_all(&self.dir)?;
        replace(&body_path, &entry.body, Durability::Unsynced)?;
        replace(&metadata_path, &encode(&entry.metadata), Durability::Unsynced)
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

    fn corrupt(&self, key: &str, reason: &str) -> Found {
        tracing::warn!(dir = %self.dir.display(), reason, "a damaged entry of the document cache was deleted");
        self.remove(key);
        Found::Corrupt
    }

    /// Removes every entry.
    pub(super) fn clear(&self) -> io::Result<Swept> {
        self.remove_where(|_, _| true)
    }

    /// Removes entries not written for `max_age`, then the oldest ones above `max_bytes` (weakness 48), then what
    /// killed processes left behind.
    pub(super) fn sweep(&self, max_age: Duration, max_bytes: u64) -> io::Result<Swept> {
        let now = SystemTime::now();
        let mut kept_bytes = 0_u64;
        let swept = self.remove_where(|modified, bytes| {
            kept_bytes = kept_bytes.saturating_add(bytes);
            kept_bytes > max_bytes || now.duration_since(modified).is_ok_and(|age| age > max_age)
        })?;
        if let Err(error) = sweep_temporaries(&self.dir) {
            tracing::warn!(%error, "leftovers of the document cache could not be removed");
        }
        Ok(swept)
    }

    /// Asks about each entry, the newest first, with its time and its bytes; removes those for which it says so.
    fn remove_where(&self, mut is_meant: impl FnMut(SystemTime, u64) -> bool) -> io::Result<Swept> {
        let mut stems: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        let listing = match std::fs::read_dir(&self.dir) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swept::default()),
            Err(error) => return Err(error),
        };
        for file in listing {
            let path = file?.path();
            let Ok(metadata) = path.metadata() else { continue };
            let twin = match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => path.with_extension("body"),
                // An orphan body.
                Some("body") if !path.with_extension("json").exists() => path.clone(),
                _ => continue,
            };
            if !is_stem(&path) {
                continue;
            }
            let twin_bytes = if twin == path { 0 } else { twin.metadata().map_or(0, |metadata| metadata.len()) };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            stems.push((modified, metadata.len() + twin_bytes, path));
        }
        stems.sort_by(|a, b| b.cmp(a));
        let mut swept = Swept::default();
        for (modified, bytes, path) in stems {
            if is_meant(modified, bytes) {
                remove(&path.with_extension("json"));
                remove(&path.with_extension("body"));
                swept.entries += 1;
                swept.bytes += bytes;
            }
        }
        Ok(swept)
    }
}

/// Ours are named by 64 hexadecimal digits; other files in the folder are none of our business.
fn is_stem(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unreadable(error: &FileError) -> Found {
    tracing::warn!(%error, "the document cache can't be read; going on without");
    Found::Nothing
}

fn remove(path: &Path) {
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
    use std::fs::{File, FileTimes};

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

    /// Weakness 48
    #[test]
    fn a_sweep_removes_the_old_and_then_the_oldest_above_the_size() {
        let (_dir, store) = store();
        let now = SystemTime::now();
        for (key, hours) in [("new", 0), ("middle", 2), ("old", 50)] {
            store.save(key, &mut entry("0123456789")).expect("saved");
            let file = File::options().append(true).open(store.paths(key).0).expect("opened");
            file.set_times(FileTimes::new().set_modified(now - Duration::from_secs(hours * 3600))).expect("set");
        }
        write(&store.dir.join("of-somebody-else.json"), b"{}");
        let exists = |key: &str| store.paths(key).0.exists();
        let swept = store.sweep(Duration::from_secs(24 * 3600), 1 << 20).expect("swept");
        assert_eq!((swept.entries, exists("old"), exists("middle")), (1, false, true));
        let one = store.paths("new").0.metadata().expect("there").len() + 10;
        assert_eq!(store.sweep(Duration::MAX, one).expect("swept").entries, 1);
        assert_eq!((exists("new"), exists("middle")), (true, false));
        assert_eq!(store.clear().expect("cleared").entries, 1);
        assert!(store.dir.join("of-somebody-else.json").exists());
        assert_eq!(store.clear().expect("cleared"), Swept::default());
    }
}
