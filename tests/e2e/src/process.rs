//! Child processes that never outlive their test.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest wait for anything; a real server may take half a minute to make its database on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Path of a program of this workspace. `cargo build --workspace` puts it beside the tests.
pub fn program(name: &str) -> PathBuf {
    let mut dir = std::env::current_exe().expect("path of the test");
    dir.pop();
    if dir.ends_with("deps") {
        dir.pop();
    }
    let path = dir.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

/// Polls until the condition holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        pause();
    }
}

/// A short pause without a sleep.
fn pause() {
    let (_keep, never) = channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(10));
}

/// A running program with its output; killed when dropped.
pub struct Child {
    inner: std::process::Child,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl Child {
    /// Starts the command; standard output is read line by line, standard error is gathered.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut inner = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, lines) = channel();
        let out = inner.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let log = Arc::new(Mutex::new(String::new()));
        let (copy, mut err) = (Arc::clone(&log), inner.stderr.take().expect("piped"));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = err.read(&mut buffer) {
                copy.lock().expect("log").push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        Self { inner, lines, log }
    }

    /// Next line of standard output.
    pub fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!(
                "no line on standard output; status {:?}; standard error:\n{}",
                self.inner.try_wait(),
                self.log()
            )
        })
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.inner.id()
    }

    /// Sends a signal by name, e.g. `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the program ended", || {
            status = self.inner.try_wait().expect("wait");
            status.is_some()
        });
        // The reader of standard error may lag behind the end.
        pause();
        status.expect("ended")
    }

    /// Still running?
    pub fn is_running(&mut self) -> bool {
        self.inner.try_wait().expect("wait").is_none()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.inner.kill();
        let _ = self.inner.wait();
    }
}
