//! Which configuration a request is about (runtime-and-admin §3.1, deviation 11): the runtime's own, or one below
//! the folder it serves. The caller can never name a file outside.

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

/// The configurations of a runtime.
pub(crate) enum Configs {
    One { path: PathBuf, text: String, keeper: Arc<Keeper> },
    Below { root: PathBuf, make: MakeKeeper, keepers: Mutex<HashMap<PathBuf, Arc<Keeper>>> },
}

impl Configs {
    /// One configuration; `path` is absolute.
    pub(crate) fn one(path: PathBuf, make: &MakeKeeper) -> Self {
        let keeper = make(&path);
        Self::One { text: path.display().to_string(), path, keeper }
    }

    /// Any configuration below a folder; `root` is canonical.
    pub(crate) fn below(root: PathBuf, make: MakeKeeper) -> Self {
        Self::Below { root, make, keepers: Mutex::default() }
    }

    /// The configuration a request names; empty means it names none.
    pub(crate) fn select(&self, selector: &str) -> Result<Arc<Keeper>, Box<Problem>> {
        match self {
            Self::One { text, path, keeper } => {
                if selector.is_empty() || selector == text || is_same_file(Path::new(selector), path) {
                    return Ok(Arc::clone(keeper));
                }
                Err(mismatch())
            }
            Self::Below { .. } if selector.is_empty() => {
                Err(Problem::new(ErrorCode::ConfigRequired, "This runtime serves a folder of configurations."))
            }
            Self::Below { root, make, keepers } => {
                // Everything that is not a file below the root looks the same from outside.
                let path = root.join(selector).canonicalize().map_err(|_| mismatch())?;
                let is_json = path.extension().is_some_and(|extension| extension == "json");
                // `.cli.json` has the extension too; other files are no configurations.
                if !path.starts_with(root) || !is_json || !path.is_file() {
                    return Err(mismatch());
                }
                let mut keepers = keepers.lock();
                if let Some(keeper) = keepers.get(&path) {
                    return Ok(Arc::clone(keeper));
                }
                if keepers.len() >= MAX_CONFIGS {
                    // Files that never were a configuration give their place up.
                    keepers.retain(|_, keeper| !keeper.has_nothing());
                }
                if keepers.len() >= MAX_CONFIGS {
                    let detail = format!("The runtime already serves {MAX_CONFIGS} configurations.");
                    return Err(Problem::new(ErrorCode::Overloaded, detail));
                }
                let keeper = make(&path);
                keepers.insert(path, Arc::clone(&keeper));
                Ok(keeper)
            }
        }
    }

    /// What the audit log calls the configuration that a request names.
    pub(crate) fn identity(&self, selector: &str) -> String {
        match self {
            Self::One { text, .. } => text.clone(),
            Self::Below { root, .. } => root.join(selector).display().to_string(),
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
            Self::Below { keepers, .. } => keepers.lock().values().cloned().collect(),
        }
    }
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
