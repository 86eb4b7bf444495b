//! Keeps the last good snapshot in force. A request checks cheap stamps of the inputs; when one changed, the catalog
//! is rebuilt beside the requests, once, whoever noticed. Requests that arrive meanwhile wait a moment for it, so
//! that an edit is seen by the next request (LOAD-1), and then go on with the last good snapshot: a slow or broken
//! rebuild never stops the runtime.

mod restart;

use crate::build::{BuildError, Builder};
use crate::difference;
use crate::history::{ChangeTotals, History, HistoryError, Reaches};
use crate::mcp::ListingStamp;
use crate::news::{self, Listener, News};
use crate::responses::MAX_READERS;
use crate::snapshot::Snapshot;
use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use open_cli_changes::Delta;
use open_cli_contract::changes::ChangesResponse;
use open_cli_contract::runtime::CatalogStatus;
use open_cli_documents::FileStamp;
use open_cli_observe::{Observer, Sampler, Trace};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;

/// Stamps are looked at no more often than this for each file that is watched: a look at one costs about 2 µs, so
/// this is 2 % of the time, however many there are. Counted, not measured: a thread that happens to be preempted
/// while it looks must not blind the next request.
const CHECK_INTERVAL_PER_FILE: Duration = Duration::from_micros(100);
/// How long a request waits for the rebuild that a change of local inputs set off.
const REBUILD_GRACE: Duration = Duration::from_millis(500);
/// A rebuild that takes longer first puts the new configuration in force, with what is known of the services.
const RESTATE_AFTER: Duration = Duration::from_millis(150);
/// How long a request waits for the first catalog.
const FIRST_BUILD_WAIT: Duration = Duration::from_secs(20);
/// A failed revalidation of remote inputs is tried again after this.
const REVALIDATION_BACKOFF: Duration = Duration::from_secs(5);

/// Why there is no snapshot to work with.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeeperError {
    /// The configuration was never valid since the start.
    #[error("{0}")]
    Invalid(String),
    /// The first build is still under way.
    #[error("the first catalog is still being built")]
    Building,
}

/// Holds the snapshot of one configuration.
pub struct Keeper {
    pub(crate) builder: Builder,
    background: Handle,
    observer: Arc<dyn Observer>,
    sampler: Sampler,
    current: ArcSwapOption<Snapshot>,
    last_attempt: Mutex<Attempt>,
    /// One build at a time; the last forced one that succeeded.
    one_build: tokio::sync::Mutex<Option<Forced>>,
    /// Held while a difference is found, which is beside the requests.
    history: Arc<tokio::sync::Mutex<History>>,
    totals: Mutex<ChangeTotals>,
    listener: Option<Listener>,
    /// Descriptions that are read again for what tools answer.
    pub(crate) readers: tokio::sync::Semaphore,
    is_rebuilding: AtomicBool,
    attempts: tokio::sync::watch::Sender<u64>,
    /// One at a time stores; what it stored last.
    storing: tokio::sync::Mutex<Option<[u8; 32]>>,
    epoch: Instant,
    /// Microseconds since `epoch`.
    next_check: AtomicU64,
    wait_until: AtomicU64,
}

/// A forced rebuild: when it began, and what it changed.
struct Forced {
    began: Instant,
    delta: Arc<Delta>,
}

/// What a refresh came to.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// In force now.
    pub snapshot: Arc<Snapshot>,
    /// Against the revision before.
    pub delta: Arc<Delta>,
}

/// What the last build saw.
#[derive(Default)]
struct Attempt {
    stamps: Vec<FileStamp>,
    listings: Vec<ListingStamp>,
    revalidate_at: Option<Timestamp>,
    faults: Vec<String>,
}

impl Keeper {
    /// Starts to build at once, on the runtime given, where all later builds happen too. A catalog that an earlier run
    /// stored is in force before, when nothing has changed since.
    pub fn start(
        builder: Builder,
        observer: Arc<dyn Observer>,
        sampler: Sampler,
        background: Handle,
    ) -> Arc<Self> {
        Self::start_telling(builder, observer, sampler, background, None)
    }

