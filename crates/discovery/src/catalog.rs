//! API catalogs (RFC 9727): reads the first one and those nested in it, level by level, a few at a time, then walks
//! them in document order (AC-6 to AC-12 with weaknesses W2, W5, W6, W7). What services say themselves is not read
//! here.

use crate::bundle::Bundle;
use crate::content::is_openapi_type;
use crate::outcome::{Discovered, Step, StepKind, StepOutcome, diagnostic};
use crate::relations::{API_CATALOG, ITEM, Resolved, SERVICE_DESC, resolve};
use crate::service::{Named, faulty};
use crate::session::{Place, Session};
use crate::{metadata, page};
use futures_util::{StreamExt, stream};
use open_cli_contract::catalog::{FetchRecord, Severity};
use open_cli_contract::redact;
use open_cli_documents::FetchMethod;
use open_cli_observe::Trace;
use std::collections::{HashMap, HashSet};
use url::Url;

/// AC-1, CACHE-3.
const ACCEPT: &str = "application/linkset+json";

/// An address that was asked for a catalog.
pub(crate) struct Read {
    pub(crate) url: Url,
    pub(crate) step: Step,
    /// Of a catalog only (AC-12).
    fetch: Option<FetchRecord>,
    faults: Vec<String>,
    is_cut: bool,
    pub(crate) links: Result<Vec<Resolved>, NoCatalog>,
}

/// Why an answer is no catalog.
pub(crate) struct NoCatalog {
    /// Another look may find one.
    pub(crate) is_outage: bool,
    /// Catalogs that the answer links to.
    pub(crate) leads: Vec<Url>,
}

/// Asks one address for a catalog.
pub(crate) async fn read(
    session: &Session<'_>,
    kind: StepKind,
    url: &Url,
    holder: Option<&Url>,
    trace: &Trace,
) -> Read {
    let place = Place { kind, method: FetchMethod::Get, url, holder, accept: Some(ACCEPT) };
    let (step, answer) = session.ask(place, trace).await;
    let mut read = Read {
        url: url.clone(),
        step,
        fetch: None,
        faults: Vec::new(),
        is_cut: false,
        links: Err(NoCatalog { is_outage: false, leads: Vec::new() }),
    };
    let fetched = match answer {
        Ok(fetched) => fetched,
        Err(error) => {
            read.links = Err(NoCatalog { is_outage: error.is_outage(), leads: Vec::new() });
            return read;
        }
    };
    let status = fetched.record.status_code;
    match metadata::read(session, &fetched) {
        Ok(set) => {
            read.faults = set.faults;
            read.is_cut = set.is_cut;
            let links = resolve(set.links, &fetched.final_url, &mut read.faults);
            let of = |relation| links.iter().filter(|link| link.has(relation)).count();
            let (items, catalogs, descriptions) = (of(ITEM), of(API_CATALOG), of(SERVICE_DESC));
            let is_empty = items + catalogs + descriptions == 0;
            let outcome = if is_empty { StepOutcome::Nothing } else { StepOutcome::Found };
            let detail =
                format!("{status} a catalog: {items} items, {catalogs} catalogs, {descriptions} descriptions");
            read.step = read.step.came_to(outcome, detail);
            read.fetch = Some(fetched.record);
            read.links = Ok(links);
        }
        Err(reason) => {
            let mut ignored = Vec::new();
            let mut links = page::header_links(&fetched, session.limits, &mut ignored);
            links.extend(page::html_links(&fetched, session.limits, &mut ignored));
            let mut leads: Vec<Url> = Vec::new();
            for link in links.into_iter().filter(|link| link.has(API_CATALOG) && link.target != *url) {
                if !leads.contains(&link.target) {
                    leads.push(link.target);
                }
            }
            read.step = read.step.came_to(StepOutcome::Unusable, format!("{status}, the answer {reason}"));
            read.links = Err(NoCatalog { is_outage: false, leads });
        }
    }
    read
}

/// The catalogs that are reached from one, and what they say.
struct Tree {
    nodes: HashMap<Url, Vec<Resolved>>,
    /// Who was asked for because of whom, for the chain.
    holders: HashMap<Url, Url>,
}

