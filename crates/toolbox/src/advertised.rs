//! The URL a runtime gives as its own (weakness 39, `--advertise-url`): in `runtime.json`, in the handshake and in its
//! start line. For a runtime that clients reach through a proxy or under a name.

use std::fmt;
use std::str::FromStr;
use url::Url;

/// Longest URL.
const MAX_LENGTH: usize = 2048;

/// An absolute `http` or `https` URL without user, query and fragment, and without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertisedUrl(String);

impl AdvertisedUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdvertisedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no URL to advertise. Repeats nothing of it: it may carry a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdvertisedUrlError {
    /// No URL, or one that begins nowhere.
    #[error("not an absolute URL; write it like https://tools.example/runtime")]
    NotAbsolute,
    /// Another scheme.
    #[error("not an http or https URL; write it like https://tools.example/runtime")]
    Scheme,
    /// It has a user or a password.
    #[error("it has a user or password, which everybody would see; leave it out")]
    UserInfo,
    /// It has a query or a fragment.
    #[error("it has a query or fragment, and paths are put behind it; leave that out")]
    Query,
    /// It is too long.
    #[error("it has more than {MAX_LENGTH} bytes; use a shorter one")]
    TooLong,
}

impl FromStr for AdvertisedUrl {
    type Err = AdvertisedUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LENGTH {
            return Err(AdvertisedUrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| AdvertisedUrlError::NotAbsolute)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AdvertisedUrlError::Scheme);
        }
        // The parser would forgive `http:host` and a lonely `@`.
        let authority = text.split_once("://").ok_or(AdvertisedUrlError::NotAbsolute)?.1;
        let authority = authority.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(AdvertisedUrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AdvertisedUrlError::Query);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weakness 39.
    #[test]
    fn only_what_a_client_can_dial_is_advertised() {
        use AdvertisedUrlError::{NotAbsolute, Query, Scheme, TooLong, UserInfo};
        let long = format!("http://a/{}", "b".repeat(MAX_LENGTH));
        for (text, expected) in [
            ("https://tools.example", Ok("https://tools.example")),
            ("https://tools.example/", Ok("https://tools.example")),
            ("HTTP://Tools.Example:80/a/b/", Ok("http://tools.example/a/b")),
            ("http://[::1]:8765", Ok("http://[::1]:8765")),
            ("", Err(NotAbsolute)),
            ("tools.example", Err(NotAbsolute)),
            ("/runtime", Err(NotAbsolute)),
            ("http:tools.example", Err(NotAbsolute)),
            ("http://", Err(NotAbsolute)),
            ("ftp://tools.example", Err(Scheme)),
            ("tools.example:8765", Err(Scheme)),
            ("https://u:p@tools.example", Err(UserInfo)),
            ("https://@tools.example", Err(UserInfo)),
            ("https://tools.example/?a=b", Err(Query)),
            ("https://tools.example/?", Err(Query)),
            ("https://tools.example/#x", Err(Query)),
            (long.as_str(), Err(TooLong)),
        ] {
            let found = text.parse::<AdvertisedUrl>();
            assert_eq!(found.as_ref().map(AdvertisedUrl::as_str).map_err(|error| *error), expected, "{text}");
        }
    }
}
