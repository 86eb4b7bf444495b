//! [`Documents`]: what the rest of the program reads API descriptions through.

use crate::error::DocumentError;
use crate::http::{FetchRequest, Fetched, Fetcher, Swept};
use crate::load::{self, LoadedSet};
use crate::{DocumentsConfig, FetchPolicy, Location};
use open_cli_observe::Trace;
use std::fmt;
use std::sync::Arc;

/// Reads API descriptions, local ones from disk and remote ones through the HTTP cache. Cheap to clone; one per
/// process, so that concurrent readers of one URL share a fetch.
#[derive(Clone)]
pub struct Documents {
    config: Arc<DocumentsConfig>,
    fetcher: Arc<Fetcher>,
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Documents {
    /// Touches neither disk nor network. The HTTP client is built with the first fetch; by then the process must have
    /// installed a rustls crypto provider.
    pub fn new(config: DocumentsConfig) -> Self {
        let config = Arc::new(config);
        Self { fetcher: Arc::new(Fetcher::new(Arc::clone(&config))), config }
    }

    /// Reads an API description and every document its `$ref`s reach. References that lead nowhere are diagnostics.
    ///
    /// # Errors
    /// When the root document can't be read, or is not an object (OA-2).
    pub async fn load(
        &self,
        location: &Location,
        policy: &FetchPolicy,
        trace: &Trace,
    ) -> Result<LoadedSet, DocumentError> {
        load::load(&self.config, &self.fetcher, location, policy, trace).await
    }

    /// Reads one remote document through the cache (config-and-state §4). The bytes are not looked at.
    ///
    /// # Errors
    /// When the origin can't be reached or answers with anything but the document, and no stored copy may stand in.
    pub async fn fetch(
        &self,
        request: &FetchRequest,
        policy: &FetchPolicy,
        trace: &Trace,
    ) -> Result<Fetched, DocumentError> {
        self.fetcher.fetch(request, policy, trace).await
    }

    /// Removes what the cache need not keep: see `max_cache_age` and `max_cache_bytes`.
    ///
    /// # Errors
    /// When the cache folder can't be listed.
    pub async fn sweep_cache(&self) -> std::io::Result<Swept> {
        self.fetcher.sweep().await
    }

    /// Removes every entry of the cache.
    ///
    /// # Errors
    /// When the cache folder can't be listed.
    pub async fn clear_cache(&self) -> std::io::Result<Swept> {
        self.fetcher.clear().await
    }
}
