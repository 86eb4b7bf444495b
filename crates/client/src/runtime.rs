//! One runtime, one connection: how requests are sent, traced and understood. The calls themselves are in `calls` and
//! `audit`.

use crate::answer::{Answer, Head};
use crate::error::{foreign, is_page};
use crate::transport::{Fault, Stream, Transport};
use crate::{ClientError, CommandTrace, Environment, Patience, Refusal, RuntimeUrl};
use open_cli_contract::REQUEST_ID_HEADER;
use open_cli_contract::ids::RequestId;
use open_cli_contract::problem::ErrorCode;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::io::Read;
use std::rc::Rc;
use std::time::Duration;
use ureq::http::Method;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// How often a read is repeated when the runtime says "in a moment".
const READ_RETRIES: u32 = 2;
/// Pause before such a repetition when the runtime names none, and the longest pause that is waited.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
const RETRY_PAUSE_LIMIT: Duration = Duration::from_secs(2);
/// Largest refusal of a stream that is read.
const REFUSAL_LIMIT: u64 = 1 << 20;
const ACCEPT: &str = "application/json, application/problem+json";
const ACCEPT_LINES: &str = "application/x-ndjson, application/json;q=0.5, application/problem+json";

/// Who asks, and about which configuration.
#[derive(Debug, Default)]
pub struct Identity {
    /// Sent as `config`; empty when no configuration is known.
    pub config: String,
    /// Mode override.
    pub mode: String,
    /// Agent profile.
    pub agent_profile: String,
    /// Bearer token.
    pub token: Option<SecretString>,
    /// A token is configured, but for another runtime.
    pub token_withheld: bool,
    /// Where another token comes from when the runtime refuses this one.
    pub renew: Option<Renew>,
}

/// Gets another token than the one that was refused.
#[derive(Clone)]
pub struct Renew(Rc<GetAnother>);

type GetAnother = dyn Fn(&SecretString) -> Option<SecretString>;

impl Renew {
    /// By this.
    pub fn new(get: impl Fn(&SecretString) -> Option<SecretString> + 'static) -> Self {
        Self(Rc::new(get))
    }
}

impl std::fmt::Debug for Renew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renew")
    }
}

/// An answer and the request it belongs to.
#[derive(Debug)]
pub struct Sent<T> {
    /// What came back.
    pub value: T,
    /// As the runtime knows the request.
    pub request_id: String,
    /// The answer named its request, so the runtime may have a trace of it.
    pub is_named: bool,
}

/// A runtime that can be asked.
pub struct Runtime {
    url: RuntimeUrl,
    transport: Transport,
    identity: Identity,
    patience: Patience,
    /// The token in use; another one after it was renewed, which happens once.
    token: RefCell<Option<SecretString>>,
    is_renewed: Cell<bool>,
    trace: Option<Rc<CommandTrace>>,
}

/// A request to be sent.
struct Outgoing<'a> {
    method: Method,
    path: &'a str,
    /// The path without what varies.
    route: &'a str,
    body: Option<&'a [u8]>,
    accept: &'static str,
    id: RequestId,
}

impl<'a> Outgoing<'a> {
    fn get(path: &'a str, route: &'a str) -> Self {
        Self { method: Method::GET, path, route, body: None, accept: ACCEPT, id: RequestId::generate() }
    }
}

impl Runtime {
    /// Connects to nothing yet. What is sent belongs to the trace, if there is one.
    pub fn new(
        url: RuntimeUrl,
        environment: &Environment,
        identity: Identity,
        patience: Patience,
        trace: Option<Rc<CommandTrace>>,
    ) -> Result<Self, ClientError> {
        let transport = Transport::new(url.url(), environment, patience).map_err(|detail| {
            ClientError::Unreachable { url: url.as_str().to_owned(), detail, request_id: String::new() }
        })?;
        let token = RefCell::new(identity.token.clone());
        Ok(Self { url, transport, identity, patience, token, is_renewed: Cell::new(false), trace })
    }

