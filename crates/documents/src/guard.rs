//! Where documents of one source may be. What the operator wrote down is trusted: the address of a source, of an overlay,
//! the references of a local file. Every other address was chosen by a document from elsewhere and must not be inside
//! (see [`Reach`]), nor be answered from what a trusted request stored.

use open_cli_contract::reach::Reach;
use std::fmt;
use url::{Origin, Url};

/// Where documents of one source may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    trusted: Vec<Origin>,
    elsewhere: Reach,
}

impl Guard {
    /// Documents at the origins of these URLs are trusted; others are reached as `elsewhere` says.
    pub fn new<'a>(trusted: impl IntoIterator<Item = &'a Url>, elsewhere: Reach) -> Self {
        Self { trusted: trusted.into_iter().map(Url::origin).collect(), elsewhere }
    }

    /// The same, trusting the origin of one more URL.
    #[must_use]
    pub fn trusting(&self, url: &Url) -> Self {
        let trusted = self.trusted.iter().cloned().chain([url.origin()]).collect();
        Self { trusted, elsewhere: self.elsewhere.clone() }
    }

    /// Where a request for this URL may lead.
    pub(crate) fn reach(&self, url: &Url) -> &Reach {
        if self.trusted.contains(&url.origin()) { &Reach::ANYWHERE } else { &self.elsewhere }
    }
}

/// What it allows, for comparison.
impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trusted.iter().try_for_each(|origin| write!(f, "{} ", origin.ascii_serialization()))?;
        self.elsewhere.fmt(f)
    }
}

/// What is added to the cache key of an answer that not everybody may have asked for.
pub(crate) fn key_suffix(guard: Option<&Guard>, url: &Url) -> String {
    match guard.map(|guard| guard.reach(url)) {
        // URLs of keys have no fragment: this is no other URL's key.
        Some(reach) if !reach.is_anywhere() => format!("#{reach}"),
        _ => String::new(),
    }
}
