//! `orders-api`: a small HTTP API with state, its own OpenAPI description and some faults, for the demo and the
//! end-to-end tests. Not for production: orders live in memory, there is no TLS, connections are threads.
//!
//! A request goes `server` (sockets) -> `http` (messages) -> `routes` (which handler) -> `orders`, `faults` or
//! `description` -> back. Nothing here is shared with the programs under test.

mod description;
mod faults;
mod http;
mod options;
mod orders;
mod problem;
mod routes;
mod server;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1), std::env::var("ORDERS_API_KEY").ok()) {
        Ok(options::Command::Serve(options)) => options,
        Ok(options::Command::Help) => {
            let _ = std::io::stdout().write_all(options::USAGE.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &format!("{message}\n\n{}", options::USAGE)),
    };
    let server = match server::Server::bind(&options.addr, options.api_key) {
        Ok(server) => server,
        Err(error) => return fail(1, &format!("can't listen on {}: {error}", options.addr)),
    };
    // Whoever started us with port 0 waits for this line.
    let mut stdout = std::io::stdout();
    if writeln!(stdout, "listening on {}", server.url()).and_then(|()| stdout.flush()).is_err() {
        return fail(1, "can't write to stdout");
    }
    server.serve()
}

fn fail(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "orders-api: {message}");
    ExitCode::from(code)
}
