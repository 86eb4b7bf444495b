//! One connection to a server, of whatever transport, from the greeting on. Every exchange of messages is a span
//! (OpenTelemetry's conventions for MCP). Requests of many callers share a connection. Not for connecting again.

use crate::children::Children;
use crate::error::Fault;
use crate::http::{HttpClient, SseLink, Streamable, Wire};
use crate::inbox::{Inbox, Version};
use crate::json::Object;
use crate::limits::{Limits, PROBE_TIMEOUT};
use crate::message;
use crate::protocol::{self, Agreed, Era, MODERN, MODERN_ERRORS, Speaks, UNSUPPORTED_VERSION};
use crate::spec::{ServerSpec, Transport};
use crate::stdio::Pipe;
use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use open_cli_observe::{ActiveSpan, SpanKind, Trace};
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// What connecting needs.
pub(crate) struct Surroundings {
    pub(crate) http: HttpClient,
    pub(crate) children: Arc<Children>,
    pub(crate) runtime: Handle,
}

enum Link {
    Pipe(Pipe),
    Streamable(Streamable),
    Sse(SseLink),
}

/// A connection.
pub(crate) struct Session {
    link: Link,
    inbox: Arc<Inbox>,
    agreed: OnceLock<Agreed>,
    spec: Arc<ServerSpec>,
}

/// A request.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'static str,
    pub(crate) params: Object,
    /// Name of the tool that is called.
    pub(crate) tool: Option<&'a str>,
    /// Headers that a server over HTTP wants beside the body.
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
}

impl Exchange<'_> {
    pub(crate) fn new(method: &'static str, params: Object, timeout: Duration) -> Self {
        Self { method, params, tool: None, headers: HeaderMap::new(), timeout }
    }
}

impl Session {
    /// Connects and greets. Must run on the runtime of the surroundings.
    pub(crate) async fn open(
        spec: &Arc<ServerSpec>,
        around: &Surroundings,
        limits: &Limits,
        version: &Arc<Version>,
        era: Option<Era>,
        trace: &Trace,
    ) -> Result<Self, Fault> {
        let until = Instant::now() + limits.connect_timeout;
        let inbox = Arc::new(Inbox::new(spec.source_id.as_str().into(), Arc::clone(version)));
        let opening = Self::link(spec, around, limits, &inbox);
        let timeout = Fault::Timeout(limits.connect_timeout);
        let link = tokio::time::timeout_at(until, opening).await.unwrap_or(Err(timeout))?;
        let session = Self { link, inbox, agreed: OnceLock::new(), spec: Arc::clone(spec) };
        let agreed = session.greet(era, until, trace).await;
        match agreed {
            Ok(agreed) => {
                let _ = session.agreed.set(agreed);
                session.listen();
                Ok(session)
            }
            Err(fault) => {
                // What the program said before it ended says more than that its pipe broke.
                let fault = match (&fault, &session.link) {
                    (Fault::Lost(_) | Fault::NotSent(_), Link::Pipe(pipe)) => {
                        pipe.end().await;
                        session.inbox.end().map_or(fault, Fault::Lost)
                    }
                    _ => fault,
                };
                session.end().await;
                Err(fault)
            }
        }
    }

    async fn link(
        spec: &ServerSpec,
        around: &Surroundings,
        limits: &Limits,
        inbox: &Arc<Inbox>,
    ) -> Result<Link, Fault> {
        let limit = limits.max_message_bytes;
        let client = || around.http.get().map_err(Fault::NotSent);
        Ok(match &spec.transport {
            Transport::Stdio(program) => {
                Link::Pipe(Pipe::start(program, inbox, &around.children, limit).map_err(Fault::NotSent)?)
            }
            Transport::StreamableHttp(endpoint) => {
                let wire = Wire::new(client()?, endpoint.clone());
                Link::Streamable(Streamable::new(wire, Arc::clone(inbox), around.runtime.clone(), limit))
            }
            Transport::Sse(endpoint) => {
                let wire = Wire::new(client()?, endpoint.clone());
                Link::Sse(SseLink::open(wire, Arc::clone(inbox), around.runtime.clone(), limit).await?)
            }
        })
    }

