//! What other rooms count, as metrics.

use super::Telemetry;
use crate::state::State;
use open_cli_contract::changes::ChangeSeverity;
use open_cli_metrics::{Collector, Metrics, names, process};
use open_cli_otlp::Figures;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Has the metrics ask the runtime for what it counts itself.
pub(crate) fn register(metrics: &Metrics, state: &Arc<State>) {
    let state: Weak<State> = Arc::downgrade(state);
    metrics.register(process);
    metrics.register(move |collector| {
        let Some(state) = state.upgrade() else { return };
        open_cli_metrics::catalog(collector, &state.catalog_status_now());
        changes(collector, &state);
        collector.set(&names::CONNECTIONS, &[], state.connections.load(Ordering::Relaxed) as u64);
        upstreams(collector, &state);
        telemetry(collector, &state.telemetry);
        audit(collector, &state);
        if state.configs.is_guarded() {
            for (result, count) in state.authn.counts() {
                collector.set(&names::AUTHENTICATIONS, &[result], count);
            }
        }
        if let Some(log) = &state.log {
            collector.set(&names::TELEMETRY_DROPPED, &["log", "queue_full"], log.lines().lost());
        }
    });
}

fn upstreams(collector: &mut Collector, state: &State) {
    let (stats, open) = state.routes.stats();
    collector.set(&names::UPSTREAM_RETRIES, &[], stats.retries);
    collector.set(&names::UPSTREAM_REFUSED, &["circuit_open"], stats.breaker_refused);
    collector.set(&names::UPSTREAM_REFUSED, &["queue"], stats.queue_refused);
    collector.set(&names::BREAKERS_OPENED, &[], stats.breaker_opened);
    collector.set(&names::BREAKERS_OPEN, &[], open);
}

/// Counters begin at 0, so that the first change is an increase.
fn changes(collector: &mut Collector, state: &State) {
    for keeper in state.configs.keepers() {
        let totals = keeper.change_totals();
        collector.set(&names::CATALOG_CHANGES, &["added"], totals.added);
        collector.set(&names::CATALOG_CHANGES, &["removed"], totals.removed);
        for (severity, count) in ChangeSeverity::ALL.iter().zip(totals.altered) {
            collector.set(&names::CATALOG_CHANGES, &[severity.as_str()], count);
        }
    }
}

fn telemetry(collector: &mut Collector, telemetry: &Telemetry) {
    let exporters = &telemetry.exporters;
    for (sink, figures) in [
        ("otlp_traces", exporters.traces.as_ref().map(|exporter| exporter.figures())),
        ("otlp_metrics", exporters.metrics.as_ref().map(|exporter| exporter.figures())),
        ("otlp_logs", exporters.logs.as_ref().map(|exporter| exporter.figures())),
    ] {
        if let Some(figures) = figures {
            exporter(collector, sink, &figures);
        }
    }
    if let Some(file) = &telemetry.trace_file {
        let (sink, stats) = ("trace_file", file.stats());
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        collector.set(&names::TELEMETRY_EXPORTED, &[sink], count(&stats.written_spans));
        collector.set(&names::TELEMETRY_DROPPED, &[sink, "queue_full"], count(&stats.queue_dropped_traces));
        collector.set(&names::TELEMETRY_DROPPED, &[sink, "rate"], count(&stats.rate_dropped_traces));
        collector.set(&names::TELEMETRY_DROPPED, &[sink, "failed"], count(&stats.failed_traces));
    }
    let broken =
        telemetry.fan_out.broken() + telemetry.detached.iter().filter(|observer| observer.is_broken()).count();
    let lost: u64 = telemetry.detached.iter().map(|observer| observer.dropped()).sum();
    collector.set(&names::TELEMETRY_DROPPED, &["observer", "queue_full"], lost);
    collector.set(&names::TELEMETRY_BROKEN, &[], broken as u64);
}

fn exporter(collector: &mut Collector, sink: &'static str, figures: &Figures) {
    collector.set(&names::TELEMETRY_EXPORTED, &[sink], figures.exported);
    for (reason, lost) in [
        ("queue_full", figures.dropped_queue_full),
        ("failed", figures.dropped_failed),
        ("rejected", figures.rejected),
    ] {
        collector.set(&names::TELEMETRY_DROPPED, &[sink, reason], lost);
    }
    collector.set(&names::TELEMETRY_FAILURES, &[sink, "send"], figures.failures);
    collector.set(&names::TELEMETRY_QUEUE, &[sink], figures.queue_len);
}

fn audit(collector: &mut Collector, state: &State) {
    let stats = state.audit.stats();
    collector.set(&names::AUDIT_RECORDS, &[], stats.records);
    collector.set(&names::AUDIT_BYTES, &[], stats.bytes);
    collector.set(&names::AUDIT_FAILURES, &[], stats.failures);
    collector.set(&names::AUDIT_QUEUE, &[], stats.queue_depth);
    collector.set(&names::AUDIT_SYNCS, &[], stats.syncs);
    collector.set(&names::AUDIT_SYNC_TIME, &[], Duration::from_nanos(stats.sync_nanos));
    collector.set(&names::AUDIT_SEGMENTS, &["sealed"], stats.segments_sealed);
    collector.set(&names::AUDIT_SEGMENTS, &["removed"], stats.segments_removed);
    collector.set(&names::AUDIT_CHECKPOINTS, &[], stats.heads);
    collector.set(&names::AUDIT_TAMPERING, &[], stats.bad);
}
