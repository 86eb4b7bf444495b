//! A dynamic command from words to exit code: slice, resolve, check, call, print.

use super::inputs::{check_arguments, check_flags, check_swallowed, positionals};
use super::tree::{self, Found};
use super::{body, preview, result};
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;
use crate::text::{near, one_line};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use open_cli_client::CatalogQuery;
use open_cli_contract::catalog::{EffectiveCatalog, Tool};
use open_cli_contract::command::{BUILT_IN_COMMANDS, SERVICE_ESCAPE};
use open_cli_contract::execute::ExecuteRequest;
use std::io::{self, BufRead, Write};

/// No command has more words.
const MAX_COMMAND_WORDS: usize = 3;

/// `<service> [group] <command> …`.
pub(crate) fn run(app: &App) -> Result<Exit, Failure> {
    let words = command_words(&app.line.words);
    let sent = sent_words(&words);
    let query = CatalogQuery { slice: true, detailed: true, words: &sent, ..CatalogQuery::default() };
    let answer = app.runtime()?.catalog(&query)?;
    match tree::find(&answer, &words) {
        Found::Tool { tool, consumed } => {
            if !app.line.globals.help {
                refuse_quarantined(tool)?;
            }
            let arguments = app.line.operands_after(consumed);
            invoke(app, &answer, tool, &app.line.words[..consumed], arguments)
        }
        Found::Folder { tools } => {
            if let Some((name, _)) = app.line.flags.first() {
                return Err(crate::args::unknown_flag(&format!("--{name}"), name, std::iter::empty())
                    .cause("These words name a group of commands, not a command."));
            }
            if let Some(operand) = app.line.operands.first() {
                return Err(Failure::usage(
                    format!("`open-cli {}` does not take {operand:?}", one_line(&words.join(" "))),
                    "These words name a group of commands, not a command; behind `--` stand arguments only.",
                )
                .suggest("Write the whole command before `--`."));
            }
            help::service(app, &answer, &words, &tools)
        }
        Found::Unknown { .. } if answer.view.mode == "curated" || app.line.globals.mode == "curated" => {
            // A slice without tools says nothing about the view.
            let whole = app.runtime()?.catalog(&CatalogQuery::default())?;
            crate::commands::refuse_empty(app, &whole)?;
            match tree::find(&whole, &words) {
                Found::Unknown { at, known } => Err(unknown(app, &whole, &words, at, known)),
                _ => Err(unknown(app, &answer, &words, 0, Vec::new())),
            }
        }
        Found::Unknown { at, known } => Err(unknown(app, &answer, &words, at, known)),
    }
}

/// `call <tool-id> …`.
pub(crate) fn call(app: &App, id: &str, arguments: &[String]) -> Result<Exit, Failure> {
    let query = CatalogQuery { slice: true, detailed: true, tool: id, ..CatalogQuery::default() };
    let answer = app.runtime()?.catalog(&query)?;
    if let Some(tool) = answer.view.tools.iter().find(|tool| tool.id == id) {
        if !app.line.globals.help {
            refuse_quarantined(tool)?;
        }
        return invoke(app, &answer, tool, &["call".to_owned(), id.to_owned()], arguments.to_vec());
    }
    let whole = app.runtime()?.catalog(&CatalogQuery::default())?;
    let failure = Failure::usage(format!("There is no tool {id:?}"), "");
    if whole.catalog.tools.iter().any(|tool| tool.id == id) {
        return Err(failure
            .cause("The catalog has it, but the view of this mode and profile leaves it out.")
            .suggest("Use another `--agent-profile` or `--mode`."));
    }
    let near: Vec<String> = near(id, whole.view.tools.iter().map(|tool| tool.id.as_str()))
        .iter()
        .map(|id| format!("`{id}`"))
        .collect();
    Err(failure.cause("The catalog has no tool with this id.").suggest(if near.is_empty() {
        "List the tools with `open-cli catalog list`.".to_owned()
    } else {
        format!("Did you mean {}?", near.join(" or "))
    }))
}

/// The words without the escape of the service.
pub(crate) fn command_words(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    if let Some(first) = words.first_mut()
        && let Some(alias) = first.strip_prefix(SERVICE_ESCAPE)
    {
        *first = alias.to_owned();
    }
    words
}

