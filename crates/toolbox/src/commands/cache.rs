//! `open-cli-toolbox cache`: what the document caches of instances hold, and removing of it, also beside a running
//! instance. Works on files; nothing is fetched.

use super::output::{Format, Table, Tone};
use super::target::Target;
use super::{Context, Failure, human};
use clap::{Arg, ArgMatches, Command};
use open_cli_contract::Timestamp;
use open_cli_contract::glob::Pattern;
use open_cli_documents::{CacheEntry, clear_cache, list_cache};
use open_cli_instance::Instance;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

pub(super) fn command() -> Command {
    Command::new("cache")
        .about("List or clear the descriptions that were read over HTTP")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(Target::args())
        .arg(Format::arg())
        .args(
            [
                Arg::new("url")
                    .long("url")
                    .value_name("PATTERN")
                    .help("Only entries whose URL has this in it, or matches it as a whole when it has * or ?"),
                Arg::new("older-than")
                    .long("older-than")
                    .value_name("TIME")
                    .value_parser(human::parse_duration)
                    .help("Only entries that their origin last confirmed longer ago, like 12h or 7d"),
            ]
            .map(|arg| arg.global(true).help_heading("Which entries")),
        )
        .subcommand(Command::new("list").about("Show each entry: age, freshness, size, status, validators"))
        .subcommand(
            Command::new("clear").about("Remove entries; a running instance reads what it needs again").after_help(
                "What a running instance serves does not change by it: its catalog is in memory.",
            ),
        )
        .after_help(
            "Exit codes: 0 done, 1 failed, 2 wrong use, 3 there is no such instance.\nDocumentation: docs/toolbox.md",
        )
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Failure::Usage("cache needs a command: list or clear".into()));
    };
    let target = Target::of(matches, context)?;
    let (instances, _) = target.all()?;
    let wanted = Wanted::of(matches, context);
    match name {
        "clear" => clear(matches, &instances, &wanted, context),
        _ => list(matches, &instances, &wanted, context),
    }
}

/// Which entries are meant.
struct Wanted {
    /// A pattern over the whole URL, or a part of it.
    url: Option<Result<Pattern, String>>,
    older_than: Option<Duration>,
    now: Timestamp,
}

impl Wanted {
    fn of(matches: &ArgMatches, context: &Context) -> Self {
        let url = matches
            .get_one::<String>("url")
            .map(|text| if text.contains(['*', '?']) { Ok(Pattern::new(text)) } else { Err(text.clone()) });
        Self { url, older_than: matches.get_one("older-than").copied(), now: context.now }
    }

    fn means(&self, entry: &CacheEntry) -> bool {
        let is_url = match &self.url {
            None => true,
            Some(Ok(pattern)) => pattern.matches(&entry.url),
            Some(Err(part)) => entry.url.contains(part.as_str()),
        };
        let is_old = self.older_than.is_none_or(|least| age(entry, self.now).is_none_or(|age| age > least));
        is_url && is_old
    }
}

/// Since the origin last confirmed it; `None` when nobody knows.
fn age(entry: &CacheEntry, now: Timestamp) -> Option<Duration> {
    human::since(entry.validated_at?, now)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    instance: &'a str,
    cache_dir: &'a Path,
    bytes: u64,
    entries: Vec<ShownEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownEntry {
    #[serde(flatten)]
    entry: CacheEntry,
    is_fresh: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<u64>,
}

fn failed(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("the cache {} can't be read: {error}; check its permissions", dir.display()))
}

