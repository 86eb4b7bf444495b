//! [`Discovery`]: from the address of a catalog or of a service to the descriptions behind it. The order of looking is
//! written here: what was named, what it links to, what stands at the usual places.

use crate::catalog::{self, Read};
use crate::outcome::{Discovered, StepKind, diagnostic, told};
use crate::relations::without_fragment;
use crate::service::{self, Completed, DiscoveredMethod, Named, Root};
use crate::session::Session;
use crate::{Limits, places};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use open_cli_contract::catalog::{FetchRecord, Severity};
use open_cli_contract::redact;
use open_cli_documents::{Documents, FetchPolicy};
use open_cli_observe::Trace;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

/// May a document (the first) lead to an address (the second)? The error says why not. Asked before every request that
/// a document caused, redirects excluded; never for the configured address.
pub type FollowRule = Arc<dyn Fn(&Url, &Url) -> Result<(), String> + Send + Sync>;

/// Catalogs that a page links to and that are tried.
const MAX_LEADS: usize = 4;

/// Finds API descriptions. Cheap to clone.
#[derive(Clone)]
pub struct Discovery {
    documents: Documents,
    limits: Arc<Limits>,
    rule: Option<FollowRule>,
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Discovery {
    /// Touches neither disk nor network. Every `http(s)` link is followed.
    pub fn new(documents: Documents, limits: Limits) -> Self {
        Self { documents, limits: Arc::new(limits), rule: None }
    }

    /// The same, following only what the rule allows.
    #[must_use]
    pub fn following(self, rule: FollowRule) -> Self {
        Self { rule: Some(rule), ..self }
    }

    fn session<'a>(&'a self, policy: &'a FetchPolicy) -> Session<'a> {
        Session {
            documents: &self.documents,
            limits: &self.limits,
            rule: self.rule.as_ref(),
            policy,
            deadline: Instant::now() + self.limits.total_time,
        }
    }

    /// Reads an API catalog (RFC 9727) with everything nested in it, and the service roots of what it lists. When the
    /// address is none, the catalogs that its answer links to are tried, then `/.well-known/api-catalog`.
    pub async fn api_catalog(&self, url: &Url, policy: &FetchPolicy, trace: &Trace) -> Discovered {
        let mut span = trace.span("discovery.api_catalog");
        span.set("url", redact::url(url));
        let session = self.session(policy);
        let mut out = Discovered::default();
        let url = without_fragment(url.clone());
        if is_http(&url, &mut out) {
            let read = catalog::read(&session, StepKind::ApiCatalog, &url, None, span.trace()).await;
            if let Some((root, before)) = self.first_catalog(&session, read, &mut out, span.trace()).await {
                let named = catalog::walk(&session, root, &before, &mut out, span.trace()).await;
                complete_all(&session, named, &mut out, span.trace()).await;
            }
        }
        finish(&mut out, policy);
        span.set("services", out.services.len().to_string());
        if out.services.is_empty() {
            span.fail("no service was found");
        }
        span.end();
        out
    }

    /// The catalog at the address, or else the first of those it leads to, with the addresses before it.
    async fn first_catalog(
        &self,
        session: &Session<'_>,
        read: Read,
        out: &mut Discovered,
        trace: &Trace,
    ) -> Option<(Read, Vec<String>)> {
        let (url, shown) = (read.url.clone(), read.step.url.clone());
        let Err(no_catalog) = &read.links else { return Some((read, Vec::new())) };
        let mut candidates: Vec<(StepKind, Url)> = Vec::new();
        let leads = no_catalog.leads.iter().take(MAX_LEADS).cloned();
        candidates.extend(leads.map(|lead| (StepKind::LinkedCatalog, lead)));
        candidates.push((StepKind::WellKnownCatalog, places::catalog(&url)));
        // What an outage hides must not be replaced by something else that happens to be up.
        let may_fall_back = !no_catalog.is_outage;
        let why = read.step.detail.clone();
        out.steps.push(read.step);
        let mut tried = HashSet::from([url.clone()]);
        for (kind, candidate) in candidates {
            if !may_fall_back || !tried.insert(candidate.clone()) {
                continue;
            }
            let other = catalog::read(session, kind, &candidate, Some(&url), trace).await;
            if other.links.is_ok() {
                let used = other.step.url.clone();
                let message = format!("{shown} is no API catalog ({why}); {used} is, and is used instead.");
                let hint = "Name the catalog itself in the configuration.";
                out.diagnostics.push(diagnostic(Severity::Note, "api_catalog_elsewhere", &shown, message, hint));
                return Some((other, vec![shown]));
            }
            out.steps.push(other.step);
        }
        let message = format!("No API catalog was found at {shown}. {}.", told(&out.steps));
        let hint = "Check the address, and whether it needs a sign-in; for an API description itself use a source of \
                    type `openapi`, for a service a source of type `serviceRoot`.";
        out.diagnostics.push(diagnostic(Severity::Error, "api_catalog_unreadable", &shown, message, hint));
        None
    }

    /// Asks a service root (RFC 8631) for its description: its links, its HTML, itself; then the catalogs that it links
    /// to, `/.well-known/api-catalog`, and the usual names of descriptions. Several services are possible: links may be
    /// about other resources, and catalogs list several.
    pub async fn service_root(&self, url: &Url, policy: &FetchPolicy, trace: &Trace) -> Discovered {
        let mut span = trace.span("discovery.service_root");
        span.set("url", redact::url(url));
        let session = self.session(policy);
        let mut out = Discovered::default();
        let url = without_fragment(url.clone());
        if is_http(&url, &mut out) {
            self.find_service(&session, &url, &mut out, span.trace()).await;
        }
        finish(&mut out, policy);
        if out.services.is_empty() {
            span.fail("no description was found");
        }
        span.end();
        out
    }

    async fn find_service(&self, session: &Session<'_>, url: &Url, out: &mut Discovered, trace: &Trace) {
        let shown = redact::url(url);
        let mut root = service::ask(session, url, None, trace).await;
        out.diagnostics.extend(service::faulty(&shown, &root.faults));
        let mut told_steps = root.steps.clone();
        out.steps.append(&mut root.steps);
        if root.own.desc.is_empty() && root.others.is_empty() && !root.is_outage {
            let kinds = root.catalogs.iter().take(MAX_LEADS).map(|lead| (StepKind::LinkedCatalog, lead.clone()));
            let candidates: Vec<_> = kinds.chain([(StepKind::WellKnownCatalog, places::catalog(url))]).collect();
            let before = out.steps.len();
            if self.services_of_catalogs(session, url, candidates, out, trace).await {
                return;
            }
            told_steps.extend(out.steps.iter().skip(before).cloned());
            root.guess(session, url, false, trace).await;
            told_steps.extend(root.steps.iter().cloned());
            out.steps.append(&mut root.steps);
        }
        if root.own.desc.is_empty() && root.others.is_empty() {
            root.steps = told_steps;
            out.diagnostics.push(service::missing(&shown, &root));
            return;
        }
        finish_root(session, url, root, out, trace).await;
    }

    /// The services of the first catalog that lists any of those that are meant.
    async fn services_of_catalogs(
        &self,
        session: &Session<'_>,
        url: &Url,
        candidates: Vec<(StepKind, Url)>,
        out: &mut Discovered,
        trace: &Trace,
    ) -> bool {
        let mut tried = HashSet::new();
        for (kind, candidate) in candidates {
            if !tried.insert(candidate.clone()) {
                continue;
            }
            let read = catalog::read(session, kind, &candidate, Some(url), trace).await;
            if read.links.is_err() {
                out.steps.push(read.step);
                continue;
            }
            let mut found = Discovered::default();
            let before = [redact::url(url)];
            let named = meant(url, catalog::walk(session, read, &before, &mut found, trace).await);
            complete_all(session, named, &mut found, trace).await;
            out.steps.append(&mut found.steps);
            if !found.services.is_empty() {
                out.services = found.services;
                out.fetches = found.fetches;
                out.diagnostics.append(&mut found.diagnostics);
                return true;
            }
        }
        false
    }
}

/// Of the services of a publisher those that a service root stands for: itself, else all when it is the root of its
/// origin, else those below it.
fn meant(url: &Url, mut named: Vec<Named>) -> Vec<Named> {
    if named.iter().any(|named| named.base == *url) {
        named.retain(|named| named.base == *url);
    } else if url.path() != "/" {
        let folder = format!("{}/", url.path().trim_end_matches('/'));
        let is_below =
            |base: &Url| base.origin() == url.origin() && format!("{}/", base.path()).starts_with(&folder);
        named.retain(|named| is_below(&named.base));
    }
    named
}

/// The service itself, then those that its links are about.
async fn finish_root(session: &Session<'_>, url: &Url, root: Root, out: &mut Discovered, trace: &Trace) {
    let method = root.method();
    let own = (!root.own.desc.is_empty()).then(|| (url.clone(), root.own));
    let mut fetches = root.fetches;
    for (base, bundle) in own.into_iter().chain(root.others) {
        let found =
            DiscoveredMethod { method, chain: vec![redact::url(url)], fetches: std::mem::take(&mut fetches) };
        add(out, service::finish(session, &base, url, bundle, found, trace).await);
    }
}

/// Completes named services, several at a time; what they give is in their order.
async fn complete_all(session: &Session<'_>, named: Vec<Named>, out: &mut Discovered, trace: &Trace) {
    let work = named.into_iter().map(|named| service::complete(session, named, trace));
    let completed: Vec<Completed> = stream::iter(work).buffered(session.limits.concurrency.max(1)).collect().await;
    completed.into_iter().for_each(|completed| add(out, completed));
}

fn add(out: &mut Discovered, completed: Completed) {
    out.steps.extend(completed.steps);
    out.diagnostics.extend(completed.diagnostics);
    let Some(service) = completed.service else { return };
    let is_same = |known: &crate::DiscoveredService| known.description() == service.description();
    if let Some(known) = out.services.iter().find(|known| is_same(known)) {
        let message = format!("{} has the same description as {}, and is left out.", service.base, known.base);
        let place = service.base.to_string();
        out.diagnostics.push(diagnostic(Severity::Note, "service_duplicate", &place, message, ""));
        return;
    }
    out.services.push(service);
}

fn is_http(url: &Url, out: &mut Discovered) -> bool {
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http {
        let shown = redact::url(url);
        let message =
            format!("{shown} has the scheme `{}`; discovery works over http and https only.", url.scheme());
        let hint = "For a local description use a source of type `openapi`.";
        out.diagnostics.push(diagnostic(Severity::Error, "location_invalid", &shown, message, hint));
    }
    is_http
}

/// When to look again.
fn finish(out: &mut Discovered, policy: &FetchPolicy) {
    if policy.manual_only {
        return;
    }
    let next = |record: &FetchRecord| record.expires_at.unwrap_or(record.fetched_at);
    let records = out.fetches.iter().chain(out.services.iter().flat_map(|service| &service.fetches));
    let failed = out.diagnostics.iter().any(|diagnostic| diagnostic.severity.is_error());
    let now = failed.then(Timestamp::now);
    out.expires_at = records.map(next).chain(now).min();
}
