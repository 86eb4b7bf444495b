//! JSON objects written member by member around JSON that stays as it was sent.

use serde::Serialize;

/// An object under way.
#[derive(Debug, Default, Clone)]
pub(crate) struct Object(String);

impl Object {
    /// Adds a member; a value that can't be written is `null`, which no type of ours is.
    #[must_use]
    pub(crate) fn with(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        let value = serde_json::to_string(value).unwrap_or_else(|_| "null".into());
        self.raw(name, &value)
    }

    /// Adds a member that is JSON already.
    #[must_use]
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        // Text can always be written.
        self.0.push_str(&serde_json::to_string(name).unwrap_or_default());
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    /// Adds a member that is an object.
    #[must_use]
    pub(crate) fn object(self, name: &str, object: Self) -> Self {
        let text = object.finish();
        self.raw(name, &text)
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        format!("{{{}}}", self.0)
    }
}
