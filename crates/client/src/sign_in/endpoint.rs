//! What is asked of an authorization server (RFC 6749, 8414, 8628, 8693, 7009): forms out, JSON back, within bounds.
//! What it says about a failure is passed on; what was sent is not repeated.

use crate::transport::{Fault, Transport};
use crate::{ClientError, Environment, Patience};
use open_cli_contract::redact;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::time::Duration;
use ureq::http::Method;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// How long the server may take when `--timeout` is not given.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest text of the server's that is shown.
const MAX_SHOWN: usize = 300;

/// A token of a token endpoint (RFC 6749 §5.1).
#[derive(Deserialize)]
pub(super) struct Granted {
    #[serde(deserialize_with = "token")]
    pub(super) access_token: SecretString,
    #[serde(default)]
    pub(super) expires_in: Option<f64>,
    #[serde(default, deserialize_with = "maybe_secret")]
    pub(super) refresh_token: Option<SecretString>,
    #[serde(default)]
    pub(super) scope: Option<String>,
}

/// A token that a header can carry (RFC 6750 §2.1).
fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(serde::de::Error::custom("no bearer token"));
    }
    Ok(SecretString::from(text))
}

fn maybe_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// What a server says about itself (RFC 8414, OpenID Connect Discovery), as far as it is needed here.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ServerMetadata {
    pub(super) issuer: String,
    pub(super) device_authorization_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
}

/// A refusal (RFC 6749 §5.2).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
}

/// Why a server gave nothing.
#[derive(Debug)]
pub(super) enum NotGranted {
    /// It said so; its code and its words.
    Refused { code: String, detail: String },
    /// It could not be asked, or gave no answer of its protocol.
    Failed(String),
}

impl NotGranted {
    pub(super) fn detail(self) -> String {
        match self {
            Self::Refused { detail, .. } | Self::Failed(detail) => detail,
        }
    }

    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

/// Asks servers.
pub(super) struct Asker<'a> {
    pub(super) environment: &'a Environment,
    pub(super) patience: Patience,
}

impl Asker<'_> {
    /// Posts a form for JSON.
    pub(super) fn post<T: DeserializeOwned>(&self, url: &str, form: &[(&str, &str)]) -> Result<T, NotGranted> {
        let present = form.iter().filter(|(_, value)| !value.is_empty());
        let body = Zeroizing::new(form_urlencoded::Serializer::new(String::new()).extend_pairs(present).finish());
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
        let (status, answer) = self.send(Method::POST, url, &headers, Some(body.as_bytes()))?;
        if (200..=299).contains(&status) {
            return serde_json::from_slice(&answer).map_err(|_| {
                NotGranted::Failed(format!("the server at {} did not answer as its protocol says", shown(url)))
            });
        }
        Err(refusal(url, status, &answer))
    }

    /// Reads JSON.
    pub(super) fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, NotGranted> {
        let (status, answer) = self.send(Method::GET, url, &[("accept", "application/json")], None)?;
        if status != 200 {
            return Err(refusal(url, status, &answer));
        }
        serde_json::from_slice(&answer).map_err(|_| {
            NotGranted::Failed(format!("the server at {} did not answer with the expected JSON", shown(url)))
        })
    }

    /// What an issuer says about itself; the issuer it names must be the one that was asked (RFC 8414 §3.3).
    pub(super) fn metadata(&self, issuer: &str) -> Result<ServerMetadata, NotGranted> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: ServerMetadata = self.get(&url)?;
        if metadata.issuer == issuer {
            return Ok(metadata);
        }
        let other = open_cli_contract::redact::text(&metadata.issuer);
        Err(NotGranted::Failed(format!("the server at {} says that it is {other}", shown(&url))))
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<(u16, Vec<u8>), NotGranted> {
        let target = web_url(url).map_err(|error| NotGranted::Failed(error.to_string()))?;
        let failed =
            |reason: &str| NotGranted::Failed(format!("the server at {} can't be asked: {reason}", shown(url)));
        let patience = Patience { total: self.patience.total.or(Some(TIMEOUT)) };
        let transport = Transport::new(&target, self.environment, patience).map_err(|reason| failed(&reason))?;
        let answer = transport.send(method, target.as_str(), headers, body).map_err(|fault| match fault {
            Fault::Unreachable(reason) | Fault::Broken(reason) => failed(&reason),
            Fault::TimedOut => failed("no answer in time"),
        })?;
        Ok((answer.head.status, answer.body))
    }
}

/// An address that a browser or a request may be sent to.
pub(super) fn web_url(text: &str) -> Result<Url, ClientError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| ClientError::SignIn {
        what: "Signing in is not possible".into(),
        detail: format!("{:?} is no http or https address", redact::text(text)),
    })
}

fn shown(url: &str) -> String {
    redact::text(url)
}

fn refusal(url: &str, status: u16, answer: &[u8]) -> NotGranted {
    let refused: Refused = serde_json::from_slice(answer).unwrap_or_default();
    let words = printable(&match refused.error_description.as_str() {
        "" => refused.error.clone(),
        description => format!("{} ({description})", refused.error),
    });
    let detail = match words.as_str() {
        "" => format!("the server at {} answered with status {status}", shown(url)),
        words => format!("the server at {} answered with status {status}: {words}", shown(url)),
    };
    NotGranted::Refused { code: refused.error, detail }
}

/// Somebody else's text on a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_shown_without_control_characters() {
        let body = br#"{"error":"invalid_grant","error_description":"code\u001b[31m expired"}"#;
        let refused = refusal("https://id.example/token?client_secret=x", 400, body);
        assert!(refused.is("invalid_grant") && !refused.is("other"));
        let detail = refused.detail();
        assert_eq!(
            detail,
            "the server at https://id.example/token?client_secret=REDACTED answered with status 400: invalid_grant (code [31m expired)"
        );
        assert!(refusal("https://h/t", 502, b"<html>").detail().ends_with("status 502"));
    }

    #[test]
    fn only_web_addresses_are_opened() {
        for (text, is_fine) in [
            ("https://h/a", true),
            ("http://127.0.0.1:1", true),
            ("file:///etc", false),
            ("javascript:x", false),
            ("x", false),
        ] {
            assert_eq!(web_url(text).is_ok(), is_fine, "{text}");
        }
    }
}
