//! `GET|POST /v1/refresh` (runtime-and-admin §4.4): fetches every remote input again and rebuilds.

use super::respond::{self, Answer};
use super::{Call, Problem, authn, check_names, parse, record};
use open_cli_callers::Right;
use open_cli_catalog::Snapshot;
use open_cli_changes::{Delta, MAX_LISTED};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision};
use open_cli_contract::catalog::{CacheOutcome, FetchRecord, Source};
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_contract::execute::{RefreshResponse, RefreshedSource};
use open_cli_observe::Event;
use serde::Deserialize;
use std::time::Instant;

pub(super) const NAME: &str = "runtime.refresh";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RefreshRequest {
    config_path: String,
}

pub(super) async fn refresh(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let started = Instant::now();
    let body = call.json_body().await?;
    let request: RefreshRequest = match body.is_empty() {
        true => RefreshRequest::default(),
        false => parse(&body)?,
    };
    check_names(&[("configPath", &request.config_path)])?;
    let selector = match request.config_path.is_empty() {
        true => call.query.get("config").to_owned(),
        false => request.config_path,
    };
    authn::identify(call, &selector).await?;
    authn::demand(call, Right::Refresh).await?;
    let result = call.state.refresh(&selector, call.guard.as_ref(), call.trace()).await;
    let mut event = Event { operation: "refresh".into(), duration: Some(started.elapsed()), ..Event::named(NAME) };
    match &result {
        Ok(_) => event.status_code = 200,
        Err(_) => event.error_category = "refresh_error".into(),
    }
    call.trace().event(event);
    let (decision, error_code) = match &result {
        Ok(_) => (Decision::Allowed, String::new()),
        Err(problem) => (Decision::Error, problem.code.clone()),
    };
    let status_code = result.as_ref().map_or_else(|problem| problem.status, |_| 200);
    let action = AuditEvent {
        config_identity: call.state.configs.identity(&selector),
        catalog_revision: result
            .as_ref()
            .map_or_else(|_| String::new(), |refreshed| refreshed.snapshot.fingerprint().to_owned()),
        ..record::action(call, "refresh", "runtime.refresh")
    };
    call.state.record(&AuditEvent { decision, error_code, status_code, ..action }).await?;
    let refreshed = result?;
    let delta = match call.guard.is_some() {
        true => refreshed.delta.only(|id| authn::reaches_id(call, &refreshed.snapshot, id)),
        false => Delta::clone(&refreshed.delta),
    };
    respond::json(&report(&refreshed.snapshot, &delta))
}

fn report(snapshot: &Snapshot, delta: &Delta) -> RefreshResponse {
    RefreshResponse {
        refreshed_at: Timestamp::now(),
        sources: snapshot.sources().iter().map(|source| refreshed(source, snapshot)).collect(),
        changes: Some(delta.report(MAX_LISTED)),
        diagnostics: snapshot.diagnostics().iter().filter(|d| d.severity.is_error()).cloned().collect(),
    }
}

/// The worst outcome of the source's fetches stands for all of them (weakness 51).
fn refreshed(source: &Source, snapshot: &Snapshot) -> RefreshedSource {
    let badness = |record: &&FetchRecord| match record.cache_outcome {
        Some(CacheOutcome::StaleHit) => 4,
        Some(CacheOutcome::Miss) => 3,
        Some(CacheOutcome::Refreshed) => 2,
        Some(CacheOutcome::RevalidatedHit) => 1,
        Some(CacheOutcome::FreshHit) | None => 0,
    };
    let worst = source.provenance.fetches.iter().rev().max_by_key(badness);
    let is_about = |name: &str| {
        name == source.id
            || snapshot.services().any(|(service, _)| service.id == name && service.source_id == source.id)
    };
    let is_stale = snapshot.stale_services().any(|(name, _)| is_about(name));
    let words = [DiagnosticCode::ServiceStale.as_str(), DiagnosticCode::SourceFailed.as_str()];
    let fault = snapshot.diagnostics().iter().find(|d| words.contains(&d.code.as_str()) && is_about(&d.source));
    RefreshedSource {
        id: source.id.clone(),
        uri: source.uri.clone(),
        cache_outcome: worst.and_then(|record| record.cache_outcome),
        status_code: worst.map(|record| record.status_code).filter(|code| *code != 0),
        stale: is_stale || worst.is_some_and(|record| record.stale),
        error: fault.map(|fault| fault.message.clone()).unwrap_or_default(),
    }
}