fn list(matches: &ArgMatches, instances: &[Instance], wanted: &Wanted, context: &Context) -> Result<(), Failure> {
    let mut all = Vec::new();
    for instance in instances {
        let mut entries = list_cache(&instance.cache_dir).map_err(|error| failed(&instance.cache_dir, &error))?;
        entries.retain(|entry| wanted.means(entry));
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let shown = |entry: CacheEntry| ShownEntry {
            is_fresh: entry.is_fresh(wanted.now),
            age_seconds: age(&entry, wanted.now).map(|age| age.as_secs()),
            entry,
        };
        let entries = entries.into_iter().map(shown).collect();
        all.push(Listed { instance: &instance.id, cache_dir: &instance.cache_dir, bytes, entries });
    }
    if Format::of(matches) == Format::Json {
        return context.screen.json(&serde_json::json!({ "instances": all }));
    }
    let count: usize = all.iter().map(|listed| listed.entries.len()).sum();
    if count == 0 {
        context.screen.remark("no entries");
        return Ok(());
    }
    let is_several = all.iter().filter(|listed| !listed.entries.is_empty()).count() > 1;
    context.screen.table(&table(&all, is_several, wanted.now))?;
    let bytes = all.iter().map(|listed| listed.bytes).sum();
    let noun = if count == 1 { "entry" } else { "entries" };
    context.screen.remark(&format!("{count} {noun}, {}", human::size(bytes)));
    Ok(())
}

fn table(all: &[Listed<'_>], is_several: bool, now: Timestamp) -> Table {
    let mut head = vec!["CONFIRMED", "FRESHNESS", "SIZE", "STATUS", "VALIDATORS", "METHOD", "URL"];
    if is_several {
        head.insert(0, "INSTANCE");
    }
    let mut table = Table::new(&head, &["SIZE"]);
    for listed in all {
        for shown in &listed.entries {
            let entry = &shown.entry;
            let plain = |text: String| (text, Tone::Plain);
            let confirmed = age(entry, now).map_or("never".into(), |age| format!("{} ago", human::duration(age)));
            let status = if entry.is_damaged { String::new() } else { entry.status_code.to_string() };
            let mut cells = vec![
                plain(confirmed),
                freshness(entry, now),
                plain(human::size(entry.bytes)),
                plain(status),
                plain(validators(entry)),
                plain(entry.method.clone()),
                plain(if entry.url.is_empty() { entry.name.clone() } else { entry.url.clone() }),
            ];
            if is_several {
                cells.insert(0, plain(listed.instance.to_owned()));
            }
            table.row(cells);
        }
    }
    table
}

fn freshness(entry: &CacheEntry, now: Timestamp) -> (String, Tone) {
    if entry.is_damaged {
        return ("damaged".into(), Tone::Bad);
    }
    let Some(expires) = entry.expires_at else { return ("none".into(), Tone::Dim) };
    match human::since(now, expires) {
        Some(left) if !left.is_zero() => (format!("{} left", human::duration(left)), Tone::Good),
        _ => {
            let over = human::since(expires, now).unwrap_or_default();
            (format!("ended {} ago", human::duration(over)), Tone::Warning)
        }
    }
}

fn validators(entry: &CacheEntry) -> String {
    let date = if entry.last_modified.is_empty() { "" } else { "date" };
    match (entry.etag.as_str(), date) {
        ("", "") => "none".into(),
        ("", date) => date.into(),
        (tag, "") => tag.into(),
        (tag, date) => format!("{tag}, {date}"),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleared<'a> {
    instance: &'a str,
    cache_dir: &'a Path,
    removed: usize,
    bytes: u64,
}

fn clear(matches: &ArgMatches, instances: &[Instance], wanted: &Wanted, context: &Context) -> Result<(), Failure> {
    let mut all = Vec::new();
    for instance in instances {
        let dir = &instance.cache_dir;
        let swept = clear_cache(dir, |entry| wanted.means(entry)).map_err(|error| failed(dir, &error))?;
        all.push(Cleared { instance: &instance.id, cache_dir: dir, removed: swept.entries, bytes: swept.bytes });
    }
    if Format::of(matches) == Format::Json {
        return context.screen.json(&serde_json::json!({ "instances": all }));
    }
    let mut text = String::new();
    for cleared in all.iter().filter(|cleared| cleared.removed > 0) {
        let noun = if cleared.removed == 1 { "entry" } else { "entries" };
        text.push_str(&format!(
            "{}: {} {noun} removed, {}\n",
            super::output::one_line(cleared.instance),
            cleared.removed,
            human::size(cleared.bytes)
        ));
    }
    if text.is_empty() {
        context.screen.remark("nothing to remove");
    }
    context.screen.text(&text)
}
