//! Answers of the catalog endpoint, assembled from pieces that are stored ready to send: no tool is serialised or
//! copied for a request. The contract's shape carries every view; a slice carries what one command line needs.

use crate::service::BuiltService;
use crate::snapshot::{Snapshot, ToolEntry, hex};
use bytes::Bytes;
use open_cli_contract::catalog::{Diagnostic, Service, Source};
use open_cli_policy::{Admission, Mode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

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
    /// How much is said about each tool.
    pub detail: Detail,
}

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
    sources: &'a [Source],
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
            (&slice.service, &slice.group, &slice.tool),
            slice.detail == Detail::Full,
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
            self.whole(&admission, slice.detail, &mut out)?;
        }
        Ok(out.finish())
    }

    fn whole(&self, admission: &Admission, detail: Detail, out: &mut Pieces) -> Result<(), serde_json::Error> {
        let services: Vec<&Service> = self.services.iter().map(|built| &built.service).collect();
        self.head(services, out)?;
        self.tools_where(|_| true, detail, out);
        out.text("],\"effectiveViews\":[");
        self.view("discover", "discover", |_| true, detail, out)?;
        for (name, profile) in &self.policy().rules().profiles {
            out.text(",");
            let mode = profile.mode.map_or("", Mode::as_str);
            let lists = |entry: &ToolEntry| self.policy().profile_lists(name, &entry.verdict);
            self.view(name, mode, lists, detail, out)?;
        }
        self.tail(&self.diagnostics, out)?;
        self.view(&admission.view, &admission.mode, |entry| admission.lists(&entry.verdict), detail, out)?;
        out.text("}\n");
        Ok(())
    }

    fn slice(&self, admission: &Admission, slice: &Slice, out: &mut Pieces) -> Result<(), serde_json::Error> {
        let (entries, form) = self.select(slice);
        let entries: Vec<&ToolEntry> =
            entries.into_iter().filter(|entry| admission.lists(&entry.verdict)).collect();
        let needs_all = slice.words.is_empty() && slice.service.is_empty() && slice.tool.is_empty();
        let is_needed = |service: &Service| {
            needs_all || entries.iter().any(|entry| self.services[entry.service].service.id == service.id)
        };
        let services: Vec<&Service> =
            self.services.iter().map(|built| &built.service).filter(|service| is_needed(service)).collect();
        let is_about = |d: &&Diagnostic| needs_all || services.iter().any(|service| service.id == d.source);
        let diagnostics: Vec<Diagnostic> = self.diagnostics.iter().filter(is_about).cloned().collect();
        self.head(services, out)?;
        out.text("],\"effectiveViews\":[");
        // Tools are said once, in the view; their diagnostics only where no single tool is meant.
        let diagnostics = if form == Form::Detailed { &[][..] } else { &diagnostics[..] };
        self.tail(diagnostics, out)?;
        out.text("{\"name\":");
        out.json(&admission.view)?;
        out.text(",\"mode\":");
        out.json(&admission.mode)?;
        out.text(",\"tools\":[");
        let form = if form == Form::Detailed && entries.len() > 1 { Form::Listed } else { form };
        for (i, entry) in entries.into_iter().enumerate() {
            if i > 0 {
                out.text(",");
            }
            self.push_tool(entry, form, out);
        }
        out.text("]}}\n");
        Ok(())
    }

    fn select(&self, slice: &Slice) -> (Vec<&ToolEntry>, Form) {
        let form = if slice.detail == Detail::Full { Form::Detailed } else { Form::Contract };
        if !slice.tool.is_empty() {
            return (Vec::from_iter(self.tool(&slice.tool)), form);
        }
        if !slice.words.is_empty() {
            let Some((positions, is_command)) = self.commands.find(&slice.words) else {
                return (Vec::new(), Form::Brief);
            };
            let entries = positions.iter().filter_map(|&p| self.tools().get(p as usize)).collect();
            return (entries, if is_command { form } else { Form::Brief });
        }
        if slice.service.is_empty() && slice.group.is_empty() {
            return (Vec::new(), Form::Brief);
        }
        let is_meant = |entry: &&ToolEntry| {
            let service = &self.services[entry.service].service;
            let service_fits =
                slice.service.is_empty() || service.id == slice.service || service.alias == slice.service;
            service_fits && (slice.group.is_empty() || entry.tool().group == slice.group)
        };
        (self.tools().iter().filter(is_meant).collect(), form)
    }

    fn head(&self, services: Vec<&Service>, out: &mut Pieces) -> Result<(), serde_json::Error> {
        out.text("{\"catalog\":");
        out.json(&Head {
            catalog_version: open_cli_contract::CATALOG_VERSION,
            generated_at: self.generated_at.to_string(),
            source_fingerprint: self.fingerprint(),
            sources: &self.sources,
            services,
        })?;
        out.reopen_object();
        out.text(",\"tools\":[");
        Ok(())
    }

    fn tail(&self, diagnostics: &[Diagnostic], out: &mut Pieces) -> Result<(), serde_json::Error> {
        out.text("]");
        if !diagnostics.is_empty() {
            out.text(",\"diagnostics\":");
            out.json(&diagnostics)?;
        }
        out.text("},\"view\":");
        Ok(())
    }

    fn view(
        &self,
        name: &str,
        mode: &str,
        lists: impl Fn(&ToolEntry) -> bool,
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

    /// The tools that pass, comma-separated. Runs of neighbours of one service are one piece.
    fn tools_where(&self, lists: impl Fn(&ToolEntry) -> bool, detail: Detail, out: &mut Pieces) {
        let mut is_first = true;
        let mut separate = |out: &mut Pieces| {
            if !std::mem::take(&mut is_first) {
                out.text(",");
            }
        };
        if detail == Detail::Full {
            for entry in self.tools().iter().filter(|entry| lists(entry)) {
                separate(out);
                self.push_tool(entry, Form::Listed, out);
            }
            return;
        }
        let mut run: Option<(&BuiltService, usize, usize)> = None;
        for entry in self.tools().iter().filter(|entry| lists(entry)) {
            let built = &*self.services[entry.service];
            run = match run {
                Some((service, first, last)) if std::ptr::eq(service, built) && last + 1 == entry.position => {
                    Some((service, first, entry.position))
                }
                other => {
                    if let Some((service, first, last)) = other {
                        separate(out);
                        out.bytes(service.json_between(first, last));
                    }
                    Some((built, entry.position, entry.position))
                }
            };
        }
        if let Some((service, first, last)) = run {
            separate(out);
            out.bytes(service.json_between(first, last));
        }
    }

    fn push_tool(&self, entry: &ToolEntry, form: Form, out: &mut Pieces) {
        let built = &self.services[entry.service];
        match form {
            Form::Brief => out.bytes(entry.prepared().brief.clone()),
            Form::Contract => out.bytes(built.json_of(entry.prepared())),
            Form::Listed | Form::Detailed => {
                let pieces = built.detailed_json_of(entry.prepared(), form == Form::Detailed);
                pieces.into_iter().for_each(|bytes| out.bytes(bytes));
            }
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

/// Small texts are gathered; large stored pieces are passed through.
#[derive(Default)]
struct Pieces {
    done: Vec<Bytes>,
    open: Vec<u8>,
    length: usize,
}

/// Pieces below this are cheaper to copy than to send on their own.
const COPY_BELOW: usize = 8 * 1024;

impl Pieces {
    fn text(&mut self, text: &str) {
        self.open.extend_from_slice(text.as_bytes());
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut self.open, value)
    }

    /// Takes back the `}` that was just written.
    fn reopen_object(&mut self) {
        self.open.pop();
    }

    fn bytes(&mut self, bytes: Bytes) {
        if bytes.len() < COPY_BELOW {
            self.open.extend_from_slice(&bytes);
        } else {
            self.flush();
            self.length += bytes.len();
            self.done.push(bytes);
        }
    }

    fn flush(&mut self) {
        if !self.open.is_empty() {
            self.length += self.open.len();
            self.done.push(std::mem::take(&mut self.open).into());
        }
    }

    fn finish(mut self) -> Answer {
        self.flush();
        Answer { pieces: self.done, length: self.length }
    }
}
