//! `catalog diff` and `catalog export`: what lies between two revisions of a catalog, or two files with definitions; and
//! how such a difference looks, also after a refresh.

use super::whole_number;
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Paint;
use crate::text::{count, one_line};
use open_cli_changes::{Delta, MAX_LOCK_BYTES};
use open_cli_contract::changes::{CatalogChanges, ChangeKind, ChangeSeverity, ChangesResponse};
use open_cli_contract::definition::{DEFINITIONS_FORMAT, Definitions};
use open_cli_files::{Durability, read_bounded, replace};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Tools that a list shows, unless more are asked for.
const LISTED: usize = 100;

pub(super) const DIFF_FLAGS: &[Flag] = &[
    Flag::new("from", Takes::Value("rev|file"), "The older revision, or a file [default: the revision before]"),
    Flag::new("to", Takes::Value("rev|file"), "The newer revision, or a file [default: what is in force]"),
    Flag::new("limit", Takes::Value("n"), "At most so many tools in each list [default: 100]"),
    Flag::new("exit-code", Takes::Nothing, "Exit with 10 when there are changes"),
];

pub(super) const EXPORT_FLAGS: &[Flag] =
    &[Flag::new("output", Takes::Value("file"), "Where to write [default: stdout]")];

pub(super) fn export(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let value = app.runtime()?.definitions()?.value;
    let mut text = serde_json::to_vec_pretty(&value).map_err(|error| Failure::of_output(&error.into()))?;
    text.push(b'\n');
    match app.line.flag("output").filter(|file| *file != "-") {
        None => app.screen.write(&text)?,
        Some(file) => {
            let path = app.working_dir()?.join(file);
            replace(&path, &text, Durability::Synced).map_err(|error| {
                Failure::new(Exit::Other, "output", "The definitions can't be written", error.to_string())
                    .suggest("Name a file in a folder that you may write to.")
            })?;
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn diff(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let flag = |name: &str| app.line.flag(name).unwrap_or_default();
    let limit = match flag("limit") {
        "" => LISTED,
        text => whole_number("limit", text)?,
    };
    let (from, to) = (side(app, flag("from"))?, side(app, flag("to"))?);
    let changes = match (&from, &to) {
        (Side::Revision(from), Side::Revision(to)) => of_revisions(app, from, to, limit)?,
        (Side::File(from), Side::Revision(to)) if to.is_empty() => {
            let old = read(from)?;
            let new: Definitions = app.runtime()?.definitions()?.value;
            Delta::between((&shown(from), &old), ("the runtime", &new)).report(limit)
        }
        (Side::File(from), Side::File(to)) => {
            let (old, new) = (read(from)?, read(to)?);
            Delta::between((&shown(from), &old), (&shown(to), &new)).report(limit)
        }
        _ => {
            return Err(Failure::usage(
                "A file and a revision can't be compared",
                "Of past revisions the runtime only knows what changed.",
            )
            .suggest("Compare two revisions, two files, or a file with what is in force: `--from <file>`."));
        }
    };
    app.screen.report(&changes, || Ok(table(&changes, app.screen.paint)))?;
    let has_changes = !changes.is_empty() && app.line.is_set("exit-code");
    Ok(if has_changes { Exit::Changed } else { Exit::Ok })
}

/// What is compared.
enum Side {
    /// Empty is the default one.
    Revision(String),
    File(PathBuf),
}

fn side(app: &App, text: &str) -> Result<Side, Failure> {
    let path = app.working_dir()?.join(text);
    let is_revision = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(if text.is_empty() || (is_revision && !path.is_file()) {
        Side::Revision(text.to_owned())
    } else {
        Side::File(path)
    })
}

fn of_revisions(app: &App, from: &str, to: &str, limit: usize) -> Result<CatalogChanges, Failure> {
    let ChangesResponse { changes, .. } = app.runtime()?.changes(from, to, &limit.to_string())?.value;
    Ok(changes)
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Definitions, Failure> {
    let failed = |cause: String| {
        Failure::new(Exit::Other, "definitions", format!("{} can't be compared", path.display()), cause)
            .suggest("Name a file that `open-cli catalog export` wrote, or a lock file.")
    };
    let content = read_bounded(path, MAX_LOCK_BYTES).map_err(|error| failed(error.to_string()))?;
    let definitions: Definitions = serde_json::from_slice(&content).map_err(|error| failed(error.to_string()))?;
    if definitions.format != DEFINITIONS_FORMAT {
        return Err(failed(format!(
            "Its format is {:?}, this version reads {DEFINITIONS_FORMAT:?}.",
            definitions.format
        )));
    }
    Ok(definitions)
}

/// `+` what came, `-` what went, `~` what is not what it was, with what changed below it.
pub(super) fn table(changes: &CatalogChanges, paint: Paint) -> String {
    let mut out = String::new();
    let (added, removed, altered) = (&changes.added, &changes.removed, &changes.altered);
    let short = |revision: &str| {
        let is_hash = revision.len() == 64 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        one_line(if is_hash { &revision[..12] } else { revision })
    };
    let head = match changes.is_empty() {
        true => "no tool changed".to_owned(),
        false => format!("{} added, {} removed, {} altered", added.count, removed.count, altered.count),
    };
    let _ = writeln!(out, "{}", paint.bold(&format!("{} → {}: {head}", short(&changes.from), short(&changes.to))));
    for id in &added.tools {
        let _ = writeln!(out, "{} {}", paint.good("+"), one_line(id));
    }
    more(added.count, added.tools.len(), &mut out);
    for id in &removed.tools {
        let _ = writeln!(out, "{} {}", paint.error("-"), one_line(id));
    }
    more(removed.count, removed.tools.len(), &mut out);
    for tool in &altered.tools {
        let severity = painted(tool.severity, paint);
        let _ = writeln!(out, "{} {}  {severity}", paint.warning("~"), one_line(&tool.id));
        for change in &tool.changes {
            let meaning = ChangeKind::parse(&change.kind).map_or(change.kind.as_str(), |kind| kind.meaning());
            let at = if change.at.is_empty() { String::new() } else { format!("{}: ", change.at) };
            let moved = match (change.from.as_str(), change.to.as_str()) {
                ("", "") => String::new(),
                ("", to) => format!(" ({to})"),
                (from, "") => format!(" (was {from})"),
                (from, to) => format!(" ({from} → {to})"),
            };
            let _ = writeln!(out, "    {}", one_line(&format!("{at}{meaning}{moved}")));
        }
    }
    more(altered.count, altered.tools.len(), &mut out);
    if changes.truncated {
        let _ = writeln!(out, "{}", paint.warning("so much changed that not everything was compared"));
    }
    out
}

fn more(all: usize, listed: usize, out: &mut String) {
    if all > listed {
        let _ = writeln!(out, "  … {} more; see `--limit`", count(all - listed, "tool"));
    }
}

fn painted(severity: ChangeSeverity, paint: Paint) -> String {
    let word = severity.as_str();
    match severity {
        ChangeSeverity::Safety | ChangeSeverity::Breaking => paint.error(word).into_owned(),
        ChangeSeverity::Compatible => paint.good(word).into_owned(),
        ChangeSeverity::Cosmetic => paint.dim(word).into_owned(),
    }
}
