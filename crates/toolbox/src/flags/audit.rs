//! Flags of the audit log.

use crate::settings::{AuditSettings, OnAuditError};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use open_cli_audit::{AuditOptions, Durability};
use open_cli_auditpush::{PushSettings, Sink};
use std::path::PathBuf;
use std::time::Duration;

const HEADING: &str = "Audit";
const PUSH: &str = "audit-push";
const PUSH_CA: &str = "audit-push-ca";
/// `Authorization` of webhooks.
const AUTHORIZATION: &str = "OPEN_CLI_AUDIT_PUSH_AUTHORIZATION";
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The flags.
pub(super) fn args() -> Vec<Arg> {
    let value = |name: &'static str, value_name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value_name).default_value(default).help(help).help_heading(HEADING)
    };
    let words = |name: &'static str, words: [&'static str; 2], help: &'static str| {
        value(name, "WORD", words[0], help)
            .value_parser(PossibleValuesParser::new(words))
            .hide_possible_values(true)
    };
    let number = |name: &'static str, unit: &'static str, default: &'static str, help: &'static str| {
        value(name, unit, default, help).value_parser(value_parser!(u64))
    };
    vec![
        words(
            "audit-durability",
            ["written", "synced"],
            "A call is answered when its record is in the file (written) or on the disk (synced)",
        ),
        words(
            "audit-on-error",
            ["refuse", "continue"],
            "When a record can't be written: refuse the call, or continue",
        ),
        number("audit-rotate-bytes", "BYTES", "67108864", "Seal the audit log's file at this size; 0 never"),
        number("audit-rotate-hours", "HOURS", "24", "Seal it at this age; 0 never"),
        number(
            "audit-retain-bytes",
            "BYTES",
            "1073741824",
            "Most that the audit log takes; the oldest goes; 0 keeps all",
        ),
        number("audit-retain-days", "DAYS", "0", "Remove segments of this age; 0 keeps them"),
        Arg::new(PUSH)
            .long(PUSH)
            .value_name("URL")
            .action(ArgAction::Append)
            .help(
                "Send each record on, at least once: https://…, syslog+tls://…, syslog+tcp://…, syslog+udp://…, \
                 otlp+https://…, or otlp; may be given several times",
            )
            .help_heading(HEADING),
        Arg::new(PUSH_CA)
            .long(PUSH_CA)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Certificates (PEM) to trust for that, instead of the system's")
            .help_heading(HEADING),
    ]
}

/// What they say.
pub(super) fn settings(
    matches: &ArgMatches,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<AuditSettings, String> {
    let number = |name: &str| matches.get_one::<u64>(name).copied().filter(|number| *number > 0);
    let hours = |number: u64| HOUR.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
    Ok(AuditSettings {
        options: AuditOptions {
            durability: match super::text(matches, "audit-durability").as_str() {
                "synced" => Durability::Synced,
                _ => Durability::Written,
            },
            rotate_bytes: number("audit-rotate-bytes"),
            rotate_age: number("audit-rotate-hours").map(hours),
            retain_bytes: number("audit-retain-bytes"),
            retain_age: number("audit-retain-days").map(|days| hours(days.saturating_mul(24))),
            ..AuditOptions::default()
        },
        on_error: match super::text(matches, "audit-on-error").as_str() {
            "continue" => OnAuditError::Continue,
            _ => OnAuditError::Refuse,
        },
        push: push(matches, variable)?,
    })
}

/// Receivers. Not parsed by clap, which would repeat a URL that may hold a key.
fn push(matches: &ArgMatches, variable: &dyn Fn(&str) -> Option<String>) -> Result<PushSettings, String> {
    let mut push =
        PushSettings { ca_file: matches.get_one::<PathBuf>(PUSH_CA).cloned(), ..PushSettings::default() };
    let endpoint = matches.get_one::<String>("otlp-endpoint");
    let variable = |name: &str| match endpoint {
        Some(url) if name == super::observation::OTLP_ENDPOINT => Some(url.clone()),
        _ => variable(name),
    };
    for (number, url) in matches.get_many::<String>(PUSH).into_iter().flatten().enumerate() {
        let sink = Sink::parse(url, &variable).and_then(|sink| push.add(sink));
        sink.map_err(|problem| format!("--{PUSH} (number {}): {problem}", number + 1))?;
    }
    if let Some(value) = variable(AUTHORIZATION).filter(|value| !value.is_empty()) {
        push.set_authorization(&value).map_err(|problem| problem.to_string())?;
    }
    Ok(push)
}
