//! The audit push of a runtime: whose records they are, how a loss is recorded, what is counted. Not for how records
//! reach a receiver (see `open-cli-auditpush`).

use crate::settings::Settings;
use crate::state::State;
use crate::telemetry::Telemetry;
use open_cli_audit::AuditLog;
use open_cli_auditpush::{Gap, Origin, Push, StartError};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision};
use open_cli_instance::Layout;
use open_cli_metrics::{Collector, Metrics, names};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long the end waits for what is not delivered yet; the rest is delivered after the next start.
const LAST_TRY: Duration = Duration::from_secs(2);
/// Event type of the record that tells of a loss.
const GAP: &str = "audit_push_gap";
const SINK: &str = "audit_push";

/// The push of a runtime.
pub(crate) struct AuditPush {
    push: Arc<Push>,
    /// Number of the log's last record when it was opened.
    first_seq: u64,
}

impl AuditPush {
    /// Sets it up as the settings say; none when they name no receiver. Sends nothing yet.
    pub(crate) fn new(settings: &Settings, layout: &Layout, last_seq: u64) -> Result<Option<Self>, StartError> {
        let wanted = &settings.audit.push;
        if wanted.sinks.is_empty() {
            return Ok(None);
        }
        for sink in wanted.sinks.iter().filter(|sink| sink.is_plain()) {
            tracing::info!(sink = sink.place(), "audit records cross the network to this receiver in plain text");
        }
        let origin = Origin {
            instance: layout.id.to_string(),
            host: crate::telemetry::host_name().unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            resource: Arc::new(Telemetry::resource(&settings.observability, layout)),
        };
        let push = Push::new(&layout.audit_path, wanted, origin)?;
        Ok(Some(Self { push: Arc::new(push), first_seq: last_seq }))
    }

    /// Begins to send.
    pub(crate) fn start(&self, state: &Arc<State>) -> Result<(), StartError> {
        let log = Arc::downgrade(&state.audit);
        self.push.start(move |gap| record(&log, gap))?;
        if let Some(metrics) = &state.telemetry.metrics {
            self.count(metrics, Arc::downgrade(state));
        }
        Ok(())
    }

    fn count(&self, metrics: &Metrics, state: Weak<State>) {
        let (push, first_seq) = (Arc::clone(&self.push), self.first_seq);
        metrics.register(move |collector: &mut Collector| {
            let Some(state) = state.upgrade() else { return };
            let figures = push.figures(first_seq + state.audit.stats().records);
            collector.set(&names::TELEMETRY_EXPORTED, &[SINK], figures.delivered);
            collector.set(&names::TELEMETRY_DROPPED, &[SINK, "retention"], figures.lost);
            collector.set(&names::TELEMETRY_DROPPED, &[SINK, "rejected"], figures.rejected);
            collector.set(&names::TELEMETRY_FAILURES, &[SINK, "send"], figures.failures);
            collector.set(&names::TELEMETRY_QUEUE, &[SINK], figures.backlog);
        });
    }

    /// A last try, bounded in time. Blocks. Afterwards no file of the instance is written.
    pub(crate) fn end(&self) {
        if !self.push.end(LAST_TRY) {
            tracing::warn!("not all audit records could be delivered in time; they are after the next start");
        }
    }
}

/// A receiver misses records: that is in the log too, and reaches the receiver with it.
fn record(log: &Weak<AuditLog>, gap: &Gap) {
    let Some(log) = log.upgrade() else { return };
    let event = AuditEvent {
        timestamp: Timestamp::now(),
        event_type: GAP.into(),
        tool_id: "runtime.audit_push".into(),
        target_base_url: gap.sink.clone(),
        decision: Decision::Error,
        reason_code: format!("{}:{}-{}", gap.reason.as_str(), gap.from, gap.to),
        outcome: "failed".into(),
        ..AuditEvent::default()
    };
    if let Err(error) = log.append(&event) {
        tracing::error!(%error, "that a receiver misses audit records can't be recorded");
    }
}
