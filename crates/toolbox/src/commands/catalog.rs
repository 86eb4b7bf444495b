//! `open-cli-toolbox catalog lock|accept`: pins the definitions of tools, and accepts what changed about them. A running
//! runtime sees the new lock file with its next request.

use super::output::{Format, Screen, Tone, one_line};
use super::workbench;
use super::{Context, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use open_cli_catalog::Snapshot;
use open_cli_changes::{Lock, MAX_LOCK_BYTES, compare, render};
use open_cli_contract::changes::{Change, ChangeKind, ChangeSeverity};
use open_cli_contract::definition::Definition;
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_contract::glob::Pattern;
use open_cli_files::Durability;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Mode of lock files: they hold no secrets, and who accepts is seldom who runs the runtime.
#[cfg(unix)]
const LOCK_MODE: u32 = 0o644;

pub(super) fn command() -> Command {
    let tools = Arg::new("tool").value_name("TOOL").action(ArgAction::Append);
    let after =
        "Exit codes: 0 done, 1 failed, 2 wrong use, 3 there is no such tool.\nDocumentation: docs/catalog.md";
    Command::new("catalog")
        .about("Pin the definitions of tools, and accept what changed")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("lock")
                .about("Write a lock file with the definitions of all tools as they are")
                .args(workbench::args())
                .arg(tools.clone().help("Only these tools: ids or patterns [default: all]"))
                .arg(flag("force", "Replace a lock file that is there"))
                .arg(Format::arg())
                .after_help(after),
        )
        .subcommand(
            Command::new("accept")
                .about("Show what changed since it was pinned, and take it into the lock file")
                .args(workbench::args())
                .arg(tools.help("Tools to accept: ids or patterns"))
                .arg(flag("all", "Accept everything: changed, new and gone tools").conflicts_with("tool"))
                .arg(flag("dry-run", "Only show what changed"))
                .arg(Format::arg())
                .after_help(after),
        )
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("lock", matches)) => lock(matches, context.screen),
        Some(("accept", matches)) => accept(matches, context.screen),
        _ => Err(Failure::Usage("catalog needs a command: lock or accept".into())),
    }
}

/// The catalog as it is, and where its lock file is.
struct Desk {
    snapshot: Snapshot,
    now: BTreeMap<String, Definition>,
    path: PathBuf,
    is_named: bool,
}

impl Desk {
    fn new(matches: &ArgMatches, screen: Screen) -> Result<Self, Failure> {
        let config = workbench::config(matches);
        let snapshot = workbench::snapshot(&config, matches.get_flag("all-scopes"))?;
        let named = snapshot.config().config.catalog.lock.as_ref().map(|lock| lock.path());
        let is_named = named.is_some();
        let path = named.unwrap_or_else(|| beside(&config));
        for diagnostic in failed(&snapshot) {
            screen.remark(&format!("{}: {}", diagnostic.source, diagnostic.message));
        }
        let now = snapshot.definitions(false).tools;
        Ok(Self { snapshot, now, path, is_named })
    }

    fn write(&self, tools: &BTreeMap<String, Definition>) -> Result<(), Failure> {
        let text = render(tools);
        let written = open_cli_files::replace_with(&self.path, Durability::Synced, |file| {
            #[cfg(unix)]
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(LOCK_MODE))?;
            file.write_all(text.as_bytes())
        });
        written.map_err(|error| Failure::Failed(error.to_string()))
    }
}

/// `.cli.lock.json` beside `.cli.json`.
fn beside(config: &Path) -> PathBuf {
    let name = config.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".json").unwrap_or(&name);
    config.with_file_name(format!("{stem}.lock.json"))
}

/// Services whose tools are not known.
fn failed(snapshot: &Snapshot) -> impl Iterator<Item = &open_cli_contract::catalog::Diagnostic> {
    let code = DiagnosticCode::SourceFailed.as_str();
    snapshot.diagnostics().iter().filter(move |diagnostic| diagnostic.code == code)
}

fn patterns(matches: &ArgMatches) -> Vec<Pattern> {
    matches.get_many::<String>("tool").into_iter().flatten().map(|text| Pattern::new(text)).collect()
}

fn lock(matches: &ArgMatches, screen: Screen) -> Result<(), Failure> {
    let desk = Desk::new(matches, screen)?;
    let path = desk.path.display();
    if desk.path.exists() && !matches.get_flag("force") {
        let message = format!("{path} is there; accept changes with `catalog accept`, or replace it with --force");
        return Err(Failure::Failed(message));
    }
    let wanted = patterns(matches);
    let is_wanted = |id: &str| wanted.is_empty() || wanted.iter().any(|pattern| pattern.matches(id));
    let tools: BTreeMap<String, Definition> =
        desk.now.iter().filter(|(id, _)| is_wanted(id)).map(|(id, now)| (id.clone(), now.clone())).collect();
    if tools.is_empty() && !wanted.is_empty() {
        return Err(Failure::Nothing("no tool of the catalog is meant".into()));
    }
    desk.write(&tools)?;
    if Format::of(matches) == Format::Json {
        screen.json(&serde_json::json!({ "lock": desk.path, "tools": tools.len() }))?;
    } else {
        screen.text(&format!("pinned {} in {}\n", count(tools.len()), one_line(&path.to_string())))?;
    }
    if !desk.is_named {
        let name = desk.path.file_name().unwrap_or_default().to_string_lossy();
        screen
            .remark(&format!("it counts when the configuration names it: \"catalog\": {{\"lock\": \"{name}\"}}"));
    }
    Ok(())
}

