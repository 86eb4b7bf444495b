//! `instances prune`: removes what dead instances left, and says of each what became of it.

use super::tone;
use crate::commands::output::{Format, Table, Tone};
use crate::commands::target::Target;
use crate::commands::{Context, Failure, explained, human};
use clap::{Arg, ArgAction, ArgMatches, Command};
use open_cli_instance::{Kept, Outcome, PruneOptions, Pruned, Removed, prune, sweep};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    state_root: &'a Path,
    dry_run: bool,
    instances: &'a [Pruned],
    removed_bytes: u64,
}

pub(super) fn command() -> Command {
    let switch =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("prune")
        .about("Remove what stopped and killed instances left; keeps their audit logs")
        .arg(switch("dry-run", "Only say what would be removed"))
        .arg(switch("with-audit", "Remove the audit logs too"))
        .arg(
            Arg::new("older-than")
                .long("older-than")
                .value_name("DURATION")
                .value_parser(human::parse_duration)
                .help("Only what was not used for so long, like 12h or 7d"),
        )
        .after_help(explained(
            "Removes the runtime files, cache, traces and tokens of instances that are provably dead: nobody holds \
             their lock, which prune takes itself meanwhile, and their process is gone. Running and foreign \
             instances are never touched, nor are files that this program did not write. Audit logs are evidence \
             and stay, with the file that says whose they are.\n\n\
             Example:\n  open-cli-toolbox instances prune --older-than 7d --dry-run",
        ))
}

pub(super) fn run(matches: &ArgMatches, target: &Target, context: &Context) -> Result<(), Failure> {
    let options = PruneOptions {
        with_audit: matches.get_flag("with-audit"),
        older_than: matches.get_one::<Duration>("older-than").copied(),
        dry_run: matches.get_flag("dry-run"),
        now: context.now,
    };
    let (instances, _) = target.all()?;
    let pruned: Vec<Pruned> = instances.iter().map(|instance| prune(&target.roots, instance, options)).collect();
    if !options.dry_run {
        sweep(&target.roots);
    }
    let removed_bytes = pruned.iter().flat_map(|pruned| &pruned.removed).map(|part| part.bytes).sum();
    let screen = context.screen;
    match Format::of(matches) {
        Format::Json => screen.json(&Report {
            state_root: &target.roots.state,
            dry_run: options.dry_run,
            instances: &pruned,
            removed_bytes,
        })?,
        Format::Table if pruned.is_empty() => {
            screen.remark(&format!("There are no instances below {}.", target.roots.state.display()));
        }
        Format::Table => {
            let mut table = Table::new(&["ID", "STATE", "RESULT", "FREED", "WHY"], &["FREED"]);
            for pruned in &pruned {
                table.row(cells(pruned));
            }
            screen.table(&table)?;
            let verb = if options.dry_run { "would be freed" } else { "freed" };
            screen.remark(&format!("{} {verb}.", human::size(removed_bytes)));
        }
    }
    if pruned.iter().any(|pruned| pruned.outcome == Outcome::Failed) { Err(Failure::Told) } else { Ok(()) }
}

fn cells(pruned: &Pruned) -> [(String, Tone); 5] {
    let (word, word_tone) = match pruned.outcome {
        Outcome::Removed => ("removed", Tone::Good),
        Outcome::WouldRemove => ("would remove", Tone::Warning),
        Outcome::Kept => ("kept", Tone::Plain),
        Outcome::Failed => ("failed", Tone::Bad),
    };
    let freed: u64 = pruned.removed.iter().map(|part| part.bytes).sum();
    let freed = if pruned.removed.is_empty() { "-".into() } else { human::size(freed) };
    let why = if pruned.reason.is_empty() { parts(&pruned.removed, &pruned.kept) } else { pruned.reason.clone() };
    [
        (pruned.id.clone(), Tone::Plain),
        (pruned.state.to_string(), tone(pruned.state)),
        (word.into(), word_tone),
        (freed, Tone::Plain),
        (why, Tone::Plain),
    ]
}

/// `runtime, traces 4.1 MiB; audit kept (110 B): it is evidence; --with-audit removes it`
fn parts(removed: &[Removed], kept: &[Kept]) -> String {
    let sized = |what: &str, bytes: u64| {
        if bytes == 0 { what.to_owned() } else { format!("{what} {}", human::size(bytes)) }
    };
    let gone = removed.iter().map(|part| sized(part.what, part.bytes)).collect::<Vec<_>>().join(", ");
    kept.iter().fold(gone, |text, part| {
        let name = match part.what {
            "other" => part.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            what => sized(what, part.bytes),
        };
        format!("{text}; {name} stays: {}", part.why)
    })
}
