//! `runtime.json`, `/v1/runtime/info`, `/readyz` on the wire (config-and-state §3.1, runtime-and-admin §6).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `runtime.json`: operator information about a running instance, never used for discovery (STATE-10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeRecord {
    /// Instance id.
    pub instance_id: String,
    /// A URL that can be dialled.
    pub url: String,
    /// Process id, 0 when unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pid: u32,
    /// Audit file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub audit_path: String,
    /// HTTP cache folder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cache_dir: String,
    /// Bound address, literally (beside the contract, like all that follow).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bind_address: String,
    /// Program version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Start of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Configuration the instance serves.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub config_path: String,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// Capabilities this runtime advertises (runtime-and-admin §6.2).
pub const CAPABILITIES: [&str; 7] =
    ["catalog", "execute", "refresh", "audit", "brokered-auth", "authorization-envelope", PREVIEW];
/// The capability of a runtime that answers a dry run without calling anything (beside the contract). Others would
/// call: `dryRun` must not be sent to them.
pub const PREVIEW: &str = "preview";
/// Scope prefixes of the authorization envelope.
pub const SCOPE_PREFIXES: [&str; 3] = ["bundle:", "profile:", "tool:"];

/// Answer of `GET /v1/runtime/info`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuntimeInfo {
    /// `MAJOR.MINOR`.
    pub contract_version: String,
    /// What the runtime can do.
    pub capabilities: Vec<String>,
    /// Instance id.
    pub instance_id: String,
    /// Dialable URL.
    pub url: String,
    /// `remote` for the toolbox.
    pub runtime_mode: String,
    /// Server path.
    pub audit_path: String,
    /// Server path.
    pub state_dir: String,
    /// Server path.
    pub cache_dir: String,
    /// Authentication needs.
    pub auth: RuntimeAuthInfo,
    /// Leases; absent when off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<LifecycleInfo>,
    /// Program version (beside the contract, like all that follow).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Start of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// State of the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<CatalogStatus>,
}

impl Default for RuntimeInfo {
    fn default() -> Self {
        Self {
            contract_version: crate::CONTRACT_VERSION.into(),
            capabilities: CAPABILITIES.map(String::from).into(),
            instance_id: String::new(),
            url: String::new(),
            runtime_mode: "remote".into(),
            audit_path: String::new(),
            state_dir: String::new(),
            cache_dir: String::new(),
            auth: RuntimeAuthInfo::default(),
            lifecycle: None,
            version: String::new(),
            started_at: None,
            catalog: None,
        }
    }
}

/// Authentication needs of a runtime.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuntimeAuthInfo {
    /// A bearer token is needed.
    pub required: bool,
    /// Audience of the token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub audience: String,
    /// Always [`SCOPE_PREFIXES`].
    pub scope_prefixes: Vec<String>,
    /// `oidc_jwks`, `oauth2_introspection`.
    pub token_validation_profiles: Vec<String>,
    /// Browser sign-in.
    pub browser_login: BrowserLoginInfo,
    /// Envelope version and prefixes.
    pub authorization_envelope: EnvelopeInfo,
    /// The caller, when a token was sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub principal: String,
}

impl Default for RuntimeAuthInfo {
    fn default() -> Self {
        Self {
            required: false,
            audience: String::new(),
            scope_prefixes: SCOPE_PREFIXES.map(String::from).into(),
            token_validation_profiles: Vec::new(),
            browser_login: BrowserLoginInfo {
                configured: false,
                config_endpoint: "/v1/auth/browser-config".into(),
            },
            authorization_envelope: EnvelopeInfo {
                version: "1.0".into(),
                scope_prefixes: SCOPE_PREFIXES.map(String::from).into(),
            },
            principal: String::new(),
        }
    }
}

/// Browser sign-in of a runtime.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrowserLoginInfo {
    /// It can be used.
    pub configured: bool,
    /// Where its endpoints are described.
    pub config_endpoint: String,
}

/// Answer of `GET /v1/auth/browser-config`: how a person signs in with a browser (BRC-2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrowserConfig {
    /// Authorization endpoint.
    #[serde(rename = "authorizationURL")]
    pub authorization_url: String,
    /// Token endpoint.
    #[serde(rename = "tokenURL")]
    pub token_url: String,
    /// Public client.
    pub client_id: String,
    /// Audience to ask for.
    pub audience: String,
    /// Who issues the tokens (beside the contract).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    /// A token is needed.
    pub required: bool,
    /// Always [`SCOPE_PREFIXES`].
    pub scope_prefixes: Vec<String>,
    /// `oidc_jwks`, `oauth2_introspection`.
    pub token_validation_profiles: Vec<String>,
    /// Envelope version and prefixes.
    pub authorization_envelope: EnvelopeInfo,
}

/// Authorization envelope of a runtime.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvelopeInfo {
    /// `1.0`.
    pub version: String,
    /// Always [`SCOPE_PREFIXES`].
    pub scope_prefixes: Vec<String>,
}

/// Leases of a runtime.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LifecycleInfo {
    /// `heartbeat`, `session-close`.
    pub capabilities: Vec<String>,
    /// Interval.
    pub heartbeat_seconds: u64,
    /// Multiplier.
    pub missed_heartbeat_limit: u64,
    /// `when-owner-exits` or `manual`.
    pub shutdown: String,
    /// Echoed.
    pub session_scope: String,
    /// `exclusive` or `group`.
    pub share_mode: String,
    /// Echoed.
    pub share_key_present: bool,
    /// Expected client fingerprint.
    pub config_fingerprint: String,
    /// Live leases.
    pub active_sessions: u64,
}

/// How the catalog in force is doing. Beside the contract; also the body of `/readyz`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CatalogStatus {
    /// A catalog is being served.
    pub ready: bool,
    /// Something changed and could not be rebuilt: an older catalog is being served, or an older state of some of its
    /// services.
    pub degraded: bool,
    /// Fingerprint of the catalog in force.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// When it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_at: Option<Timestamp>,
    /// Services in it.
    pub services: usize,
    /// Tools in it.
    pub tools: usize,
    /// Diagnostics of severity error.
    pub errors: usize,
    /// Diagnostics of severity warning.
    pub warnings: usize,
    /// Services that stay at their last good state; the first hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale_services: Vec<String>,
    /// Tools that must not be called until an operator accepts them.
    pub quarantined: usize,
    /// When tools last came, went or changed; absent when they have not since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// Why the last rebuild failed, empty when it did not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}
