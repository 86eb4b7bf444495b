//! What happens to the file under the writer.

use super::*;
use crate::chain::{Hash, Link};
use std::fs::read_to_string;

fn open(path: &Path) -> Writer {
    Writer::open(&Layout::new(path), &Arc::default()).expect("opened")
}

fn append(writer: &mut Writer, tool_id: &str) -> Result<Position, AuditError> {
    let body = format!("{{\"timestamp\":\"2026-01-01T00:00:00Z\",\"toolId\":\"{tool_id}\"}}");
    writer.append(std::iter::once(body.as_bytes()))
}

/// As if the last look at the path was long ago.
fn forget_last_look(writer: &mut Writer) {
    writer.looked_at = Instant::now().checked_sub(LOOK_EVERY).expect("the machine runs for a second");
}

/// Do these lines follow each other, from the first record of a log on?
fn is_chain(text: &str) -> bool {
    let mut at = Position { seq: 0, hash: Hash::ZERO };
    text.lines().all(|line| {
        let link = Link::of(line.as_bytes());
        let follows = link == Some(Link { seq: at.seq + 1, prev: at.hash });
        at = Position { seq: at.seq + 1, hash: Hash::of(line.as_bytes()) };
        follows
    })
}

#[test]
fn a_log_that_was_moved_away_or_removed_is_begun_anew_and_its_chain_goes_on() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (path, rotated) = (root.path().join("logs/audit.log"), root.path().join("audit.log.1"));
    let mut writer = open(&path);
    append(&mut writer, "a").expect("written");
    std::fs::rename(&path, &rotated).expect("rotated");
    append(&mut writer, "b").expect("written to the moved file");
    forget_last_look(&mut writer);
    append(&mut writer, "c").expect("written to a new file");
    let moved = read_to_string(&rotated).expect("readable");
    assert_eq!((moved.lines().count(), moved.contains("\"b\"")), (2, true));
    let new = read_to_string(&path).expect("there again");
    assert!(new.contains("\"c\"") && is_chain(&(moved + &new)));

    std::fs::remove_dir_all(root.path().join("logs")).expect("removed");
    append(&mut writer, "d").expect("written to a new file in a new directory, at once");
    assert_eq!(read_to_string(&path).expect("there again").lines().count(), 1);
    assert_eq!(writer.place().position.seq, 4);
}

#[test]
fn a_log_that_cannot_be_opened_again_is_an_error_until_it_can() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut writer = open(&path);
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("something in the way");
    for _ in 0..2 {
        forget_last_look(&mut writer);
        let error = append(&mut writer, "a").expect_err("not written");
        assert!(matches!(error, AuditError::Unavailable(_)), "{error}");
    }
    std::fs::remove_dir(&path).expect("removed");
    append(&mut writer, "b").expect("written");
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
    let mut writer = open(&path);
    for _ in 0..3 {
        let error = append(&mut writer, "lost").expect_err("no space");
        let AuditError::Write { cause, .. } = &error else { panic!("{error}") };
        assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
    }
    std::fs::remove_file(&path).expect("unlinked");
    forget_last_look(&mut writer);
    append(&mut writer, "kept").expect("written");
    append(&mut writer, "kept").expect("written");
    let text = read_to_string(&path).expect("readable");
    assert!(text.lines().count() == 2 && is_chain(&text), "{text}");
}

#[test]
fn a_log_that_another_process_keeps_locked_is_an_error_that_says_so() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut writer = open(&path);
    let other = append_private(&path).expect("opened");
    other.lock().expect("free");
    let error = append(&mut writer, "a").expect_err("locked");
    assert!(matches!(error, AuditError::Locked { .. }), "{error}");
    other.unlock().expect("released");
    append(&mut writer, "a").expect("written");
}

/// Weakness 54.
#[test]
fn a_log_put_aside_is_named_after_its_first_record_and_gets_no_more_lines_from_anybody() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let (mut writer, mut other) = (open(&path), open(&path));
    assert_eq!(writer.put_aside().expect("nothing to do"), None);
    let mut text = String::new();
    for round in 0..3_u64 {
        append(&mut writer, "a").expect("written");
        append(&mut other, "b").expect("written");
        let aside = writer.put_aside().expect("put aside").expect("something to put aside");
        assert_eq!((aside.first_seq, aside.last.seq), (round * 2 + 1, round * 2 + 2));
        text += &read_to_string(Layout::new(&path).pending(aside.first_seq)).expect("readable");
    }
    append(&mut other, "b").expect("written");
    let live = read_to_string(&path).expect("readable");
    assert_eq!((text.lines().count(), live.lines().count()), (6, 1));
    assert!(is_chain(&(text + &live)));
}

#[test]
fn a_log_is_never_put_aside_over_another_one() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut writer = open(&path);
    append(&mut writer, "a").expect("written");
    append_private(&Layout::new(&path).sealed(1)).expect("something in the way");
    writer.put_aside().expect_err("not put aside");
    append(&mut writer, "b").expect("it goes on growing");
    assert!(is_chain(&read_to_string(&path).expect("readable")));
}

#[test]
fn events_that_are_written_together_are_in_the_log_together() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let mut writer = open(&path);
    let bodies = ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"];
    let last = writer.append(bodies.iter().map(|body| body.as_bytes())).expect("written");
    assert_eq!((last.seq, writer.place().first_seq), (3, Some(1)));
    assert!(is_chain(&read_to_string(&path).expect("readable")));
    assert_eq!(writer.stats.snapshot().records, 3);
}
