//! Answers of the catalog endpoint, assembled from pieces that are stored ready to send: no tool is serialised or
//! copied for a request. The contract's shape carries every view; a slice carries what one command line needs.

use crate::entry::ToolEntry;
use crate::pieces::Pieces;
use crate::selection::Selection;
use crate::shelf::Found;
use crate::snapshot::{Snapshot, hex};
use crate::workflows::WorkflowEntry;
use bytes::Bytes;
use open_cli_contract::catalog::{Diagnostic, Service, Source};
use open_cli_contract::workflow::WorkflowDetails;
use open_cli_policy::{Admission, Mode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// How much is said about each tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The members of the contract.
    #[default]
    Contract,
    /// `details` as well: what help and typed flags need.
    Full,
}

/// Which part of the catalog is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slice {
    /// Leave out the other views and the complete tool list.
    pub is_slice: bool,
    /// Command words typed so far.
    pub words: Vec<String>,
    /// Service id or alias.
    pub service: String,
    /// Group.
    pub group: String,
    /// Tool id.
    pub tool: String,
    /// With a slice: this workflow, or all for `*`; empty for none.
    pub workflow: String,
    /// With a slice of one detailed tool: what it answers, as a JSON array; see [`Keeper::responses`](crate::Keeper::responses).
    pub responses: Bytes,
    /// How much is said about each tool.
    pub detail: Detail,
    /// The part of the catalog that the caller reaches; `None` is all of it (FLT-1 to FLT-5, W-13).
    pub reach: Option<Arc<Selection>>,
}

/// Place of the piece that closes a detailed tool.
const LAST_OF_DETAILED: usize = 4;

/// How much is said about a workflow.
type Describe = fn(&Snapshot, &WorkflowEntry) -> WorkflowDetails;

/// An answer, in pieces that are sent one after the other.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Pieces of the body.
    pub pieces: Vec<Bytes>,
    /// Length of the body.
    pub length: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    catalog_version: &'static str,
    generated_at: String,
    source_fingerprint: &'a str,
    sources: Vec<&'a Source>,
    services: Vec<&'a Service>,
}

impl Snapshot {
    /// Strong entity tag of the answer to this request, quotes included.
    pub fn entity_tag(&self, mode: Option<Mode>, profile: &str, slice: &Slice) -> String {
        let key = serde_json::to_vec(&(
            mode.map(Mode::as_str),
            profile,
            slice.is_slice,
            &slice.words,
            (&slice.service, &slice.group, &slice.tool, &slice.workflow),
            Sha256::digest(&slice.responses).as_slice(),
            slice.detail == Detail::Full,
            slice.reach.as_ref().map(|reach| reach.key()),
        ));
        let digest = Sha256::digest(key.unwrap_or_default());
        let mut tag = String::with_capacity(48);
        let _ = write!(tag, "\"{}-{}\"", self.tag, hex(&digest[..8]));
        tag
    }

    /// The catalog and view for this request.
    pub fn answer(&self, mode: Option<Mode>, profile: &str, slice: &Slice) -> Result<Answer, serde_json::Error> {
        let admission = self.policy().admission(mode, profile);
        let mut out = Pieces::default();
        if slice.is_slice {
            self.slice(&admission, slice, &mut out)?;
        } else {
            self.whole(&admission, slice, &mut out)?;
        }
        Ok(out.finish())
    }

    fn whole(&self, admission: &Admission, slice: &Slice, out: &mut Pieces) -> Result<(), serde_json::Error> {
        let detail = slice.detail;
        let reaches = |entry: &ToolEntry<'_>| slice.reaches(entry);
        out.bytes(self.head_of(slice)?);
        self.tools_where(reaches, detail, out);
        out.text("]");
        let about = (detail == Detail::Full).then_some(Self::workflow_brief as Describe);
        self.list_workflows(self.reached_workflows(slice), about, out)?;
        out.text(",\"effectiveViews\":[");
        self.view("discover", "discover", reaches, detail, out)?;
        for (name, profile) in &self.policy().rules().profiles {
            let mode = profile.mode.map_or("", Mode::as_str);
            let lists =
                |entry: &ToolEntry<'_>| reaches(entry) && self.policy().profile_lists(name, entry.verdict());
            // What a profile is called is told to those who reach something of it (W-13).
            if slice.reach.is_some() && !self.tools().any(|entry| lists(&entry)) {
                continue;
            }
            out.text(",");
            self.view(name, mode, lists, detail, out)?;
        }
        self.tail(&self.diagnostics_of(slice), out)?;
        let lists = |entry: &ToolEntry<'_>| reaches(entry) && admission.lists(entry.verdict());
        self.view(&admission.view, &admission.mode, lists, detail, out)?;
        out.text("}\n");
        Ok(())
    }

