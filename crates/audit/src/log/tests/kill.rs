//! A process that is killed at any moment under load: nothing that was acknowledged is missing, and the chain holds.
//! In `synced` mode also when everything that was not synced is lost.

use super::*;
use crate::{AuditOptions, Durability, VerifyOptions, verify};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

const MODE_VARIABLE: &str = "OPEN_CLI_AUDIT_TEST_MODE";
/// Kills in each mode.
const KILLS: u32 = 30;
/// Threads of the child that write.
const WRITERS: usize = 6;

#[test]
fn no_written_event_is_missing_after_a_kill() {
    kill_again_and_again("written");
}

#[test]
fn no_synced_event_is_missing_after_a_power_loss() {
    kill_again_and_again("synced");
}

fn kill_again_and_again(mode: &str) {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut acknowledged = BTreeMap::new();
    for round in 0..KILLS {
        let synced =
            run_and_kill(&path, mode, Duration::from_millis(u64::from(round * 7 % 60)), &mut acknowledged);
        if mode == "synced" {
            lose_what_was_not_synced(&path, synced);
        }
        let report = verify(&path, &VerifyOptions::default()).expect("there is a log");
        assert_eq!(report.problems, [], "round {round}: {report:?}");
        let newest = acknowledged.last_key_value().map_or(0, |(seq, _)| *seq);
        assert!(report.last_seq >= newest, "round {round}: record {newest} was acknowledged, {report:?}");
    }
    let (log, report) = AuditLog::open(&path).expect("opened");
    assert_eq!(report.tampering, []);
    log.settle();
    let mut missing = acknowledged.clone();
    for event in log.list(&AuditQuery::default()).expect("readable").events {
        let event: AuditEvent = serde_json::from_str(event.get()).expect("an event");
        let seq = event.seq.expect("a place");
        if let Some(id) = missing.remove(&seq) {
            assert_eq!(id, event.request_id, "record {seq}");
        }
    }
    assert_eq!(missing, BTreeMap::new(), "of {} acknowledged", acknowledged.len());
    assert!(acknowledged.len() > 100, "the child got to work: {}", acknowledged.len());
    drop(log);
    let report = verify(&path, &VerifyOptions::default()).expect("there is a log");
    assert!(report.is_ok() && report.files > 2, "{report:?}");
}

/// Lets a child write for a while and kills it. Adds what it acknowledged, and returns the first record and the
/// length of the live file that it said was safe.
fn run_and_kill(path: &Path, mode: &str, time: Duration, acknowledged: &mut BTreeMap<u64, String>) -> (u64, u64) {
    let mut child = Command::new(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "log::tests::kill::child_writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(CHILD_VARIABLE, path)
        .env(MODE_VARIABLE, mode)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the child runs");
    let output = BufReader::new(child.stderr.take().expect("piped"));
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        output.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
    });
    let (mut synced, mut first) = ((0, 0), true);
    let mut take = |line: String| {
        let words: Vec<_> = line.split(' ').collect();
        match *words {
            ["ack", seq, id] => drop(acknowledged.insert(seq.parse().expect("a number"), id.to_owned())),
            ["sync", first_seq, offset] => {
                synced = (first_seq.parse().expect("a number"), offset.parse().expect("a number"));
            }
            ["open"] => {}
            _ => panic!("the child says: {line}"),
        }
    };
    // The time runs from the first word of the child on: a loaded machine may take long to start it.
    let started = std::time::Instant::now();
    let mut until = started + Duration::from_secs(30);
    while let Ok(line) = told.recv_timeout(until.saturating_duration_since(std::time::Instant::now())) {
        take(line);
        if std::mem::take(&mut first) {
            until = std::time::Instant::now() + time;
        }
        if std::time::Instant::now() >= until {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    reader.join().expect("read");
    // What it had said before it died counts.
    told.try_iter().for_each(take);
    synced
}

/// As a power loss: the live file keeps what was synced. A file that was put aside was synced before.
fn lose_what_was_not_synced(path: &Path, (first_seq, offset): (u64, u64)) {
    let Ok(text) = std::fs::read(path) else { return };
    let first =
        text.split(|byte| *byte == b'\n').next().and_then(crate::chain::Link::of).map_or(0, |link| link.seq);
    // A new live file that nothing was said of is not safe at all.
    let kept = if first == first_seq { offset } else { 0 };
    OpenOptions::new().write(true).open(path).expect("opened").set_len(kept.min(text.len() as u64)).expect("cut");
}

#[test]
#[ignore = "runs as a child of the tests above"]
fn child_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_VARIABLE).map(PathBuf::from) else { return };
    let is_synced = std::env::var(MODE_VARIABLE).is_ok_and(|mode| mode == "synced");
    let durability = if is_synced { Durability::Synced } else { Durability::Written };
    tracing::subscriber::set_global_default(Syncs).expect("the only one");
    let options =
        AuditOptions { durability, rotate_bytes: Some(20_000), rotate_age: None, ..AuditOptions::default() };
    let (log, report) = AuditLog::open_with(&path, options).expect("opened");
    assert_eq!(report.tampering, []);
    say("open\n");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let log = &log;
            scope.spawn(move || {
                for i in 0.. {
                    let mut event = event("t", i);
                    event.request_id = format!("{}-{writer}-{i}", std::process::id());
                    let receipt = wait_for(log.record(&event)).expect("recorded");
                    say(&format!("ack {} {}\n", receipt.seq, event.request_id));
                }
            });
        }
    });
}

/// One write for a whole line: a kill leaves no part of one.
fn say(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).expect("the parent listens");
}

/// Waits for a future by parking the thread.
fn wait_for<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

/// Prints what the log says about its syncs.
struct Syncs;

#[derive(Default)]
struct Fields {
    first_seq: u64,
    offset: Option<u64>,
}

impl tracing::field::Visit for Fields {
    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        match field.name() {
            "first_seq" => self.first_seq = value,
            "offset" => self.offset = Some(value),
            _ => {}
        }
    }
    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn fmt::Debug) {}
}

impl tracing::Subscriber for Syncs {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(offset) = fields.offset {
            say(&format!("sync {} {offset}\n", fields.first_seq));
        }
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
