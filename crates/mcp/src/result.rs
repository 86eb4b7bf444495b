//! What a tool answered, as the JSON that callers get (MX-6, W43, W65): the members the server sent, as it sent them.

use crate::limits::MAX_SHOWN_BYTES;
use crate::text::one_line;
use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Members first, in this order; others of the server behind them.
const MEMBERS: [&str; 3] = ["structuredContent", "content", "isError"];
/// Members of the protocol, not of the result.
const PROTOCOL: [&str; 2] = ["_meta", "resultType"];

/// A tool's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolAnswer {
    /// A JSON object.
    pub body: Bytes,
    /// The tool says that it failed.
    pub is_error: bool,
}

/// What came of one `tools/call`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Complete(ToolAnswer),
    /// To be asked again with this state, and nothing else (2026-07-28, "Multi Round-Trip Requests").
    Again {
        state: String,
    },
    /// It asks questions.
    Asks(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputRequired<'a> {
    #[serde(borrow, default)]
    input_requests: Option<IndexMap<Cow<'a, str>, Question>>,
    #[serde(default)]
    request_state: Option<String>,
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    method: String,
}

/// Reads the result of `tools/call`; the error says what is wrong with it.
pub(crate) fn read(result: &[u8]) -> Result<Outcome, String> {
    let members: IndexMap<Cow<'_, str>, &RawValue> =
        serde_json::from_slice(result).map_err(|error| format!("the result is no object: {error}"))?;
    match members.get("resultType").map(|kind| kind.get()) {
        // Servers before 2026-07-28 don't say.
        None | Some("\"complete\"" | "null") => Ok(Outcome::Complete(complete(&members))),
        Some("\"input_required\"") => input_required(result),
        Some(other) => Err(format!("a result of the type {} is not known", one_line(other, 60))),
    }
}

fn input_required(result: &[u8]) -> Result<Outcome, String> {
    let asked: InputRequired<'_> = serde_json::from_slice(result).map_err(|error| error.to_string())?;
    let questions = asked.input_requests.unwrap_or_default();
    if !questions.is_empty() {
        let all: Vec<&str> = questions.values().map(|question| question.method.as_str()).collect();
        return Ok(Outcome::Asks(one_line(&all.join(", "), MAX_SHOWN_BYTES)));
    }
    match asked.request_state {
        Some(state) => Ok(Outcome::Again { state }),
        None => Err("it asks for input and does not say which".into()),
    }
}

fn complete(members: &IndexMap<Cow<'_, str>, &RawValue>) -> ToolAnswer {
    let is_error = members.get("isError").is_some_and(|value| value.get() == "true");
    let is_empty = |name: &str, value: &RawValue| match name {
        "content" => matches!(value.get(), "null" | "[]"),
        "isError" => value.get() != "true",
        _ => value.get() == "null",
    };
    let mut body = Vec::with_capacity(members.values().map(|value| value.get().len()).sum::<usize>() + 64);
    let mut put = |name: &str, value: &RawValue| {
        body.push(if body.is_empty() { b'{' } else { b',' });
        // Names are text, which can always be written.
        let _ = serde_json::to_writer(&mut body, name);
        body.push(b':');
        body.extend_from_slice(value.get().as_bytes());
    };
    for name in MEMBERS {
        if let Some(value) = members.get(name).filter(|value| !is_empty(name, value)) {
            put(name, value);
        }
    }
    for (name, value) in members {
        if !MEMBERS.contains(&&**name) && !PROTOCOL.contains(&&**name) && !is_empty(name, value) {
            put(name, value);
        }
    }
    if body.is_empty() {
        body.push(b'{');
    }
    body.push(b'}');
    ToolAnswer { body: body.into(), is_error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MX-6, §22, W43, W65.
    #[test]
    fn results_are_passed_on_as_they_were_sent() {
        for (result, body, is_error) in [
            (
                r#"{"content":[{"type":"text","text":"bad sku"}],"isError":true,"_meta":{}}"#,
                r#"{"content":[{"type":"text","text":"bad sku"}],"isError":true}"#,
                true,
            ),
            (
                r#"{"isError":false,"content":[],"structuredContent":{"n":12345678901234567890.0}}"#,
                r#"{"structuredContent":{"n":12345678901234567890.0}}"#,
                false,
            ),
            (
                r#"{"resultType":"complete","content":[{}],"more":[1, 2]}"#,
                r#"{"content":[{}],"more":[1, 2]}"#,
                false,
            ),
            (r#"{"structuredContent":false}"#, r#"{"structuredContent":false}"#, false),
            ("{}", "{}", false),
        ] {
            let expected =
                Outcome::Complete(ToolAnswer { body: Bytes::copy_from_slice(body.as_bytes()), is_error });
            assert_eq!(read(result.as_bytes()), Ok(expected), "{result}");
        }
        assert!(read(b"[]").is_err() && read(br#"{"resultType":"task","taskId":"1"}"#).is_err());
    }

    #[test]
    fn questions_are_told_from_a_request_to_ask_again() {
        let read = |json: &str| read(json.as_bytes());
        assert_eq!(
            read(
                r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create"}},"requestState":"s"}"#
            ),
            Ok(Outcome::Asks("elicitation/create".into()))
        );
        assert_eq!(
            read(r#"{"resultType":"input_required","requestState":"s"}"#),
            Ok(Outcome::Again { state: "s".into() })
        );
        assert!(read(r#"{"resultType":"input_required"}"#).is_err());
    }
}
