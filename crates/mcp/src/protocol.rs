//! The eras of MCP and how a server's is found out (2026-07-28, "Versioning and Compatibility"; MC-3, MC-4, W40). Servers of
//! 2026-07-28 and later get their version with each request; older ones are greeted first. Not for sending.

use crate::json::Object;
use crate::message::CLIENT_INFO;
use open_cli_observe::Trace;
use serde::Deserialize;
use serde_json::json;

/// The version that needs no greeting.
pub(crate) const MODERN: &str = "2026-07-28";
/// Versions with a greeting, newest first.
const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// The last version that had the transport with server-sent events as its own.
const SSE: &str = "2024-11-05";

/// A version that the server does not speak.
pub(crate) const UNSUPPORTED_VERSION: i64 = -32022;
/// Errors that only servers of 2026-07-28 and later know.
pub(crate) const MODERN_ERRORS: [i64; 3] = [-32020, -32021, UNSUPPORTED_VERSION];
/// JSON-RPC 2.0: the method is not known.
pub(crate) const UNKNOWN_METHOD: i64 = -32601;

/// How a server wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// Greeted once a connection.
    Legacy,
    /// Each request says all there is to know.
    Modern,
}

/// What both sides agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) era: Era,
    pub(crate) version: &'static str,
    /// It tells when its list of tools changes.
    pub(crate) tells_changes: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Capabilities {
    tools: ToolsCapability,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToolsCapability {
    list_changed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult {
    protocol_version: String,
    #[serde(default)]
    capabilities: Capabilities,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiscoverResult {
    supported_versions: Vec<String>,
    #[serde(default)]
    capabilities: Capabilities,
}

/// What a list of versions means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Modern,
    Legacy,
    Neither,
}

pub(crate) fn speaks(versions: &[String]) -> Speaks {
    if versions.iter().any(|version| version == MODERN) {
        Speaks::Modern
    } else if versions.iter().any(|version| LEGACY.contains(&version.as_str())) {
        Speaks::Legacy
    } else {
        Speaks::Neither
    }
}

/// What `server/discover` says; `None` when that is no answer to it.
pub(crate) fn discovered(result: &[u8]) -> Option<(Speaks, Agreed)> {
    let result: DiscoverResult = serde_json::from_slice(result).ok()?;
    let tells_changes = result.capabilities.tools.list_changed;
    Some((speaks(&result.supported_versions), Agreed { era: Era::Modern, version: MODERN, tells_changes }))
}

/// The parameters of the greeting.
pub(crate) fn greeting(is_sse: bool) -> Object {
    let version = if is_sse { SSE } else { LEGACY[0] };
    Object::default().with("protocolVersion", version).raw("capabilities", "{}").with("clientInfo", &CLIENT_INFO)
}

/// What the server answered to the greeting; the error says why we can't go on.
pub(crate) fn greeted(result: &[u8]) -> Result<Agreed, String> {
    let result: InitializeResult = serde_json::from_slice(result)
        .map_err(|error| format!("the answer to the greeting can't be read: {error}"))?;
    let offered = result.protocol_version.as_str();
    let version = LEGACY.into_iter().find(|known| *known == offered).ok_or_else(|| {
        let shown = crate::text::one_line(offered, 40);
        format!("it speaks version {shown:?} of the protocol; known are {MODERN} and {}", LEGACY.join(", "))
    })?;
    Ok(Agreed { era: Era::Legacy, version, tells_changes: result.capabilities.tools.list_changed })
}

/// Adds what accompanies a request: in the modern era who asks and how, and for the call itself the trace (W3C Trace
/// Context and Baggage in `_meta`).
pub(crate) fn with_meta(params: Object, era: Era, trace: Option<&Trace>) -> Object {
    let mut meta = serde_json::Map::new();
    if era == Era::Modern {
        meta.insert("io.modelcontextprotocol/protocolVersion".into(), MODERN.into());
        meta.insert("io.modelcontextprotocol/clientInfo".into(), json!(CLIENT_INFO));
        meta.insert("io.modelcontextprotocol/clientCapabilities".into(), json!({}));
    }
    if let Some(trace) = trace {
        meta.insert("traceparent".into(), trace.traceparent().to_string().into());
        for (name, value) in [("tracestate", trace.trace_state()), ("baggage", trace.baggage())] {
            if let Some(value) = value {
                meta.insert(name.into(), value.to_string().into());
            }
        }
    }
    if meta.is_empty() { params } else { params.with("_meta", &meta) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_observe::Recorder;
    use std::sync::Arc;

    /// W40.
    #[test]
    fn an_answer_to_the_greeting_is_checked() {
        let agreed =
            greeted(br#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"x":1}}"#);
        assert_eq!(agreed, Ok(Agreed { era: Era::Legacy, version: "2025-06-18", tells_changes: true }));
        assert!(!greeted(br#"{"protocolVersion":"2024-11-05"}"#).expect("fine").tells_changes);
        assert!(greeted(br#"{"protocolVersion":"1900-01-01"}"#).expect_err("unknown").contains("1900-01-01"));
        assert!(greeted(b"{}").is_err() && greeted(b"[]").is_err());
    }

    #[test]
    fn versions_tell_the_era() {
        let versions = |all: &[&str]| all.iter().map(|version| (*version).to_owned()).collect::<Vec<_>>();
        assert_eq!(speaks(&versions(&["2025-11-25", "2026-07-28"])), Speaks::Modern);
        assert_eq!(speaks(&versions(&["2027-01-01", "2025-11-25"])), Speaks::Legacy);
        assert_eq!(speaks(&versions(&["2027-01-01"])), Speaks::Neither);
        assert!(discovered(br#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#).is_some());
        assert!(discovered(b"{}").is_none());
    }

    /// Issue 3 point 2.
    #[test]
    fn the_trace_travels_with_the_call() {
        let trace = Trace::detached(Arc::new(Recorder::default()));
        let params = with_meta(Object::default().with("name", "x"), Era::Modern, Some(&trace));
        let message = crate::message::request(1, "tools/call", params);
        let value: serde_json::Value = serde_json::from_slice(&message).expect("JSON");
        let meta = &value["params"]["_meta"];
        assert_eq!(meta["traceparent"], trace.traceparent().to_string());
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], MODERN);
        let message = crate::message::request(1, "tools/list", with_meta(Object::default(), Era::Legacy, None));
        assert!(message.ends_with(b"\"params\":{}}"));
    }
}
