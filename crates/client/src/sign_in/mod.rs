//! As whom this client asks: the token for a runtime, however `runtime.remote.oauth` says it is got (client §7), kept
//! between commands, renewed without anybody's help where that is possible.
//!
//! Not for talking to people: what they must do is handed to the caller, who shows it.

mod browser;
mod device;
mod endpoint;
mod secrets;
mod store;

use crate::runtime::path;
use crate::{ClientError, Environment, Identity, Patience, Runtime, RuntimeUrl};
use endpoint::{Asker, Granted, NotGranted};
use jiff::{SignedDuration, Timestamp};
use open_cli_config::{Delegation, RemoteOAuth, RemoteOAuthClient, RemoteOAuthMode};
use open_cli_contract::runtime::{BrowserConfig, RuntimeInfo};
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use store::{About, Kept, Store};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Where a runtime describes its browser login, unless it says otherwise.
const BROWSER_CONFIG: &str = "/v1/auth/browser-config";
/// Longest life that a server may give a token; beyond it, the number is nonsense.
const MAX_LIFE: f64 = 10.0 * 365.0 * 86_400.0;

/// How a token is got.
enum Plan {
    /// Nothing is configured: a sign-in of `auth login`, if there is one.
    Nothing,
    /// It is given.
    Provided(String),
    /// This client has an id and a secret of its own.
    Client(Box<RemoteOAuthClient>),
    /// A person signs in.
    Browser { callback_port: u16 },
}

/// What a sign-in is about.
pub struct SignInSettings<'a> {
    /// `runtime.remote.oauth`.
    pub oauth: Option<&'a RemoteOAuth>,
    /// The runtime that is asked.
    pub runtime: RuntimeUrl,
    /// The configuration that requests name; may be empty.
    pub config: String,
    /// Folder of the active configuration.
    pub folder: Option<PathBuf>,
    /// State folder of the instance.
    pub state_dir: &'a Path,
    /// Sent with a token exchange.
    pub agent_profile: String,
    /// Variables.
    pub environment: Environment,
    /// How long to wait.
    pub patience: Patience,
}

/// How a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginWay {
    /// A browser on this machine.
    Browser,
    /// Any browser: a code is typed there.
    Device,
}

/// What a person is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Go there; the answer comes by itself.
    Open {
        /// Where.
        url: String,
    },
    /// Go there, and type the code.
    EnterCode {
        /// Where.
        url: String,
        /// The code.
        code: String,
    },
}

/// What is known about a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Until when; `None` when it is not known.
    pub expires_at: Option<Timestamp>,
    /// It goes on without anybody's help.
    pub renews: bool,
    /// Scopes, as granted or as asked for.
    pub scope: String,
}

/// Tokens for one runtime.
pub struct SignIn {
    plan: Plan,
    delegation: Option<Delegation>,
    scopes: Vec<String>,
    audience: Option<String>,
    runtime: RuntimeUrl,
    config: String,
    folder: Option<PathBuf>,
    agent_profile: String,
    environment: Environment,
    patience: Patience,
    store: Store,
}

