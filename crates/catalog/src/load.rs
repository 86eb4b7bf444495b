//! One service from its documents: description, overlays, what they refer to, tools. What did not change is taken over
//! from the last build; what fails keeps its last good state, and says so (deviation 6).

use crate::diagnostics::{error, warning};
use crate::guides::{self, Guides};
use crate::inputs::Inputs;
use crate::mcp::{self, Backends, ListingStamp, Made, McpInputs};
use crate::overlays::{self, ReadOverlay, Unapplied};
use crate::plan::{Plan, fetch_policy};
use crate::service::BuiltService;
use crate::skills;
use crate::snapshot::Snapshot;
use crate::tools;
use jiff::{SignedDuration, Timestamp};
use open_cli_contract::catalog::{Diagnostic, FetchRecord, Service};
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_contract::slug::{first_literal_segment, reference_slug};
use open_cli_documents::{DocumentError, Documents, FetchPolicy, FileStamp, LoadedSet, Location, Single};
use open_cli_observe::Trace;
use open_cli_openapi::Api;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Remote inputs that say nothing of their freshness are asked for again after this.
const DEFAULT_REVALIDATION: SignedDuration = SignedDuration::from_secs(60);
/// And never more often than this: a description that is never fresh must not be fetched for every request.
const MIN_REVALIDATION: SignedDuration = SignedDuration::from_secs(5);
/// A remote source that failed is asked again after this.
pub(crate) const RETRY_FAILED: SignedDuration = SignedDuration::from_secs(5);

/// What became of one service, or of the discovery of one source.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) source_id: String,
    pub(crate) built: Option<Arc<BuiltService>>,
    pub(crate) fetches: Vec<FetchRecord>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) stamps: Vec<FileStamp>,
    /// Tools of an MCP server.
    pub(crate) listing: Option<ListingStamp>,
    pub(crate) revalidate_at: Option<Timestamp>,
    /// How to build it again under another id.
    pub(crate) plan: Option<Box<Plan>>,
}

/// Why a service can't be built.
struct Fault {
    message: String,
    diagnostics: Vec<Diagnostic>,
    /// No earlier state stands in: it would be one that somebody relies on not to be served.
    is_closed: bool,
}

impl Fault {
    fn new(message: String, diagnostics: Vec<Diagnostic>) -> Self {
        Self { message, diagnostics, is_closed: false }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::new(message, Vec::new())
    }
}

impl From<Unapplied> for Fault {
    fn from(Unapplied { message, diagnostics }: Unapplied) -> Self {
        Self::new(message, diagnostics)
    }
}

impl Fault {
    /// The description can't be had.
    fn of(error: &DocumentError, description: &Location) -> Self {
        Self::new(error.to_string(), vec![error.diagnostic(description)])
    }
}

