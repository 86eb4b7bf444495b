//! Our own catalog, as others find it at `/.well-known/api-catalog` (RFC 9727 §4): a linkset with the `item`s of the
//! catalog and, per API, what is known about it. Not for serving it.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// Where a catalog is served.
pub const API_CATALOG_PATH: &str = "/.well-known/api-catalog";

/// Media type of [`publish`]'s answer (RFC 9727 §4.2).
pub const API_CATALOG_MEDIA_TYPE: &str =
    "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";

/// Value of the `Link` header that answers to `HEAD` carry (RFC 9727 §2).
pub const API_CATALOG_LINK: &str =
    "</.well-known/api-catalog>; rel=\"api-catalog\"; type=\"application/linkset+json\"";

/// An API to publish. Addresses are absolute: a catalog must make sense wherever it is read (RFC 9264 §4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedApi {
    /// The endpoint of the API.
    pub base: String,
    /// For people.
    pub title: String,
    /// Descriptions for programs.
    pub service_desc: Vec<PublishedLink>,
    /// Pages for people.
    pub service_doc: Vec<PublishedLink>,
    /// Sets of links with overlays, skills and workflows.
    pub service_meta: Vec<PublishedLink>,
    /// How the service is doing.
    pub status: Vec<PublishedLink>,
}

/// A link to publish.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PublishedLink {
    /// Absolute.
    pub href: String,
    /// Empty when unknown.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// Languages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hreflang: Vec<String>,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
}

impl PublishedLink {
    /// A link with a media type.
    pub fn new(href: impl Into<String>, media_type: impl Into<String>) -> Self {
        Self { href: href.into(), media_type: media_type.into(), ..Self::default() }
    }
}

/// The catalog as `application/linkset+json`; `catalog` is its own absolute address. Same input, same bytes.
pub fn publish(catalog: &str, apis: &[PublishedApi]) -> String {
    let items: Vec<PublishedLink> = apis
        .iter()
        .map(|api| PublishedLink { title: api.title.clone(), ..PublishedLink::new(&api.base, "") })
        .collect();
    let mut linkset = vec![json!({ "anchor": catalog, "item": items })];
    for api in apis {
        let relations = [
            ("service-desc", &api.service_desc),
            ("service-doc", &api.service_doc),
            ("service-meta", &api.service_meta),
            ("status", &api.status),
        ];
        let mut context = Map::from_iter([("anchor".to_owned(), Value::from(api.base.as_str()))]);
        context.extend(
            relations
                .into_iter()
                .filter(|(_, links)| !links.is_empty())
                .map(|(relation, links)| (relation.to_owned(), json!(links))),
        );
        if context.len() > 1 {
            linkset.push(Value::Object(context));
        }
    }
    json!({ "linkset": linkset }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_catalog_is_a_standard_linkset() {
        let apis = [
            PublishedApi {
                base: "https://h.example/orders".into(),
                title: "Orders".into(),
                service_desc: vec![PublishedLink::new("https://h.example/orders.json", "application/json")],
                service_meta: vec![PublishedLink::new(
                    "https://h.example/orders/meta",
                    "application/linkset+json",
                )],
                ..PublishedApi::default()
            },
            PublishedApi { base: "https://h.example/bare".into(), ..PublishedApi::default() },
        ];
        let text = publish("https://h.example/.well-known/api-catalog", &apis);
        assert_eq!(
            text,
            concat!(
                r#"{"linkset":[{"anchor":"https://h.example/.well-known/api-catalog","item":["#,
                r#"{"href":"https://h.example/orders","title":"Orders"},{"href":"https://h.example/bare"}]},"#,
                r#"{"anchor":"https://h.example/orders","#,
                r#""service-desc":[{"href":"https://h.example/orders.json","type":"application/json"}],"#,
                r#""service-meta":[{"href":"https://h.example/orders/meta","type":"application/linkset+json"}]}]}"#
            )
        );
        let read = crate::linkset::from_json(text.as_bytes(), 100).expect("linkset");
        assert_eq!((read.links.len(), read.faults.len()), (4, 0));
        assert_eq!(
            publish("https://h.example/c", &[]),
            r#"{"linkset":[{"anchor":"https://h.example/c","item":[]}]}"#
        );
    }
}
