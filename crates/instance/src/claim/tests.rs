//! Owning an instance, as its users see it; liveness included.

use super::*;
use crate::marker::MARKER;
use crate::{Environment, InstanceOptions, Liveness, liveness, resolve};
use open_cli_files::{Durability, replace};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const CHILD_VARIABLE: &str = "OPEN_CLI_INSTANCE_TEST_ROOT";

fn layout(root: &Path, id: Option<&str>, config: Option<&str>) -> Layout {
    let options = InstanceOptions {
        instance_id: id.map(String::from),
        state_dir: Some(root.join("state")),
        config_path: config.map(PathBuf::from),
        ..InstanceOptions::default()
    };
    resolve(&options, &Environment::default()).expect("resolvable")
}

fn record(pid: u32) -> RuntimeRecord {
    RuntimeRecord {
        instance_id: "a".into(),
        url: "http://127.0.0.1:8765".into(),
        pid,
        audit_path: String::new(),
        cache_dir: String::new(),
        bind_address: String::new(),
        version: String::new(),
        started_at: None,
        config_path: String::new(),
    }
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

/// Weakness 28.
#[test]
fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    let first = layout.claim(None).expect("free");
    let error = layout.claim(None).expect_err("taken").to_string();
    let pid = format!("pid {}", std::process::id());
    assert!(
        error.contains("already running") && error.contains(&pid) && error.contains("--instance-id"),
        "{error}"
    );

    first.publish(&record(std::process::id())).expect("published");
    let InstanceError::Held { pid, url, owner, .. } = layout.claim(None).expect_err("taken") else {
        panic!("another error")
    };
    assert_eq!((pid, url.as_deref()), (Some(std::process::id()), Some("http://127.0.0.1:8765")));
    assert!(owner.contains("http://127.0.0.1:8765"), "{owner}");
    assert!(layout.runtime_path.exists(), "the loser touches nothing");

    drop(first);
    assert!(!layout.runtime_path.exists());
    layout.claim(None).expect("free again");
}

/// Weakness 28: only our own record is withdrawn.
#[test]
fn a_record_of_another_process_is_not_withdrawn() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    let lock = layout.claim(None).expect("free");
    lock.publish(&record(1)).expect("published");
    lock.withdraw();
    assert!(layout.runtime_path.exists());
    lock.publish(&record(std::process::id())).expect("published");
    lock.withdraw();
    assert!(!layout.runtime_path.exists());
    lock.withdraw();
}

/// Weakness 32.
#[test]
fn everything_is_private_and_what_was_open_is_reported() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    let lock = layout.claim(Some(Path::new("/srv/.cli.json"))).expect("free");
    lock.publish(&record(std::process::id())).expect("published");
    assert!(lock.warnings().is_empty(), "{:?}", lock.warnings());
    for directory in [&layout.state_root, &layout.state_dir, &layout.cache_dir] {
        assert_eq!(mode_of(directory), 0o700, "{}", directory.display());
    }
    for file in [&layout.lock_path, &layout.runtime_path, &layout.state_dir.join(MARKER)] {
        assert_eq!(mode_of(file), 0o600, "{}", file.display());
    }
    drop(lock);
    std::fs::set_permissions(&layout.state_dir, std::fs::Permissions::from_mode(0o755)).expect("mode set");
    let lock = layout.claim(None).expect("free");
    let warnings: Vec<_> = lock.warnings().iter().map(ToString::to_string).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("mode 755"), "{warnings:?}");
}

/// Weakness 29.
#[test]
fn a_stale_record_is_removed_and_reported() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    std::fs::create_dir_all(&layout.state_dir).expect("created");
    write_runtime_record(&layout.runtime_path, &record(1)).expect("written");
    assert_eq!(liveness(&layout).expect("readable"), Liveness::Stale(record(1)));
    let lock = layout.claim(None).expect("free");
    assert_eq!(lock.replaced_stale(), Some(&record(1)));
    assert!(!layout.runtime_path.exists());
    drop(lock);

    replace(&layout.runtime_path, b"{", Durability::Unsynced).expect("written");
    let lock = layout.claim(None).expect("free");
    assert_eq!((lock.replaced_stale(), layout.runtime_path.exists()), (None, false));
}