/// Reads what is nested in a catalog and names the services of all of them. Steps, records and diagnostics go to
/// `out`; `before` are the redacted addresses that led to the catalog.
pub(crate) async fn walk(
    session: &Session<'_>,
    root: Read,
    before: &[String],
    out: &mut Discovered,
    trace: &Trace,
) -> Vec<Named> {
    let root_url = root.url.clone();
    let tree = fetch_all(session, root, out, trace).await;
    name_services(session, &tree, &root_url, before, out)
}

async fn fetch_all(session: &Session<'_>, root: Read, out: &mut Discovered, trace: &Trace) -> Tree {
    let limits = session.limits;
    let mut tree = Tree { nodes: HashMap::new(), holders: HashMap::new() };
    let mut known = HashSet::from([root.url.clone()]);
    let mut level = vec![root];
    let mut depth = 0;
    loop {
        let mut wanted: Vec<(Url, Url)> = Vec::new();
        let mut left_out = 0_usize;
        for read in level {
            let url = read.url.clone();
            let Some(links) = take(session, read, out) else { continue };
            for link in links.iter().filter(|link| is_nested(link)) {
                if known.contains(&link.target) {
                    continue;
                }
                if depth >= limits.max_depth || known.len() >= limits.max_catalogs {
                    left_out += 1;
                    continue;
                }
                known.insert(link.target.clone());
                tree.holders.insert(link.target.clone(), url.clone());
                wanted.push((link.target.clone(), url.clone()));
            }
            tree.nodes.insert(url, links);
        }
        if left_out > 0 {
            out.diagnostics.push(too_many_catalogs(session, left_out, depth));
        }
        if wanted.is_empty() {
            return tree;
        }
        depth += 1;
        let mut reads = Vec::with_capacity(wanted.len());
        // Not a closure: what it would return is not known to be `Send` for every lifetime.
        for (url, holder) in &wanted {
            reads.push(read(session, StepKind::ApiCatalog, url, Some(holder), trace));
        }
        level = stream::iter(reads).buffered(limits.concurrency.max(1)).collect().await;
    }
}

/// AC-6: `item` wins.
fn is_nested(link: &Resolved) -> bool {
    link.has(API_CATALOG) && !link.has(ITEM)
}

/// Keeps what one read gives. `None`: it is no catalog.
fn take(session: &Session<'_>, read: Read, out: &mut Discovered) -> Option<Vec<Resolved>> {
    let shown = read.step.url.clone();
    let told = read.step.detail.clone();
    out.steps.push(read.step);
    out.fetches.extend(read.fetch);
    out.diagnostics.extend(faulty(&shown, &read.faults));
    if read.is_cut {
        let message =
            format!("Only the first {} links of {shown} are read (max_links).", session.limits.max_links);
        let hint = "Split the catalog, and link the parts with `api-catalog`.";
        out.diagnostics.push(diagnostic(Severity::Error, "discovery_limit", &shown, message, hint));
    }
    let Ok(links) = read.links else {
        let message = format!("The nested API catalog {shown} can't be used: {told}. Its services are left out.");
        let hint = "Correct the link where it is published, or the catalog it leads to.";
        out.diagnostics.push(diagnostic(Severity::Error, "api_catalog_unreadable", &shown, message, hint));
        return None;
    };
    if !links.iter().any(|link| link.has(ITEM) || link.has(API_CATALOG) || link.has(SERVICE_DESC)) {
        let message = format!(
            "The API catalog {shown} lists no service: none of its {} links has the relation `item`, `api-catalog` or \
             `service-desc`.",
            links.len()
        );
        let hint = "RFC 9727 has examples of catalogs.";
        out.diagnostics.push(diagnostic(Severity::Warning, "api_catalog_empty", &shown, message, hint));
    }
    Some(links)
}

