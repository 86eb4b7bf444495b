//! The catalog in force: immutable, shared by `Arc`, everything that is asked often ready to send.

use crate::discover::Found;
use crate::index::CommandIndex;
use crate::service::{BuiltService, PreparedTool};
use jiff::Timestamp;
use open_cli_config::Loaded;
use open_cli_contract::catalog::{Diagnostic, Service, Severity, Source, Tool};
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_contract::runtime::CatalogStatus;
use open_cli_credentials::Secrets;
use open_cli_documents::{FileStamp, Location};
use open_cli_policy::{PolicyTable, ToolVerdict};
use open_cli_request::RequestTemplate;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// One tool of a snapshot: what the description says, and what the policy says about it.
#[derive(Debug)]
pub struct ToolEntry {
    prepared: Arc<PreparedTool>,
    pub(crate) service: usize,
    pub(crate) position: usize,
    /// The rules, matched.
    pub verdict: ToolVerdict,
}

impl ToolEntry {
    /// The tool, without `details` and body schemas.
    pub fn tool(&self) -> &Tool {
        &self.prepared.tool
    }
    /// Its compiled request.
    pub fn template(&self) -> &RequestTemplate {
        &self.prepared.template
    }
    /// First server, credentials redacted; empty when it has none.
    pub fn target(&self) -> &str {
        &self.prepared.target
    }
    pub(crate) fn prepared(&self) -> &PreparedTool {
        &self.prepared
    }
}

/// Everything that a build decided.
#[derive(Debug)]
pub struct Snapshot {
    config: Arc<Loaded>,
    policy: PolicyTable,
    secrets: Secrets,
    pub(crate) services: Vec<Arc<BuiltService>>,
    tools: Vec<ToolEntry>,
    by_id: HashMap<String, u32>,
    pub(crate) commands: CommandIndex,
    pub(crate) generated_at: Timestamp,
    fingerprint: String,
    pub(crate) tag: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) stamps: Vec<FileStamp>,
    pub(crate) revalidate_at: Option<Timestamp>,
    /// Discoveries that may be fresh still.
    pub(crate) found: Vec<Arc<Found>>,
}

/// What goes into a snapshot.
pub(crate) struct Parts {
    pub(crate) config: Arc<Loaded>,
    pub(crate) policy: PolicyTable,
    pub(crate) secrets: Secrets,
    pub(crate) services: Vec<Arc<BuiltService>>,
    pub(crate) generated_at: Timestamp,
    pub(crate) config_digest: [u8; 32],
    pub(crate) sources: Vec<Source>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) stamps: Vec<FileStamp>,
    pub(crate) revalidate_at: Option<Timestamp>,
    /// Discoveries that may be fresh still.
    pub(crate) found: Vec<Arc<Found>>,
}

impl Snapshot {
    /// Freezes the parts.
    pub(crate) fn new(parts: Parts) -> Result<Self, serde_json::Error> {
        let Parts { config, policy, secrets, mut services, generated_at, config_digest, sources, .. } = parts;
        let mut diagnostics = parts.diagnostics;
        // Tool ids are `<service>:…`; in this order the tools of all services come in ascending byte order.
        services.sort_by_cached_key(|built| format!("{}:", built.service.id));
        let mut tools = Vec::with_capacity(services.iter().map(|s| s.tools.len()).sum());
        let mut by_id = HashMap::with_capacity(tools.capacity());
        for (service, built) in services.iter().enumerate() {
            for (position, prepared) in built.tools.iter().enumerate() {
                let tool = &prepared.tool;
                by_id.insert(tool.id.clone(), u32::try_from(tools.len()).unwrap_or(u32::MAX));
                let verdict = policy.judge(&tool.id, tool.safety.requires_approval);
                tools.push(ToolEntry { prepared: Arc::clone(prepared), service, position, verdict });
            }
            diagnostics.extend(built.diagnostics.iter().cloned());
        }
        for unmatched in policy.unmatched(tools.iter().map(|entry: &ToolEntry| entry.tool().id.as_str())) {
            diagnostics.push(Diagnostic {
                severity: Severity::Warning,
                code: "pattern_unmatched".into(),
                source: "policy".into(),
                pointer: unmatched.path,
                message: format!("the pattern \"{}\" matches no tool", unmatched.pattern),
                hint: "Correct the pattern, or remove it.".into(),
            });
        }
        diagnostics.sort();
        diagnostics.dedup();
        debug_assert!(
            diagnostics.iter().all(|d| DiagnosticCode::parse(&d.code).is_some()),
            "every code stands in open_cli_contract::diagnostic: {diagnostics:?}"
        );
        let mut hash = Sha256::new();
        hash.update(config_digest);
        for built in &services {
            // A discovered service may have got another id with the same documents.
            hash.update(&built.service.id);
            hash.update(built.digest);
        }
        let fingerprint = hex(&hash.finalize());
        let commands = CommandIndex::build(&tools, |entry| services[entry.service].service.alias.as_str());
        // The answers differ when any of these do; everything else in them follows from the fingerprint.
        let mut hash = Sha256::new();
        hash.update(&fingerprint);
        hash.update(generated_at.to_string());
        hash.update(serde_json::to_vec(&(&sources, &diagnostics))?);
        let tag = hex(&hash.finalize()[..12]);
        Ok(Self {
            config,
            policy,
            secrets,
            services,
            tools,
            by_id,
            commands,
            generated_at,
            fingerprint,
            tag,
            sources,
            diagnostics,
            stamps: parts.stamps,
            revalidate_at: parts.revalidate_at,
            found: parts.found,
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
    /// All tools, ascending id.
    pub fn tools(&self) -> &[ToolEntry] {
        &self.tools
    }
    /// A tool by its exact id.
    pub fn tool(&self, id: &str) -> Option<&ToolEntry> {
        self.tools.get(*self.by_id.get(id)? as usize)
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
        self.services.iter().map(|built| (&built.service, &built.inputs.location))
    }
    /// The service of a tool.
    pub fn service_of(&self, entry: &ToolEntry) -> &Service {
        &self.services[entry.service].service
    }
    /// Sources that took part.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }
    /// What was remarkable, most severe first.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
    /// Counts for `/readyz` and the handshake.
    pub fn status(&self) -> CatalogStatus {
        let count = |severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        CatalogStatus {
            ready: true,
            degraded: false,
            revision: self.fingerprint.clone(),
            built_at: Some(self.generated_at),
            services: self.services.len(),
            tools: self.tools.len(),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            faults: Vec::new(),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
