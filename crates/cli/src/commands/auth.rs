//! `auth login`, `auth logout`, `auth status`, `auth token`: signing in to the runtime (client §11.4, §11.5; weaknesses
//! W48, W49, W51).

use crate::app::App;
use crate::args::{Flag, Format, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;
use crate::text::one_line;
use open_cli_client::{LoginWay, Request, SignedIn};
use open_cli_contract::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

pub(super) const LOGIN_FLAGS: &[Flag] = &[
    Flag::new("device", Takes::Nothing, "Show a code to type into a browser on any machine"),
    Flag::new("no-browser", Takes::Nothing, "Show the address instead of opening a browser"),
    Flag::new("scope", Takes::Value("words"), "Ask for these scopes beside the configured ones"),
];

/// W48: needs no token, no catalog, and no `runtime.remote.oauth`.
pub(super) fn login(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let sign_in = app.sign_in()?;
    if !sign_in.is_for_people() {
        app.screen.remark("`runtime.remote.oauth` gets its token without a person; nobody has to sign in.");
        // Whether it does, now.
        sign_in.token()?;
        return done(app, sign_in.signed_in().as_ref());
    }
    let way = if app.line.is_set("device") { LoginWay::Device } else { LoginWay::Browser };
    let extra = app.line.flag("scope").unwrap_or_default();
    let extra: Vec<String> = extra.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let opens = !app.line.is_set("no-browser");
    let signed_in = sign_in.login(way, &extra, &|request| show(app, request, opens))?;
    done(app, Some(&signed_in))
}

/// Tells the person what to do.
pub(crate) fn show(app: &App, request: &Request, opens: bool) {
    let paint = app.screen.error_paint;
    match request {
        Request::Open { url } => {
            app.screen.remark(&format!("Sign in here (Ctrl-C gives up):\n\n  {url}\n"));
            if opens && !crate::browser::open(url, &app.environment) {
                app.screen.remark("No browser could be opened; open the address yourself.");
            }
        }
        Request::EnterCode { url, code } => {
            let code = paint.bold(code).into_owned();
            app.screen.remark(&format!(
                "Open this address in any browser, and check that it shows {code}:\n\n  {url}\n"
            ));
        }
    }
}

fn done(app: &App, signed_in: Option<&SignedIn>) -> Result<Exit, Failure> {
    let (url, _) = app.runtime_url()?;
    let scope = signed_in.map(|one| one.scope.clone()).unwrap_or_default();
    let expires_at = signed_in.and_then(|one| one.expires_at);
    let renews = signed_in.is_some_and(|one| one.renews);
    if matches!(app.line.globals.format, Some(Format::Json | Format::Yaml | Format::Pretty)) {
        let scopes: Vec<&str> = scope.split_whitespace().collect();
        let report = json!({
            "signedIn": true, "runtime": url.as_str(), "expiresAt": expires_at, "renews": renews, "scopes": scopes,
        });
        app.screen.report(&report, || Ok(String::new()))?;
        return Ok(Exit::Ok);
    }
    let mut text = format!("Login successful: {}.", url.as_str());
    if !scope.is_empty() {
        let _ = write!(text, "\nScopes:  {}", one_line(&scope));
    }
    let _ = write!(text, "\nValid:   {}", validity(expires_at, renews));
    app.screen.text(&format!("{text}\n"))?;
    Ok(Exit::Ok)
}

fn validity(expires_at: Option<Timestamp>, renews: bool) -> String {
    match (expires_at, renews) {
        (_, true) => "until you sign out, renewed by itself".to_owned(),
        (Some(end), false) => format!("until {} UTC", end.strftime("%Y-%m-%d %H:%M:%S")),
        (None, false) => "the provider does not say how long".to_owned(),
    }
}

/// W51: what is kept here goes first; what the runtime and the provider make of it is their part.
pub(super) fn logout(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let sign_in = app.sign_in()?;
    let token = sign_in.token_at_hand();
    let was_signed_in = sign_in.logout();
    if let Some(token) = token
        && let Err(failure) = app.runtime_with(Some(token)).and_then(|runtime| Ok(runtime.close_session("")?))
    {
        app.say(|| format!("the runtime did not close the session: {}", failure.cause));
    }
    let (url, _) = app.runtime_url()?;
    if matches!(app.line.globals.format, Some(Format::Json | Format::Yaml | Format::Pretty)) {
        app.screen.report(&json!({"signedOut": was_signed_in, "runtime": url.as_str()}), || Ok(String::new()))?;
    } else if was_signed_in {
        app.screen.text(&format!("Signed out of {}.\n", url.as_str()))?;
    } else {
        app.screen.text(&format!("Nobody was signed in to {}.\n", url.as_str()))?;
    }
    Ok(Exit::Ok)
}

/// For other programs: the token, and nothing else, on stdout.
pub(super) fn token(app: &App, _: &[String]) -> Result<Exit, Failure> {
    match app.token()? {
        Some(token) => app.screen.text(&format!("{}\n", token.expose_secret()))?,
        None => {
            return Err(Failure::new(
                Exit::Auth,
                "sign_in_required",
                "There is no token for the runtime",
                "Nobody is signed in, and `runtime.remote.oauth` is not configured.",
            )
            .suggest("Sign in with `open-cli auth login`."));
        }
    }
    Ok(Exit::Ok)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    posture: &'static str,
    runtime: RuntimePart,
    config: ConfigPart,
    services: Vec<ServicePart>,
    /// Beside the contract.
    sign_in: SignInPart,
}

#[derive(Serialize)]
struct RuntimePart {
    available: bool,
    mode: &'static str,
    posture: &'static str,
    version: Option<String>,
    /// Beside the contract.
    url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigPart {
    active_path: Option<PathBuf>,
    posture: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServicePart {
    name: String,
    auth_type: String,
    configured: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignInPart {
    mode: String,
    required: Option<bool>,
    principal: Option<String>,
    expires_at: Option<Timestamp>,
    renews: bool,
    scopes: Vec<String>,
    /// Why there is no valid token.
    problem: Option<String>,
}

pub(super) fn status(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let settings = app.settings()?;
    let url = app.runtime_url().ok().map(|(url, _)| url.as_str().to_owned());
    let sign_in = app.sign_in().ok();
    let token = match &sign_in {
        Some(sign_in) => sign_in.token().map_err(|error| error.to_string()),
        None => Ok(None),
    };
    let mut problem = token.as_ref().err().cloned();
    let token = token.ok().flatten();
    let asked = |token| app.runtime_with(token).and_then(|runtime| Ok(runtime.info()?.value));
    let info = match asked(token.clone()) {
        // The token was refused; what the runtime tells everybody is still of use.
        Err(failure) if failure.exit == Exit::Auth => {
            problem.get_or_insert(format!("{}: {}", failure.message, failure.cause));
            asked(None)
        }
        other => other,
    };
    let info = info.as_ref().ok();
    let text = |pointer: &str| {
        let found = info.and_then(|info| info.pointer(pointer)).and_then(Value::as_str);
        found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let principal = text("/auth/principal");
    let required = info.and_then(|info| info.pointer("/auth/required")).and_then(Value::as_bool);
    let kept = sign_in.as_ref().and_then(|sign_in| sign_in.signed_in());
    let has_evidence =
        settings.oauth.is_some() || settings.services.iter().any(|s| s.secret.is_some() || s.has_source_oauth);
    let config_posture = if has_evidence { "configOnly" } else { "unknown" };
    let runtime_posture = if principal.is_some() { "runtimeSession" } else { "unknown" };
    let report = Report {
        posture: if principal.is_some() { runtime_posture } else { config_posture },
        runtime: RuntimePart {
            available: info.is_some(),
            mode: if url.is_some() { "remote" } else { "unknown" },
            posture: runtime_posture,
            version: text("/version"),
            url,
        },
        config: ConfigPart { active_path: settings.config_path.clone(), posture: config_posture },
        services: settings.services.iter().map(service).collect(),
        sign_in: SignInPart {
            mode: settings
                .oauth
                .as_ref()
                .and_then(|oauth| oauth.mode)
                .map_or("none", |mode| mode.as_str())
                .to_owned(),
            required,
            principal,
            expires_at: kept.as_ref().and_then(|kept| kept.expires_at),
            renews: kept.as_ref().is_some_and(|kept| kept.renews),
            scopes: kept.iter().flat_map(|kept| kept.scope.split_whitespace()).map(str::to_owned).collect(),
            problem,
        },
    };
    app.screen.report(&report, || Ok(layout(&report, app)))?;
    Ok(Exit::Ok)
}

fn service(service: &open_cli_client::Service) -> ServicePart {
    let (auth_type, configured) = match (&service.secret, service.has_source_oauth) {
        (Some((kind, id)), _) => (kind.clone(), format!("ok secret: {id}")),
        (None, true) => ("oauth2 (transport)".to_owned(), "ok configured in source".to_owned()),
        (None, false) => ("none".to_owned(), "no auth required".to_owned()),
    };
    ServicePart { name: service.id.clone(), auth_type, configured }
}

fn layout(report: &Report, app: &App) -> String {
    let paint = app.screen.paint;
    let mut out = String::new();
    let _ = writeln!(out, "Posture:  {}", report.posture);
    let runtime = &report.runtime;
    let url = runtime.url.as_deref().map(|url| format!(" {url}")).unwrap_or_default();
    let _ = match runtime.available {
        true => writeln!(
            out,
            "Runtime:  available remote{url} (v{})",
            one_line(runtime.version.as_deref().unwrap_or("unknown"))
        ),
        false => writeln!(out, "Runtime:  {}{url}", paint.error("unavailable")),
    };
    let path = report.config.active_path.as_ref().map_or("unknown".into(), |path| path.display().to_string());
    let prefix = if report.config.posture == "configOnly" { "configOnly " } else { "" };
    let _ = writeln!(out, "Config:   {prefix}{}", one_line(&path));
    let sign_in = &report.sign_in;
    let state = match (&sign_in.principal, sign_in.required) {
        (Some(principal), _) => format!("{} {}", paint.good("signed in as"), one_line(principal)),
        (None, Some(true)) => paint.error("not signed in, and the runtime asks for it").into_owned(),
        (None, Some(false)) => "not needed".to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    let _ = writeln!(out, "Sign-in:  {state} (mode {})", sign_in.mode);
    if sign_in.expires_at.is_some() || sign_in.renews {
        let _ = writeln!(out, "Valid:    {}", validity(sign_in.expires_at, sign_in.renews));
    }
    if !sign_in.scopes.is_empty() {
        let _ = writeln!(out, "Scopes:   {}", one_line(&sign_in.scopes.join(" ")));
    }
    if let Some(problem) = &sign_in.problem {
        let _ = writeln!(out, "Problem:  {}", one_line(problem));
    }
    if !report.services.is_empty() {
        out.push('\n');
        let mut table = Table::new(["SERVICE", "AUTH", "CONFIGURED"]);
        for service in &report.services {
            table.row([service.name.clone(), service.auth_type.clone(), service.configured.clone()]);
        }
        out.push_str(&table.render(app.screen.width(), paint));
    }
    out
}
