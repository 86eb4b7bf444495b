//! The command line of `open-cli-toolbox`: the contract's flags (config-and-state §8.1), single or double dash, and
//! ours beside them. Enumerated flags are checked (weakness 75).

mod audit;
mod observation;

use crate::advertised::AdvertisedUrlError;
use crate::log::LogOptions;
use crate::settings::{Serves, Settings, ShutdownMode};
use clap::builder::{BoolishValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

/// What the command line asks for.
#[derive(Debug)]
pub struct Invocation {
    /// The runtime.
    pub settings: Settings,
    /// The log on standard error; colours are left to the caller.
    pub log: LogOptions,
}

/// What is to be done.
#[derive(Debug)]
pub enum Asked {
    /// Serve.
    Serve(Box<Invocation>),
    /// One of the operator's commands: its name, and what it was given.
    Operate(String, ArgMatches),
}

/// Parses; help, version and mistakes end as clap's error, whose `exit` prints them with the right exit code.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(double_dashes(args))?;
    if let Some((name, matches)) = matches.subcommand() {
        return Ok(Asked::Operate(name.to_owned(), matches.clone()));
    }
    let addr_text = matches.get_one::<String>("addr").map_or(Settings::DEFAULT_ADDR, String::as_str);
    let addr = address(addr_text).map_err(|problem| {
        command.error(clap::error::ErrorKind::ValueValidation, format!("--addr {addr_text}: {problem}"))
    })?;
    // Not by clap, which would repeat a password.
    let advertised = matches.get_one::<String>("advertise-url").map(|text| text.parse()).transpose();
    let advertise_url = advertised.map_err(|problem: AdvertisedUrlError| {
        command.error(clap::error::ErrorKind::ValueValidation, format!("--advertise-url: {problem}"))
    })?;
    let variable = |name: &str| std::env::var(name).ok();
    let observability = observation::settings(&matches, &variable)
        .map_err(|problem| command.error(clap::error::ErrorKind::ValueValidation, problem))?;
    let audit = audit::settings(&matches, &variable)
        .map_err(|problem| command.error(clap::error::ErrorKind::ValueValidation, problem))?;
    let settings = Settings { advertise_url, audit, observability, ..settings(&matches, addr) };
    Ok(Asked::Serve(Box::new(Invocation { log: observation::log(&matches, false), settings })))
}

fn settings(matches: &ArgMatches, addr: SocketAddr) -> Settings {
    let path = |name: &str| matches.get_one::<PathBuf>(name).filter(|p| !p.as_os_str().is_empty()).cloned();
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let serves = match path("config-root") {
        Some(root) => Serves::ConfigRoot(root),
        None => Serves::Config(path("config").unwrap_or_default()),
    };
    let instance_id = Some(text(matches, "instance-id")).filter(|id| !id.is_empty());
    Settings {
        addr,
        instance_id,
        state_dir: path("state-dir"),
        audit_path: path("audit-path"),
        cache_dir: path("cache-dir"),
        all_scopes: matches.get_flag("all-scopes"),
        strict: matches.get_flag("strict"),
        heartbeat_seconds: number("heartbeat-seconds"),
        missed_heartbeat_limit: number("missed-heartbeat-limit"),
        shutdown: match text(matches, "shutdown").as_str() {
            "when-owner-exits" => ShutdownMode::WhenOwnerExits,
            _ => ShutdownMode::Manual,
        },
        session_scope: text(matches, "session-scope"),
        share: text(matches, "share"),
        share_key_present: matches.get_one::<bool>("share-key-present").copied().unwrap_or_default(),
        config_fingerprint: text(matches, "config-fingerprint"),
        max_request_bytes: size(number("max-request-bytes")),
        max_connections: size(number("max-connections")),
        max_response_bytes: size(number("max-response-bytes")),
        upstream_timeout: Duration::from_secs(number("upstream-timeout")),
        drain_timeout: Duration::from_secs(number("drain-timeout")),
        ..Settings::new(serves)
    }
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// `:8765` and `localhost:0` are accepted, as the contract's program does.
fn address(text: &str) -> Result<SocketAddr, String> {
    let text = if text.is_empty() { Settings::DEFAULT_ADDR } else { text };
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse().map_err(|_| format!("\"{port}\" is not a port"))?;
        return Ok(SocketAddr::from(([0, 0, 0, 0], port)));
    }
    let mut found =
        text.to_socket_addrs().map_err(|error| format!("not an address ({error}); write host:port"))?;
    found.next().ok_or_else(|| "the name has no address".to_owned())
}

