//! A configured server over its whole life (W3, W66): connected when it is first needed, once whoever asks (single flight),
//! again after it went away, with pauses when it keeps failing; its tools; calls. Not for what an exchange looks like.

use crate::error::{Fault, McpError};
use crate::headers;
use crate::inbox::Version;
use crate::json::Object;
use crate::limits::{
    FIRST_BACKOFF, LIST_TIMEOUT, Limits, MAX_BACKOFF, MAX_CURSOR_BYTES, MAX_LISTING_BYTES, MAX_PAGES, MAX_TOOLS,
    STABLE_AFTER, WAITED_BACKOFF,
};
use crate::protocol::{Era, UNKNOWN_METHOD};
use crate::result::{self, Outcome, ToolAnswer};
use crate::session::{Exchange, Session, Surroundings};
use crate::spec::{ServerSpec, Transport};
use crate::tools::{Gathering, Listing, Page, Remark};
use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use open_cli_observe::Trace;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A list of tools that nobody tells changes of is asked for again after this, unless the server or the operator says
/// otherwise.
const DEFAULT_FRESHNESS: Duration = Duration::from_secs(60);
/// And never more often than this.
const LEAST_FRESHNESS: Duration = Duration::from_secs(5);
/// Times that a server may say: ask again.
const MAX_ROUNDS: u32 = 8;

/// A server.
pub struct Server {
    spec: Arc<ServerSpec>,
    limits: Limits,
    around: Arc<Surroundings>,
    version: Arc<Version>,
    session: ArcSwapOption<Session>,
    history: tokio::sync::Mutex<History>,
    listing: ArcSwapOption<Listing>,
    /// One listing at a time.
    listing_turn: tokio::sync::Mutex<()>,
}

/// What connecting has come to so far.
#[derive(Default)]
struct History {
    era: Option<Era>,
    failures: u32,
    connected_at: Option<Instant>,
    not_before: Option<Instant>,
    cause: String,
}

/// How a list of tools is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Ask the server even when its last list is still good.
    pub anew: bool,
    /// How long to wait for it; the server is asked on all the same.
    pub patience: Duration,
    /// `refresh.maxAgeSeconds`, when set.
    pub max_age: Option<Duration>,
    /// `refresh.manualOnly`.
    pub manual_only: bool,
}

/// A call of a tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    /// Its name at the server.
    pub tool: &'a str,
    /// JSON, most often an object.
    pub arguments: &'a RawValue,
    /// Calling it again changes nothing more: it may be tried again when the connection broke.
    pub idempotent: bool,
}

/// How a call ended, and how often it was tried again.
pub type Called = (Result<ToolAnswer, McpError>, u32);

impl Server {
    pub(crate) fn new(spec: ServerSpec, limits: Limits, around: Arc<Surroundings>) -> Arc<Self> {
        Arc::new(Self {
            spec: Arc::new(spec),
            limits,
            around,
            version: Arc::default(),
            session: ArcSwapOption::empty(),
            history: tokio::sync::Mutex::default(),
            listing: ArcSwapOption::empty(),
            listing_turn: tokio::sync::Mutex::default(),
        })
    }

    /// What is configured.
    pub fn spec(&self) -> &ServerSpec {
        &self.spec
    }

    /// Changes with everything after which its list of tools may be another one: it says so, or was connected anew. Cheap.
    pub fn version(&self) -> u64 {
        self.version.current()
    }

    /// The tools. A list that is still good is given without asking.
    ///
    /// # Errors
    /// When the server can't be connected or does not answer rightly; [`McpError::Starting`] when it takes longer than
    /// the caller waits. It is asked on then, and [`Server::version`] changes when it has answered.
    pub async fn listing(self: &Arc<Self>, asking: Asking, trace: &Trace) -> Result<Arc<Listing>, McpError> {
        if let Some(listing) = self.good_listing().filter(|_| !asking.anew) {
            return Ok(listing);
        }
        let (server, trace) = (Arc::clone(self), trace.clone());
        // Goes on when the caller goes away: the next one finds the list.
        let work = self.around.runtime.spawn(async move { server.ask(asking, &trace).await });
        match tokio::time::timeout(asking.patience, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(self.unavailable(format!("listing its tools failed: {error}"))),
            Err(_) => Err(McpError::Starting { server: self.spec.source_id.clone() }),
        }
    }

