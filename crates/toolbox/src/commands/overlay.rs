//! `open-cli-toolbox overlay preview`: what the overlays of a configuration do, action by action and as a difference,
//! before any runtime serves it. Reads remote documents anew, keeps nothing.

use super::output::{Screen, Tone, one_line};
use super::{Context, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use open_cli_catalog::{Builder, OverlaidService, OverlayEffect, ReadOverlay};
use open_cli_config::{Locations, ScopeSet};
use open_cli_contract::catalog::Diagnostic;
use open_cli_documents::{Documents, DocumentsConfig, Location};
use open_cli_mcp::{Children, END_PATIENCE, Servers};
use open_cli_observe::{Nop, Trace};
use open_cli_overlay::{ActionKind, ActionOutcome, ActionStatus, LineKind, Preview, preview};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn command() -> Command {
    Command::new("overlay")
        .about("Look at what overlays do")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("preview")
                .about("Show each action with its matches, and what changes in the description")
                .arg(
                    Arg::new("config")
                        .long("config")
                        .value_name("FILE")
                        .required(true)
                        .value_parser(value_parser!(PathBuf))
                        .help("Configuration with the services"),
                )
                .arg(
                    Arg::new("all-scopes")
                        .long("all-scopes")
                        .action(ArgAction::SetTrue)
                        .help("Also read the user's and the local scope"),
                )
                .arg(
                    Arg::new("service")
                        .long("service")
                        .value_name("ID")
                        .help("Only this service, by id, alias or source [default: all that have overlays]"),
                )
                .arg(
                    Arg::new("overlay")
                        .long("overlay")
                        .value_name("FILE")
                        .action(ArgAction::Append)
                        .help("Apply this overlay too, after those of the configuration: a file or URL"),
                )
                .arg(
                    Arg::new("check")
                        .long("check")
                        .action(ArgAction::SetTrue)
                        .help("Fail when a target matches nothing or an action is refused"),
                )
                .arg(
                    Arg::new("format")
                        .long("format")
                        .value_name("FORMAT")
                        .value_parser(["text", "json"])
                        .hide_possible_values(true)
                        .default_value("text")
                        .help("text or json"),
                )
                .after_help(
                    "Exit codes: 0 done, 1 something can't be read or --check found something, 2 wrong use, 3 there is \
                     no such service.\nDocumentation: docs/catalog.md",
                ),
        )
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let Some(("preview", matches)) = matches.subcommand() else {
        return Err(Failure::Usage("overlay needs a command: preview".into()));
    };
    let more = more(matches)?;
    let config = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let services = overlaid(&config, matches.get_flag("all-scopes"), &more)?;
    let services = wanted(services, matches.get_one::<String>("service"), &config, &more)?;
    let is_json = matches.get_one::<String>("format").is_some_and(|format| format == "json");
    let (mut text, mut shown) = (String::new(), Vec::new());
    let mut verdict = Verdict::default();
    for service in services {
        let mut effect = Shown::new(&service);
        if !is_json {
            effect.begin(context.screen, &mut text);
        }
        effect.apply_all(service, &mut verdict, |overlay, difference| match is_json {
            true => overlay.changes = serde_json::to_value(&difference.changes).unwrap_or_default(),
            false => overlay.tell(difference, context.screen, &mut text),
        });
        if !is_json {
            effect.end(context.screen, &mut text);
        }
        shown.push(effect);
    }
    let is_failed = verdict.is_unread || (matches.get_flag("check") && verdict.is_amiss);
    match is_json {
        true => context.screen.json(&Report { ok: !verdict.is_unread && !verdict.is_amiss, services: &shown })?,
        false if shown.is_empty() => context.screen.remark("no service has overlays"),
        false => context.screen.text(&text)?,
    }
    if is_failed { Err(Failure::Told) } else { Ok(()) }
}

