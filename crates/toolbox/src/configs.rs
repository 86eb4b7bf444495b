//! Which configuration a request is about (runtime-and-admin §3.1, deviation 11): the runtime's own, or one below
//! the folder it serves. The caller can never name a file outside.

use crate::guard::Guard;
use open_cli_catalog::Keeper;
use open_cli_contract::problem::{ErrorCode, Problem};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Configurations that a folder-serving runtime keeps in memory.
const MAX_CONFIGS: usize = 256;

/// Makes the keeper of a configuration.
pub(crate) type MakeKeeper = Box<dyn Fn(&Path) -> Arc<Keeper> + Send + Sync>;

/// Sets up the guard of a configuration. A failure is told in words.
pub(crate) type MakeGuard = Box<dyn Fn(&Path) -> Result<Option<Arc<Guard>>, String> + Send + Sync>;

/// The configurations of a runtime.
pub(crate) enum Configs {
    One { path: PathBuf, text: String, guard: Option<Arc<Guard>>, keeper: Arc<Keeper> },
    Below { root: PathBuf, make: MakeKeeper, make_guard: MakeGuard, served: Mutex<HashMap<PathBuf, Served>> },
}

/// One of many configurations.
pub(crate) struct Served {
    guard: Option<Arc<Guard>>,
    /// Nothing is built before a caller was let in (deviation 10).
    keeper: Option<Arc<Keeper>>,
}

impl Configs {
    /// One configuration; `path` is absolute.
    pub(crate) fn one(path: PathBuf, guard: Option<Arc<Guard>>, make: &MakeKeeper) -> Self {
        let keeper = make(&path);
        Self::One { text: path.display().to_string(), path, guard, keeper }
    }

    /// Any configuration below a folder; `root` is canonical.
    pub(crate) fn below(root: PathBuf, make: MakeKeeper, make_guard: MakeGuard) -> Self {
        Self::Below { root, make, make_guard, served: Mutex::default() }
    }

    /// Who guards the configuration that a request names? A runtime of one configuration is guarded by it, whatever a
    /// request names. A request about a runtime of many, as a whole, is refused where some of them are guarded: which
    /// of their callers may see all of it is nowhere said.
    pub(crate) fn guard(&self, selector: &str) -> Result<Option<Arc<Guard>>, Box<Problem>> {
        match self {
            Self::One { guard, .. } => Ok(guard.clone()),
            Self::Below { .. } if selector.is_empty() => {
                if self.is_guarded() {
                    let detail = "Some configurations of this runtime authenticate their callers; name yours.";
                    return Err(Problem::new(ErrorCode::ConfigRequired, detail));
                }
                Ok(None)
            }
            Self::Below { root, make_guard, served, .. } => {
                let path = below(root, selector)?;
                if let Some(known) = served.lock().get(&path) {
                    return Ok(known.guard.clone());
                }
                let guard = make_guard(&path).map_err(|fault| Problem::new(ErrorCode::ConfigInvalid, fault))?;
                let mut served = served.lock();
                make_room(&mut served)?;
                // Another request may have been faster; the first one holds.
                Ok(served.entry(path).or_insert(Served { guard, keeper: None }).guard.clone())
            }
        }
    }

    /// Is any configuration guarded?
    pub(crate) fn is_guarded(&self) -> bool {
        match self {
            Self::One { guard, .. } => guard.is_some(),
            Self::Below { served, .. } => served.lock().values().any(|served| served.guard.is_some()),
        }
    }

    /// The configuration a request names; empty means it names none.
    pub(crate) fn select(&self, selector: &str) -> Result<Arc<Keeper>, Box<Problem>> {
        match self {
            Self::One { text, path, keeper, .. } => {
                if selector.is_empty() || selector == text || is_same_file(Path::new(selector), path) {
                    return Ok(Arc::clone(keeper));
                }
                Err(mismatch())
            }
            Self::Below { .. } if selector.is_empty() => {
                Err(Problem::new(ErrorCode::ConfigRequired, "This runtime serves a folder of configurations."))
            }
            Self::Below { root, make, served, .. } => {
                let path = below(root, selector)?;
                let guard = self.guard(selector)?;
                let mut served = served.lock();
                let entry = served.entry(path.clone()).or_insert(Served { guard, keeper: None });
                Ok(Arc::clone(entry.keeper.get_or_insert_with(|| make(&path))))
            }
        }
    }

    /// What the audit log, routes and rate limits call the configuration that a request names: one name for one file,
    /// however the request spells it.
    pub(crate) fn identity(&self, selector: &str) -> String {
        match self {
            Self::One { text, .. } => text.clone(),
            Self::Below { root, .. } => {
                let path = root.join(selector);
                path.canonicalize().unwrap_or(path).display().to_string()
            }
        }
    }

    /// Is a folder served?
    pub(crate) fn has_many(&self) -> bool {
        matches!(self, Self::Below { .. })
    }

    /// Those that were asked for so far.
    pub(crate) fn keepers(&self) -> Vec<Arc<Keeper>> {
        match self {
            Self::One { keeper, .. } => vec![Arc::clone(keeper)],
            Self::Below { served, .. } => {
                served.lock().values().filter_map(|served| served.keeper.clone()).collect()
            }
        }
    }
}

/// The file that a request names. Everything that is not a file below the root looks the same from outside.
fn below(root: &Path, selector: &str) -> Result<PathBuf, Box<Problem>> {
    let path = root.join(selector).canonicalize().map_err(|_| mismatch())?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    // `.cli.json` has the extension too; other files are no configurations.
    if path.starts_with(root) && is_json && path.is_file() { Ok(path) } else { Err(mismatch()) }
}

fn make_room(served: &mut HashMap<PathBuf, Served>) -> Result<(), Box<Problem>> {
    if served.len() >= MAX_CONFIGS {
        // Files that never were a configuration give their place up.
        served.retain(|_, served| served.keeper.as_ref().is_some_and(|keeper| !keeper.has_nothing()));
    }
    if served.len() >= MAX_CONFIGS {
        let detail = format!("The runtime already serves {MAX_CONFIGS} configurations.");
        return Err(Problem::new(ErrorCode::Overloaded, detail));
    }
    Ok(())
}

fn mismatch() -> Box<Problem> {
    Problem::new(
        ErrorCode::RuntimeAttachMismatch,
        "The runtime does not serve the configuration the request names.",
    )
}

/// The same text after making it absolute and cleaning it, or the same file behind symbolic links (W-11).
fn is_same_file(selector: &Path, path: &Path) -> bool {
    let absolute = std::path::absolute(selector).unwrap_or_else(|_| selector.to_owned());
    let cleaned = open_cli_contract::paths::clean(&absolute);
    cleaned == path || matches!((cleaned.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
