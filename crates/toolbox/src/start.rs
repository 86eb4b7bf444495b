//! Wiring, in the order in which data flows: settings, instance, configuration, listener, catalog, server. What goes
//! wrong before serving is an error that says what to do and leaves nothing behind.

use crate::builders::Builders;
use crate::chronicle::{self, Chronicle};
use crate::configs::{Configs, MakeGuard, MakeKeeper};
use crate::guard::Guard;
use crate::log::LogControl;
use crate::push::AuditPush;
use crate::routes::Routes;
use crate::server::Server;
use crate::settings::{Serves, Settings};
use crate::shutdown::{Shutdown, Signals};
use crate::state::{Parts, State};
use crate::telemetry::Telemetry;
use crate::workers::Workers;
use open_cli_audit::{AuditLog, OpenReport};
use open_cli_catalog::{Builder, Keeper};
use open_cli_config::{ConfigError, Locations, ScopeSet};
use open_cli_contract::audit::{RUNTIME_END, RUNTIME_START};
use open_cli_contract::runtime::RuntimeRecord;
use open_cli_documents::{Documents, DocumentsConfig};
use open_cli_execution::{Limits, Upstream};
use open_cli_instance::{Environment, InstanceLock, InstanceOptions, Layout, Liveness};
use open_cli_mcp::{Children, END_PATIENCE, Servers};
use open_cli_metrics::Metrics;
use open_cli_observe::{Observer, Sampler};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

/// The document cache is swept at the start and then this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);
/// Compiled catalogs, in the cache folder.
const COMPILED: &str = "compiled";
/// Compiled services of at most so many bytes are read before the first request; it takes about 20 ms.
const READ_AT_ONCE: u64 = 24 << 20;
/// How often the metrics look for tools that are gone.
const FORGET_INTERVAL: Duration = Duration::from_secs(30);

/// How long the end waits for tasks that still hold the runtime.
const LET_GO: Duration = Duration::from_millis(500);

