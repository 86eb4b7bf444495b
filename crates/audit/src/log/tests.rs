//! The log as its users see it.

mod crash;
mod kill;

use super::*;
use crate::{LINE_MAX, Store};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::Decision;
use open_cli_files::Durability;
use std::fs::{OpenOptions, read_to_string};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

fn event(tool_id: &str, second: i64) -> AuditEvent {
    AuditEvent {
        timestamp: Timestamp::from_second(second).expect("in range"),
        event_type: "tool_execution".into(),
        tool_id: tool_id.into(),
        reason_code: "allowed".into(),
        ..AuditEvent::default()
    }
}

fn log_with(content: &[u8]) -> (tempfile::TempDir, AuditLog, OpenReport) {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    if !content.is_empty() {
        open_cli_files::append_private(&path).expect("opened").write_all(content).expect("written");
    }
    // Events of these tests are from 1970.
    let (log, report) = AuditLog::open_with(&path, options(crate::Durability::Written)).expect("opened");
    (root, log, report)
}

fn options(durability: crate::Durability) -> AuditOptions {
    AuditOptions { durability, rotate_bytes: None, rotate_age: None, ..AuditOptions::default() }
}

fn all(log: &AuditLog) -> AuditPage {
    log.list(&AuditQuery::default()).expect("readable")
}

/// Tool ids of a page, in order.
fn tools(page: &AuditPage) -> Vec<String> {
    let tool = |raw: &serde_json::value::RawValue| {
        serde_json::from_str::<AuditEvent>(raw.get()).expect("an event").tool_id
    };
    page.events.iter().map(|raw| tool(raw)).collect()
}

fn line(tool_id: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-01-01T00:00:00Z\",\"toolId\":\"{tool_id}\",\"decision\":\"allowed\",\"reasonCode\":\"\"}}"
    )
}

/// AUDIT-3, weakness 56.
#[test]
fn an_empty_and_a_missing_log_have_no_events() {
    let (_root, log, report) = log_with(b"");
    assert_eq!(report, OpenReport::default());
    assert!(log.path().exists());
    let page = all(&log);
    assert_eq!((page.events.len(), page.bad_lines, page.truncated), (0, 0, false));
    assert_eq!(serde_json::to_string(&page.events).expect("JSON"), "[]");
    std::fs::remove_file(log.path()).expect("removed");
    assert!(all(&log).events.is_empty());
}

/// Weakness 32.
#[test]
fn a_new_log_is_private_and_an_old_open_one_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("state/audit.log");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    let (_, report) = AuditLog::open(&path).expect("opened");
    assert_eq!(report.exposed_mode, None);
    assert_eq!((mode(&path), mode(&root.path().join("state"))), (0o600, 0o700));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("mode set");
    let (_, report) = AuditLog::open(&path).expect("opened");
    assert_eq!((report.exposed_mode, mode(&path)), (Some(0o644), 0o644));
}

/// AUDIT-7.
#[test]
fn twenty_threads_never_mix_their_lines() {
    const THREADS: usize = 20;
    const EVENTS: usize = 50;
    let (_root, log, _) = log_with(b"");
    let store: &dyn Store = &log;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for i in 0..EVENTS {
                    store.append(&event(&format!("{thread}:{i}"), 0)).expect("written");
                }
            });
        }
    });
    let page = store.list(&AuditQuery::default()).expect("readable");
    assert_eq!((page.events.len(), page.bad_lines), (THREADS * EVENTS, 0));
    let found = tools(&page);
    for thread in 0..THREADS {
        let prefix = format!("{thread}:");
        let own: Vec<_> = found.iter().filter_map(|tool| tool.strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..EVENTS).map(|i| i.to_string()).collect();
        assert_eq!(own, expected, "the order of one thread is kept");
    }
}