    /// Base URL.
    pub fn url(&self) -> &RuntimeUrl {
        &self.url
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn config(&self) -> &str {
        &self.identity.config
    }

    /// A read: repeated when the runtime is not ready yet.
    pub(crate) fn read<T: DeserializeOwned>(&self, path: &str, route: &str) -> Result<Sent<T>, ClientError> {
        let (answer, id) = self.patiently(|| self.send(&Outgoing::get(path, route)))?;
        self.decode(&answer, id)
    }

    /// The same with what the head of the answer says.
    pub(crate) fn read_with_head<T: DeserializeOwned>(
        &self,
        path: &str,
        route: &str,
    ) -> Result<(Head, T), ClientError> {
        let (answer, id) = self.patiently(|| self.send(&Outgoing::get(path, route)))?;
        let value = self.parse(&answer.head, &answer.body, &id)?;
        Ok((answer.head, value))
    }

    /// A read whose answer is as long as it likes.
    pub(crate) fn stream(&self, path: &str, route: &str) -> Result<(Head, Stream, String), ClientError> {
        match self.stream_once(path, route) {
            Err(error) if self.renews_after(&error) => self.stream_once(path, route),
            other => other,
        }
    }

    fn stream_once(&self, path: &str, route: &str) -> Result<(Head, Stream, String), ClientError> {
        self.patiently(|| {
            let outgoing = Outgoing { accept: ACCEPT_LINES, ..Outgoing::get(path, route) };
            let (head, mut stream) = self.sent(&outgoing, |url, headers| self.transport.open(url, headers))?;
            let id = head.request_id().unwrap_or_else(|| outgoing.id.clone());
            let mut body = Vec::new();
            if !(200..=299).contains(&head.status) {
                // What can't be read of a refusal is missing from its text only.
                let _ = stream.by_ref().take(REFUSAL_LIMIT).read_to_end(&mut body);
            }
            self.check(&head, &body, &id)?;
            Ok((head, stream, id.to_string()))
        })
    }

    /// A request that changes something: sent once.
    pub(crate) fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        route: &str,
        body: &[u8],
    ) -> Result<Sent<T>, ClientError> {
        let (answer, id) = self.send(&Outgoing { method, body: Some(body), ..Outgoing::get(path, route) })?;
        self.decode(&answer, id)
    }

    /// What a command is about: the request whose trace a person will want to see.
    pub(crate) fn call<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<Sent<T>, ClientError> {
        let mut outgoing = Outgoing { method: Method::POST, body: Some(body), ..Outgoing::get(path, path) };
        if let Some(trace) = &self.trace {
            outgoing.id = trace.request_id().unwrap_or(outgoing.id);
            trace.called(outgoing.id.as_str());
        }
        let (answer, id) = self.send(&outgoing)?;
        if let Some(trace) = &self.trace {
            trace.called(&id);
        }
        self.decode(&answer, id)
    }

    fn patiently<T>(&self, ask: impl Fn() -> Result<T, Unsent>) -> Result<T, ClientError> {
        let mut attempt = 0;
        loop {
            match ask() {
                Err(Unsent::Later { pause, .. }) if attempt < READ_RETRIES => {
                    attempt += 1;
                    wait(pause.unwrap_or(RETRY_PAUSE * attempt).min(RETRY_PAUSE_LIMIT));
                }
                other => return Ok(other?),
            }
        }
    }

    /// Authentication comes before everything else in a runtime, so what was refused for its token had no effect and
    /// may be sent again with another one, once.
    fn send(&self, outgoing: &Outgoing<'_>) -> Result<(Answer, String), Unsent> {
        match self.send_once(outgoing) {
            Err(Unsent::For(error)) if self.renews_after(&error) => self.send_once(outgoing),
            other => other,
        }
    }

    /// True when the request was refused for its token, and there is another one now.
    fn renews_after(&self, error: &ClientError) -> bool {
        let ClientError::Refused(refusal) = error else { return false };
        let (Some(ErrorCode::AuthnFailed), Some(renew)) = (refusal.code, &self.identity.renew) else {
            return false;
        };
        let Some(refused) = self.token.borrow().clone() else { return false };
        if self.is_renewed.replace(true) {
            return false;
        }
        let renewed = (renew.0)(&refused);
        let is_renewed = renewed.is_some();
        if is_renewed {
            self.token.replace(renewed);
        }
        is_renewed
    }

    fn send_once(&self, outgoing: &Outgoing<'_>) -> Result<(Answer, String), Unsent> {
        let answer = self.sent(outgoing, |url, headers| {
            let answer = self.transport.send(outgoing.method.clone(), url, headers, outgoing.body)?;
            Ok((answer.head, answer.body))
        });
        let (head, body) = answer?;
        let id = head.request_id().unwrap_or_else(|| outgoing.id.clone());
        self.check(&head, &body, &id)?;
        Ok((Answer { head, body }, id.to_string()))
    }

