//! What Swagger 2.0 says differently: hosts instead of servers, parameters that are their own schema, bodies and
//! forms among the parameters, `collectionFormat` instead of `style`. Everything is said again as OpenAPI 3 would.

use crate::api::RequestBody;
use crate::json::{Kind, Object, Place};
use crate::limits::MAX_MEDIA_TYPES;
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::schema::{Members, is_schema, object_of};
use crate::tree::ROOT;
use crate::version::Version;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;

/// `in: body`.
#[derive(Clone)]
pub(crate) struct Body {
    required: bool,
    description: String,
    schema: Option<Box<RawValue>>,
}

/// `in: formData`.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    required: bool,
    is_file: bool,
    schema: Option<Box<RawValue>>,
}

/// Members of a parameter or header that are JSON Schema.
const SCHEMA_MEMBERS: &[&str] = &[
    "type",
    "format",
    "items",
    "default",
    "enum",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "multipleOf",
];

const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data";
const URL_ENCODED: &str = "application/x-www-form-urlencoded";

impl<'a> Reader<'a> {
    /// Reads `consumes`, `schemes`, `host` and `basePath` of the document into server URLs (SV-3, SV-4).
    pub(crate) fn read_hosts(&mut self, root: &Object<'a>) -> Vec<String> {
        self.consumes = texts(root.get("consumes"));
        self.hosts(root, texts(root.get("schemes")))
    }

    /// The servers of an operation with `schemes` of its own; none without.
    pub(crate) fn servers_with_schemes(&mut self, operation: &Object<'a>) -> Vec<String> {
        let schemes = texts(operation.get("schemes"));
        if schemes.is_empty() {
            return Vec::new();
        }
        let mut servers = Vec::new();
        for scheme in http_schemes(&schemes) {
            // Only the scheme differs from the document's first server.
            let rest = self.servers.first().and_then(|server| server.split_once("://"));
            servers.extend(rest.map(|(_, rest)| format!("{scheme}://{rest}")));
        }
        servers
    }

