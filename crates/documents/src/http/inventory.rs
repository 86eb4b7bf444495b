//! What a document cache holds, for people and for sweeping: from the files alone, so that it can be asked beside the
//! process that owns the cache. Removing is safe there too: metadata goes first, a body alone is no entry, and an
//! entry that loses half of itself while it is written is found damaged and fetched anew. Everything here blocks.

use super::metadata::Metadata;
use super::store::{MAX_METADATA_BYTES, is_digest, remove};
use jiff::Timestamp;
use open_cli_files::{TEMPORARY_AGE, read_bounded, sweep_temporaries};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most files that are looked at; a cache of a gigabyte has far fewer.
const MAX_FILES: usize = 1_000_000;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries removed.
    pub entries: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A stored answer as its metadata describe it; credentials in URLs are redacted there already.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheEntry {
    /// Where it came from; empty when the entry is damaged.
    pub url: String,
    /// `GET` or `HEAD`.
    pub method: String,
    /// `Accept` of the request, which is part of the key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub accept: String,
    /// HTTP status.
    pub status_code: u16,
    /// Of metadata and body on disk.
    pub bytes: u64,
    /// Time of the last full answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_at: Option<Timestamp>,
    /// Time the origin last confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validated_at: Option<Timestamp>,
    /// End of its freshness, as computed when it was stored or validated; `None`: it is asked for each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Validator.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub etag: String,
    /// Validator.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_modified: String,
    /// First line of the header.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cache_control: String,
    /// The metadata can't be read, or there is no body.
    pub is_damaged: bool,
    /// SHA-256 of the key: the name of its files.
    pub name: String,
}

impl CacheEntry {
    /// What a metadata file says; `None` when it is damaged.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let metadata = Metadata::decode(json).ok()?;
        Some(Self {
            validated_at: metadata.validated_at(),
            url: metadata.url,
            method: metadata.method,
            accept: metadata.request_accept,
            status_code: metadata.status_code,
            cached_at: metadata.cached_at,
            expires_at: metadata.expires_at,
            etag: metadata.etag,
            last_modified: metadata.last_modified,
            cache_control: metadata.cache_control,
            ..Self::default()
        })
    }

    /// True while nobody needs to ask the origin.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_damaged && self.expires_at.is_some_and(|at| now < at)
    }
}

/// Every entry of a cache folder, by URL. A folder that is not there has none.
///
/// # Errors
/// When the folder can't be listed.
pub fn list_cache(dir: &Path) -> io::Result<Vec<CacheEntry>> {
    let files = files_of(dir)?;
    let entries = files.iter().filter(|(_, files)| files.metadata.is_some());
    let mut entries: Vec<CacheEntry> = entries.map(|(name, files)| files.describe(name)).collect();
    entries.sort_by(|a, b| (&a.url, &a.method, &a.name).cmp(&(&b.url, &b.method, &b.name)));
    Ok(entries)
}

/// Removes the entries of a cache folder that are meant, also while the process that owns it is running.
///
/// # Errors
/// When the folder can't be listed.
pub fn clear_cache(dir: &Path, mut is_meant: impl FnMut(&CacheEntry) -> bool) -> io::Result<Swept> {
    clear(dir, &mut is_meant)
}

pub(super) fn clear(dir: &Path, is_meant: &mut dyn FnMut(&CacheEntry) -> bool) -> io::Result<Swept> {
    let mut swept = Swept::default();
    for (name, files) in files_of(dir)? {
        files.remove_leftovers();
        if files.metadata.is_some() && is_meant(&files.describe(&name)) {
            files.remove(&mut swept);
        }
    }
    Ok(swept)
}