    /// The same, and has somebody told what happens.
    pub fn start_telling(
        builder: Builder,
        observer: Arc<dyn Observer>,
        sampler: Sampler,
        background: Handle,
        listener: Option<Listener>,
    ) -> Arc<Self> {
        let keeper = Arc::new(Self {
            builder,
            background,
            observer,
            sampler,
            current: ArcSwapOption::empty(),
            last_attempt: Mutex::default(),
            one_build: tokio::sync::Mutex::default(),
            history: Arc::default(),
            totals: Mutex::default(),
            listener,
            readers: tokio::sync::Semaphore::new(MAX_READERS),
            is_rebuilding: AtomicBool::new(false),
            attempts: tokio::sync::watch::Sender::new(0),
            storing: tokio::sync::Mutex::default(),
            epoch: Instant::now(),
            next_check: AtomicU64::new(0),
            wait_until: AtomicU64::new(0),
        });
        keeper.begin();
        keeper
    }

    /// The snapshot in force for a request.
    pub async fn current(self: &Arc<Self>) -> Result<Arc<Snapshot>, KeeperError> {
        if self.has_nothing() {
            return self.first().await;
        }
        if self.must_wait() {
            let wait_until = self.epoch + Duration::from_micros(self.wait_until.load(Ordering::Acquire));
            self.wait_for_attempt(wait_until).await;
        }
        // Not before the look for changes: a rebuild may be done by the time it returns.
        self.current.load_full().ok_or(KeeperError::Building)
    }

    /// Fetches remote inputs again and rebuilds. The last good snapshot stays in force when that fails.
    /// Goes on when the caller goes away.
    pub async fn refresh(self: &Arc<Self>, trace: &Trace) -> Result<Refreshed, KeeperError> {
        let (keeper, trace) = (Arc::clone(self), trace.clone());
        let attempt = self.background.spawn(async move { keeper.attempt(true, None, &trace).await });
        attempt.await.unwrap_or_else(|error| Err(KeeperError::Invalid(format!("the refresh failed: {error}"))))
    }

    /// True until a first catalog was built.
    pub fn has_nothing(&self) -> bool {
        self.current.load().is_none()
    }

    /// How the catalog is doing, changes included. Does not wait for a first build.
    pub async fn status(self: &Arc<Self>) -> CatalogStatus {
        let snapshot = if self.has_nothing() { Err(KeeperError::Building) } else { self.current().await };
        self.with_faults(snapshot.map(|snapshot| snapshot.status()).unwrap_or_default())
    }