    async fn greet(&self, era: Option<Era>, until: Instant, trace: &Trace) -> Result<Agreed, Fault> {
        let is_sse = matches!(self.link, Link::Sse(_));
        if !is_sse
            && era != Some(Era::Legacy)
            && let Some(agreed) = self.probe(until, trace).await?
        {
            return Ok(agreed);
        }
        let left = until.saturating_duration_since(Instant::now());
        let greeting = Exchange::new("initialize", protocol::greeting(is_sse), left);
        let result = self.exchange(greeting, trace).await?;
        let agreed = protocol::greeted(&result).map_err(Fault::Protocol)?;
        if let Link::Streamable(link) = &self.link {
            link.agree(agreed.version);
        }
        let initialized = message::notification("notifications/initialized", Object::default());
        match &self.link {
            Link::Pipe(pipe) => {
                pipe.send_soon(initialized);
            }
            Link::Streamable(link) => link.notify(initialized).await?,
            Link::Sse(link) => link.notify(initialized).await?,
        }
        Ok(agreed)
    }

    /// Asks what only servers of the modern era know; `None` says that it is to be greeted.
    async fn probe(&self, until: Instant, trace: &Trace) -> Result<Option<Agreed>, Fault> {
        let left = until.saturating_duration_since(Instant::now()).min(PROBE_TIMEOUT);
        let probe = Exchange::new("server/discover", Object::default(), left);
        let neither = || {
            Fault::Protocol(format!("it speaks no version of the protocol that is known here, such as {MODERN}"))
        };
        match self.exchange(probe, trace).await {
            Ok(result) => match protocol::discovered(&result) {
                Some((Speaks::Modern, agreed)) => Ok(Some(agreed)),
                Some((Speaks::Neither, _)) => Err(neither()),
                Some((Speaks::Legacy, _)) | None => Ok(None),
            },
            Err(Fault::Rpc(error)) if error.code == UNSUPPORTED_VERSION => {
                match protocol::speaks(&error.supported) {
                    Speaks::Legacy => Ok(None),
                    Speaks::Modern | Speaks::Neither => Err(neither()),
                }
            }
            Err(Fault::Rpc(error)) if MODERN_ERRORS.contains(&error.code) => Err(Fault::Rpc(error)),
            Err(fault @ (Fault::NotSent(_) | Fault::Credentials(_))) => Err(fault),
            Err(fault @ Fault::Status { status: 401 | 403, .. }) => Err(fault),
            // A program that ended is not there to be greeted.
            Err(fault @ Fault::Lost(_)) if matches!(self.link, Link::Pipe(_)) => Err(fault),
            // An old server may answer anything, or nothing.
            Err(_) => Ok(None),
        }
    }

    /// Asks to be told of changes, where the server offers that.
    fn listen(&self) {
        let Some(agreed) = self.agreed.get().filter(|agreed| agreed.tells_changes) else { return };
        match (&self.link, agreed.era) {
            // Told without being asked, on the one stream there is.
            (Link::Pipe(_) | Link::Sse(_), Era::Legacy) | (Link::Sse(_), Era::Modern) => {}
            (Link::Streamable(link), Era::Legacy) => link.listen(None),
            (link, Era::Modern) => {
                let params = Object::default().raw("notifications", r#"{"toolsListChanged":true}"#);
                let params = protocol::with_meta(params, Era::Modern, None);
                // The answer comes when it is over, and nobody waits for it.
                let Ok(expected) = self.inbox.expect() else { return };
                let message = message::request(expected.id, "subscriptions/listen", params);
                match link {
                    Link::Pipe(pipe) => {
                        pipe.send_soon(message);
                    }
                    Link::Streamable(link) => {
                        link.listen(Some((message, modern_headers("subscriptions/listen", None))))
                    }
                    Link::Sse(_) => {}
                }
            }
        }
    }

    /// The era, once greeted.
    pub(crate) fn era(&self) -> Era {
        self.agreed.get().map_or(Era::Modern, |agreed| agreed.era)
    }

    /// The version that both sides speak.
    pub(crate) fn protocol(&self) -> &'static str {
        self.agreed.get().map_or(MODERN, |agreed| agreed.version)
    }

    /// True when changes of the list of tools are told as long as the connection is open.
    pub(crate) fn tells_changes(&self) -> bool {
        let is_told = self.agreed.get().is_some_and(|agreed| agreed.tells_changes);
        is_told
            && match &self.link {
                Link::Pipe(_) | Link::Sse(_) => true,
                Link::Streamable(link) => link.is_listening(),
            }
    }

    /// Why it is over; `None` while it is not.
    pub(crate) fn end_of(&self) -> Option<String> {
        self.inbox.end()
    }

    /// Ends it, and with it the program.
    pub(crate) async fn end(&self) {
        match &self.link {
            Link::Pipe(pipe) => pipe.end().await,
            Link::Streamable(link) => link.end().await,
            Link::Sse(link) => link.end(),
        }
    }

