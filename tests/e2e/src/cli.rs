//! The client as typed.

use crate::process::Child;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// A command line that is about to run.
pub struct Cli {
    command: Command,
    input: Vec<u8>,
}

/// What it said.
#[derive(Debug)]
pub struct Said {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Cli {
    pub(crate) fn new(command: Command) -> Self {
        Self { command, input: Vec::new() }
    }

    /// Runs it in another folder.
    #[must_use]
    pub fn in_folder(mut self, folder: &str) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    /// Starts it; it runs beside the test.
    pub fn start(self) -> Child {
        Child::start(self.command)
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Said {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("open-cli");
        // A program that does not read its input closes the pipe.
        let _ = child.stdin.take().expect("piped").write_all(&self.input);
        let output = child.wait_with_output().expect("output");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it, expects exit code 0, gives standard output.
    pub fn ok(self) -> String {
        let shown = format!("{:?}", self.command);
        let said = self.run();
        assert_eq!(said.code, 0, "{shown}\n{}\n{}", said.out, said.err);
        said.out
    }

    /// Like [`Cli::ok`], as JSON.
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("not JSON ({error}): {out}"))
    }
}