    /// The snapshot in force, without a look for changes.
    pub fn in_force(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// How the catalog is doing, without a look for changes.
    pub fn status_now(&self) -> CatalogStatus {
        let status = self.current.load_full().map(|snapshot| snapshot.status()).unwrap_or_default();
        self.with_faults(status)
    }

    fn with_faults(&self, status: CatalogStatus) -> CatalogStatus {
        let faults = self.last_attempt.lock().faults.clone();
        let degraded = status.degraded || !faults.is_empty();
        CatalogStatus { degraded, faults, changed_at: self.totals.lock().last, ..status }
    }

    /// What lies between two revisions, each by name or its beginning; by default the newest and the one before it.
    /// Only tools that pass are told of.
    pub async fn changes(
        &self,
        since: &str,
        until: &str,
        limit: Option<usize>,
        reaches: Option<Reaches<'_>>,
    ) -> Result<ChangesResponse, HistoryError> {
        self.history.lock().await.between(since, until, limit, reaches)
    }

    /// What changed since the start.
    pub fn change_totals(&self) -> ChangeTotals {
        *self.totals.lock()
    }

    async fn first(self: &Arc<Self>) -> Result<Arc<Snapshot>, KeeperError> {
        // A configuration that was invalid at the first try may have been mended since.
        if !self.is_rebuilding.load(Ordering::Acquire) && self.has_changed() {
            self.rebuild_in_background();
        }
        if self.is_rebuilding.load(Ordering::Acquire) {
            self.wait_for_attempt(Instant::now() + FIRST_BUILD_WAIT).await;
        }
        if let Some(snapshot) = self.current.load_full() {
            return Ok(snapshot);
        }
        match self.last_attempt.lock().faults.first() {
            Some(fault) => Err(KeeperError::Invalid(fault.clone())),
            None => Err(KeeperError::Building),
        }
    }

    async fn wait_for_attempt(&self, until: Instant) {
        let mut attempts = self.attempts.subscribe();
        if self.is_rebuilding.load(Ordering::Acquire) {
            // A time-out means: go on with what there is.
            let _ = tokio::time::timeout_at(until.into(), attempts.changed()).await;
        }
    }

    /// Looks for changes when it is time to; true when a rebuild of changed local inputs is worth waiting for.
    fn must_wait(self: &Arc<Self>) -> bool {
        let now = self.micros();
        let due = self.next_check.load(Ordering::Relaxed);
        if now >= due {
            let watched = self.last_attempt.lock().stamps.len() as u64;
            let next = now + micros(CHECK_INTERVAL_PER_FILE) * watched.max(1);
            if self.next_check.compare_exchange(due, next, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                let has_changed = self.has_changed();
                if has_changed {
                    // The grace counts from the beginning of the rebuild, whoever notices the change again.
                    if !self.is_rebuilding.load(Ordering::Acquire) {
                        self.wait_until.store(now + micros(REBUILD_GRACE), Ordering::Release);
                    }
                    self.rebuild_in_background();
                } else if self.needs_revalidation() {
                    self.rebuild_in_background();
                }
            }
        }
        self.is_rebuilding.load(Ordering::Acquire) && now < self.wait_until.load(Ordering::Acquire)
    }

    fn has_changed(&self) -> bool {
        if self.current.load().as_ref().is_some_and(|snapshot| snapshot.is_damaged()) {
            return true;
        }
        let attempt = self.last_attempt.lock();
        attempt.listings.iter().any(|stamp| !stamp.is_current())
            || attempt.stamps.iter().any(|stamp| !stamp.is_current())
    }

    fn needs_revalidation(&self) -> bool {
        let mut attempt = self.last_attempt.lock();
        let is_due = attempt.revalidate_at.is_some_and(|at| Timestamp::now() >= at);
        if is_due {
            // Also the back-off should the attempt fail.
            attempt.revalidate_at = Timestamp::now().checked_add(REVALIDATION_BACKOFF).ok();
        }
        is_due
    }

    fn rebuild_in_background(self: &Arc<Self>) {
        if self.is_rebuilding.swap(true, Ordering::AcqRel) {
            return;
        }
        let keeper = Arc::clone(self);
        self.background.spawn(async move {
            let trace = Trace::detached_sampled(Arc::clone(&keeper.observer), keeper.sampler);
            let _done = Rebuilding(&keeper);
            // Faults are kept for the status and logged by the attempt.
            let _ = keeper.attempt(false, None, &trace).await;
        });
    }

    /// `stored` is what an earlier run left; it stands in for a previous build.
    async fn attempt(
        self: &Arc<Self>,
        force_refresh: bool,
        stored: Option<Arc<Snapshot>>,
        trace: &Trace,
    ) -> Result<Refreshed, KeeperError> {
        let arrived = Instant::now();
        let mut last_forced = self.one_build.lock().await;
        let previous = self.current.load_full();
        // Whoever asked while another refresh was still to begin is served by that one.
        if let (true, Some(snapshot), Some(forced)) = (force_refresh, &previous, &*last_forced)
            && forced.began > arrived
        {
            return Ok(Refreshed { snapshot: Arc::clone(snapshot), delta: Arc::clone(&forced.delta) });
        }
        let started = Instant::now();
        let built = match (&previous, &stored) {
            (None, Some(stored)) => self.builder.build(Some(stored), force_refresh, trace).await,
            _ => self.build_or_restate(previous.as_deref(), force_refresh, trace).await,
        };
        match built {
            Ok(snapshot) => {
                let snapshot = Arc::new(snapshot);
                let was_faulty = {
                    let mut attempt = self.last_attempt.lock();
                    attempt.stamps.clone_from(&snapshot.stamps);
                    attempt.listings.clone_from(&snapshot.listings);
                    attempt.revalidate_at = snapshot.revalidate_at;
                    !std::mem::take(&mut attempt.faults).is_empty()
                };
                log_snapshot(previous.as_deref(), &snapshot, was_faulty, started.elapsed());
                self.current.store(Some(Arc::clone(&snapshot)));
                self.store_in_background();
                // Differences are found one after the other, and no request waits for them.
                let history = Arc::clone(&self.history).lock_owned().await;
                let tell = Arc::clone(self).tell(history, previous, Arc::clone(&snapshot), was_faulty);
                let told = self.background.spawn(tell);
                let mut delta = Arc::default();
                if force_refresh {
                    delta = told.await.unwrap_or_default();
                    *last_forced = Some(Forced { began: started, delta: Arc::clone(&delta) });
                }
                Ok(Refreshed { snapshot, delta })
            }
            Err(error) => {
                let message = error.to_string();
                let was_sound = {
                    let mut attempt = self.last_attempt.lock();
                    attempt.stamps = error.stamps;
                    std::mem::replace(&mut attempt.faults, vec![message.clone()]).is_empty()
                };
                tracing::error!(fault = %message, "the catalog can't be rebuilt; the last good one stays in force");
                if was_sound {
                    let revision = previous.as_ref().map_or("", |snapshot| snapshot.fingerprint()).to_owned();
                    let (keeper, fault) = (Arc::clone(self), message.clone());
                    self.background.spawn_blocking(move || keeper.say(News::Degraded { fault }, &revision));
                }
                Err(KeeperError::Invalid(message))
            }
        }
    }

    /// Finds out what changed, remembers it and says so.
    async fn tell(
        self: Arc<Self>,
        history: OwnedMutexGuard<History>,
        previous: Option<Arc<Snapshot>>,
        snapshot: Arc<Snapshot>,
        was_faulty: bool,
    ) -> Arc<Delta> {
        let tell = move || {
            let mut history = history;
            let revision = snapshot.fingerprint();
            let mut news = Vec::new();
            let delta = match &previous {
                Some(previous) if previous.fingerprint() != revision => {
                    let delta = Arc::new(difference::between(previous, &snapshot));
                    history.push(Arc::clone(&delta));
                    *self.totals.lock() = history.totals();
                    news.push(News::Changed(Arc::clone(&delta)));
                    delta
                }
                _ => {
                    history.begin(revision, snapshot.generated_at);
                    Arc::new(Delta::new(revision, revision, Some(snapshot.generated_at)))
                }
            };
            if was_faulty {
                news.push(News::Restored);
            }
            news.extend(news::between(previous.as_deref(), &snapshot));
            // Whoever asks need not wait for those who are told.
            drop(history);
            news.into_iter().for_each(|news| self.say(news, revision));
            delta
        };
        // Nothing is lost but the news when it panics.
        tokio::task::spawn_blocking(tell).await.unwrap_or_default()
    }

    fn say(&self, news: News, revision: &str) {
        news.log(revision);
        if let Some(listener) = &self.listener {
            listener(news, revision);
        }
    }

    /// Builds. When that takes long, the new configuration is put in force meanwhile: a denial must not wait for a
    /// source that hangs.
    async fn build_or_restate(
        &self,
        previous: Option<&Snapshot>,
        force_refresh: bool,
        trace: &Trace,
    ) -> Result<Snapshot, BuildError> {
        let build = self.builder.build(previous, force_refresh, trace);
        tokio::pin!(build);
        if let Some(previous) = previous {
            if let Ok(result) = tokio::time::timeout(RESTATE_AFTER, build.as_mut()).await {
                return result;
            }
            if let Some(restated) = self.builder.restate(previous)
                && restated.fingerprint() != previous.fingerprint()
            {
                tracing::info!("a new configuration is in force; its sources are still being read");
                self.current.store(Some(Arc::new(restated)));
                self.attempts.send_modify(|count| *count += 1);
            }
        }
        build.await
    }

    fn micros(&self) -> u64 {
        micros(self.epoch.elapsed())
    }
}

/// Ends a rebuild however it ends: a build that panics must not stop all later ones.
struct Rebuilding<'a>(&'a Keeper);

impl Drop for Rebuilding<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "the rebuild failed unexpectedly; the log has the detail".to_owned();
            self.0.last_attempt.lock().faults = vec![message];
        }
        self.0.is_rebuilding.store(false, Ordering::Release);
        self.0.attempts.send_modify(|count| *count += 1);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn log_snapshot(previous: Option<&Snapshot>, snapshot: &Snapshot, was_faulty: bool, took: Duration) {
    let is_same = previous.is_some_and(|previous| previous.fingerprint() == snapshot.fingerprint());
    if is_same && !was_faulty {
        return;
    }
    let status = snapshot.status();
    let (services, tools, errors, warnings) = (status.services, status.tools, status.errors, status.warnings);
    let milliseconds = took.as_millis();
    tracing::info!(services, tools, errors, warnings, milliseconds, "catalog in force");
    for diagnostic in snapshot.diagnostics().iter().filter(|d| d.severity.is_error()).take(20) {
        tracing::warn!(source = %diagnostic.source, code = %diagnostic.code, at = %diagnostic.pointer,
            "{}", diagnostic.message);
    }
}
