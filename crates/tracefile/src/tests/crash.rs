//! Ends that nobody planned: killed processes, half-written lines, full disks.

use super::*;
use std::process::{Command, Stdio};

const VARIABLE: &str = "OPEN_CLI_TRACEFILE_TEST_DIRECTORY";

fn child(script: &str, test: &str, directory: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{script}; exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().expect("the test binary"));
    command.args(["--exact", &format!("tests::crash::{test}"), "--ignored", "--test-threads=1"]);
    command.env(VARIABLE, directory).stdout(Stdio::null());
    command
}

fn directory() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

#[test]
fn a_half_written_last_line_is_cut_off_at_the_start() {
    let root = tempfile::tempdir().expect("temporary directory");
    let live = root.path().join("traces.jsonl");
    let file = open(root.path(), options(1 << 20));
    call(file.clone(), "r-1", &Outcome::Done);
    call(file.clone(), "r-2", &Outcome::Done);
    drop(file);
    let whole = std::fs::read(&live).expect("readable");
    let second = memchr::memchr(b'\n', &whole).expect("two lines") + 1;
    for (cut, kept, text) in [
        (whole.len(), 2, whole.len()),
        (whole.len() - 1, 1, second),
        (second + 1, 1, second),
        (second, 1, second),
        (second - 1, 0, 0),
        (1, 0, 0),
    ] {
        open_cli_files::replace(&live, &whole[..cut], open_cli_files::Durability::Unsynced).expect("written");
        drop(open(root.path(), options(1 << 20)));
        assert_eq!(std::fs::read(&live).expect("readable"), whole[..text], "cut at {cut}");
        let file = open(root.path(), options(1 << 20));
        call(file.clone(), "r-3", &Outcome::Done);
        flushed(&file);
        let list = file.store().list(&ListQuery::default()).expect("readable");
        assert_eq!(list.len(), kept + 1, "cut at {cut}");
    }
}

#[test]
fn a_killed_process_leaves_what_the_next_start_mends() {
    let root = tempfile::tempdir().expect("temporary directory");
    let mut traces = 0;
    for round in 0..6 {
        let mut child =
            child("ulimit -c 0", "child_writes_until_it_is_killed", root.path()).spawn().expect("started");
        let live = root.path().join("traces.jsonl");
        until(|| std::fs::metadata(&live).is_ok_and(|found| found.len() > 0));
        std::thread::park_timeout(Duration::from_millis(40 + 37 * round));
        child.kill().expect("killed");
        child.wait().expect("ended");

        let before = TraceStore::new(root.path());
        let query = ListQuery { limit: usize::MAX, ..ListQuery::default() };
        let seen = before.list(&query).expect("readable").len();
        let file = open(root.path(), options(1 << 20));
        until_packed(root.path());
        call(file.clone(), "after", &Outcome::Done);
        flushed(&file);
        let after = file.store().list(&query).expect("readable").len();
        assert_eq!(after, (seen + 1).min(LIST_MAX), "round {round}");
        assert!(after > traces || after == LIST_MAX, "round {round}");
        traces = after;
        let whole = std::fs::read_to_string(&live).expect("readable");
        assert!(whole.lines().all(|line| crate::decode::spans(line.as_bytes()).is_some()), "round {round}");
    }
}

#[test]
#[ignore = "runs as a child of the test above"]
fn child_writes_until_it_is_killed() {
    let Some(directory) = directory() else { return };
    let file = open(&directory, options(100 << 10));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        for n in 0..20 {
            call(file.clone(), &format!("r-{n}"), &Outcome::Done);
        }
        flushed(&file);
    }
}

#[test]
fn a_full_disk_costs_what_does_not_fit_and_writing_goes_on_when_there_is_room() {
    let root = tempfile::tempdir().expect("temporary directory");
    let status = child("trap '' XFSZ; ulimit -f 20", "child_writes_beyond_its_limit", root.path()).status();
    assert!(status.expect("sh runs").success());
    assert_eq!(TraceStore::new(root.path()).find("again").expect("readable").len(), 7);
}

#[test]
#[ignore = "runs as a child of the test above"]
fn child_writes_beyond_its_limit() {
    let Some(directory) = directory() else { return };
    let live = directory.join("traces.jsonl");
    let file = open(&directory, options(1 << 20));
    let stats = file.stats();
    for n in 0..30 {
        call(file.clone(), &format!("r-{n}"), &Outcome::Done);
        flushed(&file);
    }
    assert!(stats.is_failing.load(Ordering::Relaxed));
    let (written, lost) = (count(&stats.written_traces), stats.lost_traces());
    assert_eq!((written + lost, lost, written > 0), (30, count(&stats.failed_traces), true));
    let text = std::fs::read_to_string(&live).expect("readable");
    assert!(text.ends_with('\n'), "never within a line");
    assert_eq!(text.lines().count() as u64, written);
    // Room again.
    std::fs::remove_file(&live).expect("removed");
    until(|| {
        call(file.clone(), "again", &Outcome::Done);
        flushed(&file);
        !file.store().find("again").expect("readable").is_empty()
    });
    assert!(!stats.is_failing.load(Ordering::Relaxed));
}
