//! Streamable HTTP: each message is a POST, each answer JSON or an event stream (§14). Sessions, resumption and the
//! stream for notifications are those of 2025-03-26 to 2025-11-25; the request headers those of 2026-07-28.

use super::events::Events;
use super::post::{Wire, body, is_stream, root_cause};
use crate::error::Fault;
use crate::inbox::{Expected, Inbox};
use crate::limits::{LISTEN_AGAIN, MAX_LISTEN_FAILURES, MAX_RESUMPTIONS, MAX_STREAM_RETRY};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use reqwest::Response;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// The way to one server.
#[derive(Clone)]
pub(crate) struct Streamable {
    shared: Arc<Shared>,
}

struct Shared {
    wire: Wire,
    inbox: Arc<Inbox>,
    runtime: Handle,
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<HeaderValue>,
    /// Sent once it is agreed.
    version: Option<HeaderValue>,
    listener: Option<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(listener) = self.state.get_mut().listener.take() {
            listener.abort();
        }
    }
}

impl Streamable {
    pub(crate) fn new(wire: Wire, inbox: Arc<Inbox>, runtime: Handle, limit: usize) -> Self {
        Self { shared: Arc::new(Shared { wire, inbox, runtime, limit, state: Mutex::default() }) }
    }

    /// The version that both sides speak, for the header of all later requests (W40).
    pub(crate) fn agree(&self, version: &'static str) {
        self.shared.state.lock().version = Some(HeaderValue::from_static(version));
    }

    fn headers(&self, more: &HeaderMap) -> HeaderMap {
        let state = self.shared.state.lock();
        let mut headers = more.clone();
        headers.extend(state.session.iter().map(|session| (SESSION, session.clone())));
        if !headers.contains_key(VERSION) {
            headers.extend(state.version.iter().map(|version| (VERSION, version.clone())));
        }
        headers
    }

    /// Sends a request and waits for its answer, for as long as the caller does.
    pub(crate) async fn exchange(
        &self,
        expected: &mut Expected<'_>,
        message: Bytes,
        more: &HeaderMap,
    ) -> Result<Bytes, Fault> {
        let shared = &self.shared;
        let had_session = shared.state.lock().session.is_some();
        let posted = shared.wire.post(&shared.wire.endpoint.url, &message, &self.headers(more)).await;
        let response = match posted {
            Ok(response) => response,
            Err(Fault::Status { status: 404, .. }) if had_session => {
                // SH-5.
                shared.inbox.close("it forgot the session");
                return Err(Fault::Expired);
            }
            Err(fault) => return Err(fault),
        };
        if let Some(session) = response.headers().get(SESSION) {
            let mut session = session.clone();
            session.set_sensitive(true);
            shared.state.lock().session = Some(session);
        }
        if is_stream(&response) {
            return self.follow(expected, response).await;
        }
        let status = response.status();
        let text = body(response, shared.limit).await?;
        self.take_in(&text);
        expected.answer_now().unwrap_or_else(|| {
            Err(Fault::Protocol(format!("HTTP status {status} and no answer to the request in the body")))
        })
    }

    /// Reads events until the answer is among them. A stream that ends before is taken up again where the server gave
    /// it ids (2025-11-25, "Resumability").
    async fn follow(&self, expected: &mut Expected<'_>, mut response: Response) -> Result<Bytes, Fault> {
        let mut place = String::new();
        let mut pause = None;
        for _ in 0..MAX_RESUMPTIONS {
            let mut events = Events::new(self.shared.limit);
            let ended = loop {
                match response.chunk().await {
                    Ok(Some(piece)) => self.take_events(&mut events, &piece)?,
                    Ok(None) => break "the stream ended before the answer".to_owned(),
                    Err(error) => break root_cause(&error),
                }
                if let Some(outcome) = expected.answer_now() {
                    return outcome;
                }
            };
            if let Some(event) = events.finish() {
                self.take_in(&event.data);
            }
            if let Some(outcome) = expected.answer_now() {
                return outcome;
            }
            if !events.last_id().is_empty() {
                events.last_id().clone_into(&mut place);
            }
            pause = events.retry().or(pause);
            let Ok(last) = HeaderValue::from_str(&place) else { return Err(Fault::Lost(ended)) };
            if place.is_empty() {
                return Err(Fault::Lost(ended));
            }
            tokio::time::sleep(pause.unwrap_or(Duration::from_millis(100)).min(MAX_STREAM_RETRY)).await;
            let more = HeaderMap::from_iter([(LAST_EVENT, last)]);
            response =
                self.shared.wire.get(&self.headers(&more)).await.map_err(|fault| Fault::Lost(fault.cause()))?;
        }
        Err(Fault::Lost("the stream ended too often before the answer".into()))
    }

