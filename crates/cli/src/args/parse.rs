//! Arguments -> [`Line`] in one pass, without knowing the catalog: every parameter of a tool takes exactly one
//! value, so words, flags and values can be told apart before the tool is known. A value is never looked at, but for
//! one case: a flag of ours where a value is missing is refused, so that `--tags --dry-run` never sends.

use super::flag::{Flag, GLOBAL_FLAGS, TOOL_FLAGS, Takes, find};
use super::line::{ColorChoice, Format, Globals, Line};
use crate::commands;
use crate::failure::Failure;
use crate::text::near;
use open_cli_contract::command::BUILT_IN_COMMANDS;
use std::time::Duration;

/// Longest time limit, a day.
const MAX_TIMEOUT_SECONDS: f64 = 86_400.0;

/// Takes the arguments (without the program's name) apart.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Line, Failure> {
    let mut line = Line::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            line.operands.extend(arguments);
            break;
        }
        let Some((name, inline)) = split_flag(&argument) else {
            line.words.push(argument);
            continue;
        };
        if name.is_empty() {
            return Err(Failure::usage(format!("Unknown flag `{argument}`"), "It is not a flag of this program.")
                .suggest("Put `--` before values that start with a dash."));
        }
        let name = long_name(&name, &line.words);
        if let Some(flag) = find(GLOBAL_FLAGS, &name) {
            let value = value_of(flag.takes, &argument, inline, &mut arguments, &line.words)?;
            set_global(&mut line.globals, flag, value)?;
        } else {
            let takes = takes_of_local(&line.words, &name, &argument)?;
            let is_apart = inline.is_none() && takes != Takes::Nothing;
            let value = value_of(takes, &argument, inline, &mut arguments, &line.words)?;
            if is_apart && value.starts_with("--") {
                line.doubtful.push((name.clone(), value.clone()));
            }
            line.flags.push((name, value));
        }
    }
    // `open-cli --format json -- shelf ping`: the command itself stands behind the dashes.
    if line.words.is_empty() {
        line.words = std::mem::take(&mut line.operands);
    }
    Ok(line)
}

/// `--name`, `--name=value`, `-h`; `None` for a word. A lone `-` and negative numbers are words.
fn split_flag(argument: &str) -> Option<(String, Option<String>)> {
    if let Some(rest) = argument.strip_prefix("--") {
        return Some(match rest.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (rest.to_owned(), None),
        });
    }
    let rest = argument.strip_prefix('-')?;
    let first = rest.chars().next()?;
    if first.is_ascii_digit() || first == '.' {
        return None;
    }
    // Only single letters are short flags; anything else is reported by its whole text.
    Some((if rest.chars().count() == 1 { rest.to_owned() } else { String::new() }, None))
}

/// Name of the flag that a letter stands for: a global one, or one of the built-in command that the words begin.
fn long_name(name: &str, words: &[String]) -> String {
    let mut letters = name.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return name.to_owned() };
    let is_local = words.first().is_some_and(|first| is_built_in(first));
    let local = commands::starting_with(words).filter(|_| is_local).flat_map(|command| command.flags);
    let flag = GLOBAL_FLAGS.iter().chain(local).find(|flag| flag.short == Some(letter));
    flag.map_or_else(|| name.to_owned(), |flag| flag.name.to_owned())
}

fn is_built_in(first: &str) -> bool {
    BUILT_IN_COMMANDS.contains(&first) && first != "call"
}

/// The word would be a flag, were it not expected to be a value.
fn is_known_flag(word: &str, words: &[String]) -> bool {
    let Some((name, _)) = split_flag(word).filter(|(name, _)| !name.is_empty()) else { return false };
    let name = long_name(&name, words);
    find(GLOBAL_FLAGS, &name).is_some()
        || match words.first() {
            Some(first) if is_built_in(first) => {
                commands::starting_with(words).any(|command| find(command.flags, &name).is_some())
            }
            _ => find(TOOL_FLAGS, &name).is_some(),
        }
}

/// A flag stands where the value of another one is expected.
pub(crate) fn swallowed(flag: &str, value: &str) -> Failure {
    Failure::usage(
        format!("`{flag}` needs a value, but the flag `{value}` follows"),
        "A flag is not taken for a value unless it is written in one word with it.",
    )
    .suggest(format!("Write `{flag} <value> {value}`, or `{flag}={value}` when that is the value."))
}

