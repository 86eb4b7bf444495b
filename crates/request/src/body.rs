//! Which media type a body is sent with, and whether it fits (HX-9 as amended by weakness 61).

use crate::{ArgumentFault, FaultKind};
use bytes::Bytes;
use http::HeaderValue;
use open_cli_contract::catalog::RequestBody;
use serde::de::IgnoredAny;

/// The body of a tool, compiled.
#[derive(Debug, Clone)]
pub(crate) struct BodyTemplate {
    required: bool,
    content_type: HeaderValue,
    is_json: bool,
}

impl BodyTemplate {
    /// The only type listed; else the JSON one; else the first that is no range; else `application/json`.
    pub(crate) fn compile(body: Option<&RequestBody>) -> Self {
        let listed: Vec<&str> = body
            .map(|body| body.content_types.iter().map(|content| content.media_type.trim()).collect())
            .unwrap_or_default();
        let chosen = listed
            .iter()
            .find(|media| essence(media) == "application/json")
            .or_else(|| listed.iter().find(|media| is_concrete(media) && is_json(media)))
            .or_else(|| listed.iter().find(|media| is_concrete(media)));
        let chosen = chosen.copied().unwrap_or("application/json");
        let (content_type, is_json) = match HeaderValue::from_str(chosen) {
            Ok(value) => (value, is_json(chosen)),
            Err(_) => (HeaderValue::from_static("application/json"), true),
        };
        Self { required: body.is_some_and(|body| body.required), content_type, is_json }
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
        if self.is_json {
            check_json(&body)?;
        }
        Ok(Some((body, self.content_type.clone())))
    }

    fn shown_type(&self) -> &str {
        self.content_type.to_str().unwrap_or("application/json")
    }
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
            (&["bad\ntype/x"][..], "application/json", true),
        ] {
            let template = body(false, listed);
            assert_eq!((template.shown_type(), template.is_json), (expected, json), "{listed:?}");
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
}
