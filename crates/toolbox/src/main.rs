//! `open-cli-toolbox`: parse, start, say where, serve until asked to end, drain, leave nothing behind. With a word
//! before all flags it is one of the operator's commands instead.

use open_cli_toolbox::commands::{self, Context};
use open_cli_toolbox::flags::{self, Asked};
use open_cli_toolbox::log::{self, LogControl, LogOptions};
use open_cli_toolbox::{Settings, StartError, Toolbox};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// How long the end waits until the log is written.
const FLUSH: Duration = Duration::from_secs(1);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let invocation = match flags::parse(std::env::args_os()) {
        Ok(Asked::Serve(invocation)) => invocation,
        Ok(Asked::Operate(name, matches)) => return commands::run(&name, &matches, &Context::of_process()),
        Err(error) => error.exit(),
    };
    let is_terminal = std::io::stderr().is_terminal();
    let has_colour = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let options = LogOptions { has_colour, ..invocation.log };
    let log = match log::start(&options) {
        Ok(log) => log,
        Err(error) => return fail(&format!("--log {}: {error}", options.filter)),
    };
    let lines = log.lines().clone();
    let code = run(invocation.settings, log);
    lines.flush(FLUSH);
    match code {
        Ok(code) => code,
        Err(message) => fail(&message),
    }
}

fn run(settings: Settings, log: LogControl) -> Result<ExitCode, String> {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("The worker threads can't be started: {error}"))?;
    let result = runtime.block_on(serve(settings, log));
    // Work that outlived the drain is abandoned, not waited for.
    runtime.shutdown_background();
    result.map_err(|error| error.to_string())
}

async fn serve(settings: Settings, log: LogControl) -> Result<ExitCode, StartError> {
    let running = Toolbox::builder(settings).handle_signals().log(log).start().await?;
    let mut out = std::io::stdout();
    // Whoever closed our standard output does not want the line.
    let _ = writeln!(out, "open-cli-toolbox instance {} serving {}", running.instance_id(), running.url());
    let _ = out.flush();
    Ok(ExitCode::from(running.wait().await))
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "open-cli-toolbox: {message}");
    ExitCode::from(1)
}
