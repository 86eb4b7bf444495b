//! The built-in commands, each defined once in `definitions`; look-up, help and completion read those.

mod audit;
pub(crate) mod auth;
mod call;
mod catalog;
mod complete;
mod completion;
mod definitions;
mod diff;
mod explain;
mod reference;
mod refresh;
mod runtime;
mod search;
mod status;
mod tool;
mod trace;
mod waterfall;
mod workflow;

pub(crate) use catalog::refuse_empty;
pub(crate) use definitions::COMMANDS;

use crate::app::App;
use crate::args::{Flag, Line, Takes};
use crate::dynamic;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;
use crate::text::near;
use open_cli_contract::command::{BUILT_IN_COMMANDS, SERVICE_ESCAPE};

/// The hidden command behind shell completion.
pub(crate) const COMPLETE: &str = "__complete";

/// A positional argument of a built-in command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) repeats: bool,
    /// The values it can have, when they are few.
    pub(crate) choices: &'static [&'static str],
}

/// A built-in command.
pub(crate) struct Command {
    pub(crate) words: &'static [&'static str],
    pub(crate) operands: &'static [Operand],
    pub(crate) about: &'static str,
    /// More than `about` says; may be empty.
    pub(crate) detail: &'static str,
    pub(crate) flags: &'static [Flag],
    pub(crate) examples: &'static [&'static str],
    run: fn(&App, &[String]) -> Result<Exit, Failure>,
}

/// Commands whose words fit the words so far, as far as both go.
pub(crate) fn starting_with(words: &[String]) -> impl Iterator<Item = &'static Command> {
    COMMANDS
        .iter()
        .filter(move |command| command.words.iter().zip(words).all(|(known, word)| *known == word.as_str()))
}

/// The command that the words begin with; the longest one.
pub(crate) fn find(words: &[String]) -> Option<&'static Command> {
    starting_with(words)
        .filter(|command| command.words.len() <= words.len())
        .max_by_key(|command| command.words.len())
}

/// Runs the command line.
pub(crate) fn run(app: &App) -> Result<Exit, Failure> {
    let line = &app.line;
    if line.globals.version {
        return version(app);
    }
    let Some(first) = line.words.first() else {
        return help::root(app);
    };
    if first == COMPLETE {
        return complete::run(app);
    }
    if !BUILT_IN_COMMANDS.contains(&first.as_str()) {
        return dynamic::run(app);
    }
    let Some(command) = find(&line.words) else {
        return folder(app, first);
    };
    let operands = line.operands_after(command.words.len());
    if line.globals.help && (first != "call" || operands.is_empty()) {
        return help::built_in(app, command);
    }
    check_flags(command, line)?;
    check_count(command, &operands)?;
    (command.run)(app, &operands)
}

/// A flag of `audit export` is none of `audit`, which begins with the same words.
fn check_flags(command: &Command, line: &Line) -> Result<(), Failure> {
    let is_foreign = |name: &str| crate::args::find(command.flags, name).is_none();
    // What `call` takes depends on the tool.
    match line.flags.iter().find(|(name, _)| is_foreign(name) && command.words != ["call"]) {
        None => Ok(()),
        Some((name, _)) => {
            let known = command.flags.iter().chain(crate::args::GLOBAL_FLAGS).map(|flag| flag.name);
            let failure = crate::args::unknown_flag(&format!("--{name}"), name, known);
            Err(failure.cause(format!("`open-cli {}` has no such flag.", command.words.join(" "))))
        }
    }
}

