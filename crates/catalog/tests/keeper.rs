//! Changes while requests come in: LOAD-1.

mod common;

use common::{Desk, THINGS};
use open_cli_catalog::Keeper;
use serde_json::json;
use std::time::Duration;

/// A rebuild that is done before the request that noticed the change looks again must count for that request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_seen_by_the_next_request_however_fast_the_rebuild_is() {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    let config = |round: usize| {
        desk.config(json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}},
            "services": {"things": {"source": "s"}}, "policy": {"deny": [format!("things:{round}*")]}}));
    };
    config(0);
    let keeper = Keeper::start(
        desk.builder(),
        desk.recorder.clone(),
        Default::default(),
        tokio::runtime::Handle::current(),
    );
    let mut last = keeper.current().await.expect("catalog").fingerprint().to_owned();
    for round in 1..=50 {
        config(round);
        // Files are looked at every so often only.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = keeper.current().await.expect("catalog").fingerprint().to_owned();
        assert_ne!(now, last, "edit {round}");
        last = now;
    }
}