/// Removes entries not written for `max_age`, then the oldest above `max_bytes`, then leftovers.
pub(super) fn sweep(dir: &Path, max_age: Duration, max_bytes: u64) -> io::Result<Swept> {
    let now = SystemTime::now();
    let mut all: Vec<(SystemTime, Files)> =
        files_of(dir)?.into_values().map(|files| (files.modified(), files)).collect();
    all.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
    let (mut swept, mut kept_bytes) = (Swept::default(), 0_u64);
    for (modified, files) in all {
        files.remove_leftovers();
        if files.metadata.is_none() {
            continue;
        }
        kept_bytes = kept_bytes.saturating_add(files.bytes());
        if kept_bytes > max_bytes || now.duration_since(modified).is_ok_and(|age| age > max_age) {
            files.remove(&mut swept);
        }
    }
    if let Err(error) = sweep_temporaries(dir) {
        tracing::warn!(%error, "leftovers of the document cache could not be removed");
    }
    Ok(swept)
}

/// A file of ours.
#[derive(Debug)]
struct File {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

impl File {
    /// Nobody is writing it any more.
    fn is_old(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age > TEMPORARY_AGE)
    }
}

/// The files of one key.
#[derive(Debug, Default)]
struct Files {
    metadata: Option<File>,
    body: Option<File>,
    /// Bodies that have not taken their name yet.
    unnamed: Vec<File>,
}

impl Files {
    fn describe(&self, name: &str) -> CacheEntry {
        let read = |file: &File| read_bounded(&file.path, MAX_METADATA_BYTES).ok();
        let parsed = self.metadata.as_ref().and_then(read).and_then(|json| CacheEntry::parse(&json));
        let has_body = self.body.is_some() || !self.unnamed.is_empty();
        let is_damaged = parsed.is_none() || !has_body;
        CacheEntry { bytes: self.bytes(), name: name.to_owned(), is_damaged, ..parsed.unwrap_or_default() }
    }

    fn all(&self) -> impl Iterator<Item = &File> {
        self.metadata.iter().chain(&self.body).chain(&self.unnamed)
    }

    fn bytes(&self) -> u64 {
        self.all().map(|file| file.bytes).sum()
    }

    fn modified(&self) -> SystemTime {
        self.metadata.as_ref().map_or(SystemTime::UNIX_EPOCH, |file| file.modified)
    }

    /// Metadata first: a body alone is no entry.
    fn remove(&self, swept: &mut Swept) {
        self.all().for_each(|file| remove(&file.path));
        swept.entries += 1;
        swept.bytes += self.bytes();
    }

    /// What a process left behind that died while it wrote.
    fn remove_leftovers(&self) {
        let orphan = self.body.iter().filter(|_| self.metadata.is_none());
        orphan.chain(&self.unnamed).filter(|file| file.is_old()).for_each(|file| remove(&file.path));
    }
}

