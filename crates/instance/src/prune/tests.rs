//! What prune takes, what it leaves, and what it never touches.

use super::*;
use crate::layout::RUNTIME_RECORD;
use crate::list::TRASH_PREFIX;
use crate::list::list;
use crate::marker::MARKER;
use crate::testing::{Ground, alive, put};
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::time::SystemTime;

fn options() -> PruneOptions {
    PruneOptions { with_audit: false, older_than: None, dry_run: false, now: Timestamp::now() }
}

fn pruned(ground: &Ground, options: PruneOptions) -> Pruned {
    prune(&ground.roots(), &ground.look("a"), options)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// An instance that was killed, with something of everything.
fn full() -> Ground {
    let ground = Ground::new();
    ground.stale("a");
    ground.put("a", "audit.log", 100);
    ground.put("a", "audit.log.key", 10);
    ground.put("a", "traces/1", 7);
    ground.put("a", "oauth/t", 3);
    ground.cached("a", 20);
    ground
}

#[test]
fn what_is_dead_goes_and_the_evidence_stays() {
    let ground = full();
    let before = ground.look("a").last_used_at;
    let done = pruned(&ground, options());
    assert_eq!(done.outcome, Outcome::Removed, "{}", done.reason);
    let removed: Vec<(&str, u64)> = done.removed.iter().skip(1).map(|part| (part.what, part.bytes)).collect();
    assert_eq!((done.removed[0].what, removed), ("runtime", vec![("traces", 7), ("oauth", 3), ("cache", 20)]));
    assert_eq!(done.kept.iter().map(|part| (part.what, part.bytes)).collect::<Vec<_>>(), [("audit", 110)]);
    assert_eq!(
        names(&ground.dir("a")),
        ["audit.log", "audit.log.key", "instance.json", "lock"].map(String::from).into()
    );
    assert!(!ground.layout("a").cache_dir.parent().expect("above").exists());
    assert_eq!(names(&ground.roots().instances()), ["a"].map(String::from).into(), "nothing is left in between");
    let after = ground.look("a");
    assert_eq!(after.state, InstanceState::Stopped);
    assert!(after.last_used_at <= before, "tidying up is no use of it");
    assert_eq!(after.config_path, ground.config("a").display().to_string(), "and it still says whose it is");

    let again = pruned(&ground, options());
    assert!(again.outcome == Outcome::Kept && again.reason.contains("--with-audit"), "{}", again.reason);
    ground.running("a");
}

#[test]
fn with_the_audit_log_nothing_is_left() {
    let ground = full();
    let done = pruned(&ground, PruneOptions { with_audit: true, ..options() });
    assert_eq!((done.outcome, done.kept.len()), (Outcome::Removed, 0), "{}", done.reason);
    assert!(!ground.dir("a").exists());
    assert!(list(&ground.roots()).expect("readable").instances.is_empty());
    ground.running("a");
}

#[test]
fn an_instance_without_an_audit_record_goes_altogether() {
    let ground = Ground::new();
    ground.stopped("a");
    ground.put("a", "audit.log", 0);
    assert_eq!(pruned(&ground, options()).outcome, Outcome::Removed);
    assert!(!ground.dir("a").exists());
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let ground = full();
    let before = (names(&ground.dir("a")), ground.look("a").sizes);
    let would = pruned(&ground, PruneOptions { dry_run: true, ..options() });
    assert_eq!(would.outcome, Outcome::WouldRemove);
    assert_eq!(before, (names(&ground.dir("a")), ground.look("a").sizes));
    let done = pruned(&ground, options());
    assert_eq!(
        serde_json::to_string(&(&would.removed, &would.kept)).expect("json"),
        serde_json::to_string(&(&done.removed, &done.kept)).expect("json")
    );
}

#[test]
fn what_may_be_alive_is_not_touched() {
    let ground = full();
    let found_dead = ground.look("a");
    let lock = ground.running("a");
    ground.put("a", "traces/2", 1);
    let reasons = [
        pruned(&ground, options()).reason,
        // Started after the list was made.
        prune(&ground.roots(), &found_dead, options()).reason,
    ];
    assert!(reasons[0].contains("it runs") && reasons[1].contains("just now"), "{reasons:?}");
    assert!(ground.dir("a").join("traces/2").exists() && ground.dir("a").join(RUNTIME_RECORD).exists());
    drop(lock);

    // The reference started meanwhile; it takes no lock.
    ground.of_reference("a", std::process::id());
    let done = prune(&ground.roots(), &found_dead, options());
    assert!(done.outcome == Outcome::Kept && done.reason.contains("without a lock"), "{}", done.reason);
    assert!(ground.dir("a").join(RUNTIME_RECORD).exists());
}

#[test]
fn no_lock_is_left_where_none_was() {
    let ground = Ground::new();
    ground.put("a", "audit.log", 3);
    assert!(pruned(&ground, options()).reason.contains("--with-audit"));
    ground.of_reference("a", crate::testing::gone());
    let done = pruned(&ground, options());
    assert_eq!(done.outcome, Outcome::Removed, "{}", done.reason);
    assert_eq!(names(&ground.dir("a")), ["audit.log"].map(String::from).into());
}

#[test]
fn only_what_was_not_used_for_long_goes() {
    let ground = full();
    let hour = Duration::from_secs(60 * 60);
    let in_a_day = Timestamp::now() + Duration::from_secs(24 * 60 * 60);
    for (now, older_than, outcome) in [
        (Timestamp::now(), hour, Outcome::Kept),
        (in_a_day, hour * 48, Outcome::Kept),
        (in_a_day, hour * 23, Outcome::WouldRemove),
        // The clock was set back.
        (Timestamp::now() - hour, hour, Outcome::Kept),
    ] {
        let done = pruned(&ground, PruneOptions { now, older_than: Some(older_than), dry_run: true, ..options() });
        assert_eq!(done.outcome, outcome, "{}", done.reason);
    }
}

/// STATE-4: the next start needs the registry to end them.
#[test]
fn children_that_outlived_their_runtime_keep_its_state() {
    let ground = full();
    let mut child = alive();
    for (registry, outcome) in [
        (format!("{{\"pids\":[{}]}}", child.id()), Outcome::Kept),
        (format!("{{\"pids\":[{{\"pid\":{},\"startTime\":1}}]}}", child.id()), Outcome::WouldRemove),
        (format!("{{\"pids\":[{}]}}", crate::testing::gone()), Outcome::WouldRemove),
        ("{\"pids\":".into(), Outcome::WouldRemove),
    ] {
        put(&ground.dir("a").join(CHILDREN), registry.as_bytes());
        let done = pruned(&ground, PruneOptions { dry_run: true, ..options() });
        assert_eq!(done.outcome, outcome, "{registry}: {}", done.reason);
    }
    drop(child.stdin.take());
    child.wait().expect("ended");
}

#[test]
fn links_and_what_is_not_ours_stay_as_they_are() {
    let ground = full();
    let precious = ground.path().join("precious");
    put(&precious.join("file"), b"x");
    std::fs::remove_dir_all(ground.dir("a").join("traces")).expect("removed");
    symlink(&precious, ground.dir("a").join("traces")).expect("linked");
    std::fs::remove_dir_all(ground.layout("a").cache_dir).expect("removed");
    symlink(&precious, ground.layout("a").cache_dir).expect("linked");
    ground.put("a", "notes.txt", 5);
    let done = pruned(&ground, PruneOptions { with_audit: true, ..options() });
    assert_eq!(done.outcome, Outcome::Removed, "{}", done.reason);
    assert!(precious.join("file").exists());
    assert!(ground.layout("a").cache_dir.is_symlink());
    assert_eq!(names(&ground.dir("a")), ["instance.json", "lock", "notes.txt"].map(String::from).into());
    assert!(done.kept.iter().any(|part| part.what == "other" && part.path.ends_with("notes.txt")));
}

/// A cache that was chosen may be anybody's, and so may the folder of a log.
#[test]
fn what_lies_elsewhere_is_named_and_kept() {
    let ground = Ground::new();
    let chosen = ground.path().join("chosen");
    put(&chosen.join("entry"), b"x");
    let log = ground.path().join("logs/a.log");
    put(&log, b"{}");
    ground.stopped("a");
    let marker = serde_json::json!({"configPath": "/a", "auditPath": log, "cacheDir": chosen});
    put(&ground.dir("a").join(MARKER), marker.to_string().as_bytes());
    let done = pruned(&ground, PruneOptions { with_audit: true, ..options() });
    assert_eq!(done.outcome, Outcome::Removed, "{}", done.reason);
    assert_eq!(done.kept.iter().map(|part| part.what).collect::<Vec<_>>(), ["audit", "cache"]);
    assert!(log.exists() && chosen.join("entry").exists() && !ground.dir("a").exists());
}

/// Two prunes, or a prune and a start, at the same time: one of them has the instance, and it is never half there.
#[test]
fn starting_and_pruning_at_once_is_safe() {
    let ground = Ground::new();
    ground.stopped("a");
    let (roots, layout) = (ground.roots(), ground.layout("a"));
    std::thread::scope(|scope| {
        let pruning = scope.spawn(|| {
            for _ in 0..300 {
                if let Some(found) = crate::look_up(&roots, "a") {
                    let done = prune(&roots, &found, PruneOptions { with_audit: true, ..options() });
                    assert!(matches!(done.outcome, Outcome::Removed | Outcome::Kept), "{}", done.reason);
                }
            }
        });
        while !pruning.is_finished() {
            let lock = layout.claim(None).expect("never taken away for long");
            lock.publish(&crate::testing::record("a", std::process::id())).expect("its folder is there");
            assert!(layout.runtime_path.exists() && layout.lock_path.exists());
        }
    });
}

#[test]
fn what_a_killed_prune_left_is_swept() {
    let ground = full();
    let roots = ground.roots();
    let [old, new] = ["old", "new"].map(|name| roots.instances().join(format!("{TRASH_PREFIX}{name}")));
    for path in [&old, &new] {
        put(&path.join("file"), b"x");
    }
    let long_ago = SystemTime::now() - open_cli_files::TEMPORARY_AGE * 2;
    File::open(&old).and_then(|folder| folder.set_modified(long_ago)).expect("aged");
    assert_eq!(sweep(&roots), 1);
    assert!(!old.exists() && new.exists());
}