/// Builds one service. Never fails: what went wrong is a diagnostic.
pub(crate) async fn build(
    documents: &Documents,
    plan: Box<Plan>,
    previous: Option<&Snapshot>,
    force_refresh: bool,
    trace: &Trace,
) -> Done {
    let mut span = trace.span("catalog.service");
    span.set("source.id", plan.source_id.clone());
    let mut last_good = plan.last_good(previous);
    let listing = plan.mcp.as_ref().map(ListingStamp::of);
    // Looked at before anything is read, so that mending a broken input is noticed.
    let watched = plan.watched(last_good.as_deref());
    let result = match unchanged(&plan, last_good.as_ref(), force_refresh) {
        Some(built) => Ok(built),
        None => load(documents, &plan, last_good.clone(), force_refresh, span.trace()).await,
    };
    let mut done = Done { source_id: plan.source_id.clone(), ..Done::default() };
    match result {
        Ok(built) => {
            done.stamps.clone_from(&built.inputs.stamps);
            done.fetches.clone_from(&built.inputs.fetches);
            done.listing = built.inputs.mcp.as_ref().map(McpInputs::stamp);
            // A reference that could not be fetched has no record, and an expiry all the same.
            let has_remote = !built.inputs.fetches.is_empty() || built.inputs.expires_at.is_some();
            if has_remote && !plan.refresh.manual_only {
                let expiry = built.inputs.expires_at.or_else(|| later(DEFAULT_REVALIDATION));
                done.revalidate_at = expiry.max(later(MIN_REVALIDATION));
            }
            done.built = Some(built);
        }
        Err(fault) => {
            span.fail(&fault.message);
            done.stamps = watched;
            done.listing = listing;
            last_good = last_good.filter(|_| !fault.is_closed);
            done.revalidate_at = plan.is_remote().then(|| later(RETRY_FAILED)).flatten();
            let (code, hint) = match &last_good {
                Some(_) => ("service_stale", "Its last good state stays in force until this is mended."),
                None => ("source_failed", "It is left out until this is mended."),
            };
            let about = |d: Diagnostic| Diagnostic { source: plan.name().to_owned(), ..d };
            done.diagnostics.extend(fault.diagnostics.into_iter().map(about));
            done.diagnostics.push(error(plan.name(), code, fault.message, hint));
            done.fetches = last_good.as_ref().map(|built| built.inputs.fetches.clone()).unwrap_or_default();
            done.built = last_good;
        }
    }
    done.plan = Some(plan);
    span.end();
    done
}

/// The last state, when nothing can have changed since.
fn unchanged(
    plan: &Plan,
    last_good: Option<&Arc<BuiltService>>,
    force_refresh: bool,
) -> Option<Arc<BuiltService>> {
    let built = last_good.filter(|built| !force_refresh && built.inputs.key == plan.key())?;
    // Of a service that is to be renamed, only the documents are the same.
    let keeps_id = plan.assigned.as_ref().is_none_or(|id| *id == built.service.id);
    if !keeps_id || !built.inputs.are_current() {
        return None;
    }
    if built.inputs.fetches.is_empty() {
        return Some(Arc::clone(built));
    }
    let inputs = Inputs { fetches: built.inputs.fresh_records(), ..built.inputs.clone() };
    Some(Arc::new(built.with_inputs(inputs)))
}

async fn load(
    documents: &Documents,
    plan: &Plan,
    last_good: Option<Arc<BuiltService>>,
    force_refresh: bool,
    trace: &Trace,
) -> Result<Arc<BuiltService>, Fault> {
    let policy = fetch_policy(plan.refresh, &plan.guard, plan.method, force_refresh);
    let span = trace.span("documents.load");
    let location = plan.location.clone()?;
    let known = last_good.as_ref().map(|built| &built.guides);
    let (root, overlays, guides) = tokio::join!(
        description(documents, plan, &location, &policy, span.trace()),
        overlays::read(documents, &plan.overlays, &policy, span.trace()),
        guides::read(documents, &plan.guides, known, &policy, span.trace())
    );
    let (root, made) = span.end_with(root)?;
    let overlays: Arc<[ReadOverlay]> = overlays::all_of(&plan.overlays, overlays)?.into();
    let last_good = last_good.filter(|built| plan.assigned.as_ref().is_none_or(|id| *id == built.service.id));
    let head = head(plan, &root, &overlays, &guides);
    if let Some(built) = last_good.as_ref().filter(|built| built.inputs.head == head && built.inputs.is_alone) {
        let read = Reading::of_one(&root);
        let inputs = read.inputs(plan, &location, &overlays, &guides, head, &built.inputs.derived);
        return Ok(Arc::new(built.with_inputs(listed(inputs, made.as_ref())).with_guides(guides)));
    }
    let made = made.map(Arc::new);
    let (root, mut remarks) = edited(root, plan, made.as_ref(), &overlays, trace).await?;
    remarks.extend(made.iter().flat_map(|made| made.remarks.iter().cloned()));
    let span = trace.span("documents.follow");
    let set = documents.follow(root, &policy, span.trace()).await;
    let set = span.end_with(set).map_err(|error| Fault::of(&error, &location))?;
    let digest = digest(head, &set);
    let reading = Reading::of_set(&set);
    if let Some(built) = last_good.as_ref().filter(|built| built.digest == digest) {
        let inputs = reading.inputs(plan, &location, &overlays, &guides, head, &built.inputs.derived);
        return Ok(Arc::new(built.with_inputs(listed(inputs, made.as_deref())).with_guides(guides)));
    }
    let mut span = trace.span("openapi.read");
    let inputs = listed(reading.inputs(plan, &location, &overlays, &guides, head, &None), made.as_deref());
    let plan = plan.clone();
    let backends = made.map(|made| made.backends.clone());
    let attached = Attached { overlays, guides, remarks, backends };
    let work = move || read(&plan, &set, inputs, digest, attached, last_good.as_deref());
    let result = tokio::task::spawn_blocking(work).await;
    let result = result.map_err(|error| Fault::from(format!("reading the description failed: {error}"))).flatten();
    match &result {
        Ok(built) => span.set("tools", built.shelf.len()),
        Err(fault) => span.fail(&fault.message),
    }
    span.end();
    result
}

