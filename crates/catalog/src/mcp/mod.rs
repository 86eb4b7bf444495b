//! MCP servers as sources (catalog-and-execution §16): from the configuration to a server, from its tools to a description
//! that goes the way of all others. Not for talking to servers; that is `open-cli-mcp`.

mod disabled;
mod transport;

pub(crate) use disabled::{check_overlays, unserved};
pub(crate) use transport::Mcp;

use crate::diagnostics::{error, note, warning};
use crate::plan::Plan;
use open_cli_contract::catalog::{Backend, Diagnostic};
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_documents::Single;
use open_cli_mcp::{Asking, Described, Listing, McpError, Server};
use open_cli_observe::Trace;
use open_cli_openapi::api::Operation;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a build waits for the tools of a server; other services must not wait longer for one that starts slowly.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server that a service is.
#[derive(Debug, Clone)]
pub(crate) struct McpSource {
    pub(crate) server: Arc<Server>,
    /// DT-1.
    pub(crate) disabled: Arc<[String]>,
    /// Hash of what the configuration says about all this.
    pub(crate) identity: [u8; 32],
}

/// What a service was built from, when that is a server.
#[derive(Debug, Clone)]
pub(crate) struct McpInputs {
    pub(crate) source: McpSource,
    /// Version of the list of tools.
    version: u64,
    /// Names of tools that the server has and the configuration disables.
    pub(crate) disabled: Arc<[String]>,
}

/// The version of a list that nobody saw.
const NEVER_LISTED: u64 = u64::MAX;

impl McpInputs {
    /// Of an earlier run: what it says serves until the server has listed its tools anew.
    pub(crate) fn restored(source: McpSource, disabled: Vec<String>) -> Self {
        Self { source, version: NEVER_LISTED, disabled: disabled.into() }
    }

    pub(crate) fn stamp(&self) -> ListingStamp {
        ListingStamp { server: Arc::clone(&self.source.server), version: self.version }
    }
}

/// A list of tools as a build saw it, to notice that there is another one.
#[derive(Debug, Clone)]
pub(crate) struct ListingStamp {
    server: Arc<Server>,
    version: u64,
}

impl ListingStamp {
    /// Taken before the server is asked: what changes afterwards shows as a change.
    pub(crate) fn of(source: &McpSource) -> Self {
        Self { server: Arc::clone(&source.server), version: source.server.version() }
    }

    pub(crate) fn is_current(&self) -> bool {
        self.server.version() == self.version
    }
}

/// A description that was made.
pub(crate) struct Made {
    pub(crate) single: Single,
    pub(crate) inputs: McpInputs,
    pub(crate) backends: Backends,
    /// The description with the disabled tools, when there are any, and their names by path.
    pub(crate) with_disabled: Option<String>,
    pub(crate) disabled: BTreeMap<String, String>,
    pub(crate) remarks: Vec<Diagnostic>,
}

/// What executes the operations of a made description.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backends {
    source_id: String,
    transport: &'static str,
    tools: BTreeMap<String, Described>,
}

impl Backends {
    /// The tool that an operation stands for. Overlays may change everything about an operation, but not that.
    pub(crate) fn of(&self, operation: &Operation) -> Option<Backend> {
        let tool = self.tools.get(&operation.path).filter(|_| operation.method == "POST")?;
        Some(Backend {
            kind: "mcp".into(),
            source_id: self.source_id.clone(),
            tool_name: tool.name.clone(),
            transport: self.transport.into(),
            input_wrapped: tool.input_wrapped,
        })
    }

    /// About an operation that stands for none.
    pub(crate) fn unknown(&self, operation: &Operation) -> Diagnostic {
        let message = format!("{} {} stands for no tool of the MCP server", operation.method, operation.path);
        let code = DiagnosticCode::McpOperationUnknown;
        Diagnostic { pointer: operation.pointer.clone(), ..warning("", code.as_str(), message, code.advice()) }
    }
}

/// Lists the tools and describes them.
pub(crate) async fn read(
    plan: &Plan,
    source: &McpSource,
    force_refresh: bool,
    trace: &Trace,
) -> Result<Made, (String, Diagnostic)> {
    let max_age = plan.refresh.max_age_seconds;
    let asking = Asking {
        anew: force_refresh,
        patience: PATIENCE,
        max_age: (max_age > 0).then(|| Duration::from_secs(max_age)),
        manual_only: plan.refresh.manual_only,
    };
    let listing = source.server.listing(asking, trace).await.map_err(|error| unavailable(&error))?;
    let (name, source) = (plan.name().to_owned(), source.clone());
    let remarks = remarks(&listing);
    let (version, expires_at) = (listing.version, listing.expires_at);
    let disabled_tools = Arc::clone(&source.disabled);
    let work = tokio::task::spawn_blocking(move || open_cli_mcp::describe(&name, &listing, &disabled_tools));
    let described = work.await.map_err(|error| {
        let message = format!("describing the tools failed: {error}");
        (message.clone(), mcp_error(message))
    })?;
    let mut hash = Sha256::new();
    hash.update(&described.json);
    hash.update([0]);
    hash.update(described.with_disabled.as_deref().unwrap_or_default());
    remarks.iter().for_each(|remark| hash.update(&remark.message));
    let spec = source.server.spec();
    let place = format!("mcp:{}", spec.source_id);
    let backends =
        Backends { source_id: spec.source_id.clone(), transport: spec.transport.word(), tools: described.tools };
    let disabled = described.disabled.values().cloned().collect();
    Ok(Made {
        single: Single::made(place, described.json.into(), hash.finalize().into(), expires_at),
        inputs: McpInputs { source, version, disabled },
        backends,
        with_disabled: described.with_disabled,
        disabled: described.disabled,
        remarks,
    })
}

fn unavailable(error: &McpError) -> (String, Diagnostic) {
    let message = error.to_string();
    (message.clone(), mcp_error(message))
}

fn mcp_error(message: String) -> Diagnostic {
    let code = DiagnosticCode::McpUnavailable;
    error("", code.as_str(), message, code.advice())
}

fn remarks(listing: &Listing) -> Vec<Diagnostic> {
    let remark = |remark: &open_cli_mcp::Remark| {
        if remark.tool.is_empty() {
            let code = DiagnosticCode::McpListing;
            return note("", code.as_str(), remark.message.clone(), code.advice());
        }
        let code = DiagnosticCode::McpToolInvalid;
        let message = format!("the tool \"{}\" is left out: {}", remark.tool, remark.message);
        warning("", code.as_str(), message, code.advice())
    };
    listing.remarks.iter().map(remark).collect()
}