impl SignIn {
    /// Asks nobody yet.
    pub fn new(settings: SignInSettings<'_>) -> Self {
        let oauth = settings.oauth;
        let plan = match oauth.map(|oauth| (oauth.mode, oauth)) {
            None => Plan::Nothing,
            Some((None | Some(RemoteOAuthMode::ProvidedToken), oauth)) => {
                oauth.token_ref.clone().map_or(Plan::Nothing, Plan::Provided)
            }
            Some((Some(RemoteOAuthMode::OAuthClient), oauth)) => {
                oauth.client.clone().map_or(Plan::Nothing, |client| Plan::Client(Box::new(client)))
            }
            Some((Some(RemoteOAuthMode::BrowserLogin), oauth)) => {
                let port = oauth.browser_login.as_ref().and_then(|login| login.callback_port);
                Plan::Browser { callback_port: port.unwrap_or(0) }
            }
        };
        let mut scopes: Vec<String> = Vec::new();
        for scope in oauth.map(|oauth| &oauth.scopes[..]).unwrap_or_default() {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        Self {
            plan,
            delegation: oauth.and_then(|oauth| oauth.delegation.clone()).filter(|delegation| delegation.enabled),
            scopes,
            audience: oauth.and_then(|oauth| oauth.audience.clone()),
            runtime: settings.runtime,
            config: settings.config,
            folder: settings.folder,
            agent_profile: settings.agent_profile,
            environment: settings.environment,
            patience: settings.patience,
            store: Store::below(settings.state_dir),
        }
    }

    /// The token for the next request: given, kept, renewed or asked for, as long as no person is needed. `None` where
    /// nothing is configured and nobody signed in.
    pub fn token(&self) -> Result<Option<SecretString>, ClientError> {
        self.token_unless(None)
    }

    /// Only what is there already: nobody is asked for anything (W47).
    pub fn token_at_hand(&self) -> Option<SecretString> {
        let key = if self.delegation.is_some() { self.delegated_key() } else { self.own_key()? };
        match &self.plan {
            Plan::Provided(_) if self.delegation.is_none() => self.own(None).ok()?.map(|(token, _)| token),
            _ => {
                Some(self.store.get(&key)?).filter(|kept| kept.is_usable(Timestamp::now())).map(|kept| kept.token)
            }
        }
    }

    /// Another token than this one, which the runtime refused; `None` when there can be no other without a person's help.
    pub fn renewed(&self, refused: &SecretString) -> Option<SecretString> {
        let token = self.token_unless(Some(refused.expose_secret())).ok()??;
        (token.expose_secret() != refused.expose_secret()).then_some(token)
    }

    /// Must a person sign in, according to the configuration?
    pub fn is_for_people(&self) -> bool {
        matches!(self.plan, Plan::Nothing | Plan::Browser { .. })
    }

    /// What is kept of a sign-in.
    pub fn signed_in(&self) -> Option<SignedIn> {
        let kept = self.store.get(&self.own_key()?)?;
        let renews = kept.refresh_token.is_some() || matches!(self.plan, Plan::Client(_));
        Some(SignedIn { expires_at: kept.expires_at, renews, scope: kept.about.scope })
    }

    /// A person signs in. `show` is told what that person is to do.
    pub fn login(
        &self,
        way: LoginWay,
        extra_scopes: &[String],
        show: &dyn Fn(&Request),
    ) -> Result<SignedIn, ClientError> {
        let (login, audience) = self.browser_config()?;
        let mut scopes = self.scopes.clone();
        scopes.extend(extra_scopes.iter().filter(|scope| !self.scopes.contains(scope)).cloned());
        let scope = scopes.join(" ");
        let granted = match way {
            LoginWay::Device => device::grant(&self.asker(), &login, &scope, &audience, show)?,
            LoginWay::Browser => {
                let port = if let Plan::Browser { callback_port } = self.plan { callback_port } else { 0 };
                let waiting = browser::Waiting::begin(&login, &scope, &audience, port)?;
                show(&Request::Open { url: waiting.url.to_string() });
                let (redirect_uri, verifier) = (waiting.redirect_uri.clone(), waiting.verifier.clone());
                let code = waiting.code()?;
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", code.as_str()),
                    ("redirect_uri", &redirect_uri),
                    ("client_id", &login.client_id),
                    ("code_verifier", &verifier),
                ];
                let granted = self.asker().post(&login.token_url, &form);
                granted.map_err(|error| failed("The sign-in did not succeed", error))?
            }
        };
        let about = About {
            token_url: login.token_url,
            client_id: login.client_id,
            issuer: login.issuer,
            audience,
            scope,
            ..self.about()
        };
        let kept = kept(granted, None, about);
        let key = login_key(&self.runtime, &self.scopes, self.audience.as_deref());
        let unkept = |reason| ClientError::SignIn { what: "The sign-in can't be kept".into(), detail: reason };
        self.store.put(&key, &kept).map_err(unkept)?;
        self.store.remove(&self.delegated_key());
        Ok(SignedIn { expires_at: kept.expires_at, renews: kept.refresh_token.is_some(), scope: kept.about.scope })
    }

    /// Forgets the tokens for this runtime, and takes the sign-in back at its provider as far as that offers it. True
    /// when there was one.
    pub fn logout(&self) -> bool {
        self.store.remove(&self.delegated_key());
        let Some(key) = self.own_key() else { return false };
        let kept = self.store.get(&key);
        let was_there = self.store.remove(&key);
        if let Some(kept) = kept.filter(|kept| !kept.about.issuer.is_empty())
            && let Ok(metadata) = self.asker().metadata(&kept.about.issuer)
            && let Some(url) = metadata.revocation_endpoint
        {
            let token = kept.refresh_token.as_ref().unwrap_or(&kept.token).expose_secret();
            let form = [("token", token), ("client_id", kept.about.client_id.as_str())];
            // It is forgotten here in any case.
            let _ = self.asker().post::<serde::de::IgnoredAny>(&url, &form);
        }
        was_there
    }

