//! What is stored beside the tools: services, what they were built from, and what the catalog says about them. JSON,
//! because the contract's types are made for it. Not for reading or writing files.

use crate::guides::{Guides, StoredGuides};
use crate::inputs::{Inputs, Origin};
use crate::mcp::{McpInputs, McpSource};
use crate::servers::Serving;
use crate::service::BuiltService;
use crate::shelf::{Shelf, StoredShelf};
use crate::snapshot::Snapshot;
use crate::stored::parts::{Hash, Place, Stamp};
use jiff::Timestamp;
use open_cli_contract::catalog::{Diagnostic, FetchRecord, Service, Source};
use open_cli_documents::FileStamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Changes with every change of what is stored.
pub(super) const FORMAT: u32 = 3;

#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) format: u32,
    pub(super) program: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    program: String,
    pub(super) config_digest: Hash,
    pub(super) generated_at: Timestamp,
    pub(super) revalidate_at: Option<Timestamp>,
    pub(super) sources: Vec<Source>,
    /// But those of services.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Files beside the configuration.
    pub(super) stamps: Vec<Stamp>,
    /// Also of those that are not stored.
    pub(super) service_count: usize,
    pub(super) services: Vec<StoredService>,
}

impl Manifest {
    pub(super) fn of(snapshot: &Snapshot, services: Vec<StoredService>) -> Self {
        // Where the configuration may be is looked at anew each time.
        let of_documents = &snapshot.stamps[snapshot.config_stamps.min(snapshot.stamps.len())..];
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            config_digest: Hash(snapshot.config_digest),
            generated_at: snapshot.generated_at,
            revalidate_at: snapshot.revalidate_at,
            sources: snapshot.sources.clone(),
            diagnostics: snapshot.own_diagnostics.clone(),
            stamps: of_documents.iter().map(Stamp::of).collect(),
            service_count: snapshot.services.len(),
            services,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredService {
    service: Service,
    digest: Hash,
    key: Hash,
    head: Hash,
    is_alone: bool,
    location: Place,
    operators: Vec<Place>,
    serving: Serving,
    origin: Option<(Place, Vec<String>)>,
    derived: Option<String>,
    stamps: Vec<Stamp>,
    fetches: Vec<FetchRecord>,
    expires_at: Option<Timestamp>,
    /// Names of the disabled tools, when the service is an MCP server.
    disabled_tools: Option<Vec<String>>,
    diagnostics: Vec<Diagnostic>,
    guides: Option<StoredGuides>,
    pub(super) shelf: ShelfRecord,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ShelfRecord {
    pub(super) name: String,
    tools: usize,
    bytes: u64,
    digest: Hash,
    /// Patterns of the rules that match one of the tools.
    matches: Vec<bool>,
}

impl StoredService {
    /// `None` when its addresses hold credentials, or are no text.
    pub(super) fn of(built: &BuiltService, shelf: &StoredShelf, matches: Box<[bool]>) -> Option<Self> {
        let Inputs { key, head, is_alone, location, operators, serving, origin, .. } = &built.inputs;
        let Inputs { derived, stamps, fetches, expires_at, mcp, .. } = &built.inputs;
        if serving.holds_credentials() {
            return None;
        }
        Some(Self {
            service: Service::clone(&built.service),
            digest: Hash(built.digest),
            key: Hash(*key),
            head: Hash(*head),
            is_alone: *is_alone,
            location: Place::of(location)?,
            operators: operators.iter().map(Place::of).collect::<Option<_>>()?,
            serving: serving.clone(),
            origin: match origin {
                Some(Origin { asked, path }) => Some((Place::of(asked)?, path.clone())),
                None => None,
            },
            derived: derived.clone(),
            stamps: stamps.iter().map(Stamp::of).collect(),
            fetches: fetches.clone(),
            expires_at: *expires_at,
            disabled_tools: mcp.as_ref().map(|mcp| mcp.disabled.to_vec()),
            diagnostics: built.diagnostics.to_vec(),
            guides: if built.guides.is_empty() { None } else { Some(built.guides.stored()?) },
            shelf: ShelfRecord {
                name: shelf.path.file_name()?.to_str()?.to_owned(),
                tools: shelf.tools,
                bytes: shelf.bytes,
                digest: Hash(shelf.digest),
                matches: matches.into(),
            },
        })
    }

    /// The service; `None` when its file is not there as it was written, or its MCP server is another one by now.
    pub(super) fn restored(
        self,
        folder: &Path,
        matches_key: [u8; 32],
        servers: &HashMap<[u8; 32], McpSource>,
    ) -> Option<BuiltService> {
        // A name, and nothing that leads elsewhere.
        let name = Path::new(&self.shelf.name);
        let path = (name.file_name() == Some(name.as_os_str())).then(|| folder.join(name))?;
        let (tools, bytes, digest) = (self.shelf.tools, self.shelf.bytes, self.shelf.digest.0);
        let stored = StoredShelf { path, tools, bytes, digest };
        if !stored.is_there() {
            return None;
        }
        let mcp = match self.disabled_tools {
            Some(disabled) => Some(McpInputs::restored(servers.get(&self.key.0)?.clone(), disabled)),
            None => None,
        };
        let guides = match self.guides {
            Some(guides) => Guides::restored(guides)?,
            None => Guides::default(),
        };
        Some(BuiltService {
            service: Arc::new(self.service),
            shelf: Arc::new(Shelf::of_stored(stored, Some((matches_key, self.shelf.matches.into())))),
            digest: self.digest.0,
            inputs: Inputs {
                key: self.key.0,
                head: self.head.0,
                is_alone: self.is_alone,
                location: self.location.restored()?,
                operators: self.operators.into_iter().map(Place::restored).collect::<Option<_>>()?,
                serving: self.serving,
                origin: match self.origin {
                    Some((asked, path)) => Some(Origin { asked: asked.restored()?, path }),
                    None => None,
                },
                derived: self.derived,
                stamps: self.stamps.into_iter().map(FileStamp::from).collect(),
                fetches: self.fetches,
                expires_at: self.expires_at,
                mcp,
            },
            diagnostics: self.diagnostics.into(),
            guides,
        })
    }
}
