//! From the configuration to what is to be built (BP-1, BP-2, BP-4): services, and sources whose services are not known
//! before they are discovered. Not for reading anything.

use crate::diagnostics::error;
use crate::guides::{GuideKind, GuideRef};
use crate::inputs::Origin;
use crate::mcp::{Mcp, McpSource};
use crate::servers::Serving;
use crate::service::BuiltService;
use crate::snapshot::Snapshot;
use open_cli_config::{Config, Reference, Refresh, Service as ConfigService, Source as ConfigSource, SourceKind};
use open_cli_contract::catalog::{Diagnostic, DiscoveryMethod, FetchRecord};
use open_cli_contract::reach::Reach;
use open_cli_documents::{FetchPolicy, FileStamp, Guard, Location};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What a service of the configuration says about itself.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) alias: String,
    /// The operator's overlays, in order.
    pub(crate) overlays: Vec<OverlayRef>,
    /// The operator's skill manifests, then workflow documents, in order.
    pub(crate) guides: Vec<GuideRef>,
    /// Which servers are called.
    pub(crate) serving: Serving,
}

/// An overlay to apply.
#[derive(Debug, Clone)]
pub(crate) struct OverlayRef {
    /// Where it is; the error says what is wrong with the reference.
    pub(crate) location: Result<Location, String>,
    /// Attached by the publisher of the service.
    pub(crate) is_publishers: bool,
}

/// A service that is to be built.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) named: Option<Named>,
    /// The id it gets when its own is taken.
    pub(crate) assigned: Option<String>,
    pub(crate) source_id: String,
    pub(crate) location: Result<Location, String>,
    pub(crate) refresh: Refresh,
    /// Where its documents may be.
    pub(crate) guard: Arc<Guard>,
    pub(crate) method: DiscoveryMethod,
    /// In the order of application: the publisher's, then the operator's (deviation 9).
    pub(crate) overlays: Vec<OverlayRef>,
    /// Skill manifests, then workflow documents, likewise.
    pub(crate) guides: Vec<GuideRef>,
    pub(crate) origin: Option<Origin>,
    /// Records of its discovery.
    pub(crate) fetches: Vec<FetchRecord>,
    /// The MCP server that is described, instead of a description that is read.
    pub(crate) mcp: Option<McpSource>,
}

/// A source whose services are to be discovered.
#[derive(Debug, Clone)]
pub(crate) struct SourcePlan {
    pub(crate) source_id: String,
    pub(crate) kind: SourceKind,
    pub(crate) location: Result<Location, String>,
    pub(crate) refresh: Refresh,
    /// Where its documents may be.
    pub(crate) guard: Arc<Guard>,
    /// The service of the configuration that refers to it.
    pub(crate) named: Option<Named>,
}

/// Something to do.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Service(Box<Plan>),
    Discover(Box<SourcePlan>),
}

/// Everything to do: services ascending, then enabled sources that no service references.
pub(crate) fn plans(config: &Config, mcp: &Mcp<'_>) -> (Vec<Work>, Vec<Diagnostic>) {
    let mut work = Vec::new();
    let mut diagnostics = Vec::new();
    let mut referenced = BTreeSet::new();
    for (id, service) in &config.services {
        let Some((source_id, source)) = config.sources.get_key_value(&service.source) else { continue };
        referenced.insert(source_id.as_str());
        if !source.enabled {
            continue;
        }
        work.extend(work_of(source_id, source, Some((id, service)), mcp, &mut diagnostics));
    }
    for (source_id, source) in &config.sources {
        if source.enabled && !referenced.contains(source_id.as_str()) {
            work.extend(work_of(source_id, source, None, mcp, &mut diagnostics));
        }
    }
    (work, diagnostics)
}

