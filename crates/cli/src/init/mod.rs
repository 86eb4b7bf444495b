//! `init`: an OpenAPI description -> a configuration that loads (client §13; W56, W58, W59). Needs no runtime.

mod describe;
mod hints;
mod name;
mod write;
pub(crate) mod yaml;

use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::{count, one_line};
use describe::Description;
use open_cli_client::{DOWNLOAD_LIMIT, Patience, RuntimeUrl, download};
use open_cli_contract::command::{BUILT_IN_COMMANDS, SERVICE_ESCAPE};
use open_cli_contract::redact;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Where the toolbox listens when nothing else is said.
const DEFAULT_RUNTIME: &str = "http://127.0.0.1:8765";
/// Limit of the download when `--timeout` is not given (I1).
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Groups that are named; the rest is counted.
const MAX_GROUPS: usize = 12;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::new("name", Takes::Value("name"), "Name of the service (default: from file, URL or title)"),
    Flag::new("global", Takes::Nothing, "Write your own configuration instead of the project's"),
    Flag::new("force", Takes::Nothing, "Replace a configuration that exists"),
];

/// What is being described.
enum Origin {
    Url(Url),
    File(PathBuf),
}

pub(crate) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let source = operands.first().map_or("", String::as_str);
    let target = target(app)?;
    if !app.line.is_set("force") && target.symlink_metadata().is_ok() {
        return Err(Failure::new(
            Exit::Other,
            "config_exists",
            format!("{} exists already", target.display()),
            "It is not replaced unasked.",
        )
        .suggest("Add the source to it by hand, or replace it with `--force`."));
    }
    let runtime = runtime_url(app)?;
    let origin = origin(source)?;
    let bytes = read(app, &origin)?;
    let description = Description::read(&bytes).map_err(|reason| {
        Failure::new(Exit::Other, "not_openapi", "The document is not an OpenAPI description", one_line(&reason))
            .suggest("Name an OpenAPI 3.x or Swagger 2.0 document, JSON or YAML.")
    })?;
    let service = service_name(app, &origin, &description)?;
    let uri = uri(app, source, &origin, &target)?;
    let text = write::config(&service, &uri, runtime.as_str());
    write::verified(&target, &text)?;
    app.screen.text(&report(app, &target, &service, &origin, &description))?;
    Ok(Exit::Ok)
}

/// `--config`, else the person's file with `--global`, else `.cli.json` here.
fn target(app: &App) -> Result<PathBuf, Failure> {
    let places = app.places()?;
    if let Some(path) = &app.line.globals.config {
        return Ok(places.working_dir.join(path));
    }
    if !app.line.is_set("global") {
        return Ok(places.working_dir.join(open_cli_config::PROJECT_FILE));
    }
    places.user_file().ok_or_else(|| {
        Failure::new(
            Exit::Other,
            "no_home",
            "There is no folder for your own configuration",
            "HOME and XDG_CONFIG_HOME are unset.",
        )
        .suggest("Set HOME, or leave `--global` out.")
    })
}

/// `--runtime`, OPEN_CLI_RUNTIME_URL, else the toolbox's own default. The configuration is being written, so it has
/// no say.
fn runtime_url(app: &App) -> Result<RuntimeUrl, Failure> {
    let flag = app.line.globals.runtime.as_deref();
    Ok(open_cli_client::choose_runtime_url(flag, &app.environment, Some(DEFAULT_RUNTIME))?.0)
}

fn origin(source: &str) -> Result<Origin, Failure> {
    let is_url = ["http://", "https://"]
        .iter()
        .any(|scheme| source.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if !is_url {
        return local(source);
    }
    Url::parse(source).map(Origin::Url).map_err(|error| {
        Failure::usage(format!("{:?} is not a valid URL", redact::text(source)), error.to_string())
            .suggest("Name the URL or the file of an OpenAPI description.")
    })
}

/// A path, or the `file:` URL of one. Other schemes are not paths with a colon in them.
fn local(source: &str) -> Result<Origin, Failure> {
    let Some((scheme, _)) = source.split_once("://").filter(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(|c| c.is_ascii_alphanumeric())
    }) else {
        return Ok(Origin::File(PathBuf::from(source)));
    };
    let shown = redact::text(source);
    if !scheme.eq_ignore_ascii_case("file") {
        return Err(Failure::usage(
            format!("{shown:?} can't be read"),
            format!("The scheme `{scheme}` is not supported: only http, https and file are."),
        )
        .suggest("Download the document and name the file."));
    }
    Url::parse(source).ok().and_then(|url| url.to_file_path().ok()).map(Origin::File).ok_or_else(|| {
        Failure::usage(
            format!("{shown:?} names no file of this machine"),
            "A file URL has three slashes and a path.",
        )
        .suggest("Write `file:///folder/openapi.yaml`, or the path alone.")
    })
}

