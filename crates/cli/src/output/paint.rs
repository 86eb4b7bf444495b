//! Colour, as a decision that is made once per stream.

use std::borrow::Cow;

/// Paints, or leaves text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Paint {
    pub(crate) is_on: bool,
}

impl Paint {
    fn with<'a>(self, code: &str, text: &'a str) -> Cow<'a, str> {
        if self.is_on && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m").into() } else { text.into() }
    }

    pub(crate) fn bold(self, text: &str) -> Cow<'_, str> {
        self.with("1", text)
    }
    pub(crate) fn dim(self, text: &str) -> Cow<'_, str> {
        self.with("2", text)
    }
    pub(crate) fn error(self, text: &str) -> Cow<'_, str> {
        self.with("1;31", text)
    }
    pub(crate) fn good(self, text: &str) -> Cow<'_, str> {
        self.with("32", text)
    }
    pub(crate) fn warning(self, text: &str) -> Cow<'_, str> {
        self.with("33", text)
    }
    pub(crate) fn accent(self, text: &str) -> Cow<'_, str> {
        self.with("36", text)
    }
}
