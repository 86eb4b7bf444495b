//! `instances show`: everything that is known about one.

use super::{Shown, tone, uptime};
use crate::commands::output::{Format, Tone, one_line};
use crate::commands::target::Target;
use crate::commands::{Context, Failure, explained, human};
use clap::{Arg, ArgMatches, Command};
use open_cli_instance::{Instance, InstanceState};

/// Columns of the names.
const NAMES: usize = 11;

pub(super) fn command() -> Command {
    Command::new("show")
        .about("Show everything that is known about one instance")
        .arg(Arg::new("ID").help("As listed; without it --instance-id or --config say which"))
        .after_help(explained(""))
}

pub(super) fn run(matches: &ArgMatches, target: &Target, context: &Context) -> Result<(), Failure> {
    let instance = target.one(matches.get_one::<String>("ID").map(String::as_str))?;
    match Format::of(matches) {
        Format::Json => context.screen.json(&Shown::new(&instance, context)),
        Format::Table => context.screen.text(&report(&instance, context)),
    }
}

fn report(instance: &Instance, context: &Context) -> String {
    let screen = context.screen;
    let state = screen.paint(tone(instance.state), instance.state.as_str());
    let mut text = format!("{}  {state}\n", screen.paint(Tone::Head, &one_line(&instance.id)));
    for (name, value) in lines(instance, context) {
        if !value.is_empty() {
            let name = screen.paint(Tone::Dim, &format!("{name:NAMES$}"));
            text.push_str(&format!("  {name}  {}\n", one_line(&value)));
        }
    }
    text
}

fn lines(instance: &Instance, context: &Context) -> [(&'static str, String); 13] {
    let ago = |at| human::since(at, context.now).map(|ago| format!(" ({} ago)", human::duration(ago)));
    let when = |at| format!("{}{}", human::time(at), ago(at).unwrap_or_default());
    let up = uptime(instance, context).map(|uptime| format!(", up {}", human::duration(uptime)));
    let process = match (instance.pid, instance.state) {
        (0, _) => String::new(),
        (pid, InstanceState::Running) => format!("{pid}{}", up.unwrap_or_default()),
        (pid, _) => format!("{pid} was the last one"),
    };
    let sizes = &instance.sizes;
    let place = |path: &std::path::Path, bytes: u64| format!("{}  {}", human::size(bytes), path.display());
    [
        ("Why", instance.reason.clone()),
        ("URL", instance.url.clone()),
        ("Listens on", instance.bind_address.clone()),
        ("Process", process),
        ("Version", instance.version.clone()),
        ("Started", instance.started_at.map(when).unwrap_or_default()),
        ("Last used", instance.last_used_at.map(when).unwrap_or_default()),
        ("Config", instance.config_path.clone()),
        ("State", instance.state_dir.display().to_string()),
        ("Audit log", place(&instance.audit_path, sizes.audit_bytes)),
        ("Cache", place(&instance.cache_dir, sizes.cache_bytes)),
        ("Traces", place(&instance.state_dir.join("traces"), sizes.traces_bytes)),
        ("Tokens", place(&instance.state_dir.join("oauth"), sizes.oauth_bytes)),
    ]
}
