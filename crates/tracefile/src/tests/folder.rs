//! The folder: what is written, put aside, compressed and removed.

use super::*;
use crate::names::Segment;
use flate2::read::MultiGzDecoder;
use open_cli_contract::Timestamp;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_is_sampled_is_written_and_what_failed_always() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(1 << 20));
    for (id, outcome, share) in [
        ("sampled", Outcome::Done, 1.0),
        ("unsampled", Outcome::Done, 0.0),
        ("refused", Outcome::Refused, 0.0),
        ("failed", Outcome::Failed, 0.0),
    ] {
        call_sampled(file.clone(), id, &outcome, Sampler::ratio(share));
    }
    flushed(&file);
    let found =
        ["sampled", "unsampled", "refused", "failed"].map(|id| file.store().find(id).expect("readable").len());
    assert_eq!(found, [7, 0, 7, 7]);
    let stats = file.stats();
    assert_eq!((count(&stats.written_traces), count(&stats.written_spans)), (3, 21));
    assert_eq!((count(&stats.unsampled_traces), stats.lost_traces()), (1, 0));
    let length = std::fs::metadata(root.path().join("traces.jsonl")).expect("there").len();
    assert_eq!(count(&stats.written_bytes), length);
}

#[test]
fn a_full_file_is_put_aside_and_compressed_and_nothing_is_lost() {
    let root = tempfile::tempdir().expect("temporary directory");
    let directory = root.path().join("state/traces");
    let file = open(&directory, options(32 << 10));
    for n in 0..100 {
        call(file.clone(), &format!("r-{n}"), &Outcome::Done);
        if n % 5 == 0 {
            flushed(&file);
        }
    }
    flushed(&file);
    until_packed(&directory);
    let packed = with_ending(&directory, ".gz");
    assert_eq!(packed.len() as u64, count(&file.stats().rotations));
    assert_eq!(with_ending(&directory, ".idx").len(), packed.len());
    let mut text = std::fs::read_to_string(directory.join("traces.jsonl")).expect("readable");
    for path in &packed {
        let source = std::fs::File::open(path).expect("readable");
        assert!(MultiGzDecoder::new(source).read_to_string(&mut text).expect("gzip") <= 32 << 10);
    }
    assert_eq!(text.lines().count(), 100);
    for n in [0, 50, 99] {
        assert_eq!(file.store().find(&format!("r-{n}")).expect("readable").len(), 7);
    }
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for name in names_in(&directory) {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
    }
    drop(file);
    // Numbers go on after a restart, whatever the clock says.
    let file = open(&directory, options(4 << 10));
    call(file.clone(), "later", &Outcome::Done);
    flushed(&file);
    call(file.clone(), "latest", &Outcome::Done);
    drop(file);
    let newest = crate::names::segments(&directory).expect("readable");
    assert!(newest[0].number > packed.len() as u64);
    assert_eq!(TraceStore::new(&directory).find("later").expect("readable").len(), 7);
}

#[test]
fn what_is_too_much_or_too_old_is_removed_the_oldest_first() {
    let root = tempfile::tempdir().expect("temporary directory");
    let keep_bytes = 40 << 10;
    let old = Segment::new(root.path(), "2020-01-01T00:00:00Z".parse().expect("a time"), 3);
    for path in old.files() {
        open_cli_files::append_private(&path).expect("created");
    }
    let file = open(root.path(), Options { keep_bytes, ..options(8 << 10) });
    until(|| !old.packed().exists() && !old.plain().exists() && !old.index().exists());
    for n in 0..400 {
        call(file.clone(), &format!("r-{n}"), &Outcome::Done);
        if n % 2 == 0 {
            flushed(&file);
        }
    }
    flushed(&file);
    let size = || {
        let sizes = names_in(root.path()).into_iter().map(|name| std::fs::metadata(root.path().join(name)));
        sizes.flatten().map(|found| found.len()).sum::<u64>()
    };
    until_packed(root.path());
    until(|| size() <= keep_bytes);
    assert!(with_ending(root.path(), ".gz").len() > 3, "{:?}", names_in(root.path()));
    assert_eq!(file.store().find("r-399").expect("readable").len(), 7);
    assert_eq!(file.store().find("r-0").expect("readable").len(), 0);
}

