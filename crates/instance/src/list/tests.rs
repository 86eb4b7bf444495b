//! What an operator sees of each kind of instance.

use super::*;
use crate::InstanceState::{Foreign, Running, Stale, Stopped};
use crate::layout::{LOCK, RUNTIME_RECORD};
use crate::testing::{Ground, alive, gone, put, record};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

/// Rows: how a folder came to be, what it is, and a word of the reason.
#[test]
fn the_state_of_an_instance_follows_the_lock() {
    type Make = fn(&Ground);
    let rows: [(&str, Make, InstanceState, &str); 15] = [
        ("an orderly end", |g| g.stopped("a"), Stopped, ""),
        ("a kill", |g| g.stale("a"), Stale, "without cleaning up"),
        (
            "a kill, and its pid is used again",
            |g| {
                g.stale("a");
                let again = serde_json::to_vec(&record("a", std::process::id())).expect("json");
                put(&g.dir("a").join(RUNTIME_RECORD), &again);
            },
            Stale,
            "another process has its pid",
        ),
        ("only an audit log", |g| drop(g.put("a", "audit.log", 3)), Stopped, ""),
        ("an empty folder", |g| std::fs::create_dir_all(g.dir("a")).expect("made"), Stopped, ""),
        ("a folder of somebody else", |g| drop(g.put("a", "notes.txt", 3)), Foreign, "nothing in it"),
        (
            "a broken record",
            |g| {
                g.stopped("a");
                put(&g.dir("a").join(RUNTIME_RECORD), b"{\"pid\":");
            },
            Foreign,
            "is no record",
        ),
        (
            "a record of an unknown shape",
            |g| put(&g.dir("a").join(RUNTIME_RECORD), b"{\"version\":2,\"processes\":[1]}"),
            Foreign,
            "is no record",
        ),
        (
            "a folder that was copied",
            |g| {
                g.stale("b");
                std::fs::rename(g.dir("b"), g.dir("a")).expect("renamed");
            },
            Foreign,
            "of the instance b",
        ),
        ("the reference, killed", |g| g.of_reference("a", gone()), Stale, "is gone"),
        ("the reference, running", |g| g.of_reference("a", std::process::id()), Foreign, "without a lock"),
        (
            "the reference, where we ran before",
            |g| {
                g.stopped("a");
                g.of_reference("a", std::process::id());
            },
            Foreign,
            "without a lock",
        ),
        ("the reference, without a pid", |g| g.of_reference("a", 0), Foreign, "names no process"),
        (
            "the reference, killed, its pid used again",
            |g| {
                g.of_reference("a", std::process::id());
                let old = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
                let file = std::fs::File::options().append(true).open(g.dir("a").join(RUNTIME_RECORD));
                file.and_then(|file| file.set_modified(old)).expect("aged");
            },
            Stale,
            "is gone",
        ),
        (
            "a record that is a pipe",
            |g| {
                std::fs::create_dir_all(g.dir("a")).expect("made");
                let made = std::process::Command::new("mkfifo").arg(g.dir("a").join(RUNTIME_RECORD)).status();
                assert!(made.expect("mkfifo").success());
            },
            Foreign,
            "no plain file",
        ),
    ];
    for (what, make, state, reason) in rows {
        let ground = Ground::new();
        make(&ground);
        let found = ground.look("a");
        assert_eq!(found.state, state, "{what}: {}", found.reason);
        assert!(
            found.reason.contains(reason) && found.reason.is_empty() == reason.is_empty(),
            "{what}: {}",
            found.reason
        );
    }
}

#[test]
fn a_lock_counts_for_the_process_that_it_names() {
    let ground = Ground::new();
    let lock = ground.running("a");
    assert_eq!(ground.look("a").state, Running);
    lock.withdraw();
    let starting = ground.look("a");
    assert_eq!((starting.state, starting.url.as_str(), starting.pid), (Running, "", std::process::id()));

    // The record of somebody else, while we have the lock.
    let mut other = alive();
    lock.publish(&record("a", other.id())).expect("published");
    let found = ground.look("a");
    assert_eq!(found.state, Foreign, "{}", found.reason);
    assert!(found.reason.contains(&other.id().to_string()), "{}", found.reason);
    drop(other.stdin.take());
    other.wait().expect("ended");
    drop(lock);

    // Somebody holds the lock who is not the one that it names.
    ground.stale("b");
    put(&ground.dir("b").join(LOCK), format!("{{\"pid\":{},\"startTime\":1}}", std::process::id()).as_bytes());
    let _intruder = ground.intruder("b");
    let found = ground.look("b");
    assert!(
        found.state == Foreign && found.reason.contains("another program"),
        "{} {}",
        found.state,
        found.reason
    );
}

