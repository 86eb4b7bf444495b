//! The list of the runtime's metrics. `docs/metrics.md` is generated from it; dashboard and alert rules in `ops/` are
//! checked against it. Names of the OpenTelemetry conventions (HTTP, process) where they have one, else `open_cli.`.

use crate::definition::{Definition, Kind, closed, open};
use Kind::{Counter, Gauge, Histogram, UpDown};

/// Most tools with series of their own, unless the options say otherwise.
pub const MAX_TOOLS: usize = 2000;

/// Advised by the HTTP conventions.
const HTTP_BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Fewer, because there are many tools.
const TOOL_BOUNDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// What the runtime itself needs for a call.
const OWN_BOUNDS: &[f64] = &[0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0];
/// Builds read files and fetch documents.
const BUILD_BOUNDS: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

macro_rules! metrics {
    ($($constant:ident = $definition:expr;)*) => {
        $(#[doc = concat!("See its `help`, and docs/metrics.md.")] pub const $constant: Definition = $definition;)*
        /// All of them, in the order of the documentation.
        pub const ALL: &[Definition] = &[$($constant,)*];
    };
}

metrics! {
    SERVER_DURATION = Definition::new("http.server.request.duration", Histogram, "s", &[
        closed("http.request.method"), open("http.route"), closed("http.response.status_code"),
        closed("url.scheme"), closed("error.type"),
    ], "Duration of requests to the runtime.").with_bounds(HTTP_BOUNDS).with_limits(64, 1000);
    SERVER_ACTIVE = Definition::new("http.server.active_requests", UpDown, "{request}", &[
        closed("http.request.method"), closed("url.scheme"),
    ], "Requests under way.");
    CLIENT_DURATION = Definition::new("http.client.request.duration", Histogram, "s", &[
        closed("http.request.method"), open("server.address"), open("server.port"),
        closed("http.response.status_code"), closed("error.type"),
    ], "Duration of requests to upstreams, each attempt.").with_bounds(HTTP_BOUNDS).with_limits(100, 1000);

    TOOL_DURATION = Definition::new("open_cli.tool.duration", Histogram, "s", &[
        open("tool.id"), open("service.id"), closed("outcome"),
    ], "Duration of tool calls as their callers see it.")
        .with_bounds(TOOL_BOUNDS).with_limits(MAX_TOOLS, 4 * (MAX_TOOLS + 1));
    TOOL_OVERHEAD = Definition::new("open_cli.tool.overhead", Histogram, "s", &[],
        "Time of tool calls that was not spent waiting for the upstream.").with_bounds(OWN_BOUNDS);
    POLICY_DECISIONS = Definition::new("open_cli.policy.decisions", Counter, "{decision}", &[
        closed("policy.decision"),
    ], "Decisions of the policy, by their code.");

    UPSTREAM_RETRIES = Definition::new("open_cli.upstream.retries", Counter, "{attempt}", &[],
        "Attempts to reach an upstream after the first of a call.");
    UPSTREAM_REFUSED = Definition::new("open_cli.upstream.refused", Counter, "{call}", &[closed("reason")],
        "Attempts that were not made: the circuit breaker was open, or there was no place in the queue.");
    BREAKERS_OPENED = Definition::new("open_cli.upstream.breaker.opened", Counter, "{time}", &[],
        "Times that a circuit breaker opened.");
    BREAKERS_OPEN = Definition::new("open_cli.upstream.breaker.open", UpDown, "{service}", &[],
        "Services whose circuit breaker is open.");
    AUTHENTICATIONS = Definition::new("open_cli.authentications", Counter, "{request}", &[closed("authn.result")],
        "Requests whose caller was looked at: known or checked, else why it was turned away; unavailable is an outage of the identity provider.");

    DOCUMENT_FETCHES = Definition::new("open_cli.document.fetches", Counter, "{fetch}", &[closed("cache.outcome")],
        "Documents asked for by HTTP, by what the cache made of it.");
    CATALOG_BUILDS = Definition::new("open_cli.catalog.builds", Counter, "{build}", &[closed("outcome")],
        "Builds of a catalog.");
    CATALOG_BUILD_DURATION = Definition::new("open_cli.catalog.build.duration", Histogram, "s", &[closed("outcome")],
        "Duration of builds of a catalog.").with_bounds(BUILD_BOUNDS);
    CATALOG_RESTORES = Definition::new("open_cli.catalog.restores", Counter, "{restore}", &[closed("outcome")],
        "Starts by what became of the catalog that an earlier run stored.");
    CATALOG_AGE = Definition::new("open_cli.catalog.age", Gauge, "s", &[], "Time since the catalog in force was built.");
    CATALOG_TOOLS = Definition::new("open_cli.catalog.tools", UpDown, "{tool}", &[], "Tools in the catalog.");
    CATALOG_SERVICES = Definition::new("open_cli.catalog.services", UpDown, "{service}", &[], "Services in the catalog.");
    CATALOG_DIAGNOSTICS = Definition::new("open_cli.catalog.diagnostics", UpDown, "{diagnostic}", &[closed("severity")],
        "Diagnostics in the catalog.");
    CATALOG_READY = Definition::new("open_cli.catalog.ready", Gauge, "", &[], "1 when a catalog is served, else 0.");
    CATALOG_DEGRADED = Definition::new("open_cli.catalog.degraded", Gauge, "", &[],
        "1 when an older catalog is served because the inputs can't be rebuilt, or an older state of a service, else 0.");
    CATALOG_STALE = Definition::new("open_cli.catalog.services.stale", UpDown, "{service}", &[],
        "Services that stay at their last good state.");
    CATALOG_QUARANTINED = Definition::new("open_cli.catalog.tools.quarantined", UpDown, "{tool}", &[],
        "Tools that can't be called until an operator accepts what changed.");
    CATALOG_CHANGES = Definition::new("open_cli.catalog.changes", Counter, "{tool}", &[closed("change")],
        "Tools that came and went, and altered ones by what matters most about it.");
    CATALOG_CHANGED = Definition::new("open_cli.catalog.changed", Gauge, "s", &[],
        "When tools last came, went or changed, Unix time; absent when they have not.");

    AUDIT_RECORDS = Definition::new("open_cli.audit.records", Counter, "{record}", &[], "Audit records written.");
    AUDIT_BYTES = Definition::new("open_cli.audit.bytes", Counter, "By", &[], "Bytes written to the audit log.");
    AUDIT_FAILURES = Definition::new("open_cli.audit.failures", Counter, "{failure}", &[],
        "Audit records, syncs, rotations and removals that failed.");
    AUDIT_QUEUE = Definition::new("open_cli.audit.queue.length", UpDown, "{record}", &[],
        "Audit records that wait for a group commit.");
    AUDIT_SYNCS = Definition::new("open_cli.audit.syncs", Counter, "{sync}", &[], "Syncs of the audit log to the disk.");
    AUDIT_SYNC_TIME = Definition::new("open_cli.audit.sync.time", Counter, "s", &[], "Time spent in these syncs.");
    AUDIT_SEGMENTS = Definition::new("open_cli.audit.segments", Counter, "{segment}", &[closed("outcome")],
        "Segments of the audit log that were sealed, and that retention removed.");
    AUDIT_CHECKPOINTS = Definition::new("open_cli.audit.checkpoints", Counter, "{checkpoint}", &[],
        "Signed checkpoints written.");
    AUDIT_TAMPERING = Definition::new("open_cli.audit.tampering", Counter, "{sign}", &[],
        "Signs of tampering with the audit log, and torn lines that were cut off.");

    TELEMETRY_EXPORTED = Definition::new("open_cli.telemetry.exported", Counter, "{item}", &[closed("sink")],
        "Spans, points and log records handed over to a sink's other side.");
    TELEMETRY_DROPPED = Definition::new("open_cli.telemetry.dropped", Counter, "{item}", &[
        closed("sink"), closed("reason"),
    ], "Spans, points and log records that were lost.");
    TELEMETRY_FAILURES = Definition::new("open_cli.telemetry.failures", Counter, "{failure}", &[
        closed("sink"), closed("reason"),
    ], "Attempts to send or write a batch that failed; it may have been sent again.");
    TELEMETRY_QUEUE = Definition::new("open_cli.telemetry.queue.length", UpDown, "{item}", &[closed("sink")],
        "What waits to be sent or written.");
    TELEMETRY_BROKEN = Definition::new("open_cli.telemetry.observers.broken", UpDown, "{observer}", &[],
        "Observers that panicked and are told nothing more.");
    METRICS_SERIES = Definition::new("open_cli.metrics.series", UpDown, "{series}", &[closed("metric")],
        "Series of the metrics that are counted on the request path.");
    METRICS_OVERFLOWS = Definition::new("open_cli.metrics.overflows", Counter, "{measurement}", &[closed("metric")],
        "Measurements that were counted under _OTHER because a limit of series was reached.");
    METRICS_SOURCE_FAILURES = Definition::new("open_cli.metrics.source.failures", Counter, "{failure}", &[],
        "Sources of metrics that panicked while they were asked.");

    CONNECTIONS = Definition::new("open_cli.connections", UpDown, "{connection}", &[], "Connections of callers.");
    RUNTIME_WORKERS = Definition::new("open_cli.runtime.workers", UpDown, "{thread}", &[closed("runtime")],
        "Worker threads of the asynchronous runtimes.");
    RUNTIME_TASKS = Definition::new("open_cli.runtime.tasks", UpDown, "{task}", &[closed("runtime")], "Tasks alive.");
    RUNTIME_QUEUE = Definition::new("open_cli.runtime.queue.length", UpDown, "{task}", &[closed("runtime")],
        "Tasks that wait in the shared queue.");
    RUNTIME_BUSY = Definition::new("open_cli.runtime.busy.time", Counter, "s", &[closed("runtime")],
        "Time that the workers were busy.");
    RUNTIME_PARKS = Definition::new("open_cli.runtime.parks", Counter, "{park}", &[closed("runtime")],
        "How often a worker went to sleep for lack of work.");
    PROCESS_CPU = Definition::new("process.cpu.time", Counter, "s", &[closed("cpu.mode")], "CPU time of the process.");
    PROCESS_MEMORY = Definition::new("process.memory.usage", UpDown, "By", &[], "Physical memory in use.");
    PROCESS_VIRTUAL = Definition::new("process.memory.virtual", UpDown, "By", &[], "Virtual memory.");
    PROCESS_THREADS = Definition::new("process.thread.count", UpDown, "{thread}", &[], "Threads of the process.");
    PROCESS_FILES = Definition::new("process.unix.file_descriptor.count", UpDown, "{file_descriptor}", &[],
        "File descriptors in use.");
    PROCESS_MAX_FILES = Definition::new("process.unix.file_descriptor.limit", UpDown, "{file_descriptor}", &[],
        "File descriptors that the process may have.");
    PROCESS_START = Definition::new("process.start_time", Gauge, "s", &[], "When the process began, Unix time.");
    PROCESS_UPTIME = Definition::new("process.uptime", Gauge, "s", &[], "How long the process has been running.");
}