/// What a flag of the command takes. Parameters of tools take one value each.
fn takes_of_local(words: &[String], name: &str, argument: &str) -> Result<Takes, Failure> {
    let shown = argument.split_once('=').map_or(argument, |(flag, _)| flag);
    let Some(first) = words.first() else {
        let cause = if name.chars().count() == 1 {
            "The only short flags of every command are `-h` and `-v`."
        } else {
            "It is not a flag of every command; flags of a command stand after the command's words."
        };
        return Err(unknown_flag(shown, name, GLOBAL_FLAGS.iter().map(|flag| flag.name)).cause(cause));
    };
    if !is_built_in(first) {
        return Ok(find(TOOL_FLAGS, name).map_or(Takes::Value("value"), |flag| flag.takes));
    }
    let candidates: Vec<&Flag> = commands::starting_with(words).flat_map(|command| command.flags).collect();
    match candidates.iter().find(|flag| flag.name == name) {
        Some(flag) => Ok(flag.takes),
        None => {
            let known = candidates.iter().map(|flag| flag.name).chain(GLOBAL_FLAGS.iter().map(|flag| flag.name));
            Err(unknown_flag(shown, name, known)
                .cause(format!("`open-cli {}` has no such flag.", words.join(" "))))
        }
    }
}

pub(crate) fn unknown_flag<'a>(shown: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let near: Vec<String> = near(name, known).into_iter().map(|name| format!("`--{name}`")).collect();
    let failure = Failure::usage(format!("Unknown flag `{shown}`"), "");
    if near.is_empty() {
        failure.suggest("See the flags with `--help`.")
    } else {
        failure.suggest(format!("Did you mean {}?", near.join(" or ")))
    }
}

fn value_of(
    takes: Takes,
    argument: &str,
    inline: Option<String>,
    rest: &mut impl Iterator<Item = String>,
    words: &[String],
) -> Result<String, Failure> {
    let flag = argument.split_once('=').map_or(argument, |(flag, _)| flag);
    let value = match (takes, inline) {
        (Takes::Nothing, None) => return Ok("true".into()),
        (Takes::Nothing, Some(value)) if value == "true" || value == "false" => return Ok(value),
        (Takes::Nothing, Some(value)) => {
            return Err(Failure::usage(
                format!("`{flag}` is either given or not, but has the value {value:?}"),
                "The flag takes no value.",
            )
            .suggest(format!("Write `{flag}`, or `{flag}=false` to take it back.")));
        }
        (_, Some(value)) => value,
        (_, None) => match rest.next() {
            Some(value) if is_known_flag(&value, words) => return Err(swallowed(flag, &value)),
            Some(value) => value,
            None => {
                return Err(Failure::usage(format!("`{flag}` needs a value"), "It is the last argument.")
                    .suggest(format!("Write `{flag} <value>` or `{flag}=<value>`.")));
            }
        },
    };
    match takes {
        Takes::OneOf(choices) if !choices.contains(&value.as_str()) => Err(Failure::usage(
            format!("`{flag}` does not take {value:?}"),
            format!("Expected one of: {}.", choices.join(", ")),
        )
        .suggest(suggest_choice(flag, &value, choices))),
        _ => Ok(value),
    }
}

fn suggest_choice(flag: &str, value: &str, choices: &[&str]) -> String {
    let near = near(value, choices.iter().copied());
    format!("Write e.g. `{flag} {}`.", near.first().copied().unwrap_or(choices.first().copied().unwrap_or("")))
}

fn set_global(globals: &mut Globals, flag: &Flag, value: String) -> Result<(), Failure> {
    let is_set = value == "true";
    match flag.name {
        "config" => globals.config = Some(value.into()),
        "format" => globals.format = Format::parse(&value),
        "runtime" => globals.runtime = Some(value),
        "mode" => globals.mode = value,
        "agent-profile" => globals.agent_profile = value,
        "approval" => globals.approval = is_set,
        "instance-id" => globals.instance_id = Some(value),
        "state-dir" => globals.state_dir = Some(value.into()),
        "no-fail" => globals.no_fail = is_set,
        "timeout" => globals.timeout = Some(seconds(&value)?),
        "color" => {
            globals.color = match value.as_str() {
                "always" => ColorChoice::Always,
                "never" => ColorChoice::Never,
                _ => ColorChoice::Auto,
            }
        }
        "include" => globals.include = is_set,
        "no-input" => globals.no_input = is_set,
        "verbose" => globals.verbose = is_set,
        "help" => globals.help = is_set,
        "version" => globals.version = is_set,
        _ => {}
    }
    Ok(())
}

