//! The relation types that discovery follows, and links with their addresses resolved (RFC 3986 §5).

use crate::link_header::WebLink;
use open_cli_contract::redact;
use open_cli_documents::Location;
use url::Url;

/// A service reference of a catalog (RFC 6573, AC-6).
pub(crate) const ITEM: &str = "item";
/// A catalog (RFC 9727 §3, AC-6).
pub(crate) const API_CATALOG: &str = "api-catalog";
/// The description of a service, for programs (RFC 8631, SR-6).
pub(crate) const SERVICE_DESC: &str = "service-desc";
/// The description of a service, for people (RFC 8631).
pub(crate) const SERVICE_DOC: &str = "service-doc";
/// Links about a service (RFC 8631, SR-6).
pub(crate) const SERVICE_META: &str = "service-meta";
/// How a service is doing (RFC 8631).
pub(crate) const STATUS: &str = "status";

/// What a link of a metadata document attaches to a service (ML-3, ML-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attachment {
    Skill,
    Workflow,
    Overlay,
}

impl Attachment {
    /// ML-3: by part of the relation, the first that fits.
    pub(crate) fn of(relation: &str) -> Option<Self> {
        [("skill-manifest", Self::Skill), ("workflows", Self::Workflow), ("schema-overlay", Self::Overlay)]
            .into_iter()
            .find_map(|(part, attachment)| relation.contains(part).then_some(attachment))
    }

    /// ML-4: by the published name, where any relation may stand.
    fn of_uri(relation: &str) -> Option<Self> {
        relation.strip_prefix("https://open-cli.dev/rel/").and_then(Self::of)
    }
}

/// True for relations that lead somewhere from a catalog or a service root.
pub(crate) fn is_known(relation: &str) -> bool {
    matches!(relation, ITEM | API_CATALOG | SERVICE_DESC | SERVICE_DOC | SERVICE_META | STATUS)
        || Attachment::of_uri(relation).is_some()
}

/// A link target with what the publisher says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Always a URL.
    pub href: Location,
    /// Media type as written, empty when not given.
    pub media_type: String,
    /// Languages.
    pub hreflang: Vec<String>,
    /// For people.
    pub title: String,
}

/// A link whose addresses are absolute.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// What the link is about; `None` when it did not say, and is about the document that has it.
    pub(crate) anchor: Option<Url>,
    /// What it leads to, without fragment.
    pub(crate) target: Url,
    /// Lower case.
    pub(crate) relations: Vec<String>,
    pub(crate) media_type: String,
    pub(crate) hreflang: Vec<String>,
    pub(crate) title: String,
}

impl Resolved {
    pub(crate) fn has(&self, relation: &str) -> bool {
        self.relations.iter().any(|own| own == relation)
    }

    pub(crate) fn attachment(&self) -> Option<Attachment> {
        self.relations.iter().find_map(|relation| Attachment::of_uri(relation))
    }

    pub(crate) fn to_link(&self) -> Link {
        Link {
            href: Location::Url(self.target.clone()),
            media_type: self.media_type.clone(),
            hreflang: self.hreflang.clone(),
            title: self.title.clone(),
        }
    }
}

/// Resolves links against the base of their document. Those that lead to no `http` or `https` address are left out
/// and described: one bad link is no reason to lose the others (AC-7, W2).
pub(crate) fn resolve(links: Vec<WebLink>, base: &Url, faults: &mut Vec<String>) -> Vec<Resolved> {
    let mut resolved = Vec::with_capacity(links.len());
    for link in links {
        let target = address(base, &link.target);
        let anchor = link.anchor.as_deref().map(|anchor| address(base, anchor)).transpose();
        match (target, anchor) {
            (Ok(target), Ok(anchor)) => resolved.push(Resolved {
                anchor,
                target,
                relations: link.relations,
                media_type: link.media_type,
                hreflang: link.hreflang,
                title: link.title,
            }),
            (Err(fault), _) | (_, Err(fault)) => {
                if link.relations.iter().any(|relation| is_known(relation) || Attachment::of(relation).is_some()) {
                    faults.push(fault);
                }
            }
        }
    }
    resolved
}

