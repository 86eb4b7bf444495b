//! One build: configuration and documents to a snapshot. Every source and service is built on its own: what fails
//! becomes a diagnostic, keeps its last good state where it has one, and leaves the others alone (deviation 6).

use crate::rules;
use crate::service::{BuiltService, Read};
use crate::snapshot::{Parts, Snapshot};
use crate::tools;
use futures_util::stream::{StreamExt, iter};
use jiff::{SignedDuration, Timestamp};
use open_cli_config::{Config, ConfigError, Loaded, Locations, Source as ConfigSource, SourceKind};
use open_cli_contract::catalog::{
    Diagnostic, DiscoveryMethod, FetchRecord, Provenance, Service, Severity, Source,
};
use open_cli_contract::command::{BUILT_IN_COMMANDS, command_word};
use open_cli_contract::redact;
use open_cli_contract::slug::{first_literal_segment, reference_slug};
use open_cli_documents::{Documents, FetchPolicy, FileStamp, LoadedSet, Location};
use open_cli_observe::Trace;
use open_cli_openapi::Api;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Services that are loaded at the same time.
const CONCURRENT_SERVICES: usize = 4;
/// Remote inputs that say nothing of their freshness are asked for again after this.
const DEFAULT_REVALIDATION: SignedDuration = SignedDuration::from_secs(60);
/// And never more often than this: a description that is never fresh must not be fetched for every request.
const MIN_REVALIDATION: SignedDuration = SignedDuration::from_secs(5);
/// A remote source that failed is asked again after this.
const RETRY_FAILED: SignedDuration = SignedDuration::from_secs(5);

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
    locations: Locations,
    documents: Arc<Documents>,
}

/// A service that is to be built.
#[derive(Clone)]
struct Plan {
    service_id: Option<String>,
    alias: Option<String>,
    source_id: String,
    source: ConfigSource,
    location: Result<Location, String>,
}

/// What became of it.
#[derive(Default)]
struct Done {
    source_id: String,
    built: Option<Arc<BuiltService>>,
    fetches: Vec<FetchRecord>,
    diagnostics: Vec<Diagnostic>,
    stamps: Vec<FileStamp>,
    revalidate_at: Option<Timestamp>,
}

impl Plan {
    fn new(service_id: Option<String>, alias: Option<String>, source_id: &str, source: &ConfigSource) -> Self {
        let uri = source.uri.as_ref().map(|uri| uri.resolve()).unwrap_or_default();
        Self {
            service_id,
            alias,
            source_id: source_id.to_owned(),
            source: source.clone(),
            location: Location::parse(&uri, Path::new("/")).map_err(|error| error.to_string()),
        }
    }

    /// Everything the service's tools depend on.
    fn digest(&self, documents: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [self.service_id.as_deref(), self.alias.as_deref(), Some(&self.source_id)] {
            hash.update(part.unwrap_or("\u{0}"));
            hash.update([0]);
        }
        // Relative servers and references depend on where the documents are.
        hash.update(self.source.resolved_uri());
        hash.update([0]);
        hash.update(documents);
        hash.finalize().into()
    }
}

impl Builder {
    /// For the configuration at these locations; documents are read through `documents`.
    pub fn new(locations: Locations, documents: Arc<Documents>) -> Self {
        Self { locations, documents }
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
        span.end_with(result.and_then(|parts| {
            let stamps = parts.stamps.clone();
            Snapshot::new(parts).map_err(|error| BuildError { message: error.to_string(), stamps })
        }))
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
        let (plans, mut diagnostics) = plans(&config.config);
        let done: Vec<Done> = iter(plans)
            .map(|plan| self.build_one(plan, previous, force_refresh, trace))
            .buffered(CONCURRENT_SERVICES)
            .collect()
            .await;
        let sources = sources(&config.config, &done, generated_at);
        let mut services = Vec::new();
        let mut taken = BTreeSet::new();
        let mut stamps = stamps;
        let revalidate_at = done.iter().filter_map(|one| one.revalidate_at).min();
        for one in done {
            diagnostics.extend(one.diagnostics);
            stamps.extend(one.stamps);
            let Some(built) = one.built else { continue };
            // W27: two derived ids can be the same; the second service is left out, and named.
            if taken.insert(built.service.id.clone()) {
                services.push(built);
            } else {
                diagnostics.push(error(
                    &one.source_id,
                    "service_id_taken",
                    format!("the service id \"{}\" is already taken by another source", built.service.id),
                    "Name the service under \"services\" in the configuration.",
                ));
            }
        }
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
        let config_digest = digest_of(&config)
            .map_err(|error| BuildError { message: error.to_string(), stamps: stamps.clone() })?;
        Ok(Parts {
            policy: open_cli_policy::PolicyTable::new(rules::rules(&config)),
            secrets: rules::secrets(&config.config),
            config,
            services,
            generated_at,
            config_digest,
            sources,
            diagnostics,
            stamps,
            revalidate_at,
        })
    }

