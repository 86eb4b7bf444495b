//! The workflows of a snapshot: bound to tools, named once (catalog-and-execution §7, W25, W26; deviation 9). A workflow
//! that can't be bound is a diagnostic and is left out; the others work. Not for running them.

use crate::bind::{Bound, Tools, Unbound};
use crate::diagnostics::{error, note, warning};
use crate::guides::Guide;
use crate::snapshot::{Placed, Snapshot};
use open_cli_arazzo::{
    Action, ActionKind, Call, Description, Destination, OperationRef, Step, Workflow, WorkflowRef,
};
use open_cli_contract::catalog::{self, Diagnostic};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A workflow that can be run.
#[derive(Debug, Clone)]
pub struct WorkflowEntry {
    id: String,
    pub(crate) service: usize,
    description: Arc<Description>,
    place: usize,
    pub(crate) calls: Vec<Called>,
    others: HashMap<WorkflowRef, u32>,
    pub(crate) document: String,
    pub(crate) is_publishers: bool,
}

/// What a step calls, by its place in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// A tool.
    Tool(u32),
    /// A workflow.
    Workflow(u32),
}

impl WorkflowEntry {
    /// Its id in the catalog.
    pub fn id(&self) -> &str {
        &self.id
    }
    /// What it says.
    pub fn workflow(&self) -> &Workflow {
        &self.description.workflows[self.place]
    }
    /// The document it is part of.
    pub fn description(&self) -> &Description {
        &self.description
    }
    /// What its steps call, in the order of the document.
    pub fn calls(&self) -> &[Called] {
        &self.calls
    }
    /// Place of another workflow that it refers to: one it depends on, or that a step or an action names.
    pub fn other(&self, wanted: &WorkflowRef) -> Option<u32> {
        self.others.get(wanted).copied()
    }
}

impl Snapshot {
    /// A workflow with the members of the contract.
    pub(crate) fn listed_workflow(&self, entry: &WorkflowEntry) -> catalog::Workflow {
        let step = |(step, called): (&Step, &Called)| {
            let (tool_id, workflow_id) = match called {
                Called::Tool(place) => (self.tool_at(*place).map(|tool| tool.id().to_owned()), None),
                Called::Workflow(place) => (None, self.workflow_at(*place).map(|other| other.id.clone())),
            };
            let (tool_id, workflow_id) = (tool_id.unwrap_or_default(), workflow_id.unwrap_or_default());
            catalog::WorkflowStep { step_id: step.id.clone(), tool_id, workflow_id }
        };
        let steps = entry.workflow().steps.iter().zip(&entry.calls).map(step).collect();
        catalog::Workflow { workflow_id: entry.id.clone(), steps, details: None }
    }
}

/// A workflow on its way into the catalog.
struct Candidate {
    /// Its document.
    bound: usize,
    place: usize,
    /// In the order of the catalog.
    order: usize,
    id: String,
    calls: Vec<CandidateCall>,
    others: Vec<(WorkflowRef, Key)>,
}

/// Document and place of a workflow.
type Key = (usize, usize);

#[derive(Clone, Copy)]
enum CandidateCall {
    Tool(u32),
    Workflow(Key),
}

/// Binds the workflows of all services. Listed by service, then in the order of the references (WF-2).
pub(crate) fn bind(services: &[Placed]) -> (Vec<WorkflowEntry>, Vec<Diagnostic>) {
    let tools = Tools::new(services);
    let documents: Vec<Bound<'_>> = services
        .iter()
        .enumerate()
        .flat_map(|(place, placed)| placed.built.guides.all.iter().map(move |guide| (place, guide)))
        .filter_map(|(service, guide)| Some(Bound::new(service, guide, guide.workflows()?, &tools)))
        .collect();
    let mut binder = Binder { services, tools, documents, diagnostics: Vec::new() };
    let named = binder.named();
    let bound: Vec<Candidate> = named.into_iter().filter_map(|candidate| binder.bound(candidate)).collect();
    let whole = binder.whole(bound);
    let workflows = binder.entries(whole);
    (workflows, binder.diagnostics)
}

