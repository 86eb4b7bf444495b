//! `GET /.well-known/api-catalog`: the services of this runtime as a linkset (RFC 9727, RFC 9264), for those who may read
//! the catalog. Each item is a service as this runtime serves it; its description is named where others can read it.

use super::respond::{Answer, answer, internal};
use super::{Call, Problem, authn, body, catalog, record};
use http::header::{CACHE_CONTROL, ETAG, LINK, VARY};
use http::{HeaderValue, StatusCode};
use open_cli_catalog::{Selection, Slice, Snapshot};
use open_cli_discovery::{API_CATALOG_MEDIA_TYPE, API_CATALOG_PATH, PublishedApi, PublishedLink, publish};
use open_cli_documents::Location;
use std::collections::HashSet;
use url::Url;

pub(super) const PATH: &str = API_CATALOG_PATH;
pub(super) const NAME: &str = "runtime.api_catalog";

pub(super) async fn api_catalog(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let selector = call.query.get("config");
    let snapshot = call.snapshot(selector).await?;
    // What is published follows from the catalog and from what the configuration is called.
    let reach = authn::selection(call, &snapshot);
    let slice = Slice { tool: PATH.to_owned(), reach: reach.clone(), ..Slice::default() };
    let tag = snapshot.entity_tag(None, selector, &slice);
    record::connected(call, &snapshot).await?;
    let own = address(&call.state.url, PATH, &[], selector).map_err(internal)?;
    let mut reply = if catalog::is_known(call, &tag) {
        let mut reply = Answer::default();
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    } else {
        let text = linkset(&snapshot, reach.as_deref(), &call.state.url, &own, selector).map_err(internal)?;
        let media_type = HeaderValue::from_static(API_CATALOG_MEDIA_TYPE);
        answer(StatusCode::OK, media_type, body::Pieces::one(text))
    };
    let link = format!("<{own}>; rel=\"api-catalog\"; type=\"application/linkset+json\"");
    let headers = reply.headers_mut();
    headers.insert(LINK, HeaderValue::from_str(&link).map_err(internal)?);
    headers.insert(ETAG, HeaderValue::from_str(&tag).map_err(internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("authorization"));
    Ok(reply)
}

fn linkset(
    snapshot: &Snapshot,
    reach: Option<&Selection>,
    base: &str,
    own: &Url,
    selector: &str,
) -> Result<String, url::ParseError> {
    let owners: HashSet<&str> = match reach {
        Some(reach) => {
            let reached = snapshot.tools().filter(|entry| reach.has(entry));
            reached.map(|entry| entry.service().id.as_str()).collect()
        }
        None => HashSet::new(),
    };
    let mut apis = Vec::new();
    for (service, description) in snapshot.services() {
        if reach.is_some() && !owners.contains(service.id.as_str()) {
            continue;
        }
        let query = [("shape", "slice"), ("service", service.id.as_str())];
        let status = address(base, "/readyz", &[], "")?;
        apis.push(PublishedApi {
            base: address(base, "/v1/catalog/effective", &query, selector)?.into(),
            title: service.title.clone(),
            service_desc: readable(description).map(|url| PublishedLink::new(url, "")).into_iter().collect(),
            status: vec![PublishedLink::new(status, "application/json")],
            ..PublishedApi::default()
        });
    }
    Ok(publish(own.as_str(), &apis))
}

/// A description that others can read too: remote, and without credentials.
fn readable(description: &Location) -> Option<String> {
    let url = description.origin_url()?;
    (description.to_string() == url.as_str()).then(|| url.to_string())
}

/// An address of this runtime. A runtime may be published below a path.
fn address(base: &str, path: &str, query: &[(&str, &str)], selector: &str) -> Result<Url, url::ParseError> {
    let mut url = Url::parse(&format!("{}{path}", base.trim_end_matches('/')))?;
    let config = Some(("config", selector)).filter(|_| !selector.is_empty());
    let pairs: Vec<(&str, &str)> = query.iter().copied().chain(config).collect();
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_path_and_the_configuration_of_a_runtime() {
        for (base, query, selector, expected) in [
            ("http://127.0.0.1:1", &[][..], "", "http://127.0.0.1:1/x"),
            ("https://h.example/tools/", &[("service", "a b&c")], "", "https://h.example/tools/x?service=a+b%26c"),
            ("http://h", &[("a", "1")], "team/.cli.json", "http://h/x?a=1&config=team%2F.cli.json"),
        ] {
            assert_eq!(address(base, "/x", query, selector).expect("URL").as_str(), expected);
        }
    }

    #[test]
    fn only_descriptions_that_others_can_read_are_named() {
        for (text, expected) in [
            ("https://h.example/a.json", Some("https://h.example/a.json")),
            ("https://u:p@h.example/a.json", None),
            ("https://h.example/a.json?token=t", None),
            ("/srv/a.json", None),
        ] {
            let location = Location::parse(text, std::path::Path::new("/")).expect("location");
            assert_eq!(readable(&location).as_deref(), expected, "{text}");
        }
    }
}
