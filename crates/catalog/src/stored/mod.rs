//! The catalog of an earlier run: every service that was built, compiled, in the cache folder of the instance, so that a
//! restart with unchanged inputs serves at once, whatever the size. A manifest says what belongs together and what was
//! looked at; each service's tools are a file of their own, read when they are needed. What is damaged, older than its
//! inputs or of another version is built anew. Nothing secret is stored: no configuration, and no service whose
//! addresses hold credentials.

mod manifest;
mod parts;

pub(crate) use parts::{Hash, Place, Stamp};

use crate::mcp::McpSource;
use crate::pins::Pins;
use crate::prepared::Kept;
use crate::service::BuiltService;
use crate::shelf::ShelfFault;
use crate::snapshot::{Parts, Snapshot, hex};
use manifest::{FORMAT, Manifest, StoredService};
use open_cli_config::Loaded;
use open_cli_documents::FileStamp;
use open_cli_files::{Durability, FileError, create_private_dir_all, read_private, replace, sweep_temporaries};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

const MANIFEST: &str = "manifest.json";
const SHELF: &str = "shelf";
/// Largest manifest that is read: about 1 KB for each service, and its diagnostics.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// Where the catalog of one configuration is stored.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// Services with at most so many bytes in all are read before the first request; larger ones when they are needed.
    read_at_once: u64,
}

/// A catalog of an earlier run.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    /// Nothing that it was built from has changed, as far as that can be told without asking anybody.
    pub(crate) is_current: bool,
}

/// Why there is no catalog of an earlier run, or why it can't be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreFault {
    #[error("{0}")]
    File(#[from] FileError),
    #[error("{0}")]
    Shelf(#[from] ShelfFault),
    #[error("the stored catalog can't be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the stored catalog is damaged")]
    Damaged,
    #[error("the stored catalog is of another version")]
    OtherVersion,
}

/// What the configuration is now.
pub(crate) struct Now {
    pub(crate) config: Arc<Loaded>,
    pub(crate) config_digest: [u8; 32],
    pub(crate) stamps: Vec<FileStamp>,
    pub(crate) kept: Arc<Kept>,
    /// The MCP servers of the configuration, by the keys of their services.
    pub(crate) servers: HashMap<[u8; 32], McpSource>,
}

impl Store {
    /// In this folder, which is made when something is stored.
    pub(crate) fn new(folder: PathBuf, read_at_once: u64) -> Self {
        Self { folder, read_at_once }
    }

    /// Stores a catalog: its services, as far as they are not stored yet, then what says that they belong together.
    /// Blocking.
    pub(crate) fn save(&self, snapshot: &Snapshot) -> Result<(), StoreFault> {
        create_private_dir_all(&self.folder)?;
        let mut services = Vec::with_capacity(snapshot.services.len());
        for placed in &snapshot.services {
            let built = &placed.built;
            let name = format!("{}.{SHELF}", hex(&name_of(built)[..16]));
            let shelf = match built.shelf.store(&self.folder, &name) {
                Ok(shelf) => shelf.clone(),
                Err(ShelfFault::Secret) => continue,
                Err(fault) => return Err(fault.into()),
            };
            let matches = built.shelf.matches(snapshot.policy(), snapshot.config_digest);
            services.extend(StoredService::of(built, &shelf, matches));
        }
        let manifest = Manifest::of(snapshot, services);
        let json = serde_json::to_vec(&manifest)?;
        let mut content = hex(&Sha256::digest(&json)).into_bytes();
        content.push(b'\n');
        content.extend_from_slice(&json);
        replace(&self.folder.join(MANIFEST), &content, Durability::Synced)?;
        self.sweep(&manifest);
        Ok(())
    }

    /// Shelves that nobody names any more go. What can't be removed stays.
    fn sweep(&self, manifest: &Manifest) {
        let named: HashSet<&str> = manifest.services.iter().map(|service| service.shelf.name.as_str()).collect();
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_left = name.to_str().is_some_and(|name| name.ends_with(SHELF) && !named.contains(name));
            if is_left {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        let _ = sweep_temporaries(&self.folder);
    }

    /// The stored catalog under the configuration of now; `None` when there is none. Blocking.
    pub(crate) fn restore(&self, now: Now) -> Result<Option<Restored>, StoreFault> {
        let content = match read_private(&self.folder.join(MANIFEST), MAX_MANIFEST_BYTES) {
            Ok(content) => content,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let line = content.iter().position(|byte| *byte == b'\n').ok_or(StoreFault::Damaged)?;
        let (digest, json) = (&content[..line], &content[line + 1..]);
        if hex(&Sha256::digest(json)).as_bytes() != digest {
            return Err(StoreFault::Damaged);
        }
        // The version alone, before the members that another version may write otherwise.
        let version: manifest::Version = serde_json::from_slice(json)?;
        if (version.format, version.program.as_str()) != (FORMAT, env!("CARGO_PKG_VERSION")) {
            return Err(StoreFault::OtherVersion);
        }
        let manifest: Manifest = serde_json::from_slice(json)?;
        let matches_key = manifest.config_digest.0;
        let is_same_config = matches_key == now.config_digest;
        let stored = manifest.services.len();
        let mut stamps: Vec<FileStamp> = manifest.stamps.into_iter().map(FileStamp::from).collect();
        let is_unchanged = is_same_config && stamps.iter().all(FileStamp::is_current);
        let services: Vec<Arc<BuiltService>> = manifest
            .services
            .into_iter()
            .filter_map(|service| service.restored(&self.folder, matches_key, &now.servers))
            .map(Arc::new)
            .collect();
        let is_current = is_unchanged && services.len() == stored && stored == manifest.service_count;
        let bytes: u64 = services.iter().filter_map(|built| Some(built.shelf.stored()?.bytes)).sum();
        if bytes <= self.read_at_once {
            services.iter().for_each(|built| built.shelf.read());
        }
        let is_damaged = services.iter().any(|built| built.shelf.is_damaged());
        let listings = services.iter().filter_map(|built| Some(built.inputs.mcp.as_ref()?.stamp())).collect();
        let pins = Pins::of(&now.config.config, None);
        let config_stamps = now.stamps.len();
        stamps.splice(0..0, now.stamps);
        let parts = Parts {
            policy: open_cli_policy::PolicyTable::new(crate::rules::rules(&now.config)),
            secrets: crate::rules::secrets(&now.config.config),
            config: now.config,
            services,
            kept: now.kept,
            generated_at: manifest.generated_at,
            config_digest: now.config_digest,
            sources: manifest.sources,
            diagnostics: manifest.diagnostics,
            stamps,
            config_stamps,
            listings,
            revalidate_at: manifest.revalidate_at,
            found: Vec::new(),
            pins,
        };
        Ok(Some(Restored { snapshot: Snapshot::new(parts)?, is_current: is_current && !is_damaged }))
    }
}

/// Everything that a service's shelf follows from.
fn name_of(built: &BuiltService) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [env!("CARGO_PKG_VERSION"), &built.service.id, &built.service.alias] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(built.digest);
    hash.finalize().into()
}
