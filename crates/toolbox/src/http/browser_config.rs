//! `GET /v1/auth/browser-config` (runtime-and-admin §4.6): where a person signs in with a browser. Never authenticated:
//! whoever asks has no token yet.

use super::respond::{self, Answer};
use super::{Call, Problem};
use open_cli_config::Auth;
use open_cli_contract::problem::ErrorCode;
use open_cli_contract::runtime::{BrowserConfig, BrowserLoginInfo, RuntimeAuthInfo};

pub(super) const PATH: &str = "/v1/auth/browser-config";
pub(super) const NAME: &str = "runtime.browser_config";

pub(super) fn browser_config(call: &Call) -> Result<Answer, Box<Problem>> {
    let selector = call.query.get("config");
    if selector.is_empty() && call.state.configs.has_many() {
        return Err(Problem::new(ErrorCode::ConfigRequired, "This runtime serves a folder of configurations."));
    }
    let guard = call.state.configs.guard(selector)?;
    // A runtime of one configuration is guarded by it; a request about another is a mistake all the same.
    call.state.configs.select(selector)?;
    let configured = guard.as_ref().and_then(|guard| describe(&guard.auth));
    configured.map_or_else(
        || Err(Problem::new(ErrorCode::NotFound, "Browser login is not configured.")),
        |config| respond::json(&config),
    )
}

/// BRC-1: all three, or nothing.
fn describe(auth: &Auth) -> Option<BrowserConfig> {
    let info = auth_info(auth);
    Some(BrowserConfig {
        authorization_url: auth.authorization_url.as_ref()?.as_str().to_owned(),
        token_url: auth.token_url.as_ref()?.as_str().to_owned(),
        client_id: auth.browser_client_id.clone()?,
        audience: auth.audience.clone(),
        issuer: auth.issuer.clone().unwrap_or_default(),
        required: true,
        scope_prefixes: info.scope_prefixes,
        token_validation_profiles: info.token_validation_profiles,
        authorization_envelope: info.authorization_envelope,
    })
}

/// What the handshake says about a configuration that asks for authentication (AUTH-7).
pub(super) fn auth_info(auth: &Auth) -> RuntimeAuthInfo {
    let default = RuntimeAuthInfo::default();
    let is_configured =
        auth.authorization_url.is_some() && auth.token_url.is_some() && auth.browser_client_id.is_some();
    RuntimeAuthInfo {
        required: true,
        audience: auth.audience.clone(),
        token_validation_profiles: vec![auth.validation_profile.as_str().to_owned()],
        browser_login: BrowserLoginInfo { configured: is_configured, ..default.browser_login },
        ..default
    }
}
