//! A runtime's client: which configuration is active, where the runtime is, as whom to ask, and the calls of the
//! HTTP contract (client §4 to §7). Blocking, one connection, and nothing is done before it is needed: a command
//! that runs for a few milliseconds has no use for an async runtime.
//!
//! Not for terminals: nothing here prints or knows about formats and exit codes.

mod answer;
mod audit;
mod calls;
mod command_trace;
mod endpoint;
mod environment;
mod error;
mod proxy;
mod runtime;
mod settings;
mod sign_in;
mod telemetry;
mod transport;

pub use audit::{AuditLines, AuditPage, AuditQuery};
pub use calls::{CatalogQuery, TraceQuery};
pub use command_trace::{CommandTrace, FinishedTrace};
pub use endpoint::{RuntimeUrl, UrlSource, choose as choose_runtime_url};
pub use environment::Environment;
pub use error::{ClientError, Refusal};
pub use open_cli_config::{RemoteOAuth, RemoteOAuthMode};
pub use runtime::{Identity, Renew, Runtime, Sent};
pub use settings::{Places, ScopePaths, Service, Settings, SettingsError};
pub use sign_in::{LoginWay, Request, SignIn, SignInSettings, SignedIn};
pub use telemetry::{ExportError, Telemetry};
pub use transport::{DOWNLOAD_LIMIT, Patience, download};