fn more(matches: &ArgMatches) -> Result<Vec<Location>, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::Failed(format!("the current folder can't be found: {error}")))?;
    let parse = |text: &String| {
        Location::parse(text, &here).map_err(|error| Failure::Usage(format!("--overlay {text}: {error}")))
    };
    matches.get_many::<String>("overlay").into_iter().flatten().map(parse).collect()
}

fn overlaid(config: &Path, all_scopes: bool, more: &[Location]) -> Result<Vec<OverlaidService>, Failure> {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    let folder = config.parent().map(Path::to_owned).unwrap_or_default();
    let locations = Locations {
        project: Some(config),
        scopes: if all_scopes { ScopeSet::ALL } else { ScopeSet::SERVER },
        ..Locations::from_environment(&|name: &str| std::env::var_os(name), folder)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the worker thread can't be started: {error}")))?;
    let trace = Trace::detached(Arc::new(Nop));
    let limits = open_cli_mcp::Limits::default();
    let servers = Arc::new(Servers::new(runtime.handle().clone(), Children::unrecorded(), limits));
    let builder = Builder::new(locations, Arc::new(Documents::new(DocumentsConfig::default())));
    let builder = builder.with_mcp(Arc::clone(&servers));
    let overlaid = runtime.block_on(async {
        let overlaid = builder.overlaid(more, &trace).await;
        servers.end(END_PATIENCE).await;
        overlaid
    });
    overlaid.map_err(|error| Failure::Failed(error.to_string()))
}

fn wanted(
    mut services: Vec<OverlaidService>,
    name: Option<&String>,
    config: &Path,
    more: &[Location],
) -> Result<Vec<OverlaidService>, Failure> {
    let Some(name) = name else {
        if !more.is_empty() && services.len() > 1 {
            let ids: Vec<&str> = services.iter().map(|service| service.id.as_str()).collect();
            let message =
                format!("--overlay is made for one service; say which with --service: {}", ids.join(", "));
            return Err(Failure::Usage(message));
        }
        services.retain(|service| !service.overlays.is_empty() || service.description.is_err());
        return Ok(services);
    };
    services.retain(|service| [&service.id, &service.alias, &service.source_id].contains(&name));
    if services.is_empty() {
        return Err(Failure::Nothing(format!("there is no service {name} in {}", config.display())));
    }
    Ok(services)
}

/// What all services come to.
#[derive(Default)]
struct Verdict {
    /// Something could not be read.
    is_unread: bool,
    /// A target matches nothing, or an action is refused.
    is_amiss: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    services: &'a [Shown],
}

/// A service as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    alias: String,
    source_id: String,
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
    overlays: Vec<ShownOverlay>,
}

/// An overlay as it is shown.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct ShownOverlay {
    location: String,
    title: String,
    is_publishers: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
    actions: Vec<ActionOutcome>,
    diagnostics: Vec<Diagnostic>,
    changes: Value,
    omitted_changes: usize,
}

impl Shown {
    fn new(service: &OverlaidService) -> Self {
        let (description, error) = match &service.description {
            Ok(document) => (document.location.to_string(), String::new()),
            Err(error) => (String::new(), error.clone()),
        };
        let (id, alias, source_id) = (service.id.clone(), service.alias.clone(), service.source_id.clone());
        Self { id, alias, source_id, description, error, overlays: Vec::new() }
    }

