//! Which media type a body is sent with, and whether it fits (HX-9 as amended by weakness 61). A form may be given
//! as a JSON object (WHATWG URL §5.2); other bodies are sent as they are.

use crate::flat::{self, Members, Nested};
use crate::{ArgumentFault, FaultKind, encode};
use bytes::Bytes;
use http::HeaderValue;
use open_cli_contract::catalog::RequestBody;
use serde::de::IgnoredAny;

/// The body of a tool, compiled.
#[derive(Debug, Clone)]
pub(crate) struct BodyTemplate {
    required: bool,
    /// `None` when the tool has no body.
    kind: Option<Kind>,
    content_type: HeaderValue,
}

/// How a body is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/form-data`
    Multipart,
    Other,
}

impl BodyTemplate {
    /// The only type listed; else the JSON one; else the first that is no range and can be sent; else
    /// `application/json`.
    pub(crate) fn compile(body: Option<&RequestBody>) -> Self {
        let listed: Vec<&str> = body
            .map(|body| body.content_types.iter().map(|content| content.media_type.trim()).collect())
            .unwrap_or_default();
        let chosen = listed
            .iter()
            .find(|media| essence(media) == "application/json")
            .or_else(|| listed.iter().find(|media| is_concrete(media) && is_json(media)))
            .or_else(|| listed.iter().find(|media| is_concrete(media) && kind_of(media) != Kind::Multipart))
            .or_else(|| listed.iter().find(|media| is_concrete(media)));
        let chosen = chosen.copied().unwrap_or("application/json");
        let (content_type, kind) = match HeaderValue::from_str(chosen) {
            Ok(value) => (value, kind_of(chosen)),
            Err(_) => (HeaderValue::from_static("application/json"), Kind::Json),
        };
        Self { required: body.is_some_and(|body| body.required), kind: body.map(|_| kind), content_type }
    }

    /// The body and its type; `None` for no body, also for an empty one.
    pub(crate) fn fill(&self, body: Option<Bytes>) -> Result<Option<(Bytes, HeaderValue)>, ArgumentFault> {
        let Some(body) = body.filter(|body| !body.is_empty()) else {
            if self.required {
                let problem = format!("a body of type {} is required", self.shown_type());
                return Err(ArgumentFault::body(FaultKind::Missing, problem));
            }
            return Ok(None);
        };
        let body = match self.kind {
            None => return Err(ArgumentFault::body(FaultKind::Unknown, "the tool takes no body")),
            Some(Kind::Multipart) => {
                let problem = "multipart bodies are not supported in this version";
                return Err(ArgumentFault::body(FaultKind::Tool, problem));
            }
            Some(Kind::Json) => {
                check_json(&body)?;
                body
            }
            Some(Kind::Form) => form(body)?,
            Some(Kind::Other) => body,
        };
        Ok(Some((body, self.content_type.clone())))
    }

    fn shown_type(&self) -> &str {
        self.content_type.to_str().unwrap_or("application/json")
    }
}

/// A JSON object as a form; anything that is no JSON list or object is a form already.
fn form(body: Bytes) -> Result<Bytes, ArgumentFault> {
    let Ok(text) = std::str::from_utf8(&body) else { return Ok(body) };
    let Some(members) = Members::parse(text) else {
        return if flat::elements(text).is_some() { Err(not_flat(Nested)) } else { Ok(body) };
    };
    let mut out = String::with_capacity(text.len());
    let mut push = |name: &str, value: &str| {
        if !out.is_empty() {
            out.push('&');
        }
        encode::push_form(&mut out, name);
        out.push('=');
        encode::push_form(&mut out, value);
    };
    for (name, raw) in &members.0 {
        match flat::elements(raw.get()) {
            Some(elements) => {
                for element in elements {
                    if let Some(value) = flat::scalar(element).map_err(not_flat)? {
                        push(name, &value);
                    }
                }
            }
            None => {
                if let Some(value) = flat::scalar(raw).map_err(not_flat)? {
                    push(name, &value);
                }
            }
        }
    }
    Ok(out.into())
}

fn not_flat(_: Nested) -> ArgumentFault {
    let problem = "a form takes a flat JSON object: texts, numbers, booleans, and lists of those";
    ArgumentFault::body(FaultKind::Invalid, problem)
}

fn check_json(body: &[u8]) -> Result<(), ArgumentFault> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(ArgumentFault::body(FaultKind::Invalid, "is not UTF-8, which JSON must be"));
    };
    // The message of serde_json names line and column, never the content: `IgnoredAny` takes any value.
    serde_json::from_str::<IgnoredAny>(text)
        .map(drop)
        .map_err(|error| ArgumentFault::body(FaultKind::Invalid, format!("is not valid JSON: {error}")))
}

fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_concrete(media: &str) -> bool {
    let essence = essence(media);
    essence.contains('/') && !essence.contains('*')
}

fn is_json(media: &str) -> bool {
    let essence = essence(media);
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

fn kind_of(media: &str) -> Kind {
    match essence(media).as_str() {
        "application/x-www-form-urlencoded" => Kind::Form,
        "multipart/form-data" => Kind::Multipart,
        _ if is_json(media) => Kind::Json,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::catalog::ContentType;

    fn body(required: bool, types: &[&str]) -> BodyTemplate {
        let content_types =
            types.iter().map(|t| ContentType { media_type: (*t).into(), schema: None }).collect::<Vec<_>>();
        BodyTemplate::compile(Some(&RequestBody { required, content_types }))
    }

    /// HX-9, weakness 61.
    #[test]
    fn the_content_type_is_chosen_from_those_the_tool_lists() {
        for (listed, expected, json) in [
            (&[][..], "application/json", true),
            (&["text/plain"][..], "text/plain", false),
            (&["application/merge-patch+json"][..], "application/merge-patch+json", true),
            (&["application/json; charset=utf-8"][..], "application/json; charset=utf-8", true),
            (&["application/vnd.a+json", "application/json"][..], "application/json", true),
            (&["application/vnd.a+json", "application/xml"][..], "application/vnd.a+json", true),
            (&["application/octet-stream", "text/plain"][..], "application/octet-stream", false),
            (&["*/*"][..], "application/json", true),
            (&["application/*", "text/csv"][..], "text/csv", false),
            (&["multipart/form-data", "text/csv"][..], "text/csv", false),
            (&["multipart/form-data"][..], "multipart/form-data", false),
            (&["application/json", "application/x-www-form-urlencoded"][..], "application/json", true),
            (&["bad\ntype/x"][..], "application/json", true),
        ] {
            let template = body(false, listed);
            let is_json = template.kind == Some(Kind::Json);
            assert_eq!((template.shown_type(), is_json), (expected, json), "{listed:?}");
        }
    }

    #[test]
    fn a_json_body_must_be_json_and_other_bodies_are_sent_as_given() {
        for (types, bytes, ok) in [
            (&["application/json"][..], &b" {\"a\":[1,2]} "[..], true),
            (&["application/json"][..], b"{\"a\":", false),
            (&["application/json"][..], b"\"\xff\"", false),
            (&["text/plain"][..], b"{\"a\":\xff", true),
            (&[][..], b"nope", false),
        ] {
            assert_eq!(body(false, types).fill(Some(Bytes::from_static(bytes))).is_ok(), ok, "{types:?}");
        }
    }

    #[test]
    fn a_required_body_must_be_there_and_not_be_empty() {
        for given in [None, Some(Bytes::new())] {
            let fault = body(true, &["application/json"]).fill(given.clone()).expect_err("required");
            assert_eq!((fault.kind, fault.flag.as_str()), (FaultKind::Missing, "--body"));
            assert!(body(false, &[]).fill(given).expect("optional").is_none());
        }
    }

    /// WHATWG URL §5.2.
    #[test]
    fn a_form_is_written_from_a_flat_object_or_sent_as_given() {
        let form = body(false, &["application/x-www-form-urlencoded"]);
        for (given, expected) in [
            (
                r#"{"a":"x y&","n":1.50,"t":true,"no":null,"l":["1",2,null],"e":[],"é":""}"#,
                Some("a=x+y%26&n=1.50&t=true&l=1&l=2&%C3%A9="),
            ),
            ("a=1&b=2", Some("a=1&b=2")),
            ("{a", Some("{a")),
            ("12", Some("12")),
            ("{}", Some("")),
            (r#"{"a":{"b":1}}"#, None),
            (r#"{"a":[[1]]}"#, None),
            ("[1]", None),
        ] {
            let filled = form.fill(Some(Bytes::copy_from_slice(given.as_bytes())));
            match (filled, expected) {
                (Ok(Some((bytes, media))), Some(expected)) => {
                    assert_eq!(bytes, expected);
                    assert_eq!(media, "application/x-www-form-urlencoded");
                }
                (Err(fault), None) => assert!(fault.to_string().contains("flat JSON object"), "{given}"),
                (other, _) => panic!("{given}: {other:?}"),
            }
        }
    }

    #[test]
    fn multipart_bodies_are_refused_and_an_optional_one_may_be_left_out() {
        let multipart = body(false, &["multipart/form-data"]);
        let fault = multipart.fill(Some(Bytes::from_static(b"{}"))).expect_err("refused");
        assert_eq!(fault.to_string(), "--body: multipart bodies are not supported in this version");
        assert_eq!(fault.kind, FaultKind::Tool);
        assert!(multipart.fill(None).expect("optional").is_none());
    }
}
