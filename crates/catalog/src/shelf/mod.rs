//! The tools of one service, packed: a few large texts and a table of places in them, so that a catalog of any size
//! costs little more memory than its text. Everything that answers need is stored as it is sent; a tool that is called
//! is read back from its own JSON ([`crate::prepared`]). A shelf of an earlier run is read when it is needed.

mod data;
mod file;
mod names;
mod pack;
#[cfg(test)]
mod tests;

pub(crate) use data::Data;
pub(crate) use file::{ShelfFault, StoredShelf};
pub(crate) use names::Found;
pub(crate) use pack::{PackError, pack};

use crate::definitions::Derived;
use crate::judged::Judged;
use open_cli_policy::PolicyTable;
use parking_lot::Mutex;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Tools of one service. Immutable, shared by snapshots.
pub(crate) struct Shelf {
    /// No other shelf of this process has it.
    pub(crate) serial: u64,
    /// How many tools there are, read or not.
    pub(crate) count: usize,
    data: OnceLock<Data>,
    stored: OnceLock<StoredShelf>,
    is_damaged: AtomicBool,
    /// What the rules said last.
    judged: Mutex<Option<Arc<Judged>>>,
    /// Patterns of the rules with this key that match a tool, as an earlier run found out.
    known_matches: Option<([u8; 32], Box<[bool]>)>,
    /// Made of the tools when it is asked for.
    pub(crate) derived: Derived,
}

impl Shelf {
    pub(crate) fn new(data: Data) -> Self {
        Self { data: OnceLock::from(data), ..Self::empty() }.counted()
    }

    /// One that is read when it is needed.
    pub(crate) fn of_stored(stored: StoredShelf, matches: Option<([u8; 32], Box<[bool]>)>) -> Self {
        let count = stored.tools;
        Self { stored: OnceLock::from(stored), known_matches: matches, count, ..Self::empty() }
    }

    fn empty() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            serial: NEXT.fetch_add(1, Ordering::Relaxed),
            count: 0,
            data: OnceLock::new(),
            stored: OnceLock::new(),
            is_damaged: AtomicBool::new(false),
            judged: Mutex::default(),
            known_matches: None,
            derived: Derived::default(),
        }
    }

    fn counted(mut self) -> Self {
        self.count = self.data.get().map_or(0, Data::len);
        self
    }

    /// Where it is stored, once it is.
    pub(crate) fn stored(&self) -> Option<&StoredShelf> {
        self.stored.get()
    }

    /// Stores it. Blocking.
    pub(crate) fn store(&self, folder: &Path, name: &str) -> Result<&StoredShelf, ShelfFault> {
        if let Some(stored) = self.stored.get().filter(|stored| stored.path.parent() == Some(folder)) {
            return Ok(stored);
        }
        let stored = file::write(self, &folder.join(name))?;
        Ok(self.stored.get_or_init(|| stored))
    }

    /// True when it was stored and can't be read: it has no tools until its service is built again.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Acquire)
    }

    /// Its texts are in memory.
    pub(crate) fn is_read(&self) -> bool {
        self.data.get().is_some()
    }

    /// Reads it now.
    pub(crate) fn read(&self) {
        let _: &Data = self;
    }

    /// What the rules say about each tool; worked out once for each `key` of rules.
    pub(crate) fn judged(&self, policy: &PolicyTable, key: [u8; 32]) -> Arc<Judged> {
        if let Some(judged) = self.judged.lock().as_ref().filter(|judged| judged.key == key) {
            return Arc::clone(judged);
        }
        let judged = Arc::new(Judged::new(self, policy, key));
        *self.judged.lock() = Some(Arc::clone(&judged));
        judged
    }

    /// Patterns that match one of its tools; see [`PolicyTable::matched`]. Does not read it for rules that are known.
    pub(crate) fn matches(&self, policy: &PolicyTable, key: [u8; 32]) -> Box<[bool]> {
        match &self.known_matches {
            Some((known, matches)) if *known == key => matches.clone(),
            _ => self.judged(policy, key).matched.clone(),
        }
    }
}

/// Reads it when it is needed. Blocks for the time that its file takes, a few milliseconds.
impl Deref for Shelf {
    type Target = Data;

    fn deref(&self) -> &Data {
        self.data.get_or_init(|| {
            let read = self.stored.get().map(StoredShelf::read);
            read.unwrap_or_else(|| Ok(Data::default())).unwrap_or_else(|fault| {
                tracing::info!(%fault, "a stored service can't be used; it is built again");
                self.is_damaged.store(true, Ordering::Release);
                Data::default()
            })
        })
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf({} tools)", self.count)
    }
}