fn count(tools: usize) -> String {
    if tools == 1 { "1 tool".into() } else { format!("{tools} tools") }
}

/// A tool that is not as the lock file has it.
#[derive(Serialize)]
struct Pending {
    id: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<ChangeSeverity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Changed,
    New,
    Gone,
}

impl State {
    fn word(self) -> (&'static str, Tone) {
        match self {
            Self::Changed => ("changed", Tone::Warning),
            Self::New => ("new", Tone::Good),
            Self::Gone => ("gone", Tone::Bad),
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    lock: &'a Path,
    accepted: bool,
    tools: &'a [Pending],
}

fn accept(matches: &ArgMatches, screen: Screen) -> Result<(), Failure> {
    let (all, dry_run) = (matches.get_flag("all"), matches.get_flag("dry-run"));
    let wanted = patterns(matches);
    if wanted.is_empty() && !all && !dry_run {
        return Err(Failure::Usage("name the tools to accept, or --all; --dry-run shows what changed".into()));
    }
    let desk = Desk::new(matches, screen)?;
    let pinned = read(&desk.path)?;
    let is_meant = |id: &str| wanted.is_empty() || wanted.iter().any(|pattern| pattern.matches(id));
    let pending: Vec<Pending> = pending(&desk, &pinned).into_iter().filter(|tool| is_meant(&tool.id)).collect();
    let known: BTreeSet<&String> = desk.now.keys().chain(pinned.keys()).collect();
    if !wanted.is_empty() && !known.into_iter().any(|id| is_meant(id)) {
        return Err(Failure::Nothing("neither the catalog nor the lock file has such a tool".into()));
    }
    let accepted = !dry_run && !pending.is_empty();
    if accepted {
        let mut tools = pinned;
        for tool in &pending {
            match desk.now.get(&tool.id) {
                Some(now) => _ = tools.insert(tool.id.clone(), now.clone()),
                None => _ = tools.remove(&tool.id),
            }
        }
        desk.write(&tools)?;
    }
    if Format::of(matches) == Format::Json {
        return screen.json(&Report { lock: &desk.path, accepted, tools: &pending });
    }
    screen.text(&told(&pending, accepted, &desk.path, screen))
}

fn read(path: &Path) -> Result<BTreeMap<String, Definition>, Failure> {
    let shown = path.display();
    let content = open_cli_files::read_bounded(path, MAX_LOCK_BYTES).map_err(|error| {
        let hint = if error.is_not_found() { "; write it with `catalog lock`" } else { "" };
        Failure::Failed(format!("{error}{hint}"))
    })?;
    let lock = Lock::parse(&content).map_err(|error| Failure::Failed(format!("{shown}: {error}")))?;
    Ok(lock.tools().clone())
}

fn pending(desk: &Desk, pinned: &BTreeMap<String, Definition>) -> Vec<Pending> {
    let mut all = Vec::new();
    for (id, now) in &desk.now {
        match pinned.get(id) {
            Some(was) if was.hash == now.hash => {}
            Some(was) => {
                let changes = compare(was, now);
                let severity = changes.iter().map(|change| change.severity).min();
                all.push(Pending { id: id.clone(), state: State::Changed, severity, changes });
            }
            None => all.push(Pending { id: id.clone(), state: State::New, severity: None, changes: Vec::new() }),
        }
    }
    // A source that can't be read has lost nothing.
    if failed(&desk.snapshot).next().is_none() {
        let gone = pinned.keys().filter(|id| !desk.now.contains_key(*id));
        all.extend(gone.map(|id| Pending {
            id: id.clone(),
            state: State::Gone,
            severity: None,
            changes: Vec::new(),
        }));
    }
    all
}

fn told(pending: &[Pending], accepted: bool, path: &Path, screen: Screen) -> String {
    let mut text = String::new();
    for tool in pending {
        let (word, tone) = tool.state.word();
        let severity = tool.severity.map(|severity| format!("  {}", severity.as_str())).unwrap_or_default();
        let id = screen.paint(Tone::Head, &one_line(&tool.id));
        let _ = writeln!(text, "{} {id}{severity}", screen.paint(tone, &format!("{word:7}")));
        for change in &tool.changes {
            let meaning = ChangeKind::parse(&change.kind).map_or(change.kind.as_str(), |kind| kind.meaning());
            let at = if change.at.is_empty() { String::new() } else { format!("{}: ", change.at) };
            let _ = writeln!(text, "          {}", one_line(&format!("{at}{meaning}")));
            if !change.from.is_empty() {
                let _ = writeln!(
                    text,
                    "          {}",
                    screen.paint(Tone::Bad, &one_line(&format!("- {}", change.from)))
                );
            }
            if !change.to.is_empty() {
                let _ = writeln!(
                    text,
                    "          {}",
                    screen.paint(Tone::Good, &one_line(&format!("+ {}", change.to)))
                );
            }
        }
    }
    let path = one_line(&path.display().to_string());
    let _ = match (pending.is_empty(), accepted) {
        (true, _) => writeln!(text, "everything is as {path} has it"),
        (false, true) => writeln!(text, "accepted {} into {path}", count(pending.len())),
        (false, false) => writeln!(text, "{} differ from {path}; nothing was accepted", count(pending.len())),
    };
    text
}
