//! Who guards a configuration: how its callers are authenticated, set up when it is first looked at and fixed from then
//! on (W-2, W-9). A file that is edited while the runtime serves changes nothing here, and is told to the operator.

use open_cli_callers::{Authenticator, Check, ClientAuth, ClientSecret, Settings, SetupError};
use open_cli_config::{Auth, ClientAuthMethod, Config, StaticSecret, ValidationProfile};
use open_cli_contract::problem::{ErrorCode, Problem};
use open_cli_credentials::{SecretSource, Secrets};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;
use url::Url;

/// The authentication of a configuration's callers.
pub(crate) struct Guard {
    /// As configured when it was set up.
    pub(crate) auth: Auth,
    pub(crate) authenticator: Arc<Authenticator>,
    /// The operator was told that the configuration says something else by now.
    has_warned: AtomicBool,
}

impl Guard {
    /// Sets up what the configuration asks for; `None` when it does not ask for authentication.
    pub(crate) fn of(config: &Config, background: &Handle) -> Result<Option<Arc<Self>>, SetupError> {
        let Some(auth) = config.runtime.auth() else { return Ok(None) };
        let authenticator = Authenticator::new(settings(auth)?, background.clone())?;
        Ok(Some(Arc::new(Self { auth: auth.clone(), authenticator, has_warned: AtomicBool::new(false) })))
    }

    /// Compares with the configuration in force. What was asked for at the start holds; what is asked for since then
    /// and can't be enforced shuts everybody out.
    pub(crate) fn check(guard: Option<&Arc<Self>>, in_force: Option<&Auth>) -> Result<(), Box<Problem>> {
        match (guard, in_force) {
            (None, None) => Ok(()),
            (None, Some(_)) => {
                let detail = "The configuration asks for authentication since this runtime started.";
                let restart = "restart the runtime to enforce it";
                tracing::error!("runtime.server.auth was added; all calls are refused until then: {restart}");
                Err(Problem::new(ErrorCode::AuthnFailed, detail))
            }
            (Some(guard), in_force) => {
                let differs = in_force != Some(&guard.auth);
                if differs && !guard.has_warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "runtime.server.auth was changed; callers are authenticated as before until the runtime is restarted"
                    );
                }
                Ok(())
            }
        }
    }
}

fn settings(auth: &Auth) -> Result<Settings, SetupError> {
    let url = |text: Option<&open_cli_config::UrlText>, name: &str| {
        let text = text.map(|url| url.as_str().to_owned()).unwrap_or_default();
        Url::parse(&text).map_err(|_| SetupError::new(format!("runtime.server.auth.{name} is no URL")))
    };
    let check = match auth.validation_profile {
        ValidationProfile::OidcJwks => Check::Jwks { url: url(auth.jwks_url.as_ref(), "jwksURL")? },
        ValidationProfile::Oauth2Introspection => Check::Introspection {
            url: url(auth.introspection_url.as_ref(), "introspectionURL")?,
            client: client(auth),
            client_auth: match auth.client_auth_method {
                Some(ClientAuthMethod::Basic) => ClientAuth::Basic,
                Some(ClientAuthMethod::Post) | None => ClientAuth::Form,
            },
        },
    };
    Ok(Settings { audience: auth.audience.clone(), issuer: auth.issuer.clone(), check })
}

/// The runtime's own id and secret, read when they are needed.
fn client(auth: &Auth) -> Option<ClientSecret> {
    let (id, secret) = (auth.client_id.as_ref()?, auth.client_secret.as_ref()?);
    let named = |name: &str, secret| (format!("runtime.server.auth.{name}"), source(secret));
    let secrets = Secrets::new([named("clientId", id), named("clientSecret", secret)]);
    Some(Box::new(move || {
        Ok((secrets.reveal("runtime.server.auth.clientId")?, secrets.reveal("runtime.server.auth.clientSecret")?))
    }))
}

fn source(secret: &StaticSecret) -> SecretSource {
    match secret {
        StaticSecret::Literal(text) => SecretSource::Literal(text.reveal().into()),
        StaticSecret::Env { variable } => SecretSource::Env(variable.clone()),
        StaticSecret::File(reference) => SecretSource::File(reference.path()),
        other => SecretSource::Unsupported(other.type_word()),
    }
}
