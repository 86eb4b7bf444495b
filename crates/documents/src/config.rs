//! Settings of document loading: every bound by name, with its default.

use crate::Guard;
use open_cli_contract::catalog::DiscoveryMethod;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How documents are read. The same for the life of a [`crate::Documents`].
#[derive(Debug, Clone)]
pub struct DocumentsConfig {
    /// Folder of the HTTP cache (INST-9). `None`: nothing is kept, every fetch is a miss.
    pub cache_dir: Option<PathBuf>,
    /// Folder of another process's cache: what the own one lacks is looked up there, and nothing there is ever changed.
    pub borrowed_cache_dir: Option<PathBuf>,
    /// Nothing is asked over the network: what is stored is used, whatever its age.
    pub offline: bool,
    /// `User-Agent` of requests.
    pub user_agent: String,
    /// Longest time to set up a connection.
    pub connect_timeout: Duration,
    /// Longest time from sending a request to the last byte of its answer, redirects included.
    pub total_timeout: Duration,
    /// Largest answer, decompressed.
    pub max_body_bytes: usize,
    /// Most redirects of one request.
    pub max_redirects: usize,
    /// How long past its freshness a stored answer may stand in for one that can't be had. The origin may say less
    /// (`stale-if-error`), or nothing at all (`must-revalidate`, `no-cache`).
    pub max_stale: Duration,
    /// Largest local file.
    pub max_file_bytes: u64,
    /// Most documents of one set.
    pub max_documents: usize,
    /// Most bytes of all documents of one set, as read.
    pub max_set_bytes: usize,
    /// Remote documents of one set that are fetched at the same time.
    pub concurrent_fetches: usize,
    /// Local documents are read only below this folder, symbolic links followed. `None`: anywhere.
    pub local_root: Option<PathBuf>,
    /// Proxies named by the environment are used.
    pub use_system_proxy: bool,
    /// [`crate::Documents::sweep_cache`] removes the oldest entries above this size.
    pub max_cache_bytes: u64,
    /// [`crate::Documents::sweep_cache`] removes entries not validated for this long.
    pub max_cache_age: Duration,
}

impl Default for DocumentsConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            borrowed_cache_dir: None,
            offline: false,
            user_agent: concat!("open-cli-toolbox/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            max_body_bytes: 64 << 20,
            max_redirects: 10,
            max_stale: Duration::from_secs(7 * 24 * 3600),
            max_file_bytes: 64 << 20,
            max_documents: 5_000,
            max_set_bytes: 256 << 20,
            concurrent_fetches: 8,
            local_root: None,
            use_system_proxy: true,
            max_cache_bytes: 1 << 30,
            max_cache_age: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// How one source wants its remote documents to be refreshed (config-and-state §4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPolicy {
    /// `refresh.maxAgeSeconds`: how long an answer is fresh that does not say so itself. Zero is none.
    pub max_age: Option<Duration>,
    /// `refresh.manualOnly`: what is stored is used, whatever its age, unless a refresh is forced.
    pub manual_only: bool,
    /// The caller asked for a refresh: freshness does not count.
    pub force_refresh: bool,
    /// Why these documents are read, for the records.
    pub method: DiscoveryMethod,
    /// Where the documents may be. `None`: anywhere.
    pub guard: Option<Arc<Guard>>,
}

impl Default for FetchPolicy {
    fn default() -> Self {
        Self {
            max_age: None,
            manual_only: false,
            force_refresh: false,
            method: DiscoveryMethod::Explicit,
            guard: None,
        }
    }
}
