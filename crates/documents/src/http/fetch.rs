//! The way of one fetch (config-and-state §4.4): stored and fresh, else ask the origin, else what is stored if the
//! origin is down. Weaknesses 40 to 52 are behaviour here.

use super::client::{Clients, FetchMethod, Question, Reply};
use super::flights::Flights;
use super::freshness::{CacheControl, expires_at, stands_in_until};
use super::inventory::Swept;
use super::metadata::{Headers, Metadata};
use super::store::{Entry, Found, Store};
use crate::error::DocumentError;
use crate::guard::key_suffix;
use crate::{DocumentsConfig, FetchPolicy};
use bytes::Bytes;
use jiff::Timestamp;
use open_cli_contract::catalog::{CacheOutcome, FetchRecord};
use open_cli_contract::redact;
use open_cli_observe::{Event, Trace};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A remote document to read.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// `GET` or `HEAD`.
    pub method: FetchMethod,
    /// `http` or `https`; a fragment is ignored.
    pub url: Url,
    /// Header `Accept`; part of the cache key (CACHE-1).
    pub accept: Option<String>,
}

impl FetchRequest {
    /// `GET` without `Accept`, as for API descriptions (CACHE-3).
    pub fn get(url: Url) -> Self {
        Self { method: FetchMethod::Get, url, accept: None }
    }

    /// CACHE-1, of the URL as it is or redacted.
    fn key(&self, url: &str) -> String {
        let method = self.method.as_str();
        match &self.accept {
            Some(accept) => format!("{method}:{url}:{accept}"),
            None => format!("{method}:{url}"),
        }
    }
}

/// An answer, from the origin or from disk.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// For the provenance of the source (§4.7).
    pub record: FetchRecord,
    /// Empty for `HEAD`.
    pub body: Bytes,
    /// Where redirects led, without credentials if they led anywhere; else the URL of the request.
    pub final_url: Url,
    headers: Headers,
}

impl Fetched {
    /// Lines of a response header, by its name in any case.
    pub fn header_lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.lines(name)
    }
}

/// What those who asked together share.
#[derive(Clone)]
struct Shared {
    policy: Key,
    result: Result<Arc<Answer>, DocumentError>,
}

/// What of a policy makes a difference to the answer.
type Key = (Option<Duration>, bool, bool);

struct Answer {
    metadata: Metadata,
    body: Bytes,
    outcome: CacheOutcome,
    expires_at: Option<Timestamp>,
}

pub(crate) struct Fetcher {
    config: Arc<DocumentsConfig>,
    store: Option<Arc<Store>>,
    /// Of another process.
    borrowed: Option<Arc<Store>>,
    clients: Clients,
    flights: Flights<Shared>,
}

impl Fetcher {
    pub(crate) fn new(config: Arc<DocumentsConfig>) -> Self {
        let store = config.cache_dir.clone().map(|dir| Arc::new(Store::new(dir, config.max_body_bytes)));
        let borrowed = config.borrowed_cache_dir.clone();
        let borrowed = borrowed.map(|dir| Arc::new(Store::read_only(dir, config.max_body_bytes)));
        Self { config, store, borrowed, clients: Clients::default(), flights: Flights::default() }
    }

    /// Reads a remote document through the cache.
    pub(crate) async fn fetch(
        &self,
        request: &FetchRequest,
        policy: &FetchPolicy,
        trace: &Trace,
    ) -> Result<Fetched, DocumentError> {
        let mut request = request.clone();
        request.url.set_fragment(None);
        let shown = redact::url(&request.url);
        let mut span = trace.span("cache.fetch");
        span.set("method", request.method.as_str().to_owned());
        span.set("url", shown.clone());
        let suffix = key_suffix(policy.guard.as_deref(), &request.url);
        let key = request.key(request.url.as_str()) + &suffix;
        let policy_key = (policy.max_age, policy.manual_only, policy.force_refresh);
        let work = async { Shared { policy: policy_key, result: self.answer(&request, &key, policy).await } };
        let result = self.flights.run(&key, |shared| shared.policy == policy_key, work).await.result;
        let mut event = Event::named("cache.fetch");
        event.operation = request.method.as_str().to_owned();
        event.url = shown.clone();
        match &result {
            Ok(answer) => {
                event.cache_outcome = Some(answer.outcome);
                event.status_code = answer.metadata.status_code;
                span.set("cacheOutcome", answer.outcome.as_str());
            }
            Err(error) => (event.error_category, event.status_code) = category(error),
        }
        span.trace().event(event);
        let answer = span.end_with(result)?;
        let final_url = Url::parse(&answer.metadata.final_url).unwrap_or_else(|_| request.url.clone());
        Ok(Fetched {
            record: record(&answer, &request, shown, policy),
            body: answer.body.clone(),
            final_url,
            headers: answer.metadata.headers.clone(),
        })
    }