    fn take_events(&self, events: &mut Events, piece: &[u8]) -> Result<(), Fault> {
        let all = events.feed(piece).map_err(|_| Fault::TooLarge(self.shared.limit))?;
        for event in all {
            if event.name.is_empty() || event.name == "message" {
                self.take_in(&event.data);
            }
        }
        Ok(())
    }

    fn take_in(&self, text: &Bytes) {
        for answer in self.shared.inbox.take_in(text) {
            self.send_soon(answer);
        }
    }

    /// Sends a message that nobody answers (W46: any 2xx will do).
    pub(crate) async fn notify(&self, message: Bytes) -> Result<(), Fault> {
        let url = &self.shared.wire.endpoint.url;
        self.shared.wire.post(url, &message, &self.headers(&HeaderMap::new())).await.map(drop)
    }

    /// The same, beside whatever happens; failures concern nobody.
    pub(crate) fn send_soon(&self, message: Bytes) {
        let link = self.clone();
        self.shared.runtime.spawn(async move {
            let _ = link.notify(message).await;
        });
    }

    /// Opens the stream for notifications beside the requests, again when it breaks: by GET, or by the request given
    /// (2026-07-28, "Subscriptions"). A server without one says so with an error. Every break counts as a change: what
    /// happened meanwhile was not told.
    pub(crate) fn listen(&self, request: Option<(Bytes, HeaderMap)>) {
        let weak = Arc::downgrade(&self.shared);
        let listener = self.shared.runtime.spawn(async move {
            listen_while_possible(&weak, request).await;
            // From here on nobody tells.
            if let Some(shared) = weak.upgrade() {
                shared.inbox.may_have_changed();
            }
        });
        if let Some(old) = self.shared.state.lock().listener.replace(listener) {
            old.abort();
        }
    }

    /// True while there is such a stream, as far as is known.
    pub(crate) fn is_listening(&self) -> bool {
        self.shared.state.lock().listener.as_ref().is_some_and(|listener| !listener.is_finished())
    }

    /// Ends the session.
    pub(crate) async fn end(&self) {
        let (session, listener) = {
            let mut state = self.shared.state.lock();
            (state.session.is_some(), state.listener.take())
        };
        if let Some(listener) = listener {
            listener.abort();
        }
        if session {
            let headers = self.headers(&HeaderMap::new());
            self.shared.wire.delete(&headers).await;
        }
        self.shared.inbox.close("it is no longer needed");
    }
}

async fn listen_while_possible(weak: &Weak<Shared>, request: Option<(Bytes, HeaderMap)>) {
    let mut failures = 0;
    while failures < MAX_LISTEN_FAILURES {
        let Some(shared) = weak.upgrade() else { return };
        let link = Streamable { shared };
        let opened = Instant::now();
        let wire = &link.shared.wire;
        let stream = match &request {
            Some((message, headers)) => wire.post(&wire.endpoint.url, message, &link.headers(headers)).await,
            None => wire.get(&link.headers(&HeaderMap::new())).await,
        };
        let Some(response) = stream.ok().filter(is_stream) else { return };
        if failures > 0 {
            link.shared.inbox.may_have_changed();
        }
        drop(link);
        listen_to(response, weak).await;
        failures = if opened.elapsed() > LISTEN_AGAIN { 1 } else { failures + 1 };
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn listen_to(mut response: Response, weak: &Weak<Shared>) {
    let mut events: Option<Events> = None;
    while let Ok(Some(piece)) = response.chunk().await {
        let Some(shared) = weak.upgrade() else { return };
        let link = Streamable { shared };
        let events = events.get_or_insert_with(|| Events::new(link.shared.limit));
        if link.take_events(events, &piece).is_err() {
            return;
        }
    }
}
