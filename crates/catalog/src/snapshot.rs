//! The catalog in force: immutable, shared by `Arc`, everything that is asked often ready to send.

use crate::discover::Found;
use crate::entry::ToolEntry;
use crate::judged::Judged;
use crate::mcp::ListingStamp;
use crate::pins::{Held, Pins};
use crate::prepared::Kept;
use crate::service::BuiltService;
use crate::workflows::{self, WorkflowEntry};
use bytes::Bytes;
use jiff::Timestamp;
use open_cli_config::Loaded;
use open_cli_contract::catalog::{Diagnostic, Service, Severity, Source};
use open_cli_contract::command::command_word;
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_contract::runtime::CatalogStatus;
use open_cli_credentials::Secrets;
use open_cli_documents::{FileStamp, Location};
use open_cli_policy::PolicyTable;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// Stale services that a status names.
const MAX_STALE: usize = 100;

/// Everything that a build decided.
#[derive(Debug)]
pub struct Snapshot {
    config: Arc<Loaded>,
    policy: PolicyTable,
    secrets: Secrets,
    /// In the order of their tools.
    pub(crate) services: Vec<Placed>,
    by_service: HashMap<String, usize>,
    /// Services by the first word of their commands.
    by_word: HashMap<String, Vec<usize>>,
    tools: usize,
    workflows: Vec<WorkflowEntry>,
    pub(crate) kept: Arc<Kept>,
    pub(crate) config_digest: [u8; 32],
    pub(crate) generated_at: Timestamp,
    fingerprint: String,
    pub(crate) tag: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Those that are no service's.
    pub(crate) own_diagnostics: Vec<Diagnostic>,
    /// The beginning of answers that are about the whole catalog, once one was asked for.
    pub(crate) head: OnceLock<Bytes>,
    /// Where the configuration may be, then what services were built from.
    pub(crate) stamps: Vec<FileStamp>,
    /// How many of the stamps are the configuration's.
    pub(crate) config_stamps: usize,
    /// Tools of MCP servers.
    pub(crate) listings: Vec<ListingStamp>,
    pub(crate) revalidate_at: Option<Timestamp>,
    /// Discoveries that may be fresh still.
    pub(crate) found: Vec<Arc<Found>>,
    /// The lock that is in force.
    pub(crate) pins: Option<Pins>,
}

/// A service in a snapshot.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) built: Arc<BuiltService>,
    judged: OnceLock<Arc<Judged>>,
    /// Tools that the lock holds, by position.
    pub(crate) held: BTreeMap<usize, Held>,
    /// Place of its first tool among those of all services.
    pub(crate) first: usize,
}

/// What goes into a snapshot.
pub(crate) struct Parts {
    pub(crate) config: Arc<Loaded>,
    pub(crate) policy: PolicyTable,
    pub(crate) secrets: Secrets,
    pub(crate) services: Vec<Arc<BuiltService>>,
    pub(crate) kept: Arc<Kept>,
    pub(crate) generated_at: Timestamp,
    pub(crate) config_digest: [u8; 32],
    pub(crate) sources: Vec<Source>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Where the configuration may be, then what services were built from.
    pub(crate) stamps: Vec<FileStamp>,
    /// How many of the stamps are the configuration's.
    pub(crate) config_stamps: usize,
    /// Tools of MCP servers.
    pub(crate) listings: Vec<ListingStamp>,
    pub(crate) revalidate_at: Option<Timestamp>,
    /// Discoveries that may be fresh still.
    pub(crate) found: Vec<Arc<Found>>,
    /// The lock that is in force.
    pub(crate) pins: Option<Pins>,
}

