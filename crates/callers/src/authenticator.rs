//! Checks the tokens of requests. Set up once from the configuration and then fixed (W-2, W-9): whoever can edit a file
//! while the runtime serves can't let himself in.

use crate::claims::{Accepted, Expected};
use crate::introspection::{ClientAuth, ClientSecret, Introspection};
use crate::jwt::Unverified;
use crate::keyring::Keyring;
use crate::remembered::{Remembered, TokenHash, hash};
use crate::{AuthnFault, Caller};
use jiff::Timestamp;
use open_cli_observe::{SpanKind, Trace};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;
use url::Url;

/// A token that was checked by its signature is checked again after this, so that a withdrawn key counts.
pub const MAX_REMEMBERED: Duration = Duration::from_secs(300);
/// A token that the authorization server was asked about is asked about again after this, so that a revocation counts.
pub const MAX_REMEMBERED_INTROSPECTED: Duration = Duration::from_secs(30);
/// Tokens that are being asked about at once.
const MAX_FLIGHTS: usize = 1024;

/// How tokens are checked.
pub enum Check {
    /// `oidc_jwks`: signed by a key of the issuer.
    Jwks {
        /// Where the issuer's keys are.
        url: Url,
    },
    /// `oauth2_introspection`: the authorization server says so.
    Introspection {
        /// Where it is asked.
        url: Url,
        /// As whom.
        client: Option<ClientSecret>,
        /// In which way.
        client_auth: ClientAuth,
    },
}

/// What callers must show.
pub struct Settings {
    /// One of the token's audiences.
    pub audience: String,
    /// The token's issuer; required for [`Check::Jwks`].
    pub issuer: Option<String>,
    /// How it is checked.
    pub check: Check,
}

/// Why tokens can't be checked at all.
#[derive(Debug, thiserror::Error)]
#[error("callers can't be authenticated: {0}")]
pub struct SetupError(String);

impl SetupError {
    /// For a reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A caller that was let in.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who it is.
    pub caller: Arc<Caller>,
    /// The token was known.
    pub was_known: bool,
}

/// Checks tokens.
pub struct Authenticator {
    expected: Expected,
    checker: Checker,
    remembered: Remembered,
    background: Handle,
    flights: Mutex<HashMap<TokenHash, Flight>>,
}

enum Checker {
    Jwks(Arc<Keyring>),
    Introspection(Introspection),
}

/// A question that is under way, for all who wait for its answer.
type Flight = watch::Receiver<Option<Result<Arc<Caller>, AuthnFault>>>;

impl Authenticator {
    /// Sets up the check. Questions to the identity provider are asked on the runtime given, and go on when callers go
    /// away. A rustls crypto provider must be installed.
    pub fn new(settings: Settings, background: Handle) -> Result<Arc<Self>, SetupError> {
        let checker = match settings.check {
            Check::Jwks { .. } if settings.issuer.is_none() => {
                return Err(SetupError("the issuer of tokens is not set".to_owned()));
            }
            Check::Jwks { url } => {
                let keyring = Keyring::new(url, background.clone()).map_err(SetupError)?;
                keyring.warm();
                Checker::Jwks(keyring)
            }
            Check::Introspection { url, client, client_auth } => {
                Checker::Introspection(Introspection::new(url, client, client_auth).map_err(SetupError)?)
            }
        };
        let expected = Expected { audience: settings.audience, issuer: settings.issuer };
        let (remembered, flights) = (Remembered::default(), Mutex::default());
        Ok(Arc::new(Self { expected, checker, remembered, background, flights }))
    }