fn read(app: &App, origin: &Origin) -> Result<Vec<u8>, Failure> {
    match origin {
        Origin::Url(url) => {
            let patience = Patience { total: Some(app.line.globals.timeout.unwrap_or(DOWNLOAD_TIMEOUT)) };
            download(url, &app.environment, patience).map_err(|error| {
                let detail = match error {
                    open_cli_client::ClientError::Unreachable { detail, .. } => detail,
                    other => other.to_string(),
                };
                Failure::new(
                    Exit::Other,
                    "spec_unreachable",
                    "The API description can't be downloaded",
                    format!("Cannot fetch spec {}: {detail}.", redact::url(url)),
                )
                .suggest("Check the URL, or download the document and name the file.")
            })
        }
        Origin::File(path) => {
            let path = app.working_dir()?.join(path);
            read_file(&path).map_err(|reason| {
                Failure::new(
                    Exit::Other,
                    "spec_unreadable",
                    format!("The API description {} can't be read", path.display()),
                    reason,
                )
                .suggest("Check the path; for a URL begin it with http:// or https://.")
            })
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if found.is_dir() {
        return Err("It is a folder.".into());
    }
    if found.len() > DOWNLOAD_LIMIT {
        return Err(format!("It is larger than {DOWNLOAD_LIMIT} bytes."));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

fn service_name(app: &App, origin: &Origin, description: &Description) -> Result<String, Failure> {
    if let Some(wanted) = app.line.flag("name") {
        let name = name::sanitised(wanted);
        if name.is_empty() {
            return Err(Failure::usage(
                format!("`--name` does not take {wanted:?}"),
                "Nothing of it can be a name.",
            )
            .suggest("Use letters, digits and dashes."));
        }
        return Ok(name);
    }
    Ok(match origin {
        Origin::Url(url) => name::for_url(url, &description.title),
        Origin::File(path) => {
            let base = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name::for_file(&base, &description.title)
        }
    })
}

/// W58: a URL as given; a file relative to the configuration when it lies beside or below it, else absolute.
fn uri(app: &App, source: &str, origin: &Origin, target: &Path) -> Result<String, Failure> {
    let Origin::File(path) = origin else { return Ok(source.to_owned()) };
    let absolute = clean(&app.working_dir()?.join(path));
    let folder = clean(target.parent().unwrap_or(Path::new("/")));
    let is_own = !app.line.is_set("global");
    let text = match absolute.strip_prefix(&folder) {
        Ok(below) if is_own => Path::new(".").join(below),
        _ => absolute,
    };
    text.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(
            "The path of the API description is not UTF-8",
            "A configuration is JSON and can't hold it.",
        )
        .suggest("Rename the file.")
    })
}

/// Without `.` and `..`, as far as that can be told from the text.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

fn report(app: &App, target: &Path, service: &str, origin: &Origin, description: &Description) -> String {
    let paint = app.screen.paint;
    let mut out = String::new();
    let title = one_line(&description.title);
    let _ = writeln!(out, "{} OpenAPI {} {title}", paint.good("ok"), one_line(&description.version));
    let _ = write!(out, "Found {}", count(description.operations, "tool"));
    if !description.groups.is_empty() {
        let shown: Vec<String> = description.groups.iter().take(MAX_GROUPS).map(|group| one_line(group)).collect();
        let more = description.groups.len().saturating_sub(MAX_GROUPS);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let _ = write!(out, " across {}: {}{more}", count(description.groups.len(), "group"), shown.join(", "));
    }
    out.push('\n');
    for server in description.servers.iter().filter(|server| !server.starts_with("http")) {
        let text = format!("Warning: the server URL {:?} is not absolute", server);
        let _ = write!(out, "{}", paint.warning(&one_line(&text)));
        if let Origin::Url(url) = origin {
            let _ = write!(out, "; it counts from {}", url.origin().ascii_serialization());
        }
        out.push('\n');
    }
    // What comes from a URL has at least the URL's own origin as its server.
    if matches!(origin, Origin::File(_)) && !description.has_server {
        let member =
            if description.version.starts_with('2') { "`host` (and `schemes`)" } else { "absolute `servers`" };
        let text = format!(
            "Warning: the description names no server with an absolute URL, so every call will fail.\n  Add {member} to \
             it, or give `init` the URL at which the API itself serves the description."
        );
        let _ = writeln!(out, "{}", paint.warning(&text));
    }
    let _ = write!(out, "\nCreated {}\n\nNext steps:\n", target.display());
    let word = if BUILT_IN_COMMANDS.contains(&service) {
        format!("{SERVICE_ESCAPE}{service}")
    } else {
        service.to_owned()
    };
    let quoted = hints::shell_word(&target.display().to_string());
    for line in [
        format!("open-cli-toolbox --config {quoted}"),
        "open-cli status --check".to_owned(),
        "open-cli catalog list".to_owned(),
        format!("open-cli {word} --help"),
    ] {
        let _ = writeln!(out, "  {}", paint.accent(&line));
    }
    if let Some(snippet) = hints::secrets(service, &description.schemes) {
        let _ = write!(
            out,
            "\nThe API needs credentials. Set the variables where the toolbox runs, and add this to {}:\n\n{snippet}",
            target.display()
        );
    }
    out
}
