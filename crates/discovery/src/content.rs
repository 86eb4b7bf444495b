//! What the body of an answer is: many sites answer 200 with an HTML page whatever one asks for, and many declare the
//! wrong type. The bytes decide; the declared type is for messages and for telling the two linkset forms apart.

use open_cli_documents::Fetched;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The kinds that discovery tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page for people.
    Html,
    /// An OpenAPI or Swagger description, JSON or YAML.
    Description,
    /// A JSON object.
    Json,
    /// Links in the form of the `Link` header, declared as such.
    LinksetText,
    /// No body.
    Empty,
    /// Anything else.
    Other,
}

/// The declared media type without parameters, lower case; empty when there is none.
pub(crate) fn declared(fetched: &Fetched) -> String {
    essence(fetched.header_lines("content-type").next().unwrap_or_default())
}

/// A media type without its parameters, lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// True for a media type that says "OpenAPI".
pub(crate) fn is_openapi_type(media_type: &str) -> bool {
    essence(media_type).contains("openapi")
}

pub(crate) fn kind(body: &[u8], declared: &str) -> Kind {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    match body.first() {
        None => Kind::Empty,
        Some(b'{') if is_description(body) => Kind::Description,
        Some(b'{') => Kind::Json,
        Some(b'<') if declared == "application/linkset" => Kind::LinksetText,
        // Relative addresses would look like elements.
        Some(b'<') if body.starts_with(b"<http") && !declared.ends_with("html") => Kind::LinksetText,
        Some(b'<') if is_html(body) => Kind::Html,
        Some(b'<') if matches!(declared, "text/html" | "application/xhtml+xml") => Kind::Html,
        Some(_) if declared == "application/linkset" => Kind::LinksetText,
        Some(_) if is_description(body) => Kind::Description,
        Some(_) => Kind::Other,
    }
}

/// `<!doctype html>`, `<html`, comments before them; not `<https://…>`.
fn is_html(body: &[u8]) -> bool {
    let starts = |word: &[u8]| body.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    starts(b"<!")
        || ["<html", "<head", "<body", "<title", "<meta", "<script"].iter().any(|word| starts(word.as_bytes()))
}

/// True for what says it is an OpenAPI or Swagger description.
pub(crate) fn is_description(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        openapi: Option<IgnoredAny>,
        swagger: Option<IgnoredAny>,
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    if body.first() == Some(&b'{') {
        let head = serde_json::from_slice::<Head>(body);
        return head.is_ok_and(|head| head.openapi.is_some() || head.swagger.is_some());
    }
    body.split(|byte| *byte == b'\n').any(|line| {
        ["openapi", "swagger"].iter().any(|key| {
            let line = line.strip_prefix(b"\"").or(line.strip_prefix(b"'")).unwrap_or(line);
            line.strip_prefix(key.as_bytes())
                .map(|rest| {
                    rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest).trim_ascii_start()
                })
                .is_some_and(|rest| rest.first() == Some(&b':'))
        })
    })
}

/// Whether a media type may hold a linkset; one that is not declared may.
pub(crate) fn may_be_linkset(media_type: &str) -> bool {
    let essence = essence(media_type);
    matches!(
        essence.as_str(),
        "" | "application/linkset" | "application/json" | "text/plain" | "application/octet-stream"
    ) || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_say_what_an_answer_is() {
        for (body, declared, expected) in [
            ("", "", Kind::Empty),
            (" {\"linkset\":[]}", "text/html", Kind::Json),
            ("\u{feff}{\"openapi\":\"3.1.0\"}", "", Kind::Description),
            ("{\"info\":{},\"swagger\":\"2.0\"}", "", Kind::Description),
            ("{\"info\":{\"openapi\":\"3.1.0\"}}", "", Kind::Json),
            ("{\"openapi\":\"3.1.0\"", "", Kind::Json),
            ("# x\ninfo:\n  openapi: no\nopenapi: 3.1.0\n", "", Kind::Description),
            ("\"swagger\" : '2.0'", "", Kind::Description),
            ("openapis: 3", "", Kind::Other),
            ("<!DOCTYPE html>", "application/linkset+json", Kind::Html),
            ("\n<HTML lang=en>", "", Kind::Html),
            ("<p>", "text/html", Kind::Html),
            ("<p>", "", Kind::Other),
            ("<?xml version='1.0'?>", "text/xml", Kind::Other),
            ("<https://h/a>; rel=item", "application/linkset", Kind::LinksetText),
            ("<https://h/a>; rel=item", "text/plain", Kind::LinksetText),
            ("</a>; rel=item", "text/plain", Kind::Other),
            ("[1]", "application/json", Kind::Other),
        ] {
            assert_eq!(kind(body.as_bytes(), declared), expected, "{body} {declared}");
        }
    }
}
