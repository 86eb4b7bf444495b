//! What happens to the file under the writer.

use super::*;
use std::fs::read_to_string;

fn event(tool_id: &str) -> AuditEvent {
    AuditEvent { tool_id: tool_id.into(), ..AuditEvent::default() }
}

/// As if the last look at the path was long ago.
fn forget_last_look(writer: &mut Writer) {
    writer.looked_at = Instant::now().checked_sub(LOOK_EVERY).expect("the machine runs for a second");
}

#[test]
fn a_log_that_was_moved_away_or_removed_is_begun_anew() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (path, rotated) = (root.path().join("logs/audit.log"), root.path().join("audit.log.1"));
    let mut writer = Writer::open(&path, AuditOptions::default()).expect("opened");
    writer.append(&event("a")).expect("written");
    std::fs::rename(&path, &rotated).expect("rotated");
    writer.append(&event("b")).expect("written to the moved file");
    forget_last_look(&mut writer);
    writer.append(&event("c")).expect("written to a new file");
    let moved = read_to_string(&rotated).expect("readable");
    assert_eq!((moved.lines().count(), moved.contains("\"b\"")), (2, true));
    assert!(read_to_string(&path).expect("there again").contains("\"c\""));

    std::fs::remove_dir_all(root.path().join("logs")).expect("removed");
    forget_last_look(&mut writer);
    writer.append(&event("d")).expect("written to a new file in a new directory");
    assert_eq!(read_to_string(&path).expect("there again").lines().count(), 1);
}

#[test]
fn a_log_that_cannot_be_opened_again_is_an_error_until_it_can() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut writer = Writer::open(&path, AuditOptions::default()).expect("opened");
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("something in the way");
    for _ in 0..2 {
        forget_last_look(&mut writer);
        let error = writer.append(&event("a")).expect_err("not written");
        assert!(matches!(error, AuditError::Unavailable(_)), "{error}");
    }
    std::fs::remove_dir(&path).expect("removed");
    writer.append(&event("b")).expect("written");
    assert_eq!(read_to_string(&path).expect("readable").lines().count(), 1);
}

/// Weakness 53. A device that is always full stands for a full disk.
#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost_once_there_is_space() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    std::os::unix::fs::symlink(full, &path).expect("linked");
    let mut writer = Writer::open(&path, AuditOptions::default()).expect("opened");
    for _ in 0..3 {
        let error = writer.append(&event("lost")).expect_err("no space");
        let AuditError::Write { cause, .. } = &error else { panic!("{error}") };
        assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
    }
    std::fs::remove_file(&path).expect("unlinked");
    forget_last_look(&mut writer);
    writer.append(&event("kept")).expect("written");
    writer.append(&event("kept")).expect("written");
    let text = read_to_string(&path).expect("readable");
    assert_eq!(text.lines().filter(|line| line.contains("kept")).count(), 2, "{text}");
    assert!(text.starts_with('{') && text.ends_with("}\n"), "{text}");
}

#[test]
fn a_log_that_another_process_keeps_locked_is_an_error_that_says_so() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut writer = Writer::open(&path, AuditOptions::default()).expect("opened");
    let other = append_private(&path).expect("opened");
    other.lock().expect("free");
    let error = writer.append(&event("a")).expect_err("locked");
    assert!(matches!(error, AuditError::Locked { .. }), "{error}");
    other.unlock().expect("released");
    writer.append(&event("a")).expect("written");
}

/// Weakness 54.
#[test]
fn a_log_that_is_full_is_put_aside_and_the_oldest_removed() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let options =
        AuditOptions { rotation: Some(crate::Rotation { max_bytes: 300, keep: 2 }), ..Default::default() };
    let mut writer = Writer::open(&path, options).expect("opened");
    for i in 0..9 {
        // About 90 bytes: three to a file.
        writer.append(&event(&format!("t{i}"))).expect("written");
        if i == 4 {
            writer = Writer::open(&path, options).expect("a restart counts what is there");
        }
    }
    let tools = |name: &str| {
        let text = read_to_string(root.path().join(name)).expect("readable");
        text.lines().map(|line| line.split('"').nth(7).expect("tool id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tools("audit.log"), ["t6", "t7", "t8"]);
    assert_eq!(tools("audit.log.1"), ["t3", "t4", "t5"]);
    assert_eq!(tools("audit.log.2"), ["t0", "t1", "t2"]);
    writer.append(&event("t9")).expect("written");
    assert_eq!(
        (tools("audit.log"), tools("audit.log.2")),
        (vec!["t9".to_owned()], ["t3", "t4", "t5"].map(String::from).into())
    );
    assert_eq!(std::fs::read_dir(root.path()).expect("readable").count(), 3);
}

#[test]
fn a_log_that_cannot_be_put_aside_goes_on() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    std::fs::create_dir_all(root.path().join("audit.log.1/in the way")).expect("created");
    let options = AuditOptions { rotation: Some(crate::Rotation { max_bytes: 1, keep: 1 }), ..Default::default() };
    let mut writer = Writer::open(&path, options).expect("opened");
    for _ in 0..3 {
        writer.append(&event("a")).expect("written");
    }
    assert_eq!(read_to_string(&path).expect("readable").lines().count(), 3);
}
