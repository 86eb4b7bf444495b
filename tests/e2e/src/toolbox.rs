//! A toolbox with a state directory of its own.

use crate::cli::{Cli, Said};
use crate::http::{self, Reply};
use crate::process::{Child, program};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder with a configuration and state, removed at the end.
pub struct Sandbox {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// An empty folder.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("temp dir"), variables: Vec::new() }
    }

    /// With a configuration of one OpenAPI source `orders`.
    pub fn of_orders(api_url: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write_config(&json!({
            "cli": "1.0.0",
            "mode": {"default": "discover"},
            "sources": {"ordersSource": {"type": "openapi", "uri": format!("{api_url}/openapi.json")}},
            "services": {"orders": {"source": "ordersSource"}},
            "secrets": {"orders.apiKey": {"type": "env", "value": "ORDERS_API_KEY"}},
        }));
        sandbox.with_variable("ORDERS_API_KEY", crate::OrdersApi::KEY)
    }

    /// An environment variable of every program in this sandbox.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path().join(".cli.json")
    }

    /// State root.
    pub fn state_root(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Writes the configuration.
    pub fn write_config(&self, config: &Value) {
        self.write(".cli.json", &config.to_string());
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("dir");
        std::io::Write::write_all(&mut std::fs::File::create(&path).expect("create"), text.as_bytes())
            .expect("write");
        path
    }

    /// A command in this sandbox's environment: nothing of the person's own leaks in.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command.current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path().join("home"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A command of the operator's, to its end.
    pub fn operate(&self, args: &[&str]) -> Said {
        let mut command = self.command("open-cli-toolbox");
        command.args(args);
        Cli::new(command).run()
    }

    /// The toolbox command with its usual flags.
    pub fn toolbox_command(&self, extra: &[&str]) -> Command {
        let mut command = self.command("open-cli-toolbox");
        if !extra.contains(&"--config-root") {
            command.arg("--config").arg(self.config());
        }
        command.arg("--state-dir").arg(self.state_root());
        if !extra.contains(&"--addr") {
            command.args(["--addr", "127.0.0.1:0"]);
        }
        command.args(extra);
        command
    }

    /// Starts a toolbox and waits for its start line.
    pub fn toolbox(&self, extra: &[&str]) -> Toolbox<'_> {
        let mut child = Child::start(self.toolbox_command(extra));
        let line = child.line();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[0], words[1], words[3]), ("open-cli-toolbox", "instance", "serving"), "{line}");
        let state_dir = self.state_root().join("instances").join(words[2]);
        Toolbox { sandbox: self, child, instance: words[2].to_owned(), url: words[4].to_owned(), state_dir }
    }
}

/// A running toolbox.
pub struct Toolbox<'a> {
    sandbox: &'a Sandbox,
    /// The process.
    pub child: Child,
    /// Instance id.
    pub instance: String,
    /// Base URL.
    pub url: String,
    /// Its state.
    pub state_dir: PathBuf,
}

impl Toolbox<'_> {
    /// `GET` of a path.
    pub fn get(&self, path: &str) -> Reply {
        http::get(&format!("{}{path}", self.url))
    }

    /// A request with a bearer token; `POST` when there is a body.
    pub fn ask_as(&self, token: &str, path: &str, body: Option<&Value>) -> Reply {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let url = format!("{}{path}", self.url);
        match body {
            Some(body) => http::request("POST", &url, &headers, body.to_string().as_bytes()),
            None => http::request("GET", &url, &headers[..1], &[]),
        }
    }

    /// A tool call.
    pub fn execute(&self, call: &Value) -> Reply {
        http::post(&format!("{}/v1/tools/execute", self.url), call)
    }

    /// The catalog.
    pub fn catalog(&self) -> Value {
        self.get("/v1/catalog/effective").json()
    }

    /// Audit records, without those of earlier reads.
    pub fn audit(&self) -> Vec<Value> {
        let mut records = self.get("/v1/audit/events").json().as_array().expect("array").clone();
        let own = ["audit_read", "runtime_start", "runtime_end"];
        records.retain(|record| !own.iter().any(|own| record["eventType"] == *own));
        records
    }

    /// The client, talking to this toolbox.
    pub fn cli(&self, args: &[&str]) -> Cli {
        let mut command = self.sandbox.command("open-cli");
        command.env("OPEN_CLI_RUNTIME_URL", &self.url).args(args);
        Cli::new(command)
    }

    /// SIGTERM, and its exit code.
    pub fn stop(mut self) -> i32 {
        self.child.signal("TERM");
        self.child.wait().code().expect("exit code")
    }
}