    fn token_unless(&self, refused: Option<&str>) -> Result<Option<SecretString>, ClientError> {
        let Some(delegation) = &self.delegation else { return Ok(self.own(refused)?.map(|(token, _)| token)) };
        let key = self.delegated_key();
        let is_fine = |kept: &Kept| {
            kept.is_usable(Timestamp::now()) && refused.is_none_or(|refused| kept.token.expose_secret() != refused)
        };
        if let Some(kept) = self.store.get(&key).filter(is_fine) {
            return Ok(Some(kept.token));
        }
        let Some((parent, token_url)) = self.own(None)? else {
            return Err(self.sign_in_required());
        };
        let kept = self.exchange(delegation, &parent, &token_url)?;
        // Without a place to keep it the next command exchanges again.
        let _ = self.store.put(&key, &kept);
        Ok(Some(kept.token))
    }

    /// The token that is not delegated, and the token endpoint it is from.
    fn own(&self, refused: Option<&str>) -> Result<Option<(SecretString, String)>, ClientError> {
        match &self.plan {
            Plan::Provided(reference) => {
                let token = secrets::provided(reference, self.folder.as_deref(), &self.environment)?;
                Ok(Some((token, String::new())))
            }
            Plan::Client(client) => {
                self.of_client(client, refused).map(|kept| Some((kept.token, kept.about.token_url)))
            }
            Plan::Nothing | Plan::Browser { .. } => match self.of_login(refused)? {
                Some(kept) => Ok(Some((kept.token, kept.about.token_url))),
                None if matches!(self.plan, Plan::Nothing) => Ok(None),
                None => Err(self.sign_in_required()),
            },
        }
    }