    /// The configuration in force now, with those services of `previous` that it still has: what a new policy needs
    /// while slow sources are still being read. `None` when the configuration can't be used.
    pub fn restate(&self, previous: &Snapshot) -> Option<Snapshot> {
        let (stamps, loaded) = self.load_config();
        let config = Arc::new(loaded.ok()?);
        let (plans, diagnostics) = plans(&config.config);
        let services = plans.iter().filter_map(|plan| plan.last_good(Some(previous))).collect();
        let parts = Parts {
            policy: open_cli_policy::PolicyTable::new(rules::rules(&config)),
            secrets: rules::secrets(&config.config),
            config_digest: digest_of(&config).ok()?,
            config,
            services,
            generated_at: Timestamp::now(),
            sources: previous.sources.clone(),
            diagnostics,
            stamps,
            revalidate_at: previous.revalidate_at,
        };
        Snapshot::new(parts).ok()
    }

    /// Stamps are taken before the files are read: a change in between shows as a change afterwards.
    fn load_config(&self) -> (Vec<FileStamp>, Result<Loaded, ConfigError>) {
        let stamps = self.locations.probed().iter().map(|path| FileStamp::of(path)).collect();
        (stamps, open_cli_config::load(&self.locations))
    }

    async fn build_one(
        &self,
        plan: Plan,
        previous: Option<&Snapshot>,
        force_refresh: bool,
        trace: &Trace,
    ) -> Done {
        let mut span = trace.span("catalog.service");
        span.set("source.id", plan.source_id.clone());
        let last_good = plan.last_good(previous);
        let mut done = Done { source_id: plan.source_id.clone(), ..Done::default() };
        // Looked at before anything is read, so that mending a broken input is noticed.
        let watched = plan.watched(last_good.as_deref());
        let result = match self.load(&plan, force_refresh, span.trace()).await {
            Ok(set) => finish(plan.clone(), set, last_good.clone(), &mut done, span.trace()).await,
            Err(message) => Err(message),
        };
        match result {
            Ok(built) => done.built = Some(built),
            Err(message) => {
                span.fail(&message);
                done.stamps = watched;
                done.revalidate_at = plan.is_remote().then(|| later(RETRY_FAILED)).flatten();
                let (code, hint) = match &last_good {
                    Some(_) => ("service_stale", "Its last good state stays in force until this is mended."),
                    None => ("source_failed", "It is left out until this is mended."),
                };
                done.diagnostics.push(error(plan.name(), code, message, hint));
                done.fetches = last_good.as_ref().map(|built| built.fetches.clone()).unwrap_or_default();
                done.built = last_good;
            }
        }
        span.end();
        done
    }

    async fn load(&self, plan: &Plan, force_refresh: bool, trace: &Trace) -> Result<LoadedSet, String> {
        let span = trace.span("documents.load");
        let source = &plan.source;
        let policy = FetchPolicy {
            max_age: (source.refresh.max_age_seconds > 0)
                .then(|| Duration::from_secs(source.refresh.max_age_seconds)),
            manual_only: source.refresh.manual_only,
            force_refresh,
            method: DiscoveryMethod::Explicit,
        };
        let result = match &plan.location {
            Ok(location) => {
                self.documents.load(location, &policy, span.trace()).await.map_err(|error| error.to_string())
            }
            Err(message) => Err(message.clone()),
        };
        span.end_with(result)
    }
}

impl Plan {
    /// The service's id, or the source's while the former is not known.
    fn name(&self) -> &str {
        self.service_id.as_deref().unwrap_or(&self.source_id)
    }

    fn last_good(&self, previous: Option<&Snapshot>) -> Option<Arc<BuiltService>> {
        let is_same = |built: &&Arc<BuiltService>| {
            let id_fits = self.service_id.as_ref().is_none_or(|id| built.service.id == *id);
            // What was read elsewhere is not the last good state of what is configured now.
            id_fits && built.service.source_id == self.source_id && built.uri == self.source.resolved_uri()
        };
        previous?.services.iter().find(is_same).cloned()
    }

    fn watched(&self, last_good: Option<&BuiltService>) -> Vec<FileStamp> {
        let root = match &self.location {
            Ok(Location::File(path)) => Some(path.as_path()),
            _ => None,
        };
        let read = last_good.into_iter().flat_map(|built| built.files.iter().map(|path| path.as_path()));
        root.into_iter().chain(read).map(FileStamp::of).collect()
    }

    fn is_remote(&self) -> bool {
        self.location.as_ref().is_ok_and(Location::is_remote)
    }
}

/// A loaded set to a service; what did not change since the last good state is not read again.
async fn finish(
    plan: Plan,
    set: LoadedSet,
    last_good: Option<Arc<BuiltService>>,
    done: &mut Done,
    trace: &Trace,
) -> Result<Arc<BuiltService>, String> {
    done.stamps = set.files.clone();
    done.fetches.clone_from(&set.fetches);
    // A reference that could not be fetched has no record, and an expiry all the same.
    let has_remote = !set.fetches.is_empty() || set.expires_at.is_some();
    if has_remote && !plan.source.refresh.manual_only {
        let expiry = set.expires_at.or_else(|| later(DEFAULT_REVALIDATION));
        done.revalidate_at = expiry.max(later(MIN_REVALIDATION));
    }
    let digest = plan.digest(&set.digest);
    if let Some(built) = last_good.filter(|built| built.digest == digest) {
        return Ok(built);
    }
    let mut span = trace.span("openapi.read");
    let result = tokio::task::spawn_blocking(move || read(&plan, set, digest)).await;
    let result = result.map_err(|error| format!("reading the description failed: {error}")).flatten();
    if let Ok(built) = &result {
        span.set("tools", built.tools.len());
    }
    span.end_with(result)
}

