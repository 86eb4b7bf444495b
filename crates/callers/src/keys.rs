//! The keys of an issuer (RFC 7517, 7518, 8037) and the signatures they make. Asymmetric ones only: a shared secret
//! that can check a token can forge it too.

use crate::AuthnFault;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Most keys of a set that are looked at.
const MAX_KEYS: usize = 100;

/// A signature algorithm that is accepted (RFC 7518 §3.1, RFC 8037). The key decides which kinds fit, the token only
/// says which one it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A public key.
pub(crate) struct Key {
    id: Option<String>,
    /// The only algorithm it may be used with, if it says so.
    only: Option<Algorithm>,
    material: Material,
}

enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// An uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind_fits = matches!(
            (&self.material, algorithm),
            (Material::Rsa(_), Algorithm::Rs256 | Algorithm::Ps256)
                | (Material::P256(_), Algorithm::Es256)
                | (Material::Ed25519(_), Algorithm::EdDsa)
        );
        kind_fits && self.only.is_none_or(|only| only == algorithm)
    }

    /// Is this the key's signature of the message?
    pub(crate) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), AuthnFault> {
        let verified = match (&self.material, algorithm) {
            (Material::Rsa(key), Algorithm::Rs256) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            (Material::Rsa(key), Algorithm::Ps256) => key.verify(&RSA_PSS_2048_8192_SHA256, message, signature),
            (Material::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::Ed25519(key), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            _ => return Err(AuthnFault::UnknownKey),
        };
        verified.map_err(|_| AuthnFault::BadSignature)
    }
}

/// The keys of an issuer that can check signatures.
pub(crate) struct KeySet(Vec<std::sync::Arc<Key>>);

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWK set. Keys that are not for signatures, or of unknown kinds, are passed over (RFC 7517 §5).
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|_| "the answer is no JWK set".to_owned())?;
        let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|jwk| key(serde_json::from_value(jwk).ok()?));
        let keys: Vec<_> = keys.map(std::sync::Arc::new).collect();
        if keys.is_empty() {
            return Err("the key set has no key for signatures of the kinds RSA, P-256 or Ed25519".to_owned());
        }
        Ok(Self(keys))
    }

    /// Keys that can check signatures.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// JWKS-9: the key the token names; a token that names none fits an only key, or one that has no name.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<std::sync::Arc<Key>> {
        let mut fitting = self.0.iter().filter(|key| key.fits(algorithm));
        let found = match id {
            Some(_) => fitting.find(|key| key.id.as_deref() == id),
            None => {
                let fitting: Vec<_> = fitting.collect();
                match fitting[..] {
                    [only] => Some(only),
                    _ => fitting.into_iter().find(|key| key.id.is_none()),
                }
            }
        };
        found.cloned()
    }
}

fn key(jwk: Jwk) -> Option<Key> {
    // W-15: what the issuer says a key is for holds.
    if jwk.purpose.is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    if jwk.key_ops.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
        return None;
    }
    let only = match jwk.alg {
        Some(word) => Some(Algorithm::parse(&word)?),
        None => None,
    };
    let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok().filter(|bytes| !bytes.is_empty());
    let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Material::Rsa(RsaPublicKeyComponents { n: bytes(jwk.n)?, e: bytes(jwk.e)? }),
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(jwk.x)?, bytes(jwk.y)?);
            if x.len() != 32 || y.len() != 32 {
                return None;
            }
            Material::P256([&[4][..], &x, &y].concat())
        }
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(jwk.x).filter(|x| x.len() == 32)?),
        _ => return None,
    };
    Some(Key { id: jwk.kid, only, material })
}
