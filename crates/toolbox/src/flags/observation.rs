//! Flags of traces, metrics, exporters and the log. `OTEL_*` variables say the rest.

use crate::log::{LogFormat, LogOptions};
use crate::observability::Observability;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use std::time::Duration;

const HEADING: &str = "Observation";
pub(super) const OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The flags.
pub(super) fn args() -> Vec<Arg> {
    let value = |name: &'static str, value_name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value_name).help(help).help_heading(HEADING)
    };
    let switch = |name: &'static str, help: &'static str| {
        value(name, "WORD", help)
            .value_parser(PossibleValuesParser::new(["on", "off"]))
            .hide_possible_values(true)
            .default_value("on")
    };
    let number = |name: &'static str, unit: &'static str, default: &'static str, help: &'static str| {
        let range = if name == "trace-memory" { 0.. } else { 1.. };
        value(name, unit, help).value_parser(value_parser!(u64).range(range)).default_value(default)
    };
    vec![
        value("log", "FILTER", "Log on standard error: error, warn, info, debug, or module=level,…")
            .env("OPEN_CLI_LOG")
            .default_value("info"),
        value("log-format", "WORD", "Form of the log's lines: human or json")
            .value_parser(PossibleValuesParser::new(["human", "json"]))
            .hide_possible_values(true)
            .env("OPEN_CLI_LOG_FORMAT")
            .default_value("human"),
        Arg::new("access-log")
            .long("access-log")
            .action(ArgAction::SetTrue)
            .help("Log a line for each request, with its total and own time")
            .help_heading(HEADING),
        Arg::new("log-direct")
            .long("log-direct")
            .action(ArgAction::SetTrue)
            .help("Write each line before going on: a kill loses none, whoever reads slowly slows calls")
            .help_heading(HEADING),
        switch("trace-file", "Write traces to files of the instance: on or off"),
        number("trace-file-bytes", "BYTES", "134217728", "Most that trace files take together"),
        number("trace-file-days", "DAYS", "7", "Trace files are removed after this"),
        number(
            "trace-file-rate",
            "SPANS",
            "20000",
            "Most spans a second in trace files; failed calls have twice that",
        ),
        value(
            "trace-ratio",
            "0..1",
            "Share of the traces that are kept and exported; failed ones are always kept",
        )
        .value_parser(ratio),
        number("trace-memory", "SPANS", "4096", "Spans kept in memory; 0 keeps none"),
        switch("metrics", "Count, and serve /metrics: on or off"),
        value("metrics-addr", "HOST:PORT", "Serve /metrics at this address instead").value_parser(super::address),
        value(
            "otlp-endpoint",
            "URL",
            "Send traces, metrics and logs there [env: OTEL_EXPORTER_OTLP_ENDPOINT, and all OTEL_*]",
        ),
    ]
}

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is needed".to_owned()),
    }
}

/// What they say.
pub(super) fn settings(
    matches: &ArgMatches,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Observability, String> {
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let is_on = |name: &str| super::text(matches, name) == "on";
    let endpoint = matches.get_one::<String>("otlp-endpoint").cloned();
    let variable = |name: &str| match &endpoint {
        Some(url) if name == OTLP_ENDPOINT => Some(url.clone()),
        _ => variable(name),
    };
    if !is_on("metrics") && matches.get_one::<std::net::SocketAddr>("metrics-addr").is_some() {
        return Err("--metrics-addr serves nothing with --metrics off; leave one of them out".to_owned());
    }
    let trace_file = is_on("trace-file").then(|| open_cli_tracefile::Options {
        keep_bytes: number("trace-file-bytes"),
        keep_age: Duration::from_secs(number("trace-file-days").saturating_mul(24 * 60 * 60)),
        spans_per_second: u32::try_from(number("trace-file-rate")).unwrap_or(u32::MAX),
        ..open_cli_tracefile::Options::default()
    });
    Ok(Observability {
        trace_file,
        recent_spans: super::size(number("trace-memory")),
        metrics: is_on("metrics"),
        metrics_addr: matches.get_one("metrics-addr").copied(),
        trace_ratio: matches.get_one("trace-ratio").copied(),
        otlp: open_cli_otlp::Settings::from_env(&variable).map_err(|error| error.to_string())?,
    })
}

/// What they say about the log. Colours are the terminal's matter.
pub(super) fn log(matches: &ArgMatches, has_colour: bool) -> LogOptions {
    LogOptions {
        filter: super::text(matches, "log"),
        format: match super::text(matches, "log-format").as_str() {
            "json" => LogFormat::Json,
            _ => LogFormat::Human,
        },
        has_access_log: matches.get_flag("access-log"),
        is_direct: matches.get_flag("log-direct"),
        has_colour,
    }
}