    fn good_listing(&self) -> Option<Arc<Listing>> {
        let listing = self.listing.load_full()?;
        let is_fresh = listing.expires_at.is_none_or(|at| Timestamp::now() < at);
        (is_fresh && listing.version == self.version()).then_some(listing)
    }

    fn unavailable(&self, cause: String) -> McpError {
        McpError::Unavailable { server: self.spec.source_id.clone(), cause }
    }

    async fn ask(self: &Arc<Self>, asking: Asking, trace: &Trace) -> Result<Arc<Listing>, McpError> {
        let arrived = self.listing.load_full();
        let _turn = self.listing_turn.lock().await;
        // Whoever had the turn before may have asked after this one arrived.
        if let Some(listing) = self.good_listing()
            && (!asking.anew || arrived.is_none_or(|old| !Arc::ptr_eq(&old, &listing)))
        {
            return Ok(listing);
        }
        let session = self.connected(trace).await?;
        // Before asking: a change while it answers shows as a change afterwards.
        let asked = self.version();
        let (gathering, ttl) = match self.pages(&session, trace).await {
            Ok(listed) => listed,
            Err(fault) => return Err(fault.of_connection(&self.spec.source_id)),
        };
        let freshness = match (asking.manual_only, asking.max_age) {
            (true, _) => None,
            (false, Some(max_age)) => Some(max_age.max(LEAST_FRESHNESS)),
            (false, None) if session.tells_changes() => None,
            (false, None) => Some(ttl.unwrap_or(DEFAULT_FRESHNESS).max(LEAST_FRESHNESS)),
        };
        let expires_at = freshness
            .and_then(|freshness| SignedDuration::try_from(freshness).ok())
            .and_then(|freshness| Timestamp::now().checked_add(freshness).ok());
        // What did not change meanwhile counts as this very list; its arrival is news to those who did not wait.
        let version = if self.version() == asked { self.version.change() } else { asked };
        let Gathering { tools, remarks, .. } = gathering;
        let listing = Arc::new(Listing { tools, remarks, version, expires_at });
        self.listing.store(Some(Arc::clone(&listing)));
        Ok(listing)
    }

    async fn pages(&self, session: &Session, trace: &Trace) -> Result<(Gathering, Option<Duration>), Fault> {
        let until = Instant::now() + LIST_TIMEOUT;
        let sends_headers =
            matches!(self.spec.transport, Transport::StreamableHttp(_)) && session.era() == Era::Modern;
        let mut gathering = Gathering::default();
        let mut cursor: Option<String> = None;
        let mut ttl = None;
        for _ in 0..MAX_PAGES {
            let params = match &cursor {
                Some(cursor) => Object::default().with("cursor", cursor),
                None => Object::default(),
            };
            let left = until.saturating_duration_since(Instant::now());
            let page = match session.exchange(Exchange::new("tools/list", params, left), trace).await {
                Ok(page) => page,
                Err(Fault::Rpc(error)) if error.code == UNKNOWN_METHOD && cursor.is_none() => {
                    gathering.remarks.push(Remark::new("", "the server offers no tools"));
                    break;
                }
                Err(fault) => return Err(fault),
            };
            let page: Page<'_> = serde_json::from_slice(&page)
                .map_err(|error| Fault::Protocol(format!("its list of tools can't be read: {error}")))?;
            for definition in page.tools {
                if gathering.tools.len() >= MAX_TOOLS || gathering.bytes > MAX_LISTING_BYTES {
                    let why =
                        format!("only {MAX_TOOLS} tools and {MAX_LISTING_BYTES} bytes of definitions are read");
                    gathering.remarks.push(Remark::new("", why));
                    return Ok((gathering, ttl));
                }
                gathering.add(definition, sends_headers);
            }
            ttl = page.ttl_ms.map(Duration::from_millis).or(ttl);
            let next = page.next_cursor.filter(|next| !next.is_empty());
            if next.is_some() && next == cursor {
                gathering
                    .remarks
                    .push(Remark::new("", "the list of tools does not end: a page names itself as the next"));
                break;
            }
            cursor = next;
            match &cursor {
                None => break,
                Some(cursor) if cursor.len() > MAX_CURSOR_BYTES => {
                    gathering
                        .remarks
                        .push(Remark::new("", "the next page of tools has a name of unreasonable length"));
                    break;
                }
                Some(_) => {}
            }
        }
        Ok((gathering, ttl))
    }

