//! Where an API description is: a local file or an `http(s)` URL (catalog-and-execution §1.4). Joining follows
//! RFC 3986 §5 and weaknesses W14 (a reference resolves against the document that holds it) and W15 (a remote
//! document never reaches local files). Not for reading: nothing here touches a disk or a socket.

use open_cli_contract::paths::clean;
use open_cli_contract::redact;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Where a document is. Never carries a fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A local file, lexically cleaned.
    File(PathBuf),
    /// An `http` or `https` URL.
    Url(Url),
    /// Nowhere: the program describes something itself, under a name such as `mcp:files`.
    Made(String),
}

/// Why a text is not the location of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Nothing was written.
    #[error("the location is empty; name a file or an http(s) URL")]
    Empty,
    /// A URL that does not parse.
    #[error("`{text}` is not a URL: {reason}")]
    InvalidUrl {
        /// What was written, credentials redacted.
        text: String,
        /// What the URL parser says.
        reason: String,
    },
    /// A scheme that documents are not read from.
    #[error("`{text}` has the scheme `{scheme}`; documents are read from http, https and file only")]
    UnsupportedScheme {
        /// What was written.
        text: String,
        /// Its scheme, lower case.
        scheme: String,
    },
    /// A `file:` URL that is no path on this machine, or a path with a NUL byte.
    #[error("`{text}` is not the path of a file on this machine")]
    NotAPath {
        /// What was written.
        text: String,
    },
    /// W15.
    #[error("the remote document {holder} refers to the local file `{reference}`; only http(s) is allowed there")]
    LocalFromRemote {
        /// The document with the reference, credentials redacted.
        holder: String,
        /// What it refers to.
        reference: String,
    },
    /// A description that the program makes has no neighbours.
    #[error("{holder} refers to `{reference}`; it stands nowhere that this could be relative to")]
    RelativeToNothing {
        /// The description's name.
        holder: String,
        /// What it refers to.
        reference: String,
    },
}

impl Location {
    /// Reads a reference of the configuration: an `http`, `https` or `file` URL (scheme in any case), else a path
    /// that is joined onto `base_dir` and lexically cleaned. A `#` in a plain path is part of the file's name.
    pub fn parse(text: &str, base_dir: &Path) -> Result<Self, LocationError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        match scheme_of(text) {
            // `notes:v2.yaml` is a file name where a person writes it; only `scheme://` is surely a URL.
            Some(scheme) if scheme == "file" || has_authority(text, &scheme) => absolute(text, &scheme),
            _ => path(text, base_dir),
        }
    }

    /// Resolves a `$ref` or link of the document at this location; its fragment is dropped. URLs follow RFC 3986
    /// §5; references of a local document are percent-decoded relative paths, or absolute URLs.
    pub fn join(&self, reference: &str) -> Result<Self, LocationError> {
        let reference = reference.split_once('#').map_or(reference, |(before, _)| before).trim();
        if reference.is_empty() {
            return Ok(self.clone());
        }
        match (self, scheme_of(reference)) {
            (Self::Url(base), Some(scheme)) if scheme == "file" => {
                Err(LocationError::LocalFromRemote { holder: redact::url(base), reference: reference.to_owned() })
            }
            // A file would be one that somebody else named.
            (Self::Made(holder), None) => {
                Err(LocationError::RelativeToNothing { holder: holder.clone(), reference: reference.to_owned() })
            }
            (Self::Made(holder), Some(scheme)) if scheme == "file" => {
                Err(LocationError::RelativeToNothing { holder: holder.clone(), reference: reference.to_owned() })
            }
            (_, Some(scheme)) => absolute(reference, &scheme),
            (Self::Url(base), None) => {
                let joined = base.join(reference).map_err(|error| invalid_url(reference, error))?;
                Ok(Self::Url(without_fragment(joined)))
            }
            (Self::File(holder), None) => {
                let not_a_path = || LocationError::NotAPath { text: reference.to_owned() };
                if reference.starts_with("//") {
                    return Err(not_a_path());
                }
                let decoded = percent_decode_str(reference).decode_utf8().map_err(|_| not_a_path())?;
                path(&decoded, holder.parent().unwrap_or(Path::new("")))
            }
        }
    }

    /// True for documents that are fetched over HTTP.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Url(_))
    }

    /// The URL of a remote document: the base of its relative servers.
    pub fn origin_url(&self) -> Option<&Url> {
        match self {
            Self::Url(url) => Some(url),
            Self::File(_) | Self::Made(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(&redact::url(url)),
            Self::Made(name) => f.write_str(name),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(_) => write!(f, "File({self})"),
            Self::Url(_) => write!(f, "Url({self})"),
            Self::Made(_) => write!(f, "Made({self})"),
        }
    }
}

/// RFC 3986 §3.1 scheme, lower case. One letter is no scheme: nothing is read from one, and `C:` is a drive.
fn scheme_of(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}

fn has_authority(text: &str, scheme: &str) -> bool {
    text.get(scheme.len() + 1..).is_some_and(|rest| rest.starts_with("//"))
}

fn absolute(text: &str, scheme: &str) -> Result<Location, LocationError> {
    match scheme {
        "http" | "https" => {
            let url = Url::parse(text).map_err(|error| invalid_url(text, error))?;
            Ok(Location::Url(without_fragment(url)))
        }
        "file" => {
            let not_a_path = || LocationError::NotAPath { text: text.to_owned() };
            // `file:x` has no agreed meaning; the URL parser would make it `/x`.
            if !text.get("file:".len()..).is_some_and(|rest| rest.starts_with('/')) {
                return Err(not_a_path());
            }
            let url = Url::parse(text).map_err(|error| invalid_url(text, error))?;
            let path = url.to_file_path().map_err(|()| not_a_path())?;
            Ok(Location::File(clean(&path)))
        }
        _ => Err(LocationError::UnsupportedScheme { text: redact::text(text), scheme: scheme.to_owned() }),
    }
}

