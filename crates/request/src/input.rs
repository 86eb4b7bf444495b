//! One parameter of a tool, compiled: where it goes, how it is written, and which values it takes.

use crate::fault::{ArgumentFault, FaultKind};
use crate::querystring::Whole;
use crate::style::Style;
use crate::value::{Given, Part, Value};
use http::HeaderName;
use open_cli_contract::catalog::{Parameter, ParameterDetails};
use open_cli_contract::preview::Unchecked;
use open_cli_contract::redact;
use open_cli_schema::{Json, Options, Schema, Types};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// A parameter.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) wire: Arc<str>,
    pub(crate) required: bool,
    pub(crate) place: Place,
    pub(crate) style: Style,
    /// Types its values may have.
    types: Types,
    schema: Option<Schema>,
    content: Option<Content>,
    /// What the description says a missing value means; kept where a value has to be sent.
    default: Option<Box<RawValue>>,
    /// Its name is that of a credential.
    pub(crate) is_secret: bool,
}

/// Where a parameter goes.
#[derive(Debug)]
pub(crate) enum Place {
    Path,
    Query,
    /// The whole query.
    Querystring(Whole),
    Header {
        name: HeaderName,
    },
    Cookie,
    /// Can't be sent, and why.
    Nowhere(String),
}

/// A value described by a media type (OpenAPI `content`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Json,
    /// Sent as it is given.
    Other,
}

/// What a value became.
#[derive(Debug)]
pub(crate) enum Written<'a> {
    /// To be written in the parameter's style.
    Value(Value<'a>),
    /// One text, whatever the style.
    Text(Cow<'a, str>),
}

impl Written<'_> {
    /// A list or object that may as well be left out.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Value(value) if value.is_empty())
    }
}

/// The part of a schema that counts when nothing is given.
#[derive(Deserialize)]
struct Defaulted {
    default: Option<Box<RawValue>>,
}

impl Input {
    pub(crate) fn compile(
        parameter: &Parameter,
        details: Option<&ParameterDetails>,
        options: Options,
        unchecked: &mut Vec<Unchecked>,
    ) -> Self {
        let wire = parameter.original_name.as_str();
        let location = parameter.location.as_str();
        let media = details.map_or("", |details| details.content_type.as_str());
        let place = place(location, wire, media);
        let shown =
            if location == "path" { format!("<{}>", parameter.name) } else { format!("--{}", parameter.name) };
        let raw = details.and_then(|details| details.schema.as_deref());
        let schema = raw.and_then(|raw| compile_schema(raw.get(), options, &shown, unchecked));
        let default = raw
            .filter(|_| parameter.required)
            .and_then(|raw| serde_json::from_str::<Defaulted>(raw.get()).ok()?.default)
            .filter(|default| default.get() != "null");
        let content = details.map(|details| details.content_type.as_str()).filter(|media| !media.is_empty());
        let content =
            content.map(|media| if crate::media::is_json(media) { Content::Json } else { Content::Other });
        let is_other = content == Some(Content::Other) && !matches!(place, Place::Querystring(_));
        if is_other && schema.is_some() {
            unchecked.push(Unchecked {
                flag: shown,
                pointer: String::new(),
                reason: "its media type is not JSON".into(),
            });
        }
        let is_password = schema.as_ref().is_some_and(|schema| schema.view().hints().format == "password");
        let style = details.map_or_else(
            || Style::of(location, "", None, false),
            |details| Style::of(location, &details.style, details.explode, details.allow_reserved),
        );
        Self {
            name: parameter.name.clone(),
            wire: wire.into(),
            required: parameter.required,
            place,
            style,
            types: schema.as_ref().map_or(Types::ANY, |schema| schema.view().types()),
            schema,
            content,
            default,
            is_secret: redact::is_token_parameter(wire) || is_password,
        }
    }

    /// The name as it is typed.
    pub(crate) fn shown(&self) -> String {
        match self.place {
            Place::Path => format!("<{}>", self.name),
            _ => format!("--{}", self.name),
        }
    }

    pub(crate) fn fault(&self, kind: FaultKind, problem: &str) -> ArgumentFault {
        ArgumentFault::of(kind, &self.wire, self.shown(), problem)
    }

    /// What is given, else the default where something has to be sent.
    pub(crate) fn given<'a>(&'a self, given: Option<Given<'a>>) -> Option<Given<'a>> {
        given.or_else(|| self.default.as_deref().map(Given::Json))
    }

