//! A shelf as a file: its texts as they are, behind a table of places. Read whole, checked by its hash, and by its
//! structure all the same: nothing in a file makes us panic. Not for which shelves belong together; that is `stored`.

use super::data::{Data, Record};
use super::names::Names;
use bytes::Bytes;
use open_cli_files::{Durability, FileError, replace_with};
use sha2::{Digest, Sha256};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Changes with every change of the format.
const MAGIC: &[u8; 8] = b"ocshelf1";
/// Largest file that is read.
const MAX_BYTES: u64 = 4 << 30;
const RECORD_WORDS: usize = 8;

/// A shelf that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredShelf {
    pub(crate) path: PathBuf,
    pub(crate) tools: usize,
    pub(crate) bytes: u64,
    /// SHA-256 of the file.
    pub(crate) digest: [u8; 32],
}

/// Why a shelf can't be stored, or read again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfFault {
    /// The system said no.
    #[error("{0}")]
    File(#[from] FileError),
    /// It holds what must not be stored.
    #[error("its servers have credentials, which are not stored")]
    Secret,
    /// Not what was written.
    #[error("{path} is damaged", path = .0.display())]
    Damaged(PathBuf),
}

/// Writes a shelf; what it is read back by.
pub(super) fn write(data: &Data, path: &Path) -> Result<StoredShelf, ShelfFault> {
    if !data.secret_servers.is_empty() {
        return Err(ShelfFault::Secret);
    }
    let (digest, bytes) = replace_with(path, Durability::Synced, |file| {
        let mut out = Hashing { out: BufWriter::new(file), hash: Sha256::new(), bytes: 0 };
        write_to(data, &mut out)?;
        out.out.flush()?;
        Ok((out.hash.finalize().into(), out.bytes))
    })?;
    Ok(StoredShelf { path: path.to_owned(), tools: data.len(), bytes, digest })
}

fn write_to(data: &Data, out: &mut impl Write) -> io::Result<()> {
    out.write_all(MAGIC)?;
    let mut table = Vec::with_capacity(data.records.len() * RECORD_WORDS * 4);
    for record in &data.records {
        let Record { id_end, group, brief_end, listed_end, details_end, schemas, requires_approval } = *record;
        let words =
            [id_end, group, brief_end, listed_end, details_end, schemas.0, schemas.1, requires_approval.into()];
        words.iter().for_each(|word| table.extend_from_slice(&word.to_le_bytes()));
    }
    let hashes: Vec<u8> = data.names.hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
    let places: Vec<u8> = data.names.places.iter().flat_map(|place| place.to_le_bytes()).collect();
    let groups = serde_json::to_vec(&data.groups)?;
    let texts: [&[u8]; 6] =
        [data.ids.as_bytes(), &groups, &data.brief, &data.listed, &data.details, &data.schemas];
    for part in [&table[..], &hashes, &places].into_iter().chain(texts) {
        out.write_all(&(part.len() as u64).to_le_bytes())?;
        out.write_all(part)?;
    }
    Ok(())
}

struct Hashing<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl StoredShelf {
    /// True when there is a file of the right size. Blocking.
    pub(crate) fn is_there(&self) -> bool {
        std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.is_file() && found.len() == self.bytes)
    }

    /// Reads it. Blocking.
    pub(super) fn read(&self) -> Result<Data, ShelfFault> {
        let damaged = || ShelfFault::Damaged(self.path.clone());
        let content = open_cli_files::read_bounded(&self.path, self.bytes.min(MAX_BYTES))?;
        if content.len() as u64 != self.bytes || <[u8; 32]>::from(Sha256::digest(&content)) != self.digest {
            return Err(damaged());
        }
        let data = parse(content.into()).ok_or_else(damaged)?;
        if data.len() == self.tools { Ok(data) } else { Err(damaged()) }
    }
}

fn parse(content: Bytes) -> Option<Data> {
    let mut rest = content;
    if rest.len() < MAGIC.len() || rest.split_to(MAGIC.len()) != MAGIC[..] {
        return None;
    }
    let mut part = || {
        let length = rest.get(..8)?.try_into().ok().map(u64::from_le_bytes)?;
        let _ = rest.split_to(8);
        let length = usize::try_from(length).ok().filter(|length| *length <= rest.len())?;
        Some(rest.split_to(length))
    };
    let (table, hashes, places) = (part()?, part()?, part()?);
    let (ids, groups) = (part()?, part()?);
    let (brief, listed, details, schemas) = (part()?, part()?, part()?, part()?);
    let records: Box<[Record]> = table.chunks_exact(RECORD_WORDS * 4).map(record).collect();
    let data = Data {
        names: Names {
            hashes: hashes.chunks_exact(8).filter_map(|c| Some(u64::from_le_bytes(c.try_into().ok()?))).collect(),
            places: words(&places).collect(),
        },
        ids: std::str::from_utf8(&ids).ok()?.into(),
        groups: serde_json::from_slice(&groups).ok()?,
        records,
        brief,
        listed,
        details,
        schemas,
        ..Data::default()
    };
    (table.len() % (RECORD_WORDS * 4) == 0 && is_sound(&data)).then_some(data)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?)))
}

