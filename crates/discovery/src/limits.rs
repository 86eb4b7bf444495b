//! Every bound of discovery by name, with its default (weaknesses W4 and W5). The size of one answer and the time to
//! connect are settings of the documents.

use std::time::Duration;

/// What one discovery may cost. The same for the life of a [`crate::Discovery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How deep catalogs may be nested below the first one.
    pub max_depth: usize,
    /// Most catalogs that are asked for.
    pub max_catalogs: usize,
    /// Most services that are looked at.
    pub max_services: usize,
    /// Most links read of one document or header.
    pub max_links: usize,
    /// Largest document with links.
    pub max_linkset_bytes: usize,
    /// How much of an HTML page is scanned for links.
    pub max_html_bytes: usize,
    /// Most metadata documents of one service.
    pub max_metadata: usize,
    /// Longest wait for one answer.
    pub request_time: Duration,
    /// Longest time from the first request to the last answer.
    pub total_time: Duration,
    /// Requests under way at the same time.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 4,
            max_catalogs: 64,
            max_services: 512,
            max_links: 10_000,
            max_linkset_bytes: 4 << 20,
            max_html_bytes: 1 << 20,
            max_metadata: 8,
            request_time: Duration::from_secs(20),
            total_time: Duration::from_secs(120),
            concurrency: 8,
        }
    }
}