/// AUDIT-4 and AUDIT-5 with weaknesses 55 and 57.
#[test]
fn a_bad_line_costs_that_line_only() {
    let long = format!("{{\"timestamp\":\"2026-01-01T00:00:00Z\",\"toolId\":\"{}\"}}", "x".repeat(100 << 10));
    let too_long = format!("{{\"timestamp\":\"2026-01-01T00:00:00Z\",\"toolId\":\"{}\"}}", "x".repeat(LINE_MAX));
    let (a, b) = (line("a"), line("b"));
    let torn = &a[..40];
    for (what, content, good, bad) in [
        ("no LF at the end", format!("{a}\n{b}"), 2, 0),
        ("blank lines", format!("\n{a}\n\n \t\r\n{b}\n\n"), 2, 0),
        ("glued objects", format!("{a}{b}\n{a}\n"), 3, 0),
        ("an event glued to a torn one", format!("{torn}{a}\n{b}\n"), 1, 1),
        ("a torn end", format!("{a}\n{torn}"), 1, 0),
        ("a line over 64 KiB", format!("{long}\n{a}\n"), 2, 0),
        ("a line over the bound", format!("{a}\n{too_long}\n{b}\n"), 2, 1),
        ("not an object", format!("[\"2026-01-01T00:00:00Z\"]\n1\nnull\n\"x\"\n{a}\n"), 1, 4),
        ("no or a bad timestamp", format!("{{\"toolId\":\"x\"}}\n{{\"timestamp\":\"soon\"}}\n{a}\n"), 1, 2),
        ("text", format!("hello\n{a} trailing\n"), 1, 2),
        ("deep nesting", format!("{}\n{a}\n", "[".repeat(500_000)), 1, 1),
    ] {
        let (_root, log, _) = log_with(content.as_bytes());
        let page = all(&log);
        assert_eq!((page.events.len(), page.bad_lines), (good, bad), "{what}");
    }
    let (_root, log, _) = log_with(&[line("a").as_bytes(), b"\n{\"timestamp\":\"\xff\xfe\"}\n"].concat());
    assert_eq!((all(&log).events.len(), all(&log).bad_lines), (1, 1), "not UTF-8");
}

#[test]
fn events_are_listed_as_they_were_written() {
    let odd =
        "{\"timestamp\": \"2026-01-01T02:00:00+02:00\",  \"toolId\":\"\\u0061\", \"added\": [1.0, {\"b\":2}]}";
    let (_root, log, _) = log_with(format!("{odd}\r\n").as_bytes());
    let at = Timestamp::from_second(1_767_225_600).expect("in range");
    let query = AuditQuery { since: Some(at), tool_id: Some("a".into()), ..AuditQuery::default() };
    let page = log.list(&query).expect("readable");
    assert_eq!(page.events.iter().map(|raw| raw.get()).collect::<Vec<_>>(), [odd]);
}

/// AUDIT-5, weakness 57.
#[test]
fn a_torn_last_line_is_completed_or_kept_beside_the_log() {
    for (content, events, torn) in [
        (line("a"), vec!["a", "b"], None),
        (line("a")[..50].to_owned(), vec!["b"], Some(line("a")[..50].to_owned() + "\n")),
        (format!("{}\n{}", line("a"), &line("c")[..9]), vec!["a", "b"], Some(line("c")[..9].to_owned() + "\n")),
    ] {
        let (root, log, report) = log_with(content.as_bytes());
        assert!(report.repaired_torn_line);
        log.append(&event("b", 0)).expect("written");
        let page = all(&log);
        assert_eq!((tools(&page), page.bad_lines), (events.into_iter().map(String::from).collect(), 0));
        assert_eq!(read_to_string(root.path().join("audit.log.torn")).ok(), torn);
        assert!(!AuditLog::open(log.path()).expect("opened").1.repaired_torn_line);
    }
}

