//! What a service was built from: enough to tell whether it is still the same, and whether what was built may stand in
//! for what can't be built now.

use crate::mcp::McpInputs;
use crate::servers::Serving;
use jiff::Timestamp;
use open_cli_contract::catalog::{CacheOutcome, FetchRecord};
use open_cli_documents::{FileStamp, Location};

/// Everything that building one service looked at.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    /// Hash of what the configuration and discovery say about the service.
    pub(crate) key: [u8; 32],
    /// `key`, the description as read, and its overlays; without what the description refers to.
    pub(crate) head: [u8; 32],
    /// Nothing but description and overlays was read.
    pub(crate) is_alone: bool,
    /// Where the description is.
    pub(crate) location: Location,
    /// Overlays of the operator, in order.
    pub(crate) operators: Vec<Location>,
    /// Which servers the operator wants to be called.
    pub(crate) serving: Serving,
    /// How it was discovered, if it was.
    pub(crate) origin: Option<Origin>,
    /// The id that its description suggests, when the configuration names none.
    pub(crate) derived: Option<String>,
    /// Local files, also those that are not there.
    pub(crate) stamps: Vec<FileStamp>,
    /// Remote documents.
    pub(crate) fetches: Vec<FetchRecord>,
    /// When the first remote document is to be asked for again.
    pub(crate) expires_at: Option<Timestamp>,
    /// The MCP server, when that is what the service is.
    pub(crate) mcp: Option<McpInputs>,
}

/// How a service was discovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The configured address.
    pub(crate) asked: Location,
    /// The documents that led to it and its own address, credentials redacted.
    pub(crate) path: Vec<String>,
}

impl Inputs {
    /// True when reading everything again would surely give the same, without asking anybody.
    pub(crate) fn are_current(&self) -> bool {
        let is_fresh = match self.expires_at {
            Some(at) => Timestamp::now() < at,
            // Refreshed by hand only: the cache knows what is there.
            None => self.fetches.is_empty(),
        };
        let is_listed = self.mcp.as_ref().is_none_or(|mcp| mcp.stamp().is_current());
        is_fresh && is_listed && self.stamps.iter().all(FileStamp::is_current)
    }

    /// The records of reading it again while it is fresh.
    pub(crate) fn fresh_records(&self) -> Vec<FetchRecord> {
        let fresh =
            |record: &FetchRecord| FetchRecord { cache_outcome: Some(CacheOutcome::FreshHit), ..record.clone() };
        self.fetches.iter().map(fresh).collect()
    }
}