    /// Sends with all header fields, inside a span.
    fn sent<B>(
        &self,
        outgoing: &Outgoing<'_>,
        send: impl FnOnce(&str, &[(&str, &str)]) -> Result<(Head, B), Fault>,
    ) -> Result<(Head, B), ClientError> {
        let url = format!("{}{}", self.url.as_str(), outgoing.path);
        let span = self.trace.as_ref().and_then(|t| t.request(&outgoing.method, outgoing.route, &self.url));
        let context = span.as_ref().map(|span| span.headers()).unwrap_or_default();
        let mut headers = vec![("accept", outgoing.accept), (REQUEST_ID_HEADER, outgoing.id.as_str())];
        if outgoing.body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let token = self.token.borrow().clone();
        let authorization = token.map(|token| Zeroizing::new(format!("Bearer {}", token.expose_secret())));
        if let Some(authorization) = &authorization {
            headers.push(("authorization", authorization));
        }
        headers.extend(context.iter().map(|(name, value)| (*name, value.as_str())));
        match send(&url, &headers) {
            Ok((head, body)) => {
                if let Some(span) = span {
                    span.answered(head.status);
                }
                Ok((head, body))
            }
            Err(fault) => {
                if let Some(span) = span {
                    span.failed(fault.word());
                }
                Err(self.fault(fault, outgoing.id.to_string()))
            }
        }
    }

    /// Tells a usable answer from a refusal, and from what no runtime answers.
    fn check(&self, head: &Head, body: &[u8], id: &RequestId) -> Result<(), Unsent> {
        match head.status {
            200..=299 => Ok(()),
            400..=599 => {
                if let Some(detail) = foreign(head.status, body) {
                    return Err(self.not_a_runtime(detail, id.to_string()).into());
                }
                let withheld = self.identity.token_withheld;
                let mut refusal = Refusal::read(head.status, body, id.as_str(), withheld);
                refusal.is_named = head.request_id().is_some();
                refusal.had_token = self.token.borrow().is_some();
                let error = ClientError::Refused(Box::new(refusal));
                match head.status {
                    503 => Err(Unsent::Later { pause: head.retry_after(), error }),
                    _ => Err(error.into()),
                }
            }
            status => {
                let target = head.location().map(|l| format!(" to {}", open_cli_contract::redact::text(l)));
                let detail = format!("status {status}{}", target.unwrap_or_default());
                Err(self.bad_answer(detail, id.to_string()).into())
            }
        }
    }

    pub(crate) fn fault(&self, fault: Fault, request_id: String) -> ClientError {
        let url = self.url.as_str().to_owned();
        match fault {
            Fault::Unreachable(detail) => ClientError::Unreachable { url, detail, request_id },
            Fault::Broken(detail) => ClientError::BadAnswer { url, detail, request_id },
            Fault::TimedOut => ClientError::TimedOut { url, after: self.patience.answer(), request_id },
        }
    }

    fn decode<T: DeserializeOwned>(&self, answer: &Answer, request_id: String) -> Result<Sent<T>, ClientError> {
        let value = self.parse(&answer.head, &answer.body, &request_id)?;
        Ok(Sent { value, request_id, is_named: answer.head.request_id().is_some() })
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self, head: &Head, body: &[u8], id: &str) -> Result<T, ClientError> {
        match serde_json::from_slice(body) {
            Ok(value) => Ok(value),
            Err(_) if is_page(&String::from_utf8_lossy(body)) => {
                Err(self.not_a_runtime("it answered with a web page", id.to_owned()))
            }
            Err(error) if head.request_id().is_none() => {
                Err(self.not_a_runtime(format!("its answer is not the expected JSON: {error}"), id.to_owned()))
            }
            Err(error) => Err(self.bad_answer(format!("it is not the expected JSON: {error}"), id.to_owned())),
        }
    }

    pub(crate) fn bad_answer(&self, detail: String, request_id: String) -> ClientError {
        ClientError::BadAnswer { url: self.url.as_str().to_owned(), detail, request_id }
    }

    pub(crate) fn not_a_runtime(&self, detail: impl Into<String>, request_id: String) -> ClientError {
        ClientError::NotARuntime { url: self.url.as_str().to_owned(), detail: detail.into(), request_id }
    }

    pub(crate) fn bad_request(&self, error: &serde_json::Error) -> ClientError {
        self.bad_answer(format!("the request can't be written: {error}"), String::new())
    }
}

/// A request without a usable answer.
enum Unsent {
    /// The runtime is not ready yet, or too busy.
    Later {
        pause: Option<Duration>,
        error: ClientError,
    },
    For(ClientError),
}

impl From<ClientError> for Unsent {
    fn from(error: ClientError) -> Self {
        Self::For(error)
    }
}

impl From<Unsent> for ClientError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Later { error, .. } | Unsent::For(error) => error,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this program is blocking: there is no worker to starve")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

/// Path and query; empty values are left out.
pub(crate) fn path(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = query.iter().filter(|(_, value)| !value.is_empty()).peekable();
    if pairs.peek().is_none() {
        return path.to_owned();
    }
    Serializer::for_suffix(format!("{path}?"), path.len() + 1).extend_pairs(pairs).finish()
}