    fn slice(&self, admission: &Admission, slice: &Slice, out: &mut Pieces) -> Result<(), serde_json::Error> {
        let (mut entries, form) = self.select(slice);
        entries.retain(|entry| slice.reaches(entry) && admission.lists(entry.verdict()));
        let workflows = self.meant_workflows(admission, slice);
        let about: Describe = if slice.workflow == "*" { Self::workflow_brief } else { Self::workflow_details };
        let needs_all = slice.words.is_empty()
            && slice.service.is_empty()
            && slice.tool.is_empty()
            && matches!(slice.workflow.as_str(), "" | "*");
        if needs_all {
            out.bytes(self.head_of(slice)?);
            out.text("]");
            self.list_workflows(workflows.into_iter(), Some(about), out)?;
            out.text(",\"effectiveViews\":[");
            self.tail(&self.diagnostics_of(slice), out)?;
        } else {
            let of_workflows = workflows.iter().map(|workflow| workflow.service);
            let places: BTreeSet<usize> = entries.iter().map(|entry| entry.service).chain(of_workflows).collect();
            let services: Vec<&Service> = places.iter().map(|&place| self.service_at(place)).collect();
            let ids = |of: fn(&Service) -> &String| services.iter().map(|one| of(one).as_str()).collect();
            let (service_ids, source_ids): (HashSet<&str>, HashSet<&str>) =
                (ids(|s| &s.id), ids(|s| &s.source_id));
            let sources = self.sources.iter().filter(|source| source_ids.contains(source.id.as_str())).collect();
            self.head(sources, services, out)?;
            out.text("]");
            self.list_workflows(workflows.into_iter(), Some(about), out)?;
            out.text(",\"effectiveViews\":[");
            // Tools are said once, in the view; their diagnostics only where no single tool is meant.
            let is_about = |d: &&Diagnostic| form != Form::Detailed && service_ids.contains(d.source.as_str());
            let diagnostics: Vec<&Diagnostic> = match form {
                Form::Detailed => Vec::new(),
                _ => self.diagnostics.iter().filter(is_about).collect(),
            };
            self.tail(&diagnostics, out)?;
        }
        out.text("{\"name\":");
        out.json(&admission.view)?;
        out.text(",\"mode\":");
        out.json(&admission.mode)?;
        out.text(",\"tools\":[");
        let form = if form == Form::Detailed && entries.len() > 1 { Form::Listed } else { form };
        let responses = if form == Form::Detailed { slice.responses.clone() } else { Bytes::new() };
        self.write(entries.into_iter(), form, &responses, out);
        out.text("]}}\n");
        Ok(())
    }

    /// Workflows that a slice asks for, as far as the caller may see the tools of all their steps.
    fn meant_workflows(&self, admission: &Admission, slice: &Slice) -> Vec<&WorkflowEntry> {
        let is_listed = |entry: &ToolEntry<'_>| slice.reaches(entry) && admission.lists(entry.verdict());
        let is_meant = |entry: &&WorkflowEntry| {
            let service = self.service_at(entry.service);
            slice.service.is_empty() || service.id == slice.service || service.alias == slice.service
        };
        let all: Vec<&WorkflowEntry> = match slice.workflow.as_str() {
            "" => Vec::new(),
            "*" => self.workflows().iter().filter(is_meant).collect(),
            id => self.workflow(id).into_iter().collect(),
        };
        all.into_iter().filter(|entry| self.has_all_steps(entry, is_listed)).collect()
    }

