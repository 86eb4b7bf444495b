//! A service root (RFC 8631): `HEAD`, then `GET`; links of the header, of HTML, or the answer itself (SR-1 to SR-10
//! with weakness W8), then the usual names of descriptions. Then what its metadata attaches.

use crate::bundle::Bundle;
use crate::content::{self, Kind};
use crate::outcome::{DiscoveredService, Step, StepKind, StepOutcome, diagnostic, told};
use crate::relations::{API_CATALOG, Link, Resolved, SERVICE_DESC, SERVICE_META, is_same};
use crate::session::{Place, Session};
use crate::{linkset, metadata, page, places};
use open_cli_contract::catalog::{Diagnostic, DiscoveryMethod, FetchRecord, Severity};
use open_cli_contract::redact;
use open_cli_documents::{FetchMethod, Fetched, Location};
use open_cli_observe::Trace;
use url::Url;

/// Most other resources that the links of a service root are about.
const MAX_OTHERS: usize = 64;
/// Most catalogs that a service root links to.
const MAX_CATALOGS: usize = 16;

/// What a service root says.
#[derive(Default)]
pub(crate) struct Root {
    /// About itself.
    pub(crate) own: Bundle,
    /// About other resources (`anchor`), in order.
    pub(crate) others: Vec<(Url, Bundle)>,
    /// Catalogs it links to, or is.
    pub(crate) catalogs: Vec<Url>,
    pub(crate) steps: Vec<Step>,
    /// Of the method that answered last (SR-10), then of the guess that was right.
    pub(crate) fetches: Vec<FetchRecord>,
    pub(crate) faults: Vec<String>,
    /// `GET` got no answer that says anything for good.
    pub(crate) is_outage: bool,
    /// The description was guessed.
    pub(crate) is_guess: bool,
}

/// Asks a service root for links.
pub(crate) async fn ask(session: &Session<'_>, url: &Url, holder: Option<&Url>, trace: &Trace) -> Root {
    let mut root = Root::default();
    for method in [FetchMethod::Head, FetchMethod::Get] {
        let place = Place { kind: StepKind::ServiceRoot, method, url, holder, accept: None };
        let (step, answer) = session.ask(place, trace).await;
        match answer {
            Ok(fetched) => {
                root.is_outage = false;
                root.faults.clear();
                let step = root.read(session, url, &fetched, step);
                root.steps.push(step);
                root.fetches = vec![fetched.record];
            }
            Err(error) => {
                root.is_outage = error.is_outage();
                root.steps.push(step);
            }
        }
        // W8: other relations alone don't end the search.
        if !root.own.desc.is_empty() {
            break;
        }
    }
    root
}

impl Root {
    fn read(&mut self, session: &Session<'_>, url: &Url, fetched: &Fetched, step: Step) -> Step {
        let limits = session.limits;
        let (status, declared) = (fetched.record.status_code, content::declared(fetched));
        let mut what = format!("{status} {declared}").trim_end().to_owned();
        let mut links = page::header_links(fetched, limits, &mut self.faults);
        let kind = content::kind(&fetched.body, &declared);
        match kind {
            Kind::Html => {
                what = format!("{status} HTML page");
                links.extend(page::html_links(fetched, limits, &mut self.faults));
            }
            Kind::LinksetText => self.catalogs.push(url.clone()),
            Kind::Json if linkset::from_json(&fetched.body, 1).is_ok() => self.catalogs.push(url.clone()),
            _ => {}
        }
        links.iter().for_each(|link| self.sort(url, fetched, link));
        if self.own.desc.is_empty() && kind == Kind::Description {
            self.own.describe(itself(url, &declared));
            return step.came_to(StepOutcome::Found, format!("{what}; the answer is a description itself"));
        }
        let (desc, others) = (self.own.desc.len(), self.others.len());
        if desc + others > 0 {
            return step.came_to(StepOutcome::Found, format!("{what}; links to a {SERVICE_DESC}"));
        }
        let mut also = Vec::new();
        if !self.own.meta.is_empty() {
            also.push(SERVICE_META);
        }
        if !self.catalogs.is_empty() {
            also.push(API_CATALOG);
        }
        let also = if also.is_empty() { String::new() } else { format!(", only to {}", also.join(" and ")) };
        step.came_to(StepOutcome::Nothing, format!("{what}; no link to a {SERVICE_DESC}{also}"))
    }

