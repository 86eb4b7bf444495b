//! The body of a call: which media type it is sent with (HX-9 as amended by weakness 61), whether it fits the schema of
//! that type, and how a JSON value becomes a form, a multipart message or XML. What is given as bytes of its own type is
//! sent byte for byte.

mod form;
mod multipart;
mod xml;

pub use multipart::Part;

use crate::flat::Members;
use crate::input::compile_schema;
use crate::{ArgumentFault, FaultKind, media};
use bytes::Bytes;
use http::HeaderValue;
use open_cli_contract::catalog::{PropertyEncoding, Tool};
use open_cli_contract::preview::{PreviewedPart, Unchecked};
use open_cli_schema::{Json, Options, Schema};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a body is when the description names no type.
const JSON: &str = "application/json";

/// The body of a tool, compiled.
#[derive(Debug)]
pub(crate) struct BodyTemplate {
    /// `None` when the tool has no body.
    required: Option<bool>,
    listed: Vec<Listed>,
    /// The type that is sent when the caller names none.
    preferred: Preferred,
}

#[derive(Debug)]
enum Preferred {
    /// One of those listed.
    Listed(usize),
    /// None is listed that can be sent as it is.
    Json,
}

/// A media type that the tool takes.
#[derive(Debug)]
struct Listed {
    media: String,
    schema: Option<Schema>,
    /// Key of the schema in the description: the name of an XML root.
    key: String,
    encodings: BTreeMap<String, PropertyEncoding>,
}

/// What a caller gave for the body.
#[derive(Debug, Clone, Default)]
pub(crate) struct GivenBody<'a> {
    pub(crate) bytes: Option<Bytes>,
    pub(crate) typed: Option<&'a RawValue>,
    pub(crate) parts: &'a [Part],
    pub(crate) content_type: &'a str,
    pub(crate) validate: bool,
}

/// A body, written.
#[derive(Debug, Default)]
pub(crate) struct FilledBody {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: Option<HeaderValue>,
    /// What a multipart message is made of.
    pub(crate) parts: Vec<PreviewedPart>,
}

/// How a body is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/form-data`
    Multipart,
    Xml,
    Text,
    Other,
}

impl BodyTemplate {
    /// Preferred is the only type listed; else the JSON one; else the first that is no range and can be sent; else
    /// `application/json`.
    pub(crate) fn compile(tool: &Tool, options: Options, unchecked: &mut Vec<Unchecked>) -> Self {
        let Some(body) = &tool.request_body else {
            return Self { required: None, listed: Vec::new(), preferred: Preferred::Json };
        };
        let (schemas, encodings) = match &tool.details {
            Some(details) => (details.body_schemas.as_slice(), details.body_encodings.as_slice()),
            None => (&[][..], &[][..]),
        };
        let listed: Vec<Listed> = body
            .content_types
            .iter()
            .map(|content| {
                let media = content.media_type.as_str();
                let resolved = schemas.iter().find(|schema| schema.media_type == media);
                let text =
                    resolved.map(|schema| schema.schema.get()).or(content.schema.as_deref().map(RawValue::get));
                let encodings = encodings.iter().find(|encoding| encoding.media_type == media);
                Listed {
                    media: media.trim().to_owned(),
                    key: content.schema.as_deref().map(key_of).unwrap_or_default(),
                    schema: text.and_then(|text| compile_schema(text, options, "--body", unchecked)),
                    encodings: encodings.map(|encoding| encoding.properties.clone()).unwrap_or_default(),
                }
            })
            .collect();
        let position = |wanted: &dyn Fn(&str) -> bool| listed.iter().position(|listed| wanted(&listed.media));
        let is_sendable = |media: &str| media::is_concrete(media) && HeaderValue::from_str(media).is_ok();
        let preferred = position(&|media| media::essence(media) == JSON && is_sendable(media))
            .or_else(|| position(&|media| is_sendable(media) && media::is_json(media)))
            .or_else(|| position(&|media| is_sendable(media) && kind_of(media) != Kind::Multipart))
            .or_else(|| position(&is_sendable))
            .map_or(Preferred::Json, Preferred::Listed);
        Self { required: Some(body.required), listed, preferred }
    }

    /// Checks JSON against the schema of the preferred type.
    pub(crate) fn check_json(&self, text: &str) -> Result<(), Vec<ArgumentFault>> {
        let listed = match self.preferred {
            Preferred::Listed(index) => self.listed.get(index),
            Preferred::Json => None,
        };
        let given = GivenBody { validate: true, ..GivenBody::default() };
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        Writer { media: JSON, listed, given: &given }.json(Some(bytes)).map(drop)
    }