    /// Applies the overlays one after the other; `tell` gets each with the difference it made.
    fn apply_all(
        &mut self,
        service: OverlaidService,
        verdict: &mut Verdict,
        mut tell: impl FnMut(&mut ShownOverlay, &Preview<'_>),
    ) {
        let parsed = service.description.map(|document| {
            let value: Result<Value, _> = serde_json::from_slice(&document.json);
            value.map(|value| (document.location, value)).map_err(|error| error.to_string())
        });
        let mut target = match parsed {
            Ok(Ok(target)) => Some(target),
            Ok(Err(error)) => {
                self.error = error;
                None
            }
            Err(_) => None,
        };
        verdict.is_unread |= target.is_none();
        for overlay in service.overlays {
            let mut shown = match &overlay {
                Ok(overlay) => ShownOverlay::new(overlay),
                Err(error) => ShownOverlay { error: error.to_string(), ..ShownOverlay::default() },
            };
            verdict.is_unread |= overlay.is_err();
            match (&overlay, &mut target) {
                (Ok(overlay), Some((location, document))) => {
                    let before = document.clone();
                    let OverlayEffect { applied, diagnostics } = overlay.preview(location, document);
                    verdict.is_amiss |= applied.is_incomplete() || applied.unmatched().next().is_some();
                    let about = |d: Diagnostic| Diagnostic { source: self.id.clone(), ..d };
                    shown.diagnostics = diagnostics.into_iter().map(about).collect();
                    shown.actions = applied.actions;
                    // They stand below the overlay.
                    shown.actions.iter_mut().for_each(|action| action.diagnostics.clear());
                    let difference = preview(&before, document);
                    shown.omitted_changes = difference.omitted;
                    tell(&mut shown, &difference);
                }
                _ => tell(&mut shown, &Preview::default()),
            }
            self.overlays.push(shown);
        }
    }

    fn begin(&self, screen: Screen, text: &mut String) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let description = screen.paint(Tone::Dim, &one_line(&self.description));
        let _ = writeln!(text, "{gap}{}  {description}", screen.paint(Tone::Head, &one_line(&self.id)));
    }

    fn end(&self, screen: Screen, text: &mut String) {
        if !self.error.is_empty() {
            let _ = writeln!(text, "  {} {}", screen.paint(Tone::Bad, "✗"), one_line(&self.error));
        } else if self.overlays.is_empty() {
            text.push_str("  no overlays\n");
        }
    }
}

impl ShownOverlay {
    fn new(overlay: &ReadOverlay) -> Self {
        Self {
            location: overlay.location.to_string(),
            title: overlay.overlay.title().unwrap_or_default().to_owned(),
            is_publishers: overlay.is_publishers,
            ..Self::default()
        }
    }

    fn tell(&mut self, difference: &Preview<'_>, screen: Screen, text: &mut String) {
        if !self.error.is_empty() {
            let _ = writeln!(text, "  {} {}", screen.paint(Tone::Bad, "✗"), one_line(&self.error));
            return;
        }
        let whose = if self.is_publishers { " (the publisher's)" } else { "" };
        let title = if self.title.is_empty() { String::new() } else { format!("  {}", one_line(&self.title)) };
        let _ = writeln!(text, "  {}{whose}{title}", screen.paint(Tone::Head, &one_line(&self.location)));
        for action in &self.actions {
            let (word, tone) = match action.status {
                ActionStatus::Applied => ("applied", Tone::Good),
                ActionStatus::NoEffect => ("no effect", Tone::Warning),
                ActionStatus::NoMatch => ("no match", Tone::Warning),
                ActionStatus::Refused => ("refused", Tone::Bad),
            };
            let kind = match action.kind {
                ActionKind::Update => "update",
                ActionKind::Copy => "copy",
                ActionKind::Remove => "remove",
                ActionKind::None => "-",
            };
            let matches = if action.matched == 1 { "match" } else { "matches" };
            let _ = writeln!(
                text,
                "    {:>3}  {kind:6}  {}  {:>4} {matches}  {}",
                action.index + 1,
                screen.paint(tone, &format!("{word:9}")),
                action.matched,
                one_line(&action.target)
            );
        }
        for diagnostic in &self.diagnostics {
            let (word, tone) = match diagnostic.severity.is_error() {
                true => ("error", Tone::Bad),
                false => ("note", Tone::Warning),
            };
            let _ = writeln!(text, "    {}: {}", screen.paint(tone, word), one_line(&diagnostic.message));
        }
        for line in difference.lines() {
            let tone = match line.kind {
                LineKind::Place => Tone::Head,
                LineKind::Removed => Tone::Bad,
                LineKind::Added => Tone::Good,
                LineKind::Remark => Tone::Dim,
            };
            let _ = writeln!(text, "{}", screen.paint(tone, &line.text));
        }
    }
}
