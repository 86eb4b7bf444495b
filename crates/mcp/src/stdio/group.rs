//! A program in a process group of its own, so that what it starts ends with it (ST-1, ST-2, ST-6, W44, W45, PS-3). Not
//! for what it says.

use crate::children::{Children, MARK};
use crate::limits::{END_OF_INPUT_PATIENCE, TERMINATION_PATIENCE};
use crate::spec::Program;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;

/// Variables of the toolbox that programs get. Its others may be secrets.
const INHERITED: &[&str] = &[
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];
/// How often a group is looked at while it ends.
const POLL: Duration = Duration::from_millis(10);

/// A started program. The group is killed when this is dropped.
pub(crate) struct Group {
    child: Child,
    id: Pid,
    children: Arc<Children>,
    is_gone: bool,
}

/// The program's streams.
pub(crate) struct Streams {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Group {
    /// Starts the program. Must be called inside a Tokio runtime.
    pub(crate) fn start(
        program: &Program,
        source_id: &str,
        children: &Arc<Children>,
    ) -> Result<(Self, Streams), String> {
        let mut command = Command::new(&program.command);
        command.args(&program.args).env_clear().current_dir(&program.dir);
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(program.env.iter().map(|(name, value)| (name, value)));
        command.env(MARK, children.mark());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own also keeps Ctrl-C at the toolbox's terminal away from it.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(program, &error))?;
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let id = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let (Some(id), (Some(stdin), Some(stdout), Some(stderr))) = (id, streams) else {
            return Err("it ended while it was started".into());
        };
        children.add(id, source_id);
        Ok((Self { child, id, children: Arc::clone(children), is_gone: false }, Streams { stdin, stdout, stderr }))
    }

    /// Waits until the program itself ends.
    pub(crate) async fn wait(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Ends it and everything it started: its input ended already, so it may end by itself; then SIGTERM, then
    /// SIGKILL.
    pub(crate) async fn end(mut self) {
        if !self.ends_within(END_OF_INPUT_PATIENCE).await {
            self.signal(Signal::TERM);
            if !self.ends_within(TERMINATION_PATIENCE).await {
                self.signal(Signal::KILL);
                let _ = self.child.wait().await;
            }
        }
        self.forget();
    }

    /// Ends at once what is left of it.
    pub(crate) async fn sweep(mut self) {
        if !self.is_empty() {
            self.signal(Signal::TERM);
            if !self.ends_within(TERMINATION_PATIENCE).await {
                self.signal(Signal::KILL);
            }
        }
        self.forget();
    }

    async fn ends_within(&mut self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            // Reaps it: a program that ended keeps its group alive until then.
            let _ = self.child.try_wait();
            if self.is_empty() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn is_empty(&self) -> bool {
        test_kill_process_group(self.id).is_err()
    }

    fn signal(&self, signal: Signal) {
        // Fails when nobody is left.
        let _ = kill_process_group(self.id, signal);
    }

    fn forget(&mut self) {
        self.is_gone = true;
        self.children.remove(self.id);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_gone {
            self.signal(Signal::KILL);
            self.forget();
        }
    }
}

fn failed(program: &Program, error: &std::io::Error) -> String {
    let command = program.command.display();
    match error.kind() {
        std::io::ErrorKind::NotFound if !program.dir.is_dir() => {
            format!("the folder {} to run {command} in is not there", program.dir.display())
        }
        std::io::ErrorKind::NotFound => {
            format!(
                "the program {command} is not found (install it, or give its whole path in `transport.command`)"
            )
        }
        std::io::ErrorKind::PermissionDenied => format!("the program {command} may not be run: {error}"),
        _ => format!("the program {command} can't be started: {error}"),
    }
}