    /// `,"workflows":[…]`, or nothing.
    fn list_workflows<'a>(
        &'a self,
        entries: impl Iterator<Item = &'a WorkflowEntry>,
        about: Option<Describe>,
        out: &mut Pieces,
    ) -> Result<(), serde_json::Error> {
        let mut is_first = true;
        for entry in entries {
            out.text(if std::mem::take(&mut is_first) { ",\"workflows\":[" } else { "," });
            let mut workflow = self.listed_workflow(entry);
            workflow.details = about.map(|about| Box::new(about(self, entry)));
            out.json(&workflow)?;
        }
        if !is_first {
            out.text("]");
        }
        Ok(())
    }

    /// The tool that a slice describes in full, when it is exactly one.
    pub fn described<'s>(&'s self, mode: Option<Mode>, profile: &str, slice: &Slice) -> Option<ToolEntry<'s>> {
        if !slice.is_slice {
            return None;
        }
        let admission = self.policy().admission(mode, profile);
        let (mut entries, form) = self.select(slice);
        entries.retain(|entry| slice.reaches(entry) && admission.lists(entry.verdict()));
        match entries.as_slice() {
            [only] if form == Form::Detailed => Some(*only),
            _ => None,
        }
    }

    fn select(&self, slice: &Slice) -> (Vec<ToolEntry<'_>>, Form) {
        let form = if slice.detail == Detail::Full { Form::Detailed } else { Form::Contract };
        if !slice.tool.is_empty() {
            return (Vec::from_iter(self.tool(&slice.tool)), form);
        }
        if let [service, rest @ ..] = slice.words.as_slice() {
            let (entries, is_command) = self.under(self.services_at(service), rest);
            return (entries, if is_command { form } else { Form::Brief });
        }
        if slice.service.is_empty() && slice.group.is_empty() {
            return (Vec::new(), Form::Brief);
        }
        let is_meant = |place: &usize| {
            let service = self.service_at(*place);
            slice.service.is_empty() || service.id == slice.service || service.alias == slice.service
        };
        let mut entries = Vec::new();
        for place in (0..self.services.len()).filter(is_meant) {
            match slice.group.as_str() {
                "" => entries.extend(self.tools_of(place)),
                group => {
                    let positions = self.services[place].built.shelf.of_group(group);
                    entries.extend(positions.into_iter().map(|position| ToolEntry::new(self, place, position)));
                }
            }
        }
        (entries, form)
    }

    /// Tools under the longest known prefix of the words below these services, and whether that prefix names commands.
    fn under(&self, services: &[usize], words: &[String]) -> (Vec<ToolEntry<'_>>, bool) {
        let found: Vec<(usize, Found)> = services
            .iter()
            .filter_map(|&place| Some((place, self.services[place].built.shelf.find(words)?)))
            .collect();
        let Some(longest) = found.iter().map(|(_, found)| found.words).max() else {
            return (services.iter().flat_map(|&place| self.tools_of(place)).collect(), false);
        };
        let found: Vec<_> = found.into_iter().filter(|(_, found)| found.words == longest).collect();
        let is_command = found.iter().any(|(_, found)| found.is_command);
        let of = |(place, found): (usize, Found)| {
            found.positions.into_iter().map(move |position| ToolEntry::new(self, place, position))
        };
        (found.into_iter().flat_map(of).collect(), is_command)
    }

    fn service_at(&self, place: usize) -> &Service {
        &self.services[place].built.service
    }

    /// Everything before the tools: services that own a tool the caller reaches (FLT-2), and where their descriptions
    /// come from (W-13).
    fn head_of(&self, slice: &Slice) -> Result<Bytes, serde_json::Error> {
        let Some(services) = self.reached_services(slice) else { return self.head_before_tools() };
        let reached: HashSet<&str> = services.iter().map(|service| service.source_id.as_str()).collect();
        let sources = self.sources.iter().filter(|source| reached.contains(source.id.as_str())).collect();
        let mut out = Pieces::default();
        self.head(sources, services, &mut out)?;
        Ok(out.finish().pieces.concat().into())
    }

    /// Everything before the tools of the whole catalog, written once.
    fn head_before_tools(&self) -> Result<Bytes, serde_json::Error> {
        if let Some(head) = self.head.get() {
            return Ok(head.clone());
        }
        let mut out = Pieces::default();
        let services = self.services.iter().map(|placed| &*placed.built.service).collect();
        self.head(self.sources.iter().collect(), services, &mut out)?;
        let head: Bytes = out.finish().pieces.concat().into();
        Ok(self.head.get_or_init(|| head).clone())
    }

    fn head(
        &self,
        sources: Vec<&Source>,
        services: Vec<&Service>,
        out: &mut Pieces,
    ) -> Result<(), serde_json::Error> {
        out.text("{\"catalog\":");
        out.json(&Head {
            catalog_version: open_cli_contract::CATALOG_VERSION,
            generated_at: self.generated_at.to_string(),
            source_fingerprint: self.fingerprint(),
            sources,
            services,
        })?;
        out.reopen_object();
        out.text(",\"tools\":[");
        Ok(())
    }

    fn tail<T: Serialize>(&self, diagnostics: &[T], out: &mut Pieces) -> Result<(), serde_json::Error> {
        out.text("]");
        if !diagnostics.is_empty() {
            out.text(",\"diagnostics\":");
            out.json(diagnostics)?;
        }
        out.text("},\"view\":");
        Ok(())
    }

    fn view(
        &self,
        name: &str,
        mode: &str,
        lists: impl Fn(&ToolEntry<'_>) -> bool,
        detail: Detail,
        out: &mut Pieces,
    ) -> Result<(), serde_json::Error> {
        out.text("{\"name\":");
        out.json(&name)?;
        out.text(",\"mode\":");
        out.json(&mode)?;
        out.text(",\"tools\":[");
        self.tools_where(lists, detail, out);
        out.text("]}");
        Ok(())
    }

    /// The tools that pass, comma-separated.
    fn tools_where(&self, lists: impl Fn(&ToolEntry<'_>) -> bool, detail: Detail, out: &mut Pieces) {
        let form = if detail == Detail::Full { Form::Listed } else { Form::Contract };
        self.write(self.tools().filter(lists), form, &Bytes::new(), out);
    }

    /// These tools, comma-separated. Runs of neighbours of one service are one piece.
    fn write<'a>(
        &'a self,
        entries: impl Iterator<Item = ToolEntry<'a>>,
        form: Form,
        responses: &Bytes,
        out: &mut Pieces,
    ) {
        let is_first = Cell::new(true);
        let separate = |out: &mut Pieces| {
            if !is_first.replace(false) {
                out.text(",");
            }
        };
        if matches!(form, Form::Listed | Form::Detailed) {
            for entry in entries {
                separate(out);
                if let Some(held) = entry.held() {
                    out.bytes(held.json.clone());
                    continue;
                }
                let pieces = entry.built().shelf.detailed(entry.position, form == Form::Detailed);
                for (i, bytes) in pieces.into_iter().enumerate() {
                    // The last piece closes `details`.
                    if i == LAST_OF_DETAILED && !responses.is_empty() {
                        out.text(",\"responses\":");
                        out.bytes(responses.clone());
                    }
                    out.bytes(bytes);
                }
            }
            return;
        }
        let push = |(service, first, last): (usize, usize, usize), out: &mut Pieces| {
            separate(out);
            let shelf = &self.services[service].built.shelf;
            out.bytes(if form == Form::Brief { shelf.brief(first, last) } else { shelf.listed(first, last) });
        };
        let mut run: Option<(usize, usize, usize)> = None;
        for entry in entries {
            if let Some(held) = entry.held() {
                if let Some(done) = run.take() {
                    push(done, out);
                }
                separate(out);
                out.bytes(held.json.clone());
                continue;
            }
            run = match run {
                Some((service, first, last)) if service == entry.service && last + 1 == entry.position => {
                    Some((service, first, entry.position))
                }
                other => {
                    if let Some(done) = other {
                        push(done, out);
                    }
                    Some((entry.service, entry.position, entry.position))
                }
            };
        }
        if let Some(done) = run {
            push(done, out);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Brief,
    Contract,
    /// With details, one of several.
    Listed,
    /// With details and self-contained body schemas, which are large.
    Detailed,
}
