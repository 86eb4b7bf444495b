//! Secrets as configured: where to find them, never what they are. Resolving them is the credentials' work.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use open_cli_contract::redact::{self, MASK};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::model::OAuth;
use crate::reference::Reference;

/// Text that does not print and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes ownership of the text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// An entry of `secrets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// One value.
    Static(StaticSecret),
    /// An OAuth client that obtains tokens; `type` is `oauth2`.
    OAuth2(OAuth),
}

/// A secret with one value, and where the value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaticSecret {
    /// In the config file itself; loads with a warning.
    Literal(SecretText),
    /// In an environment variable.
    Env {
        /// Its name.
        variable: String,
    },
    /// In a file, relative to the declaring file.
    File(Reference),
    /// In the system's keychain.
    OsKeychain {
        /// `service/account` or `service:account`.
        item: String,
    },
    /// What a program prints. Only when `policy.allowExecSecrets` (CFG-22).
    Exec {
        /// Program and arguments, never empty; a program with a `/` is already absolute.
        command: Vec<String>,
        /// Absolute folder of the declaring file, to run it in.
        dir: Arc<std::path::Path>,
    },
}

impl StaticSecret {
    /// The word of `type`.
    pub fn type_word(&self) -> &'static str {
        match self {
            Self::Literal(_) => "literal",
            Self::Env { .. } => "env",
            Self::File(_) => "file",
            Self::OsKeychain { .. } => "osKeychain",
            Self::Exec { .. } => "exec",
        }
    }

    /// The absolute path of a `file` secret.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(reference) => Some(reference.path()),
            _ => None,
        }
    }
}

impl Serialize for StaticSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", self.type_word())?;
        match self {
            Self::Literal(text) => map.serialize_entry("value", text)?,
            Self::Env { variable: value } | Self::OsKeychain { item: value } => {
                map.serialize_entry("value", value)?
            }
            Self::File(reference) => map.serialize_entry("value", reference)?,
            Self::Exec { command, .. } => map.serialize_entry("command", command)?,
        }
        map.end()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct OAuth2<'a> {
            r#type: &'static str,
            #[serde(flatten)]
            oauth: &'a OAuth,
        }
        match self {
            Self::Static(secret) => secret.serialize(serializer),
            Self::OAuth2(oauth) => OAuth2 { r#type: crate::table::OAUTH_SECRET_WORD, oauth }.serialize(serializer),
        }
    }
}

/// Words in the name of a header or variable that make its value a secret.
const SECRET_WORDS: &[&str] = &[
    "auth",
    "cookie",
    "credential",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "token",
];

/// Serialises headers or variables, the values of those that are secret by their name masked.
pub(crate) fn masked_map<S: Serializer>(
    map: &BTreeMap<String, SecretText>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(name, value)| {
        let folded = name.to_ascii_lowercase();
        let secret = SECRET_WORDS.iter().any(|word| folded.contains(word));
        (name, if secret { MASK.to_owned() } else { redact::text(value.reveal()) })
    }))
}