    /// The algorithm of §4.4.
    async fn answer(
        &self,
        request: &FetchRequest,
        key: &str,
        policy: &FetchPolicy,
    ) -> Result<Arc<Answer>, DocumentError> {
        // Before any network activity: the delay of an answer counts as its age.
        let now = Timestamp::now();
        let found = self.load(key).await;
        let was_there = !matches!(found, Found::Nothing);
        let entry = match found {
            Found::Entry(entry) if !varies(&entry.metadata, request, &self.config.user_agent) => Some(*entry),
            _ => None,
        };
        if self.config.offline {
            let entry = entry.ok_or_else(|| DocumentError::Offline { url: redact::url(&request.url) })?;
            let is_fresh = is_fresh(&entry.metadata, policy, now);
            let outcome = if is_fresh { CacheOutcome::FreshHit } else { CacheOutcome::StaleHit };
            return Ok(answer_from(&entry, outcome, policy));
        }
        if let Some(entry) = &entry
            && !policy.force_refresh
        {
            if is_fresh(&entry.metadata, policy, now) {
                return Ok(answer_from(entry, CacheOutcome::FreshHit, policy));
            }
            if policy.manual_only {
                return Ok(answer_from(entry, CacheOutcome::StaleHit, policy));
            }
        }
        let none = Metadata::default();
        let known = entry.as_ref().map_or(&none, |entry| &entry.metadata);
        let question = Question {
            method: request.method,
            url: &request.url,
            accept: request.accept.as_deref(),
            if_none_match: &known.etag,
            if_modified_since: &known.last_modified,
        };
        let reply = self.clients.ask(&question, policy.guard.as_deref(), &self.config).await;
        let unexpected = |reply: &Reply| DocumentError::Status {
            url: redact::url(&request.url),
            status: reply.status.as_u16(),
        };
        let error = match (reply, entry.as_ref()) {
            (Ok(reply), _) if reply.is_document() => {
                let outcome = if was_there { CacheOutcome::Refreshed } else { CacheOutcome::Miss };
                return Ok(self.received(request, key, policy, reply, outcome, now).await);
            }
            (Ok(reply), Some(entry)) if reply.status == 304 => {
                return Ok(self.revalidated(key, policy, entry.clone(), reply.headers, now).await);
            }
            (Ok(reply), _) => unexpected(&reply),
            (Err(error), _) => error,
        };
        match entry {
            Some(entry) if error.is_outage() && self.may_stand_in(&entry.metadata, policy, now) => {
                tracing::warn!(%error, "a stored copy stands in for a document that can't be had");
                Ok(answer_from(&entry, CacheOutcome::StaleHit, policy))
            }
            _ => Err(error),
        }
    }

    /// Step 7: a new document.
    async fn received(
        &self,
        request: &FetchRequest,
        key: &str,
        policy: &FetchPolicy,
        reply: Reply,
        outcome: CacheOutcome,
        now: Timestamp,
    ) -> Arc<Answer> {
        let shown = redact::url(&request.url);
        let mut metadata = Metadata {
            key: request.key(&shown) + &key_suffix(policy.guard.as_deref(), &request.url),
            url: shown,
            method: request.method.as_str().to_owned(),
            cached_at: Some(now),
            last_validated_at: Some(now),
            status_code: reply.status.as_u16(),
            request_accept: request.accept.clone().unwrap_or_default(),
            final_url: if reply.url == request.url { String::new() } else { base_url(&reply.url) },
            headers: reply.headers,
            ..Metadata::default()
        };
        metadata.repeat_headers();
        metadata.expires_at = expires_at(&metadata.headers, now, policy.max_age);
        if vary_names(&metadata, "user-agent") {
            metadata.request_user_agent.clone_from(&self.config.user_agent);
        }
        let mut entry = Entry { metadata, body: reply.body };
        let answer = answer_from(&entry, outcome, policy);
        if is_no_store(&entry.metadata) {
            self.on_disk(key, |store, key| store.remove(key)).await;
        } else {
            self.on_disk(key, move |store, key| log_failure(store.save(key, &mut entry))).await;
        }
        answer
    }

    /// Step 6: the origin says that what is stored is what it has.
    async fn revalidated(
        &self,
        key: &str,
        policy: &FetchPolicy,
        mut entry: Entry,
        headers: Headers,
        now: Timestamp,
    ) -> Arc<Answer> {
        entry.metadata.headers.overlay(headers);
        entry.metadata.repeat_headers();
        entry.metadata.last_validated_at = Some(now);
        entry.metadata.stale = false;
        entry.metadata.expires_at = expires_at(&entry.metadata.headers, now, policy.max_age);
        let answer = answer_from(&entry, CacheOutcome::RevalidatedHit, policy);
        if is_no_store(&entry.metadata) {
            self.on_disk(key, |store, key| store.remove(key)).await;
        } else if entry.metadata.body_sha256.is_empty() {
            // Of another writer or another cache: from now on it is ours and can be verified.
            self.on_disk(key, move |store, key| log_failure(store.save(key, &mut entry))).await;
        } else {
            self.on_disk(key, move |store, key| log_failure(store.save_metadata(key, &entry.metadata))).await;
        }
        answer
    }