fn record(bytes: &[u8]) -> Record {
    let mut words = words(bytes);
    let mut next = || words.next().unwrap_or_default();
    Record {
        id_end: next(),
        group: next(),
        brief_end: next(),
        listed_end: next(),
        details_end: next(),
        schemas: (next(), next()),
        requires_approval: next() != 0,
    }
}

/// Every place is in its text.
fn is_sound(data: &Data) -> bool {
    let ascends = |of: fn(&Record) -> u32, gap: u32, length: usize| {
        let mut last = 0_u32;
        let mut is_first = true;
        let ascends = data.records.iter().all(|record| {
            let least = if std::mem::take(&mut is_first) { 0 } else { last.saturating_add(gap) };
            last = of(record);
            last >= least
        });
        ascends && last as usize == length
    };
    let sound = |record: &Record| {
        data.ids.is_char_boundary(record.id_end as usize)
            && (record.group as usize) < data.groups.len()
            && record.schemas.0 <= record.schemas.1
            && record.schemas.1 as usize <= data.schemas.len()
    };
    // A tool's JSON has two braces at least, and a comma before it.
    ascends(|record| record.id_end, 0, data.ids.len())
        && ascends(|record| record.brief_end, 1, data.brief.len())
        && ascends(|record| record.listed_end, 3, data.listed.len())
        && ascends(|record| record.details_end, 0, data.details.len())
        && data.records.first().is_none_or(|record| record.listed_end >= 2)
        && data.records.iter().all(sound)
        && data.names.is_sound(data.records.len())
}

#[cfg(test)]
mod tests {
    use super::super::tests::three_tools;
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("folder");
        let data = three_tools();
        let stored = write(&data, &folder.path().join("s")).expect("written");
        assert!(stored.is_there());
        let again = stored.read().expect("read");
        assert_eq!(again.records, data.records);
        for position in 0..data.len() {
            assert_eq!(again.id(position), data.id(position));
            assert_eq!(again.group(position), data.group(position));
            assert_eq!(again.brief(position, position), data.brief(position, position));
            assert_eq!(again.detailed(position, true), data.detailed(position, true));
        }
        assert_eq!(again.find(&["x".to_owned()]), data.find(&["x".to_owned()]));
        assert!(again.find(&["x".to_owned()]).is_some());
    }

    /// The hash finds every change; without it nothing panics either.
    #[test]
    fn a_damaged_file_is_refused_and_never_a_panic() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("s");
        let stored = write(&three_tools(), &path).expect("written");
        let good = std::fs::read(&path).expect("read");
        for at in 0..good.len() {
            for change in [1_u8, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= change;
                if let Some(data) = parse(bad.into()) {
                    for position in 0..data.len() {
                        let _ = (data.id(position), data.group(position), data.tool(position, true).is_ok());
                        let _ = (data.detailed(position, true), data.brief(position, position));
                    }
                    let _ = (data.find(&["x".to_owned()]), data.of_group("x"), data.position("s:b"));
                }
            }
            assert!(parse(good[..at].to_vec().into()).is_none(), "cut at {at}");
        }
        let mut bad = good;
        let last = bad.len() - 1;
        bad[last] ^= 1;
        open_cli_files::replace(&path, &bad, Durability::Unsynced).expect("replaced");
        assert!(matches!(stored.read(), Err(ShelfFault::Damaged(_))));
        open_cli_files::replace(&path, b"", Durability::Unsynced).expect("replaced");
        assert!(!stored.is_there() && stored.read().is_err());
    }

    #[test]
    fn credentials_are_not_stored() {
        let folder = tempfile::tempdir().expect("folder");
        let mut data = three_tools();
        data.secret_servers.insert(0, vec!["https://u:p@h.example/".to_owned()]);
        assert!(matches!(write(&data, &folder.path().join("s")), Err(ShelfFault::Secret)));
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0);
    }
}
