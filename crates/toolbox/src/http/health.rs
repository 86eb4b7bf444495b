//! `/healthz`: the process answers. `/readyz`: a catalog is being served, and whether it is the newest one.

use super::respond::{self, Answer};
use super::{Call, Problem};
use http::StatusCode;
use open_cli_contract::runtime::CatalogStatus;
use serde::Serialize;
use std::sync::atomic::Ordering;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness {
    /// `ready`, `degraded` (an older catalog serves), `draining`, `unready`.
    status: &'static str,
    #[serde(flatten)]
    catalog: CatalogStatus,
}

pub(super) fn health() -> Result<Answer, Box<Problem>> {
    respond::json(&Health { status: "ok" })
}

/// 200 while calls are served, 503 otherwise. A degraded catalog still serves.
pub(super) async fn ready(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let mut catalog = call.state.catalog_status().await;
    let status = if call.state.is_draining.load(Ordering::Acquire) {
        "draining"
    } else if !catalog.ready {
        "unready"
    } else if catalog.degraded {
        "degraded"
    } else {
        "ready"
    };
    if call.state.configs.is_guarded() {
        // A probe needs no token, and so learns no more than it must (W-6).
        catalog = CatalogStatus { ready: catalog.ready, degraded: catalog.degraded, ..CatalogStatus::default() };
    }
    let mut answer = respond::json(&Readiness { status, catalog })?;
    if matches!(status, "draining" | "unready") {
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(answer)
}