fn read(plan: &Plan, set: LoadedSet, digest: [u8; 32]) -> Result<Arc<BuiltService>, String> {
    let api = open_cli_openapi::read(&set.set).map_err(|error| error.to_string())?;
    let service_id = plan.service_id.clone().unwrap_or_else(|| derived_id(&api, plan));
    let alias = plan.alias.clone().unwrap_or_else(|| service_id.clone());
    let (tools, naming) = tools::tools(&service_id, &alias, &api);
    let service = Service {
        id: service_id,
        alias,
        source_id: plan.source_id.clone(),
        title: api.title.clone(),
        servers: api.servers.clone(),
    };
    let diagnostics = set.diagnostics.into_iter().chain(api.diagnostics).chain(naming).collect();
    let read = Read {
        digest,
        uri: plan.source.resolved_uri(),
        files: set.files.iter().map(|file| file.path.clone()).collect(),
        fetches: set.fetches,
    };
    BuiltService::new(service, tools, read, diagnostics).map(Arc::new).map_err(|error| error.to_string())
}

/// SE-2: the first literal path segment that slugs to something, else the title, else the last segment of the
/// source's URI. The slug is the reference's, artefacts included: tool ids begin with it, and they are kept.
fn derived_id(api: &Api, plan: &Plan) -> String {
    let from_path = api
        .operations
        .iter()
        .filter_map(|operation| first_literal_segment(&operation.path).map(reference_slug))
        .find(|id| !id.is_empty());
    let uri = plan.source.resolved_uri();
    let last_segment = uri.split(['?', '#']).next().and_then(|path| path.rsplit('/').find(|s| !s.is_empty()));
    let fallbacks = [api.title.as_str(), last_segment.unwrap_or_default(), &plan.source_id];
    from_path
        .or_else(|| fallbacks.into_iter().map(reference_slug).find(|id| !id.is_empty()))
        .unwrap_or_else(|| plan.source_id.clone())
}

/// BP-1, BP-2: services ascending, then enabled sources that no service references.
fn plans(config: &Config) -> (Vec<Plan>, Vec<Diagnostic>) {
    let mut plans = Vec::new();
    let mut diagnostics = Vec::new();
    let mut referenced = BTreeSet::new();
    for (id, service) in &config.services {
        let Some((source_id, source)) = config.sources.get_key_value(&service.source) else { continue };
        referenced.insert(source_id.as_str());
        if !source.enabled || !is_supported(id, source, &mut diagnostics) {
            continue;
        }
        // Curation and safety rules may live in an overlay: a service is never served without the ones it names.
        if !service.overlays.is_empty() {
            diagnostics.push(error(
                id,
                "overlays_unsupported",
                "the service names overlays, which this version does not apply; it is left out".into(),
                "Remove \"overlays\" from the service to serve the description as it is published.",
            ));
            continue;
        }
        for (member, references) in [("skills", &service.skills), ("workflows", &service.workflows)] {
            if !references.is_empty() {
                diagnostics.push(Diagnostic {
                    severity: Severity::Warning,
                    code: format!("{member}_unsupported"),
                    source: id.clone(),
                    pointer: String::new(),
                    message: format!("the service names {member}, which this version does not load"),
                    hint: String::new(),
                });
            }
        }
        let alias = service.alias.clone().unwrap_or_else(|| id.clone());
        plans.push(Plan::new(Some(id.clone()), Some(alias), source_id, source));
    }
    for (source_id, source) in &config.sources {
        let is_wanted = source.enabled && !referenced.contains(source_id.as_str());
        if is_wanted && is_supported(source_id, source, &mut diagnostics) {
            plans.push(Plan::new(None, None, source_id, source));
        }
    }
    (plans, diagnostics)
}

fn is_supported(name: &str, source: &ConfigSource, diagnostics: &mut Vec<Diagnostic>) -> bool {
    if source.kind == SourceKind::OpenApi {
        return true;
    }
    let kind = source.kind.as_str();
    diagnostics.push(error(
        name,
        "source_type_unsupported",
        format!("sources of type {kind} are not read by this version"),
        "Name the OpenAPI document itself, as a source of type openapi.",
    ));
    false
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
                method: DiscoveryMethod::Explicit,
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

fn error(source: &str, code: &str, message: String, hint: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.into(),
        source: source.into(),
        pointer: String::new(),
        message,
        hint: hint.into(),
    }
}

fn later(after: SignedDuration) -> Option<Timestamp> {
    Timestamp::now().checked_add(after).ok()
}
