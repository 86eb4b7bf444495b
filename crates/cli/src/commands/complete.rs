//! `__complete -- <words…>`: candidates for the last word, one a line, a tab before the explanation. Never fails,
//! never waits long, never signs in (W46, W47).

use super::{COMMANDS, starting_with};
use crate::app::App;
use crate::args::{Flag, GLOBAL_FLAGS, Globals, Line, Takes, parse};
use crate::dynamic::tree::{self, Found};
use crate::dynamic::{command_words, flags, positionals, sent_words, tool_flags};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::{cut, first_line};
use open_cli_client::CatalogQuery;
use open_cli_contract::catalog::{EffectiveCatalog, Tool};
use open_cli_contract::command::{BUILT_IN_COMMANDS, SERVICE_ESCAPE};
use open_cli_contract::workflow::WorkflowDetails;
use std::time::Duration;

/// How long the runtime may take: a person waits with a finger on TAB.
const LIMIT: Duration = Duration::from_millis(300);
/// Columns of an explanation.
const ABOUT: usize = 60;

/// A candidate and what it means.
type Candidate = (String, String);

pub(super) fn run(app: &App) -> Result<Exit, Failure> {
    let typed = &app.line.operands;
    let (current, before) = match typed.split_last() {
        // PowerShell can't pass an empty argument.
        Some((last, before)) => (if last == "\"\"" { "" } else { last.as_str() }, before),
        None => ("", &[][..]),
    };
    let mut found = candidates(app, current, before);
    found.retain(|(word, _)| word.starts_with(current) && !word.is_empty());
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0);
    let mut out = String::new();
    for (word, about) in found {
        out.push_str(&word);
        if !about.is_empty() {
            out.push('\t');
            out.push_str(&cut(&first_line(&about), ABOUT));
        }
        out.push('\n');
    }
    app.screen.text(&out)?;
    Ok(Exit::Ok)
}

fn candidates(app: &App, current: &str, before: &[String]) -> Vec<Candidate> {
    // Behind `--` stand operands only.
    if before.iter().any(|word| word == "--") {
        return Vec::new();
    }
    // `--flag=…`, or a flag before the cursor that waits for its value: parsing fails without one.
    if let Some((flag, _)) = current.split_once('=').filter(|(flag, _)| flag.starts_with("--")) {
        let line = parse(before.iter().cloned()).unwrap_or_default();
        let name = flag.trim_start_matches('-');
        return values(app, &line, name).into_iter().map(|(v, a)| (format!("{flag}={v}"), a)).collect();
    }
    let line = match parse(before.iter().cloned()) {
        Ok(line) => line,
        Err(_) => {
            let Some((flag, rest)) = before.split_last() else { return Vec::new() };
            let line = parse(rest.iter().cloned()).unwrap_or_default();
            return values(app, &line, flag.trim_start_matches('-'));
        }
    };
    if current.starts_with('-') {
        return flag_names(app, &line);
    }
    words(app, &line)
}

fn named(flags: &[Flag]) -> impl Iterator<Item = Candidate> + '_ {
    flags.iter().map(candidate)
}

fn candidate(flag: &Flag) -> Candidate {
    (format!("--{}", flag.name), flag.about.to_owned())
}

fn is_built_in(line: &Line) -> bool {
    line.words.first().is_some_and(|first| BUILT_IN_COMMANDS.contains(&first.as_str()) && first != "call")
}

fn flag_names(app: &App, line: &Line) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = named(GLOBAL_FLAGS).collect();
    if is_built_in(line) {
        out.extend(starting_with(&line.words).flat_map(|command| named(command.flags)));
    } else if !line.words.is_empty() {
        with_tool(app, line, |tool, _| {
            out.extend(tool_flags(tool).map(candidate));
            out.extend(
                flags(tool).iter().map(|input| (format!("--{}", input.name), input.description().to_owned())),
            );
        });
    }
    out
}

/// Values of a flag.
fn values(app: &App, line: &Line, name: &str) -> Vec<Candidate> {
    let known = GLOBAL_FLAGS.iter().chain(starting_with(&line.words).flat_map(|command| command.flags));
    if let Some(flag) = known.into_iter().find(|flag| flag.name == name && (is_built_in(line) || is_global(flag)))
    {
        return match (flag.takes, flag.name) {
            (Takes::OneOf(choices), _) => {
                choices.iter().map(|choice| (choice.to_string(), String::new())).collect()
            }
            (_, "service") => services(app, line),
            _ => Vec::new(),
        };
    }
    let mut out = Vec::new();
    with_tool(app, line, |tool, _| {
        if let Some(input) = flags(tool).into_iter().find(|input| input.name == name) {
            out.extend(input.schema.choices().into_iter().map(|choice| (choice, String::new())));
        }
    });
    out
}

fn is_global(flag: &Flag) -> bool {
    GLOBAL_FLAGS.iter().any(|global| global.name == flag.name)
}