fn check_count(command: &Command, operands: &[String]) -> Result<(), Failure> {
    let usage = format!("Write `{}`.", help::usage(command));
    if let Some(missing) = command.operands.iter().filter(|operand| operand.required).nth(operands.len()) {
        let message = format!("`open-cli {}` needs <{}>", command.words.join(" "), missing.name);
        return Err(Failure::usage(message, "An argument is missing.").suggest(usage));
    }
    let is_open = command.operands.iter().any(|operand| operand.repeats);
    if !is_open && operands.len() > command.operands.len() {
        let surplus = operands.get(command.operands.len()).map_or("", String::as_str);
        let message = format!("`open-cli {}` does not take {surplus:?}", command.words.join(" "));
        let known = COMMANDS.iter().filter(|c| c.words[0] == command.words[0]).filter_map(|c| c.words.get(1));
        let near =
            near(surplus, known.copied()).first().map(|word| format!("open-cli {} {word}", command.words[0]));
        let suggestion = near.map_or(usage, |near| format!("Did you mean `{near}`?"));
        return Err(
            Failure::usage(message, "There are more arguments than the command takes.").suggest(suggestion)
        );
    }
    Ok(())
}

/// A reserved word that is no command by itself: help alone, an error with anything unknown behind it (W8).
fn folder(app: &App, first: &str) -> Result<Exit, Failure> {
    let inside: Vec<&Command> = COMMANDS.iter().filter(|command| command.words[0] == first).collect();
    if inside.is_empty() {
        return Err(Failure::usage(
            format!("Unknown command `{first}`"),
            "The word is reserved; this version has no such command.",
        )
        .suggest(format!(
            "For a service of that name write `open-cli {SERVICE_ESCAPE}{first} …`; see `open-cli help`."
        )));
    }
    let Some(next) = app.line.words.get(1).or(app.line.operands.first()) else {
        return help::folder(app, first, &inside);
    };
    let known = inside.iter().filter_map(|command| command.words.get(1).copied());
    let near: Vec<String> =
        near(next, known.clone()).iter().map(|word| format!("`open-cli {first} {word}`")).collect();
    let suggestion = if near.is_empty() {
        let all: Vec<String> = known.map(|word| format!("`open-cli {first} {word}`")).collect();
        format!("Write {}.", all.join(" or "))
    } else {
        format!("Did you mean {}?", near.join(" or "))
    };
    Err(Failure::usage(format!("Unknown command `{first} {next}`"), format!("`{first}` has no such command."))
        .suggest(suggestion))
}

fn version(app: &App) -> Result<Exit, Failure> {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let commit = option_env!("OPEN_CLI_COMMIT").unwrap_or("none");
    let date = option_env!("OPEN_CLI_BUILD_DATE").unwrap_or("unknown");
    app.screen.text(&format!("open-cli {} ({commit}) built {date} {os}/{arch}\n", env!("CARGO_PKG_VERSION")))?;
    Ok(Exit::Ok)
}

/// A member of an object that is text; empty when it is absent or something else.
fn text<'a>(value: &'a serde_json::Value, member: &str) -> &'a str {
    value.get(member).and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// The number that a flag gives.
fn whole_number(flag: &str, text: &str) -> Result<usize, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(format!("`--{flag}` does not take {text:?}"), "Expected a whole number.")
            .suggest(format!("Write e.g. `--{flag} 100`."))
    })
}

/// A flag that filters by service.
const SERVICE: Flag = Flag::new("service", Takes::Value("id|alias"), "Only tools of this service");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_begins_with_a_reserved_word_and_has_an_example() {
        for command in COMMANDS {
            assert!(BUILT_IN_COMMANDS.contains(&command.words[0]), "{:?}", command.words);
            assert!(!command.examples.is_empty() && !command.about.is_empty());
            for flag in command.flags {
                assert!(crate::args::find(crate::args::GLOBAL_FLAGS, flag.name).is_none(), "{}", flag.name);
            }
        }
        assert!(COMMANDS.is_sorted_by_key(|command| command.words));
    }

    #[test]
    fn the_longest_command_wins() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(find(&words("trace list")).unwrap().words, ["trace", "list"]);
        assert_eq!(find(&words("trace abc")).unwrap().words, ["trace"]);
        assert!(find(&words("catalog")).is_none());
    }
}
