//! RFC 7662: the authorization server is asked about a token. The only way to notice a revocation (AUTH-13).

use crate::claims::{Accepted, Claims, Expected};
use crate::{AuthnFault, provider};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// Questions at once.
const MAX_QUESTIONS: usize = 64;

/// How the runtime says who it is (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// `client_id` and `client_secret` in the form.
    #[default]
    Form,
    /// The header `Authorization: Basic`.
    Basic,
}

/// Id and secret of the runtime at the authorization server. Asked for at each use, so that a rotated one is seen.
pub type ClientSecret = Box<dyn Fn() -> Result<(SecretString, SecretString), String> + Send + Sync>;

pub(crate) struct Introspection {
    pub(crate) url: Url,
    pub(crate) client: Option<ClientSecret>,
    pub(crate) client_auth: ClientAuth,
    http: Client,
    places: Semaphore,
}

impl Introspection {
    pub(crate) fn new(url: Url, client: Option<ClientSecret>, client_auth: ClientAuth) -> Result<Self, String> {
        let http = provider::client(false)?;
        Ok(Self { url, client, client_auth, http, places: Semaphore::new(MAX_QUESTIONS) })
    }

    /// Asks about a token.
    pub(crate) async fn ask(&self, token: &str, expected: &Expected, now: f64) -> Result<Accepted, AuthnFault> {
        let place = tokio::time::timeout(provider::TOTAL_TIMEOUT, self.places.acquire()).await;
        let _place = place.map_err(|_| AuthnFault::Unavailable("too many questions are under way".to_owned()))?;
        let request = self.question(token).map_err(AuthnFault::Unavailable)?;
        let reply = provider::ask(request, &self.url).await.map_err(AuthnFault::Unavailable)?;
        read(&reply.body, expected, now)
    }

    fn question(&self, token: &str) -> Result<RequestBuilder, String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token);
        let mut request = self.http.post(self.url.clone()).header("accept", "application/json");
        if let Some(client) = &self.client {
            let (id, secret) = client()?;
            match self.client_auth {
                ClientAuth::Form => {
                    form.append_pair("client_id", id.expose_secret());
                    form.append_pair("client_secret", secret.expose_secret());
                }
                ClientAuth::Basic => {
                    let encoded = |secret: &SecretString| {
                        form_urlencoded::byte_serialize(secret.expose_secret().as_bytes()).collect::<String>()
                    };
                    let pair = Zeroizing::new(format!("{}:{}", encoded(&id), encoded(&secret)));
                    let header = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                    request = request.header("authorization", header.as_str());
                }
            }
        }
        Ok(request.header("content-type", "application/x-www-form-urlencoded").body(form.finish()))
    }
}

fn read(answer: &[u8], expected: &Expected, now: f64) -> Result<Accepted, AuthnFault> {
    let claims = Claims::read(answer)?;
    if claims.active != Some(true) {
        return Err(AuthnFault::Inactive);
    }
    // A token of another type, e.g. DPoP, may not be used by whoever happens to hold it.
    if claims.token_type.as_deref().is_some_and(|kind| !is_bearer(kind)) {
        return Err(AuthnFault::KeyBound);
    }
    claims.accept(expected, now, false)
}

/// Servers say `Bearer` (RFC 6749 §7.1), some what kind of token it is.
fn is_bearer(kind: &str) -> bool {
    ["bearer", "access_token", "at+jwt"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// INT-5, W-17.
    #[test]
    fn only_an_active_bearer_token_for_us_is_accepted() {
        let expected = Expected { audience: "toolbox".into(), issuer: None };
        for (answer, accepted) in [
            (json!({"active": true, "aud": "toolbox", "sub": "a"}), Ok("a")),
            (json!({"active": true, "aud": ["toolbox"], "client_id": "c", "token_type": "bearer"}), Ok("c")),
            (json!({"active": false, "aud": "toolbox", "sub": "a"}), Err(AuthnFault::Inactive)),
            (json!({"aud": "toolbox", "sub": "a"}), Err(AuthnFault::Inactive)),
            (json!({"active": true, "sub": "a"}), Err(AuthnFault::WrongAudience)),
            (json!({"active": true, "aud": "toolbox"}), Err(AuthnFault::NoPrincipal)),
            (json!({"active": true, "aud": "toolbox", "sub": "a", "exp": 5}), Err(AuthnFault::Expired)),
            (
                json!({"active": true, "aud": "toolbox", "sub": "a", "token_type": "DPoP"}),
                Err(AuthnFault::KeyBound),
            ),
        ] {
            let read = read(answer.to_string().as_bytes(), &expected, 1000.0).map(|a| a.caller.principal);
            assert_eq!(read.as_deref(), accepted.as_ref().copied(), "{answer}");
        }
        assert!(read(b"<html>", &expected, 0.0).is_err());
    }
}
