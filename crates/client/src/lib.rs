//! A runtime's client: which configuration is active, where the runtime is, as whom to ask, and the calls of the
//! HTTP contract (client §4 to §7). Blocking, one connection, and nothing is done before it is needed: a command
//! that runs for a few milliseconds has no use for an async runtime.
//!
//! Not for terminals: nothing here prints or knows about formats and exit codes.

mod auth;
mod endpoint;
mod environment;
mod error;
mod proxy;
mod runtime;
mod settings;
mod transport;

pub use auth::token;
pub use endpoint::{RuntimeUrl, UrlSource, choose as choose_runtime_url};
pub use environment::Environment;
pub use error::{ClientError, Refusal};
pub use runtime::{AuditQuery, CatalogQuery, Identity, Runtime, Sent};
pub use settings::{OAuth, Places, ScopePaths, Settings, SettingsError};
pub use transport::{DOWNLOAD_LIMIT, Patience, download};
