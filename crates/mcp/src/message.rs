//! JSON-RPC 2.0 messages as MCP uses them. What servers send is kept as the bytes they sent, so that numbers keep
//! their digits (W43). Not for what results mean.

use crate::error::RpcError;
use crate::json::Object;
use crate::limits::{MAX_BATCH, MAX_SHOWN_BYTES};
use crate::text::cut;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A message of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// The answer to a request of ours; the result as it was sent.
    Answer { id: u64, outcome: Result<Bytes, RpcError> },
    /// A request of the server's; its id as it was sent.
    Request { id: Box<str>, method: String },
    /// Something to know.
    Notification { method: String, params: Bytes },
    /// Nothing that concerns us: an answer to nobody, or no message at all.
    Other(&'static str),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    #[serde(default)]
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct VersionData {
    #[serde(default)]
    supported: Vec<String>,
}

/// The messages in a text: one, or a batch of them (2025-03-26).
pub(crate) fn read(text: &Bytes) -> Vec<Incoming> {
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return vec![one(text, text)];
    }
    match serde_json::from_slice::<Vec<&RawValue>>(text) {
        Ok(batch) => batch.iter().take(MAX_BATCH).map(|part| one(text, part.get().as_bytes())).collect(),
        Err(_) => vec![Incoming::Other("not JSON")],
    }
}

fn one(text: &Bytes, message: &[u8]) -> Incoming {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(message) else {
        return Incoming::Other("not JSON-RPC");
    };
    let bytes = |raw: &RawValue| text.slice_ref(raw.get().as_bytes());
    match (envelope.method, envelope.id) {
        (Some(method), Some(id)) => {
            let method = cut(&method, MAX_SHOWN_BYTES).to_owned();
            // An id that is so long is none; it would be echoed.
            match id.get().len() <= MAX_SHOWN_BYTES {
                true => Incoming::Request { id: id.get().into(), method },
                false => Incoming::Other("an id of unreasonable length"),
            }
        }
        (Some(method), None) => Incoming::Notification {
            method: cut(&method, MAX_SHOWN_BYTES).to_owned(),
            params: envelope.params.map(bytes).unwrap_or_default(),
        },
        (None, Some(id)) => {
            let Some(id) = number(id) else { return Incoming::Other("an answer to nobody") };
            let outcome = match (envelope.error, envelope.result) {
                (Some(error), _) => Err(rpc_error(error)),
                (None, Some(result)) => Ok(bytes(result)),
                (None, None) => Err(RpcError {
                    code: 0,
                    message: "an answer with neither result nor error".into(),
                    supported: Vec::new(),
                }),
            };
            Incoming::Answer { id, outcome }
        }
        // An error that belongs to no request, such as one about a request that could not be read.
        (None, None) => Incoming::Other("neither method nor id"),
    }
}

/// Ids of ours are numbers; some servers send them back as text (W42).
fn number(id: &RawValue) -> Option<u64> {
    let text = id.get();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).parse().ok()
}

fn rpc_error(error: &RawValue) -> RpcError {
    let Ok(error) = serde_json::from_str::<ErrorObject<'_>>(error.get()) else {
        return RpcError { code: 0, message: "an error of unknown shape".into(), supported: Vec::new() };
    };
    let supported = error.data.and_then(|data| serde_json::from_str::<VersionData>(data.get()).ok());
    RpcError {
        code: error.code,
        message: cut(&error.message, MAX_SHOWN_BYTES).to_owned(),
        supported: supported.map(|data| data.supported).unwrap_or_default(),
    }
}

/// The JSON-RPC error in the body of an HTTP error, whomever it is for.
pub(crate) fn error_in(body: &[u8]) -> Option<RpcError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    envelope.error.map(rpc_error)
}

/// What servers are told about us.
#[derive(Serialize)]
pub(crate) struct ClientInfo {
    name: &'static str,
    version: &'static str,
}

/// MC-3.
pub(crate) const CLIENT_INFO: ClientInfo = ClientInfo { name: "open-cli", version: env!("CARGO_PKG_VERSION") };

