//! The name of a service from file, URL or title (client §13.2).

use url::Url;

/// Taken off a file name, the first that fits, in any case.
const SUFFIXES: &[&str] = &[
    ".openapi.yaml",
    ".openapi.yml",
    ".openapi.json",
    ".swagger.json",
    ".swagger.yaml",
    ".yaml",
    ".yml",
    ".json",
];
/// Says nothing when it stands alone.
const GENERIC: &[&str] = &["openapi", "swagger", "api", "spec", "index"];
/// Says nothing at either end of a title.
const BOILERPLATE: &[&str] = &["swagger", "openapi", "api"];
/// The last resort.
const FALLBACK: &str = "service";

/// From the base name of a file and the title.
pub(super) fn for_file(base: &str, title: &str) -> String {
    first_usable([without_suffix(base), title_words(title)])
}

/// From the last path segment of a URL, the title, and the host.
pub(super) fn for_url(url: &Url, title: &str) -> String {
    let segment = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let label = host.strip_prefix("www.").unwrap_or(host).split('.').next().unwrap_or_default();
    first_usable([without_suffix(segment), title_words(title), label.to_owned()])
}

fn first_usable<const N: usize>(candidates: [String; N]) -> String {
    let names = candidates.iter().map(|candidate| sanitised(candidate));
    names.into_iter().find(|name| is_usable(name)).unwrap_or_else(|| FALLBACK.into())
}

/// Lower case; runs of anything but `a-z0-9` become one dash; none at the ends.
pub(super) fn sanitised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes().map(|byte| byte.to_ascii_lowercase()) {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

fn without_suffix(base: &str) -> String {
    let lower = base.to_ascii_lowercase();
    let suffix = SUFFIXES.iter().find(|suffix| lower.ends_with(**suffix)).map_or(0, |suffix| suffix.len());
    base[..base.len() - suffix].to_owned()
}

/// The title without boilerplate and version words at its ends.
fn title_words(title: &str) -> String {
    let mut words: Vec<&str> = title
        .split(|c: char| !c.is_alphanumeric() && c != '.')
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
        .collect();
    let says_nothing =
        |word: &&str| BOILERPLATE.contains(&word.to_lowercase().as_str()) || is_version(&word.to_lowercase());
    while words.first().is_some_and(says_nothing) {
        words.remove(0);
    }
    while words.last().is_some_and(says_nothing) {
        words.pop();
    }
    words.join(" ")
}

/// `v2`, `3`, `1.2.3`.
fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix('v').unwrap_or(word);
    !digits.is_empty()
        && digits.split('.').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()))
}

fn is_usable(name: &str) -> bool {
    let mut parts: Vec<&str> = name.split('-').collect();
    while parts.first().is_some_and(|part| is_version(part)) {
        parts.remove(0);
    }
    while parts.last().is_some_and(|part| is_version(part)) {
        parts.pop();
    }
    match parts.as_slice() {
        [] | [""] => false,
        [only] => !GENERIC.contains(only),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of §13.2.
    #[test]
    fn names_follow_the_table() {
        for (source, title, expected) in [
            ("orders.yaml", "any", "orders"),
            ("Orders_API.openapi.yaml", "any", "orders-api"),
            ("openapi-v3.json", "Acme Orders API", "acme-orders"),
            ("v2.json", "OpenAPI v2", "service"),
            ("1.2.json", "V2 Things v3", "things"),
            ("https://www.acme.test/openapi.json", "OpenAPI 3.0", "acme"),
            ("https://api.eu.acme.test/openapi.json", "OpenAPI 3.0", "service"),
            ("https://acme.test/spec", "The Ledger", "the-ledger"),
            ("https://10.0.0.5/openapi.json", "", "service"),
            ("index.html", "any", "index-html"),
            ("my.swagger.yml", "any", "my-swagger"),
            ("api-v1-openapi.json", "any", "api-v1-openapi"),
            ("https://acme.test", "", "acme"),
            ("https://acme.test/shop.YAML?x=y.json#z", "", "shop"),
            ("öffnen.yaml", "", "ffnen"),
        ] {
            let found = match Url::parse(source) {
                Ok(url) => for_url(&url, title),
                Err(_) => for_file(source, title),
            };
            assert_eq!(found, expected, "{source} {title}");
        }
    }
}
