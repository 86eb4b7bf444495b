//! A runtime inside another program, with an observer of its own.
//!
//! `cargo run -p open-cli-toolbox --example embed -- .cli.json` serves the configuration on a free port, makes one
//! catalog request to itself, prints every span and event as a line of JSON, and ends.

use open_cli_observe::{Event, Observer, Span};
use open_cli_toolbox::{Serves, Settings, Toolbox};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Prints what it is told. A real one would hand it to a queue.
struct Lines;

impl Observer for Lines {
    fn event(&self, event: &Event) {
        print_line("event", serde_json::to_string(event));
    }
    fn span_finished(&self, span: &Arc<Span>) {
        print_line("span", serde_json::to_string(&**span));
    }
}

fn print_line(kind: &str, json: serde_json::Result<String>) {
    let _ = writeln!(std::io::stdout(), "{kind} {}", json.unwrap_or_default());
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = std::env::args().nth(1).unwrap_or_else(|| ".cli.json".into());
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings =
        Settings { addr: SocketAddr::from(([127, 0, 0, 1], 0)), ..Settings::new(Serves::Config(config.into())) };
    let running = Toolbox::builder(settings).observer(Arc::new(Lines)).start().await?;
    let address = running.url().trim_start_matches("http://").to_owned();
    let stop = running.stopper();
    let serving = tokio::spawn(running.wait());

    let mut stream = tokio::net::TcpStream::connect(&address).await?;
    let request = format!("GET /v1/catalog/effective HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stdout(), "answer {status}, {} bytes", answer.len());

    stop();
    serving.await?;
    Ok(())
}
