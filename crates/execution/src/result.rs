//! An upstream's answer, sorted (§22): JSON is passed on untouched, text as text, anything else as bytes
//! (weakness 68). Which it is depends on the bytes first: what is valid JSON is JSON whatever its type says.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, PROXY_AUTHENTICATE, SET_COOKIE, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};
use serde::de::IgnoredAny;

/// Headers that concern one connection only, or are for the toolbox and not for its caller.
const KEPT_BACK: [HeaderName; 10] = [
    CONNECTION,
    CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-connection"),
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What the upstream answered.
#[derive(Debug, Clone)]
pub struct ToolResult {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, verbatim.
    pub content_type: Option<HeaderValue>,
    /// All headers as received; see [`ToolResult::visible_headers`].
    pub headers: HeaderMap,
    /// Body.
    pub body: ResultBody,
    /// Retries after 429 or 503.
    pub retry_count: u32,
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultBody {
    /// There is none.
    Empty,
    /// Valid JSON in UTF-8 without white space around it, as received.
    Json(Bytes),
    /// Text.
    Text(String),
    /// Neither.
    Binary(Bytes),
}

impl ToolResult {
    /// Headers for the caller (weakness 69): without those of the connection and without cookies.
    pub fn visible_headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().filter(|(name, _)| !KEPT_BACK.contains(name))
    }

    /// `Content-Type` as text.
    pub fn content_type_text(&self) -> Option<&str> {
        self.content_type.as_ref().and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }
}

/// Sorts a body.
pub(crate) fn sort(headers: &HeaderMap, body: Bytes) -> ResultBody {
    if body.is_empty() {
        return ResultBody::Empty;
    }
    let is_encoded =
        headers.get(CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_encoded {
        return ResultBody::Binary(body);
    }
    if let Ok(text) = std::str::from_utf8(&body) {
        if let Some(json) = json_in(text) {
            return ResultBody::Json(body.slice_ref(json.as_bytes()));
        }
        if text.contains('\0') {
            return ResultBody::Binary(body);
        }
        if text.is_ascii() || !is_latin1(headers) {
            return ResultBody::Text(text.to_owned());
        }
    }
    if !is_latin1(headers) {
        return ResultBody::Binary(body);
    }
    // ISO 8859-1 is the first 256 characters of Unicode.
    let text: String = body.iter().map(|&byte| char::from(byte)).collect();
    match json_in(&text) {
        Some(json) => ResultBody::Json(Bytes::copy_from_slice(json.as_bytes())),
        None => ResultBody::Text(text),
    }
}

/// The JSON in the text, without a byte order mark and white space around it.
fn json_in(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_matches([' ', '\t', '\r', '\n']);
    // Most texts are told by their first byte.
    let may_be_json =
        matches!(text.as_bytes().first()?, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n');
    (may_be_json && serde_json::from_str::<IgnoredAny>(text).is_ok()).then_some(text)
}

/// The declared charset is ISO 8859-1.
fn is_latin1(headers: &HeaderMap) -> bool {
    let Some(Ok(text)) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    text.split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .any(|(_, value)| {
            let charset = value.trim().trim_matches('"').to_ascii_lowercase();
            matches!(charset.as_str(), "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "l1")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(content_type: &'static str, body: &'static [u8]) -> ResultBody {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        sort(&headers, Bytes::from_static(body))
    }

    /// §22, weakness 68.
    #[test]
    fn bodies_are_sorted_by_what_they_are() {
        let json = |text: &'static str| ResultBody::Json(Bytes::from_static(text.as_bytes()));
        let text = |text: &str| ResultBody::Text(text.into());
        let binary = |bytes: &'static [u8]| ResultBody::Binary(Bytes::from_static(bytes));
        for (content_type, body, expected) in [
            ("application/json", &b" {\"b\":1, \"a\":2}\n"[..], json("{\"b\":1, \"a\":2}")),
            ("application/json", b"\xef\xbb\xbf[1]", json("[1]")),
            ("text/plain", b"null", json("null")),
            ("text/plain", b"42", json("42")),
            ("text/plain", b"no lamps", text("no lamps")),
            ("application/json", b"{\"a\":", text("{\"a\":")),
            ("application/json", b"{} {}", text("{} {}")),
            ("text/plain", b"   ", text("   ")),
            ("text/plain; charset=utf-8", "é".as_bytes(), text("é")),
            ("text/plain; charset=ISO-8859-1", b"caf\xe9", text("café")),
            ("text/plain; Charset=\"latin1\"", "é".as_bytes(), text("Ã©")),
            ("application/json; charset=latin1", b"\"caf\xe9\"", json("\"café\"")),
            ("text/plain", b"caf\xe9", binary(b"caf\xe9")),
            ("image/png", b"\x89PNG\r\n\x1a\n", binary(b"\x89PNG\r\n\x1a\n")),
            ("application/octet-stream", b"a\0b", binary(b"a\0b")),
            ("application/json", b"\"\xff\"", binary(b"\"\xff\"")),
            ("text/plain", b"", ResultBody::Empty),
        ] {
            assert_eq!(sorted(content_type, body), expected, "{content_type} {body:?}");
        }
    }

    #[test]
    fn json_is_not_copied() {
        let body = Bytes::from_static(b" {} ");
        let ResultBody::Json(json) = sort(&HeaderMap::new(), body.clone()) else { panic!("JSON") };
        assert_eq!(json.as_ptr(), body[1..].as_ptr());
    }

    #[test]
    fn an_encoded_body_is_not_guessed_at() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(matches!(sort(&headers, Bytes::from_static(b"{}")), ResultBody::Binary(_)));
    }

    #[test]
    fn deep_json_does_not_overflow_the_stack() {
        let body = Bytes::from("[".repeat(1_000_000) + &"]".repeat(1_000_000));
        assert!(!matches!(sort(&HeaderMap::new(), body), ResultBody::Binary(_)));
    }
}
