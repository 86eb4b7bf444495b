//! URLs as configured. They may carry credentials, so they print without them.

use std::fmt;
use std::ops::Deref;

use open_cli_contract::redact;
use serde::{Serialize, Serializer};

/// An absolute URL, checked when it was loaded, verbatim. `Debug`, `Display` and `Serialize` mask its credentials;
/// it dereferences to the text itself.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlText(String);

impl UrlText {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The URL as configured, credentials included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for UrlText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::text(&self.0))
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", redact::text(&self.0))
    }
}

impl Serialize for UrlText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&redact::text(&self.0))
    }
}
