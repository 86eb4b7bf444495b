//! `open-cli-toolbox check`: a configuration and everything that it leads to, as a lint. Builds the catalog as a runtime
//! would and says what is wrong with what, where. No runtime needs to run, and none is disturbed: what is fetched is
//! kept in a folder of its own that goes with the command, and the document cache of the instance is only read.

mod finding;
mod gather;
mod place;
mod sarif;
mod table;

use super::output::Screen;
use super::{Context, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use finding::Verdict;
use open_cli_instance::{InstanceOptions, resolve};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let path =
        |name: &'static str| Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf));
    let word = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("check")
        .about("Check a configuration and everything that it leads to, for CI")
        .args([
            path("config").required(true).help("Configuration to check"),
            flag("all-scopes").help("Also read the user's and the local scope"),
            flag("strict").help("Warnings fail too"),
            flag("offline").help("Fetch nothing: only local files and what the document cache has"),
            flag("no-secrets").help("Do not look whether secrets can be resolved on this machine"),
            flag("notes").help("Show notes too, in the table"),
            word("format", "FORMAT")
                .value_parser(["table", "json", "sarif"])
                .hide_possible_values(true)
                .default_value("table")
                .help("table, json or sarif (2.1.0)"),
            path("output").help("Write the report here, and the table to standard output"),
        ])
        .args(
            [
                word("state-dir", "DIR")
                    .value_parser(value_parser!(PathBuf))
                    .env("OPEN_CLI_STATE_DIR")
                    .help("State root, as of the server"),
                word("instance-id", "ID").env("OPEN_CLI_INSTANCE_ID").help("Instance, as of the server"),
            ]
            .map(|arg| arg.help_heading("Whose document cache is read")),
        )
        .after_help(
            "Exit codes: 0 no errors (--strict: and no warnings), 1 some, or the check can't be made, 2 wrong use.\n\
             Documentation: docs/toolbox.md, docs/diagnostics.md",
        )
}

/// What the command line says.
struct Options {
    config: PathBuf,
    all_scopes: bool,
    offline: bool,
    with_secrets: bool,
    /// The document cache of the instance, if there is a place for one.
    borrowed_cache: Option<PathBuf>,
    /// Paths are shown relative to it.
    here: PathBuf,
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let options = Options::of(matches, context)?;
    let report = gather::gather(&options)?;
    let verdict = Verdict::of(&report, matches.get_flag("strict"));
    let shows_notes = matches.get_flag("notes");
    let text = match matches.get_one::<String>("format").map_or("table", String::as_str) {
        "json" => json_text(&finding::json(&report, verdict))?,
        "sarif" => json_text(&sarif::sarif(&report, verdict))?,
        _ => table::table(&report, verdict, shows_notes, Screen::default()),
    };
    let is_table = matches.get_one::<String>("format").is_none_or(|format| format == "table");
    let shown = || table::table(&report, verdict, shows_notes, context.screen);
    match matches.get_one::<PathBuf>("output") {
        Some(output) => {
            write(output, &text)?;
            context.screen.text(&shown())?;
        }
        None if is_table => context.screen.text(&shown())?,
        None => context.screen.text(&text)?,
    }
    if verdict.is_failed { Err(Failure::Told) } else { Ok(()) }
}

impl Options {
    fn of(matches: &ArgMatches, context: &Context) -> Result<Self, Failure> {
        let here = context.environment.current_dir.clone();
        let named = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
        let config = open_cli_contract::paths::clean(&here.join(named));
        let instance = InstanceOptions {
            instance_id: matches.get_one::<String>("instance-id").cloned(),
            state_dir: matches.get_one::<PathBuf>("state-dir").cloned(),
            config_path: Some(config.clone()),
            ..InstanceOptions::default()
        };
        // Without a home there is no cache either.
        let borrowed_cache = match resolve(&instance, &context.environment) {
            Ok(layout) => Some(layout.cache_dir),
            Err(open_cli_instance::InstanceError::NoHome { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            config,
            all_scopes: matches.get_flag("all-scopes"),
            offline: matches.get_flag("offline"),
            with_secrets: !matches.get_flag("no-secrets"),
            borrowed_cache,
            here,
        })
    }
}

fn json_text(value: &serde_json::Value) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Failed(format!("the report can't be written as JSON: {error}")))?;
    Ok(text + "\n")
}

/// Not private as our own files are: another step of a CI job reads it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .map_err(|error| Failure::Failed(format!("{} can't be written: {error}; check --output", path.display())))
}