    /// Sends a request and waits for its answer, in a span of its own. Dropping the future cancels the request.
    pub(crate) async fn exchange(&self, exchange: Exchange<'_>, trace: &Trace) -> Result<Bytes, Fault> {
        let mut span = trace.span("mcp.exchange");
        if trace.is_enabled() {
            self.describe(&mut span, &exchange);
        }
        let timeout = exchange.timeout;
        let limit = Fault::Timeout(timeout);
        let result = tokio::time::timeout(timeout, self.send(exchange, span.trace())).await.unwrap_or(Err(limit));
        if let Err(fault) = &result {
            span.set("error.type", fault.word());
            if let Fault::Rpc(error) = fault {
                span.set("rpc.response.status_code", error.code.to_string());
            }
            span.fail(fault.word());
        }
        span.end();
        result
    }

    async fn send(&self, exchange: Exchange<'_>, trace: &Trace) -> Result<Bytes, Fault> {
        let Exchange { method, params, tool, mut headers, .. } = exchange;
        let mut expected = self.inbox.expect()?;
        let era = if method == "initialize" { Era::Legacy } else { self.era() };
        let params = protocol::with_meta(params, era, tool.map(|_| trace));
        let message = message::request(expected.id, method, params);
        // What is asked before the greeting can't be taken back.
        let is_armed = self.agreed.get().is_some() && (era == Era::Legacy || matches!(self.link, Link::Pipe(_)));
        let mut cancel = Cancel { session: self, id: expected.id, is_armed };
        let result = match &self.link {
            Link::Pipe(pipe) => pipe.exchange(&mut expected, message).await,
            Link::Sse(link) => link.exchange(&mut expected, message).await,
            Link::Streamable(link) => {
                if era == Era::Modern {
                    headers.extend(modern_headers(method, tool));
                }
                link.exchange(&mut expected, message, &headers).await
            }
        };
        cancel.is_armed = false;
        result
    }

    fn describe(&self, span: &mut ActiveSpan, exchange: &Exchange<'_>) {
        let method = exchange.method;
        span.describe(
            SpanKind::Client,
            match exchange.tool {
                Some(tool) => format!("{method} {tool}"),
                None => method.to_owned(),
            },
        );
        span.set("mcp.method.name", method);
        span.set("mcp.source.id", self.spec.source_id.clone());
        if let Some(agreed) = self.agreed.get() {
            span.set("mcp.protocol.version", agreed.version);
        }
        if let Some(tool) = exchange.tool {
            span.set("gen_ai.tool.name", tool.to_owned());
            span.set("gen_ai.operation.name", "execute_tool");
        }
        match &self.spec.transport {
            Transport::Stdio(_) => span.set("network.transport", "pipe"),
            Transport::StreamableHttp(endpoint) | Transport::Sse(endpoint) => {
                span.set("network.transport", "tcp");
                span.set("server.address", endpoint.url.host_str().unwrap_or_default().to_owned());
                if let Some(port) = endpoint.url.port_or_known_default() {
                    span.set("server.port", port);
                }
            }
        }
    }
}

/// Tells the server that nobody waits for an answer any more, unless it came. Over HTTP in the modern era, closing the
/// stream of the answer says so.
struct Cancel<'a> {
    session: &'a Session,
    id: u64,
    is_armed: bool,
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        if !self.is_armed {
            return;
        }
        let params = Object::default().with("requestId", &self.id).with("reason", "nobody waits for it any more");
        let message = message::notification("notifications/cancelled", params);
        match &self.session.link {
            Link::Pipe(pipe) => {
                pipe.send_soon(message);
            }
            Link::Streamable(link) => link.send_soon(message),
            Link::Sse(link) => link.send_soon(message),
        }
    }
}

/// What a server of the modern era wants to read without looking into the body (2026-07-28, "Request Metadata").
fn modern_headers(method: &str, tool: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("mcp-protocol-version", HeaderValue::from_static(MODERN));
    let pairs = [("mcp-method", Some(method)), ("mcp-name", tool)];
    for (name, value) in pairs {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), header_value(value));
        }
    }
    headers
}

/// A text as a header value: itself where that is safe, else in Base64 between markers ("Value Encoding").
pub(crate) fn header_value(text: &str) -> HeaderValue {
    const MARKS: (&str, &str) = ("=?base64?", "?=");
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        && text.trim() == text
        && !(text.starts_with(MARKS.0) && text.ends_with(MARKS.1));
    let encoded = || format!("{}{}{}", MARKS.0, base64::engine::general_purpose::STANDARD.encode(text), MARKS.1);
    let value = if is_plain { HeaderValue::from_str(text).ok() } else { None };
    value.or_else(|| HeaderValue::from_str(&encoded()).ok()).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_encoded_where_they_must_be() {
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("", ""),
        ] {
            assert_eq!(header_value(text), expected, "{text:?}");
        }
    }
}
