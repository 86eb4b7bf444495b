//! Whether an overlay was made for a document: `extends` and `$self` (Overlay 1.2, "Establishing the Base URI").

use crate::Overlay;
use crate::diagnostic::{code, diagnostic, quoted};
use open_cli_contract::catalog::{Diagnostic, Severity};
use std::path::Path;
use url::Url;

impl Overlay {
    /// The document that `extends` names, as written.
    pub fn extends(&self) -> Option<&str> {
        self.extends.as_deref()
    }

    /// Compares `extends` with the document that the overlay is applied to: where that was read (written as the
    /// source of the overlay was: a URL or a path), and the `$self` that it has. `None` when they agree or the
    /// overlay names no document. A mismatch is a warning: the overlay applies all the same.
    pub fn check_extends(&self, location: &str, own_uri: Option<&str>) -> Option<Diagnostic> {
        let extends = self.extends.as_deref()?;
        let source = place(&self.source);
        let base = match &self.own_uri {
            Some(own) => resolve(source.as_ref(), own).or(source),
            None => source,
        };
        let wanted = resolve(base.as_ref(), extends);
        let location_url = place(location);
        let own_url = own_uri.and_then(|own| resolve(location_url.as_ref(), own));
        let agrees = wanted.as_ref().is_some_and(|wanted| {
            [&location_url, &own_url].into_iter().flatten().any(|candidate| same(wanted, candidate))
        });
        if agrees || extends == location || own_uri == Some(extends) {
            return None;
        }
        let wanted = wanted.map_or_else(|| extends.to_owned(), Into::into);
        let message =
            format!("the overlay was made for {}, but is applied to {}", quoted(&wanted), quoted(location));
        let hint = "correct \"extends\", or name the overlay at another service";
        Some(diagnostic(Severity::Warning, code::EXTENDS, "/extends", message, hint))
    }
}

/// A URL, an absolute path, or a path relative to somewhere that both sides share.
fn place(text: &str) -> Option<Url> {
    if let Ok(url) = Url::parse(text) {
        return Some(url);
    }
    if Path::new(text).is_absolute() {
        return Url::from_file_path(text).ok();
    }
    Url::parse("file:///").ok()?.join(text).ok()
}

fn resolve(base: Option<&Url>, reference: &str) -> Option<Url> {
    match base {
        Some(base) => base.join(reference).ok().or_else(|| Url::parse(reference).ok()),
        None => Url::parse(reference).ok(),
    }
}

/// Userinfo is no part of what a document is called.
fn same(one: &Url, other: &Url) -> bool {
    let bare = |url: &Url| {
        let mut url = url.clone();
        url.set_fragment(None);
        // Fails only for URLs without a host, which have no userinfo.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        url
    };
    bare(one) == bare(other)
}