fn seconds(value: &str) -> Result<Duration, Failure> {
    match value.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= MAX_TIMEOUT_SECONDS => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(Failure::usage(
            format!("`--timeout` does not take {value:?}"),
            format!("Expected a number of seconds above 0, at most {MAX_TIMEOUT_SECONDS}."),
        )
        .suggest("Write e.g. `--timeout 30`.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Line, Failure> {
        parse(text.split(' ').map(str::to_owned))
    }

    /// W5: both spellings, any position.
    #[test]
    fn global_flags_work_in_both_spellings_and_everywhere() {
        for text in [
            "--format json --runtime http://h shelf books list",
            "shelf --format=json books --runtime=http://h list",
            "shelf books list --runtime http://h --format json",
            "shelf books list --format yaml --runtime http://h --format json",
        ] {
            let line = line(text).unwrap();
            assert_eq!(line.globals.format, Some(Format::Json), "{text}");
            assert_eq!(line.globals.runtime.as_deref(), Some("http://h"), "{text}");
            assert_eq!(line.words, ["shelf", "books", "list"], "{text}");
            assert!(line.flags.is_empty());
        }
    }

    /// S2, P7: values are never scanned.
    #[test]
    fn a_value_is_never_taken_for_a_flag() {
        let line = line("shelf books add-book --body=-v --title --other --note=--help 7").unwrap();
        let flags: Vec<_> = line.flags.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(flags, [("body", "-v"), ("title", "--other"), ("note", "--help")]);
        assert_eq!(line.doubtful, [("title".to_owned(), "--other".to_owned())]);
        assert!(!line.globals.version && !line.globals.approval && !line.globals.help);
        assert_eq!(line.words, ["shelf", "books", "add-book", "7"]);
    }

    /// D5.
    #[test]
    fn after_a_double_dash_everything_is_an_operand() {
        let line = line("shelf get --dry-run -- --version -x --").unwrap();
        assert_eq!(line.operands, ["--version", "-x", "--"]);
        assert!(line.is_set("dry-run") && !line.globals.version);
    }

    #[test]
    fn a_flag_of_ours_is_never_swallowed_as_the_value_of_another() {
        for (text, parts) in [
            ("shelf list --tags --dry-run", &["--tags=--dry-run", "`--tags` needs a value"][..]),
            ("shelf list --tags --approval", &["--tags=--approval"]),
            ("shelf list --tags --format=json", &["--tags=--format=json"]),
            ("shelf list --tags -h", &["--tags=-h"]),
            ("--runtime --verbose shelf list", &["--runtime=--verbose"]),
            ("catalog list --group --full", &["--group=--full"]),
        ] {
            let failure = line(text).unwrap_err();
            assert_eq!(failure.exit, crate::exit::Exit::Usage, "{text}");
            let shown = format!("{failure:?}");
            assert!(parts.iter().all(|part| shown.contains(part)), "{text}: {shown}");
        }
    }

    #[test]
    fn the_command_may_stand_behind_a_double_dash() {
        let line = line("--format json -- shelf list --dry-run").unwrap();
        assert_eq!((line.words.join(" "), line.operands.len()), ("shelf list --dry-run".to_owned(), 0));
    }

    #[test]
    fn negative_numbers_and_a_lone_dash_are_words() {
        assert_eq!(line("shelf get -5 - -.5").unwrap().words, ["shelf", "get", "-5", "-", "-.5"]);
    }

    #[test]
    fn switches_can_be_taken_back() {
        assert!(!line("status --approval --approval=false").unwrap().globals.approval);
        assert!(line("-h").unwrap().globals.help && line("-v").unwrap().globals.version);
    }

    #[test]
    fn faults_name_the_flag_and_what_was_expected() {
        for (text, parts) in [
            ("catalog list --format", &["--format", "needs a value"][..]),
            ("catalog list --format=jsn", &["--format", "jsn", "json, yaml, pretty, table", "json`"]),
            ("catalog list --approval=yes", &["--approval", "yes"]),
            ("catalog list --servise x", &["--servise", "`--service`"]),
            ("status --timeout 0", &["--timeout", "seconds"]),
            ("status --timeout nan", &["--timeout"]),
            ("--page-size 3 shelf", &["--page-size", "after the command"]),
            ("shelf -x", &["-x"]),
            ("shelf -xyz", &["-xyz"]),
        ] {
            // `-x` on a tool command is a parameter without a value.
            let failure = line(text).unwrap_err();
            let shown = format!("{failure:?}");
            assert!(parts.iter().all(|part| shown.contains(part)), "{text}: {shown}");
            assert_eq!(failure.exit, crate::exit::Exit::Usage, "{text}");
        }
    }
}
