//! `status` (client §11.6; W45). Every key is always present; what can't be known is `null`.

use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::{count, one_line};
use open_cli_client::{CatalogQuery, Settings};
use open_cli_contract::catalog::{Diagnostic, EffectiveCatalog, Severity};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

pub(super) const FLAGS: &[Flag] =
    &[Flag::new("check", Takes::Nothing, "Exit with 7 when the runtime can't be reached, 3 when it refuses")];

/// Diagnostics that are named; the rest is counted.
const MAX_DIAGNOSTICS: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    runtime: RuntimeStatus,
    config: ConfigStatus,
    sources: Sources,
    auth: Auth,
    approval: Approval,
    scope_paths: Scopes,
    /// Beside the contract: as configured here, else as the runtime says.
    instance: Instance,
    /// Beside the contract: what the runtime says about its catalog.
    catalog: Value,
    /// Beside the contract: what is wrong with the catalog's inputs.
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeStatus {
    available: bool,
    mode: &'static str,
    version: Option<String>,
    /// Beside the contract, like what follows.
    url: Option<String>,
    latency_ms: Option<u64>,
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigStatus {
    active_path: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sources {
    total_active: Option<usize>,
    by_type: BTreeMap<String, usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    mode: String,
    required: Option<bool>,
    audience: Option<String>,
    scopes: Vec<String>,
    browser_login_configured: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Approval {
    has_approval_gated_tools: Option<bool>,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    id: Option<String>,
    state_dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Scopes {
    managed: Option<PathBuf>,
    user: Option<PathBuf>,
    project: Option<PathBuf>,
    local: Option<PathBuf>,
}

pub(super) fn run(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let settings = app.settings()?;
    let url = app.runtime_url().ok().map(|(url, _)| url.as_str().to_owned());
    let begin = Instant::now();
    let asked = match app.runtime().and_then(|runtime| Ok((runtime, runtime.info()?.value))) {
        // A runtime that asks for a token says as much to everybody.
        Err(failure) if failure.exit == Exit::Auth => {
            let anonymous = app.runtime_with(None).and_then(|runtime| Ok(runtime.info()?.value));
            anonymous.map(|info| (None, info, Some(failure)))
        }
        other => other.map(|(runtime, info)| (Some(runtime), info, None)),
    };
    let latency = u64::try_from(begin.elapsed().as_millis()).ok();
    let (runtime, info, failure) = match asked {
        Ok(asked) => asked,
        Err(failure) => (None, Value::Null, Some(failure)),
    };
    let answer = runtime.and_then(|runtime| runtime.catalog(&CatalogQuery::default()).ok());
    let report = Report {
        runtime: RuntimeStatus {
            available: failure.is_none() || info != Value::Null,
            mode: if url.is_some() { "remote" } else { "unknown" },
            version: member(&info, "/version").map(str::to_owned),
            url,
            latency_ms: latency.filter(|_| failure.is_none() || info != Value::Null),
            error: failure.as_ref().map(|failure| format!("{}: {}", failure.message, failure.cause)),
        },
        config: ConfigStatus { active_path: settings.config_path.clone() },
        sources: sources(settings, answer.as_ref()),
        auth: auth(settings, &info),
        approval: approval(answer.as_ref(), settings),
        scope_paths: Scopes {
            managed: settings.scopes.managed.clone(),
            user: settings.scopes.user.clone(),
            project: settings.scopes.project.clone(),
            local: settings.scopes.local.clone(),
        },
        instance: instance(app, settings, &info)?,
        catalog: info.get("catalog").cloned().unwrap_or(Value::Null),
        diagnostics: answer.map(|answer| answer.catalog.diagnostics).unwrap_or_default(),
    };
    app.screen.report(&report, || Ok(layout(&report, app)))?;
    match failure {
        Some(failure) if app.line.is_set("check") => Err(failure),
        _ => Ok(Exit::Ok),
    }
}

fn member<'a>(info: &'a Value, pointer: &str) -> Option<&'a str> {
    info.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn flag(info: &Value, pointer: &str) -> Option<bool> {
    match info.pointer(pointer)? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn auth(settings: &Settings, info: &Value) -> Auth {
    let required = flag(info, "/auth/required");
    let browser_login_configured = flag(info, "/auth/browserLogin/configured");
    let scopes: Vec<String> = info
        .pointer("/auth/scopes")
        .and_then(Value::as_array)
        .map(|scopes| scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let configured = settings.oauth.as_ref().and_then(|oauth| oauth.mode).map(|mode| mode.as_str().to_owned());
    let mode = match configured {
        Some(mode) => mode,
        None if browser_login_configured == Some(true) => "browserLogin".into(),
        None if required == Some(false) => "none".into(),
        None if required == Some(true) && !scopes.is_empty() => "oauthClient".into(),
        None => "unknown".into(),
    };
    Auth {
        mode,
        required,
        audience: member(info, "/auth/audience").map(str::to_owned),
        scopes,
        browser_login_configured,
    }
}

/// Of the configuration; without one, of the runtime's catalog.
fn sources(settings: &Settings, answer: Option<&EffectiveCatalog>) -> Sources {
    if settings.config_path.is_some() {
        let by_type = settings.source_types.clone();
        return Sources { total_active: Some(by_type.values().sum()), by_type };
    }
    let mut by_type = BTreeMap::new();
    for source in answer.into_iter().flat_map(|answer| &answer.catalog.sources) {
        *by_type.entry(source.kind.clone()).or_insert(0) += 1;
    }
    Sources { total_active: answer.map(|answer| answer.catalog.sources.len()), by_type }
}

/// What configuration, flags or environment lead to; without any of them, what the runtime says.
fn instance(app: &App, settings: &Settings, info: &Value) -> Result<Instance, Failure> {
    let globals = &app.line.globals;
    let variables = ["OPEN_CLI_INSTANCE_ID", "OPEN_CLI_STATE_DIR"];
    let is_named = settings.config_path.is_some()
        || globals.instance_id.is_some()
        || globals.state_dir.is_some()
        || variables.iter().any(|name| app.environment.get(name).is_some());
    if is_named {
        let layout = app.instance()?;
        return Ok(Instance { id: Some(layout.id.as_str().to_owned()), state_dir: Some(layout.state_dir) });
    }
    Ok(Instance {
        id: member(info, "/instanceId").map(str::to_owned),
        state_dir: member(info, "/stateDir").map(PathBuf::from),
    })
}

/// Real counts: the tools' own safety and the policy of the configuration.
fn approval(answer: Option<&EffectiveCatalog>, settings: &Settings) -> Approval {
    let by_policy = settings.approval_patterns.as_ref().is_some_and(|patterns| !patterns.is_empty());
    let gated =
        answer.map(|answer| by_policy || answer.view.tools.iter().any(|tool| tool.safety.requires_approval));
    let status = match gated {
        Some(true) => "required",
        Some(false) => "not_required",
        None => "unknown",
    };
    Approval { has_approval_gated_tools: gated, status }
}

/// Why the last rebuild failed, and what is wrong with the inputs of the catalog in force.
fn faults(report: &Report, app: &App, out: &mut String) {
    let paint = app.screen.paint;
    let faults = report.catalog.get("faults").and_then(Value::as_array).into_iter().flatten();
    for fault in faults.filter_map(Value::as_str) {
        let _ = writeln!(out, "  {}", paint.error(&format!("fault: {}", one_line(fault))));
    }
    let mut shown: Vec<&Diagnostic> =
        report.diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Note).collect();
    shown.sort_by_key(|diagnostic| diagnostic.severity);
    for diagnostic in shown.iter().take(MAX_DIAGNOSTICS) {
        let Diagnostic { code, source, pointer, message, .. } = diagnostic;
        let place = if pointer.is_empty() { source.clone() } else { format!("{source} {pointer}") };
        let word = match diagnostic.severity {
            Severity::Error => paint.error("error"),
            _ => paint.warning("warning"),
        };
        let _ = writeln!(out, "  {word} {}", one_line(&format!("{code} ({place}): {message}")));
    }
    let more = shown.len().saturating_sub(MAX_DIAGNOSTICS);
    if more > 0 {
        let _ = writeln!(out, "  … {more} more: `open-cli status --format json` has all");
    }
}

fn layout(report: &Report, app: &App) -> String {
    let paint = app.screen.paint;
    let mut out = String::new();
    let runtime = &report.runtime;
    let url = runtime.url.as_deref().unwrap_or("no URL configured");
    let state = if runtime.available {
        let version = runtime.version.as_deref().unwrap_or("unknown");
        let latency = runtime.latency_ms.unwrap_or_default();
        format!("{} {} {url} (v{version}, {latency} ms)", paint.good("ok"), runtime.mode)
    } else {
        format!("{} not running: {url}", paint.error("x"))
    };
    let _ = writeln!(out, "Runtime:  {state}");
    let config = report.config.active_path.as_ref().map_or("none".into(), |path| path.display().to_string());
    let _ = writeln!(out, "Config:   {config}");
    if let Some(id) = &report.instance.id {
        let folder = report.instance.state_dir.as_ref().map(|path| one_line(&format!(" ({})", path.display())));
        let _ = writeln!(out, "Instance: {}{}", one_line(id), folder.unwrap_or_default());
    }
    if let Some(total) = report.sources.total_active {
        let kinds: Vec<String> = report.sources.by_type.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let detail = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        let _ = writeln!(out, "Sources:  {total} active{detail}");
    }
    if let Some(required) = report.auth.required {
        let mut parts = vec![format!("mode={}", report.auth.mode), format!("required={required}")];
        parts.extend(report.auth.audience.iter().map(|audience| format!("audience={audience}")));
        if !report.auth.scopes.is_empty() {
            parts.push(format!("scopes={}", report.auth.scopes.join(" ")));
        }
        parts.extend(report.auth.browser_login_configured.iter().map(|is| format!("browserLoginConfigured={is}")));
        let _ = writeln!(out, "Auth:     {}", crate::text::one_line(&parts.join(", ")));
    }
    if let Some(gated) = report.approval.has_approval_gated_tools {
        let _ = writeln!(out, "Approval: {}", if gated { "required for some tools" } else { "not required" });
    }
    let number = |name: &str| usize::try_from(report.catalog.get(name)?.as_u64()?).ok();
    if let (Some(tools), Some(services)) = (number("tools"), number("services")) {
        let degraded = report.catalog.get("degraded") == Some(&Value::Bool(true));
        let note = if degraded { paint.warning(", serving an older catalog").into_owned() } else { String::new() };
        let errors = count(number("errors").unwrap_or_default(), "error");
        let mut text = format!("{} of {}, {errors}", count(tools, "tool"), count(services, "service"));
        if let Some(warnings) = number("warnings").filter(|warnings| *warnings > 0) {
            let _ = write!(text, ", {}", count(warnings, "warning"));
        }
        let _ = writeln!(out, "Catalog:  {text}{note}");
        if let Some(quarantined) = number("quarantined").filter(|quarantined| *quarantined > 0) {
            let text =
                format!("{} quarantined until an operator accepts what changed", count(quarantined, "tool"));
            let _ = writeln!(out, "  {}", paint.warning(&text));
        }
        let stale = report.catalog.get("staleServices").and_then(Value::as_array).into_iter().flatten();
        let stale: Vec<&str> = stale.filter_map(Value::as_str).collect();
        if !stale.is_empty() {
            let text = format!("at an older state: {}", one_line(&stale.join(", ")));
            let _ = writeln!(out, "  {}", paint.warning(&text));
        }
    }
    faults(report, app, &mut out);
    let scopes = &report.scope_paths;
    let known = [
        ("managed", &scopes.managed),
        ("user", &scopes.user),
        ("project", &scopes.project),
        ("local", &scopes.local),
    ];
    if known.iter().any(|(_, path)| path.is_some()) {
        out.push_str("Scope paths:\n");
        for (name, path) in known {
            if let Some(path) = path {
                let _ = writeln!(out, "  {name}: {}", path.display());
            }
        }
    }
    if let Some(error) = &report.runtime.error {
        let _ = write!(
            out,
            "\n{error}\nSuggestion: Check the runtime URL (`--runtime`, OPEN_CLI_RUNTIME_URL, `runtime.remote.url`) \
             and that open-cli-toolbox runs there.\n"
        );
    }
    out
}
