//! The Ed25519 key of an instance (RFC 8032), made at the first start, and the public keys that a reader trusts.
//!
//! Whoever may read the private key can sign; it protects the log from everybody else, and from those who get at a
//! copy or a backup. Keep a copy of the public key elsewhere: the one beside the log can be exchanged with the log.

use crate::AuditError;
use crate::chain::Hash;
use crate::layout::Layout;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use open_cli_files::{Durability, read_bounded, replace};
use std::fmt;
use std::path::Path;

/// Largest key file that is read, private or public.
const KEY_FILE_MAX: u64 = 64 << 10;
const PUBLIC_KEY_BYTES: usize = 32;
/// Hex digits of a key's name.
const KEY_ID_DIGITS: usize = 16;

/// A key that signatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_KEY_BYTES]);

impl PublicKey {
    /// Reads keys as they are in `<path>.pub`: base64 of the raw key, one a line; empty lines and lines that begin
    /// with `#` are skipped.
    ///
    /// # Errors
    /// The line that is no key.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| Self::parse(line).ok_or_else(|| line.chars().take(80).collect())).collect()
    }

    fn parse(line: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(line).ok()?.try_into().ok()?))
    }

    /// Reads a file of keys.
    ///
    /// # Errors
    /// When it can't be read, or holds anything but keys.
    pub fn read_all(path: &Path) -> Result<Vec<Self>, AuditError> {
        let bad = |reason: String| AuditError::Key { path: path.to_owned(), reason };
        let text =
            String::from_utf8(read_bounded(path, KEY_FILE_MAX)?).map_err(|_| bad("it is no text".into()))?;
        Self::parse_all(&text).map_err(|line| bad(format!("\"{line}\" is no base64 of 32 bytes")))
    }

    /// Short name of the key: the beginning of its SHA-256.
    pub fn id(&self) -> String {
        let mut id = Hash::of(&self.0).to_string();
        id.truncate(KEY_ID_DIGITS);
        id
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, &signature).is_ok()
    }
}

/// As in `<path>.pub`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The key that signs. Its secret is never shown.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

impl SigningKey {
    /// Opens the key of a log, or makes one, and lists it among the public keys. Tells whether it is new. Only for
    /// who holds the lock of the log.
    pub(crate) fn open_or_make(layout: &Layout) -> Result<(Self, bool), AuditError> {
        let path = layout.key();
        let bad = |reason: String| AuditError::Key { path: path.clone(), reason };
        let (pkcs8, is_new) = match read_bounded(&path, KEY_FILE_MAX) {
            Ok(pkcs8) => (pkcs8, false),
            Err(error) if error.is_not_found() => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                    .map_err(|_| bad("the system gives no random numbers".into()))?;
                replace(&path, made.as_ref(), Durability::Synced)?;
                (made.as_ref().to_vec(), true)
            }
            Err(error) => return Err(error.into()),
        };
        // A key made by other tools may lack the public half.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8)
            .map_err(|rejected| bad(format!("it is no Ed25519 key in PKCS #8 ({rejected})")))?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| bad("its public half is no key".into()))?;
        let key = Self { pair, public: PublicKey(public) };
        key.list(&layout.public_keys())?;
        Ok((key, is_new))
    }

    /// Adds the public key to those of the log, so that what earlier keys signed can still be checked.
    fn list(&self, path: &Path) -> Result<(), AuditError> {
        let mut text = match read_bounded(path, KEY_FILE_MAX) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) if error.is_not_found() => String::new(),
            Err(error) => return Err(error.into()),
        };
        if text.lines().any(|line| PublicKey::parse(line.trim()).as_ref() == Some(&self.public)) {
            return Ok(());
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", self.public));
        Ok(replace(path, text.as_bytes(), Durability::Synced)?)
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signature in base64.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_signs_what_its_public_half_verifies() {
        let root = tempfile::tempdir().expect("temporary directory");
        let layout = Layout::new(&root.path().join("audit.log"));
        let (key, is_new) = SigningKey::open_or_make(&layout).expect("made");
        assert!(is_new);
        let mode = std::fs::metadata(layout.key()).expect("there").permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        let signature = key.sign(b"text");
        let (again, is_new) = SigningKey::open_or_make(&layout).expect("opened");
        assert!(!is_new && again.public() == key.public());
        let public = PublicKey::read_all(&layout.public_keys()).expect("keys");
        assert_eq!(public, [key.public().clone()]);
        assert!(public[0].verifies(b"text", &signature));
        assert!(!public[0].verifies(b"texT", &signature));
        assert!(!public[0].verifies(b"text", "AAAA") && !public[0].verifies(b"text", "?"));
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().id()));
    }

    #[test]
    fn a_new_key_joins_those_before_it_and_a_damaged_one_is_an_error_that_names_it() {
        let root = tempfile::tempdir().expect("temporary directory");
        let layout = Layout::new(&root.path().join("audit.log"));
        let (first, _) = SigningKey::open_or_make(&layout).expect("made");
        std::fs::remove_file(layout.key()).expect("removed");
        let (second, is_new) = SigningKey::open_or_make(&layout).expect("made");
        assert!(is_new);
        let keys = PublicKey::read_all(&layout.public_keys()).expect("keys");
        assert_eq!(keys, [first.public().clone(), second.public().clone()]);
        replace(&layout.key(), b"no key", Durability::Unsynced).expect("written");
        let error = SigningKey::open_or_make(&layout).expect_err("no key").to_string();
        assert!(error.contains("audit.log.key") && error.contains("PKCS"), "{error}");
        let error = PublicKey::parse_all("# comment\n\nAAAA").expect_err("too short");
        assert_eq!(error, "AAAA");
    }
}