#[test]
fn an_old_file_is_put_aside_whatever_its_size() {
    let root = tempfile::tempdir().expect("temporary directory");
    let aside = |max_age| {
        let file = open(root.path(), Options { max_age, ..options(1 << 20) });
        call(file.clone(), "r-2", &Outcome::Done);
        flushed(&file);
        count(&file.stats().rotations)
    };
    let old = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId":"00f067aa0ba902b7","name":"old","startTimeUnixNano":"NANOS","endTimeUnixNano":"NANOS"}]}]}]}"#;
    let hour_ago = Timestamp::now().as_nanosecond() - 3600 * 1_000_000_000;
    let line = old.replace('\n', " ").replace("NANOS", &hour_ago.to_string()) + "\n";
    let write = || {
        let live = root.path().join("traces.jsonl");
        open_cli_files::replace(&live, line.as_bytes(), open_cli_files::Durability::Unsynced).expect("written");
    };
    write();
    assert_eq!(aside(Duration::from_secs(2 * 3600)), 0);
    write();
    assert_eq!(aside(Duration::from_secs(1800)), 1);
}

#[test]
fn beyond_the_rate_traces_are_dropped_and_failed_ones_kept_longer() {
    let root = tempfile::tempdir().expect("temporary directory");
    // Five traces at once, then five a second; as many failed ones again.
    let begun = Instant::now();
    let file = open(root.path(), Options { spans_per_second: 35, ..Options::default() });
    let dropped = |prefix: &str, outcome: Outcome| {
        let before = count(&file.stats().rate_dropped_traces);
        for n in 0..50 {
            call(file.clone(), &format!("{prefix}-{n}"), &outcome);
        }
        count(&file.stats().rate_dropped_traces) - before
    };
    let (done, failed) = (dropped("r", Outcome::Done), dropped("f", Outcome::Failed));
    let more = begun.elapsed().as_millis() as u64 * 5 / 1000 + 2;
    assert!(done <= 45 && done + more >= 45, "{done}");
    assert!(failed <= 46 && failed + more >= 44, "{failed}");
    flushed(&file);
    assert_eq!(file.store().find("f-0").expect("readable").len(), 7);
    assert_eq!(count(&file.stats().written_traces) + file.stats().lost_traces(), 100);
    // Room comes back.
    until(|| {
        call(file.clone(), "again", &Outcome::Done);
        flushed(&file);
        !file.store().find("again").expect("readable").is_empty()
    });
}

/// What is in the file stays findable while it is put aside, compressed and indexed under the reader's feet.
#[test]
fn queries_miss_nothing_while_files_are_put_aside_and_compressed() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(6 << 10));
    let written = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2_u64 {
            let (written, is_over, store) = (&written, &is_over, file.store());
            scope.spawn(move || {
                let mut asked = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let newest = written.load(Ordering::Acquire);
                    if newest == 0 {
                        std::thread::yield_now();
                        continue;
                    }
                    let id = format!("r-{}", newest - (asked * 7 + reader) % newest.min(20));
                    assert_eq!(store.find(&id).expect("readable").len(), 7, "{id} of {newest}");
                    let list = store.list(&ListQuery { limit: 5, ..ListQuery::default() }).expect("readable");
                    assert_eq!(list.len() as u64, 5.min(list.len() as u64).max(newest.min(5)));
                    asked += 1;
                }
            });
        }
        for n in 1..=150 {
            call(file.clone(), &format!("r-{n}"), &Outcome::Done);
            flushed(&file);
            written.store(n, Ordering::Release);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(count(&file.stats().rotations) > 20);
}

#[test]
fn a_file_that_was_moved_away_is_begun_anew() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), options(1 << 20));
    call(file.clone(), "r-1", &Outcome::Done);
    flushed(&file);
    std::fs::rename(root.path().join("traces.jsonl"), root.path().join("mine")).expect("moved");
    until(|| {
        call(file.clone(), "r-2", &Outcome::Done);
        flushed(&file);
        !file.store().find("r-2").expect("readable").is_empty()
    });
    assert!(file.store().find("r-1").expect("readable").is_empty());
}
