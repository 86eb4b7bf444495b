//! One build: configuration and documents to a snapshot. Every source and service is built on its own: what fails
//! becomes a diagnostic, keeps its last good state where it has one, and leaves the others alone (deviation 6).

use crate::diagnostics::{error, note};
use crate::discover::{self, Expanded, Found};
use crate::load::{self, Done};
use crate::mcp::{self, Mcp, McpSource};
use crate::pins::Pins;
use crate::plan::{self, Plan, SourcePlan, Work, text};
use crate::prepared::Kept;
use crate::rules;
use crate::service::BuiltService;
use crate::service_ids::{self, Wish};
use crate::snapshot::{Parts, Snapshot};
use crate::stored::{Now, Restored, Store};
use futures_util::stream::{StreamExt, iter};
use jiff::Timestamp;
use open_cli_config::{Config, ConfigError, Loaded, Locations, SourceKind};
use open_cli_contract::catalog::{Diagnostic, DiscoveryMethod, FetchRecord, Provenance, Severity, Source};
use open_cli_contract::command::{BUILT_IN_COMMANDS, command_word};
use open_cli_contract::redact;
use open_cli_discovery::{Discovery, Limits};
use open_cli_documents::{Documents, FileStamp};
use open_cli_mcp::Servers;
use open_cli_observe::Trace;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// Services that are loaded at the same time; as many more of discovered ones.
const CONCURRENT_SERVICES: usize = 4;
/// Sources whose services are discovered at the same time.
const CONCURRENT_DISCOVERIES: usize = 4;

/// Why there is no new snapshot, and what was looked at, so that a change of it is noticed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// What is wrong, for an operator.
    pub message: String,
    pub(crate) stamps: Vec<FileStamp>,
}

/// Builds the catalog of one configuration.
pub struct Builder {
    pub(crate) locations: Locations,
    pub(crate) documents: Arc<Documents>,
    pub(crate) discovery: Discovery,
    /// Tools that are called, whichever snapshot they are called from.
    kept: Arc<Kept>,
    /// Where the catalog is kept for the next start.
    store: Option<Arc<Store>>,
    servers: Option<Arc<Servers>>,
}

/// How a build goes about it.
#[derive(Clone, Copy)]
struct How<'a> {
    previous: Option<&'a Snapshot>,
    force_refresh: bool,
    trace: &'a Trace,
}

impl Builder {
    /// For the configuration at these locations; documents are read through `documents`.
    pub fn new(locations: Locations, documents: Arc<Documents>) -> Self {
        let discovery = Discovery::new(Documents::clone(&documents), Limits::default());
        Self { locations, documents, discovery, kept: Arc::default(), store: None, servers: None }
    }

    /// With MCP servers, which are not called otherwise.
    #[must_use]
    pub fn with_mcp(self, servers: Arc<Servers>) -> Self {
        Self { servers: Some(servers), ..self }
    }

    /// The MCP servers of a configuration, by the keys of their services.
    fn mcp_sources(&self, config: &Config) -> HashMap<[u8; 32], McpSource> {
        let source = |work: Work| match work {
            Work::Service(plan) => Some((plan.key(), plan.mcp?)),
            Work::Discover(_) => None,
        };
        self.plans(config).0.into_iter().filter_map(source).collect()
    }

    /// What is to be built of a configuration.
    pub(crate) fn plans(&self, config: &Config) -> (Vec<Work>, Vec<Diagnostic>) {
        // Servers of one configuration are not those of another that says the same.
        let owner =
            self.locations.probed().iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>().join("\n");
        plan::plans(config, &Mcp::new(self.servers.as_deref(), &owner, config))
    }

    /// Keeps the catalog in this folder, so that a restart with unchanged inputs need not build it. Stored services of at
    /// most `read_at_once` bytes in all are read before the first request, larger ones when they are needed.
    #[must_use]
    pub fn stored_in(mut self, folder: PathBuf, read_at_once: u64) -> Self {
        self.store = Some(Arc::new(Store::new(folder, read_at_once)));
        self
    }

    pub(crate) fn store(&self) -> Option<&Arc<Store>> {
        self.store.as_ref()
    }

    /// The catalog of an earlier run, if there is a store and it has one that can be used. Blocking.
    pub(crate) fn restore(&self) -> Option<Restored> {
        let store = self.store.as_ref()?;
        let (stamps, loaded) = self.load_config();
        let config = Arc::new(loaded.ok()?);
        let config_digest = digest_of(&config).ok()?;
        match store.restore(Now {
            servers: self.mcp_sources(&config.config),
            config,
            config_digest,
            stamps,
            kept: Arc::clone(&self.kept),
        }) {
            Ok(restored) => restored,
            Err(fault) => {
                tracing::info!(%fault, "the stored catalog is not used; it is built anew");
                None
            }
        }
    }