    /// Calls a tool. Never twice, unless the first try surely had no effect or the tool is idempotent. Dropping the
    /// future cancels the call.
    pub async fn call(self: &Arc<Self>, call: ToolCall<'_>, trace: &Trace) -> Called {
        let mut span = trace.span("execution.mcp");
        let mut retries = 0;
        let until = Instant::now() + self.limits.call_timeout;
        let work = self.rounds(call, until, &mut retries, span.trace());
        let result = tokio::time::timeout_at(until, work).await.unwrap_or_else(|_| {
            Err(McpError::Timeout { server: self.spec.source_id.clone(), limit: self.limits.call_timeout })
        });
        if trace.is_enabled() {
            span.set("retryCount", retries);
            if result.as_ref().is_ok_and(|answer| answer.is_error) {
                span.set("error.type", "tool_error");
                span.fail("the tool says that it failed");
            }
        }
        (span.end_with(result), retries)
    }

    async fn rounds(
        self: &Arc<Self>,
        call: ToolCall<'_>,
        until: Instant,
        retries: &mut u32,
        trace: &Trace,
    ) -> Result<ToolAnswer, McpError> {
        let server = self.spec.source_id.as_str();
        let mut state: Option<String> = None;
        for _ in 0..MAX_ROUNDS {
            let result = self.send(call, state.as_deref(), until, retries, trace).await?;
            match result::read(&result) {
                Ok(Outcome::Complete(answer)) => return Ok(answer),
                Ok(Outcome::Again { state: next }) => state = Some(next),
                Ok(Outcome::Asks(asks)) => {
                    return Err(McpError::InputRequired { server: server.to_owned(), asks });
                }
                Err(cause) => return Err(McpError::Protocol { server: server.to_owned(), cause }),
            }
        }
        let cause = format!("it asked {MAX_ROUNDS} times to be asked again");
        Err(McpError::Protocol { server: server.to_owned(), cause })
    }

    async fn send(
        self: &Arc<Self>,
        call: ToolCall<'_>,
        state: Option<&str>,
        until: Instant,
        retries: &mut u32,
        trace: &Trace,
    ) -> Result<bytes::Bytes, McpError> {
        let mut was_broken = false;
        loop {
            let session = self.connected(trace).await?;
            let mut params = Object::default().with("name", call.tool).raw("arguments", call.arguments.get());
            if let Some(state) = state {
                params = params.with("requestState", state);
            }
            let timeout = until.saturating_duration_since(Instant::now());
            let mut exchange = Exchange::new("tools/call", params, timeout);
            exchange.tool = Some(call.tool);
            exchange.headers = self.headers(&session, call, trace).await?;
            let fault = match session.exchange(exchange, trace).await {
                Ok(result) => return Ok(result),
                Err(fault) => fault,
            };
            let had_no_effect = matches!(fault, Fault::NotSent(_) | Fault::Expired);
            let may_repeat = had_no_effect || (call.idempotent && matches!(fault, Fault::Lost(_)));
            if was_broken || !may_repeat {
                return Err(match fault {
                    Fault::Timeout(_) => {
                        McpError::Timeout { server: self.spec.source_id.clone(), limit: self.limits.call_timeout }
                    }
                    fault => fault.of_call(&self.spec.source_id),
                });
            }
            was_broken = true;
            // What surely had no effect is no second try.
            *retries += u32::from(!had_no_effect);
            if had_no_effect && session.end_of().is_none() {
                // The connection could not be made; another try would end the same way at once.
                return Err(fault.of_call(&self.spec.source_id));
            }
        }
    }

    async fn headers(
        self: &Arc<Self>,
        session: &Session,
        call: ToolCall<'_>,
        trace: &Trace,
    ) -> Result<http::HeaderMap, McpError> {
        if session.era() != Era::Modern || !matches!(self.spec.transport, Transport::StreamableHttp(_)) {
            return Ok(http::HeaderMap::new());
        }
        let listing = match self.listing.load_full() {
            Some(listing) => listing,
            None => {
                let patience = self.limits.call_timeout;
                self.listing(Asking { anew: false, patience, max_age: None, manual_only: false }, trace).await?
            }
        };
        let tool = listing.tools.iter().find(|tool| tool.name == call.tool);
        let params = tool.map(|tool| tool.header_params.as_slice()).unwrap_or_default();
        headers::of_arguments(params, call.arguments).map_err(McpError::Arguments)
    }

