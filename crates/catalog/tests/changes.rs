//! What changed from one revision to the next, and who is told.

mod common;

use common::{Desk, THINGS};
use open_cli_catalog::{HistoryError, Keeper, Listener, News, Refreshed};
use open_cli_contract::changes::{CatalogChanges, ChangeSeverity};
use open_cli_observe::{Nop, Trace};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A keeper, and what it told.
struct Kept {
    desk: Desk,
    keeper: Arc<Keeper>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Kept {
    async fn new(config: serde_json::Value) -> Self {
        let desk = Desk::new();
        desk.write("things.yaml", THINGS);
        desk.write("others.yaml", &THINGS.replace("Thing", "Other"));
        desk.config(config);
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&told);
        let listener: Listener = Arc::new(move |news: News, _: &str| {
            let line = match news {
                News::Changed(delta) => {
                    let (added, removed, _) = delta.counts();
                    format!("changed +{added} -{removed} ~{}", delta.report(0).altered.count)
                }
                News::ServiceStale { service, .. } => format!("stale {service}"),
                News::ServiceRecovered { service } => format!("recovered {service}"),
                News::Quarantined { tool, reason, .. } => format!("quarantined {tool}: {reason}"),
                News::Released { tool, .. } => format!("released {tool}"),
                News::Degraded { .. } => "degraded".into(),
                News::Restored => "restored".into(),
                other => format!("{other:?}"),
            };
            heard.lock().expect("lock").push(line);
        });
        let keeper = Keeper::start_telling(
            desk.builder(),
            desk.recorder.clone(),
            Default::default(),
            tokio::runtime::Handle::current(),
            Some(listener),
        );
        keeper.current().await.expect("catalog");
        Self { desk, keeper, told }
    }

    async fn refresh(&self) -> Refreshed {
        self.keeper.refresh(&Trace::detached(Arc::new(Nop))).await.expect("refreshed")
    }

    async fn changes(&self) -> CatalogChanges {
        self.refresh().await.delta.report(100)
    }

    async fn told(&self, line: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.told.lock().expect("lock").iter().any(|known| known == line) {
            assert!(Instant::now() < end, "{line} in {:#?}", self.told.lock().expect("lock"));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn one() -> serde_json::Value {
    json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}}, "services": {"things": {"source": "s"}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_says_what_changed_against_the_revision_before() {
    let kept = Kept::new(one()).await;
    let nothing = kept.changes().await;
    assert!(nothing.is_empty() && nothing.from == nothing.to, "{nothing:?}");
    let required =
        "parameters: [{name: q, in: query, required: true, schema: {type: string}}], operationId: listThings";
    let text = THINGS.replace("operationId: listThings", required).replace("deleteThing", "removeThing");
    kept.desk.write("things.yaml", &text);
    let changes = kept.changes().await;
    assert_eq!(changes.added.tools, ["things:removeThing"]);
    assert_eq!(changes.removed.tools, ["things:deleteThing"]);
    let altered = &changes.altered.tools[0];
    assert_eq!((altered.id.as_str(), altered.severity), ("things:listThings", ChangeSeverity::Breaking));
    let found: Vec<_> = altered.changes.iter().map(|c| (c.kind.as_str(), c.at.as_str())).collect();
    assert_eq!(found, [("required_parameter_added", "query q")]);
    kept.told("changed +1 -1 ~1").await;
    // Another spelling of the same is another revision, and no change.
    kept.desk.write("things.yaml", &format!("# same\n{text}"));
    let same = kept.changes().await;
    assert!(same.is_empty() && same.from != same.to, "{same:?}");
    assert_eq!(kept.keeper.change_totals().altered, [0, 1, 0, 0]);
    assert!(kept.keeper.status_now().changed_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_revisions_can_be_compared_and_what_came_and_went_is_no_change() {
    let kept = Kept::new(one()).await;
    let first = kept.keeper.in_force().expect("catalog").fingerprint().to_owned();
    let two = json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}, "o": {"type": "openapi", "uri": "others.yaml"}},
        "services": {"things": {"source": "s"}, "others": {"source": "o"}}});
    kept.desk.config(two);
    let second = kept.refresh().await.snapshot.fingerprint().to_owned();
    kept.desk.write("things.yaml", &THINGS.replace("summary: List", "summary: All"));
    kept.refresh().await;
    let changes = |since: String| async move { kept.keeper.changes(&since, "", None, None).await };
    let Ok(all) = changes(first.clone()).await else { panic!("known") };
    assert_eq!(all.changes.added.tools, ["others:deleteOther", "others:listOthers"]);
    assert_eq!((all.changes.altered.count, all.changes.altered.by_severity.cosmetic), (1, 1));
    assert_eq!(all.revisions.len(), 3);
    assert_eq!((all.revisions[1].revision.as_str(), all.revisions[1].added), (second.as_str(), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_there_and_back_is_no_change() {
    let kept = Kept::new(one()).await;
    let first = kept.keeper.in_force().expect("catalog").fingerprint().to_owned();
    kept.desk.write("things.yaml", &THINGS.replace("deleteThing", "removeThing"));
    let second = kept.refresh().await.snapshot.fingerprint().to_owned();
    kept.desk.write("things.yaml", THINGS);
    assert_eq!(kept.refresh().await.snapshot.fingerprint(), first);
    let since = kept.keeper.changes(&second, "", None, None).await.expect("known").changes;
    assert_eq!((since.added.count, since.removed.count), (1, 1));
    // By its name the newest of that name is meant.
    assert!(kept.keeper.changes(&first, "", None, None).await.expect("known").changes.is_empty());
    assert_eq!(kept.keeper.changes("0000000", "", None, None).await, Err(HistoryError::Unknown("0000000".into())));
}

/// Issue: a change that breaks one service keeps its last good state and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_breaks_and_recovers_is_told_and_shows_in_the_status() {
    let kept = Kept::new(one()).await;
    kept.desk.write("things.yaml", "openapi: [");
    assert!(kept.changes().await.is_empty());
    let status = kept.keeper.status_now();
    assert_eq!((status.degraded, status.stale_services, status.tools), (true, vec!["things".to_owned()], 2));
    kept.told("stale things").await;
    kept.desk.write("things.yaml", THINGS);
    kept.refresh().await;
    kept.told("recovered things").await;
    assert!(!kept.keeper.status_now().degraded);
    kept.desk.write(".cli.json", "{");
    assert!(kept.keeper.refresh(&Trace::detached(Arc::new(Nop))).await.is_err());
    kept.told("degraded").await;
    kept.desk.config(one());
    kept.refresh().await;
    kept.told("restored").await;
}
