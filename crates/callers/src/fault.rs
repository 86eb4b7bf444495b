//! Why a caller could not be authenticated. The caller is told one code whatever the reason (AUTH-12); the operator
//! learns the reason from logs, spans and metrics.

use crate::BearerFault;

/// A request that is not from anybody we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthnFault {
    /// There is no token.
    #[error("the request carries no token")]
    Missing,
    /// The header or the token does not have the form it must have.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The token is signed in a way that is not accepted.
    #[error("the token's signature algorithm is not one of RS256, PS256, ES256, EdDSA")]
    UnsupportedAlgorithm,
    /// No key of the issuer has the token's key id.
    #[error("the issuer's key set has no key that fits the token")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// It is meant for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// It names nobody.
    #[error("the token names neither sub nor client_id")]
    NoPrincipal,
    /// Only the holder of a key may use it, and a bearer does not show one (RFC 7800).
    #[error("the token is bound to a key, and was sent as a bearer token")]
    KeyBound,
    /// The authorization server says that it is not active (RFC 7662).
    #[error("the authorization server says that the token is not active")]
    Inactive,
    /// The identity provider can't be asked. The reason is ours to log, not the caller's to know.
    #[error("the identity provider can't be asked: {0}")]
    Unavailable(String),
}

impl AuthnFault {
    /// One word for metrics and spans.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::NoPrincipal => "no_principal",
            Self::KeyBound => "key_bound",
            Self::Inactive => "inactive",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// True when nothing is known about the token, because the provider could not be asked.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<BearerFault> for AuthnFault {
    fn from(fault: BearerFault) -> Self {
        match fault {
            BearerFault::Missing => Self::Missing,
            BearerFault::Malformed => Self::Malformed("the Authorization header carries no bearer token"),
        }
    }
}