    /// Whose token is it?
    pub async fn authenticate(self: &Arc<Self>, token: &str, trace: &Trace) -> Result<Admitted, AuthnFault> {
        let hash = hash(token);
        let now = Instant::now();
        if let Some(caller) = self.remembered.good(&hash, now) {
            return Ok(Admitted { caller, was_known: true });
        }
        let caller = match &self.checker {
            Checker::Jwks(keyring) => {
                let accepted = self.check_signature(keyring, token, trace).await?;
                self.keep(hash, accepted)
            }
            Checker::Introspection(introspection) => {
                if let Some(fault) = self.remembered.bad(&hash, now) {
                    return Err(fault);
                }
                let mut asking = trace.span("authn.introspect");
                if asking.is_recording() {
                    asking.describe(SpanKind::Client, "POST introspection");
                    asking.set("server.address", introspection.url.host_str().unwrap_or_default().to_owned());
                }
                let answer = self.ask(hash, token).await;
                asking.end_with(answer)?
            }
        };
        Ok(Admitted { caller, was_known: false })
    }

    /// Tokens that are known, for the metrics.
    pub fn known_tokens(&self) -> usize {
        self.remembered.len()
    }

    async fn check_signature(
        &self,
        keyring: &Arc<Keyring>,
        token: &str,
        trace: &Trace,
    ) -> Result<Accepted, AuthnFault> {
        let token = Unverified::parse(token)?;
        let finding = trace.span("authn.key");
        let key = finding.end_with(keyring.key(token.key_id.as_deref(), token.algorithm).await)?;
        let claims = crate::claims::Claims::read(&token.verify(&key)?)?;
        claims.accept(&self.expected, now(), true)
    }

    /// Asks the authorization server, once for all requests with this token.
    async fn ask(self: &Arc<Self>, hash: TokenHash, token: &str) -> Result<Arc<Caller>, AuthnFault> {
        let broken = || AuthnFault::Unavailable("the question was not asked to its end".to_owned());
        let mut flight = {
            let mut flights = self.flights.lock();
            match flights.get(&hash) {
                Some(flight) => flight.clone(),
                None if flights.len() >= MAX_FLIGHTS => {
                    return Err(AuthnFault::Unavailable("too many tokens are being asked about".to_owned()));
                }
                None => {
                    let (answer, flight) = watch::channel(None);
                    flights.insert(hash, flight.clone());
                    let (this, token) = (Arc::clone(self), zeroize::Zeroizing::new(token.to_owned()));
                    self.background.spawn(async move {
                        let _landed = Landed(&this, hash);
                        let outcome = this.introspect(hash, &token).await;
                        // Nobody may be left to hear it.
                        let _ = answer.send(Some(outcome));
                    });
                    flight
                }
            }
        };
        let outcome = flight.wait_for(Option::is_some).await.map_err(|_| broken())?;
        outcome.clone().unwrap_or_else(|| Err(broken()))
    }

    async fn introspect(&self, hash: TokenHash, token: &str) -> Result<Arc<Caller>, AuthnFault> {
        let Checker::Introspection(introspection) = &self.checker else {
            return Err(AuthnFault::Unavailable("there is nobody to ask".to_owned()));
        };
        match introspection.ask(token, &self.expected, now()).await {
            Ok(accepted) => Ok(self.keep(hash, accepted)),
            Err(fault) => {
                if let AuthnFault::Unavailable(reason) = &fault {
                    tracing::error!(%reason, "the authorization server can't be asked about a token");
                } else {
                    self.remembered.keep_bad(hash, fault.clone(), Instant::now());
                }
                Err(fault)
            }
        }
    }

    fn keep(&self, hash: TokenHash, accepted: Accepted) -> Arc<Caller> {
        let most = match self.checker {
            Checker::Jwks(_) => MAX_REMEMBERED,
            Checker::Introspection(_) => MAX_REMEMBERED_INTROSPECTED,
        };
        let caller = Arc::new(accepted.caller);
        let lives = accepted.lives.map_or(most, |lives| lives.min(most));
        self.remembered.keep_good(hash, Arc::clone(&caller), lives, Instant::now());
        caller
    }
}

/// Takes a flight out of the table however it ends.
struct Landed<'a>(&'a Authenticator, TokenHash);

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.0.flights.lock().remove(&self.1);
    }
}

/// Seconds since the epoch.
fn now() -> f64 {
    Timestamp::now().as_millisecond() as f64 / 1000.0
}