#[test]
fn filters_choose_and_the_limit_keeps_the_newest() {
    let (_root, log, _) = log_with(b"");
    for second in 0..10 {
        let mut event = event(if second % 2 == 0 { "even" } else { "odd" }, second);
        if second == 7 {
            event.event_type = "authz_denial".into();
            event.decision = Decision::Denied;
            event.principal = "Ada <ada@example>".into();
            event.request_id = "r-7".into();
        }
        log.append(&event).expect("written");
    }
    let at = |second| Some(Timestamp::from_second(second).expect("in range"));
    let text = |text: &str| Some(text.to_owned());
    let any = AuditQuery::default;
    for (query, seconds, truncated) in [
        (any(), (0..10).collect::<Vec<_>>(), false),
        (AuditQuery { since: at(8), ..any() }, vec![8, 9], false),
        (AuditQuery { until: at(2), ..any() }, vec![0, 1], false),
        (AuditQuery { since: at(3), until: at(5), ..any() }, vec![3, 4], false),
        (AuditQuery { event_type: text("authz_denial"), ..any() }, vec![7], false),
        (AuditQuery { tool_id: text("odd"), since: at(4), ..any() }, vec![5, 7, 9], false),
        (AuditQuery { tool_id: text("od"), ..any() }, vec![], false),
        (AuditQuery { decision: Some(Decision::Denied), ..any() }, vec![7], false),
        (AuditQuery { decision: Some(Decision::Error), ..any() }, vec![], false),
        (AuditQuery { principal: text("Ada <ada@example>"), ..any() }, vec![7], false),
        (AuditQuery { principal: text(""), limit: Some(2), ..any() }, vec![8, 9], true),
        (AuditQuery { request_id: text("r-7"), ..any() }, vec![7], false),
        (AuditQuery { limit: Some(3), ..any() }, vec![7, 8, 9], true),
        (AuditQuery { limit: Some(10), ..any() }, (0..10).collect(), false),
        (AuditQuery { limit: Some(0), ..any() }, vec![], true),
        (AuditQuery { limit: Some(usize::MAX), tool_id: text("even"), ..any() }, vec![0, 2, 4, 6, 8], false),
    ] {
        let page = log.list(&query).expect("readable");
        let event =
            |raw: &serde_json::value::RawValue| serde_json::from_str::<AuditEvent>(raw.get()).expect("event");
        let found: Vec<_> = page.events.iter().map(|raw| event(raw).timestamp.as_second()).collect();
        assert_eq!((found, page.truncated), (seconds, truncated), "{query:?}");
    }
}

/// Weakness 54: many waiting, few syncs, every event kept, with its place.
#[test]
fn those_who_wait_for_a_sync_share_it() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let (log, _) = AuditLog::open_with(&path, options(crate::Durability::Synced)).expect("opened");
    let mut receipts: Vec<Receipt> = futures_executor(40, |i| {
        let log = &log;
        async move { log.record(&event("t", i)).await.expect("recorded") }
    });
    receipts.sort_by_key(|receipt| receipt.seq);
    assert_eq!(receipts.iter().map(|receipt| receipt.seq).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    assert!(receipts.iter().all(|receipt| receipt.synced && receipt.offset <= log.synced_offset()));
    let stats = log.stats();
    assert_eq!((stats.records, stats.queue_depth, stats.failures), (40, 0, 0));
    assert!(stats.syncs < 40, "{stats:?}");
    assert_eq!(all(&log).events.len(), 40);
    drop(log);
    assert!(crate::verify(&path, &crate::VerifyOptions::default()).expect("there").is_ok());
}

/// Polls many futures on one thread, all once before any of them is waited for.
fn futures_executor<T, F: Future<Output = T>>(count: i64, start: impl Fn(i64) -> F) -> Vec<T> {
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    let mut running: Vec<_> = (0..count).map(|i| Box::pin(start(i))).collect();
    let mut done = Vec::new();
    while !running.is_empty() {
        running.retain_mut(|future| match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        std::thread::yield_now();
    }
    done
}

#[test]
fn an_event_whose_caller_goes_away_is_recorded_all_the_same() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let (log, _) = AuditLog::open_with(&path, options(crate::Durability::Synced)).expect("opened");
    let event = event("gone", 0);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut future = Box::pin(log.record(&event));
    let _ = future.as_mut().poll(&mut context);
    drop(future);
    log.sync().expect("synced");
    assert_eq!(tools(&all(&log)), ["gone"]);
}

