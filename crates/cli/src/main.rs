//! The `open-cli` command: arguments -> command -> result, errors and exit code.

mod app;
mod args;
mod browser;
mod commands;
mod dynamic;
mod exit;
mod failure;
mod help;
mod init;
mod interrupt;
mod last;
mod moment;
mod output;
mod text;

use args::Format;
use exit::Exit;
use failure::Failure;
use open_cli_client::Environment;
use output::{Screen, Terminals};
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = Vec::new();
    for argument in std::env::args_os().skip(1) {
        match argument.into_string() {
            Ok(argument) => arguments.push(argument),
            Err(other) => {
                let failure = Failure::usage("An argument is not UTF-8", other.to_string_lossy().into_owned());
                let screen = Screen::new(&Default::default(), &Environment::Process, Terminals::of_process());
                return ExitCode::from(end(Err(failure), None, &screen));
            }
        }
    }
    let terminals = Terminals::of_process();
    // The format of a failure to read the line can't be known from the line.
    let line = match args::parse(arguments.iter().cloned()) {
        Ok(line) => line,
        Err(failure) => {
            let screen = Screen::new(&Default::default(), &Environment::Process, terminals);
            return ExitCode::from(end(Err(failure), format_by_sight(&arguments), &screen));
        }
    };
    let format = line.globals.format;
    let screen = Screen::new(&line.globals, &Environment::Process, terminals);
    let app = app::App::new(line, Environment::Process, screen);
    let result = commands::run(&app).map_err(|failure| failure.in_trace(app.trace_id()));
    let error = result.as_ref().err().map(|failure| failure.code.clone());
    let exit = end(result, format, &screen);
    app.finish(exit, error.as_deref());
    ExitCode::from(exit)
}

/// `--format json` in a line that can't be parsed: the reader is a program all the same.
fn format_by_sight(arguments: &[String]) -> Option<Format> {
    let inline = arguments.iter().find_map(|argument| argument.strip_prefix("--format="));
    let apart = || arguments.windows(2).find(|pair| pair[0] == "--format").map(|pair| pair[1].as_str());
    Format::parse(inline.or_else(apart)?)
}

/// Shows a failure; gives the exit code.
fn end(result: Result<Exit, Failure>, format: Option<Format>, screen: &Screen) -> u8 {
    let failure = match result {
        Ok(exit) => return exit.code(),
        Err(failure) if failure.is_broken_pipe => return Exit::Ok.code(),
        Err(failure) => failure,
    };
    let text = match format {
        Some(Format::Json) => failure.json(),
        Some(Format::Yaml) => failure.yaml(),
        _ => failure.text(screen.error_paint),
    };
    // Nobody is left to tell when stderr is gone.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    failure.exit.code()
}
