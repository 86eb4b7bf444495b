//! A JSON Web Token in its compact form (RFC 7515, RFC 7519, best practices of RFC 8725): taken apart, and its signature
//! checked before anything it claims is looked at (JWKS-12).

use crate::AuthnFault;
use crate::keys::{Algorithm, Key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Longest key id that is looked for.
const MAX_KEY_ID_BYTES: usize = 1024;

/// A token whose signature is still to be checked.
pub(crate) struct Unverified<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    /// Header and claims, as they were signed.
    signed: &'a [u8],
    claims: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<serde_json::Value>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart. Nothing is fetched for a token that is malformed or of an algorithm we don't accept.
    pub(crate) fn parse(token: &'a str) -> Result<Self, AuthnFault> {
        const FORM: AuthnFault = AuthnFault::Malformed("it is no signed JWT in compact form");
        let (signed, signature) = token.rsplit_once('.').ok_or(FORM)?;
        let (header, claims) = signed.split_once('.').ok_or(FORM)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| FORM)?;
        if claims.contains('.') || header.trim_ascii_start().first() != Some(&b'{') {
            return Err(FORM);
        }
        let header: Header = serde_json::from_slice(&header).map_err(|_| FORM)?;
        let algorithm = Algorithm::parse(&header.alg).ok_or(AuthnFault::UnsupportedAlgorithm)?;
        // RFC 7515 §4.1.11: extensions that must be understood, and are not.
        if header.crit.is_some() {
            return Err(AuthnFault::Malformed("its header has critical extensions"));
        }
        // RFC 8725 §3.11: tokens that say they are for something else are not access tokens (W-15).
        let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt") {
            return Err(AuthnFault::Malformed("its header says that it is no access token"));
        }
        // JWKS-9: a name that is no text is none.
        let key_id = match header.kid {
            Some(serde_json::Value::String(id)) if id.len() <= MAX_KEY_ID_BYTES => Some(id),
            Some(serde_json::Value::String(_)) => return Err(AuthnFault::Malformed("its key id is too long")),
            _ => None,
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| FORM)?;
        Ok(Self { algorithm, key_id, signed: signed.as_bytes(), claims, signature })
    }

    /// The claims as JSON, if the key signed them.
    pub(crate) fn verify(&self, key: &Key) -> Result<Vec<u8>, AuthnFault> {
        key.verify(self.algorithm, self.signed, &self.signature)?;
        URL_SAFE_NO_PAD.decode(self.claims).map_err(|_| AuthnFault::Malformed("its claims are not base64url"))
    }
}
