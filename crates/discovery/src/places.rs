//! The usual places of catalogs and descriptions: tried last, in a fixed order, when nothing links to them.

use url::Url;

/// RFC 9727 §2.
const CATALOG_PATH: &str = "/.well-known/api-catalog";

/// Names under which frameworks serve descriptions, the most telling first.
const NAMES: &[&str] = &[
    "openapi.json",
    "openapi.yaml",
    "openapi.yml",
    "swagger.json",
    "swagger.yaml",
    // Spring.
    "v3/api-docs",
    // ASP.NET.
    "swagger/v1/swagger.json",
];

/// The catalog of an origin.
pub(crate) fn catalog(url: &Url) -> Url {
    at(url, CATALOG_PATH)
}

/// Where the description of the API at this address may be: below it, and (unless only its own place is meant)
/// at the root of its origin.
pub(crate) fn descriptions(url: &Url, is_below_only: bool) -> Vec<Url> {
    let own = url.path().trim_end_matches('/');
    let mut folders = vec![own];
    if !own.is_empty() && !is_below_only {
        folders.push("");
    }
    folders.iter().flat_map(|folder| NAMES.iter().map(move |name| at(url, &format!("{folder}/{name}")))).collect()
}

fn at(url: &Url, path: &str) -> Url {
    let mut place = url.clone();
    place.set_path(path);
    place.set_query(None);
    place.set_fragment(None);
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_stay_at_their_origin() {
        let url = Url::parse("https://u@h.example:8443/api/v1/?x=1#f").expect("URL");
        assert_eq!(catalog(&url).as_str(), "https://u@h.example:8443/.well-known/api-catalog");
        let places: Vec<String> = descriptions(&url, false).iter().map(ToString::to_string).collect();
        assert_eq!(places.len(), 2 * NAMES.len());
        assert_eq!(places[0], "https://u@h.example:8443/api/v1/openapi.json");
        assert_eq!(places[NAMES.len()], "https://u@h.example:8443/openapi.json");
        assert_eq!(descriptions(&url, true).len(), NAMES.len());
        let root = Url::parse("https://h.example").expect("URL");
        assert_eq!(descriptions(&root, false).len(), NAMES.len());
    }
}