/// Weakness 25.
#[test]
fn an_explicit_id_belongs_to_one_configuration() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (a, b) = (Path::new("/srv/a/.cli.json"), Path::new("/srv/b/.cli.json"));
    drop(layout(root.path(), Some("team a"), None).claim(Some(a)).expect("free"));
    drop(layout(root.path(), Some("team.a"), None).claim(Some(Path::new("/srv/x/../a/.cli.json"))).expect("same"));
    drop(layout(root.path(), Some("team-a"), None).claim(None).expect("no configuration, no claim to the state"));

    let layout = layout(root.path(), Some("TEAM_A"), None);
    let error = layout.claim(Some(b)).expect_err("another configuration").to_string();
    for part in ["/srv/a/.cli.json", "/srv/b/.cli.json", "--instance-id", "instance.json"] {
        assert!(error.contains(part), "{error}");
    }
    drop(layout.claim(Some(a)).expect("the refused claim gave the lock back and changed nothing"));
    std::fs::remove_file(layout.state_dir.join(MARKER)).expect("handed over, as the message says");
    drop(layout.claim(Some(b)).expect("now it belongs to b"));
    assert!(matches!(layout.claim(Some(a)), Err(InstanceError::OtherConfig { .. })));
    replace(&layout.state_dir.join(MARKER), b"{", Durability::Unsynced).expect("damaged");
    layout.claim(Some(a)).expect("a damaged marker says nothing");
}

/// Weakness 25: the message of a running instance, too, says whose it is.
#[test]
fn a_running_instance_of_another_configuration_is_named_by_its_configuration() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    let _owner = layout.claim(Some(Path::new("/srv/a/.cli.json"))).expect("free");
    let error = layout.claim(Some(Path::new("/srv/b/.cli.json"))).expect_err("another configuration");
    assert!(matches!(&error, InstanceError::OtherConfig { .. }), "{error}");
    assert!(matches!(layout.claim(Some(Path::new("/srv/a/.cli.json"))), Err(InstanceError::Held { .. })));
}

/// Weakness 25: whoever took the id of another configuration first keeps it, and both hear about it.
#[test]
fn a_derived_id_is_not_taken_over_from_a_configuration_that_chose_it() {
    let root = tempfile::tempdir().expect("temporary directory");
    let config = Path::new("/opt/billing/.cli.json");
    let derived = layout(root.path(), None, Some("/opt/billing/.cli.json"));
    let chosen = layout(root.path(), Some(derived.id.as_str()), None);
    drop(chosen.claim(Some(Path::new("/srv/b/.cli.json"))).expect("free"));
    let error = derived.claim(Some(config)).expect_err("it holds the state of another one").to_string();
    for part in ["/srv/b/.cli.json", "/opt/billing/.cli.json", "--instance-id"] {
        assert!(error.contains(part), "{error}");
    }
}

/// INST-2.
#[test]
fn the_id_without_a_configuration_is_everybodys() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), None, None);
    drop(layout.claim(Some(Path::new("/srv/a/.cli.json"))).expect("free"));
    layout.claim(Some(Path::new("/srv/b/.cli.json"))).expect("`default` is nobody's");
}

/// Weakness 27, as `id.rs` decides it: an explicit id joins two names of one file.
#[test]
fn two_names_of_one_configuration_may_share_an_explicit_id() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (real, link) = (root.path().join("v1.json"), root.path().join("current.json"));
    File::create(&real).expect("created");
    std::os::unix::fs::symlink(&real, &link).expect("linked");
    let layout = layout(root.path(), Some("a"), None);
    drop(layout.claim(Some(&real)).expect("free"));
    layout.claim(Some(&link)).expect("the same file");
}

