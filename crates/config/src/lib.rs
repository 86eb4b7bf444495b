//! The `.cli.json` model: which files are in force, what they say together, and where each fault is
//! (contract: config-and-state §1).
//!
//! The way of the data: [`Locations::discover`] finds the files of the scopes, a strict reader turns each into a
//! tree that remembers line and column, one table of fields drives validation and merging, the checks
//! of the merged tree point back at the file that caused a fault, and [`Config`] is the typed result.
//!
//! Not for resolving secrets, fetching documents or watching files: [`Loaded::probed`] names what to watch.

mod checks;
mod decode;
mod diagnostic;
mod json;
mod load;
mod locations;
mod mcp_servers;
mod merge;
mod model;
mod paths;
mod reference;
mod secret;
mod settle;
mod suggest;
mod table;
mod tree;
mod url_text;
mod validate;
mod words;

pub use diagnostic::{ConfigDiagnostic, ConfigError, MAX_FINDINGS};
pub use load::{Loaded, Origin, load, load_text};
pub use locations::{LOCAL_FILE, Locations, MANAGED_DIR, PROJECT_FILE, Scope, ScopeSet};
pub use model::{
    Agents, Auth, BrowserLogin, CatalogSettings, Config, Curation, Delegation, ModeSettings, Network, OAuth,
    Policy, Profile, RateLimit, Refresh, Remote, RemoteOAuth, RemoteOAuthClient, Runtime, Server, Service, Source,
    ToolSet, Transport,
};
pub use reference::Reference;
pub use secret::{Secret, SecretText, StaticSecret};
pub use url_text::UrlText;
pub use words::{
    ClientAuthMethod, Mode, NewTools, OAuthMode, RateLimitPer, RemoteOAuthMode, RuntimeMode, SourceKind,
    TokenStorage, TransportKind, ValidationProfile,
};