struct Binder<'a> {
    services: &'a [Placed],
    tools: Tools<'a>,
    documents: Vec<Bound<'a>>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Binder<'a> {
    fn tell(
        &mut self,
        document: usize,
        pointer: &str,
        diagnostic: fn(&str, &str, String, &str) -> Diagnostic,
        code: &str,
        message: String,
        hint: &str,
    ) {
        let document = &self.documents[document];
        let source = &self.services[document.service].built.service.id;
        let pointer = format!("{}#{pointer}", document.guide.location);
        self.diagnostics.push(Diagnostic { pointer, ..diagnostic(source, code, message, hint) });
    }

    fn workflow(&self, (document, place): Key) -> &'a Workflow {
        let description: &'a Arc<Description> = self.documents[document].description;
        &description.workflows[place]
    }

    fn guide(&self, document: usize) -> &'a Guide {
        self.documents[document].guide
    }

    /// Every workflow with an id of its own: what operators name goes before what is published, then services in
    /// their order. Within a service an id is there once; another service's workflow of the same id is qualified.
    fn named(&mut self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = Vec::new();
        for document in 0..self.documents.len() {
            let description: &'a Arc<Description> = self.documents[document].description;
            for (place, workflow) in description.workflows.iter().enumerate() {
                let (order, id) = (all.len(), workflow.id.clone());
                all.push(Candidate { bound: document, place, order, id, calls: Vec::new(), others: Vec::new() });
            }
        }
        all.sort_by_key(|candidate| (self.guide(candidate.bound).is_publishers, candidate.order));
        let mut taken: HashMap<String, usize> = HashMap::new();
        let mut kept = Vec::with_capacity(all.len());
        for mut candidate in all {
            let Some(&winner) = taken.get(&candidate.id) else {
                taken.insert(candidate.id.clone(), candidate.bound);
                kept.push(candidate);
                continue;
            };
            let service = self.documents[candidate.bound].service;
            let qualified = format!("{}:{}", self.services[service].built.service.id, candidate.id);
            let first = self.guide(winner).location.to_string();
            let pointer = self.workflow((candidate.bound, candidate.place)).pointer.clone();
            let is_own = self.documents[winner].service == service || taken.contains_key(&qualified);
            if !is_own {
                let message = format!(
                    "the workflow \"{}\" is called \"{qualified}\", as {first} has one of that id too",
                    candidate.id
                );
                self.tell(candidate.bound, &pointer, warning, "workflow_renamed", message, "Rename one of them.");
                taken.insert(qualified.clone(), candidate.bound);
                candidate.id = qualified;
                kept.push(candidate);
            } else if self.guide(candidate.bound).is_publishers && !self.guide(winner).is_publishers {
                let message = format!("the workflow \"{}\" is the operator's, from {first}", candidate.id);
                self.tell(candidate.bound, &pointer, note, "workflow_overridden", message, "");
            } else {
                let message =
                    format!("the workflow \"{}\" is left out, as {first} has one of that id too", candidate.id);
                let hint = "Give each workflow of a service an id of its own.";
                self.tell(candidate.bound, &pointer, error, "workflow_duplicate", message, hint);
            }
        }
        kept
    }

    /// Finds what a workflow calls; `None` with diagnostics when something is not there (WF-5).
    fn bound(&mut self, mut candidate: Candidate) -> Option<Candidate> {
        let document = candidate.bound;
        let workflow = self.workflow((document, candidate.place));
        let before = self.diagnostics.len();
        for step in &workflow.steps {
            let lead = format!("workflow \"{}\" step \"{}\"", workflow.id, step.id);
            match &step.call {
                Call::Operation(operation) => match self.documents[document].tool(operation, &self.tools) {
                    Ok(tool) => candidate.calls.push(CandidateCall::Tool(tool)),
                    Err(why) => self.unbound(document, &step.pointer, &lead, operation, why),
                },
                Call::Workflow(wanted) => match self.other(document, wanted) {
                    Some(key) => {
                        candidate.calls.push(CandidateCall::Workflow(key));
                        candidate.others.push((wanted.clone(), key));
                    }
                    None => self.missing(document, &step.pointer, &lead, wanted),
                },
                Call::Asynchronous => {
                    let message = format!("{lead} sends or receives messages (AsyncAPI), which is not supported");
                    let hint = "Call the API over HTTP instead.";
                    self.tell(document, &step.pointer, error, "workflow_unsupported", message, hint);
                }
            }
            for action in step.on_success.iter().chain(&step.on_failure) {
                let Some(wanted) = destination(action) else { continue };
                match self.other(document, wanted) {
                    Some(key) => candidate.others.push((wanted.clone(), key)),
                    None => self.missing(document, &action.pointer, &lead, wanted),
                }
            }
        }
        for wanted in &workflow.depends_on {
            match self.other(document, wanted) {
                Some(key) => candidate.others.push((wanted.clone(), key)),
                None => {
                    self.missing(document, &workflow.pointer, &format!("workflow \"{}\"", workflow.id), wanted)
                }
            }
        }
        (self.diagnostics.len() == before).then_some(candidate)
    }

    fn other(&self, document: usize, wanted: &WorkflowRef) -> Option<Key> {
        let found = match &wanted.source {
            None => document,
            Some(name) => {
                let found = self.documents[document].document(name, &self.documents)?;
                self.documents.iter().position(|other| std::ptr::eq(other, found))?
            }
        };
        let place = self.documents[found].description.workflows.iter().position(|w| w.id == wanted.id)?;
        Some((found, place))
    }

    fn missing(&mut self, document: usize, pointer: &str, lead: &str, wanted: &WorkflowRef) {
        let of = wanted.source.as_ref().map(|name| format!(" of the source \"{name}\"")).unwrap_or_default();
        let message = format!("{lead} references workflow \"{}\"{of}, and no such workflow exists", wanted.id);
        let hint = "Name its document under \"workflows\" of the service, or correct the reference.";
        self.tell(document, pointer, error, "workflow_step_unbound", message, hint);
    }

    fn unbound(&mut self, document: usize, pointer: &str, lead: &str, operation: &OperationRef, why: Unbound) {
        let what = match operation {
            OperationRef::Id { id, .. } => format!("operationId \"{id}\""),
            OperationRef::Request { method, path } => format!("operationPath \"{method} {path}\""),
            OperationRef::Pointer { tokens, .. } => {
                let escaped = |token: &String| format!("/{}", token.replace('~', "~0").replace('/', "~1"));
                format!("operationPath \"#{}\"", tokens.iter().map(escaped).collect::<String>())
            }
            OperationRef::Unknown(text) => format!("operationPath \"{}\"", open_cli_contract::redact::text(text)),
        };
        let (why, hint) = match why {
            Unbound::None => {
                ("no matching tool exists".to_owned(), "List the tools with `open-cli catalog list`.".to_owned())
            }
            Unbound::Source(name) => (
                format!("its source \"{name}\" is no service of this catalog that it may use"),
                format!("Name a service \"{name}\", or give the source the url that the configuration has."),
            ),
            Unbound::Ambiguous(ids) => (
                format!("several tools match: {}", ids.join(", ")),
                "Write $sourceDescriptions.<name>.<operationId>.".to_owned(),
            ),
        };
        let message = format!("{lead} references {what}, and {why}");
        self.tell(document, pointer, error, "workflow_step_unbound", message, &hint);
    }

    /// Leaves out workflows that need one that was left out.
    fn whole(&mut self, mut all: Vec<Candidate>) -> Vec<Candidate> {
        loop {
            let known: HashSet<Key> = all.iter().map(|one| (one.bound, one.place)).collect();
            let is_whole = |one: &Candidate| one.others.iter().all(|(_, key)| known.contains(key));
            let (whole, broken): (Vec<_>, Vec<_>) = all.into_iter().partition(is_whole);
            if broken.is_empty() {
                return whole;
            }
            for one in broken {
                let missing = one.others.iter().find(|(_, key)| !known.contains(key));
                let missing = missing.map_or("", |(wanted, _)| wanted.id.as_str());
                let workflow = self.workflow((one.bound, one.place));
                let message = format!(
                    "workflow \"{}\" is left out, as it needs the workflow \"{missing}\", which is left out",
                    workflow.id
                );
                self.tell(one.bound, &workflow.pointer, error, "workflow_step_unbound", message, "Mend that one.");
            }
            all = whole;
        }
    }

    fn entries(&self, mut all: Vec<Candidate>) -> Vec<WorkflowEntry> {
        all.sort_by_key(|candidate| candidate.order);
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let places: HashMap<Key, u32> =
            all.iter().enumerate().map(|(at, one)| ((one.bound, one.place), place(at))).collect();
        // All of them are there: that was the last thing that was looked at.
        let of = |key: &Key| places.get(key).copied().unwrap_or(u32::MAX);
        all.into_iter()
            .map(|candidate| {
                let document = &self.documents[candidate.bound];
                let call = |call: &CandidateCall| match call {
                    CandidateCall::Tool(tool) => Called::Tool(*tool),
                    CandidateCall::Workflow(key) => Called::Workflow(of(key)),
                };
                WorkflowEntry {
                    id: candidate.id,
                    service: document.service,
                    description: Arc::clone(document.description),
                    place: candidate.place,
                    calls: candidate.calls.iter().map(call).collect(),
                    others: candidate.others.iter().map(|(wanted, key)| (wanted.clone(), of(key))).collect(),
                    document: document.guide.location.to_string(),
                    is_publishers: document.guide.is_publishers,
                }
            })
            .collect()
    }
}

/// The workflow that an action goes to.
pub(crate) fn destination(action: &Action) -> Option<&WorkflowRef> {
    match &action.kind {
        ActionKind::Goto(Destination::Workflow(wanted))
        | ActionKind::Retry { via: Some(Destination::Workflow(wanted)), .. } => Some(wanted),
        _ => None,
    }
}
