//! Where secrets come from. The keys are those of `secrets` in the configuration.

use crate::error::Reason;
use crate::file::FileSecret;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A configured secret.
#[derive(Clone)]
pub enum SecretSource {
    /// Written in the configuration.
    Literal(SecretString),
    /// Name of an environment variable, read at each use.
    Env(String),
    /// A file; the path is absolute, or relative to the working directory.
    File(PathBuf),
    /// A kind of secret that can't be used here; the text is the kind's name.
    Unsupported(&'static str),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(…)"),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Unsupported(kind) => f.debug_tuple("Unsupported").field(kind).finish(),
        }
    }
}

/// Reads an environment variable; `None` when it is unset or no text.
type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// All configured secrets. Shared by all calls.
pub struct Secrets {
    stored: HashMap<String, Stored>,
    environment: Environment,
    now: fn() -> Instant,
}

enum Stored {
    Literal(SecretString),
    Env(String),
    File(FileSecret),
    Unsupported(&'static str),
}

/// A secret in use.
pub(crate) enum Value<'a> {
    Borrowed(&'a SecretString),
    Shared(Arc<SecretString>),
    Owned(SecretString),
}

impl Value<'_> {
    pub(crate) fn expose(&self) -> &str {
        match self {
            Self::Borrowed(secret) => secret.expose_secret(),
            Self::Shared(secret) => secret.expose_secret(),
            Self::Owned(secret) => secret.expose_secret(),
        }
    }
}

impl Secrets {
    /// Secrets by key; `env` secrets are read from the process environment.
    pub fn new(sources: impl IntoIterator<Item = (String, SecretSource)>) -> Self {
        Self::with_environment(sources, |name| std::env::var(name).ok())
    }

    /// Like [`Secrets::new`] with an environment of the caller's.
    pub fn with_environment(
        sources: impl IntoIterator<Item = (String, SecretSource)>,
        environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let stored = sources.into_iter().map(|(key, source)| {
            let stored = match source {
                SecretSource::Literal(value) => Stored::Literal(value),
                SecretSource::Env(name) => Stored::Env(name),
                SecretSource::File(path) => Stored::File(FileSecret::new(path)),
                SecretSource::Unsupported(kind) => Stored::Unsupported(kind),
            };
            (key, stored)
        });
        Self { stored: stored.collect(), environment: Box::new(environment), now: Instant::now }
    }

    /// The secret of this very key, for uses beside upstream requirements.
    pub fn reveal(&self, key: &str) -> Result<SecretString, String> {
        let stored = self.stored.get(key).ok_or_else(|| format!("the secret {key:?} is not configured"))?;
        Ok(SecretString::from(self.read(key, stored)?.expose()))
    }

    /// UP-10: `<service>.<scheme>`, then `<scheme>`. Says whether it is configured at all, and what it is.
    pub(crate) fn find(&self, service: &str, scheme: &str) -> Option<Result<Value<'_>, Reason>> {
        let mut key = String::with_capacity(service.len() + 1 + scheme.len());
        key.push_str(service);
        key.push('.');
        key.push_str(scheme);
        let (key, stored) = match self.stored.get(&key) {
            Some(stored) => (key.as_str(), stored),
            None => (scheme, self.stored.get(scheme)?),
        };
        Some(self.read(key, stored).map_err(Reason::Broken))
    }

    /// Why each secret can't be resolved that can't, by key, without saying what it is. Reads variables and files, and
    /// runs nothing: of a secret that a program gives nothing is known before it is needed.
    pub fn faults(&self) -> BTreeMap<String, String> {
        let fault = |(key, stored): (&String, &Stored)| match stored {
            Stored::Literal(_) | Stored::Env(_) | Stored::File(_) | Stored::Unsupported(_) => {
                Some((key.clone(), self.read(key, stored).err()?))
            }
        };
        self.stored.iter().filter_map(fault).collect()
    }

    /// Is there a secret for this scheme of this service (UP-10), whatever becomes of it?
    pub fn is_configured(&self, service: &str, scheme: &str) -> bool {
        self.stored.contains_key(&format!("{service}.{scheme}")) || self.stored.contains_key(scheme)
    }

    /// A secret by its key; `None` when nobody configured it. For what is no scheme of a description, such as the
    /// headers of a transport (TA-2).
    pub fn value(&self, key: &str) -> Option<Result<SecretString, String>> {
        let stored = self.stored.get(key)?;
        Some(self.read(key, stored).map(|value| SecretString::from(value.expose())))
    }

    fn read<'a>(&'a self, key: &str, stored: &'a Stored) -> Result<Value<'a>, String> {
        match stored {
            Stored::Literal(value) if value.expose_secret().is_empty() => {
                Err(format!("the secret {key:?} is empty (write its value into the configuration)"))
            }
            Stored::Literal(value) => Ok(Value::Borrowed(value)),
            // Deviation 14: unset and empty are errors.
            Stored::Env(name) => match (self.environment)(name).filter(|value| !value.is_empty()) {
                Some(value) => Ok(Value::Owned(SecretString::from(value))),
                None => Err(format!(
                    "the environment variable {name} of the secret {key:?} is unset or empty (set it where the toolbox runs)"
                )),
            },
            Stored::File(file) => file.get((self.now)()).map(Value::Shared),
            Stored::Unsupported(kind) => Err(format!(
                "the secret {key:?} is of type {kind}, which is not supported here (use literal, env or file)"
            )),
        }
    }
}

/// Keys and kinds, never values.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut keys: Vec<&String> = self.stored.keys().collect();
        keys.sort();
        f.debug_struct("Secrets").field("keys", &keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_resolved_is_named_and_no_value_is_shown() {
        let sources = [
            ("shop.key", SecretSource::Env("UNSET".into())),
            ("set", SecretSource::Env("SET".into())),
            ("typed", SecretSource::Literal("s3cr3t".into())),
            ("file", SecretSource::File("/nowhere/at/all".into())),
            ("chain", SecretSource::Unsupported("osKeychain")),
        ];
        let secrets = Secrets::with_environment(sources.map(|(key, source)| (key.to_owned(), source)), |name| {
            (name == "SET").then(|| "s3cr3t".to_owned())
        });
        let faults = secrets.faults();
        assert_eq!(faults.keys().collect::<Vec<_>>(), ["chain", "file", "shop.key"]);
        assert!(faults["shop.key"].contains("UNSET") && faults["file"].contains("/nowhere/at/all"), "{faults:?}");
        assert!(!format!("{faults:?}").contains("s3cr3t"));
        for (service, scheme, expected) in
            [("shop", "key", true), ("other", "key", false), ("other", "set", true), ("shop", "none", false)]
        {
            assert_eq!(secrets.is_configured(service, scheme), expected, "{service} {scheme}");
        }
    }
}
