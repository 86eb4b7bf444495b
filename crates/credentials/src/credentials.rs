//! What credentials add to a request.

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Resolved credentials of one call. Prints names, never values.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Headers to set. The values are marked sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Query parameters to set, plain.
    pub query: Vec<(String, SecretString)>,
    /// Cookies to set, plain.
    pub cookies: Vec<(String, SecretString)>,
    /// The schemes used, joined by `+`, for the audit record; empty when anonymous.
    pub schemes: String,
}

impl Credentials {
    /// No credentials.
    pub fn none() -> Self {
        Self::default()
    }

    /// True when they add nothing.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.query.is_empty() && self.cookies.is_empty()
    }

    /// UP-8: the same place may be set twice only to the same value. Header names compare without case.
    pub(crate) fn set_header(&mut self, name: HeaderName, mut value: HeaderValue) -> Result<(), String> {
        value.set_sensitive(true);
        match self.headers.iter().find(|(present, _)| *present == name) {
            Some((_, present)) if *present == value => Ok(()),
            Some(_) => Err(format!("another scheme of the alternative sets the header {name} to something else")),
            None => {
                self.headers.push((name, value));
                Ok(())
            }
        }
    }

    pub(crate) fn set_query(&mut self, name: &str, value: &str) -> Result<(), String> {
        set(&mut self.query, name, value, "query parameter")
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) -> Result<(), String> {
        set(&mut self.cookies, name, value, "cookie")
    }
}

fn set(list: &mut Vec<(String, SecretString)>, name: &str, value: &str, what: &str) -> Result<(), String> {
    match list.iter().find(|(present, _)| present == name) {
        Some((_, present)) if present.expose_secret() == value => Ok(()),
        Some(_) => Err(format!("another scheme of the alternative sets the {what} {name:?} to something else")),
        None => {
            list.push((name.to_owned(), SecretString::from(value)));
            Ok(())
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |list: &[(String, SecretString)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        f.debug_struct("Credentials")
            .field("schemes", &self.schemes)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("query", &names(&self.query))
            .field("cookies", &names(&self.cookies))
            .finish()
    }
}