    /// A person's token, renewed when it has come to its end.
    fn of_login(&self, refused: Option<&str>) -> Result<Option<Kept>, ClientError> {
        let key = login_key(&self.runtime, &self.scopes, self.audience.as_deref());
        let Some(kept) = self.store.get(&key) else { return Ok(None) };
        if is_fine(&kept, refused) {
            return Ok(Some(kept));
        }
        let _one = self.store.lock(&key);
        // Another command may have been faster.
        let Some(kept) = self.store.get(&key) else { return Ok(None) };
        if is_fine(&kept, refused) {
            return Ok(Some(kept));
        }
        let Some(refresh_token) = &kept.refresh_token else { return Ok(None) };
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
            ("client_id", kept.about.client_id.as_str()),
        ];
        match self.asker().post::<Granted>(&kept.about.token_url, &form) {
            Ok(granted) => {
                let renewed = self::kept(granted, kept.refresh_token.clone(), kept.about.clone());
                // The old refresh token may be spent: losing the new one would end the sign-in.
                if let Err(reason) = self.store.put(&key, &renewed) {
                    return Err(ClientError::SignIn { what: "The sign-in can't be kept".into(), detail: reason });
                }
                Ok(Some(renewed))
            }
            Err(error) if error.is("invalid_grant") => {
                self.store.remove(&key);
                Ok(None)
            }
            Err(error) => Err(failed("The sign-in can't be renewed", error)),
        }
    }

    /// A4 to A9, kept between commands (W50).
    fn of_client(&self, client: &RemoteOAuthClient, refused: Option<&str>) -> Result<Kept, ClientError> {
        let named = |name: &str| format!("runtime.remote.oauth.client.{name}");
        let secret = |secret: Option<&_>, name: &str| match secret {
            Some(secret) => secrets::read(secret, &named(name), &self.environment),
            None => Err(ClientError::Token { reason: format!("{} is not set", named(name)) }),
        };
        let id = secret(client.client_id.as_ref(), "clientId")?;
        let url = client.token_url.as_ref().map(|url| url.as_str().to_owned()).unwrap_or_default();
        let key = self.client_key(&url, id.expose_secret());
        if let Some(kept) = self.store.get(&key).filter(|kept| is_fine(kept, refused)) {
            return Ok(kept);
        }
        let _one = self.store.lock(&key);
        if let Some(kept) = self.store.get(&key).filter(|kept| is_fine(kept, refused)) {
            return Ok(kept);
        }
        let audience = match &self.audience {
            Some(audience) => audience.clone(),
            None => self.info()?.auth.audience,
        };
        let client_secret = secret(client.client_secret.as_ref(), "clientSecret")?;
        let scope = self.scopes.join(" ");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.expose_secret()),
            ("client_secret", client_secret.expose_secret()),
            ("scope", &scope),
            ("audience", &audience),
        ];
        let granted = self.asker().post::<Granted>(&url, &form);
        let granted = granted.map_err(|error| failed("The authorization server gave no token", error))?;
        let client_id = id.expose_secret().to_owned();
        let about = About { token_url: url, client_id, audience, scope, ..self.about() };
        let kept = kept(granted, None, about);
        // Without a place to keep it the next command asks again.
        let _ = self.store.put(&key, &kept);
        Ok(kept)
    }

    /// §7.4, RFC 8693.
    fn exchange(
        &self,
        delegation: &Delegation,
        parent: &SecretString,
        token_url: &str,
    ) -> Result<Kept, ClientError> {
        let configured = delegation.token_exchange_url.as_ref().map(|url| url.as_str());
        let url = configured.unwrap_or(token_url);
        if url.is_empty() {
            let reason = "runtime.remote.oauth.delegation names no tokenExchangeURL".to_owned();
            return Err(ClientError::Token { reason });
        }
        let audience = match &self.audience {
            Some(audience) => audience.clone(),
            None => self.info()?.auth.audience,
        };
        let scope = self.delegated_scopes(delegation).join(" ");
        let client_id = match &self.plan {
            Plan::Client(client) => client
                .client_id
                .as_ref()
                .map(|secret| secrets::read(secret, "runtime.remote.oauth.client.clientId", &self.environment)),
            Plan::Nothing | Plan::Browser { .. } => {
                self.own_key().and_then(|key| self.store.get(&key)).map(|kept| Ok(kept.about.client_id.into()))
            }
            Plan::Provided(_) => None,
        }
        .transpose()?;
        let client_secret = match &self.plan {
            Plan::Client(client) => client.client_secret.as_ref().map(|secret| {
                secrets::read(secret, "runtime.remote.oauth.client.clientSecret", &self.environment)
            }),
            _ => None,
        }
        .transpose()?;
        let actor = self.actor();
        let form = [
            ("grant_type", EXCHANGE),
            ("subject_token", parent.expose_secret()),
            ("subject_token_type", ACCESS_TOKEN),
            ("requested_token_type", ACCESS_TOKEN),
            ("audience", &audience),
            ("scope", &scope),
            ("actor_id", &actor),
            ("agent_profile", &self.agent_profile),
            ("client_id", client_id.as_ref().map_or("", |id| id.expose_secret())),
            ("client_secret", client_secret.as_ref().map_or("", |secret| secret.expose_secret())),
        ];
        let granted = self.asker().post::<Granted>(url, &form);
        let granted = granted.map_err(|error| failed("The token could not be exchanged", error))?;
        let about = About { token_url: url.to_owned(), audience, scope, ..self.about() };
        Ok(kept(granted, None, about))
    }

    /// B1 to B4: how the runtime's people sign in, and for which audience.
    fn browser_config(&self) -> Result<(BrowserConfig, String), ClientError> {
        let impossible = |detail: &str| ClientError::SignIn {
            what: "This runtime offers no sign-in with a browser".into(),
            detail: detail.to_owned(),
        };
        let auth = self.info()?.auth;
        let endpoint = auth.browser_login.config_endpoint.trim();
        if !auth.required && !auth.browser_login.configured {
            return Err(impossible("It asks nobody to sign in."));
        }
        if !auth.browser_login.configured && !endpoint.is_empty() {
            return Err(impossible("Its configuration names no client for browsers (`runtime.server.auth`)."));
        }
        let endpoint = if endpoint.is_empty() { BROWSER_CONFIG } else { endpoint };
        let url = match endpoint.starts_with("http://") || endpoint.starts_with("https://") {
            true => endpoint.to_owned(),
            false => format!("{}/{}", self.runtime.as_str(), endpoint.trim_start_matches('/')),
        };
        let url = path(&url, &[("config", &self.config)]);
        let found = self.asker().get::<BrowserConfig>(&url);
        let login = found.map_err(|error| failed("The runtime does not say how to sign in", error))?;
        for (name, value) in [
            ("authorizationURL", &login.authorization_url),
            ("tokenURL", &login.token_url),
            ("clientId", &login.client_id),
        ] {
            if value.is_empty() {
                return Err(impossible(&format!("Its description of the sign-in lacks {name}.")));
            }
        }
        let known = [self.audience.clone().unwrap_or_default(), login.audience.clone(), auth.audience];
        let audience = known.into_iter().find(|audience| !audience.is_empty());
        let audience =
            audience.ok_or_else(|| impossible("Neither it nor the configuration names an audience."))?;
        Ok((login, audience))
    }

    /// The handshake, without a token (A4).
    fn info(&self) -> Result<RuntimeInfo, ClientError> {
        let identity = Identity { config: self.config.clone(), ..Identity::default() };
        let runtime = Runtime::new(self.runtime.clone(), &self.environment, identity, self.patience, None)?;
        let sent = runtime.info()?;
        serde_json::from_value(sent.value).map_err(|error| ClientError::BadAnswer {
            url: self.runtime.as_str().to_owned(),
            detail: format!("its description of itself is not the expected JSON: {error}"),
            request_id: sent.request_id,
        })
    }

    fn asker(&self) -> Asker<'_> {
        Asker { environment: &self.environment, patience: self.patience }
    }

    fn about(&self) -> About {
        About { runtime: self.runtime.as_str().to_owned(), ..About::default() }
    }

    fn sign_in_required(&self) -> ClientError {
        ClientError::SignInRequired { url: self.runtime.as_str().to_owned() }
    }

    /// Agent session (client §2.3).
    fn actor(&self) -> String {
        let session = self.environment.get("OPEN_CLI_AGENT_SESSION_ID");
        session.or_else(|| self.environment.get("COPILOT_SESSION_ID")).unwrap_or_default()
    }

    fn delegated_scopes<'a>(&'a self, delegation: &'a Delegation) -> &'a [String] {
        if delegation.scopes.is_empty() { &self.scopes } else { &delegation.scopes }
    }

    fn own_key(&self) -> Option<String> {
        match &self.plan {
            Plan::Provided(_) => None,
            Plan::Nothing | Plan::Browser { .. } => {
                Some(login_key(&self.runtime, &self.scopes, self.audience.as_deref()))
            }
            Plan::Client(client) => {
                let id = client.client_id.as_ref()?;
                let id = secrets::read(id, "runtime.remote.oauth.client.clientId", &self.environment).ok()?;
                let url = client.token_url.as_ref().map(|url| url.as_str()).unwrap_or_default();
                Some(self.client_key(url, id.expose_secret()))
            }
        }
    }

    fn client_key(&self, url: &str, id: &str) -> String {
        let scopes = self.scopes.join(" ");
        let audience = self.audience.as_deref().unwrap_or_default();
        ["runtime.client", self.runtime.as_str(), url, id, &scopes, audience].join("|")
    }

    fn delegated_key(&self) -> String {
        let delegation = self.delegation.as_ref();
        let url = delegation.and_then(|one| one.token_exchange_url.as_ref()).map(|url| url.as_str());
        let scopes = delegation.map(|one| self.delegated_scopes(one).join(" ")).unwrap_or_default();
        let own = match &self.plan {
            Plan::Provided(reference) => reference.clone(),
            _ => self.own_key().unwrap_or_default(),
        };
        let parts = [
            "runtime.delegation",
            self.runtime.as_str(),
            url.unwrap_or_default(),
            &scopes,
            &own,
            &self.actor(),
            &self.agent_profile,
        ];
        parts.join("|")
    }
}

/// A sign-in belongs to a runtime (W53), to what was asked for, and to whom it is shown.
fn login_key(runtime: &RuntimeUrl, scopes: &[String], audience: Option<&str>) -> String {
    ["runtime.browser", runtime.as_str(), &scopes.join(" "), audience.unwrap_or_default()].join("|")
}

fn is_fine(kept: &Kept, refused: Option<&str>) -> bool {
    kept.is_usable(Timestamp::now()) && refused.is_none_or(|refused| kept.token.expose_secret() != refused)
}

fn kept(granted: Granted, refresh_token: Option<SecretString>, about: About) -> Kept {
    let now = Timestamp::now();
    let life = granted.expires_in.filter(|seconds| *seconds > 0.0 && *seconds < MAX_LIFE);
    let expires_at =
        life.and_then(|seconds| now.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok());
    Kept {
        token: granted.access_token,
        expires_at,
        obtained_at: now,
        refresh_token: granted.refresh_token.or(refresh_token),
        about: About { scope: granted.scope.unwrap_or(about.scope), ..about },
    }
}

fn failed(what: &str, error: NotGranted) -> ClientError {
    ClientError::SignIn { what: what.to_owned(), detail: format!("{}.", error.detail()) }
}
