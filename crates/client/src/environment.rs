//! Environment variables as a value, so that a test needs no process environment.

use std::collections::BTreeMap;

/// Where variables are looked up. Nothing is read before it is asked for.
#[derive(Debug, Clone, Default)]
pub enum Environment {
    /// The process environment.
    #[default]
    Process,
    /// Exactly these variables.
    Fixed(BTreeMap<String, String>),
}

impl Environment {
    /// Value of a variable; unset, empty and not UTF-8 are all `None`.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }
}
