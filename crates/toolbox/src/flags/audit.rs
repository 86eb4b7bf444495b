//! Flags of the audit log.

use crate::settings::{AuditSettings, OnAuditError};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, value_parser};
use open_cli_audit::{AuditOptions, Durability};
use std::time::Duration;

const HEADING: &str = "Audit";
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The flags.
pub(super) fn args() -> Vec<Arg> {
    let value = |name: &'static str, value_name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value_name).default_value(default).help(help).help_heading(HEADING)
    };
    let words = |name: &'static str, words: [&'static str; 2], help: &'static str| {
        value(name, "WORD", words[0], help).value_parser(PossibleValuesParser::new(words)).hide_possible_values(true)
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
        words("audit-on-error", ["refuse", "continue"], "When a record can't be written: refuse the call, or continue"),
        number("audit-rotate-bytes", "BYTES", "67108864", "Seal the audit log's file at this size; 0 never"),
        number("audit-rotate-hours", "HOURS", "24", "Seal it at this age; 0 never"),
        number("audit-retain-bytes", "BYTES", "1073741824", "Most that the audit log takes; the oldest goes; 0 keeps all"),
        number("audit-retain-days", "DAYS", "0", "Remove segments of this age; 0 keeps them"),
    ]
}

/// What they say.
pub(super) fn settings(matches: &ArgMatches) -> AuditSettings {
    let number = |name: &str| matches.get_one::<u64>(name).copied().filter(|number| *number > 0);
    let hours = |number: u64| HOUR.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
    AuditSettings {
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
    }
}