/// The pieces that a restart needs are there, private, and the log goes on.
#[test]
fn a_log_goes_on_where_it_was_after_a_restart() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    for round in 0..3 {
        let (log, report) = AuditLog::open_with(&path, options(crate::Durability::Written)).expect("opened");
        assert_eq!(report, OpenReport { last_seq: round * 2, ..OpenReport::default() });
        for _ in 0..2 {
            log.append(&event("t", 0)).expect("written");
        }
        log.sync().expect("synced");
        assert_eq!(log.synced_offset(), std::fs::metadata(&path).expect("there").len());
    }
    let text = read_to_string(&path).expect("readable");
    assert_eq!(text.lines().next().expect("a line").matches(&"0".repeat(64)).count(), 1);
    let report = crate::verify(&path, &crate::VerifyOptions::default()).expect("there");
    assert_eq!((report.records, report.records_after_head, report.problems), (6, 0, vec![]));
}

/// A log from before the chain goes on as a chained one.
#[test]
fn the_chain_of_an_older_log_begins_with_the_next_event() {
    let (_root, log, report) = log_with(format!("{}\n{}\n", line("a"), line("b")).as_bytes());
    assert_eq!(report, OpenReport::default());
    log.append(&event("c", 0)).expect("written");
    let path = log.path().to_owned();
    drop(log);
    let check = || crate::verify(&path, &crate::VerifyOptions::default()).expect("there");
    let report = check();
    assert_eq!((report.records, report.unchained_lines, &*report.problems), (1, 2, &[][..]));
    // Only the last of the older lines is protected.
    let text = read_to_string(&path).expect("readable").replacen("\"b\"", "\"x\"", 1);
    open_cli_files::replace(&path, text.as_bytes(), Durability::Unsynced).expect("changed");
    assert_eq!(check().problems[0].kind, crate::ProblemKind::Altered);
}

/// Two processes on one log take turns (weakness 64).
#[test]
fn two_writers_of_one_log_keep_one_chain() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let (first, _) = AuditLog::open(&path).expect("opened");
    let (second, _) = AuditLog::open(&path).expect("opened");
    std::thread::scope(|scope| {
        for log in [&first, &second] {
            scope.spawn(move || (0..100).for_each(|i| assert!(log.append(&event("t", i)).is_ok())));
        }
    });
    drop((first, second));
    let report = crate::verify(&path, &crate::VerifyOptions::default()).expect("there");
    assert_eq!((report.records, report.problems), (200, vec![]));
}

const CHILD_VARIABLE: &str = "OPEN_CLI_AUDIT_TEST_PATH";

/// A disk that gets full within a line, played by a file-size limit on a child process.
#[test]
fn a_line_that_was_half_written_costs_that_line_only() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "log::tests::child_writes_until_its_limit", "--ignored", "--test-threads=1"])
        .env(CHILD_VARIABLE, &path)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("sh runs");
    assert!(status.success(), "{status}");

    // What the child left in the first file: whole lines only.
    let (log, report) = AuditLog::open(&path.with_extension("first")).expect("opened");
    assert!(!report.repaired_torn_line);
    let before = all(&log);
    assert_eq!(before.bad_lines, 0);
    log.append(&event("after", 0)).expect("written");
    let after = all(&log);
    assert_eq!((after.events.len(), after.bad_lines), (before.events.len() + 1, 0));
}

#[test]
#[ignore = "runs as a child of the test above"]
fn child_writes_until_its_limit() {
    let Some(path) = std::env::var_os(CHILD_VARIABLE).map(PathBuf::from) else { return };
    let (log, _) = AuditLog::open(&path).expect("opened");
    let mut written = 0;
    while log.append(&event("limited", written)).is_ok() {
        written += 1;
    }
    assert!(read_to_string(&path).expect("readable").ends_with("}\n"), "what did not fit is cut off");
    assert_eq!(tools(&all(&log)).len() as i64, written, "an event that was not reported is not listed");
    let content = std::fs::read(&path).expect("readable");
    open_cli_files::replace(&path.with_extension("first"), &content, Durability::Unsynced).expect("kept");

    // Somebody makes room, and cuts a line in two: the same log goes on, with whole lines only.
    OpenOptions::new().write(true).open(&path).expect("opened").set_len(3).expect("cut");
    log.append(&event("next", 0)).expect("written");
    assert!(read_to_string(&path).expect("readable").starts_with("{\"timestamp\""));
    assert_eq!(tools(&all(&log)), ["next"]);
    assert!(read_to_string(path.with_extension("log.torn")).expect("kept").ends_with("{\"t\n"));
}
