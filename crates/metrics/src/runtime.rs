//! Sources for what the asynchronous runtimes and the catalog say of themselves.

use crate::collect::Collector;
use crate::names;
use jiff::Timestamp;
use open_cli_contract::runtime::CatalogStatus;
use tokio::runtime::Handle;

/// Workers, tasks and queues of Tokio runtimes; those of one name are added up.
pub fn runtimes(runtimes: Vec<(&'static str, Handle)>) -> impl Fn(&mut Collector) + Send + Sync + 'static {
    move |collector| {
        for (name, handle) in &runtimes {
            let metrics = handle.metrics();
            let labels = &[*name];
            collector.set(&names::RUNTIME_WORKERS, labels, metrics.num_workers());
            collector.set(&names::RUNTIME_TASKS, labels, metrics.num_alive_tasks());
            collector.set(&names::RUNTIME_QUEUE, labels, metrics.global_queue_depth());
            #[cfg(target_has_atomic = "64")]
            for worker in 0..metrics.num_workers() {
                collector.set(&names::RUNTIME_BUSY, labels, metrics.worker_total_busy_duration(worker));
                collector.set(&names::RUNTIME_PARKS, labels, metrics.worker_park_count(worker));
            }
        }
    }
}

/// What `/readyz` says about the catalog, as metrics. For use inside a source.
pub fn catalog(collector: &mut Collector, status: &CatalogStatus) {
    collector.set(&names::CATALOG_READY, &[], status.ready);
    collector.set(&names::CATALOG_DEGRADED, &[], status.degraded);
    collector.set(&names::CATALOG_TOOLS, &[], status.tools);
    collector.set(&names::CATALOG_SERVICES, &[], status.services);
    collector.set(&names::CATALOG_DIAGNOSTICS, &["error"], status.errors);
    collector.set(&names::CATALOG_DIAGNOSTICS, &["warning"], status.warnings);
    collector.set(&names::CATALOG_STALE, &[], status.stale_services.len());
    collector.set(&names::CATALOG_QUARANTINED, &[], status.quarantined);
    if let Some(changed_at) = status.changed_at {
        collector.set(&names::CATALOG_CHANGED, &[], changed_at.as_millisecond() as f64 / 1000.0);
    }
    if let Some(built_at) = status.built_at {
        let age = Timestamp::now().as_millisecond().saturating_sub(built_at.as_millisecond());
        collector.set(&names::CATALOG_AGE, &[], age.max(0) as f64 / 1000.0);
    }
}
