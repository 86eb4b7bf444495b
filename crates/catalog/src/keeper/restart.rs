//! From one run to the next: the catalog of an earlier run in force at once when nothing has changed, else what a first
//! build begins with; and each new catalog stored, beside the requests. Not for what is stored; that is `stored`.

use super::{Keeper, Rebuilding};
use crate::snapshot::Snapshot;
use crate::stored::Restored;
use open_cli_observe::Trace;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Changes that follow each other so fast are stored once.
const STORE_AFTER: Duration = Duration::from_millis(500);

impl Keeper {
    /// The first build, or what an earlier run left of it.
    pub(super) fn begin(self: &Arc<Self>) {
        self.is_rebuilding.store(true, Ordering::Release);
        let keeper = Arc::clone(self);
        self.background.spawn(async move {
            let trace = Trace::detached_sampled(Arc::clone(&keeper.observer), keeper.sampler);
            let _done = Rebuilding(&keeper);
            let mut span = trace.span("catalog.restore");
            let restoring = Arc::clone(&keeper);
            let restored = tokio::task::spawn_blocking(move || restoring.builder.restore()).await.ok().flatten();
            let outcome =
                restored.as_ref().map_or("none", |found| if found.is_current { "used" } else { "outdated" });
            span.set("catalog.restore.outcome", outcome);
            span.end();
            match restored {
                Some(Restored { snapshot, is_current: true }) => keeper.resume(snapshot).await,
                // Faults are kept for the status and logged by the attempt.
                older => {
                    let previous = older.map(|restored| Arc::new(restored.snapshot));
                    let _ = keeper.attempt(false, previous, &trace).await;
                }
            }
        });
    }

    /// Puts the catalog of an earlier run in force.
    async fn resume(self: &Arc<Self>, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        {
            let mut attempt = self.last_attempt.lock();
            attempt.stamps.clone_from(&snapshot.stamps);
            attempt.listings.clone_from(&snapshot.listings);
            attempt.revalidate_at = snapshot.revalidate_at;
        }
        let status = snapshot.status();
        tracing::info!(services = status.services, tools = status.tools, "the stored catalog is in force");
        self.current.store(Some(Arc::clone(&snapshot)));
        let history = Arc::clone(&self.history).lock_owned().await;
        self.background.spawn(Arc::clone(self).tell(history, None, Arc::clone(&snapshot), false));
        let keeper = Arc::clone(self);
        self.background.spawn_blocking(move || {
            snapshot.read_all();
            if snapshot.is_damaged() || keeper.needs_revalidation() || keeper.has_changed() {
                keeper.rebuild_in_background();
            }
        });
    }

    /// Keeps the catalog for the next start.
    pub(super) fn store_in_background(self: &Arc<Self>) {
        let Some(store) = self.builder.store().cloned() else { return };
        let keeper = Arc::clone(self);
        self.background.spawn(async move {
            let mut last = keeper.storing.lock().await;
            tokio::time::sleep(STORE_AFTER).await;
            let Some(snapshot) = keeper.current.load_full() else { return };
            let key = snapshot.inputs_key();
            if *last == Some(key) {
                return;
            }
            let saved = tokio::task::spawn_blocking(move || store.save(&snapshot)).await;
            match saved {
                Ok(Ok(())) => *last = Some(key),
                Ok(Err(fault)) => tracing::warn!(%fault, "the catalog can't be stored; the next start builds it"),
                Err(error) => tracing::warn!(%error, "storing the catalog failed; the next start builds it"),
            }
        });
    }
}