fn path(text: &str, base_dir: &Path) -> Result<Location, LocationError> {
    if text.contains('\0') {
        return Err(LocationError::NotAPath { text: text.replace('\0', "\\0") });
    }
    Ok(Location::File(clean(&base_dir.join(text))))
}

fn invalid_url(text: &str, error: url::ParseError) -> LocationError {
    // What does not parse can't be redacted part by part: nothing after the scheme is shown when it may hold
    // a password.
    let shown = if text.contains('@') { "(URL with credentials)".to_owned() } else { text.to_owned() };
    LocationError::InvalidUrl { text: shown, reason: error.to_string() }
}

fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(location: Result<Location, LocationError>) -> String {
        location.map_or_else(|error| format!("error: {error}"), |location| format!("{location:?}"))
    }

    /// catalog-and-execution §1.4
    #[test]
    fn references_of_a_config_are_urls_or_paths_below_its_folder() {
        for (text, expected) in [
            ("./ov/a.yaml", "File(/etc/depot/ov/a.yaml)"),
            ("../x.json", "File(/etc/x.json)"),
            ("../../../../x.json", "File(/x.json)"),
            ("/abs//b/./c.json", "File(/abs/b/c.json)"),
            ("notes:v2.yaml", "File(/etc/depot/notes:v2.yaml)"),
            ("a#b.yaml", "File(/etc/depot/a#b.yaml)"),
            ("file:///etc/my%20api.json", "File(/etc/my api.json)"),
            ("FILE://localhost/x.json#/a", "File(/x.json)"),
            ("https://h.example/a.json#/x", "Url(https://h.example/a.json)"),
            ("HTTP://H.example/a.json", "Url(http://h.example/a.json)"),
            ("https://u:p@h.example/a?token=t", "Url(https://REDACTED@h.example/a?token=REDACTED)"),
            ("", "error: the location is empty; name a file or an http(s) URL"),
            (
                "ftp://h.example/x",
                "error: `ftp://h.example/x` has the scheme `ftp`; documents are read from http, https and file only",
            ),
            ("file://elsewhere/x", "error: `file://elsewhere/x` is not the path of a file on this machine"),
            ("file:x", "error: `file:x` is not the path of a file on this machine"),
            ("a\0b", "error: `a\\0b` is not the path of a file on this machine"),
            ("http://[::1", "error: `http://[::1` is not a URL: invalid IPv6 address"),
            ("https://u:p@h:x/", "error: `(URL with credentials)` is not a URL: invalid port number"),
        ] {
            assert_eq!(shown(Location::parse(text, Path::new("/etc/depot"))), expected, "{text}");
        }
    }

    /// W14, W15
    #[test]
    fn references_resolve_against_the_document_that_holds_them() {
        let remote = "https://h.example/v1/api.json?x=1";
        let local = "/etc/depot/api.json";
        for (holder, reference, expected) in [
            (remote, "parts.json#/a", "Url(https://h.example/v1/parts.json)"),
            (remote, "../v2/p.json", "Url(https://h.example/v2/p.json)"),
            (remote, "/p.json", "Url(https://h.example/p.json)"),
            (remote, "//g.example/p.json", "Url(https://g.example/p.json)"),
            (remote, "http://g.example/p.json", "Url(http://g.example/p.json)"),
            (remote, "#/a", "Url(https://h.example/v1/api.json?x=1)"),
            (
                remote,
                "file:///etc/passwd",
                "error: the remote document https://h.example/v1/api.json?x=1 refers to the local file \
                 `file:///etc/passwd`; only http(s) is allowed there",
            ),
            (local, "parts.json#/a", "File(/etc/depot/parts.json)"),
            (local, "../a%20b.json", "File(/etc/a b.json)"),
            (local, "#/a", "File(/etc/depot/api.json)"),
            (local, "https://g.example/p.json#x", "Url(https://g.example/p.json)"),
            (local, "file:/x.json", "File(/x.json)"),
            (
                local,
                "urn:a:b",
                "error: `urn:a:b` has the scheme `urn`; documents are read from http, https and file only",
            ),
            (local, "//g.example/x", "error: `//g.example/x` is not the path of a file on this machine"),
            (local, "%ff", "error: `%ff` is not the path of a file on this machine"),
            (local, "a%00b", "error: `a\\0b` is not the path of a file on this machine"),
        ] {
            let holder = Location::parse(holder, Path::new("/")).expect("holder");
            assert_eq!(shown(holder.join(reference)), expected, "{holder} + {reference}");
        }
    }

    #[test]
    fn a_description_that_is_made_leads_to_no_file() {
        let made = Location::Made("mcp:x".into());
        assert_eq!((made.to_string(), made.join("#/a")), ("mcp:x".to_owned(), Ok(made.clone())));
        assert!(!made.is_remote() && made.origin_url().is_none());
        for reference in ["other.json", "/etc/passwd", "file:///etc/passwd", "../x#/a"] {
            assert!(made.join(reference).is_err(), "{reference}");
        }
    }

    #[test]
    fn relative_bases_stay_relative() {
        for (base, text, expected) in
            [("", "./a.json", "a.json"), ("..", "a.json", "../a.json"), ("a", "..", "."), ("", "../a", "../a")]
        {
            assert_eq!(
                Location::parse(text, Path::new(base)),
                Ok(Location::File(expected.into())),
                "{base} {text}"
            );
        }
    }
}