fn too_many_catalogs(
    session: &Session<'_>,
    left_out: usize,
    depth: usize,
) -> open_cli_contract::catalog::Diagnostic {
    let limits = session.limits;
    let limit = if depth >= limits.max_depth {
        format!("nested deeper than {} (max_depth)", limits.max_depth)
    } else {
        format!("beyond the first {} (max_catalogs)", limits.max_catalogs)
    };
    let message = format!("{left_out} links to API catalogs are not followed: {limit}.");
    let hint = "Name the nested catalogs as sources of their own, or raise the limit.";
    diagnostic(Severity::Error, "discovery_limit", "", message, hint)
}

/// Depth-first in document order (AC-8), each service once.
fn name_services(
    session: &Session<'_>,
    tree: &Tree,
    root: &Url,
    before: &[String],
    out: &mut Discovered,
) -> Vec<Named> {
    let mut bundles: HashMap<&Url, Bundle> = HashMap::new();
    let mut services: Vec<(&Url, &Url)> = Vec::new();
    let mut known: HashSet<&Url> = HashSet::new();
    let mut left_out = 0_usize;
    let mut visited: HashSet<&Url> = HashSet::from([root]);
    let mut cycles: HashSet<&Url> = HashSet::new();
    let mut stack: Vec<(&Url, std::slice::Iter<'_, Resolved>)> = Vec::new();
    stack.extend(tree.nodes.get_key_value(root).map(|(url, links)| (url, links.iter())));
    while let Some((catalog, links)) = stack.last_mut() {
        let catalog = *catalog;
        let Some(link) = links.next() else {
            stack.pop();
            continue;
        };
        let context = link.anchor.as_ref().unwrap_or(catalog);
        bundles.entry(context).or_default().add(link);
        let mut service = link.has(SERVICE_DESC).then_some(context);
        if link.has(ITEM) {
            service = Some(&link.target);
            if is_openapi_type(&link.media_type) {
                // Seen in the wild: the item is the description.
                bundles.entry(&link.target).or_default().describe(link.to_link());
            }
        }
        if let Some(service) = service.filter(|service| !known.contains(*service)) {
            if services.len() < session.limits.max_services {
                known.insert(service);
                services.push((service, catalog));
            } else {
                left_out += 1;
            }
        }
        if is_nested(link) {
            let target = &link.target;
            if stack.iter().any(|(open, _)| *open == target) {
                if cycles.insert(target) {
                    out.diagnostics.push(cycle(catalog, target));
                }
            } else if visited.insert(target) {
                stack.extend(tree.nodes.get_key_value(target).map(|(url, links)| (url, links.iter())));
            }
        }
    }
    if left_out > 0 {
        let message = format!(
            "The API catalogs list more than {} services (max_services); {left_out} links to others are left out.",
            session.limits.max_services
        );
        let hint = "Name nested catalogs as sources of their own, or raise the limit.";
        out.diagnostics.push(diagnostic(Severity::Error, "discovery_limit", &redact::url(root), message, hint));
    }
    services
        .into_iter()
        .map(|(base, holder)| Named {
            base: base.clone(),
            holder: holder.clone(),
            chain: chain(tree, holder, before),
            bundle: bundles.get(base).cloned().unwrap_or_default(),
        })
        .collect()
}

/// AC-10, W7. Saying where the catalog itself is, is no cycle worth a warning.
fn cycle(holder: &Url, target: &Url) -> open_cli_contract::catalog::Diagnostic {
    let (severity, what) = if holder == target {
        (Severity::Note, "links to itself")
    } else {
        (Severity::Warning, "links back to one that leads to it")
    };
    let (holder, target) = (redact::url(holder), redact::url(target));
    let message = format!("The API catalog {holder} {what}: {target}. It is read once.");
    diagnostic(severity, "api_catalog_cycle", &holder, message, "")
}

fn chain(tree: &Tree, holder: &Url, before: &[String]) -> Vec<String> {
    let mut chain = vec![redact::url(holder)];
    let mut at = holder;
    while let Some(next) = tree.holders.get(at) {
        chain.push(redact::url(next));
        at = next;
    }
    chain.extend(before.iter().rev().cloned());
    chain.reverse();
    chain
}