    /// Builds. Services whose inputs did not change are taken over from `previous`.
    pub async fn build(
        &self,
        previous: Option<&Snapshot>,
        force_refresh: bool,
        trace: &Trace,
    ) -> Result<Snapshot, BuildError> {
        let span = trace.span("catalog.build");
        let result = self.parts(previous, force_refresh, span.trace()).await;
        span.end_with(match result {
            Ok(parts) => frozen(parts).await,
            Err(error) => Err(error),
        })
    }

    async fn parts(
        &self,
        previous: Option<&Snapshot>,
        force_refresh: bool,
        trace: &Trace,
    ) -> Result<Parts, BuildError> {
        let generated_at = Timestamp::now();
        let span = trace.span("config.load");
        let (stamps, loaded) = self.load_config();
        let config = match span.end_with(loaded) {
            Ok(loaded) => Arc::new(loaded),
            Err(error) => return Err(BuildError { message: error.render(), stamps }),
        };
        let (work, mut diagnostics) = self.plans(&config.config);
        let how = How { previous, force_refresh, trace };
        let (mut done, found) = self.work(work, how).await;
        self.name(&mut done, how, &mut diagnostics).await;
        let sources = sources(&config.config, &done, generated_at);
        let mut services = Vec::new();
        let config_stamps = stamps.len();
        let mut listings = Vec::new();
        let mut stamps = stamps;
        let revalidate_at = done.iter().filter_map(|one| one.revalidate_at).min();
        for one in done {
            diagnostics.extend(one.diagnostics);
            stamps.extend(one.stamps);
            listings.extend(one.listing);
            services.extend(one.built);
        }
        diagnostics.extend(mcp::unserved(&config, &mut services));
        diagnostics.extend(alias_diagnostics(&services));
        for warning in &config.warnings {
            diagnostics.push(Diagnostic {
                severity: Severity::Warning,
                code: "config".into(),
                source: "config".into(),
                pointer: warning.path.clone(),
                message: warning.message.clone(),
                hint: String::new(),
            });
        }
        let pins =
            pins(&config, previous).await.map_err(|message| BuildError { message, stamps: stamps.clone() })?;
        stamps.extend(pins.iter().map(|pins| pins.file.stamp.clone()));
        let config_digest = digest_of(&config)
            .map_err(|error| BuildError { message: error.to_string(), stamps: stamps.clone() })?;
        Ok(Parts {
            policy: open_cli_policy::PolicyTable::new(rules::rules(&config)),
            secrets: rules::secrets(&config.config),
            config,
            services,
            kept: Arc::clone(&self.kept),
            generated_at,
            config_digest,
            sources,
            diagnostics,
            stamps,
            config_stamps,
            listings,
            revalidate_at,
            found,
            pins,
        })
    }

    /// Builds all services, and discovers those that are not known. Neither waits for the other.
    async fn work(&self, work: Vec<Work>, how: How<'_>) -> (Vec<Done>, Vec<Arc<Found>>) {
        let (mut services, mut sources) = (Vec::new(), Vec::new());
        for (place, work) in work.into_iter().enumerate() {
            match work {
                Work::Service(plan) => services.push((place, plan)),
                Work::Discover(source) => sources.push((place, *source)),
            }
        }
        let (mut direct, (mut discovered, found)) =
            tokio::join!(self.build_all(services, how), self.discover_all(sources, how));
        direct.append(&mut discovered);
        // Stable: what one source gave stays in its order.
        direct.sort_by_key(|(place, _)| *place);
        (direct.into_iter().map(|(_, done)| done).collect(), found)
    }

    async fn build_all(&self, plans: Vec<(usize, Box<Plan>)>, how: How<'_>) -> Vec<(usize, Done)> {
        let one = |(place, plan)| self.build_placed(place, plan, how);
        iter(plans).map(one).buffered(CONCURRENT_SERVICES).collect().await
    }

    async fn build_placed(&self, place: usize, plan: Box<Plan>, how: How<'_>) -> (usize, Done) {
        (place, self.build_one(plan, how).await)
    }

    async fn build_one(&self, plan: Box<Plan>, how: How<'_>) -> Done {
        load::build(&self.documents, plan, how.previous, how.force_refresh, how.trace).await
    }