    /// The body and its type; `None` for no body, also for an empty one.
    pub(crate) fn fill(&self, given: GivenBody<'_>) -> Result<Option<FilledBody>, Vec<ArgumentFault>> {
        let bytes = given.bytes.clone().filter(|bytes| !bytes.is_empty());
        let is_given = bytes.is_some() || given.typed.is_some() || !given.parts.is_empty();
        let Some(required) = self.required else {
            if is_given || !given.content_type.is_empty() {
                return Err(vec![ArgumentFault::body(FaultKind::Unknown, "the tool takes no body")]);
            }
            return Ok(None);
        };
        let (media, listed) = self.choose(&given)?;
        if !is_given {
            if required {
                let problem = format!("a body of type {media} is required");
                return Err(vec![ArgumentFault::body(FaultKind::Missing, problem)]);
            }
            return Ok(None);
        }
        if bytes.is_some() && given.typed.is_some() {
            return Err(vec![ArgumentFault::body(
                FaultKind::Invalid,
                "is given twice: in `body` and in `arguments`",
            )]);
        }
        let kind = kind_of(&media);
        if !given.parts.is_empty() && kind != Kind::Multipart {
            let problem = format!("a body of type {media} has no parts");
            return Err(vec![ArgumentFault::body(FaultKind::Invalid, problem)]);
        }
        let writer = Writer { media: &media, listed, given: &given };
        let (bytes, parts) = match kind {
            Kind::Json => (writer.json(bytes)?, Vec::new()),
            Kind::Form => (writer.form(bytes)?, Vec::new()),
            Kind::Xml => (writer.xml(bytes)?, Vec::new()),
            Kind::Text | Kind::Other => (writer.opaque(bytes, kind)?, Vec::new()),
            Kind::Multipart => return writer.multipart(bytes).map(Some),
        };
        Ok(Some(FilledBody { bytes, content_type: Some(header(&media)?), parts }))
    }

    /// The media type that is sent, and what the description says about it.
    fn choose(&self, given: &GivenBody<'_>) -> Result<(String, Option<&Listed>), Vec<ArgumentFault>> {
        let wanted = given.content_type.trim();
        if wanted.is_empty() {
            let multipart = self.listed.iter().find(|listed| kind_of(&listed.media) == Kind::Multipart);
            if let Some(multipart) = multipart.filter(|_| !given.parts.is_empty()) {
                return Ok((multipart.media.clone(), Some(multipart)));
            }
            return Ok(match self.preferred {
                Preferred::Listed(index) => (self.listed[index].media.clone(), self.listed.get(index)),
                Preferred::Json => {
                    (JSON.to_owned(), self.listed.iter().find(|listed| media::is_within(JSON, &listed.media)))
                }
            });
        }
        let fault = |problem: String| {
            Err(vec![ArgumentFault::of(FaultKind::Invalid, "contentType", "--content-type", problem)])
        };
        if !media::is_concrete(wanted) || HeaderValue::from_str(wanted).is_err() {
            return fault("is no media type such as application/json".into());
        }
        // The exact type before a range that has it.
        let exact = self.listed.iter().find(|listed| media::essence(&listed.media) == media::essence(wanted));
        match exact.or_else(|| self.listed.iter().find(|listed| media::is_within(wanted, &listed.media))) {
            Some(listed) => Ok((wanted.to_owned(), Some(listed))),
            None if self.listed.is_empty() => Ok((wanted.to_owned(), None)),
            None => {
                let known: Vec<&str> = self.listed.iter().map(|listed| listed.media.as_str()).collect();
                fault(format!("the tool takes no body of this type, but {}", known.join(", ")))
            }
        }
    }
}

/// Writes one body.
struct Writer<'w> {
    media: &'w str,
    listed: Option<&'w Listed>,
    given: &'w GivenBody<'w>,
}

type Faults = Vec<ArgumentFault>;

