//! Real programs that nobody here wrote, installed by `scripts/peers.sh` (`make test` does that).

use crate::http;
use crate::process::{Child, wait_until};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A running peer.
pub struct Peer {
    /// The process.
    pub child: Child,
    /// Base URL.
    pub url: String,
    _home: TempDir,
}

/// The program named by the variable. `None` (with a message) when it is not there; under `make test` that is a
/// failure.
pub(crate) fn program(variable: &str, test: &str) -> Option<PathBuf> {
    if let Some(program) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(program.into());
    }
    assert!(std::env::var_os("OPEN_CLI_REQUIRE_PEERS").is_none(), "{variable} is not set");
    #[expect(clippy::print_stderr, reason = "whoever runs the tests must know")]
    {
        eprintln!("{test} skipped: {variable} is not set; `make test` installs the peers");
    }
    None
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn start(mut command: Command, url: String, ready: &str, home: TempDir) -> Peer {
    command.env("HOME", home.path());
    let child = Child::start(command);
    let ready = format!("{url}{ready}");
    let port = url.rsplit(':').next().expect("port").trim_end_matches('/').to_owned();
    wait_until(&format!("{ready} answers"), || {
        std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() && http::get(&ready).status == 200
    });
    Peer { child, url, _home: home }
}

/// httpbin from PyPI: Swagger 2.0 at `/spec.json`.
pub fn httpbin(test: &str) -> Option<Peer> {
    let python = program("OPEN_CLI_TEST_HTTPBIN", test)?;
    let port = free_port();
    let mut command = Command::new(python);
    command.args(["-m", "gunicorn", "--no-control-socket", "-k", "gthread", "--threads", "4", "-b"]);
    command.args([&format!("127.0.0.1:{port}"), "httpbin:app"]);
    let home = tempfile::tempdir().expect("temp dir");
    Some(start(command, format!("http://127.0.0.1:{port}"), "/spec.json", home))
}

/// A Python with the SARIF 2.1.0 schema and a validator.
pub fn sarif_schema(test: &str) -> Option<PathBuf> {
    program("OPEN_CLI_TEST_SARIF", test)
}

/// Prefect's server from PyPI: OpenAPI 3.1 at `/api/openapi.json`, state in a database.
pub fn prefect(test: &str) -> Option<Peer> {
    let python = program("OPEN_CLI_TEST_PREFECT", test)?;
    let port = free_port();
    let home = tempfile::tempdir().expect("temp dir");
    let mut command = Command::new(python);
    command.args(["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--no-ui", "--no-services"]);
    command.env("PREFECT_HOME", home.path()).env("PREFECT_SERVER_ANALYTICS_ENABLED", "false");
    Some(start(command, format!("http://127.0.0.1:{port}"), "/api/openapi.json", home))
}

/// A running collector.
pub struct Collector {
    /// The process; what arrives is on its standard output.
    pub child: Child,
    /// Base URL for OTLP over HTTP.
    pub http: String,
    /// Base URL for OTLP over gRPC.
    pub grpc: String,
    printed: String,
    _home: TempDir,
}

impl Collector {
    /// Everything printed so far, once this is in it.
    pub fn printed_until(&mut self, text: &str) -> &str {
        while !self.printed.contains(text) {
            let line = self.child.line();
            self.printed.extend([&line, "\n"]);
        }
        &self.printed
    }
}

/// Rotel from PyPI: takes OTLP and prints every span, point and record, e.g. `Name           : policy.decide`.
pub fn collector(test: &str) -> Option<Collector> {
    let program = program("OPEN_CLI_TEST_COLLECTOR", test)?;
    let ports = [free_port(), free_port()];
    let [http, grpc] = ports.map(|port| format!("127.0.0.1:{port}"));
    let home = tempfile::tempdir().expect("temp dir");
    let mut command = Command::new(program);
    command.args([
        "start",
        "--exporter",
        "blackhole",
        "--otlp-http-endpoint",
        &http,
        "--otlp-grpc-endpoint",
        &grpc,
    ]);
    command.args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"]);
    command.args(["--debug-log-verbosity", "detailed"]);
    command.arg("--pid-file").arg(home.path().join("pid")).arg("--log-file").arg(home.path().join("log"));
    let child = Child::start(command);
    wait_until("the collector listens", || {
        ports.iter().all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
    });
    let [http, grpc] = [http, grpc].map(|address| format!("http://{address}"));
    Some(Collector { child, http, grpc, printed: String::new(), _home: home })
}

/// MCP servers that nobody here wrote.
pub struct McpPrograms {
    modules: PathBuf,
    python: PathBuf,
}

impl McpPrograms {
    fn script(&self, package: &str) -> String {
        self.modules.join(package).join("dist/index.js").display().to_string()
    }

    /// `mcpServers` entry of server-everything on standard input and output.
    pub fn everything(&self) -> Value {
        let script = self.script("@modelcontextprotocol/server-everything");
        json!({"type": "stdio", "command": "node", "args": [script, "stdio"]})
    }

    /// The same, below a shell that runs this first.
    pub fn everything_after(&self, shell: &str) -> Value {
        let script = self.script("@modelcontextprotocol/server-everything");
        json!({"type": "stdio", "command": "sh", "args": ["-c", format!("{shell}; exec node '{script}' stdio")]})
    }

    /// `mcpServers` entry of server-filesystem for a folder.
    pub fn filesystem(&self, folder: &Path) -> Value {
        let script = self.script("@modelcontextprotocol/server-filesystem");
        json!({"type": "stdio", "command": "node", "args": [script, folder]})
    }

    /// `mcpServers` entry of mcp-server-time, which speaks 2026-07-28 too.
    pub fn time(&self) -> Value {
        let args = ["-m", "mcp_server_time", "--local-timezone", "UTC"];
        json!({"type": "stdio", "command": self.python, "args": args})
    }

    /// Starts server-everything over HTTP: `streamableHttp` at `/mcp`, `sse` at `/sse`.
    pub fn start_everything(&self, transport: &str) -> Peer {
        self.start_everything_at(transport, free_port())
    }

    /// The same at a port.
    pub fn start_everything_at(&self, transport: &str, port: u16) -> Peer {
        let home = tempfile::tempdir().expect("temp dir");
        let mut command = Command::new("node");
        command.arg(self.script("@modelcontextprotocol/server-everything")).arg(transport);
        command.env("PORT", port.to_string()).env("HOME", home.path());
        let child = Child::start(command);
        wait_until("the MCP server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Peer { child, url: format!("http://127.0.0.1:{port}"), _home: home }
    }
}

/// The official MCP servers from npm and PyPI.
pub fn mcp(test: &str) -> Option<McpPrograms> {
    let modules = program("OPEN_CLI_TEST_NODE_MODULES", test)?;
    let python = program("OPEN_CLI_TEST_MCP", test)?;
    Some(McpPrograms { modules, python })
}