    async fn discover_all(
        &self,
        sources: Vec<(usize, SourcePlan)>,
        how: How<'_>,
    ) -> (Vec<(usize, Done)>, Vec<Arc<Found>>) {
        let one = |(place, source)| self.expand(place, source, how);
        let expanded: Vec<(usize, Expanded)> =
            iter(sources).map(one).buffered(CONCURRENT_DISCOVERIES).collect().await;
        let (mut all, mut plans, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for (place, Expanded { done, plans: own, kept, found: one }) in expanded {
            let source_id = done.source_id.clone();
            all.push((place, done));
            plans.extend(own.into_iter().map(|plan| (place, Box::new(plan))));
            found.extend(one);
            all.extend(kept.into_iter().map(|built| {
                let fetches = built.inputs.fetches.clone();
                let stamps = built.inputs.stamps.clone();
                let source_id = source_id.clone();
                (place, Done { source_id, built: Some(built), fetches, stamps, ..Done::default() })
            }));
        }
        all.extend(self.build_all(plans, how).await);
        (all, found)
    }

    async fn expand(&self, place: usize, source: SourcePlan, how: How<'_>) -> (usize, Expanded) {
        let How { previous, force_refresh, trace } = how;
        (place, discover::expand(&self.discovery, source, previous, force_refresh, trace).await)
    }

    /// W27: gives every service an id of its own, and builds again what must be called otherwise.
    async fn name(&self, done: &mut [Done], how: How<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let is_configured = |one: &&Done| one.built.as_ref().is_some_and(|built| built.inputs.derived.is_none());
        let configured = done.iter().filter(is_configured);
        let configured: BTreeSet<String> =
            configured.filter_map(|one| Some(one.built.as_ref()?.service.id.clone())).collect();
        let mut places = Vec::new();
        let mut wishes = Vec::new();
        for (place, one) in done.iter().enumerate() {
            let Some(built) = &one.built else { continue };
            let Some(derived) = built.inputs.derived.clone() else { continue };
            places.push(place);
            wishes.push(Wish {
                derived,
                title: built.service.title.clone(),
                source_id: one.source_id.clone(),
                address: text(&built.inputs.location),
            });
        }
        let ids = service_ids::assign(&configured, &wishes);
        let mut taken = configured;
        for ((place, wish), id) in places.into_iter().zip(&wishes).zip(ids) {
            let one = &mut done[place];
            if one.built.as_ref().is_some_and(|built| built.service.id != id)
                && let Some(plan) = one.plan.take()
            {
                let again = Plan { assigned: Some(id.clone()), ..*plan };
                let renamed = self.build_one(Box::new(again), How { force_refresh: false, ..how }).await;
                one.diagnostics.extend(renamed.diagnostics);
                one.built = renamed.built;
            }
            let Some(built) = &one.built else { continue };
            let actual = built.service.id.clone();
            if !taken.insert(actual.clone()) {
                let message = format!("the service id \"{actual}\" is already taken by another source");
                let hint = "Name the service under \"services\" in the configuration.";
                one.diagnostics.push(error(&one.source_id, "service_id_taken", message, hint));
                one.built = None;
            } else if actual != wish.derived {
                let message = format!(
                    "the id of {} would be \"{}\", which another service has; it is \"{actual}\"",
                    built.inputs.location, wish.derived
                );
                let hint = "Name its description as a source of its own, and a service for it, to choose another.";
                diagnostics.push(note(&actual, "service_renamed", message, hint));
            }
        }
    }

    /// The configuration in force now, with those services of `previous` that it still has: what a new policy needs
    /// while slow sources are still being read. `None` when the configuration can't be used.
    pub fn restate(&self, previous: &Snapshot) -> Option<Snapshot> {
        let (stamps, loaded) = self.load_config();
        let config = Arc::new(loaded.ok()?);
        let (work, mut diagnostics) = self.plans(&config.config);
        let mut services: Vec<Arc<BuiltService>> = Vec::new();
        for work in &work {
            match work {
                Work::Service(plan) => services.extend(plan.last_good(Some(previous))),
                Work::Discover(source) => services.extend(source.known(previous).cloned()),
            }
        }
        // What the configuration names goes before what was discovered.
        services.sort_by_key(|built| built.inputs.derived.is_some());
        let mut taken = BTreeSet::new();
        services.retain(|built| taken.insert(built.service.id.clone()));
        diagnostics.extend(mcp::unserved(&config, &mut services));
        let pins = Pins::of(&config.config, previous.pins.as_ref());
        let mut stamps = stamps;
        stamps.extend(pins.iter().map(|pins| pins.file.stamp.clone()));
        let parts = Parts {
            policy: open_cli_policy::PolicyTable::new(rules::rules(&config)),
            secrets: rules::secrets(&config.config),
            config_digest: digest_of(&config).ok()?,
            config,
            services,
            kept: Arc::clone(&self.kept),
            generated_at: Timestamp::now(),
            sources: previous.sources.clone(),
            diagnostics,
            config_stamps: stamps.len(),
            stamps,
            listings: previous.listings.clone(),
            revalidate_at: previous.revalidate_at,
            found: previous.found.clone(),
            pins,
        };
        Snapshot::new(parts).ok()
    }

    /// The configuration alone.
    pub(crate) fn config(&self) -> Result<Loaded, BuildError> {
        let (stamps, loaded) = self.load_config();
        loaded.map_err(|error| BuildError { message: error.render(), stamps })
    }

    /// Stamps are taken before the files are read: a change in between shows as a change afterwards.
    fn load_config(&self) -> (Vec<FileStamp>, Result<Loaded, ConfigError>) {
        let stamps = self.locations.probed().iter().map(|path| FileStamp::of(path)).collect();
        (stamps, open_cli_config::load(&self.locations))
    }
}

/// A lock file can be large.
async fn pins(config: &Arc<Loaded>, previous: Option<&Snapshot>) -> Result<Option<Pins>, String> {
    if config.config.catalog.lock.is_none() {
        return Ok(None);
    }
    let (config, known) = (Arc::clone(config), previous.and_then(|snapshot| snapshot.pins.clone()));
    let read = tokio::task::spawn_blocking(move || Pins::of(&config.config, known.as_ref()));
    read.await.map_err(|error| format!("reading the lock file failed: {error}"))
}

/// Holding tools against a lock takes time; without one there is nothing to wait for.
async fn frozen(parts: Parts) -> Result<Snapshot, BuildError> {
    let stamps = parts.stamps.clone();
    let result = match parts.pins.is_some() {
        true => tokio::task::spawn_blocking(move || Snapshot::new(parts)).await.map_err(|error| error.to_string()),
        false => Ok(Snapshot::new(parts)),
    };
    let result = result.and_then(|result| result.map_err(|error| error.to_string()));
    result.map_err(|message| BuildError { message, stamps })
}

/// PROV-1 to PROV-3: one record per enabled source that took part.
fn sources(config: &Config, done: &[Done], generated_at: Timestamp) -> Vec<Source> {
    let mut fetches: BTreeMap<&str, Vec<FetchRecord>> = BTreeMap::new();
    for one in done {
        fetches.entry(&one.source_id).or_default().extend(one.fetches.iter().cloned());
    }
    let record = |(id, fetches): (&str, Vec<FetchRecord>)| {
        let source = config.sources.get(id)?;
        Some(Source {
            id: id.to_owned(),
            kind: source.kind.as_str().to_owned(),
            uri: redact::text(source.uri.as_ref().map_or("", |uri| uri.text())),
            provenance: Provenance {
                method: match source.kind {
                    SourceKind::ApiCatalog => DiscoveryMethod::Rfc9727,
                    SourceKind::ServiceRoot => DiscoveryMethod::Rfc8631,
                    SourceKind::OpenApi | SourceKind::Mcp => DiscoveryMethod::Explicit,
                },
                at: fetches.first().map_or(generated_at, |fetch| fetch.fetched_at),
                fetches,
            },
        })
    };
    fetches.into_iter().filter_map(record).collect()
}

/// W30: a service that can't be reached by its alias.
fn alias_diagnostics(services: &[Arc<BuiltService>]) -> Vec<Diagnostic> {
    let is_reserved =
        |built: &&Arc<BuiltService>| BUILT_IN_COMMANDS.contains(&command_word(&built.service.alias).as_str());
    let remark = |built: &Arc<BuiltService>| Diagnostic {
        severity: Severity::Warning,
        code: "alias_reserved".into(),
        source: built.service.id.clone(),
        pointer: String::new(),
        message: format!("the alias \"{}\" is a command of open-cli's own", built.service.alias),
        hint: format!("Call it as \"open-cli svc:{}\", or give the service another alias.", built.service.alias),
    };
    services.iter().filter(is_reserved).map(remark).collect()
}

fn digest_of(loaded: &Loaded) -> Result<[u8; 32], serde_json::Error> {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(serde_json::to_vec(&loaded.config)?);
    hash.update(serde_json::to_vec(&loaded.managed_deny)?);
    Ok(hash.finalize().into())
}
