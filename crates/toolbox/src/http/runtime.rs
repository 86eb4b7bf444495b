//! `GET /v1/runtime/info` (runtime-and-admin §6) and `POST /v1/runtime/stop` (§7.5).

use super::respond::{self, Answer};
use super::{Call, Problem, browser_config, record};
use open_cli_contract::runtime::{LifecycleInfo, RuntimeAuthInfo, RuntimeInfo};
use serde::Serialize;

#[derive(Serialize)]
struct Stopped {
    stopped: bool,
}

pub(super) async fn info(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let state = &call.state;
    let selector = call.query.get("config");
    let is_about_all = selector.is_empty() && state.configs.has_many();
    let guard = if is_about_all { None } else { state.configs.guard(selector)? };
    if !state.configs.has_many() {
        state.configs.select(selector)?;
    }
    // The handshake says that callers must sign in; it is not refused for that (HS-1).
    let mut auth = match &guard {
        Some(guard) => browser_config::auth_info(&guard.auth),
        None => RuntimeAuthInfo::default(),
    };
    auth.required |= !is_about_all && state.asks_for_authentication(selector);
    if let Some(caller) = &call.caller {
        auth.principal.clone_from(&caller.principal);
    } else if auth.required || state.configs.is_guarded() {
        // Where things are on this machine is not for everybody (W-6).
        return respond::json(&RuntimeInfo {
            url: state.url.clone(),
            auth,
            version: env!("CARGO_PKG_VERSION").into(),
            ..RuntimeInfo::default()
        });
    }
    let settings = &state.settings;
    let lifecycle = state.leases.is_enabled().then(|| LifecycleInfo {
        capabilities: vec!["heartbeat".into(), "session-close".into()],
        heartbeat_seconds: settings.heartbeat_seconds,
        missed_heartbeat_limit: settings.missed_heartbeat_limit,
        shutdown: settings.shutdown.as_str().into(),
        session_scope: settings.session_scope.clone(),
        share_mode: settings.share.clone(),
        share_key_present: settings.share_key_present,
        config_fingerprint: settings.config_fingerprint.clone(),
        active_sessions: state.leases.active() as u64,
    });
    let layout = &state.layout;
    respond::json(&RuntimeInfo {
        instance_id: layout.id.to_string(),
        url: state.url.clone(),
        audit_path: layout.audit_path.display().to_string(),
        state_dir: layout.state_dir.display().to_string(),
        cache_dir: layout.cache_dir.display().to_string(),
        auth,
        lifecycle,
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: Some(state.started_at),
        catalog: Some(state.catalog_status().await),
        ..RuntimeInfo::default()
    })
}

/// The answer leaves before the drain begins (W-29).
pub(super) async fn stop(call: &mut Call) -> Result<Answer, Box<Problem>> {
    call.check_selector().await?;
    tracing::info!(request = %call.request_id, "stop requested");
    // Logged by `record`; a runtime whose disk is full must still be stoppable (W-32).
    let _ = call.state.record(&record::action(call, "runtime_stop", "runtime.stop")).await;
    call.state.shutdown.request("serve_exit");
    respond::json(&Stopped { stopped: true })
}