fn words(app: &App, line: &Line) -> Vec<Candidate> {
    let typed = line.words.len();
    let Some(first) = line.words.first() else {
        let mut out: Vec<Candidate> =
            COMMANDS.iter().map(|command| (command.words[0].to_owned(), about(command.words))).collect();
        out.extend(services(app, line).into_iter().map(|(word, about)| {
            let escape = if BUILT_IN_COMMANDS.contains(&word.as_str()) { SERVICE_ESCAPE } else { "" };
            (format!("{escape}{word}"), about)
        }));
        return out;
    };
    if is_built_in(line) || first == "call" {
        let mut out: Vec<Candidate> = starting_with(&line.words)
            .filter_map(|command| Some(((*command.words.get(typed)?).to_owned(), command.about.to_owned())))
            .collect();
        for command in starting_with(&line.words).filter(|command| command.words.len() <= typed) {
            if let Some(operand) = command.operands.get(typed - command.words.len()) {
                out.extend(operand.choices.iter().map(|choice| (choice.to_string(), String::new())));
                if operand.name == "workflow-id" {
                    out.extend(workflows(app, line));
                }
            }
        }
        return out;
    }
    let Some(answer) = slice(app, line) else { return Vec::new() };
    let words = command_words(&line.words);
    match tree::find(&answer, &words) {
        Found::Folder { tools } => {
            tools.iter().filter(|tool| !tool.hidden).map(|tool| next_word(tool, &words)).collect()
        }
        Found::Tool { tool, consumed } => positionals(tool)
            .get(words.len() - consumed)
            .map(|input| input.schema.choices().into_iter().map(|choice| (choice, String::new())).collect())
            .unwrap_or_default(),
        Found::Unknown { .. } => Vec::new(),
    }
}

/// The word that follows, and what it stands for.
fn next_word(tool: &Tool, words: &[String]) -> Candidate {
    let service = words.first().map_or("", String::as_str);
    let second = tree::second_word(service, tool);
    let command = open_cli_contract::command::command_word(&tool.command);
    if words.len() >= 2 || second == command {
        return (if words.len() >= 2 { command } else { second }, tool.summary.clone());
    }
    (second, String::new())
}

fn about(words: &[&str]) -> String {
    COMMANDS
        .iter()
        .find(|command| command.words == words)
        .filter(|_| words.len() == 1)
        .map_or("", |c| c.about)
        .to_owned()
}

fn services(app: &App, line: &Line) -> Vec<Candidate> {
    let none = Line { globals: line.globals.clone(), ..Line::default() };
    let Some(answer) = slice(app, &none) else { return Vec::new() };
    let each = answer.catalog.services.iter();
    each.filter_map(|service| {
        Some((tree::service_words(std::slice::from_ref(service)).pop()?, service.title.clone()))
    })
    .collect()
}

fn workflows(app: &App, line: &Line) -> Vec<Candidate> {
    let query = CatalogQuery { slice: true, workflow: "*", ..CatalogQuery::default() };
    let Some(answer) = slice_of(app, line, &query) else { return Vec::new() };
    let summary =
        |details: Option<Box<WorkflowDetails>>| details.map(|details| details.summary).unwrap_or_default();
    answer
        .catalog
        .workflows
        .into_iter()
        .map(|workflow| (workflow.workflow_id, summary(workflow.details)))
        .collect()
}

/// The tool the words lead to, if the runtime says so in time.
fn with_tool(app: &App, line: &Line, then: impl FnOnce(&Tool, usize)) {
    let (answer, id) = match line.words.as_slice() {
        [call, id, ..] if call == "call" => (slice_of(app, line, &CatalogQuery { tool: id, ..query() }), Some(id)),
        _ => (slice(app, line), None),
    };
    let Some(answer) = answer else { return };
    if let Some(id) = id {
        if let Some(tool) = answer.view.tools.iter().find(|tool| tool.id == *id) {
            then(tool, 2);
        }
    } else if let Found::Tool { tool, consumed } = tree::find(&answer, &command_words(&line.words)) {
        then(tool, consumed);
    }
}

fn query<'a>() -> CatalogQuery<'a> {
    CatalogQuery { slice: true, detailed: true, ..CatalogQuery::default() }
}

fn slice(app: &App, line: &Line) -> Option<EffectiveCatalog> {
    let words = command_words(&line.words);
    slice_of(app, line, &CatalogQuery { words: &sent_words(&words), ..query() })
}

fn slice_of(app: &App, line: &Line, query: &CatalogQuery<'_>) -> Option<EffectiveCatalog> {
    // The flags that were typed so far say whom to ask.
    let globals = Globals { verbose: false, ..line.globals.clone() };
    let inner = App::new(Line { globals, ..Line::default() }, app.environment.clone(), app.screen);
    inner.hasty_runtime(LIMIT).ok()?.catalog(query).ok()
}
