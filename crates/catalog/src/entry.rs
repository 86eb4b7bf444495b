//! One tool of a snapshot: what the rules say about it, and the way to the rest.

use crate::pins::Held;
use crate::prepared::PreparedTool;
use crate::service::BuiltService;
use crate::snapshot::{Placed, Snapshot};
use open_cli_contract::catalog::{Service, Tool};
use open_cli_mcp::Server;
use open_cli_policy::ToolVerdict;
use std::sync::Arc;

/// A tool of a snapshot. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct ToolEntry<'a> {
    snapshot: &'a Snapshot,
    pub(crate) service: usize,
    pub(crate) position: usize,
}

impl<'a> ToolEntry<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, service: usize, position: usize) -> Self {
        Self { snapshot, service, position }
    }

    /// Its id.
    pub fn id(&self) -> &'a str {
        self.built().shelf.id(self.position)
    }

    /// Second word of its command.
    pub fn group(&self) -> &'a str {
        self.built().shelf.group(self.position)
    }

    /// Its service.
    pub fn service(&self) -> &'a Service {
        &self.built().service
    }

    /// The MCP server that executes it, when it is one's tool.
    pub fn mcp_server(&self) -> Option<&'a Arc<Server>> {
        self.built().inputs.mcp.as_ref().map(|mcp| &mcp.source.server)
    }

    /// The rules, matched.
    pub fn verdict(&self) -> &'a ToolVerdict {
        match self.held() {
            Some(held) => &held.verdict,
            None => self.snapshot.judged(self.service).verdict(self.position),
        }
    }

    /// What is told of it while it must not be called.
    pub(crate) fn held(&self) -> Option<&'a Held> {
        self.placed().held.get(&self.position)
    }

    /// Place among all tools of the snapshot.
    pub fn index(&self) -> usize {
        self.placed().first + self.position
    }

    /// The tool ready to be called. Fails only when what we wrote can't be read.
    pub fn prepared(&self) -> serde_json::Result<Arc<PreparedTool>> {
        self.snapshot.kept.get(&self.built().shelf, self.position)
    }

    /// All that is known of it, with details and body schemas, and its servers as they are called: may hold
    /// credentials. Read anew each time.
    pub fn whole(&self) -> serde_json::Result<Tool> {
        self.built().shelf.tool(self.position, true)
    }

    fn placed(&self) -> &'a Placed {
        &self.snapshot.services[self.service]
    }

    pub(crate) fn built(&self) -> &'a BuiltService {
        &self.placed().built
    }
}