fn address(base: &Url, reference: &str) -> Result<Url, String> {
    let shown = || redact::text(reference).chars().take(MAX_SHOWN).collect::<String>();
    match base.join(reference) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(without_fragment(url)),
        Ok(url) => {
            Err(format!("`{}` has the scheme `{}`; only http and https are followed", shown(), url.scheme()))
        }
        // What does not parse can't be redacted part by part.
        Err(error) if reference.contains('@') => Err(format!("a link is no address: {error}")),
        Err(error) => Err(format!("`{}` is no address: {error}", shown())),
    }
}

/// Longest part of an address that a message shows.
const MAX_SHOWN: usize = 200;

pub(crate) fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

/// True for addresses of one resource: neither credentials nor a slash at the end make another.
pub(crate) fn is_same(a: &Url, b: &Url) -> bool {
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    a.origin() == b.origin() && path(a) == path(b) && a.query() == b.query()
}

/// SR-7 and common sense: the link whose media type is most like an OpenAPI description first; of equals the last.
pub(crate) fn best_first(links: &mut [Link]) {
    links.reverse();
    links.sort_by_key(|link| rank(&link.media_type));
}

fn rank(media_type: &str) -> u8 {
    let essence = crate::content::essence(media_type);
    match essence.as_str() {
        openapi if openapi.contains("openapi") || openapi.contains("swagger") => 0,
        "" | "application/json" | "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => 1,
        "text/plain" | "application/octet-stream" => 2,
        other if other.ends_with("+json") || other.ends_with("+yaml") => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(target: &str, media_type: &str) -> Link {
        Link {
            href: Location::Url(Url::parse(target).expect("URL")),
            media_type: media_type.to_owned(),
            hreflang: Vec::new(),
            title: String::new(),
        }
    }

    /// SR-7
    #[test]
    fn the_best_type_wins_and_of_equals_the_last() {
        let mut links = [
            link("http://h/page", "text/html"),
            link("http://h/first", "application/json"),
            link("http://h/last", ""),
            link("http://h/openapi", "application/vnd.oai.openapi+json;version=3.1"),
            link("http://h/n3", "text/n3"),
        ];
        best_first(&mut links);
        let order: Vec<String> = links.iter().map(|link| link.href.to_string()).collect();
        assert_eq!(order, ["http://h/openapi", "http://h/last", "http://h/first", "http://h/n3", "http://h/page"]);
    }

    #[test]
    fn one_resource_has_many_spellings() {
        let url = |text: &str| Url::parse(text).expect("URL");
        for (other, expected) in [
            ("https://H.example:443/a/", true),
            ("https://u:p@h.example/a#x", true),
            ("https://h.example/a?x", false),
            ("https://h.example/b", false),
            ("http://h.example/a", false),
        ] {
            assert_eq!(is_same(&url("https://h.example/a"), &url(other)), expected, "{other}");
        }
    }

    /// ML-3
    #[test]
    fn attachments_go_by_part_of_the_relation() {
        for (relation, expected) in [
            ("https://open-cli.dev/rel/skill-manifest", Some(Attachment::Skill)),
            ("https://open-cli.dev/rel/workflows", Some(Attachment::Workflow)),
            ("https://open-cli.dev/rel/schema-overlay", Some(Attachment::Overlay)),
            ("x-schema-overlay skill-manifest", Some(Attachment::Skill)),
            ("item", None),
        ] {
            assert_eq!(Attachment::of(relation), expected, "{relation}");
        }
    }

    /// AC-7, W15
    #[test]
    fn addresses_resolve_against_the_document_and_bad_ones_are_described() {
        let base = Url::parse("https://h.example/a/cat?x").expect("URL");
        for (reference, expected) in [
            ("b", "https://h.example/a/b"),
            ("/b#f", "https://h.example/b"),
            ("//g.example/b", "https://g.example/b"),
            ("", "https://h.example/a/cat?x"),
            ("?y", "https://h.example/a/cat?y"),
            ("file:///etc/passwd", "`file:///etc/passwd` has the scheme `file`; only http and https are followed"),
            ("http://[", "`http://[` is no address: invalid IPv6 address"),
            ("http://u:secret@[", "a link is no address: invalid IPv6 address"),
        ] {
            let shown = address(&base, reference).map_or_else(|fault| fault, |url| url.to_string());
            assert_eq!(shown, expected, "{reference}");
        }
    }
}
