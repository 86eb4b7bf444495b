//! One requirement and its secret to headers, query parameters and cookies (runtime-and-admin §8.4).

use crate::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue};
use open_cli_contract::catalog::AuthRequirement;
use zeroize::Zeroizing;

/// What an error about an unknown scheme lists.
const SUPPORTED: &str =
    "apiKey in header, query or cookie, http bearer or basic, oauth2 and openIdConnect with a token";

/// How a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    ApiKeyHeader,
    ApiKeyQuery,
    ApiKeyCookie,
    Bearer,
    Basic,
}

impl Method {
    /// How this requirement is met, or why it can't be.
    pub(crate) fn of(requirement: &AuthRequirement) -> Result<Self, String> {
        let scheme = requirement.scheme.as_str();
        match (requirement.kind.as_str(), requirement.location.as_str()) {
            ("apiKey", "header") => Ok(Self::ApiKeyHeader),
            ("apiKey", "query") => Ok(Self::ApiKeyQuery),
            ("apiKey", "cookie") => Ok(Self::ApiKeyCookie),
            ("http", _) if scheme.eq_ignore_ascii_case("bearer") => Ok(Self::Bearer),
            ("http", _) if scheme.eq_ignore_ascii_case("basic") => Ok(Self::Basic),
            ("oauth2" | "openIdConnect", _) => Ok(Self::Bearer),
            (kind, location) => {
                let detail = if kind == "apiKey" { location } else { scheme };
                let slash = if detail.is_empty() { "" } else { "/" };
                Err(format!("unsupported auth requirement {kind}{slash}{detail} (supported: {SUPPORTED})"))
            }
        }
    }

    /// Adds the secret to the credentials.
    pub(crate) fn apply(
        self,
        to: &mut Credentials,
        requirement: &AuthRequirement,
        value: &str,
    ) -> Result<(), String> {
        let name = requirement.param_name.as_str();
        match self {
            Self::ApiKeyHeader => to.set_header(header_name(name)?, header_value(value)?),
            Self::ApiKeyQuery if name.is_empty() => Err("the scheme names no query parameter".into()),
            Self::ApiKeyQuery => to.set_query(name, value),
            // A cookie name is a token, as a header name is (RFC 6265 §4.1.1).
            Self::ApiKeyCookie if HeaderName::from_bytes(name.as_bytes()).is_err() => {
                Err(format!("{name:?} is no legal cookie name"))
            }
            Self::ApiKeyCookie => to.set_cookie(name, value),
            Self::Bearer => to.set_header(AUTHORIZATION, prefixed("Bearer ", value)?),
            Self::Basic if !value.contains(':') => {
                Err("the secret of an http basic scheme must be `user:password`, but it has no colon".into())
            }
            Self::Basic => {
                let encoded = Zeroizing::new(STANDARD.encode(value));
                to.set_header(AUTHORIZATION, prefixed("Basic ", &encoded)?)
            }
        }
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    match HeaderName::from_bytes(name.as_bytes()) {
        // They frame the message; a secret there would break it.
        Ok(name) if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) => {
            Err(format!("an API key can't be sent in the header {name}"))
        }
        Ok(name) => Ok(name),
        Err(_) => Err(format!("{name:?} is no legal header name")),
    }
}

fn prefixed(prefix: &str, value: &str) -> Result<HeaderValue, String> {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + value.len()));
    text.push_str(prefix);
    text.push_str(value);
    header_value(&text)
}

fn header_value(value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| "the secret has a line break or a control character, which no header can carry".into())
}