#[test]
fn a_state_directory_that_cannot_be_used_is_an_error_and_a_cache_is_a_warning() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = root.path().join("file");
    File::create(&file).expect("created");
    let mut layout = layout(root.path(), Some("a"), None);
    layout.cache_dir = file.join("cache");
    let lock = layout.claim(None).expect("the state is fine");
    assert!(matches!(lock.warnings(), [ClaimWarning::NoCache(_)]), "{:?}", lock.warnings());
    layout.state_dir = file.join("instances/a");
    layout.lock_path = layout.state_dir.join("lock");
    let error = layout.claim(None).expect_err("no place for the state").to_string();
    assert!(error.contains("--state-dir") && error.contains("file/instances/a"), "{error}");
}

/// Weakness 31.
#[test]
fn leftovers_of_killed_writers_are_swept() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    for directory in [layout.state_dir.clone(), layout.state_dir.join("oauth"), layout.cache_dir.clone()] {
        std::fs::create_dir_all(&directory).expect("created");
        let leftover = directory.join(format!("{}x", open_cli_files::TEMPORARY_PREFIX));
        let file = File::create(&leftover).expect("created");
        file.set_modified(std::time::SystemTime::now() - open_cli_files::TEMPORARY_AGE * 2).expect("aged");
    }
    layout.claim(None).expect("free");
    for directory in [layout.state_dir.clone(), layout.state_dir.join("oauth"), layout.cache_dir.clone()] {
        let names = std::fs::read_dir(&directory).expect("readable").flatten().map(|entry| entry.file_name());
        assert!(!names.into_iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "{directory:?}");
    }
}

#[test]
fn liveness_follows_the_lock() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    let look = || liveness(&layout).expect("readable");
    assert_eq!(look(), Liveness::Stopped);
    let lock = layout.claim(Some(Path::new("/srv/.cli.json"))).expect("free");
    let Liveness::Running(starting) = look() else { panic!("{:?}", look()) };
    assert_eq!((starting.pid, starting.url.as_str()), (std::process::id(), ""));
    assert_eq!(starting.config_path, "/srv/.cli.json");
    lock.publish(&record(std::process::id())).expect("published");
    assert_eq!(look(), Liveness::Running(record(std::process::id())));
    drop(lock);
    assert_eq!(look(), Liveness::Stopped);
}

#[test]
fn looking_at_an_instance_does_not_keep_it_from_starting() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    drop(layout.claim(None).expect("free"));
    std::thread::scope(|scope| {
        scope.spawn(|| (0..2_000).for_each(|_| drop(liveness(&layout).expect("readable"))));
        for _ in 0..20 {
            drop(layout.claim(None).expect("free"));
        }
    });
}

/// A child that owns the instance is killed with SIGKILL: nobody cleans up, and the next owner needs no help.
#[test]
fn an_instance_whose_owner_was_killed_can_be_owned_at_once() {
    let root = tempfile::tempdir().expect("temporary directory");
    let layout = layout(root.path(), Some("a"), None);
    let mut child = Command::new(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "claim::tests::child_owns_until_killed", "--ignored", "--nocapture"])
        .env(CHILD_VARIABLE, root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawned");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let ready = output.lines().map_while(Result::ok).any(|line| line.contains("owned"));
    assert!(ready, "the child owns the instance");

    assert_eq!(liveness(&layout).expect("readable"), Liveness::Running(record(child.id())));
    let error = layout.claim(None).expect_err("owned by the child");
    assert!(matches!(&error, InstanceError::Held { pid: Some(pid), .. } if *pid == child.id()), "{error}");

    child.kill().expect("killed");
    child.wait().expect("reaped");
    assert_eq!(liveness(&layout).expect("readable"), Liveness::Stale(record(child.id())));
    let lock = layout.claim(None).expect("free");
    assert_eq!(lock.replaced_stale().map(|record| record.pid), Some(child.id()));
}

#[test]
#[ignore = "runs as a child of the test above"]
fn child_owns_until_killed() {
    let Some(root) = std::env::var_os(CHILD_VARIABLE) else { return };
    let lock = layout(Path::new(&root), Some("a"), None).claim(None).expect("free");
    lock.publish(&record(std::process::id())).expect("published");
    println!("owned");
    // Until the parent kills this process, or ends without doing so.
    let _ = std::io::stdin().lines().next();
}