impl Snapshot {
    /// Freezes the parts. With a lock that reads tools it has not seen yet: blocking.
    pub(crate) fn new(parts: Parts) -> Result<Self, serde_json::Error> {
        let Parts { config, policy, secrets, mut services, generated_at, config_digest, sources, .. } = parts;
        // Tool ids are `<service>:…`; in this order the tools of all services come in ascending byte order.
        services.sort_by_cached_key(|built| format!("{}:", built.service.id));
        let mut tools = 0;
        let mut placed = Vec::with_capacity(services.len());
        let own_diagnostics = parts.diagnostics;
        let mut diagnostics = own_diagnostics.clone();
        let pins = parts.pins;
        let mut hash = Sha256::new();
        hash.update(config_digest);
        if let Some(pins) = &pins {
            hash.update(pins.digest());
        }
        let mut held_by = pins.as_ref().map(|pins| pins.judge(&services)).unwrap_or_default();
        diagnostics.append(&mut held_by.diagnostics);
        for (place, built) in services.into_iter().enumerate() {
            // A discovered service may have got another id with the same documents.
            hash.update(&built.service.id);
            hash.update(built.digest);
            hash.update(built.guides.digest);
            diagnostics.extend(built.diagnostics.iter().chain(built.guides.diagnostics.iter()).cloned());
            let judged = OnceLock::new();
            if built.shelf.is_read() {
                let _ = judged.set(built.shelf.judged(&policy, config_digest));
            }
            let mut held = held_by.held.remove(&place).unwrap_or_default();
            if !held.is_empty() {
                let judged = judged.get_or_init(|| built.shelf.judged(&policy, config_digest));
                held.iter_mut().for_each(|(position, held)| held.judge(judged.verdict(*position)));
            }
            let first = tools;
            tools += built.shelf.count;
            placed.push(Placed { built, judged, held, first });
        }
        let fingerprint = hex(&hash.finalize());
        diagnostics.extend(unmatched(&policy, config_digest, &placed));
        let (workflows, of_workflows) = workflows::bind(&placed);
        diagnostics.extend(of_workflows);
        diagnostics.sort();
        diagnostics.dedup();
        debug_assert!(
            diagnostics.iter().all(|d| DiagnosticCode::parse(&d.code).is_some()),
            "every code stands in open_cli_contract::diagnostic: {diagnostics:?}"
        );
        // The answers differ when any of these do; everything else in them follows from the fingerprint.
        let mut hash = Sha256::new();
        hash.update(&fingerprint);
        hash.update(generated_at.to_string());
        hash.update(serde_json::to_vec(&(&sources, &diagnostics))?);
        let tag = hex(&hash.finalize()[..12]);
        let by_service = placed.iter().enumerate().map(|(i, one)| (one.built.service.id.clone(), i)).collect();
        let mut by_word: HashMap<String, Vec<usize>> = HashMap::with_capacity(placed.len());
        for (place, one) in placed.iter().enumerate() {
            by_word.entry(command_word(&one.built.service.alias)).or_default().push(place);
        }
        Ok(Self {
            config,
            policy,
            secrets,
            services: placed,
            by_service,
            by_word,
            tools,
            workflows,
            kept: parts.kept,
            config_digest,
            generated_at,
            fingerprint,
            tag,
            sources,
            diagnostics,
            own_diagnostics,
            head: OnceLock::new(),
            stamps: parts.stamps,
            config_stamps: parts.config_stamps,
            listings: parts.listings,
            revalidate_at: parts.revalidate_at,
            found: parts.found,
            pins,
        })
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &Arc<Loaded> {
        &self.config
    }
    /// The rules in force.
    pub fn policy(&self) -> &PolicyTable {
        &self.policy
    }
    /// Secret sources of the configuration.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }
    /// How many tools there are.
    pub fn tool_count(&self) -> usize {
        self.tools
    }
    /// All tools, ascending id.
    pub fn tools(&self) -> impl Iterator<Item = ToolEntry<'_>> + Clone {
        (0..self.services.len()).flat_map(|service| self.tools_of(service))
    }
    pub(crate) fn tools_of(&self, service: usize) -> impl Iterator<Item = ToolEntry<'_>> + Clone {
        (0..self.services[service].built.shelf.len()).map(move |position| ToolEntry::new(self, service, position))
    }
    /// A tool by its exact id.
    pub fn tool(&self, id: &str) -> Option<ToolEntry<'_>> {
        // Ids of services may have colons too.
        id.match_indices(':').find_map(|(colon, _)| {
            let service = *self.by_service.get(&id[..colon])?;
            let position = self.services[service].built.shelf.position(id)?;
            Some(ToolEntry::new(self, service, position))
        })
    }
    /// The tool at a place that a workflow names: its place among all tools.
    pub fn tool_at(&self, place: u32) -> Option<ToolEntry<'_>> {
        let place = place as usize;
        let service = self.services.partition_point(|placed| placed.first <= place).checked_sub(1)?;
        let position = place - self.services[service].first;
        (position < self.services[service].built.shelf.len()).then(|| ToolEntry::new(self, service, position))
    }
    /// All workflows, by service, in the order in which they are named there.
    pub fn workflows(&self) -> &[WorkflowEntry] {
        &self.workflows
    }
    /// A workflow by its id in the catalog, or by `<service id>:<workflowId>`.
    pub fn workflow(&self, id: &str) -> Option<&WorkflowEntry> {
        let is_qualified = |entry: &&WorkflowEntry| {
            let service = self.services[entry.service].built.service.id.as_str();
            id.strip_prefix(service).and_then(|rest| rest.strip_prefix(':')) == Some(&entry.workflow().id)
        };
        let exact = self.workflows.iter().find(|entry| entry.id() == id);
        exact.or_else(|| self.workflows.iter().find(is_qualified))
    }
    /// What the rules say about the tools of a service.
    pub(crate) fn judged(&self, service: usize) -> &Judged {
        let placed = &self.services[service];
        placed.judged.get_or_init(|| placed.built.shelf.judged(&self.policy, self.config_digest))
    }
    /// The same for catalogs that say the same and watch the same files in the same state.
    pub(crate) fn inputs_key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(&self.fingerprint);
        for diagnostic in &self.diagnostics {
            hash.update(&diagnostic.code);
            hash.update(&diagnostic.message);
        }
        self.stamps.iter().for_each(|stamp| hash.update(format!("{stamp:?}")));
        hash.finalize().into()
    }
    /// A service of an earlier run can't be read: it has no tools here, and must be built again.
    pub fn is_damaged(&self) -> bool {
        self.services.iter().any(|placed| placed.built.shelf.is_damaged())
    }
    /// Reads what is not read yet. Blocking.
    pub(crate) fn read_all(&self) {
        self.services.iter().for_each(|placed| placed.built.shelf.read());
    }
    /// Services whose commands begin with this word, and those with this id or alias.
    pub(crate) fn services_at(&self, word: &str) -> &[usize] {
        self.by_word.get(word).map(Vec::as_slice).unwrap_or_default()
    }
    /// Hex SHA-256 over every input.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
    /// Callers must authenticate.
    pub fn requires_authentication(&self) -> bool {
        self.config.config.runtime.auth().is_some()
    }
    /// Services in the order of their tools, each with the address of its description.
    pub fn services(&self) -> impl Iterator<Item = (&Service, &Location)> {
        self.services.iter().map(|placed| (&*placed.built.service, &placed.built.inputs.location))
    }
    /// Sources that took part.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }
    /// Tools that must not be called until an operator accepts them, ascending id, each with the reason.
    pub fn quarantined(&self) -> impl Iterator<Item = (&str, &str)> {
        self.services.iter().flat_map(|placed| {
            placed.held.iter().map(|(position, held)| (placed.built.shelf.id(*position), &*held.reason))
        })
    }
    /// Services that stay at their last good state, each with what is wrong; the source where the service is not known.
    pub fn stale_services(&self) -> impl Iterator<Item = (&str, &str)> {
        let code = DiagnosticCode::ServiceStale.as_str();
        let stale = self.diagnostics.iter().filter(move |diagnostic| diagnostic.code == code);
        stale.map(|diagnostic| (diagnostic.source.as_str(), diagnostic.message.as_str()))
    }
    /// What was remarkable, most severe first.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
    /// Counts for `/readyz` and the handshake.
    pub fn status(&self) -> CatalogStatus {
        let count = |severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        let stale = self.stale_services().map(|(service, _)| service.to_owned());
        let stale_services: Vec<String> = stale.take(MAX_STALE).collect();
        CatalogStatus {
            ready: true,
            degraded: !stale_services.is_empty(),
            stale_services,
            quarantined: self.services.iter().map(|placed| placed.held.len()).sum(),
            changed_at: None,
            revision: self.fingerprint.clone(),
            built_at: Some(self.generated_at),
            services: self.services.len(),
            tools: self.tools,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            faults: Vec::new(),
        }
    }
}

/// Deviation 7: patterns that match no tool of any service.
fn unmatched(policy: &PolicyTable, key: [u8; 32], services: &[Placed]) -> Vec<Diagnostic> {
    let mut matched = Vec::new();
    for placed in services {
        let own = placed.built.shelf.matches(policy, key);
        matched.resize(own.len(), false);
        matched.iter_mut().zip(&own).for_each(|(any, own)| *any |= own);
    }
    let remark = |unmatched: open_cli_policy::UnmatchedPattern| Diagnostic {
        severity: Severity::Warning,
        code: "pattern_unmatched".into(),
        source: "policy".into(),
        pointer: unmatched.path,
        message: format!("the pattern \"{}\" matches no tool", unmatched.pattern),
        hint: "Correct the pattern, or remove it.".into(),
    };
    policy.unmatched(&matched).into_iter().map(remark).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
