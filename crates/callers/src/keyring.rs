//! The issuer's keys, kept (W-14). Fetched once for all requests that need them, again before they are old, and when a
//! token names a key that is not among them: an issuer that changes its keys is noticed at once, a caller that makes
//! up key ids costs the issuer one request a minute. An issuer that can't be reached leaves the last keys in force.

use crate::AuthnFault;
use crate::keys::{Algorithm, Key, KeySet};
use crate::provider;
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use reqwest::Client;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;
use url::Url;

/// How long keys are fresh when the issuer does not say.
const DEFAULT_FRESH: Duration = Duration::from_secs(600);
/// Bounds of what the issuer says.
const MIN_FRESH: Duration = Duration::from_secs(60);
const MAX_FRESH: Duration = Duration::from_secs(3600);
/// How long keys outlive an issuer that can't be reached.
const MAX_STALE: Duration = Duration::from_secs(24 * 3600);
/// First pause before the issuer is asked again; doubled each time that it did not help.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after an answer without the key that was wanted.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause after no answer.
const MAX_PAUSE_OUTAGE: Duration = Duration::from_secs(15);
/// How long a request waits for keys.
const WAIT: Duration = provider::TOTAL_TIMEOUT.saturating_add(Duration::from_secs(1));

pub(crate) struct Keyring {
    url: Url,
    http: Client,
    background: Handle,
    current: ArcSwapOption<Fetched>,
    pace: Mutex<Pace>,
    is_fetching: AtomicBool,
    attempts: watch::Sender<u64>,
}

struct Fetched {
    keys: KeySet,
    digest: [u8; 32],
    at: Instant,
    fresh: Duration,
}

/// When the issuer may be asked again.
struct Pace {
    not_before: Option<Instant>,
    pause: Duration,
    fault: String,
}

impl Keyring {
    pub(crate) fn new(url: Url, background: Handle) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            url,
            http: provider::client(true)?,
            background,
            current: ArcSwapOption::empty(),
            pace: Mutex::new(Pace { not_before: None, pause: FIRST_PAUSE, fault: String::new() }),
            is_fetching: AtomicBool::new(false),
            attempts: watch::Sender::new(0),
        }))
    }

    /// Fetches the keys before anybody asks for them.
    pub(crate) fn warm(self: &Arc<Self>) {
        self.fetch_in_background();
    }

    /// The key that a token names.
    pub(crate) async fn key(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<Key>, AuthnFault> {
        let mut fetched = self.current.load_full();
        let age = fetched.as_ref().map(|fetched| (fetched.at.elapsed(), fetched.fresh));
        match age {
            Some((age, fresh)) if age <= fresh => {}
            // Old, not outdated: this request does not wait.
            Some((age, fresh)) if age <= fresh * 2 => {
                self.fetch_in_background();
            }
            _ => {
                self.fetched().await;
                fetched = self.current.load_full();
            }
        }
        let unavailable = || AuthnFault::Unavailable(self.pace.lock().fault.clone());
        let usable = fetched.filter(|fetched| fetched.at.elapsed() <= MAX_STALE).ok_or_else(unavailable)?;
        if let Some(key) = usable.keys.find(id, algorithm) {
            return Ok(key);
        }
        let is_new = usable.at.elapsed() < FIRST_PAUSE;
        if !is_new && self.fetched().await {
            let found = self.current.load_full().and_then(|fetched| fetched.keys.find(id, algorithm));
            if let Some(key) = found {
                return Ok(key);
            }
        }
        Err(AuthnFault::UnknownKey)
    }

    /// Waits for a fetch, which may be under way already; false when none is due.
    async fn fetched(self: &Arc<Self>) -> bool {
        let mut attempts = self.attempts.subscribe();
        if !self.is_fetching.load(Ordering::Acquire) && !self.fetch_in_background() {
            return false;
        }
        tokio::time::timeout(WAIT, attempts.changed()).await.is_ok()
    }

    /// True when a fetch was begun. It goes on when the caller goes away.
    fn fetch_in_background(self: &Arc<Self>) -> bool {
        if self.pace.lock().not_before.is_some_and(|at| Instant::now() < at) {
            return false;
        }
        if self.is_fetching.swap(true, Ordering::AcqRel) {
            return false;
        }
        let keyring = Arc::clone(self);
        self.background.spawn(async move {
            let _done = Fetching(&keyring);
            let result = keyring.fetch().await;
            keyring.keep(result);
        });
        true
    }

    async fn fetch(&self) -> Result<Fetched, String> {
        let request =
            self.http.get(self.url.clone()).header("accept", "application/jwk-set+json, application/json");
        let reply = provider::ask(request, &self.url).await?;
        let keys = KeySet::read(&reply.body).map_err(|fault| format!("{}: {fault}", self.url))?;
        let fresh = reply.max_age.unwrap_or(DEFAULT_FRESH).clamp(MIN_FRESH, MAX_FRESH);
        Ok(Fetched { keys, digest: Sha256::digest(&reply.body).into(), at: Instant::now(), fresh })
    }

    fn keep(&self, result: Result<Fetched, String>) {
        let mut pace = self.pace.lock();
        let longest = match result {
            Ok(fetched) => {
                let previous = self.current.load();
                let has_changed = previous.as_ref().is_none_or(|before| before.digest != fetched.digest);
                if has_changed {
                    tracing::info!(keys = fetched.keys.len(), "the issuer's keys were read");
                    pace.pause = FIRST_PAUSE;
                }
                pace.fault.clear();
                self.current.store(Some(Arc::new(fetched)));
                MAX_PAUSE
            }
            Err(fault) => {
                tracing::error!(%fault, "the issuer's keys can't be read; tokens are checked with the last ones");
                pace.fault = fault;
                MAX_PAUSE_OUTAGE
            }
        };
        pace.not_before = Instant::now().checked_add(pace.pause.min(longest));
        pace.pause = (pace.pause * 2).min(longest);
    }
}

/// Ends a fetch however it ends.
struct Fetching<'a>(&'a Keyring);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.is_fetching.store(false, Ordering::Release);
        self.0.attempts.send_modify(|count| *count += 1);
    }
}
