//! The operator's commands: `open-cli-toolbox <word> …` beside the server itself. One file (or folder) for each; this
//! one has the list of them and what they share: exit codes and what they are given.
//!
//! They work on files, whether a runtime runs or not; nothing here serves.

mod audit;
mod cache;
mod catalog;
mod check;
mod human;
mod instances;
mod output;
mod overlay;
mod target;
mod workbench;

use clap::{ArgMatches, Command};
use open_cli_contract::Timestamp;
use open_cli_instance::{Environment, InstanceError};
use output::Screen;
use std::io::{self, Write};
use std::process::ExitCode;

/// A command: how it is spelled, and what it does.
struct Operator {
    command: fn() -> Command,
    run: fn(&ArgMatches, &Context) -> Result<(), Failure>,
}

/// All of them, in the order of the help.
const OPERATORS: [Operator; 6] = [
    Operator { command: instances::command, run: instances::run },
    Operator { command: audit::command, run: audit::run },
    Operator { command: overlay::command, run: overlay::run },
    Operator { command: check::command, run: check::run },
    Operator { command: cache::command, run: cache::run },
    Operator { command: catalog::command, run: catalog::run },
];

/// End of the help of a command about instances.
fn explained(text: &str) -> String {
    let gap = if text.is_empty() { "" } else { "\n\n" };
    format!(
        "{text}{gap}Exit codes: 0 done, 1 failed, 2 wrong use, 3 there is no such instance.\n\
         Documentation: docs/instances.md"
    )
}

/// What a command is given.
pub struct Context {
    environment: Environment,
    screen: Screen,
    now: Timestamp,
}

impl Context {
    /// Of this process.
    pub fn of_process() -> Self {
        Self { environment: Environment::read(), screen: Screen::of_process(), now: Timestamp::now() }
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
enum Failure {
    /// Something did not work.
    Failed(String),
    /// The command line asks for something that makes no sense.
    Usage(String),
    /// There is nothing of this name.
    Nothing(String),
    /// It was said already.
    Told,
    /// Whoever read the output has gone, which is fine.
    Closed,
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Told => 1,
            Self::Usage(_) => 2,
            Self::Nothing(_) => 3,
            Self::Closed => 0,
        }
    }
}

impl From<InstanceError> for Failure {
    fn from(error: InstanceError) -> Self {
        match error {
            InstanceError::EmptyId { .. } | InstanceError::IdTooLong { .. } => Self::Usage(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(format!("standard output can't be written: {error}")),
        }
    }
}

/// How the commands are spelled.
pub(crate) fn all() -> impl Iterator<Item = Command> {
    OPERATORS.iter().map(|operator| (operator.command)())
}

/// Runs the command of this name, and says what went wrong.
pub fn run(name: &str, matches: &ArgMatches, context: &Context) -> ExitCode {
    let Some(operator) = OPERATORS.iter().find(|operator| (operator.command)().get_name() == name) else {
        return ExitCode::from(2);
    };
    let Err(failure) = (operator.run)(matches, context) else { return ExitCode::SUCCESS };
    if let Failure::Failed(message) | Failure::Usage(message) | Failure::Nothing(message) = &failure {
        let _ = writeln!(io::stderr(), "open-cli-toolbox: {}", output::printable(message));
    }
    ExitCode::from(failure.code())
}
