//! Sources whose services are discovered (catalog-and-execution §2, §3): one discovery gives plans of services, or what
//! an earlier one gave while this one fails. Not for looking around; that is `discovery`.

use crate::diagnostics::{error, note, warning};
use crate::guides::{GuideKind, GuideRef};
use crate::inputs::Origin;
use crate::load::{Done, RETRY_FAILED, later};
use crate::plan::{OverlayRef, Plan, SourcePlan, fetch_policy};
use crate::service::BuiltService;
use crate::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};
use open_cli_config::SourceKind;
use open_cli_contract::catalog::{Diagnostic, DiscoveryMethod};
use open_cli_discovery::{Discovered, DiscoveredService, Discovery, ServiceMeta, StepOutcome};
use open_cli_documents::Location;
use open_cli_observe::Trace;
use std::sync::Arc;

/// Discovery asks many places, so it is repeated no more often than this, unless `refresh.maxAgeSeconds` says so.
const MIN_REDISCOVERY: SignedDuration = SignedDuration::from_secs(60);
/// And never more often than this.
const MIN_REVALIDATION: SignedDuration = SignedDuration::from_secs(5);
/// Places that the note about a discovery names.
const MAX_TOLD_STEPS: usize = 16;

/// What one discovery found, kept while it is fresh.
#[derive(Debug)]
pub(crate) struct Found {
    source_id: String,
    kind: SourceKind,
    asked: Location,
    discovered: Discovered,
    revalidate_at: Option<Timestamp>,
}

/// What one source comes to.
#[derive(Default)]
pub(crate) struct Expanded {
    /// Records, diagnostics and the next look, without a service.
    pub(crate) done: Done,
    pub(crate) plans: Vec<Plan>,
    /// Services of an earlier build that stay although they were not found.
    pub(crate) kept: Vec<Arc<BuiltService>>,
    pub(crate) found: Option<Arc<Found>>,
}

impl Expanded {
    fn failed(source: &SourcePlan, message: String) -> Self {
        let diagnostics = vec![error(source.name(), "source_failed", message, "Correct the address.")];
        let done = Done { source_id: source.source_id.clone(), diagnostics, ..Done::default() };
        Self { done, ..Self::default() }
    }
}

impl SourcePlan {
    /// The service's id, or the source's when no service refers to it.
    pub(crate) fn name(&self) -> &str {
        self.named.as_ref().map_or(&self.source_id, |named| &named.id)
    }

    /// A discovery that is still fresh.
    fn fresh(&self, previous: Option<&Snapshot>) -> Option<Arc<Found>> {
        let is_same = |found: &&Arc<Found>| {
            let is_fresh = found.revalidate_at.is_some_and(|at| Timestamp::now() < at);
            is_fresh
                && found.source_id == self.source_id
                && found.kind == self.kind
                && self.location.as_ref() == Ok(&found.asked)
                && !has_errors(&found.discovered)
        };
        previous?.found.iter().find(is_same).cloned()
    }
}

fn has_errors(discovered: &Discovered) -> bool {
    discovered.diagnostics.iter().any(|diagnostic| diagnostic.severity.is_error())
}

/// Discovers the services of a source.
pub(crate) async fn expand(
    discovery: &Discovery,
    source: SourcePlan,
    previous: Option<&Snapshot>,
    force_refresh: bool,
    trace: &Trace,
) -> Expanded {
    let asked = match &source.location {
        Ok(location) => location.clone(),
        Err(message) => return Expanded::failed(&source, message.clone()),
    };
    let Some(url) = asked.origin_url() else {
        let message = format!("{asked} is no http or https URL, which discovery needs");
        return Expanded::failed(&source, message);
    };
    let found = match source.fresh(previous).filter(|_| !force_refresh) {
        Some(found) => found,
        None => {
            // Discovery says itself why it reads each document.
            let policy = fetch_policy(source.refresh, &source.guard, DiscoveryMethod::Explicit, force_refresh);
            let discovered = match source.kind {
                SourceKind::ServiceRoot => discovery.service_root(url, &policy, trace).await,
                _ => discovery.api_catalog(url, &policy, trace).await,
            };
            let revalidate_at = next_look(&source, &discovered);
            let (source_id, kind) = (source.source_id.clone(), source.kind);
            Arc::new(Found { source_id, kind, asked: asked.clone(), discovered, revalidate_at })
        }
    };
    expanded(&source, found, previous)
}

