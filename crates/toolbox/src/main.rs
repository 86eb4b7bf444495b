//! `open-cli-toolbox`: parse, start, say where, serve until asked to end, drain, leave nothing behind.

use open_cli_toolbox::flags;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let invocation = match flags::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => error.exit(),
    };
    if let Err(error) = start_log(&invocation.log) {
        return fail(&format!("--log {}: {error}", invocation.log));
    }
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("The worker threads can't be started: {error}")),
    };
    let result = runtime.block_on(serve(invocation.settings));
    // Work that outlived the drain is abandoned, not waited for.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => fail(&error.to_string()),
    }
}

async fn serve(settings: open_cli_toolbox::Settings) -> Result<ExitCode, open_cli_toolbox::StartError> {
    let running = open_cli_toolbox::Toolbox::builder(settings).handle_signals().start().await?;
    let mut out = std::io::stdout();
    // Whoever closed our standard output does not want the line.
    let _ = writeln!(out, "open-cli-toolbox instance {} serving {}", running.instance_id(), running.url());
    let _ = out.flush();
    Ok(ExitCode::from(running.wait().await))
}

fn start_log(filter: &str) -> Result<(), String> {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
    let has_colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colour)
        .with_target(false)
        .try_init()
        .map_err(|error| error.to_string())
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "open-cli-toolbox: {message}");
    ExitCode::from(1)
}
