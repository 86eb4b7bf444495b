//! What happened to a catalog, for whoever keeps a record of it: another revision, services that stay at an older state,
//! tools that may not be called any more. Bounded: of very many the first are named and the rest is counted.

use crate::snapshot::Snapshot;
use open_cli_changes::Delta;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tools that are named each time; the rest is counted.
const MAX_NAMED: usize = 100;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum News {
    /// Another revision is in force.
    Changed(Arc<Delta>),
    /// A service can't be built any more and stays at its last good state.
    ServiceStale {
        /// The service, or the source while that is not known.
        service: String,
        /// Why.
        message: String,
    },
    /// It can be built again, or is gone.
    ServiceRecovered {
        /// See `ServiceStale`.
        service: String,
    },
    /// A tool must not be called until an operator accepts it.
    Quarantined {
        /// Its id.
        tool: String,
        /// Its service.
        service: String,
        /// Why.
        reason: String,
    },
    /// A tool may be called again, or is gone.
    Released {
        /// Its id.
        tool: String,
        /// Its service.
        service: String,
    },
    /// So many more were quarantined and released than were named.
    More {
        /// Quarantined ones.
        quarantined: usize,
        /// Released ones.
        released: usize,
    },
    /// The configuration can't be used; the last good catalog stays in force.
    Degraded {
        /// Why.
        fault: String,
    },
    /// It can be used again.
    Restored,
}

/// Is told what happened, with the revision that is in force then; on a thread that may wait.
pub type Listener = Arc<dyn Fn(News, &str) + Send + Sync>;

/// What the newer snapshot brings beside its changes.
pub(crate) fn between(old: Option<&Snapshot>, new: &Snapshot) -> Vec<News> {
    let mut news = Vec::new();
    let was_stale: BTreeMap<&str, &str> = old.into_iter().flat_map(Snapshot::stale_services).collect();
    let is_stale: BTreeMap<&str, &str> = new.stale_services().collect();
    for (service, message) in is_stale.iter().filter(|(service, _)| !was_stale.contains_key(*service)) {
        news.push(News::ServiceStale { service: (*service).to_owned(), message: (*message).to_owned() });
    }
    for service in was_stale.keys().filter(|service| !is_stale.contains_key(*service)) {
        news.push(News::ServiceRecovered { service: (*service).to_owned() });
    }
    tools(old, new, &mut news);
    news
}

fn tools(old: Option<&Snapshot>, new: &Snapshot, news: &mut Vec<News>) {
    let was_held: BTreeMap<&str, &str> = old.into_iter().flat_map(Snapshot::quarantined).collect();
    let is_held: BTreeMap<&str, &str> = new.quarantined().collect();
    let service = |tool: &str| {
        let entry = new.tool(tool).or_else(|| old?.tool(tool));
        entry.map(|entry| entry.service().id.clone()).unwrap_or_default()
    };
    let held: Vec<_> = is_held.iter().filter(|(tool, reason)| was_held.get(*tool) != Some(*reason)).collect();
    let released: Vec<_> = was_held.keys().filter(|tool| !is_held.contains_key(*tool)).collect();
    news.extend(held.iter().take(MAX_NAMED).map(|(tool, reason)| News::Quarantined {
        tool: (**tool).to_owned(),
        service: service(tool),
        reason: (**reason).to_owned(),
    }));
    news.extend(
        released
            .iter()
            .take(MAX_NAMED)
            .map(|tool| News::Released { tool: (**tool).to_owned(), service: service(tool) }),
    );
    let more = (held.len().saturating_sub(MAX_NAMED), released.len().saturating_sub(MAX_NAMED));
    if more != (0, 0) {
        news.push(News::More { quarantined: more.0, released: more.1 });
    }
}

impl News {
    /// One line of the log.
    pub(crate) fn log(&self, revision: &str) {
        match self {
            Self::Changed(delta) => {
                let (added, removed, altered) = delta.counts();
                let changes = delta.report(0);
                let (safety, breaking) = (altered.safety, altered.breaking);
                let altered = changes.altered.count;
                tracing::info!(%revision, from = %delta.from(), added, removed, altered, safety, breaking, "the catalog changed");
            }
            Self::ServiceStale { service, message } => {
                tracing::warn!(%service, "a service stays at its last good state: {message}");
            }
            Self::ServiceRecovered { service } => {
                tracing::info!(%service, "the service is at its newest state again")
            }
            Self::Quarantined { tool, reason, .. } => tracing::warn!(%tool, "quarantined: {reason}"),
            Self::Released { tool, .. } => tracing::info!(%tool, "not quarantined any more"),
            Self::More { quarantined, released } => {
                tracing::warn!(quarantined, released, "more tools were quarantined and released");
            }
            // Said with all it has to say where it is found.
            Self::Degraded { .. } => {}
            Self::Restored => tracing::info!("the configuration can be used again"),
        }
    }
}
