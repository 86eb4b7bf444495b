//! What happens to catalogs, on record: another revision, a service that stays at an older state, a quarantined tool.
//! Nobody asked for it, so nobody waits: records are written one after the other, beside the requests. Not for requests;
//! those write their own (`http::record`).

use crate::state::State;
use open_cli_catalog::{Listener, News};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision};
use open_cli_contract::problem::ErrorCode;
use std::path::Path;
use std::sync::{Arc, Weak};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What these records are about when it is no tool.
const CATALOG: &str = "runtime.catalog";

/// Takes what is to be recorded. News come with builds, a few for each and bounded; none may be lost.
#[derive(Clone)]
pub(crate) struct Chronicle(UnboundedSender<AuditEvent>);

impl Chronicle {
    pub(crate) fn new() -> (Self, UnboundedReceiver<AuditEvent>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    /// Who is told about the catalog of this configuration.
    pub(crate) fn listener(&self, config: &Path) -> Listener {
        let (sender, identity) = (self.0.clone(), config.display().to_string());
        Arc::new(move |news: News, revision: &str| {
            let event = AuditEvent {
                timestamp: Timestamp::now(),
                catalog_revision: revision.to_owned(),
                config_identity: identity.clone(),
                ..event(news)
            };
            // Nobody listens at the end of the runtime.
            let _ = sender.send(event);
        })
    }
}

/// Writes the records until the runtime ends.
pub(crate) async fn write(mut events: UnboundedReceiver<AuditEvent>, state: Weak<State>) {
    while let Some(event) = events.recv().await {
        let Some(state) = state.upgrade() else { return };
        // Failures are logged by `record`.
        let _ = state.record(&event).await;
    }
}

fn event(news: News) -> AuditEvent {
    let about = |word: &str| AuditEvent {
        event_type: word.to_owned(),
        tool_id: CATALOG.to_owned(),
        reason_code: word.to_owned(),
        outcome: "ok".to_owned(),
        ..AuditEvent::default()
    };
    let failed = |word: &str| AuditEvent {
        decision: Decision::Error,
        error_code: word.to_owned(),
        outcome: "failed".to_owned(),
        ..about(word)
    };
    match news {
        News::Changed(delta) => {
            let changes = delta.report(0);
            let severity = changes.severity().map(|severity| format!(",severity={}", severity.as_str()));
            let reason_code = format!(
                "catalog_changed:added={},removed={},altered={}{}",
                changes.added.count,
                changes.removed.count,
                changes.altered.count,
                severity.unwrap_or_default()
            );
            AuditEvent { reason_code, ..about("catalog_changed") }
        }
        News::ServiceStale { service, .. } => AuditEvent { service_id: service, ..failed("service_stale") },
        News::ServiceRecovered { service } => AuditEvent { service_id: service, ..about("service_recovered") },
        News::Quarantined { tool, service, .. } => AuditEvent {
            tool_id: tool,
            service_id: service,
            decision: Decision::Denied,
            error_code: ErrorCode::ToolQuarantined.as_str().to_owned(),
            outcome: "refused".to_owned(),
            ..about("tool_quarantined")
        },
        News::Released { tool, service } => {
            AuditEvent { tool_id: tool, service_id: service, ..about("tool_released") }
        }
        News::More { quarantined, released } => AuditEvent {
            decision: Decision::Denied,
            reason_code: format!("tool_quarantined:more={quarantined},released={released}"),
            outcome: "refused".to_owned(),
            ..about("tool_quarantined")
        },
        News::Degraded { .. } => failed("catalog_degraded"),
        News::Restored => about("catalog_restored"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_say_what_happened_in_words_that_can_be_looked_for() {
        for (news, kind, tool, decision, reason) in [
            (
                News::Changed(Arc::default()),
                "catalog_changed",
                CATALOG,
                Decision::Allowed,
                "catalog_changed:added=0,removed=0,altered=0",
            ),
            (
                News::Quarantined { tool: "s:x".into(), service: "s".into(), reason: "r".into() },
                "tool_quarantined",
                "s:x",
                Decision::Denied,
                "tool_quarantined",
            ),
            (
                News::ServiceStale { service: "s".into(), message: "m".into() },
                "service_stale",
                CATALOG,
                Decision::Error,
                "service_stale",
            ),
            (
                News::More { quarantined: 3, released: 0 },
                "tool_quarantined",
                CATALOG,
                Decision::Denied,
                "tool_quarantined:more=3,released=0",
            ),
        ] {
            let event = event(news);
            let found =
                (event.event_type.as_str(), event.tool_id.as_str(), event.decision, event.reason_code.as_str());
            assert_eq!(found, (kind, tool, decision, reason));
        }
    }
}
