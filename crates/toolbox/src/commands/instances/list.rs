//! `instances list`: one line each.

use super::{Shown, tone, uptime};
use crate::commands::output::{Format, Table, Tone};
use crate::commands::target::Target;
use crate::commands::{Context, Failure, explained, human};
use clap::{ArgMatches, Command};
use open_cli_instance::{Instance, InstanceState, MAX_INSTANCES};
use serde::Serialize;
use std::path::Path;

const HEAD: [&str; 10] = ["ID", "STATE", "PID", "UPTIME", "VERSION", "URL", "AUDIT", "CACHE", "TRACES", "CONFIG"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    state_root: &'a Path,
    instances: Vec<Shown<'a>>,
    /// False when there are more than were looked at.
    complete: bool,
}

pub(super) fn command() -> Command {
    Command::new("list").about("List the instances (also without this word)").after_help(explained(""))
}

pub(super) fn run(matches: &ArgMatches, target: &Target, context: &Context) -> Result<(), Failure> {
    let (instances, complete) = target.all()?;
    let screen = context.screen;
    if Format::of(matches) == Format::Json {
        let instances = instances.iter().map(|instance| Shown::new(instance, context)).collect();
        return screen.json(&Report { state_root: &target.roots.state, instances, complete });
    }
    if instances.is_empty() {
        screen.remark(&format!("There are no instances below {}.", target.roots.state.display()));
        return Ok(());
    }
    let mut table = Table::new(&HEAD, &["PID", "AUDIT", "CACHE", "TRACES"]);
    for instance in &instances {
        table.row(cells(instance, context));
    }
    screen.table(&table)?;
    for foreign in instances.iter().filter(|instance| instance.state == InstanceState::Foreign) {
        screen.remark(&format!("{} is foreign: {}.", foreign.id, foreign.reason));
    }
    if instances.iter().any(|instance| instance.state == InstanceState::Stale) {
        screen.remark("Stale ones were killed; `open-cli-toolbox instances prune` removes what they left.");
    }
    if !complete {
        screen.remark(&format!("There are more than {MAX_INSTANCES} folders; the others were not looked at."));
    }
    Ok(())
}

fn cells(instance: &Instance, context: &Context) -> [(String, Tone); 10] {
    let plain =
        |text: &str| if text.is_empty() { ("-".into(), Tone::Dim) } else { (text.to_owned(), Tone::Plain) };
    let size = |bytes: u64| if bytes == 0 { plain("") } else { plain(&human::size(bytes)) };
    let runs = instance.state == InstanceState::Running;
    let while_it_runs = |text: &str| if runs { plain(text) } else { plain("") };
    let pid = if instance.pid == 0 { String::new() } else { instance.pid.to_string() };
    [
        (instance.id.clone(), Tone::Plain),
        (instance.state.to_string(), tone(instance.state)),
        while_it_runs(&pid),
        plain(&uptime(instance, context).map(human::duration).unwrap_or_default()),
        while_it_runs(&instance.version),
        while_it_runs(&instance.url),
        size(instance.sizes.audit_bytes),
        size(instance.sizes.cache_bytes),
        size(instance.sizes.traces_bytes),
        plain(&instance.config_path),
    ]
}