/// The description: read, or made of the tools of an MCP server.
async fn description(
    documents: &Documents,
    plan: &Plan,
    location: &Location,
    policy: &FetchPolicy,
    trace: &Trace,
) -> Result<(Single, Option<Made>), Fault> {
    match &plan.mcp {
        Some(source) => {
            let made = mcp::read(plan, source, policy.force_refresh, trace).await;
            let made = made.map_err(|(message, diagnostic)| Fault::new(message, vec![diagnostic]))?;
            Ok((made.single.clone(), Some(made)))
        }
        None => match documents.read_one(location, policy, trace).await {
            Ok(single) => Ok((single, None)),
            Err(error) => Err(Fault::of(&error, location)),
        },
    }
}

/// The description with everything that it refers to, as [`load`] read it, and the hash of all that went into it.
pub(crate) async fn again(
    documents: &Documents,
    plan: &Plan,
    guides: &Guides,
    trace: &Trace,
) -> Result<(LoadedSet, [u8; 32]), String> {
    let policy = fetch_policy(plan.refresh, &plan.guard, plan.method, false);
    let location = plan.location.clone()?;
    let (root, overlays) = tokio::join!(
        description(documents, plan, &location, &policy, trace),
        overlays::read(documents, &plan.overlays, &policy, trace)
    );
    let (root, made) = root.map_err(|fault| fault.message)?;
    let made = made.map(Arc::new);
    let overlays = overlays::all_of(&plan.overlays, overlays).map_err(|unapplied| unapplied.message)?;
    let overlays: Arc<[ReadOverlay]> = overlays.into();
    let head = head(plan, &root, &overlays, guides);
    let (root, _) = edited(root, plan, made.as_ref(), &overlays, trace).await.map_err(|fault| fault.message)?;
    let set = documents.follow(root, &policy, trace).await.map_err(|error| error.to_string())?;
    let digest = digest(head, &set);
    Ok((set, digest))
}

/// Hash of everything that decides the tools.
fn digest(head: [u8; 32], set: &LoadedSet) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(head);
    hash.update(set.digest);
    hash.finalize().into()
}