    /// Puts a link to the resource that it is about.
    fn sort(&mut self, url: &Url, fetched: &Fetched, link: &Resolved) {
        let is_lead = link.has(API_CATALOG) && link.target != *url && self.catalogs.len() < MAX_CATALOGS;
        if is_lead && !self.catalogs.contains(&link.target) {
            self.catalogs.push(link.target.clone());
        }
        match &link.anchor {
            Some(anchor) if !is_same(anchor, url) && !is_same(anchor, &fetched.final_url) => {
                let is_full = self.others.len() >= MAX_OTHERS;
                match self.others.iter_mut().find(|(base, _)| base == anchor) {
                    Some((_, bundle)) => bundle.add(link),
                    None if link.has(SERVICE_DESC) && !is_full => {
                        let mut bundle = Bundle::default();
                        bundle.add(link);
                        self.others.push((anchor.clone(), bundle));
                    }
                    None => {}
                }
            }
            _ => self.own.add(link),
        }
    }

    /// Tries the usual names, one after the other; the first description wins. An origin that does not answer is not
    /// asked again.
    pub(crate) async fn guess(&mut self, session: &Session<'_>, url: &Url, is_item: bool, trace: &Trace) {
        for candidate in places::descriptions(url, is_item) {
            let kind = StepKind::WellKnownDescription;
            let place = Place { kind, method: FetchMethod::Get, url: &candidate, holder: Some(url), accept: None };
            let (step, answer) = session.ask(place, trace).await;
            let fetched = match answer {
                Ok(fetched) => fetched,
                Err(error) => {
                    self.steps.push(step);
                    if error.is_outage() {
                        return;
                    }
                    continue;
                }
            };
            let (status, declared) = (fetched.record.status_code, content::declared(&fetched));
            let (outcome, what) = match content::kind(&fetched.body, &declared) {
                Kind::Description => (StepOutcome::Found, "an API description"),
                Kind::Html => (StepOutcome::Unusable, "an HTML page"),
                _ => (StepOutcome::Unusable, "no API description"),
            };
            self.steps.push(step.came_to(outcome, format!("{status} {what}")));
            if outcome == StepOutcome::Found {
                self.own.describe(itself(&candidate, &declared));
                self.is_guess = true;
                self.fetches.push(fetched.record);
                return;
            }
        }
    }
}

fn itself(url: &Url, media_type: &str) -> Link {
    let href = Location::Url(url.clone());
    Link { href, media_type: media_type.to_owned(), hreflang: Vec::new(), title: String::new() }
}

/// A service that a catalog names.
pub(crate) struct Named {
    pub(crate) base: Url,
    /// The catalog that names it first.
    pub(crate) holder: Url,
    /// Redacted addresses from the configured one to that catalog.
    pub(crate) chain: Vec<String>,
    /// What catalogs say about it.
    pub(crate) bundle: Bundle,
}