#[test]
fn everything_that_is_known_is_told() {
    let ground = Ground::new();
    let _lock = ground.running("a");
    ground.put("a", "audit.log", 10);
    ground.put("a", "audit.log.000000000001.gz", 5);
    ground.put("a", "traces/1.jsonl", 7);
    ground.put("a", "oauth/x.json", 3);
    ground.cached("a", 20);
    let found = ground.look("a");
    let sizes = Sizes { audit_bytes: 15, cache_bytes: 20, traces_bytes: 7, oauth_bytes: 3, complete: true };
    assert_eq!((found.sizes, found.sizes.total()), (sizes, 45));
    assert_eq!((found.pid, found.version.as_str()), (std::process::id(), "0.1.0"));
    assert_eq!(found.config_path, "/srv/a/.cli.json");
    assert!(found.last_used_at.is_some() && found.started_at.is_some());
    let json = serde_json::to_value(&found).expect("json");
    let names: Vec<&str> = json.as_object().expect("object").keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "id",
            "state",
            "url",
            "bindAddress",
            "pid",
            "version",
            "startedAt",
            "configPath",
            "stateDir",
            "auditPath",
            "cacheDir",
            "lastUsedAt",
            "sizes"
        ]
    );
}

/// What was placed elsewhere is still known when nobody runs.
#[test]
fn a_stopped_instance_keeps_its_configuration_and_places() {
    let ground = Ground::new();
    let (audit, cache) = (ground.path().join("logs/a.log"), ground.path().join("c"));
    let options = crate::InstanceOptions {
        instance_id: Some("a".into()),
        state_dir: Some(ground.path().join("state")),
        audit_path: Some(audit.clone()),
        cache_dir: Some(cache.clone()),
        ..crate::InstanceOptions::default()
    };
    let layout = crate::resolve(&options, &crate::Environment::default()).expect("resolvable");
    drop(layout.claim(Some(&ground.config("a"))).expect("free"));
    put(&audit, b"1234");
    let found = ground.look("a");
    assert_eq!((&found.audit_path, &found.cache_dir, found.sizes.audit_bytes), (&audit, &cache, 4));
    assert_eq!(found.config_path, ground.config("a").display().to_string());
}

#[test]
fn the_list_is_sorted_and_never_leaves_the_root() {
    let ground = Ground::new();
    for id in ["b", "a"] {
        ground.stopped(id);
    }
    let instances = ground.roots().instances();
    let outside = ground.path().join("outside");
    put(&outside.join("audit.log"), &[b'x'; 100]);
    symlink(&outside, instances.join("link")).expect("linked");
    put(&instances.join("a-file"), b"x");
    std::fs::create_dir(instances.join("Not An Id")).expect("made");
    std::fs::create_dir(instances.join(format!("{TRASH_PREFIX}x"))).expect("made");
    std::fs::create_dir(instances.join(OsString::from_vec(vec![0xff]))).expect("made");

    let listing = list(&ground.roots()).expect("readable");
    assert!(listing.is_complete);
    let found: Vec<(&str, InstanceState, u64)> =
        listing.instances.iter().map(|i| (i.id.as_str(), i.state, i.sizes.total())).collect();
    assert_eq!(
        found,
        [
            ("Not An Id", Foreign, 0),
            ("a", Stopped, 0),
            ("b", Stopped, 0),
            ("link", Foreign, 0),
            ("\u{fffd}", Foreign, 0)
        ]
    );
    for id in ["", ".", "..", "a/../b", "nothing"] {
        assert!(look_up(&ground.roots(), id).is_none(), "{id}");
    }
}

#[test]
fn a_missing_root_has_no_instances_and_an_unreadable_one_is_an_error() {
    let ground = Ground::new();
    assert!(list(&ground.roots()).expect("missing is fine").instances.is_empty());
    put(&ground.roots().instances(), b"a file");
    assert!(list(&ground.roots()).is_err());
}

/// Needs root, to give a folder away.
#[test]
fn a_folder_of_another_user_is_foreign() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let ground = Ground::new();
    ground.stale("a");
    std::os::unix::fs::chown(ground.dir("a"), Some(4242), None).expect("given away");
    let found = ground.look("a");
    assert!(found.state == Foreign && found.reason.contains("4242"), "{}", found.reason);
    assert_eq!(found.sizes.total(), 0, "not looked into");
    // For root the owner of the root counts: an operator looks after the folder of a service.
    std::os::unix::fs::chown(ground.roots().instances(), Some(4242), None).expect("given away");
    assert_eq!(ground.look("a").state, Stale);
}