    /// What is to be written, checked; `None` after a fault.
    pub(crate) fn read<'a>(
        &'a self,
        given: Given<'a>,
        validate: bool,
        faults: &mut Vec<ArgumentFault>,
    ) -> Option<Written<'a>> {
        if let Place::Querystring(whole) = self.place {
            return self.read_whole(whole, given, validate, faults);
        }
        let result = match self.content {
            Some(content) => self.read_content(content, given, validate, faults),
            None => self.read_styled(given, validate, faults),
        };
        match result {
            Ok(written) => written,
            Err(problem) => {
                faults.push(self.fault(FaultKind::Invalid, problem));
                None
            }
        }
    }

    fn read_styled<'a>(
        &'a self,
        given: Given<'a>,
        validate: bool,
        faults: &mut Vec<ArgumentFault>,
    ) -> Result<Option<Written<'a>>, &'static str> {
        let value = Value::read(given, self.types)?;
        self.style.check(&value)?;
        if let Some(schema) = self.schema.as_ref().filter(|_| validate) {
            let wrong = match given {
                Given::Json(raw) => self.faults(schema, &Json::parse(raw.get()).unwrap_or_default()),
                Given::Text(_) => self.faults(schema, &value.meant(schema.view())),
            };
            if !wrong.is_empty() {
                faults.extend(wrong);
                return Ok(None);
            }
        }
        Ok(Some(Written::Value(value)))
    }

    /// The whole query: its text, checked where it is JSON.
    fn read_whole<'a>(
        &'a self,
        whole: Whole,
        given: Given<'a>,
        validate: bool,
        faults: &mut Vec<ArgumentFault>,
    ) -> Option<Written<'a>> {
        let text = match given {
            Given::Text(text) => Cow::Borrowed(text),
            Given::Json(raw) => match Part::of(raw) {
                Some(Part::Text(text)) if whole != Whole::Json => text,
                _ => Cow::Borrowed(raw.get()),
            },
        };
        let is_json = whole == Whole::Json || (whole == Whole::Form && text.trim_start().starts_with('{'));
        if let (Some(schema), Ok(value)) =
            (self.schema.as_ref().filter(|_| validate && is_json), Json::parse(&text))
        {
            let wrong = self.faults(schema, &value);
            if !wrong.is_empty() {
                faults.extend(wrong);
                return None;
            }
        }
        Some(Written::Text(text))
    }

    fn read_content<'a>(
        &'a self,
        content: Content,
        given: Given<'a>,
        validate: bool,
        faults: &mut Vec<ArgumentFault>,
    ) -> Result<Option<Written<'a>>, &'static str> {
        if content == Content::Other {
            return match Value::read(given, Types::ANY)? {
                Value::Scalar(text) => Ok(Some(Written::Text(text))),
                _ => Err("is described by a media type that is not JSON; give the text as it is to be sent"),
            };
        }
        let text: Cow<'a, str> = match given {
            Given::Json(raw) => Cow::Borrowed(raw.get()),
            Given::Text(text) if Json::parse(text).is_ok() => Cow::Borrowed(text),
            // A text need not be written with quotation marks.
            Given::Text(text) if self.types.allows(Types::TEXT) => {
                Cow::Owned(serde_json::to_string(text).unwrap_or_default())
            }
            Given::Text(_) => return Err("must be JSON"),
        };
        if let Some(schema) = self.schema.as_ref().filter(|_| validate) {
            let wrong = self.faults(schema, &Json::parse(&text).unwrap_or_default());
            if !wrong.is_empty() {
                faults.extend(wrong);
                return Ok(None);
            }
        }
        Ok(Some(Written::Text(text)))
    }

    fn faults(&self, schema: &Schema, value: &Json<'_>) -> Vec<ArgumentFault> {
        let shown = self.shown();
        schema.faults(value).into_iter().map(|fault| ArgumentFault::schema(&self.wire, &shown, fault)).collect()
    }
}

/// A schema, and what of it is not checked.
pub(crate) fn compile_schema(
    text: &str,
    options: Options,
    shown: &str,
    unchecked: &mut Vec<Unchecked>,
) -> Option<Schema> {
    let mut say = |pointer: &str, reason: String| {
        unchecked.push(Unchecked { flag: shown.to_owned(), pointer: pointer.to_owned(), reason });
    };
    match Schema::compile(text, options) {
        Ok(schema) => {
            schema.skipped().iter().for_each(|skipped| say(&skipped.pointer, skipped.reason.clone()));
            Some(schema)
        }
        Err(error) => {
            say("", error.to_string());
            None
        }
    }
}

fn place(location: &str, wire: &str, media: &str) -> Place {
    // A cookie name is a token, as a header name is (RFC 6265 §4.1.1).
    let name = HeaderName::from_bytes(wire.as_bytes());
    match (location, name) {
        ("path", _) => Place::Path,
        ("query", _) => Place::Query,
        ("querystring", _) => Place::Querystring(Whole::of(media)),
        ("header", Ok(name)) => Place::Header { name },
        ("cookie", Ok(_)) => Place::Cookie,
        ("header" | "cookie", Err(_)) => {
            Place::Nowhere(format!("its name is no legal {location} name; correct the API description"))
        }
        (other, _) => Place::Nowhere(format!("parameters in {other:?} are not supported")),
    }
}