impl Writer<'_> {
    fn schema(&self) -> Option<&Schema> {
        self.listed.and_then(|listed| listed.schema.as_ref()).filter(|_| self.given.validate)
    }

    /// What the schema finds wrong.
    fn check(&self, value: &Json<'_>) -> Result<(), Faults> {
        let faults = self.schema().map(|schema| schema.faults(value)).unwrap_or_default();
        if faults.is_empty() {
            return Ok(());
        }
        Err(faults.into_iter().map(|fault| ArgumentFault::schema("body", "--body", fault)).collect())
    }

    fn json(&self, bytes: Option<Bytes>) -> Result<Bytes, Faults> {
        let bytes = self.bytes_of(bytes);
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(invalid("is not UTF-8, which JSON must be"));
        };
        // The message of serde_json names line and column, never the content: any value is taken.
        let broken = |error: serde_json::Error| invalid(format!("is not valid JSON: {error}"));
        match self.schema() {
            Some(_) => self.check(&Json::parse(text).map_err(broken)?)?,
            None => drop(serde_json::from_str::<IgnoredAny>(text).map_err(broken)?),
        }
        Ok(bytes)
    }

    /// A JSON object as a form; bytes that are no JSON list or object are a form already.
    fn form(&self, bytes: Option<Bytes>) -> Result<Bytes, Faults> {
        let is_typed = self.given.typed.is_some();
        let bytes = self.bytes_of(bytes);
        let Some(text) = std::str::from_utf8(&bytes).ok() else { return Ok(bytes) };
        let Some(members) = Members::parse(text) else {
            let is_list = crate::flat::elements(text).is_some();
            return if is_typed || is_list { Err(invalid("a form is made of a JSON object")) } else { Ok(bytes) };
        };
        self.check(&Json::parse(text).unwrap_or_default())?;
        let none = BTreeMap::new();
        form::write(&members, self.listed.map_or(&none, |listed| &listed.encodings)).map(Bytes::from)
    }

    /// XML as it is given; JSON by the `xml` keywords of the schema.
    fn xml(&self, bytes: Option<Bytes>) -> Result<Bytes, Faults> {
        if let Some(text) = self.given.typed.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()) {
            return Ok(text.into());
        }
        let is_typed = self.given.typed.is_some();
        let bytes = self.bytes_of(bytes);
        let is_json = is_typed || bytes.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        let text = std::str::from_utf8(&bytes).ok().filter(|_| is_json);
        let Some(text) = text else { return Ok(bytes) };
        let value =
            Json::parse(text).map_err(|error| invalid(format!("is neither XML nor valid JSON: {error}")))?;
        self.check(&value)?;
        let schema = self.listed.and_then(|listed| listed.schema.as_ref());
        let key = self.listed.map(|listed| listed.key.as_str()).unwrap_or_default();
        xml::write(text, key, schema.map(Schema::view)).map(Bytes::from).map_err(invalid)
    }

    /// Text and everything else: byte for byte.
    fn opaque(&self, bytes: Option<Bytes>, kind: Kind) -> Result<Bytes, Faults> {
        if let Some(raw) = self.given.typed {
            let media = self.media;
            return match (crate::value::Part::of(raw), kind) {
                (Some(crate::value::Part::Text(text)), Kind::Text | Kind::Other) => {
                    self.check(&Json::parse(raw.get()).unwrap_or_default())?;
                    Ok(Bytes::from(text.into_owned()))
                }
                _ => Err(invalid(format!("a body of type {media} is a text, or bytes in `body`"))),
            };
        }
        let bytes = bytes.unwrap_or_default();
        if let (Kind::Text, Some(schema), Ok(text)) = (kind, self.schema(), std::str::from_utf8(&bytes)) {
            let read = schema.view().read(text);
            self.check(&read)?;
        }
        Ok(bytes)
    }

    fn multipart(&self, bytes: Option<Bytes>) -> Result<FilledBody, Faults> {
        let is_ready = media::parameter(self.media, "boundary").is_some() && self.given.typed.is_none();
        if let Some(bytes) = bytes.clone().filter(|_| is_ready && self.given.parts.is_empty()) {
            return Ok(FilledBody { bytes, content_type: Some(header(self.media)?), parts: Vec::new() });
        }
        let bytes = self.bytes_of(bytes);
        let text = std::str::from_utf8(&bytes).ok().filter(|text| !text.is_empty());
        let members = match text.map(Members::parse) {
            None if bytes.is_empty() => Members(Vec::new()),
            Some(Some(members)) => members,
            _ => {
                return Err(invalid(
                    "a multipart message is made of a JSON object and of parts; or give it ready made, with its boundary in the content type",
                ));
            }
        };
        let none = BTreeMap::new();
        let encodings = self.listed.map_or(&none, |listed| &listed.encodings);
        let schema = self.listed.and_then(|listed| listed.schema.as_ref());
        let parts = multipart::parts(&members, encodings, schema.map(Schema::view), self.given.parts)?;
        if let Some(schema) = self.schema() {
            multipart::check(schema, text.unwrap_or("{}"), self.given.parts)?;
        }
        let (bytes, boundary) = multipart::write(&parts);
        let essence = media::essence(self.media);
        Ok(FilledBody {
            bytes,
            content_type: Some(header(&format!("{essence}; boundary={boundary}"))?),
            parts: parts.iter().map(multipart::previewed).collect(),
        })
    }

    /// What was given, as bytes: typed JSON as it was written.
    fn bytes_of(&self, bytes: Option<Bytes>) -> Bytes {
        match self.given.typed {
            Some(raw) => Bytes::copy_from_slice(raw.get().as_bytes()),
            None => bytes.unwrap_or_default(),
        }
    }
}

fn invalid(problem: impl Into<String>) -> Faults {
    vec![ArgumentFault::body(FaultKind::Invalid, problem)]
}

fn header(media: &str) -> Result<HeaderValue, Faults> {
    HeaderValue::from_str(media).map_err(|_| invalid("its media type can't be sent as a header"))
}

/// The last segment of what a schema refers to.
fn key_of(schema: &RawValue) -> String {
    #[derive(serde::Deserialize)]
    struct Reference {
        #[serde(rename = "$ref")]
        reference: String,
    }
    let reference = serde_json::from_str::<Reference>(schema.get()).map(|found| found.reference);
    reference.ok().and_then(|text| text.rsplit('/').next().map(str::to_owned)).unwrap_or_default()
}

fn kind_of(media: &str) -> Kind {
    match media::essence(media).as_str() {
        "application/x-www-form-urlencoded" => Kind::Form,
        "multipart/form-data" => Kind::Multipart,
        _ if media::is_json(media) => Kind::Json,
        _ if media::is_xml(media) => Kind::Xml,
        essence if essence.starts_with("text/") => Kind::Text,
        _ => Kind::Other,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
