//! `status` (client §11.6; W45). Every key is always present; what can't be known is `null`.

use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::count;
use open_cli_client::{CatalogQuery, Runtime, Settings};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

pub(super) const FLAGS: &[Flag] =
    &[Flag::new("check", Takes::Nothing, "Exit with 7 when the runtime can't be reached, 3 when it refuses")];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    runtime: RuntimeStatus,
    config: ConfigStatus,
    sources: Sources,
    auth: Auth,
    approval: Approval,
    scope_paths: Scopes,
    /// Beside the contract: where this client would keep state.
    instance: Instance,
    /// Beside the contract: what the runtime says about its catalog.
    catalog: Value,
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
    total_active: usize,
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
    id: String,
    state_dir: PathBuf,
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
    let instance = app.instance()?;
    let url = app.runtime_url().ok().map(|(url, _)| url.as_str().to_owned());
    let begin = Instant::now();
    let asked = app.runtime().and_then(|runtime| Ok((runtime, runtime.info()?.value)));
    let latency = u64::try_from(begin.elapsed().as_millis()).ok();
    let (runtime, info, failure) = match asked {
        Ok((runtime, info)) => (Some(runtime), info, None),
        Err(failure) => (None, Value::Null, Some(failure)),
    };
    let report = Report {
        runtime: RuntimeStatus {
            available: failure.is_none(),
            mode: if url.is_some() { "remote" } else { "unknown" },
            version: member(&info, "/version").map(str::to_owned),
            url,
            latency_ms: latency.filter(|_| failure.is_none()),
            error: failure.as_ref().map(|failure| format!("{}: {}", failure.message, failure.cause)),
        },
        config: ConfigStatus { active_path: settings.config_path.clone() },
        sources: Sources {
            total_active: settings.source_types.values().sum(),
            by_type: settings.source_types.clone(),
        },
        auth: auth(settings, &info),
        approval: approval(runtime, settings),
        scope_paths: Scopes {
            managed: settings.scopes.managed.clone(),
            user: settings.scopes.user.clone(),
            project: settings.scopes.project.clone(),
            local: settings.scopes.local.clone(),
        },
        instance: Instance { id: instance.id.as_str().to_owned(), state_dir: instance.state_dir },
        catalog: info.get("catalog").cloned().unwrap_or(Value::Null),
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
    let configured = settings.oauth.as_ref().and_then(|oauth| oauth.mode.clone());
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

/// Real counts: the tools' own safety and the policy of the configuration.
fn approval(runtime: Option<&Runtime>, settings: &Settings) -> Approval {
    let answer = runtime.and_then(|runtime| runtime.catalog(&CatalogQuery::default()).ok());
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
    let _ = writeln!(out, "Instance: {} ({})", report.instance.id, report.instance.state_dir.display());
    if report.config.active_path.is_some() {
        let kinds: Vec<String> = report.sources.by_type.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let detail = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        let _ = writeln!(out, "Sources:  {} active{detail}", report.sources.total_active);
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
        let text = format!("{} of {}, {errors}", count(tools, "tool"), count(services, "service"));
        let _ = writeln!(out, "Catalog:  {text}{note}");
    }
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
