//! `open-cli-toolbox instances`: what there is below a state root, and what to do about it.

mod list;
mod prune;
mod show;
mod stop;

use super::output::{Format, Tone};
use super::target::Target;
use super::{Context, Failure, explained};
use clap::{ArgMatches, Command};
use open_cli_instance::{Instance, InstanceState};
use serde::Serialize;

pub(super) fn command() -> Command {
    Command::new("instances")
        .about("List the instances of a state root, look at one, end it, remove what dead ones left")
        .args(Target::args())
        .arg(Format::arg())
        .after_help(explained(
            "States: running, its lock is held by the process that it names; stopped, it left in order; stale, it was \
             killed, which the next start repairs; foreign, not of this program or not certain, and never touched.",
        ))
        .subcommands([list::command(), show::command(), prune::command(), stop::command()])
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let (name, matches) = matches.subcommand().unwrap_or(("list", matches));
    let target = Target::of(matches, context)?;
    match name {
        "show" => show::run(matches, &target, context),
        "prune" => prune::run(matches, &target, context),
        "stop" => stop::run(matches, &target, context),
        _ => list::run(matches, &target, context),
    }
}

/// An instance in JSON, with what only the moment tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    instance: &'a Instance,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_seconds: Option<u64>,
}

impl<'a> Shown<'a> {
    fn new(instance: &'a Instance, context: &Context) -> Self {
        Self { instance, uptime_seconds: uptime(instance, context).map(|uptime| uptime.as_secs()) }
    }
}

/// Since when it has been running.
fn uptime(instance: &Instance, context: &Context) -> Option<std::time::Duration> {
    let started = instance.started_at.filter(|_| instance.state == InstanceState::Running)?;
    super::human::since(started, context.now)
}

fn tone(state: InstanceState) -> Tone {
    match state {
        InstanceState::Running => Tone::Good,
        InstanceState::Stopped => Tone::Dim,
        InstanceState::Stale => Tone::Warning,
        InstanceState::Foreign => Tone::Bad,
    }
}