/// The description with its overlays, and what is remarkable about them.
async fn edited(
    root: Single,
    plan: &Plan,
    made: Option<&Arc<Made>>,
    overlays: &Arc<[ReadOverlay]>,
    trace: &Trace,
) -> Result<(Single, Vec<Diagnostic>), Fault> {
    if overlays.is_empty() {
        return Ok((root, Vec::new()));
    }
    let mut span = trace.span("overlays.apply");
    span.set("overlays", overlays.len());
    let (overlays, made, plan) = (Arc::clone(overlays), made.cloned(), plan.clone());
    let work = tokio::task::spawn_blocking(move || {
        if let Some(made) = &made {
            mcp::check_overlays(&plan, made, &overlays).map_err(|refused| Fault {
                is_closed: true,
                ..Fault::new(refused.message.clone(), vec![*refused])
            })?;
        }
        let (json, remarks) = overlays::apply_all(&root.document, &overlays).map_err(Fault::from)?;
        Ok((root.with_json(json), remarks))
    });
    let result = match work.await {
        Ok(result) => result,
        Err(error) => Err(Fault::from(format!("applying the overlays failed: {error}"))),
    };
    if let Err(fault) = &result {
        span.fail(&fault.message);
    }
    span.end();
    result
}

/// With the list of tools that a description was made of.
fn listed(inputs: Inputs, made: Option<&Made>) -> Inputs {
    let Some(made) = made else { return inputs };
    let expires_at = inputs.expires_at.into_iter().chain(made.single.expires_at).min();
    Inputs { mcp: Some(made.inputs.clone()), expires_at, ..inputs }
}

/// Hash of everything but what the description refers to.
fn head(plan: &Plan, root: &Single, overlays: &[ReadOverlay], guides: &Guides) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(plan.key());
    hash.update(root.digest);
    overlays.iter().for_each(|overlay| hash.update(overlay.digest));
    hash.update(guides.skills_digest);
    hash.finalize().into()
}

/// What was read of a description.
struct Reading {
    is_alone: bool,
    stamps: Vec<FileStamp>,
    fetches: Vec<FetchRecord>,
    expires_at: Option<Timestamp>,
}

impl Reading {
    fn of_one(root: &Single) -> Self {
        Self {
            is_alone: true,
            stamps: root.stamp.iter().cloned().collect(),
            fetches: root.fetch.iter().cloned().collect(),
            expires_at: root.expires_at,
        }
    }

    fn of_set(set: &LoadedSet) -> Self {
        Self {
            // References that lead nowhere are asked for again too.
            is_alone: set.set.len() == 1 && set.diagnostics.is_empty(),
            stamps: set.files.clone(),
            fetches: set.fetches.clone(),
            expires_at: set.expires_at,
        }
    }

    /// With what was read before and after the description, in the order of PROV-4.
    fn inputs(
        self,
        plan: &Plan,
        location: &Location,
        overlays: &[ReadOverlay],
        guides: &Guides,
        head: [u8; 32],
        derived: &Option<String>,
    ) -> Inputs {
        let Self { is_alone, mut stamps, fetches, expires_at } = self;
        stamps.extend(overlays.iter().filter_map(|overlay| overlay.stamp.clone()));
        let of_overlays = overlays.iter().filter_map(|overlay| overlay.fetch.clone());
        stamps.extend(guides.stamps.iter().cloned());
        let of_guides = guides.fetches.iter().cloned();
        let fetches = plan.fetches.iter().cloned().chain(fetches).chain(of_overlays).chain(of_guides).collect();
        let of_overlays = overlays.iter().filter_map(|overlay| overlay.expires_at);
        let expires_at = of_overlays.chain(guides.expires_at).chain(expires_at).min();
        Inputs {
            key: plan.key(),
            head,
            is_alone,
            location: location.clone(),
            operators: plan.operators().unwrap_or_default(),
            serving: plan.serving(),
            origin: plan.origin.clone(),
            derived: derived.clone(),
            stamps,
            fetches,
            expires_at,
            mcp: None,
        }
    }
}

/// What belongs to a description without being part of it.
struct Attached {
    overlays: Arc<[ReadOverlay]>,
    guides: Guides,
    /// About the overlays, or a list of tools.
    remarks: Vec<Diagnostic>,
    /// What executes the operations, when that is not HTTP.
    backends: Option<Backends>,
}