/// Why a runtime did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No configuration was named.
    #[error("no configuration: name one with --config FILE, or a folder of them with --config-root DIR")]
    NoConfig,
    /// The configuration can't be used.
    #[error("{}", .0.render())]
    Config(#[from] ConfigError),
    /// The folder of configurations can't be used.
    #[error("the configuration folder {path} can't be used: {source}; name an existing folder with --config-root", path = path.display())]
    ConfigRoot {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Callers can't be authenticated as the configuration asks.
    #[error("{0}; the configuration asks for it (runtime.server.auth), and without it nothing is served")]
    Authentication(#[from] open_cli_callers::SetupError),
    /// Another process owns the instance, or its folders can't be used.
    #[error("{0}")]
    Instance(#[from] open_cli_instance::InstanceError),
    /// The address can't be listened on.
    #[error("can't listen on {addr}: {source}; choose another --addr (port 0 lets the system choose)")]
    Listen {
        /// As given.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The audit log can't be opened.
    #[error("{0}; without an audit log nothing is served")]
    Audit(#[from] open_cli_audit::AuditError),
    /// The runtime can't be observed as asked.
    #[error("{0}")]
    Telemetry(#[from] crate::telemetry::TelemetryError),
    /// Audit records can't be sent on as asked.
    #[error("{0}")]
    AuditPush(#[from] open_cli_auditpush::StartError),
    /// Signal handlers can't be installed.
    #[error("signal handlers can't be installed: {0}")]
    Signals(std::io::Error),
    /// The threads that serve can't be started.
    #[error("the threads that serve connections can't be started: {0}")]
    Workers(std::io::Error),
    /// `--strict`, and the catalog is not clean.
    #[error("--strict: the catalog has {0}")]
    Strict(String),
}

/// A runtime inside this process.
pub struct Toolbox;

impl Toolbox {
    /// Begins to set up a runtime.
    pub fn builder(settings: Settings) -> ToolboxBuilder {
        ToolboxBuilder { settings, observers: Vec::new(), handles_signals: false, environment: None, log: None }
    }
}

/// Sets up a runtime.
pub struct ToolboxBuilder {
    settings: Settings,
    observers: Vec<Arc<dyn Observer>>,
    handles_signals: bool,
    environment: Option<Environment>,
    log: Option<LogControl>,
}

/// A runtime that serves.
pub struct Running {
    state: Arc<State>,
    server: Server,
    lock: InstanceLock,
    _builders: Builders,
    signals: Option<Signals>,
    metrics_task: Option<tokio::task::JoinHandle<()>>,
    push: Option<AuditPush>,
    servers: Arc<Servers>,
}

impl ToolboxBuilder {
    /// Tells an observer of yours everything, on a thread of its own: one that is slow loses spans, and one that
    /// panics is told nothing more. May be called several times.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Ends in order at SIGINT and SIGTERM, at once at the second. Off for embedders.
    #[must_use]
    pub fn handle_signals(mut self) -> Self {
        self.handles_signals = true;
        self
    }

    /// Lets callers see and change the filter of the program's log.
    #[must_use]
    pub fn log(mut self, log: LogControl) -> Self {
        self.log = Some(log);
        self
    }

    /// Folders and variables of somebody else's, for embedders and tests; the process's own by default.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Starts: validates the configuration, takes the instance, binds, and begins to build the catalog. Must be
    /// called inside a Tokio runtime; a rustls crypto provider must be installed for HTTPS.
    pub async fn start(self) -> Result<Running, StartError> {
        let Self { settings, observers, handles_signals, environment, log } = self;
        let config_path = config_path(&settings)?;
        // Before anything is written: a signal from here on ends in order (weakness 73).
        let signals = handles_signals.then(Signals::install).transpose().map_err(StartError::Signals)?;
        let environment = environment.unwrap_or_else(Environment::read);
        let layout = open_cli_instance::resolve(&instance_options(&settings, &config_path), &environment)?;
        let guard = match settings.serves {
            Serves::Config(_) => {
                let loaded = open_cli_config::load(&locations(&settings, &config_path))?;
                for warning in &loaded.warnings {
                    tracing::warn!("{}", warning.render());
                }
                Guard::of(&loaded.config, &tokio::runtime::Handle::current())?
            }
            Serves::ConfigRoot(_) => None,
        };
        let is_guarded = guard.is_some();
        // Bound before anything is written: a taken port leaves nothing behind. When it is this very instance that
        // holds the port, saying so helps more than the address does.
        let listener = match TcpListener::bind(settings.addr).await {
            Ok(listener) => listener,
            Err(source) => {
                if let Ok(Liveness::Running(_)) = open_cli_instance::liveness(&layout) {
                    layout.claim(Some(&config_path))?;
                }
                return Err(StartError::Listen { addr: settings.addr, source });
            }
        };
        let bound = listener.local_addr().map_err(|source| StartError::Listen { addr: settings.addr, source })?;
        let metrics_listener = match settings.observability.metrics_addr {
            Some(addr) => {
                Some(TcpListener::bind(addr).await.map_err(|source| StartError::Listen { addr, source })?)
            }
            None => None,
        };
        let workers = Workers::start().map_err(StartError::Workers)?;
        let builders = Builders::start().map_err(StartError::Workers)?;
        let lock = layout.claim(Some(&config_path))?;
        report_claim(&layout, &lock);
        let (audit, report) = AuditLog::open_with(&layout.audit_path, settings.audit.options.clone())?;
        report_audit(&layout, &report);
        let push = AuditPush::new(&settings, &layout, report.last_seq)?;
        let telemetry = Telemetry::start(&settings.observability, &layout, observers)?;
        let log = log.map(Arc::new);
        if let (Some(log), Some(exporter)) = (&log, &telemetry.exporters.logs) {
            log.export_to(Arc::clone(exporter));
        }
        let observer = Arc::clone(&telemetry.observer);
        let documents = Arc::new(Documents::new(documents_config(&settings, &config_path, &layout)));
        tokio::spawn(sweep_cache(Arc::downgrade(&documents)));
        let (chronicle, events) = Chronicle::new();
        let servers = mcp_servers(&settings, &layout).await;
        let compiled = layout.cache_dir.join(COMPILED);
        let background =
            Background { chronicle, builders: builders.handle(), compiled, servers: Arc::clone(&servers) };
        let configs =
            configs(&settings, &config_path, guard, &documents, &observer, telemetry.sampler, background);
        tokio::spawn(once_served(configs.keepers(), builders.give_way()));
        if settings.strict {
            check_strict(&configs).await?;
        }
        let limits = Limits {
            total_timeout: settings.upstream_timeout,
            max_response_bytes: settings.max_response_bytes as u64,
            ..Limits::default()
        };
        let routes = Routes::new(limits.clone());
        let upstream = Upstream::new(limits);
        let url = match &settings.advertise_url {
            Some(url) => url.to_string(),
            None => open_cli_instance::dialable_url(bound),
        };
        lock.publish(&record(&layout, &url, bound, &config_path))?;
        let binds_loopback = bound.ip().is_loopback();
        if !binds_loopback && !is_guarded {
            tracing::warn!(%bound, "this address can be reached from other machines, and callers are not authenticated; \
                keep it behind something that authenticates them");
        }
        let state = Arc::new(State::new(Parts {
            settings,
            layout,
            url,
            binds_loopback,
            telemetry,
            log,
            audit,
            upstream,
            routes,
            configs,
        }));
        tokio::spawn(chronicle::write(events, Arc::downgrade(&state)));
        if let Some(metrics) = &state.telemetry.metrics {
            crate::telemetry::register(metrics, &state);
            metrics.register(open_cli_metrics::runtimes(workers.handles()));
            tokio::spawn(forget_gone_tools(Arc::clone(metrics), Arc::downgrade(&state)));
        }
        let metrics_task = match (metrics_listener, state.telemetry.metrics.clone()) {
            (Some(listener), Some(metrics)) => {
                Some(tokio::spawn(crate::telemetry::listener::serve(listener, metrics)))
            }
            _ => None,
        };
        if let Some(push) = &push {
            push.start(&state)?;
        }
        state.audit_life(RUNTIME_START, RUNTIME_START).await;
        let server = Server::new(listener, workers, Arc::clone(&state));
        Ok(Running { state, server, lock, _builders: builders, signals, metrics_task, push, servers })
    }
}

impl Running {
    /// Where it can be dialled.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Which instance it is.
    pub fn instance_id(&self) -> String {
        self.state.layout.id.to_string()
    }

    /// Serves until it is asked to end, then drains: exit code 0, or 130 after a second signal.
    pub async fn wait(self) -> u8 {
        let Self { state, mut server, lock, _builders, mut signals, metrics_task, push, servers } = self;
        let shutdown = state.shutdown.clone();
        let mut watch = Box::pin(leases(Arc::clone(&state)));
        let tag = {
            let serve = server.accept_until(std::future::pending());
            tokio::pin!(serve);
            tokio::select! {
                tag = next_signal(&mut signals) => tag,
                tag = shutdown.requested() => tag,
                () = &mut watch => "serve_exit",
                () = &mut serve => "serve_exit",
            }
        };
        state.is_draining.store(true, Ordering::Release);
        let deadline = state.settings.drain_timeout;
        let code = tokio::select! {
            done = server.drain(deadline) => {
                if !done {
                    tracing::warn!(seconds = deadline.as_secs(), "requests under way were cut off at the deadline");
                }
                0
            }
            _ = next_signal(&mut signals) => 130,
        };
        // What is still under way is recorded as abandoned.
        server.cut().await;
        // PROC-6: nobody calls them any more.
        servers.end(END_PATIENCE).await;
        state.audit_life(RUNTIME_END, tag).await;
        tracing::info!(instance = %state.layout.id, "{tag}");
        if let Some(task) = metrics_task {
            task.abort();
        }
        // Files of the instance are written by its owner only, so this comes before it is given up.
        drop((watch, server));
        let end = move || {
            if let Some(push) = push {
                push.end();
            }
            state.telemetry.end();
            if let Err(error) = state.audit.sync() {
                tracing::error!(%error, "the end of the audit log could not be synced");
            }
            // Closing the log signs its head; whoever still holds it is about to be dropped.
            let ends = Instant::now() + LET_GO;
            while Arc::strong_count(&state) > 1 && Instant::now() < ends {
                std::thread::park_timeout(Duration::from_millis(5));
            }
        };
        let _ = tokio::task::spawn_blocking(end).await;
        lock.withdraw();
        code
    }

    /// Ends it in order from outside, for embedders: `wait` returns afterwards.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + 'static {
        let shutdown: Shutdown = self.state.shutdown.clone();
        move || shutdown.request("serve_exit")
    }
}

async fn next_signal(signals: &mut Option<Signals>) -> &'static str {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// Drops leases that run out; ends when the last one did and the runtime goes with its owner (LEASE-7, LEASE-8).
async fn leases(state: Arc<State>) {
    if !state.leases.is_enabled() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let (expired, left) = state.leases.expire(Instant::now());
        for session in &expired {
            state.audit_expiry(session).await;
        }
        if !expired.is_empty() && left == 0 && state.settings.shutdown.ends_with_owner() {
            state.audit_lease_shutdown("expiry").await;
            return;
        }
    }
}

/// Absolute, and for a folder canonical: callers are held below it.
fn config_path(settings: &Settings) -> Result<PathBuf, StartError> {
    match &settings.serves {
        Serves::Config(path) if path.as_os_str().is_empty() => Err(StartError::NoConfig),
        Serves::Config(path) => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Ok(open_cli_contract::paths::clean(&absolute))
        }
        Serves::ConfigRoot(path) => {
            let fault = |source| StartError::ConfigRoot { path: path.clone(), source };
            let root = path.canonicalize().map_err(fault)?;
            std::fs::read_dir(&root).map_err(fault)?;
            Ok(root)
        }
    }
}

fn instance_options(settings: &Settings, config_path: &Path) -> InstanceOptions {
    InstanceOptions {
        instance_id: settings.instance_id.clone(),
        state_dir: settings.state_dir.clone(),
        cache_dir: settings.cache_dir.clone(),
        audit_path: settings.audit_path.clone(),
        config_path: Some(config_path.to_owned()),
    }
}

fn locations(settings: &Settings, config_path: &Path) -> Locations {
    let folder = config_path.parent().map(Path::to_owned).unwrap_or_default();
    let scopes = if settings.all_scopes { ScopeSet::ALL } else { ScopeSet::SERVER };
    let environment = |name: &str| std::env::var_os(name);
    Locations {
        project: Some(config_path.to_owned()),
        scopes,
        ..Locations::from_environment(&environment, folder)
    }
}

/// Callers of a folder-serving runtime choose the configuration, so its documents are held below the folder too.
fn documents_config(settings: &Settings, config_path: &Path, layout: &Layout) -> DocumentsConfig {
    let local_root = matches!(settings.serves, Serves::ConfigRoot(_)).then(|| config_path.to_owned());
    DocumentsConfig { cache_dir: Some(layout.cache_dir.clone()), local_root, ..DocumentsConfig::default() }
}

/// What old configurations left in the cache goes.
async fn sweep_cache(documents: Weak<Documents>) {
    while let Some(documents) = documents.upgrade() {
        match documents.sweep_cache().await {
            Ok(swept) if swept.entries > 0 => {
                tracing::info!(entries = swept.entries, bytes = swept.bytes, "old documents left the cache");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the document cache can't be swept"),
        }
        drop(documents);
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}

/// Series of tools that left the catalog make room for others.
async fn forget_gone_tools(metrics: Arc<Metrics>, state: Weak<State>) {
    let mut last = String::new();
    loop {
        tokio::time::sleep(FORGET_INTERVAL).await;
        let Some(state) = state.upgrade() else { return };
        let revision = state.catalog_status_now().revision;
        if !revision.is_empty() && revision != last {
            if !last.is_empty() {
                let snapshots: Vec<_> =
                    state.configs.keepers().iter().filter_map(|keeper| keeper.in_force()).collect();
                metrics.retain_tools(|id| snapshots.iter().any(|snapshot| snapshot.tool(id).is_some()));
            }
            last = revision;
        }
    }
}

/// What works on catalogs beside the requests.
struct Background {
    chronicle: Chronicle,
    builders: Handle,
    /// Folder of compiled catalogs.
    compiled: PathBuf,
    servers: Arc<Servers>,
}

/// One folder for each configuration: its name says nothing, and is the same whatever the path is written like.
fn folder_name(config: &Path) -> String {
    let digest = Sha256::digest(config.as_os_str().as_encoded_bytes());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The MCP servers, none connected yet; what an earlier run left behind is ended first.
async fn mcp_servers(settings: &Settings, layout: &Layout) -> Arc<Servers> {
    let path = layout.children_path();
    let children = tokio::task::spawn_blocking(move || Children::open(&path)).await;
    let limits = open_cli_mcp::Limits {
        call_timeout: settings.upstream_timeout,
        max_message_bytes: settings.max_response_bytes,
        ..open_cli_mcp::Limits::default()
    };
    let children = children.unwrap_or_else(|_| Children::unrecorded());
    Arc::new(Servers::new(Handle::current(), children, limits))
}

fn configs(
    settings: &Settings,
    config_path: &Path,
    guard: Option<Arc<Guard>>,
    documents: &Arc<Documents>,
    observer: &Arc<dyn Observer>,
    sampler: Sampler,
    background: Background,
) -> Configs {
    let (settings_of, documents, observer) = (settings.clone(), Arc::clone(documents), Arc::clone(observer));
    let guards = Handle::current();
    let Background { chronicle, builders, compiled, servers } = background;
    let make: MakeKeeper = Box::new(move |path: &Path| {
        let builder = Builder::new(locations(&settings_of, path), Arc::clone(&documents))
            .stored_in(compiled.join(folder_name(path)), READ_AT_ONCE)
            .with_mcp(Arc::clone(&servers));
        let listener = Some(chronicle.listener(path));
        Keeper::start_telling(builder, Arc::clone(&observer), sampler, builders.clone(), listener)
    });
    match settings.serves {
        Serves::Config(_) => Configs::one(config_path.to_owned(), guard, &make),
        Serves::ConfigRoot(_) => {
            let settings = settings.clone();
            let make_guard: MakeGuard = Box::new(move |path: &Path| {
                let loaded = open_cli_config::load(&locations(&settings, path)).map_err(|error| error.render())?;
                Guard::of(&loaded.config, &guards).map_err(|error| error.to_string())
            });
            Configs::below(config_path.to_owned(), make, make_guard)
        }
    }
}

/// Ends when every catalog that is built from the start is in force, or can't be.
async fn once_served(keepers: Vec<Arc<Keeper>>, then: impl FnOnce()) {
    for keeper in keepers {
        // A configuration without a catalog has nothing that calls could be made to.
        let _ = keeper.current().await;
    }
    then();
}

async fn check_strict(configs: &Configs) -> Result<(), StartError> {
    for keeper in configs.keepers() {
        let snapshot = keeper.current().await.map_err(|error| StartError::Strict(error.to_string()))?;
        let faults: Vec<String> = snapshot
            .diagnostics()
            .iter()
            .filter(|diagnostic| diagnostic.severity != open_cli_contract::catalog::Severity::Note)
            .map(|d| format!("{} {} {}: {}", d.source, d.code, d.pointer, d.message))
            .collect();
        if !faults.is_empty() {
            return Err(StartError::Strict(format!("{} faults:\n  {}", faults.len(), faults.join("\n  "))));
        }
    }
    Ok(())
}

fn report_claim(layout: &Layout, lock: &InstanceLock) {
    if layout.id.was_slugged() {
        tracing::info!(instance = %layout.id, "other spellings of this instance id lead to the same instance");
    }
    if let Some(record) = lock.replaced_stale() {
        tracing::warn!(
            pid = record.pid,
            "the previous owner of this instance was killed; its runtime.json is replaced"
        );
    }
    for warning in lock.warnings() {
        tracing::warn!("{warning}");
    }
}

fn report_audit(layout: &Layout, report: &OpenReport) {
    let path = layout.audit_path.display();
    if report.repaired_torn_line {
        tracing::warn!(%path, "the audit log ended in the middle of a record; it was completed, or moved to .torn");
    }
    if let Some(mode) = report.exposed_mode {
        tracing::warn!(%path, mode = format!("{mode:o}"), "other users can read the audit log");
    }
    for sign in &report.tampering {
        tracing::error!(%path, "somebody else changed the audit log: {sign}");
    }
    if report.unsealed > 0 {
        tracing::info!(%path, segments = report.unsealed, "segments of the audit log are being sealed now");
    }
}

fn record(layout: &Layout, url: &str, bound: SocketAddr, config_path: &Path) -> RuntimeRecord {
    RuntimeRecord {
        instance_id: layout.id.to_string(),
        url: url.to_owned(),
        pid: std::process::id(),
        audit_path: layout.audit_path.display().to_string(),
        cache_dir: layout.cache_dir.display().to_string(),
        bind_address: bound.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Some(open_cli_contract::Timestamp::now()),
        config_path: config_path.display().to_string(),
    }
}