fn work_of(
    source_id: &str,
    source: &ConfigSource,
    service: Option<(&str, &ConfigService)>,
    mcp: &Mcp<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Work> {
    let guard = Arc::new(guard(source, service.map(|(_, service)| service)));
    let named = service.map(|(id, service)| named(id, service));
    let location = location(source.uri.as_ref());
    let name = named.as_ref().map_or(source_id, |named| &named.id).to_owned();
    match (source.kind, named) {
        (SourceKind::OpenApi, named) => Some(Work::Service(Box::new(Plan {
            overlays: named.as_ref().map(|named| named.overlays.clone()).unwrap_or_default(),
            guides: named.as_ref().map(|named| named.guides.clone()).unwrap_or_default(),
            named,
            assigned: None,
            source_id: source_id.to_owned(),
            location,
            refresh: source.refresh,
            guard,
            method: DiscoveryMethod::Explicit,
            origin: None,
            fetches: Vec::new(),
            mcp: None,
        }))),
        // BP-4.
        (SourceKind::ApiCatalog, Some(_)) => {
            let message = format!("the source \"{source_id}\" is an API catalog, which lists services of its own");
            let hint = "Remove the service to have the catalog's services, or give it a source of type openapi.";
            diagnostics.push(error(&name, "source_type_unsupported", message, hint));
            None
        }
        (kind @ (SourceKind::ApiCatalog | SourceKind::ServiceRoot), named) => {
            Some(Work::Discover(Box::new(SourcePlan {
                source_id: source_id.to_owned(),
                kind,
                location,
                refresh: source.refresh,
                guard,
                named,
            })))
        }
        // CFG-50: there is always a service of the same name.
        (SourceKind::Mcp, named) => {
            let named = named.unwrap_or_else(|| Named::plain(source_id));
            let (location, mcp) = match mcp.source(source_id, source) {
                Ok(mcp) => (Ok(Location::Made(format!("mcp:{source_id}"))), Some(mcp)),
                Err(why) => (Err(why), None),
            };
            Some(Work::Service(Box::new(Plan {
                overlays: named.overlays.clone(),
                guides: named.guides.clone(),
                named: Some(named),
                assigned: None,
                source_id: source_id.to_owned(),
                location,
                refresh: source.refresh,
                method: DiscoveryMethod::Explicit,
                origin: None,
                guard,
                fetches: Vec::new(),
                mcp,
            })))
        }
    }
}

/// Trusted are the addresses that the operator wrote down.
fn guard(source: &ConfigSource, service: Option<&ConfigService>) -> Guard {
    let own = service.map(|service| service.overlays.iter().chain(&service.skills).chain(&service.workflows));
    let written = source.uri.iter().chain(own.into_iter().flatten());
    let urls: Vec<Url> = written.filter_map(|reference| Url::parse(&reference.resolve()).ok()).collect();
    let network = service.map_or_else(|| source.network.clone(), |service| service.network.over(&source.network));
    let allowed = network.allow_addresses.unwrap_or_default();
    Guard::new(&urls, Reach::public_and(allowed.iter().map(String::as_str)))
}

impl Named {
    fn plain(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            alias: id.to_owned(),
            overlays: Vec::new(),
            guides: Vec::new(),
            serving: Serving::default(),
        }
    }
}

fn named(id: &str, service: &ConfigService) -> Named {
    let overlay = |reference| OverlayRef { location: location(Some(reference)), is_publishers: false };
    Named {
        id: id.to_owned(),
        alias: service.alias.clone().unwrap_or_else(|| id.to_owned()),
        overlays: service.overlays.iter().map(overlay).collect(),
        guides: guides(&service.skills, GuideKind::Skill)
            .chain(guides(&service.workflows, GuideKind::Workflow))
            .collect(),
        serving: Serving::of(service),
    }
}

/// SK-3: a document that is named twice is read once, at its first place.
fn guides(references: &[Reference], kind: GuideKind) -> impl Iterator<Item = GuideRef> {
    let mut seen: Vec<Result<Location, String>> = Vec::new();
    references.iter().filter_map(move |reference| {
        let location = location(Some(reference));
        if seen.contains(&location) {
            return None;
        }
        seen.push(location.clone());
        Some(GuideRef { kind, location, is_publishers: false })
    })
}

fn location(reference: Option<&Reference>) -> Result<Location, String> {
    let text = reference.map(Reference::resolve).unwrap_or_default();
    Location::parse(&text, Path::new("/")).map_err(|error| error.to_string())
}

pub(crate) fn fetch_policy(
    refresh: Refresh,
    guard: &Arc<Guard>,
    method: DiscoveryMethod,
    force_refresh: bool,
) -> FetchPolicy {
    let max_age = (refresh.max_age_seconds > 0).then(|| Duration::from_secs(refresh.max_age_seconds));
    FetchPolicy {
        max_age,
        manual_only: refresh.manual_only,
        force_refresh,
        method,
        guard: Some(Arc::clone(guard)),
    }
}

impl Plan {
    /// The service's id, or the source's while the former is not known.
    pub(crate) fn name(&self) -> &str {
        self.named.as_ref().map_or(&self.source_id, |named| &named.id)
    }

    /// Where the operator's overlays are; `None` when one of them is nowhere.
    pub(crate) fn operators(&self) -> Option<Vec<Location>> {
        operators(&self.overlays)
    }

