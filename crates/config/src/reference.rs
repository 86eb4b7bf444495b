//! A reference in a config to a document, a file or a program, with the folder of the file that declared it
//! (CFG-80, CFG-81, weaknesses 19 and 20). Not for reading what it names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Text as configured, and where it counts from.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    text: String,
    base: Arc<Path>,
}

impl Reference {
    /// `base` is the absolute folder of the declaring file.
    pub fn new(text: impl Into<String>, base: impl Into<Arc<Path>>) -> Self {
        Self { text: text.into(), base: base.into() }
    }

    /// The text, verbatim.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The absolute folder of the file that declared it.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// True for `http:`, `https:` and `file:` URLs, in any case.
    pub fn is_url(&self) -> bool {
        ["http://", "https://", "file://"]
            .iter()
            .any(|prefix| self.text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
    }

    /// A URL unchanged; else an absolute, lexically clean path. Empty text stays empty.
    pub fn resolve(&self) -> String {
        if self.text.is_empty() || self.is_url() || Path::new(&self.text).is_absolute() {
            return self.text.clone();
        }
        self.path().to_string_lossy().into_owned()
    }

    /// The text as a path, absolute and lexically clean.
    pub fn path(&self) -> PathBuf {
        open_cli_contract::paths::clean(&self.base.join(&self.text))
    }

    /// The text as a program: a bare name stays for `PATH` to find, anything with a `/` becomes absolute.
    pub fn program(&self) -> PathBuf {
        if self.text.contains('/') { self.path() } else { PathBuf::from(&self.text) }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} from {}", open_cli_contract::redact::text(&self.text), self.base.display())
    }
}

/// The configured text, credentials in a URL masked.
impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&open_cli_contract::redact::text(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CFG-80, and its quirk undone: a scheme counts in any case.
    #[test]
    fn references_count_from_the_file_that_declared_them() {
        for (text, expected) in [
            ("./specs/../pay.yaml", "/srv/acme/pay.yaml"),
            ("../x.json", "/srv/x.json"),
            ("/abs/./x.json", "/abs/./x.json"),
            ("https://h/x", "https://h/x"),
            ("HTTP://h/x", "HTTP://h/x"),
            ("File:///x", "File:///x"),
            ("ftp://h/x", "/srv/acme/ftp:/h/x"),
            ("", ""),
        ] {
            assert_eq!(Reference::new(text, Path::new("/srv/acme")).resolve(), expected, "{text}");
        }
    }

    #[test]
    fn programs_with_a_slash_are_made_absolute_and_bare_names_are_left_to_the_path() {
        for (text, expected) in
            [("npx", "npx"), ("./bin/x", "/srv/acme/bin/x"), ("/bin/x", "/bin/x"), ("b/x", "/srv/acme/b/x")]
        {
            assert_eq!(Reference::new(text, Path::new("/srv/acme")).program(), Path::new(expected), "{text}");
        }
    }
}