/// A service with everything that belongs to it, or why there is none.
#[derive(Default)]
pub(crate) struct Completed {
    pub(crate) service: Option<DiscoveredService>,
    pub(crate) steps: Vec<Step>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// From what a catalog says to a service: asks its root when the catalog does not name a description (AC-13).
pub(crate) async fn complete(session: &Session<'_>, named: Named, trace: &Trace) -> Completed {
    let is_asked = named.bundle.desc.is_empty();
    if !is_asked && named.bundle.meta.is_empty() {
        let found = DiscoveredMethod::in_catalog(named.chain);
        let service = named.bundle.into_service(&named.base, found.method, found.chain);
        return Completed { service: Some(service), ..Completed::default() };
    }
    let mut span = trace.span("discovery.service_root");
    span.set("url", redact::url(&named.base));
    let completed = if is_asked {
        complete_by_asking(session, named, span.trace()).await
    } else {
        let found = DiscoveredMethod::in_catalog(named.chain);
        finish(session, &named.base, &named.holder, named.bundle, found, span.trace()).await
    };
    if completed.service.is_none() {
        span.fail("no description was found");
    }
    span.end();
    completed
}

async fn complete_by_asking(session: &Session<'_>, named: Named, trace: &Trace) -> Completed {
    let Named { base, holder, mut chain, bundle } = named;
    let shown = redact::url(&base);
    let mut root = ask(session, &base, Some(&holder), trace).await;
    if root.own.desc.is_empty() && !root.is_outage {
        root.guess(session, &base, true, trace).await;
    }
    let mut completed = Completed { diagnostics: faulty(&shown, &root.faults), ..Completed::default() };
    if root.own.desc.is_empty() {
        completed.diagnostics.push(missing(&shown, &root));
        completed.steps = root.steps;
        return completed;
    }
    chain.push(shown);
    let found = DiscoveredMethod { method: root.method(), chain, fetches: root.fetches };
    // What the service says about itself comes after what the catalog says, and wins (SR-7).
    let mut all = bundle;
    all.add_all(root.own);
    let finished = finish(session, &base, &base, all, found, trace).await;
    completed.service = finished.service;
    completed.steps = root.steps;
    completed.steps.extend(finished.steps);
    completed.diagnostics.extend(finished.diagnostics);
    completed
}

impl Root {
    pub(crate) fn method(&self) -> DiscoveryMethod {
        if self.is_guess { DiscoveryMethod::Heuristic } else { DiscoveryMethod::Rfc8631 }
    }
}

/// How a description was found.
pub(crate) struct DiscoveredMethod {
    pub(crate) method: DiscoveryMethod,
    pub(crate) chain: Vec<String>,
    pub(crate) fetches: Vec<FetchRecord>,
}

impl DiscoveredMethod {
    fn in_catalog(chain: Vec<String>) -> Self {
        Self { method: DiscoveryMethod::Rfc9727, chain, fetches: Vec::new() }
    }
}

/// Reads the metadata of a service that has a description.
pub(crate) async fn finish(
    session: &Session<'_>,
    base: &Url,
    holder: &Url,
    mut bundle: Bundle,
    found: DiscoveredMethod,
    trace: &Trace,
) -> Completed {
    let mut completed = Completed::default();
    let mut fetches = found.fetches;
    let links = std::mem::take(&mut bundle.meta);
    metadata::attach(session, base, holder, &links, &mut bundle.attached, &mut completed, &mut fetches, trace)
        .await;
    let mut service = bundle.into_service(base, found.method, found.chain);
    service.fetches = fetches;
    completed.service = Some(service);
    completed
}

/// Links that lead nowhere.
pub(crate) fn faulty(shown: &str, faults: &[String]) -> Vec<Diagnostic> {
    if faults.is_empty() {
        return Vec::new();
    }
    let message = format!("{} of the links of {shown} can't be followed: {}.", faults.len(), first(faults));
    vec![diagnostic(
        Severity::Warning,
        "link_invalid",
        shown,
        message,
        "Correct the links where they are published.",
    )]
}

/// Faults that a message shows.
const MAX_SHOWN_FAULTS: usize = 3;

fn first(faults: &[String]) -> String {
    faults.iter().take(MAX_SHOWN_FAULTS).cloned().collect::<Vec<_>>().join("; ")
}

/// W8: names what is missing, and what was there instead.
pub(crate) fn missing(shown: &str, root: &Root) -> Diagnostic {
    if root.is_outage {
        let message = format!("The service root {shown} can't be read. {}.", told(&root.steps));
        let hint = "Check the address, and whether the service is up and reachable from here.";
        return diagnostic(Severity::Error, "service_root_unreadable", shown, message, hint);
    }
    let also = if root.catalogs.is_empty() { "" } else { " It links to an API catalog, or is one." };
    let message = format!(
        "service description links unavailable: {shown} has no `{SERVICE_DESC}` link, and no description is at the \
         usual places.{also} {}.",
        told(&root.steps)
    );
    let hint = "Name the API description itself in a source of type `openapi`, or have the service send \
                `Link: <…>; rel=\"service-desc\"`.";
    diagnostic(Severity::Error, "service_desc_missing", shown, message, hint)
}