    /// The connection, made now if there is none.
    async fn connected(self: &Arc<Self>, trace: &Trace) -> Result<Arc<Session>, McpError> {
        if let Some(session) = self.session.load_full().filter(|session| session.end_of().is_none()) {
            return Ok(session);
        }
        let (server, trace) = (Arc::clone(self), trace.clone());
        // Goes on when the caller goes away: others wait for it too.
        let work = self.around.runtime.spawn(async move { server.connect(&trace).await });
        work.await.unwrap_or_else(|error| Err(self.unavailable(format!("connecting failed: {error}"))))
    }

    async fn connect(&self, trace: &Trace) -> Result<Arc<Session>, McpError> {
        let mut history = self.history.lock().await;
        if let Some(session) = self.session.load_full() {
            match session.end_of() {
                None => return Ok(session),
                Some(why) => self.note_end(&mut history, why),
            }
        }
        self.wait(&history).await?;
        let mut span = trace.span("mcp.connect");
        span.set("mcp.source.id", self.spec.source_id.clone());
        let mut opened = self.open(history.era, span.trace()).await;
        let is_program = matches!(self.spec.transport, Transport::Stdio(_));
        if is_program && history.era.is_none() && matches!(opened, Err(Fault::Lost(_) | Fault::NotSent(_))) {
            // Old programs may end at a question they don't know.
            opened = match self.open(Some(Era::Legacy), span.trace()).await {
                Ok(session) => Ok(session),
                // The first fault is the one that says why.
                Err(_) => opened,
            };
        }
        match opened {
            Ok(session) => {
                let session = Arc::new(session);
                let server = &self.spec.source_id;
                tracing::info!(%server, transport = self.spec.transport.word(), version = session.protocol(), "connected");
                history.era = Some(session.era());
                if history.connected_at.replace(Instant::now()).is_some() {
                    // It may have come back with other tools.
                    self.version.change();
                }
                self.session.store(Some(Arc::clone(&session)));
                span.end();
                Ok(session)
            }
            Err(fault) => {
                // What it is may have changed too.
                history.era = None;
                self.note_failure(&mut history, fault.cause());
                span.fail(fault.word());
                span.end();
                tracing::warn!(server = %self.spec.source_id, failures = history.failures, "can't be connected: {}", history.cause);
                Err(fault.of_connection(&self.spec.source_id))
            }
        }
    }

    async fn open(&self, era: Option<Era>, trace: &Trace) -> Result<Session, Fault> {
        Session::open(&self.spec, &self.around, &self.limits, &self.version, era, trace).await
    }

    /// Pauses of a server that keeps failing: short ones are waited for, long ones refused.
    async fn wait(&self, history: &History) -> Result<(), McpError> {
        let Some(at) = history.not_before else { return Ok(()) };
        let wait = at.saturating_duration_since(Instant::now());
        if wait > WAITED_BACKOFF {
            let (server, cause, failures) = (self.spec.source_id.clone(), history.cause.clone(), history.failures);
            return Err(McpError::BackingOff { server, cause, failures, wait });
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn note_end(&self, history: &mut History, why: String) {
        tracing::warn!(server = %self.spec.source_id, "the connection ended: {why}");
        self.session.store(None);
        let was_stable = history.connected_at.is_some_and(|at| at.elapsed() >= STABLE_AFTER);
        if was_stable {
            history.failures = 0;
        }
        // What ends by being forgotten has not failed.
        match &self.spec.transport {
            Transport::StreamableHttp(_) => {}
            _ => self.note_failure(history, why),
        }
    }

    /// The first failure costs no pause; each further one twice as long.
    fn note_failure(&self, history: &mut History, cause: String) {
        history.failures = history.failures.saturating_add(1);
        history.cause = cause;
        let doublings = history.failures.saturating_sub(2).min(16);
        let pause = (FIRST_BACKOFF * 2_u32.pow(doublings)).min(MAX_BACKOFF);
        history.not_before = (history.failures > 1).then(|| Instant::now() + pause);
    }

    /// Ends its connection, and its program; the next call connects again.
    pub(crate) async fn end(&self) {
        if let Some(session) = self.session.swap(None) {
            session.end().await;
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(session) = self.session.swap(None) {
            self.around.runtime.spawn(async move { session.end().await });
        }
    }
}