/// The words that can belong to a command. Arguments are not the catalog's business, so what no command word can
/// look like ends the list.
pub(crate) fn sent_words(words: &[String]) -> Vec<&str> {
    let is_word = |word: &&str| {
        !word.is_empty() && word.len() <= 256 && !word.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    words.iter().map(String::as_str).take(MAX_COMMAND_WORDS).take_while(is_word).collect()
}

/// Of a quarantined tool nothing but its name is told; its arguments can't be looked at.
fn refuse_quarantined(tool: &Tool) -> Result<(), Failure> {
    if tool.quarantine.is_empty() {
        return Ok(());
    }
    let message = format!("{} is quarantined", one_line(&tool.id));
    let cause = format!("Its definition is not the pinned one: {}.", one_line(&tool.quarantine));
    Err(Failure::new(Exit::Policy, "tool_quarantined", message, cause).suggest(
        "Have an operator look at the difference and accept it: `open-cli-toolbox catalog accept --dry-run`.",
    ))
}

fn unknown(app: &App, answer: &EffectiveCatalog, words: &[String], at: usize, mut known: Vec<String>) -> Failure {
    // A slice names the services it needs only; the path of an error may ask once more.
    if at == 0
        && let Ok(all) = app
            .runtime()
            .and_then(|runtime| Ok(runtime.catalog(&CatalogQuery { slice: true, ..CatalogQuery::default() })?))
    {
        known = tree::service_words(&all.catalog.services);
    }
    let word = words.get(at).map_or("", String::as_str);
    let parent = words[..at].join(" ");
    let path = |word: &str| if parent.is_empty() { word.to_owned() } else { format!("{parent} {word}") };
    let built_in = BUILT_IN_COMMANDS
        .iter()
        .copied()
        .filter(|word| at == 0 && crate::commands::COMMANDS.iter().any(|command| command.words[0] == *word));
    let near: Vec<String> = near(word, known.iter().map(String::as_str).chain(built_in))
        .into_iter()
        .map(|word| format!("`open-cli {}`", one_line(&path(word))))
        .collect();
    let cause = if at == 0 {
        let services = if known.is_empty() { "none".to_owned() } else { one_line(&known.join(", ")) };
        format!("It is neither a built-in command nor a service of the view. Services: {services}.")
    } else {
        format!("`{parent}` has no such command in the view {:?}.", answer.view.name)
    };
    let suggestion = if near.is_empty() {
        let listing =
            if parent.is_empty() { "open-cli help".to_owned() } else { format!("open-cli {parent} --help") };
        format!("See what there is with `{listing}`, or search with `open-cli search {}`.", one_line(word))
    } else {
        format!("Did you mean {}?", near.join(" or "))
    };
    Failure::usage(format!("Unknown command `{}`", one_line(&path(word))), cause).suggest(suggestion)
}

fn invoke(
    app: &App,
    answer: &EffectiveCatalog,
    tool: &Tool,
    typed: &[String],
    mut arguments: Vec<String>,
) -> Result<Exit, Failure> {
    if app.line.globals.help {
        return help::tool(app, answer, tool, typed);
    }
    // `call` and the id, or the words of the command: no arguments either way.
    app.describe(&typed.join(" "));
    let usage = help::tool_usage(tool, typed);
    check_swallowed(tool, &app.line.doubtful)?;
    let flags = check_flags(tool, &app.line.flags, &usage)?;
    ask_for_missing(app, tool, &mut arguments)?;
    check_arguments(tool, &usage, &arguments)?;
    let body = app.line.flag("body").filter(|_| tool.request_body.is_some());
    let body = body::read(body, tool, io::stdin().lock())?;
    if app.line.is_set("dry-run") {
        app.screen.write(&preview::preview(tool, &arguments, &flags, &body))?;
        return Ok(Exit::Ok);
    }
    let approval = app.line.globals.approval
        || (tool.safety.requires_approval
            && app.may_ask()
            && approve(app, &preview::preview(tool, &arguments, &flags, &body))?);
    let request = ExecuteRequest {
        tool_id: tool.id.as_str().into(),
        path_args: arguments,
        flags,
        body: STANDARD.encode(&body).into(),
        approval,
        ..ExecuteRequest::default()
    };
    let sent = app.runtime()?.execute(request)?;
    result::show(app, tool, &sent)
}

/// D3: at a terminal, missing arguments are asked for.
fn ask_for_missing(app: &App, tool: &Tool, arguments: &mut Vec<String>) -> Result<(), Failure> {
    if !app.may_ask() {
        return Ok(());
    }
    for input in positionals(tool).iter().skip(arguments.len()) {
        let value = ask(&format!("Enter {}: ", input.name))?;
        if value.is_empty() {
            return Err(Failure::usage(format!("<{}> is required", input.name), "Nothing was entered.")
                .suggest("Give it as an argument."));
        }
        arguments.push(value);
    }
    Ok(())
}

/// W28: shows the request and asks; declining sends nothing.
fn approve(app: &App, preview: &[u8]) -> Result<bool, Failure> {
    let text = String::from_utf8_lossy(preview);
    for line in text.trim_end().lines() {
        app.screen.remark(&app.screen.error_paint.dim(&one_line(line)));
    }
    let answer = ask("This call needs an approval. Approve it? [y/N] ")?;
    if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
        return Ok(true);
    }
    Err(Failure::new(
        Exit::Policy,
        "approval_required",
        "The call was not approved",
        "The question was answered with no.",
    )
    .suggest("Nothing was sent. Run it with `--approval` to approve it without being asked."))
}

fn ask(question: &str) -> Result<String, Failure> {
    let unread = |error: io::Error| {
        Failure::usage("The answer can't be read", error.to_string()).suggest("Give the value as an argument.")
    };
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(unread)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).map_err(unread)? == 0 {
        return Err(unread(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_can_belong_to_a_command_are_sent() {
        let words = |list: &[&str]| list.iter().map(|w| w.to_string()).collect::<Vec<_>>();
        assert_eq!(sent_words(&words(&["a", "b", "c", "secret"])), ["a", "b", "c"]);
        assert_eq!(sent_words(&words(&["a", "b c", "d"])), ["a"]);
        assert_eq!(sent_words(&words(&["a", ""])), ["a"]);
        assert_eq!(command_words(&words(&["svc:catalog", "svc:x"])), ["catalog", "svc:x"]);
    }
}