fn next_look(source: &SourcePlan, discovered: &Discovered) -> Option<Timestamp> {
    if source.refresh.manual_only {
        return None;
    }
    if has_errors(discovered) {
        return later(RETRY_FAILED);
    }
    let configured = i64::try_from(source.refresh.max_age_seconds).unwrap_or(i64::MAX);
    let least = match configured {
        0 => MIN_REDISCOVERY,
        seconds => SignedDuration::from_secs(seconds).clamp(MIN_REVALIDATION, MIN_REDISCOVERY),
    };
    discovered.expires_at.max(later(least))
}

fn expanded(source: &SourcePlan, found: Arc<Found>, previous: Option<&Snapshot>) -> Expanded {
    let discovered = &found.discovered;
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let about = |d: &Diagnostic| Diagnostic { source: source.source_id.clone(), ..d.clone() };
    diagnostics.extend(discovered.diagnostics.iter().map(about));
    diagnostics.push(told(source, discovered));
    let mut plans = Vec::new();
    for service in meant(source, &found.asked, discovered, &mut diagnostics) {
        let origin = origin(&found.asked, service);
        plans.extend(plan(source, service, origin));
    }
    let mut kept = Vec::new();
    for built in previous.into_iter().flat_map(|previous| source.known(previous)) {
        let is_found = plans.iter().any(|plan| plan.location.as_ref() == Ok(&built.inputs.location));
        if !is_found && is_hidden_by_a_fault(built, discovered) {
            let message = format!("the service {} was not found this time", built.service.title);
            let hint = "Its last good state stays in force until the fault of its source is mended.";
            diagnostics.push(error(&built.service.id, "service_stale", message, hint));
            kept.push(Arc::clone(built));
        }
    }
    if plans.is_empty() && kept.is_empty() && source.named.is_some() {
        let message = "no description of the service was found".to_owned();
        let hint = "The diagnostics of its source say where it was looked for.";
        diagnostics.push(error(source.name(), "source_failed", message, hint));
    }
    let done = Done {
        source_id: source.source_id.clone(),
        fetches: discovered.fetches.clone(),
        diagnostics,
        revalidate_at: found.revalidate_at,
        ..Done::default()
    };
    Expanded { done, plans, kept, found: Some(found) }
}

/// Plans of the services that a discovery found, if it was one of this source.
pub(crate) fn plans_of(source: &SourcePlan, found: &Arc<Found>) -> Vec<Plan> {
    let is_its = found.source_id == source.source_id && source.location.as_ref() == Ok(&found.asked);
    if is_its { expanded(source, Arc::clone(found), None).plans } else { Vec::new() }
}

/// The services that count. A service of the configuration is one: the root itself, or the only one it leads to. The
/// operator's overlays are made for that one, so others are not served under its name.
fn meant<'a>(
    source: &SourcePlan,
    asked: &Location,
    discovered: &'a Discovered,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<&'a DiscoveredService> {
    let all: Vec<&DiscoveredService> = discovered.services.iter().collect();
    let Some(named) = &source.named else { return all };
    if all.len() < 2 {
        return all;
    }
    let bases = |services: &[&DiscoveredService]| {
        services.iter().take(MAX_TOLD_STEPS).map(|service| service.base.to_string()).collect::<Vec<_>>().join(", ")
    };
    let hint = "Name each as a source of its own, or have no service refer to the source.";
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|service| service.base == *asked);
    if own.is_empty() {
        let message =
            format!("the source leads to several services ({}), none of them at its address", bases(&others));
        diagnostics.push(error(&named.id, "service_ambiguous", message, hint));
    } else {
        let message = format!("the source leads to other services too, which are left out: {}", bases(&others));
        diagnostics.push(warning(&named.id, "services_left_out", message, hint));
    }
    own
}

