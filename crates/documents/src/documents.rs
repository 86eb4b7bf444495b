//! [`Documents`]: what the rest of the program reads API descriptions through.

use crate::error::DocumentError;
use crate::http::{FetchRequest, Fetched, Fetcher, Swept};
use crate::load::{self, LoadedSet, Single};
use crate::reader::Reader;
use crate::{DocumentsConfig, FetchPolicy, Location};
use bytes::Bytes;
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
        let root = self.read_one(location, policy, trace).await?;
        self.follow(root, policy, trace).await
    }

    /// Reads one document as JSON, without what it refers to: an overlay, or a description that is to be changed
    /// before [`Documents::follow`].
    ///
    /// # Errors
    /// When the document can't be read, or is neither JSON nor YAML.
    pub async fn read_one(
        &self,
        location: &Location,
        policy: &FetchPolicy,
        trace: &Trace,
    ) -> Result<Single, DocumentError> {
        load::read_one(self.reader(policy, trace), location).await
    }

    /// Reads every document that the `$ref`s of a root document reach.
    ///
    /// # Errors
    /// When the root document is not an object (OA-2).
    pub async fn follow(
        &self,
        root: Single,
        policy: &FetchPolicy,
        trace: &Trace,
    ) -> Result<LoadedSet, DocumentError> {
        load::follow(self.reader(policy, trace), root).await
    }

    fn reader<'a>(&'a self, policy: &'a FetchPolicy, trace: &'a Trace) -> Reader<'a> {
        Reader { config: &self.config, fetcher: &self.fetcher, policy, trace }
    }

    /// The bytes of a document as they are, local or remote; they are not looked at.
    ///
    /// # Errors
    /// When the document can't be read.
    pub async fn content(
        &self,
        location: &Location,
        policy: &FetchPolicy,
        trace: &Trace,
    ) -> Result<Bytes, DocumentError> {
        self.reader(policy, trace).content(location).await
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
