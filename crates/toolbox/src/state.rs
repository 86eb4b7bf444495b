//! What all requests of a runtime share.

use crate::configs::Configs;
use crate::guard::Guard;
use crate::http::authn::{AuthnFigures, Selections};
use crate::leases::Leases;
use crate::log::LogControl;
use crate::rate::RateLimits;
use crate::routes::Routes;
use crate::settings::{OnAuditError, Settings};
use crate::shutdown::Shutdown;
use crate::telemetry::Telemetry;
use open_cli_audit::{AuditError, AuditLog, Receipt};
use open_cli_catalog::{KeeperError, Refreshed, Snapshot};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::AuditEvent;
use open_cli_contract::problem::{ErrorCode, Problem};
use open_cli_contract::runtime::CatalogStatus;
use open_cli_execution::Upstream;
use open_cli_instance::Layout;
use open_cli_observe::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Most answers at once that stream the audit log; a caller that does not read keeps its place.
const MAX_STREAMS: usize = 16;

/// Shared by all requests.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) layout: Layout,
    pub(crate) url: String,
    pub(crate) binds_loopback: bool,
    /// Host of the URL that the operator gave as the runtime's own.
    pub(crate) advertised_host: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) telemetry: Telemetry,
    pub(crate) log: Option<Arc<LogControl>>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) upstream: Upstream,
    pub(crate) routes: Routes,
    pub(crate) rates: RateLimits,
    pub(crate) leases: Leases,
    pub(crate) shutdown: Shutdown,
    pub(crate) is_draining: AtomicBool,
    /// Answers that stream the audit log, each of which holds a thread.
    pub(crate) streams: Arc<Semaphore>,
    /// Connections of callers.
    pub(crate) connections: AtomicUsize,
    pub(crate) configs: Configs,
    /// What came of the tokens of requests.
    pub(crate) authn: AuthnFigures,
    /// Which part of the catalog callers reach.
    pub(crate) selections: Selections,
    /// The last audit record could not be written.
    audit_is_broken: AtomicBool,
}

/// What [`State`] is made of.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) layout: Layout,
    pub(crate) url: String,
    pub(crate) binds_loopback: bool,
    pub(crate) telemetry: Telemetry,
    pub(crate) log: Option<Arc<LogControl>>,
    pub(crate) audit: AuditLog,
    pub(crate) upstream: Upstream,
    pub(crate) routes: Routes,
    pub(crate) configs: Configs,
}

impl State {
    pub(crate) fn new(parts: Parts) -> Self {
        let settings = parts.settings;
        let is_shared = settings.share == "group";
        let advertised = settings.advertise_url.as_ref().and_then(|url| url::Url::parse(&url.to_string()).ok());
        let advertised_host = advertised.and_then(|url| Some(url.host_str()?.trim_matches(['[', ']']).to_owned()));
        let leases = Leases::new(settings.heartbeat_seconds, settings.missed_heartbeat_limit, is_shared);
        Self {
            leases,
            settings,
            layout: parts.layout,
            url: parts.url,
            binds_loopback: parts.binds_loopback,
            advertised_host,
            started_at: Timestamp::now(),
            telemetry: parts.telemetry,
            log: parts.log,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            connections: AtomicUsize::new(0),
            audit: Arc::new(parts.audit),
            upstream: parts.upstream,
            routes: parts.routes,
            rates: RateLimits::new(),
            shutdown: Shutdown::new(),
            is_draining: AtomicBool::new(false),
            configs: parts.configs,
            authn: AuthnFigures::default(),
            selections: Selections::default(),
            audit_is_broken: AtomicBool::new(false),
        }
    }

    /// The snapshot for the configuration a request names. `passed` is the guard that let the caller in.
    pub(crate) async fn snapshot(
        &self,
        selector: &str,
        passed: Option<&Arc<Guard>>,
        trace: &Trace,
    ) -> Result<Arc<Snapshot>, Box<Problem>> {
        let guard = self.passed(selector, passed)?;
        let span = trace.span("catalog.current");
        let keeper = self.configs.select(selector)?;
        let snapshot = span.end_with(keeper.current().await).map_err(|error| problem(&error))?;
        Guard::check(guard.as_ref(), snapshot.config().config.runtime.auth())?;
        Ok(snapshot)
    }

    /// The guard of the configuration that a request names, which must be the one that let the caller in: an endpoint
    /// that forgot to ask lets nobody in.
    fn passed(&self, selector: &str, passed: Option<&Arc<Guard>>) -> Result<Option<Arc<Guard>>, Box<Problem>> {
        let guard = self.configs.guard(selector)?;
        let is_same = match (&guard, passed) {
            (Some(guard), Some(passed)) => Arc::ptr_eq(guard, passed),
            (guard, passed) => guard.is_none() && passed.is_none(),
        };
        if is_same {
            return Ok(guard);
        }
        Err(Problem::new(ErrorCode::AuthnFailed, "The caller was not looked at for this configuration."))
    }

    /// Refetches and rebuilds.
    pub(crate) async fn refresh(
        &self,
        selector: &str,
        passed: Option<&Arc<Guard>>,
        trace: &Trace,
    ) -> Result<Refreshed, Box<Problem>> {
        // Whoever may not see the catalog may not refresh it either.
        self.snapshot(selector, passed, trace).await?;
        let keeper = self.configs.select(selector)?;
        keeper.refresh(trace).await.map_err(|error| problem(&error))
    }

    /// Does the configuration in force ask for authentication, whether or not that is enforced?
    pub(crate) fn asks_for_authentication(&self, selector: &str) -> bool {
        let keeper = if self.configs.has_many() { None } else { self.configs.select(selector).ok() };
        let snapshot = keeper.and_then(|keeper| keeper.in_force());
        snapshot.is_some_and(|snapshot| snapshot.requires_authentication())
    }

