//! The effective configuration, typed. Serialised it is the EFF JSON of config-and-state §1.11, with secrets in
//! plain text masked; [`Config::revealed`] shows them. Values were checked when it was loaded and can be trusted.

mod catalog;
mod network;
mod reveal;
mod runtime;

pub use catalog::CatalogSettings;
pub use network::{Network, RateLimit};
pub use runtime::{Auth, BrowserLogin, Delegation, Remote, RemoteOAuth, RemoteOAuthClient, Runtime, Server};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::reference::Reference;
use crate::secret::{Secret, SecretText, StaticSecret, masked_map};
use crate::url_text::UrlText;
use crate::words::{Mode, OAuthMode, SourceKind, TokenStorage, TransportKind};

fn is_false(value: &bool) -> bool {
    !*value
}
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// What all scopes say together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Version text of the format; never interpreted.
    pub cli: String,
    /// Default mode.
    pub mode: ModeSettings,
    /// How the client reaches the runtime and how the runtime guards itself.
    pub runtime: Runtime,
    /// Where API descriptions are, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, Source>,
    /// Named services, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Service>,
    /// What pins definitions of tools.
    #[serde(skip_serializing_if = "CatalogSettings::is_empty")]
    pub catalog: CatalogSettings,
    /// Tool sets.
    pub curation: Curation,
    /// Agent profiles.
    pub agents: Agents,
    /// What may run.
    pub policy: Policy,
    /// Secrets, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Secret>,
}

/// `mode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModeSettings {
    /// Mode of a caller that names none.
    pub default: Mode,
}

/// `sources.<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// What the address leads to.
    #[serde(rename = "type")]
    pub kind: SourceKind,
    /// Set for every type but `mcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<Reference>,
    /// False takes the source out without forgetting it.
    pub enabled: bool,
    /// Refresh policy.
    #[serde(skip_serializing_if = "Refresh::is_default")]
    pub refresh: Refresh,
    /// Set for `mcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// MCP tools that do not exist for us.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disabled_tools: Vec<String>,
    /// Upstream sign-in of a streamable-http MCP source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuth>,
    /// How its services are called, where a service does not say otherwise.
    #[serde(skip_serializing_if = "Network::is_empty")]
    pub network: Network,
}

impl Source {
    /// The absolute path or URL of the source; empty for `mcp`. Service roots and API catalogs are absolute URLs
    /// already (CFG-81).
    pub fn resolved_uri(&self) -> String {
        self.uri.as_ref().map(Reference::resolve).unwrap_or_default()
    }
}

/// `sources.<id>.refresh`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refresh {
    /// Freshness when the origin names none, in seconds; 0 = no override.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_age_seconds: u64,
    /// Only an explicit refresh asks the origin.
    #[serde(skip_serializing_if = "is_false")]
    pub manual_only: bool,
}

impl Refresh {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// `sources.<id>.transport`. `command` is set for stdio, `url` for the others.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Transport {
    /// How the server is reached.
    #[serde(rename = "type")]
    pub kind: TransportKind,
    /// The program; see [`Reference::program`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Reference>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its additional environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "masked_map")]
    pub env: BTreeMap<String, SecretText>,
    /// Address of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlText>,
    /// Headers of every request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "masked_map")]
    pub headers: BTreeMap<String, SecretText>,
    /// Header name to id in `secrets`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header_secrets: BTreeMap<String, String>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("kind", &self.kind)
            .field("command", &self.command)
            // Arguments may carry tokens.
            .field("args", &self.args.len())
            .field("env", &self.env)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("header_secrets", &self.header_secrets)
            .finish()
    }
}

/// An OAuth client at an upstream's authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuth {
    /// Grant.
    pub mode: OAuthMode,
    /// For discovery of the endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<UrlText>,
    /// Authorization endpoint.
    #[serde(rename = "authorizationURL", skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<UrlText>,
    /// Token endpoint.
    #[serde(rename = "tokenURL", skip_serializing_if = "Option::is_none")]
    pub token_url: Option<UrlText>,
    /// Client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<StaticSecret>,
    /// Client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<StaticSecret>,
    /// Scopes to ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Audience to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// May a person be asked?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
    /// Port of the loopback listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_port: Option<u16>,
    /// Redirect URI instead of the loopback listener's.
    #[serde(rename = "redirectURI", skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<UrlText>,
    /// Where tokens are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_storage: Option<TokenStorage>,
}

/// `services.<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Id of an entry of `sources`; it exists.
    pub source: String,
    /// First word of its commands; the id when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Overlay documents, applied in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<Reference>,
    /// Skill manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Reference>,
    /// Arazzo documents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<Reference>,
    /// How it is called.
    #[serde(skip_serializing_if = "Network::is_empty")]
    pub network: Network,
    /// The server that is called: one of the description's by name or URL, or any other by its URL. Callers can't choose
    /// another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Variables of the description's servers, or of `server`. Callers can't set these.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub server_variables: BTreeMap<String, String>,
}

/// `curation`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Curation {
    /// Tool sets, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tool_sets: BTreeMap<String, ToolSet>,
}

/// `curation.toolSets.<id>`: patterns over tool ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ToolSet {
    /// Admitted; empty admits everything that is not denied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// `agents`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Agents {
    /// Profiles, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, Profile>,
    /// Profile of a caller that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_profile: Option<String>,
}

/// `agents.profiles.<id>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Mode of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Id in `curation.toolSets`; may lead nowhere, which admits nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_set: Option<String>,
}

/// `policy`: patterns over tool ids, united over all scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Never run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Run only when approved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approval_required: Vec<String>,
    /// May `exec` secrets run programs?
    #[serde(skip_serializing_if = "is_false")]
    pub allow_exec_secrets: bool,
    /// May a caller ask that arguments are not checked against the description?
    #[serde(skip_serializing_if = "is_false")]
    pub allow_unvalidated: bool,
    /// How often what may be called, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rate_limits: BTreeMap<String, RateLimit>,
}
