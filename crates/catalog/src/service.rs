//! One service, built and kept ready to send: its tools, and what the build read. Services are rebuilt one by one;
//! what did not change is shared between snapshots.

use crate::guides::Guides;
use crate::inputs::Inputs;
use crate::shelf::{PackError, Shelf, pack};
use open_cli_contract::catalog::{Diagnostic, Service, Severity, Tool};
use open_cli_contract::redact;
use std::sync::Arc;

/// Diagnostics of one service that are kept; the rest is counted.
const MAX_DIAGNOSTICS: usize = 200;

/// A service that was built.
#[derive(Debug, Clone)]
pub(crate) struct BuiltService {
    pub(crate) service: Arc<Service>,
    pub(crate) shelf: Arc<Shelf>,
    /// Hash over every input byte and the configuration of the service.
    pub(crate) digest: [u8; 32],
    pub(crate) inputs: Inputs,
    /// About description, overlays and tools.
    pub(crate) diagnostics: Arc<[Diagnostic]>,
    /// Skill manifests and workflow documents, which have diagnostics of their own.
    pub(crate) guides: Guides,
}

impl BuiltService {
    /// Freezes a service.
    pub(crate) fn new(
        mut service: Service,
        tools: Vec<Tool>,
        digest: [u8; 32],
        inputs: Inputs,
        diagnostics: Vec<Diagnostic>,
    ) -> Result<Self, PackError> {
        service.servers.iter_mut().for_each(|url| *url = redact::text(url));
        let shelf = Arc::new(Shelf::new(pack(&service.alias, tools)?));
        let diagnostics = bounded(diagnostics, &service.id).into();
        let guides = Guides::default();
        Ok(Self { service: Arc::new(service), shelf, digest, inputs, diagnostics, guides })
    }

    /// The same service, read again.
    pub(crate) fn with_inputs(&self, inputs: Inputs) -> Self {
        Self { inputs, ..self.clone() }
    }

    /// The same service with other documents about it; skill manifests must be those that its tools were made with.
    pub(crate) fn with_guides(self, guides: Guides) -> Self {
        let diagnostics = bounded(guides.diagnostics.to_vec(), &self.service.id).into();
        Self { guides: Guides { diagnostics, ..guides }, ..self }
    }
}

fn bounded(mut diagnostics: Vec<Diagnostic>, service_id: &str) -> Vec<Diagnostic> {
    for diagnostic in &mut diagnostics {
        if diagnostic.source.is_empty() {
            diagnostic.source = service_id.to_owned();
        }
    }
    diagnostics.sort();
    diagnostics.dedup();
    if diagnostics.len() > MAX_DIAGNOSTICS {
        let left_out = diagnostics.len() - MAX_DIAGNOSTICS;
        diagnostics.truncate(MAX_DIAGNOSTICS);
        diagnostics.push(Diagnostic {
            severity: Severity::Note,
            code: "diagnostics_truncated".into(),
            source: service_id.to_owned(),
            pointer: String::new(),
            message: format!("{left_out} more diagnostics of this service are not listed"),
            hint: String::new(),
        });
    }
    diagnostics
}