fn origin(asked: &Location, service: &DiscoveredService) -> Origin {
    let mut path = service.chain.clone();
    path.push(service.base.to_string());
    Origin { asked: asked.clone(), path }
}

fn plan(source: &SourcePlan, service: &DiscoveredService, origin: Origin) -> Option<Plan> {
    let location = service.description()?.clone();
    let meta = &service.service_meta;
    let operators = source.named.as_ref().map(|named| named.overlays.clone()).unwrap_or_default();
    let is_operators = |location: &&Location| operators.iter().any(|own| own.location.as_ref() == Ok(location));
    let publishers = meta.overlays.iter().filter(|location| !is_operators(location));
    let publishers = publishers.map(|at| OverlayRef { location: Ok(at.clone()), is_publishers: true });
    let mut overlays: Vec<OverlayRef> = publishers.collect();
    if meta.is_incomplete {
        let message = "metadata of the service can't be read in full, which may attach an overlay".to_owned();
        overlays.push(OverlayRef { location: Err(message), is_publishers: true });
    }
    overlays.extend(operators);
    Some(Plan {
        named: source.named.clone(),
        assigned: None,
        source_id: source.source_id.clone(),
        location: Ok(location),
        refresh: source.refresh,
        guard: Arc::clone(&source.guard),
        method: service.method,
        overlays,
        guides: guides(source, meta),
        origin: Some(origin),
        mcp: None,
        fetches: service.fetches.clone(),
    })
}

/// Skill manifests, then workflow documents: the publisher's, then the operator's, which count in case of doubt
/// (deviation 9).
fn guides(source: &SourcePlan, meta: &ServiceMeta) -> Vec<GuideRef> {
    let operators = source.named.as_ref().map(|named| named.guides.as_slice()).unwrap_or_default();
    let mut all = Vec::new();
    for (kind, published) in [(GuideKind::Skill, &meta.skills), (GuideKind::Workflow, &meta.workflows)] {
        let own = operators.iter().filter(|guide| guide.kind == kind);
        let is_own = |at: &Location| own.clone().any(|guide| guide.location.as_ref() == Ok(at));
        let published = published.iter().filter(|at| !is_own(at));
        all.extend(published.map(|at| GuideRef { kind, location: Ok(at.clone()), is_publishers: true }));
        all.extend(own.clone().cloned());
    }
    all
}

/// True when a fault of discovery may be why a service is not there any more.
fn is_hidden_by_a_fault(built: &BuiltService, discovered: &Discovered) -> bool {
    let path = built.inputs.origin.as_ref().map(|origin| origin.path.as_slice()).unwrap_or_default();
    discovered.diagnostics.iter().filter(|diagnostic| diagnostic.severity.is_error()).any(|diagnostic| {
        // A bound that was met hides anything.
        let is_general = diagnostic.pointer.is_empty() || diagnostic.code == "discovery_limit";
        discovered.services.is_empty() || is_general || path.contains(&diagnostic.pointer)
    })
}

/// Which step won, and what the others said.
fn told(source: &SourcePlan, discovered: &Discovered) -> Diagnostic {
    let (won, others): (Vec<_>, Vec<_>) =
        discovered.steps.iter().partition(|step| step.outcome == StepOutcome::Found);
    let mut message = match discovered.services.len() {
        1 => "1 service was found".to_owned(),
        count => format!("{count} services were found"),
    };
    for (lead, steps) in [(". Found: ", won), (". Beside it: ", others)] {
        if steps.is_empty() {
            continue;
        }
        let shown: Vec<String> = steps.iter().take(MAX_TOLD_STEPS).map(ToString::to_string).collect();
        message.push_str(lead);
        message.push_str(&shown.join("; "));
        if steps.len() > MAX_TOLD_STEPS {
            message.push_str(&format!("; and {} more places", steps.len() - MAX_TOLD_STEPS));
        }
    }
    note(&source.source_id, "discovery", message, "")
}