    fn hosts(&mut self, root: &Object<'a>, schemes: Vec<String>) -> Vec<String> {
        let origin = self.tree.location(ROOT).origin_url();
        let base_path = root.text("basePath").unwrap_or_default();
        let base_path = base_path.trim().trim_end_matches('/');
        let slash = if base_path.is_empty() || base_path.starts_with('/') { "" } else { "/" };
        let host = root.text("host").unwrap_or_default();
        let (mut host, mut schemes) = (host.trim().trim_end_matches('/').to_owned(), schemes);
        if let Some((scheme, rest)) = host.split_once("://") {
            let message = format!("`host` is the URL {}", quoted(&host));
            self.report.warning(code::SERVER, "/host", message, "write host and port only");
            (schemes, host) = (vec![scheme.to_owned()], rest.to_owned());
        }
        if host.is_empty() {
            let authority = origin.and_then(|url| {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                url.host_str().map(|host| format!("{host}{port}"))
            });
            let Some(authority) = authority else {
                // Local: nothing says which host it is.
                let relative = format!("{slash}{base_path}");
                let path = if relative.is_empty() { None } else { root.get("basePath") };
                return path.and_then(|place| self.absolute(&relative, place, "/basePath")).into_iter().collect();
            };
            host = authority;
        }
        let mut usable = http_schemes(&schemes);
        if usable.is_empty() {
            if !schemes.is_empty() {
                let message = format!("none of the schemes {} can be called", quoted(&schemes.join(", ")));
                self.report.warning(code::SERVER, "/schemes", message, "http or https is taken instead");
            }
            let loopback = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
                host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            });
            usable.push(match origin {
                Some(url) => if url.scheme() == "http" { "http" } else { "https" },
                // Nobody says; a credential must not travel in the clear by accident.
                None => if loopback { "http" } else { "https" },
            });
        }
        usable.into_iter().map(|scheme| format!("{scheme}://{host}{slash}{base_path}")).collect()
    }

    /// The members of a parameter that are its schema.
    pub(crate) fn simple_schema(&mut self, object: &Object<'a>, pointer: &str) -> Option<Box<RawValue>> {
        // OpenAPI 3 habits in a Swagger 2.0 document.
        if let (None, Some(schema)) = (object.get("type"), object.get("schema")) {
            return self.parameter_schema(schema, pointer);
        }
        let mut members = Members::new();
        for &name in SCHEMA_MEMBERS {
            if let Some(place) = object.get(name) {
                members.insert(Cow::Borrowed(name), Cow::Borrowed(place.raw));
            }
        }
        if is_file(object) {
            members.insert(Cow::Borrowed("type"), Cow::Owned(text_value("string")?));
            members.insert(Cow::Borrowed("format"), Cow::Owned(text_value("binary")?));
        }
        object_of(&members)
    }

    /// `collectionFormat` as `style` and `explode`.
    pub(crate) fn collection(
        &mut self,
        object: &Object<'a>,
        location: &str,
        pointer: &str,
    ) -> (String, Option<bool>) {
        if object.text("type").is_none_or(|kind| kind != "array") {
            return (String::new(), None);
        }
        // Path and header values have one style for lists: joined by commas.
        let form = if matches!(location, "path" | "header") { "simple" } else { "form" };
        let (style, explode) = match object.text("collectionFormat").as_deref() {
            None | Some("csv") => (form, false),
            Some("multi") => (form, true),
            Some("ssv") => ("spaceDelimited", false),
            Some("pipes") => ("pipeDelimited", false),
            Some(other) => {
                self.report.note(
                    code::PARAMETER,
                    pointer,
                    format!("collectionFormat {} is not supported", quoted(other)),
                    "lists are joined by commas; join the values yourself",
                );
                (form, false)
            }
        };
        (style.to_owned(), Some(explode))
    }

    pub(crate) fn body_parameter(&mut self, object: &Object<'a>, pointer: &str) -> Body {
        let schema = object.get("schema").filter(|schema| is_schema(*schema));
        if schema.is_none() {
            let message = "the body parameter has no `schema`".to_owned();
            self.report.warning(code::BODY, pointer, message, "what is sent is not checked");
        }
        Body {
            required: object.is_true("required"),
            description: object.string("description"),
            schema: schema.map(|schema| schema.raw.to_owned()),
        }
    }

    pub(crate) fn form_field(&mut self, name: String, object: &Object<'a>, pointer: &str) -> Field {
        let simple = self.simple_schema(object, pointer);
        // The field's description becomes the property's.
        let mut members = Members::new();
        if let Some(Ok(schema)) = simple.as_deref().map(|schema| serde_json::from_str::<Members<'_>>(schema.get())) {
            members.extend(schema);
        }
        if let Some(description) = object.get("description").filter(|place| place.kind() == Kind::Text) {
            members.insert(Cow::Borrowed("description"), Cow::Borrowed(description.raw));
        }
        let schema = object_of(&members);
        Field { required: object.is_true("required"), is_file: is_file(object), schema, name }
    }

    /// The request body that an operation's `body` or `formData` parameters describe.
    pub(crate) fn swagger_body(
        &mut self,
        body: Option<Body>,
        fields: Vec<Field>,
        operation: &Object<'a>,
        pointer: &str,
    ) -> Option<RequestBody> {
        if self.version != Version::V20 {
            return None;
        }
        let own = texts(operation.get("consumes"));
        let consumes = if own.is_empty() { &self.consumes } else { &own };
        if let Some(body) = body {
            if !fields.is_empty() {
                let message = "the operation has a body and form fields; the form fields are ignored".to_owned();
                self.report.warning(code::BODY, pointer, message, "keep one of the two");
            }
            let mut media_types = consumes.clone();
            if media_types.is_empty() {
                media_types.push(JSON.to_owned());
            }
            media_types.sort();
            media_types.dedup();
            let content = media_types.into_iter().map(|media_type| (media_type, body.schema.clone())).collect();
            return Some(RequestBody { required: body.required, description: body.description, content });
        }
        if fields.is_empty() {
            return None;
        }
        let says = |media_type: &str| consumes.iter().any(|text| essence(text).eq_ignore_ascii_case(media_type));
        let media_types = match (fields.iter().any(|field| field.is_file), says(MULTIPART), says(URL_ENCODED)) {
            (true, _, _) | (false, true, false) => &[MULTIPART][..],
            (false, true, true) => &[URL_ENCODED, MULTIPART],
            (false, false, _) => &[URL_ENCODED],
        };
        let required = fields.iter().any(|field| field.required);
        let schema = form_schema(fields);
        let content = media_types.iter().map(|media_type| ((*media_type).to_owned(), schema.clone())).collect();
        Some(RequestBody { required, description: String::new(), content })
    }
}

/// `{"type":"object","properties":{…},"required":[…]}`
fn form_schema(fields: Vec<Field>) -> Option<Box<RawValue>> {
    let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
    let required = (!required.is_empty()).then(|| to_raw_value(&required)).transpose().ok()?;
    let mut properties = Members::new();
    for field in &fields {
        let schema = match &field.schema {
            Some(schema) => Cow::Borrowed(schema.as_ref()),
            None => Cow::Owned(RawValue::from_string("{}".to_owned()).ok()?),
        };
        properties.insert(Cow::Borrowed(&field.name), schema);
    }
    let mut schema = Members::new();
    schema.insert(Cow::Borrowed("type"), Cow::Owned(text_value("object")?));
    schema.insert(Cow::Borrowed("properties"), Cow::Owned(object_of(&properties)?));
    if let Some(required) = required {
        schema.insert(Cow::Borrowed("required"), Cow::Owned(required));
    }
    object_of(&schema)
}

fn text_value(text: &str) -> Option<Box<RawValue>> {
    to_raw_value(text).ok()
}

fn is_file(object: &Object<'_>) -> bool {
    object.text("type").is_some_and(|kind| kind == "file")
}

fn texts(place: Option<Place<'_>>) -> Vec<String> {
    let Some(place) = place else { return Vec::new() };
    let texts = place.elements().unwrap_or_else(|| vec![place]).into_iter().filter_map(Place::text);
    let texts = texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    texts.take(MAX_MEDIA_TYPES).collect()
}

/// The callable ones, `https` first.
fn http_schemes(schemes: &[String]) -> Vec<&'static str> {
    let listed = |wanted: &&'static str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(wanted));
    ["https", "http"].into_iter().filter(listed).collect()
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