    /// A stored copy may stand in for as long past its freshness as configured (weakness 44).
    fn may_stand_in(&self, metadata: &Metadata, policy: &FetchPolicy, now: Timestamp) -> bool {
        let Some(validated) = metadata.validated_at() else { return false };
        let until = stands_in_until(&metadata.headers, validated, policy.max_age, self.config.max_stale);
        until.is_some_and(|until| now <= until)
    }

    async fn load(&self, key: &str) -> Found {
        match self.on_disk(key, |store, key| store.load(key)).await.unwrap_or(Found::Nothing) {
            Found::Nothing => {
                let found = on_disk(self.borrowed.as_ref(), key, |store, key| store.load(key)).await;
                let mut found = found.unwrap_or(Found::Nothing);
                if let Found::Entry(entry) = &mut found {
                    // Not stored here: whoever saves it must save its body too.
                    entry.metadata.body_sha256.clear();
                }
                found
            }
            found => found,
        }
    }

    /// Runs blocking work on the store, if there is one.
    async fn on_disk<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&Store, &str) -> T + Send + 'static,
    ) -> Option<T> {
        on_disk(self.store.as_ref(), key, work).await
    }

    pub(crate) async fn sweep(&self) -> std::io::Result<Swept> {
        let (max_age, max_bytes) = (self.config.max_cache_age, self.config.max_cache_bytes);
        self.on_disk("", move |store, _| store.sweep(max_age, max_bytes)).await.unwrap_or(Ok(Swept::default()))
    }

    pub(crate) async fn clear(&self) -> std::io::Result<Swept> {
        self.on_disk("", |store, _| store.clear()).await.unwrap_or(Ok(Swept::default()))
    }
}

async fn on_disk<T: Send + 'static>(
    store: Option<&Arc<Store>>,
    key: &str,
    work: impl FnOnce(&Store, &str) -> T + Send + 'static,
) -> Option<T> {
    let store = Arc::clone(store?);
    let key = key.to_owned();
    // Fails only when the runtime shuts down, or when the work panics.
    tokio::task::spawn_blocking(move || work(&store, &key)).await.ok()
}

/// Weakness 46: a disk that can't be written costs the next fetch, not this one.
fn log_failure(result: Result<(), open_cli_files::FileError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a fetched document could not be stored in the document cache");
    }
}

fn is_no_store(metadata: &Metadata) -> bool {
    CacheControl::parse(metadata.headers.all("Cache-Control")).no_store
}

/// CACHE-6. An entry from the future, of a clock that was set back, is not trusted.
fn is_fresh(metadata: &Metadata, policy: &FetchPolicy, now: Timestamp) -> bool {
    metadata.validated_at().is_some_and(|validated| {
        validated <= now && expires_at(&metadata.headers, validated, policy.max_age).is_some_and(|at| now < at)
    })
}

/// The stored answer depends on request headers that are others now (RFC 9111 §4.1). What we send beside `Accept` is
/// the same for all requests of one version, and `Accept` is part of our keys: this happens after an upgrade, and to
/// entries of other writers.
fn varies(metadata: &Metadata, request: &FetchRequest, user_agent: &str) -> bool {
    let accept = request.accept.as_deref().unwrap_or_default();
    (vary_names(metadata, "accept") && metadata.request_accept != accept)
        || (vary_names(metadata, "user-agent") && metadata.request_user_agent != user_agent)
}

fn vary_names(metadata: &Metadata, header: &str) -> bool {
    let lines = metadata.headers.all("Vary");
    lines.flat_map(|line| line.split(',')).any(|name| name.trim().eq_ignore_ascii_case(header))
}

/// Where a redirect led, as the base of references: its credentials belong to that one request.
fn base_url(url: &Url) -> String {
    let mut base = url.clone();
    // Fails only for URLs without a host, which are not fetched.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    redact::url(&base)
}

fn answer_from(entry: &Entry, outcome: CacheOutcome, policy: &FetchPolicy) -> Arc<Answer> {
    let metadata = entry.metadata.clone();
    let validated = metadata.validated_at();
    let expires_at = validated.and_then(|at| expires_at(&metadata.headers, at, policy.max_age));
    Arc::new(Answer { metadata, body: entry.body.clone(), outcome, expires_at })
}

/// §4.7
fn record(answer: &Answer, request: &FetchRequest, shown: String, policy: &FetchPolicy) -> FetchRecord {
    let metadata = &answer.metadata;
    FetchRecord {
        url: shown,
        fetched_at: metadata.validated_at().unwrap_or_else(Timestamp::now),
        method: policy.method,
        request_method: request.method.as_str().to_owned(),
        status_code: metadata.status_code,
        cache_outcome: Some(answer.outcome),
        etag: metadata.etag.clone(),
        last_modified: metadata.last_modified.clone(),
        cache_control: metadata.cache_control.clone(),
        expires_at: answer.expires_at,
        stale: answer.outcome == CacheOutcome::StaleHit,
    }
}

/// Error category and status of the event (§6.3).
fn category(error: &DocumentError) -> (Cow<'static, str>, u16) {
    match error {
        DocumentError::Status { status, .. } => ("http_error".into(), *status),
        _ => ("transport_error".into(), 0),
    }
}