    /// Everything the service's tools depend on beside documents.
    pub(crate) fn key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let named = self.named.as_ref();
        for part in [named.map(|named| &named.id), named.map(|named| &named.alias), Some(&self.source_id)] {
            hash.update(part.map_or("\u{0}", String::as_str));
            hash.update([0]);
        }
        // Relative servers and references depend on where the documents are.
        let overlays = self.overlays.iter().map(|overlay| &overlay.location);
        for location in std::iter::once(&self.location).chain(overlays) {
            hash.update(location.as_ref().map_or_else(|error| error.clone(), text));
            hash.update([0]);
        }
        for guide in &self.guides {
            hash.update(guide.location.as_ref().map_or_else(|error| error.clone(), text));
            hash.update([1 + guide.kind as u8, u8::from(guide.is_publishers)]);
        }
        hash.update(self.guard.to_string());
        hash.update(self.mcp.as_ref().map(|mcp| mcp.identity).unwrap_or_default());
        self.serving().update(&mut hash);
        hash.finalize().into()
    }

    /// Which servers the operator wants to be called.
    pub(crate) fn serving(&self) -> Serving {
        self.named.as_ref().map(|named| named.serving.clone()).unwrap_or_default()
    }

    /// The last state that may stand in for this service: read from the same place, under the same overlays of the
    /// operator. One that lacks an overlay which may make it safe is none.
    pub(crate) fn last_good(&self, previous: Option<&Snapshot>) -> Option<Arc<BuiltService>> {
        let is_same = |built: &&Arc<BuiltService>| {
            let inputs = &built.inputs;
            let id_fits = match &self.named {
                Some(named) => inputs.derived.is_none() && built.service.id == named.id,
                None => inputs.derived.is_some(),
            };
            id_fits
                && built.service.source_id == self.source_id
                && self.location.as_ref() == Ok(&inputs.location)
                && self.operators().as_ref() == Some(&inputs.operators)
                // Another server, or other disabled tools.
                && self.mcp.as_ref().map(|mcp| mcp.identity) == inputs.mcp.as_ref().map(|mcp| mcp.source.identity)
                && self.serving() == inputs.serving
        };
        usable(previous?).find(is_same).cloned()
    }

    /// Stamps of the files it surely depends on, taken before they are read.
    pub(crate) fn watched(&self, last_good: Option<&BuiltService>) -> Vec<FileStamp> {
        let overlays = self.overlays.iter().map(|overlay| &overlay.location);
        let named = std::iter::once(&self.location).chain(overlays).filter_map(|location| match location {
            Ok(Location::File(path)) => Some(path.as_path()),
            _ => None,
        });
        let read = last_good.into_iter().flat_map(|built| built.inputs.stamps.iter().map(|s| s.path.as_path()));
        named.chain(read).collect::<BTreeSet<&Path>>().into_iter().map(FileStamp::of).collect()
    }

    pub(crate) fn is_remote(&self) -> bool {
        let overlays = self.overlays.iter().map(|overlay| &overlay.location);
        self.mcp.is_some()
            || std::iter::once(&self.location).chain(overlays).any(|at| at.as_ref().is_ok_and(Location::is_remote))
    }
}

impl SourcePlan {
    /// Services of an earlier build that came from here, under the same overlays of the operator.
    pub(crate) fn known<'a>(&self, previous: &'a Snapshot) -> impl Iterator<Item = &'a Arc<BuiltService>> {
        let id = self.named.as_ref().map(|named| named.id.clone());
        let operators = self.named.as_ref().map_or(Some(Vec::new()), |named| operators(&named.overlays));
        let (source_id, asked) = (self.source_id.clone(), self.location.clone());
        let serving = self.named.as_ref().map(|named| named.serving.clone()).unwrap_or_default();
        usable(previous).filter(move |built| {
            let inputs = &built.inputs;
            let id_fits = match &id {
                Some(id) => inputs.derived.is_none() && built.service.id == *id,
                None => inputs.derived.is_some(),
            };
            let is_from_here = inputs.origin.as_ref().is_some_and(|origin| asked.as_ref() == Ok(&origin.asked));
            id_fits
                && built.service.source_id == source_id
                && is_from_here
                && operators.as_ref() == Some(&inputs.operators)
                && serving == inputs.serving
        })
    }
}

/// Services of an earlier build whose tools can be read.
fn usable(previous: &Snapshot) -> impl Iterator<Item = &Arc<BuiltService>> {
    previous.services.iter().map(|placed| &placed.built).filter(|built| !built.shelf.is_damaged())
}

fn operators(overlays: &[OverlayRef]) -> Option<Vec<Location>> {
    let own = overlays.iter().filter(|overlay| !overlay.is_publishers);
    own.map(|overlay| overlay.location.clone().ok()).collect()
}

/// The whole text of a location, credentials included: for identity, never to be shown.
pub(crate) fn text(location: &Location) -> String {
    match location {
        Location::File(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url.to_string(),
        Location::Made(name) => name.clone(),
    }
}
