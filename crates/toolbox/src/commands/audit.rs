//! `open-cli-toolbox audit verify`: is the audit log what was written? Offline, also while the runtime writes it.

use super::output::{Format, Tone, one_line};
use super::target::Target;
use super::{Context, Failure, human};
use clap::{Arg, ArgMatches, Command, value_parser};
use open_cli_audit::{PublicKey, VerifyOptions, VerifyReport, verify};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Largest file of keys.
const MAX_KEY_BYTES: u64 = 64 * 1024;

pub(super) fn command() -> Command {
    let file = |name: &'static str| Arg::new(name).value_name("FILE").value_parser(value_parser!(PathBuf));
    Command::new("audit")
        .about("Check that an audit log is what was written")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(Target::args())
        .arg(Format::arg())
        .subcommand(
            Command::new("verify")
                .about("Find edits, deletions, insertions, reordering and truncation, and name the first bad record")
                .arg(file("FILE").help("The log's live file; without it --instance-id or --config say which"))
                .arg(
                    file("key").long("key").help(
                        "Public keys to trust, as in <log>.pub, kept where the log's writer can't change them \
                         [default: <log>.pub itself]",
                    ),
                )
                .arg(
                    Arg::new("known")
                        .long("known")
                        .value_name("SEQ:HASH")
                        .action(clap::ArgAction::Append)
                        .help("A record that is known from elsewhere: its number and the hash of its line"),
                )
                .after_help(
                    "Exit codes: 0 the log is what was written, 1 it is not, 2 wrong use, 3 there is no such log.\n\
                     Documentation: docs/audit.md",
                ),
        )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified<'a> {
    ok: bool,
    path: &'a Path,
    #[serde(flatten)]
    report: &'a VerifyReport,
    elapsed_ms: u64,
    bytes_per_second: u64,
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let Some(("verify", matches)) = matches.subcommand() else {
        return Err(Failure::Usage("audit needs a command: verify".into()));
    };
    let path = match matches.get_one::<PathBuf>("FILE") {
        Some(path) => path.clone(),
        None => Target::of(matches, context)?.one(None)?.audit_path,
    };
    // A live file that is gone is a truncation as long as anything else of the log is there.
    let mut head = path.clone().into_os_string();
    head.push(".head");
    if !path.exists() && !Path::new(&head).exists() {
        return Err(Failure::Nothing(format!("there is no audit log {}", path.display())));
    }
    let options = VerifyOptions { keys: keys(matches)?, known: known(matches)?, ..VerifyOptions::default() };
    let report = verify(&path, &options).map_err(|error| Failure::Failed(error.to_string()))?;
    let format = Format::of(matches);
    match format {
        Format::Json => context.screen.json(&Verified {
            ok: report.is_ok(),
            path: &path,
            report: &report,
            elapsed_ms: u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
            bytes_per_second: report.bytes_per_second() as u64,
        })?,
        Format::Table => context.screen.text(&shown(&path, &report, context))?,
    }
    if report.is_ok() { Ok(()) } else { Err(Failure::Told) }
}

fn keys(matches: &ArgMatches) -> Result<Vec<PublicKey>, Failure> {
    let Some(path) = matches.get_one::<PathBuf>("key") else { return Ok(Vec::new()) };
    let fault = |what: String| Failure::Failed(format!("the keys in {} can't be used: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if size > MAX_KEY_BYTES {
        return Err(fault(format!("it is larger than {MAX_KEY_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let keys = PublicKey::parse_all(&text).map_err(|line| fault(format!("\"{line}\" is no key")))?;
    if keys.is_empty() { Err(fault("it has no key".into())) } else { Ok(keys) }
}

fn known(matches: &ArgMatches) -> Result<Vec<(u64, String)>, Failure> {
    let texts = matches.get_many::<String>("known").into_iter().flatten();
    texts
        .map(|text| {
            let parsed =
                text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.to_lowercase())));
            parsed
                .filter(|(_, hash)| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .ok_or_else(|| {
                    Failure::Usage(format!(
                        "--known {text}: write the record's number, a colon, and 64 hex digits"
                    ))
                })
        })
        .collect()
}

fn shown(path: &Path, report: &VerifyReport, context: &Context) -> String {
    let screen = context.screen;
    let verdict = match report.is_ok() {
        true => screen.paint(Tone::Good, "intact"),
        false => screen.paint(Tone::Bad, "NOT INTACT"),
    };
    let mut text = format!("{}  {verdict}\n", screen.paint(Tone::Head, &one_line(&path.display().to_string())));
    for problem in &report.problems {
        text.push_str(&format!("  {} {}\n", screen.paint(Tone::Bad, "✗"), one_line(&problem.to_string())));
    }
    if report.more_problems > 0 {
        text.push_str(&format!("  … and {} more\n", report.more_problems));
    }
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!(
                "  {}  {}\n",
                screen.paint(Tone::Dim, &format!("{name:11}")),
                one_line(&value)
            ));
        }
    };
    line(
        "Records",
        format!("{} ({} to {}) in {} files", report.records, report.first_seq, report.last_seq, report.files),
    );
    line(
        "Checked",
        format!("{} at {}/s", human::size(report.bytes), human::size(report.bytes_per_second() as u64)),
    );
    line("Last hash", report.last_hash.clone());
    if report.removed_until > 0 {
        line("Retention", format!("removed records up to {}, and signed for that", report.removed_until));
    }
    if report.records_after_head > 0 {
        line(
            "Not covered",
            format!(
                "{} records were written after the last signed checkpoint: their loss would not show",
                report.records_after_head
            ),
        );
    }
    if report.unchained_lines > 0 {
        line("Unchained", format!("{} lines are older than the chain", report.unchained_lines));
    }
    if report.keys_from_log {
        line("Keys", "from beside the log: whoever can change the log can change them; --key names others".into());
    }
    text
}
