//! The transport of 2024-11-05: one stream for everything a server says, POSTs to the address it names first (§15, W47,
//! W48). Deprecated since 2025-03-26, and still around.

use super::events::Events;
use super::post::{Wire, is_stream, root_cause};
use crate::error::Fault;
use crate::inbox::{Expected, Inbox};
use crate::text::one_line;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::ACCEPT};
use parking_lot::Mutex;
use reqwest::Response;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

/// An open stream.
#[derive(Clone)]
pub(crate) struct SseLink {
    shared: Arc<Shared>,
}

struct Shared {
    wire: Wire,
    inbox: Arc<Inbox>,
    runtime: Handle,
    /// Where messages go, as far as the server said.
    address: watch::Receiver<Option<Url>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.get_mut().take() {
            reader.abort();
        }
    }
}

impl SseLink {
    /// Opens the stream and waits for the address. The stream is read on the runtime given.
    pub(crate) async fn open(wire: Wire, inbox: Arc<Inbox>, runtime: Handle, limit: usize) -> Result<Self, Fault> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        let response = wire.get(&headers).await?;
        if !is_stream(&response) {
            let why = "it is no event stream; newer servers need `transport.type` \"streamable-http\"";
            return Err(Fault::Protocol(why.into()));
        }
        let (told, address) = watch::channel(None);
        let shared = Arc::new(Shared { wire, inbox, runtime: runtime.clone(), address, reader: Mutex::default() });
        let reader =
            Reader { inbox: Arc::clone(&shared.inbox), base: shared.wire.endpoint.url.clone(), told, limit };
        let link = Self { shared };
        let weak = Arc::downgrade(&link.shared);
        let answer = move |text: Bytes| {
            if let Some(shared) = weak.upgrade() {
                Self { shared }.send_soon(text);
            }
        };
        *link.shared.reader.lock() = Some(runtime.spawn(reader.follow(response, answer)));
        let mut address = link.shared.address.clone();
        // Fails when the reader ended.
        if address.wait_for(Option::is_some).await.is_err() {
            let end = link.shared.inbox.end().unwrap_or_else(|| "the stream ended".into());
            return Err(Fault::NotSent(end));
        }
        Ok(link)
    }

    fn address(&self) -> Result<Url, Fault> {
        self.shared.address.borrow().clone().ok_or_else(|| Fault::NotSent("no address to send to".into()))
    }

    /// Sends a request and waits for its answer on the stream, for as long as the caller does.
    pub(crate) async fn exchange(&self, expected: &mut Expected<'_>, message: Bytes) -> Result<Bytes, Fault> {
        self.notify(message).await?;
        expected.answer().await
    }

    /// Sends a message. Its status says whether it arrived (W48).
    pub(crate) async fn notify(&self, message: Bytes) -> Result<(), Fault> {
        if let Some(end) = self.shared.inbox.end() {
            return Err(Fault::NotSent(end));
        }
        self.shared.wire.post(&self.address()?, &message, &HeaderMap::new()).await.map(drop)
    }

    /// The same, beside whatever happens; failures concern nobody.
    pub(crate) fn send_soon(&self, message: Bytes) {
        let link = self.clone();
        self.shared.runtime.spawn(async move {
            let _ = link.notify(message).await;
        });
    }

    /// Closes the stream (SS-5).
    pub(crate) fn end(&self) {
        if let Some(reader) = self.shared.reader.lock().take() {
            reader.abort();
        }
        self.shared.inbox.close("it is no longer needed");
    }
}

struct Reader {
    inbox: Arc<Inbox>,
    base: Url,
    told: watch::Sender<Option<Url>>,
    limit: usize,
}

impl Reader {
    async fn follow(self, mut response: Response, answer: impl Fn(Bytes)) {
        let mut events = Events::new(self.limit);
        let why = loop {
            let piece = match response.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break "the stream ended".to_owned(),
                Err(error) => break root_cause(&error),
            };
            let Ok(all) = events.feed(&piece) else {
                break format!("a message is larger than {} bytes", self.limit);
            };
            let mut refused = None;
            for event in all {
                match event.name.as_str() {
                    "endpoint" => refused = self.tell(&event.data).err(),
                    "" | "message" => self.inbox.take_in(&event.data).into_iter().for_each(&answer),
                    _ => {}
                }
            }
            if let Some(why) = refused {
                break why;
            }
        };
        self.inbox.close(&why);
    }

    /// W47: credentials go to the configured origin only.
    fn tell(&self, data: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(data);
        let shown = one_line(&text, 200);
        let address =
            self.base.join(text.trim()).map_err(|error| format!("the address {shown:?} is none: {error}"))?;
        if address.origin() != self.base.origin() {
            return Err(format!(
                "it wants messages at another origin ({:?}), which is refused",
                open_cli_contract::redact::url(&address)
            ));
        }
        self.told.send_replace(Some(address));
        Ok(())
    }
}
