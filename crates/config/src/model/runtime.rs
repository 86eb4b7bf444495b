//! `runtime`: how the client reaches the runtime, and how the runtime guards itself.

use serde::Serialize;

use super::is_false;
use crate::secret::StaticSecret;
use crate::url_text::UrlText;
use crate::words::{ClientAuthMethod, RemoteOAuthMode, RuntimeMode, ValidationProfile};

/// `runtime`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runtime {
    /// Always remote; the default (deviation 1).
    pub mode: RuntimeMode,
    /// The client's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<Remote>,
    /// The runtime's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
}

impl Runtime {
    /// The sign-in rules of the runtime, if it has any.
    pub fn auth(&self) -> Option<&Auth> {
        self.server.as_ref()?.auth.as_ref()
    }
}

/// `runtime.remote`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remote {
    /// Base URL of the runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlText>,
    /// Config path to send to the runtime instead of the own one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_config_path: Option<String>,
    /// How the client gets its token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth: Option<RemoteOAuth>,
}

/// `runtime.remote.oauth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteOAuth {
    /// Absent is treated like `providedToken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<RemoteOAuthMode>,
    /// Audience to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Scopes to ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// `env:NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ref: Option<String>,
    /// For `oauthClient`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<RemoteOAuthClient>,
    /// For `browserLogin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_login: Option<BrowserLogin>,
    /// Exchange of the token for one of the runtime's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Delegation>,
}

/// `runtime.remote.oauth.client`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteOAuthClient {
    /// Token endpoint.
    #[serde(rename = "tokenURL", skip_serializing_if = "Option::is_none")]
    pub token_url: Option<UrlText>,
    /// Client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<StaticSecret>,
    /// Client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<StaticSecret>,
}

/// `runtime.remote.oauth.browserLogin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowserLogin {
    /// Port of the loopback listener; any free one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_port: Option<u16>,
}

/// `runtime.remote.oauth.delegation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delegation {
    /// Is the token exchanged?
    #[serde(skip_serializing_if = "is_false")]
    pub enabled: bool,
    /// Where.
    #[serde(rename = "tokenExchangeURL", skip_serializing_if = "Option::is_none")]
    pub token_exchange_url: Option<UrlText>,
    /// Scopes to ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// `runtime.server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Guard of the runtime's own HTTP API; absent: no authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

/// `runtime.server.auth`. Complete for its profile; `client_id` and `client_secret` are both there or both not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// How tokens are checked.
    pub validation_profile: ValidationProfile,
    /// The legacy spelling, set whenever the profile is introspection (CFG-40).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    /// Expected `iss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where the issuer's keys are.
    #[serde(rename = "jwksURL", skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<UrlText>,
    /// Expected `aud`; always set.
    pub audience: String,
    /// RFC 7662 endpoint.
    #[serde(rename = "introspectionURL", skip_serializing_if = "Option::is_none")]
    pub introspection_url: Option<UrlText>,
    /// For browser login of clients.
    #[serde(rename = "authorizationURL", skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<UrlText>,
    /// For browser login of clients.
    #[serde(rename = "tokenURL", skip_serializing_if = "Option::is_none")]
    pub token_url: Option<UrlText>,
    /// For browser login of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_client_id: Option<String>,
    /// The runtime's own id at the introspection endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<StaticSecret>,
    /// Its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<StaticSecret>,
    /// How the runtime says who it is at the introspection endpoint; in the form when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth_method: Option<ClientAuthMethod>,
}