/// From documents to tools. Blocking.
fn read(
    plan: &Plan,
    set: &LoadedSet,
    mut inputs: Inputs,
    digest: [u8; 32],
    attached: Attached,
    last_good: Option<&BuiltService>,
) -> Result<Arc<BuiltService>, Fault> {
    let Attached { overlays, guides, remarks, backends } = attached;
    let api = open_cli_openapi::read(&set.set).map_err(|fault| {
        let (message, hint) = (fault.to_string(), DiagnosticCode::DescriptionInvalid.advice());
        let diagnostic = error("", fault.code(), message.clone(), hint);
        let pointer = format!("{}#", set.set.root().location);
        Fault::new(message, vec![Diagnostic { pointer, ..diagnostic }])
    })?;
    let (id, alias) = match &plan.named {
        Some(named) => (named.id.clone(), named.alias.clone()),
        None => {
            let derived = derived_id(&api, &plan.source_id, &inputs.location);
            // What its id had to give way to is probably still there.
            let had = last_good.filter(|built| built.inputs.derived.as_ref() == Some(&derived));
            let had = had.map(|built| built.service.id.clone());
            let id = plan.assigned.clone().or(had).unwrap_or_else(|| derived.clone());
            inputs.derived = Some(derived);
            (id.clone(), id)
        }
    };
    let provenance = tools::Provenance {
        document: set.set.root().location.to_string(),
        overlays: overlays.iter().map(|overlay| overlay.location.to_string()).collect(),
        backends,
    };
    let serving = plan.serving();
    let (mut tools, naming) = tools::tools(&id, &alias, &api, &provenance, &serving);
    let guidance = skills::apply(&id, &mut tools, &guides.all);
    // What the tools' servers are wrong with was said for each of them.
    let servers = serving.settle(&api.server_choices).unwrap_or_default().servers;
    let service = Service { id, alias, source_id: plan.source_id.clone(), title: api.title.clone(), servers };
    let of_tools = api.operations.iter().map(|operation| &operation.server_choices);
    let unknown = serving.unknown_variables(of_tools).into_iter().map(|name| {
        let message = format!("no server of the description has the variable {name:?} of serverVariables");
        warning("", "server_invalid", message, "Correct its name, or remove it.")
    });
    let unchecked = set.set.iter().flat_map(|document| {
        let text = std::str::from_utf8(&document.json).unwrap_or_default();
        crate::unchecked::patterns(&document.location.to_string(), text)
    });
    let own: Vec<Diagnostic> = unknown.chain(unchecked).collect();
    let references = set.diagnostics.iter().cloned();
    let diagnostics = remarks.into_iter().chain(references).chain(api.diagnostics).chain(naming).chain(own);
    let built = BuiltService::new(service, tools, digest, inputs, diagnostics.chain(guidance).collect());
    let built = built.map_err(|error| Fault::from(error.to_string()))?;
    Ok(Arc::new(built.with_guides(guides)))
}

/// SE-2: the first literal path segment that slugs to something, else the title, else the last segment of the
/// address. The slug is the reference's, artefacts included: tool ids begin with it, and they are kept.
pub(crate) fn derived_id(api: &Api, source_id: &str, location: &Location) -> String {
    let from_path = api
        .operations
        .iter()
        .filter_map(|operation| first_literal_segment(&operation.path).map(reference_slug))
        .find(|id| !id.is_empty());
    let address = match location {
        Location::Url(url) => url.path().to_owned(),
        Location::File(path) => path.to_string_lossy().into_owned(),
        Location::Made(name) => name.clone(),
    };
    let last_segment = address.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or_default();
    let fallbacks = [api.title.as_str(), last_segment, source_id];
    from_path
        .or_else(|| fallbacks.into_iter().map(reference_slug).find(|id| !id.is_empty()))
        .unwrap_or_else(|| source_id.to_owned())
}

pub(crate) fn later(after: SignedDuration) -> Option<Timestamp> {
    Timestamp::now().checked_add(after).ok()
}