/// `-config x` is `--config x`; `-h`, `-V`, numbers and everything behind `--` stay.
fn double_dashes(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut is_open = true;
    let widen = |arg: OsString| {
        let Some(text) = arg.to_str() else { return arg };
        is_open &= text != "--";
        let is_long = text.len() > 2 && text.starts_with('-') && text.as_bytes()[1].is_ascii_alphabetic();
        if is_open && is_long { OsString::from(format!("-{text}")) } else { arg }
    };
    args.into_iter().map(widen).collect()
}

fn command() -> Command {
    let value = |name: &'static str, value_name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value_name).help(help)
    };
    let number = |name: &'static str, unit: &'static str, default: &'static str, help: &'static str| {
        value(name, unit, help).value_parser(value_parser!(u64)).default_value(default)
    };
    let positive = |name: &'static str, unit: &'static str, default: &'static str, help: &'static str| {
        value(name, unit, help).value_parser(value_parser!(u64).range(1..)).default_value(default)
    };
    let path = |name: &'static str, value_name: &'static str, help: &'static str| {
        value(name, value_name, help).value_parser(value_parser!(PathBuf))
    };
    let words = |name: &'static str, words: &'static [&'static str], help: &'static str| {
        value(name, "WORD", help).value_parser(PossibleValuesParser::new(words)).hide_possible_values(true)
    };
    Command::new("open-cli-toolbox")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Serves API descriptions as one governed catalog of tools, and executes them.")
        .after_help(
            "Example:\n  open-cli-toolbox --config .cli.json --addr 127.0.0.1:8765\n\n\
             Exit codes: 0 orderly end, 1 could not start or serve, 2 wrong use, 130 ended by a second signal.\n\
             Documentation: docs/toolbox.md",
        )
        .args_override_self(true)
        .subcommands(crate::commands::all())
        .subcommand_value_name("COMMAND")
        .subcommand_negates_reqs(true)
        .args_conflicts_with_subcommands(true)
        .arg(path("config", "FILE", "Serve this configuration").conflicts_with("config-root"))
        .arg(path("config-root", "DIR", "Serve any configuration below this folder, named by the request"))
        .group(clap::ArgGroup::new("serves").args(["config", "config-root"]).required(true))
        .arg(value("addr", "HOST:PORT", "Listen address [default: 127.0.0.1:8765]; port 0 lets the system choose"))
        .arg(value(
            "advertise-url",
            "URL",
            "The URL given as the runtime's own [default: from the listen address]",
        ))
        .arg(
            value("instance-id", "ID", "Instance id [default: from the configuration's path]")
                .env("OPEN_CLI_INSTANCE_ID"),
        )
        .arg(path("state-dir", "DIR", "State root [default: $XDG_STATE_HOME/open-cli]").env("OPEN_CLI_STATE_DIR"))
        .arg(path("audit-path", "FILE", "Audit log [default: <instance state>/audit.log]"))
        .arg(path("cache-dir", "DIR", "HTTP cache, used as it is [default: below the cache root]"))
        .arg(Arg::new("all-scopes").long("all-scopes").action(ArgAction::SetTrue).help(
            "Also read the user's configuration and .cli.local.json; the managed and project scopes always apply",
        ))
        .arg(
            Arg::new("strict")
                .long("strict")
                .action(ArgAction::SetTrue)
                .conflicts_with("config-root")
                .help("Refuse to start when the catalog has errors or warnings"),
        )
        .arg(positive("max-request-bytes", "BYTES", "10485760", "Largest request body"))
        .arg(positive("max-response-bytes", "BYTES", "16777216", "Largest upstream answer"))
        .arg(positive(
            "max-connections",
            "COUNT",
            "4096",
            "Most connections at once; more wait in the listen queue",
        ))
        .arg(positive("upstream-timeout", "SECONDS", "60", "Time a call may take, redirects and retries included"))
        .arg(number("drain-timeout", "SECONDS", "10", "Time for requests under way to finish at shutdown"))
        .args(audit::args())
        .args(observation::args())
        .arg(
            number("heartbeat-seconds", "SECONDS", "0", "Interval of session heartbeats; 0 turns leases off")
                .help_heading("Sessions"),
        )
        .arg(
            number("missed-heartbeat-limit", "COUNT", "0", "Heartbeats a session may miss; 0 turns leases off")
                .help_heading("Sessions"),
        )
        .arg(
            words(
                "shutdown",
                &["when-owner-exits", "manual"],
                "When the last session leaves: when-owner-exits or manual",
            )
            .help_heading("Sessions"),
        )
        .arg(
            words(
                "session-scope",
                &["terminal", "agent", "shared-group"],
                "Told to clients: terminal, agent or shared-group",
            )
            .help_heading("Sessions"),
        )
        .arg(
            words("share", &["exclusive", "group"], "One session (exclusive) or many (group)")
                .help_heading("Sessions"),
        )
        .arg(
            Arg::new("share-key-present")
                .long("share-key-present")
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(BoolishValueParser::new())
                .help("Told to clients")
                .help_heading("Sessions"),
        )
        .arg(
            value("config-fingerprint", "HEX", "Fingerprint an attaching client must have")
                .help_heading("Sessions"),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Settings, String> {
        let args = std::iter::once("open-cli-toolbox").chain(args.iter().copied()).map(OsString::from);
        match parse(args) {
            Ok(Asked::Serve(invocation)) => Ok(invocation.settings),
            Ok(Asked::Operate(name, _)) => Err(format!("the command {name}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// config-and-state §8.1.
    #[test]
    fn flags_take_one_dash_or_two_and_an_equals_sign_or_a_space() {
        let settings = parsed(&[
            "-config",
            "/srv/a/.cli.json",
            "--addr=127.0.0.1:0",
            "-share-key-present",
            "--share-key-present=false",
            "-heartbeat-seconds=5",
            "--missed-heartbeat-limit",
            "3",
            "--shutdown",
            "when-owner-exits",
            "--share=group",
        ])
        .expect("valid");
        assert_eq!(settings.serves, Serves::Config("/srv/a/.cli.json".into()));
        assert_eq!(settings.addr.port(), 0);
        assert!(!settings.share_key_present);
        assert_eq!((settings.heartbeat_seconds, settings.missed_heartbeat_limit), (5, 3));
        assert_eq!((settings.shutdown, settings.share.as_str()), (ShutdownMode::WhenOwnerExits, "group"));
    }

    /// Weakness 75, deviation 11.
    #[test]
    fn mistakes_are_refused_with_the_flag_named() {
        for (args, part) in [
            (&["--config", "c", "--shutdown", "sesion"][..], "sesion"),
            (&["--config", "c", "--share", "x"], "share"),
            (&["--config", "c", "--session-scope", "x"], "session-scope"),
            (&["--config", "c", "--heartbeat-seconds", "-1"], "-1"),
            (&["--config", "c", "--addr", "nowhere"], "--addr nowhere"),
            (&["--config", "c", "--config-root", "d"], "cannot be used with"),
            (&["--config-root", "d", "--strict"], "cannot be used with"),
            (&["--config", "c", "--advertise-url", "tools.example"], "--advertise-url"),
            (&["--config", "c", "--audit-push", "otlp", "--audit-push", "ftp://h"], "--audit-push (number 2)"),
            (&[], "--config"),
            (&["--config", "c", "--max-connections", "0"], "max-connections"),
            (&["--nonsense"], "--nonsense"),
        ] {
            let message = parsed(args).expect_err("refused");
            assert!(message.contains(part), "{args:?}: {message}");
        }
    }

    #[test]
    fn an_operators_command_needs_none_of_the_servers_flags() {
        assert_eq!(
            parsed(&["instances", "list", "-state-dir", "/s"]).expect_err("a command"),
            "the command instances"
        );
        for (args, part) in [
            (&["--config", "c", "instances"][..], "instances"),
            (&["nonsense"], "nonsense"),
            (&["instances", "nonsense"], "nonsense"),
            (&["instances", "--format", "yaml"], "yaml"),
            (&["instances", "prune", "--older-than", "soon"], "15s"),
            (&["--config", "c", "--advertise-url", "https://u:secret@tools.example"], "password"),
            (&["--config", "c", "--audit-push", "https://u:secret@siem.example"], "holds credentials"),
        ] {
            let message = parsed(args).expect_err("refused");
            assert!(message.contains(part) && !message.contains("secret"), "{args:?}: {message}");
        }
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }
}