/// A request of ours, on one line.
pub(crate) fn request(id: u64, method: &str, params: Object) -> Bytes {
    one_line(
        Object::default().with("jsonrpc", "2.0").with("id", &id).with("method", method).object("params", params),
    )
}

/// A notification of ours.
pub(crate) fn notification(method: &str, params: Object) -> Bytes {
    one_line(Object::default().with("jsonrpc", "2.0").with("method", method).object("params", params))
}

/// Line breaks in JSON stand between values only, and the line is the frame of a message (ST-3).
fn one_line(message: Object) -> Bytes {
    let mut text = message.finish().into_bytes();
    text.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    text.into()
}

/// What a request of the server's is answered with: `ping` is friendly, anything else needs what we don't offer.
pub(crate) fn answer(id: &str, method: &str) -> Bytes {
    match method {
        "ping" => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}").into(),
        _ => format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":-32601,\"message\":\"not offered by this client\"}}}}"
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &'static str) -> Incoming {
        let mut all = read(&Bytes::from_static(text.as_bytes()));
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    fn result(id: u64, json: &'static str) -> Incoming {
        Incoming::Answer { id, outcome: Ok(Bytes::from_static(json.as_bytes())) }
    }

    /// W42, W43, MC-7.
    #[test]
    fn messages_are_told_apart_and_results_stay_as_they_were_sent() {
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":3,"result":{"n":12345678901234567890.10}}"#,
                result(3, r#"{"n":12345678901234567890.10}"#),
            ),
            (r#"{"result":{},"jsonrpc":"2.0","id":"7"}"#, result(7, "{}")),
            (r#"{"jsonrpc":"2.0","id":"abc","result":{}}"#, Incoming::Other("an answer to nobody")),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
                Incoming::Other("neither method nor id"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"s-1","method":"ping"}"#,
                Incoming::Request { id: "\"s-1\"".into(), method: "ping".into() },
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"a":1}}"#,
                Incoming::Notification {
                    method: "notifications/message".into(),
                    params: Bytes::from_static(b"{\"a\":1}"),
                },
            ),
            ("Server running on stdio", Incoming::Other("not JSON-RPC")),
            ("", Incoming::Other("not JSON-RPC")),
            ("7", Incoming::Other("not JSON-RPC")),
        ] {
            assert_eq!(read_one(text), expected, "{text}");
        }
        let Incoming::Answer { outcome: Err(error), .. } =
            read_one(r#"{"id":1,"error":{"code":-32022,"message":"old","data":{"supported":["2025-11-25"]}}}"#)
        else {
            panic!("an error")
        };
        assert_eq!((error.code, error.supported), (-32022, vec!["2025-11-25".to_owned()]));
        for text in [r#"{"id":1}"#, r#"{"id":1,"result":null}"#, r#"{"id":1,"error":7}"#] {
            assert!(matches!(read_one(text), Incoming::Answer { outcome: Err(_), .. }), "{text}");
        }
        let batch = read(&Bytes::from_static(b" [{\"id\":1,\"result\":1}, {\"id\":2,\"result\":2}]"));
        assert_eq!(batch, [result(1, "1"), result(2, "2")]);
    }

    #[test]
    fn a_request_is_one_line_whatever_the_arguments_look_like() {
        let params = Object::default().with("name", "a\"b").raw("arguments", "{\n  \"x\": \"1\\n2\"\r\n}");
        let text = String::from_utf8(request(4, "tools/call", params).to_vec()).expect("text");
        assert!(!text.contains('\n') && !text.contains('\r'), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["params"]["arguments"]["x"], "1\n2");
        assert_eq!((&value["params"]["name"], &value["id"]), (&"a\"b".into(), &4.into()));
    }

    #[test]
    fn pings_are_answered_and_everything_else_is_declined() {
        assert!(answer("\"x\"", "ping").ends_with(b"\"id\":\"x\",\"result\":{}}"));
        let declined: serde_json::Value = serde_json::from_slice(&answer("3", "roots/list")).expect("JSON");
        assert_eq!((&declined["error"]["code"], &declined["id"]), (&(-32601).into(), &3.into()));
    }
}