/// Our files by the digest of their key; others in the folder are none of our business.
fn files_of(dir: &Path) -> io::Result<BTreeMap<String, Files>> {
    let mut found: BTreeMap<String, Files> = BTreeMap::new();
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for file in listing.take(MAX_FILES) {
        let file = file?;
        let Ok(metadata) = file.metadata() else { continue };
        let name = file.file_name();
        let Some((stem, rest)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
        if !is_digest(stem) || !metadata.is_file() {
            continue;
        }
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let one = File { path: file.path(), modified, bytes: metadata.len() };
        match rest {
            "json" => found.entry(stem.to_owned()).or_default().metadata = Some(one),
            "body" => found.entry(stem.to_owned()).or_default().body = Some(one),
            other if other.strip_suffix(".body").is_some_and(is_digest) => {
                found.entry(stem.to_owned()).or_default().unnamed.push(one);
            }
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::store::{Entry, Store};
    use super::*;
    use bytes::Bytes;
    use std::fs::FileTimes;

    fn entry(url: &str) -> Entry {
        let metadata = Metadata {
            url: url.to_owned(),
            method: "GET".to_owned(),
            status_code: 200,
            last_validated_at: Some(Timestamp::UNIX_EPOCH),
            expires_at: Some(Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(60)),
            ..Metadata::default()
        };
        Entry { metadata, body: Bytes::from_static(b"0123456789") }
    }

    fn filled(keys: &[&str]) -> (tempfile::TempDir, PathBuf, Store) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("http");
        let store = Store::new(path.clone(), 100);
        for key in keys {
            store.save(key, &mut entry(&format!("https://h.example/{key}"))).expect("saved");
        }
        std::fs::create_dir_all(&path).expect("folder");
        (dir, path, store)
    }

    fn file_of(dir: &Path, key: &str, extension: &str) -> PathBuf {
        let name = list_cache(dir).expect("listed").into_iter().find(|entry| entry.url.ends_with(key));
        dir.join(format!("{}.{extension}", name.expect("there").name))
    }

    fn age(path: &Path, hours: u64) {
        let file = std::fs::File::options().append(true).open(path).expect("opened");
        let modified = SystemTime::now() - Duration::from_secs(hours * 3600);
        file.set_times(FileTimes::new().set_modified(modified)).expect("set");
    }

    fn urls(dir: &Path) -> Vec<String> {
        list_cache(dir).expect("listed").into_iter().map(|entry| entry.url).collect()
    }

    #[test]
    fn entries_are_listed_and_those_meant_are_removed() {
        let (_dir, dir, _store) = filled(&["b", "a", "torn"]);
        remove(&file_of(&dir, "torn", "body"));
        let entries = list_cache(&dir).expect("listed");
        assert_eq!(urls(&dir), ["https://h.example/a", "https://h.example/b", "https://h.example/torn"]);
        let [a, _, torn] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((a.method.as_str(), a.status_code, a.is_damaged, torn.is_damaged), ("GET", 200, false, true));
        assert!(a.bytes > 10 && a.is_fresh(Timestamp::UNIX_EPOCH) && !torn.is_fresh(Timestamp::UNIX_EPOCH));
        assert!(!a.is_fresh(Timestamp::now()));
        let swept = clear_cache(&dir, |entry| entry.url.ends_with("/a")).expect("cleared");
        assert_eq!((swept.entries, swept.bytes), (1, a.bytes));
        assert_eq!(urls(&dir), ["https://h.example/b", "https://h.example/torn"]);
        assert_eq!(clear_cache(&dir, |_| true).expect("cleared").entries, 2);
        assert_eq!(std::fs::read_dir(&dir).expect("there").count(), 0);
        assert!(list_cache(&dir.join("none")).expect("nothing there").is_empty());
    }

    /// Weakness 48
    #[test]
    fn a_sweep_removes_the_old_and_then_the_oldest_above_the_size() {
        let (_dir, dir, store) = filled(&["new", "middle", "old"]);
        age(&file_of(&dir, "middle", "json"), 2);
        age(&file_of(&dir, "old", "json"), 50);
        std::fs::File::create(dir.join("of-somebody-else.json")).expect("created");
        assert_eq!(store.sweep(Duration::from_secs(24 * 3600), 1 << 20).expect("swept").entries, 1);
        assert_eq!(urls(&dir), ["https://h.example/middle", "https://h.example/new"]);
        let one = list_cache(&dir).expect("listed")[1].bytes;
        assert_eq!(store.sweep(Duration::MAX, one).expect("swept").entries, 1);
        assert_eq!(urls(&dir), ["https://h.example/new"]);
        assert_eq!(store.clear().expect("cleared").entries, 1);
        assert!(dir.join("of-somebody-else.json").exists());
        assert_eq!(store.clear().expect("cleared"), Swept::default());
    }

    /// Weakness 31
    #[test]
    fn what_a_dead_process_left_behind_is_no_entry_and_goes_when_it_is_old() {
        let (_dir, dir, store) = filled(&[]);
        let digest = "0".repeat(64);
        let left = [dir.join(format!("{digest}.body")), dir.join(format!("{digest}.{digest}.body"))];
        for path in &left {
            std::fs::File::create(path).expect("created");
        }
        assert_eq!((store.clear().expect("cleared"), urls(&dir).len()), (Swept::default(), 0));
        assert!(left.iter().all(|path| path.exists()), "somebody may be writing them");
        left.iter().for_each(|path| age(path, 2));
        store.sweep(Duration::MAX, u64::MAX).expect("swept");
        assert!(!left.iter().any(|path| path.exists()));
    }
}