    /// For endpoints that need no catalog: refuses a selector of another configuration, and callers of one that asks
    /// for authentication and did not at the start.
    pub(crate) async fn check_selector(
        &self,
        selector: &str,
        passed: Option<&Arc<Guard>>,
    ) -> Result<(), Box<Problem>> {
        let guard = self.passed(selector, passed)?;
        if selector.is_empty() && self.configs.has_many() {
            return Ok(());
        }
        let keeper = self.configs.select(selector)?;
        // What could never be loaded can't ask for anything; its catalog is refused for that.
        match keeper.has_nothing() {
            true => Ok(()),
            false => match keeper.current().await {
                Ok(snapshot) => Guard::check(guard.as_ref(), snapshot.config().config.runtime.auth()),
                Err(_) => Ok(()),
            },
        }
    }

    /// State of the catalog after a look for changes; with many configurations, of all that were asked for.
    pub(crate) async fn catalog_status(&self) -> CatalogStatus {
        let mut all = Vec::new();
        for keeper in self.configs.keepers() {
            all.push(keeper.status().await);
        }
        self.sum(all)
    }

    /// The same without a look for changes.
    pub(crate) fn catalog_status_now(&self) -> CatalogStatus {
        self.sum(self.configs.keepers().iter().map(|keeper| keeper.status_now()).collect())
    }

    fn sum(&self, all: Vec<CatalogStatus>) -> CatalogStatus {
        let is_one = all.len() == 1;
        let mut sum = CatalogStatus { ready: true, ..CatalogStatus::default() };
        for status in all {
            // Anybody may name a configuration below a folder; one that is broken does not take the others away.
            sum.ready &= status.ready || self.configs.has_many();
            sum.degraded |= status.degraded;
            sum.services += status.services;
            sum.tools += status.tools;
            sum.errors += status.errors;
            sum.warnings += status.warnings;
            sum.stale_services.extend(status.stale_services);
            sum.quarantined += status.quarantined;
            sum.changed_at = sum.changed_at.max(status.changed_at);
            sum.faults.extend(status.faults);
            if is_one {
                (sum.revision, sum.built_at) = (status.revision, status.built_at);
            }
        }
        sum
    }

    /// Refuses calls while the audit log can't be written. Whether it can be again is found out by recording that
    /// it can.
    pub(crate) async fn check_audit(&self) -> Result<(), Box<Problem>> {
        if !self.audit_is_broken.load(Ordering::Acquire) {
            return Ok(());
        }
        self.record(&AuditEvent {
            timestamp: Timestamp::now(),
            event_type: "audit_recovered".into(),
            tool_id: "runtime.audit".into(),
            reason_code: "audit_recovered".into(),
            ..AuditEvent::default()
        })
        .await
    }

    /// Writes a record before the answer leaves, as durably as the operator asks for.
    pub(crate) async fn record(&self, event: &AuditEvent) -> Result<(), Box<Problem>> {
        self.recorded(event, self.audit.record(event).await)
    }

    /// Writes the record of a call that nobody waits for any more.
    pub(crate) fn record_abandoned(&self, event: &AuditEvent) {
        // Logged; nobody is left to tell.
        let _ = self.recorded(event, self.audit.append(event));
    }

    fn recorded(&self, event: &AuditEvent, result: Result<Receipt, AuditError>) -> Result<(), Box<Problem>> {
        match result {
            Ok(_) => {
                if self.audit_is_broken.load(Ordering::Relaxed) {
                    self.audit_is_broken.store(false, Ordering::Release);
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, tool = %event.tool_id, request = %event.request_id, "the audit record can't be written");
                if self.settings.audit.on_error == OnAuditError::Continue {
                    return Ok(());
                }
                self.audit_is_broken.store(true, Ordering::Release);
                Err(Problem::new(ErrorCode::AuditUnavailable, "The audit record could not be written."))
            }
        }
    }

    /// `runtime_start`, before anybody is served; `runtime_end` with what ended it, after everybody was.
    pub(crate) async fn audit_life(&self, event_type: &str, reason: &str) {
        let event = AuditEvent {
            timestamp: Timestamp::now(),
            event_type: event_type.into(),
            tool_id: "runtime".into(),
            reason_code: reason.into(),
            config_identity: self.configs.identity(""),
            ..AuditEvent::default()
        };
        // Logged by `record`; calls are refused as long as nothing can be written.
        let _ = self.record(&event).await;
    }

    /// `session_expiry`, which no request asks for.
    pub(crate) async fn audit_expiry(&self, session_id: &str) {
        let event = AuditEvent {
            timestamp: Timestamp::now(),
            event_type: "session_expiry".into(),
            session_id: session_id.into(),
            tool_id: "runtime.session".into(),
            reason_code: "session_expiry".into(),
            ..AuditEvent::default()
        };
        // Logged by `record`; a lease runs out whether or not that can be written down.
        let _ = self.record(&event).await;
    }

    /// `lease_expiry_shutdown`, by `expiry` or `close`.
    pub(crate) async fn audit_lease_shutdown(&self, cause: &str) {
        let name = "lease_expiry_shutdown";
        let event = AuditEvent {
            timestamp: Timestamp::now(),
            event_type: name.into(),
            tool_id: format!("runtime.{name}"),
            reason_code: format!("{name}:{cause}"),
            ..AuditEvent::default()
        };
        let _ = self.record(&event).await;
    }
}

fn problem(error: &KeeperError) -> Box<Problem> {
    let code = match error {
        KeeperError::Invalid(_) => ErrorCode::ConfigInvalid,
        KeeperError::Building => ErrorCode::CatalogBuilding,
    };
    Problem::new(code, error.to_string())
}
