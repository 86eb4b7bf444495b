//! From references of workflow documents to services and tools (catalog-and-execution §7, W24): by `operationId`,
//! `operationPath` and the name or address of a source. Not for what a workflow does.

use crate::guides::Guide;
use crate::plan::text;
use crate::snapshot::Placed;
use open_cli_arazzo::{Description, OperationRef, Source, SourceKind};
use open_cli_documents::Location;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Positions of tools by method and path.
type Requests = HashMap<(String, String), usize>;

/// What workflows may refer to.
pub(crate) struct Tools<'a> {
    pub(crate) services: &'a [Placed],
    /// Of services that were asked for some.
    requests: RefCell<HashMap<usize, Requests>>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(services: &'a [Placed]) -> Self {
        Self { services, requests: RefCell::default() }
    }

    /// Place among all tools.
    fn place(&self, service: usize, position: usize) -> u32 {
        u32::try_from(self.services[service].first + position).unwrap_or(u32::MAX)
    }

    fn by_operation(&self, service: usize, id: &str) -> Option<u32> {
        let built = &self.services[service].built;
        let position = built.shelf.position(&format!("{}:{id}", built.service.id))?;
        Some(self.place(service, position))
    }

    fn by_request(&self, service: usize, method: &str, path: &str) -> Option<u32> {
        let mut requests = self.requests.borrow_mut();
        let of_service = requests.entry(service).or_insert_with(|| {
            let shelf = &self.services[service].built.shelf;
            let one = |position| {
                let request: Request = serde_json::from_slice(&shelf.brief(position, position)).ok()?;
                Some(((request.method, request.path), position))
            };
            (0..shelf.len()).filter_map(one).collect()
        });
        let position = *of_service.get(&(method.to_owned(), path.to_owned()))?;
        Some(self.place(service, position))
    }

    /// Id of the tool at a place among all.
    pub(crate) fn id(&self, place: u32) -> &'a str {
        let place = place as usize;
        let service = self.services.partition_point(|placed| placed.first <= place).saturating_sub(1);
        let placed = &self.services[service];
        placed.built.shelf.id(place - placed.first)
    }
}

/// A document of workflows, with the services that its sources are.
pub(crate) struct Bound<'a> {
    pub(crate) service: usize,
    pub(crate) guide: &'a Guide,
    pub(crate) description: &'a Arc<Description>,
    /// By the name of the source; those that are no service of this catalog are not there.
    services: HashMap<&'a str, usize>,
    /// What the document goes by: its `$self`, and its address.
    identities: Vec<String>,
}

/// Why a step calls no tool.
pub(crate) enum Unbound {
    /// Nothing fits.
    None,
    /// The source is no service of the catalog.
    Source(String),
    /// Several operations fit.
    Ambiguous(Vec<String>),
}

impl<'a> Bound<'a> {
    pub(crate) fn new(
        service: usize,
        guide: &'a Guide,
        description: &'a Arc<Description>,
        tools: &Tools<'_>,
    ) -> Self {
        let base = base(guide, description);
        let mut services = HashMap::new();
        let mut left: Vec<&Source> = Vec::new();
        for source in description.sources.iter().filter(|source| source.kind == SourceKind::OpenApi) {
            match found(source, &base, service, guide.is_publishers, tools) {
                Some(found) => {
                    services.insert(source.name.as_str(), found);
                }
                None => left.push(source),
            }
        }
        // A document that is named for a service is about that service, wherever its author had the description.
        if let ([only], false) = (left.as_slice(), services.values().any(|found| *found == service)) {
            services.insert(only.name.as_str(), service);
        }
        let identities = [Some(text(&base)), Some(text(&guide.location)), Some(text(&guide.base))];
        Self { service, guide, description, services, identities: identities.into_iter().flatten().collect() }
    }

    /// The document that a source of this one is.
    pub(crate) fn document<'d>(&self, name: &str, all: &'d [Bound<'a>]) -> Option<&'d Bound<'a>> {
        let source = self.description.source(name)?;
        let address = text(&base(self.guide, self.description).join(&source.url).ok()?);
        let is_it = |other: &&Bound<'a>| {
            // What a publisher attaches may use what belongs to the same service, and nothing else.
            let may_use = !self.guide.is_publishers || other.service == self.service;
            may_use && other.identities.contains(&address)
        };
        all.iter().find(is_it)
    }

    /// The tool of an operation.
    pub(crate) fn tool(&self, operation: &OperationRef, tools: &Tools<'_>) -> Result<u32, Unbound> {
        let find = |service: usize| match operation {
            OperationRef::Id { id, .. } => tools.by_operation(service, id),
            OperationRef::Request { method, path } => tools.by_request(service, method, path),
            OperationRef::Pointer { tokens, .. } => match tokens.as_slice() {
                [paths, path, method] if paths == "paths" => {
                    tools.by_request(service, &method.to_ascii_uppercase(), path)
                }
                [paths, path, more, method] if paths == "paths" && more == "additionalOperations" => {
                    tools.by_request(service, method, path)
                }
                _ => None,
            },
            OperationRef::Unknown(_) => None,
        };
        let source = match operation {
            OperationRef::Id { source, .. } | OperationRef::Pointer { source, .. } => source.as_deref(),
            _ => None,
        };
        if let Some(name) = source {
            let service = match self.services.get(name) {
                Some(service) => *service,
                // WF-1: documents for the reference declare no sources.
                None if self.description.source(name).is_none()
                    && is_called(name, tools.services, self.service) =>
                {
                    self.service
                }
                None => return Err(Unbound::Source(name.to_owned())),
            };
            return find(service).ok_or(Unbound::None);
        }
        // WF-2: a workflow's own service goes first.
        if let Some(tool) = find(self.service) {
            return Ok(tool);
        }
        let mut others: Vec<usize> =
            self.services.values().copied().filter(|other| *other != self.service).collect();
        others.sort_unstable();
        others.dedup();
        let found: Vec<u32> = others.into_iter().filter_map(find).collect();
        match found.as_slice() {
            [] => Err(Unbound::None),
            [only] => Ok(*only),
            several => Err(Unbound::Ambiguous(several.iter().map(|place| tools.id(*place).to_owned()).collect())),
        }
    }
}

/// What relative references of a document are relative to.
fn base(guide: &Guide, description: &Description) -> Location {
    if description.self_uri.is_empty() {
        return guide.base.clone();
    }
    guide.base.join(&description.self_uri).unwrap_or_else(|_| guide.base.clone())
}

/// The service that a source is: by its address, else by its name. What a publisher attaches reaches its own service
/// and no other: whoever publishes one API must not call another in its name.
fn found(source: &Source, base: &Location, own: usize, is_publishers: bool, tools: &Tools<'_>) -> Option<usize> {
    let mut reach: Vec<usize> = vec![own];
    if !is_publishers {
        reach.extend((0..tools.services.len()).filter(|service| *service != own));
    }
    if let Ok(address) = base.join(&source.url)
        && let Some(found) =
            reach.iter().find(|service| tools.services[**service].built.inputs.location == address)
    {
        return Some(*found);
    }
    reach.into_iter().find(|service| is_called(&source.name, tools.services, *service))
}

fn is_called(name: &str, services: &[Placed], service: usize) -> bool {
    let service = &services[service].built.service;
    [&service.id, &service.alias, &service.source_id].iter().any(|known| known.eq_ignore_ascii_case(name))
}
