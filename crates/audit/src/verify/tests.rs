//! Logs of several segments, as they are and after somebody changed them.

mod law;

use super::*;
use crate::{AuditLog, AuditOptions};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use open_cli_contract::audit::AuditEvent;
use open_cli_files::{Durability, replace};
use std::io::{Read, Write};
use std::path::PathBuf;

/// Rotation only where a test asks for it.
fn options() -> AuditOptions {
    AuditOptions { rotate_bytes: None, rotate_age: None, ..AuditOptions::default() }
}

/// A log with so many records to a file, the last of them live; all in the head.
fn log_of(path: &Path, sizes: &[usize], sealed: bool) {
    for (number, size) in sizes.iter().enumerate() {
        let is_last = number + 1 == sizes.len();
        let rotate_bytes = (!is_last).then_some(1);
        // A size of one byte puts aside what a whole session wrote, at its end.
        let (log, report) =
            AuditLog::open_with(path, AuditOptions { sealing: sealed, ..options() }).expect("opened");
        assert_eq!(report.tampering, []);
        append(&log, *size);
        drop(log);
        if rotate_bytes.is_some() {
            put_aside(path, sealed);
        }
    }
}

fn append(log: &AuditLog, count: usize) {
    for i in 0..count {
        let event = AuditEvent {
            tool_id: format!("tool-{i}"),
            principal: "x".repeat(i % 7),
            reason_code: "allowed".into(),
            ..AuditEvent::default()
        };
        log.append(&event).expect("written");
    }
}

/// Opens a log only to put its live file aside.
fn put_aside(path: &Path, sealed: bool) {
    let options = AuditOptions { rotate_bytes: Some(1), sealing: sealed, ..options() };
    let (log, _) = AuditLog::open_with(path, options).expect("opened");
    append(&log, 1);
    log.sync().expect("synced");
    log.settle();
}

fn check(path: &Path) -> VerifyReport {
    verify(path, &VerifyOptions::default()).expect("there is a log")
}

/// Files with records: path, and text.
fn texts(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let segments = Layout::new(path).segments().expect("readable").into_iter().map(|segment| segment.path);
    let read = |path: PathBuf| {
        let mut text = std::fs::read(&path).expect("readable");
        if path.extension().is_some_and(|extension| extension == "gz") {
            let packed = std::mem::take(&mut text);
            MultiGzDecoder::new(&*packed).read_to_end(&mut text).expect("gzip");
        }
        (path, text)
    };
    segments.chain([path.to_owned()]).map(read).collect()
}

/// Puts another text into a file, keeping its format.
fn put(path: &Path, text: &[u8]) {
    if path.extension().is_some_and(|extension| extension == "gz") {
        // Through the format's own writer where it can be, or else as any gzip file.
        let source = path.with_extension("source");
        replace(&source, text, Durability::Unsynced).expect("written");
        crate::sealed::write_segment(&source, path, &path.with_extension("idx")).expect("sealed");
        std::fs::remove_file(source).expect("removed");
    } else {
        replace(path, text, Durability::Unsynced).expect("written");
    }
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn an_untouched_log_verifies_in_every_form() {
    for sealed in [true, false] {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("audit.log");
        log_of(&path, &[3, 5, 1, 4], sealed);
        let report = check(&path);
        assert_eq!(report.problems, [], "{report:?}");
        // Each rotation adds the record that asked for it.
        assert_eq!((report.files, report.records, report.first_seq, report.last_seq), (4, 16, 1, 16));
        assert_eq!((report.head_seq, report.records_after_head, report.torn_bytes), (16, 0, 0));
        assert!(report.keys_from_log && report.key_ids.len() == 1);
        let bytes: usize = texts(&path).iter().map(|(_, text)| text.len()).sum();
        assert_eq!(report.bytes, bytes as u64);
    }
}

#[test]
fn there_has_to_be_a_log() {
    let root = tempfile::tempdir().expect("temporary directory");
    let error = verify(&root.path().join("audit.log"), &VerifyOptions::default()).expect_err("nothing there");
    assert!(error.to_string().contains("audit.log"), "{error}");
}

#[test]
fn the_first_bad_record_is_named_with_its_file_and_line() {
    type Change = fn(&mut Vec<Vec<u8>>);
    let cases: [(&str, Change, ProblemKind, u64, &[u64]); 8] = [
        ("edited", |lines| lines[2][30] ^= 1, ProblemKind::Altered, 3, &[3]),
        ("removed", |lines| drop(lines.remove(2)), ProblemKind::Missing, 3, &[4]),
        ("two swapped", |lines| lines.swap(2, 3), ProblemKind::Missing, 3, &[4]),
        ("doubled", |lines| lines.insert(3, lines[2].clone()), ProblemKind::OutOfOrder, 4, &[3]),
        ("moved", |lines| lines[1..5].rotate_right(1), ProblemKind::Missing, 2, &[5]),
        ("a line added", |lines| lines.insert(2, b"{}\n".to_vec()), ProblemKind::NotARecord, 3, &[]),
        ("an empty line added", |lines| lines.insert(2, b"\n".to_vec()), ProblemKind::NotARecord, 3, &[]),
        ("emptied", |lines| lines.truncate(0), ProblemKind::Missing, 0, &[]),
    ];
    for sealed in [true, false] {
        for (what, change, kind, line, seqs) in cases {
            let root = tempfile::tempdir().expect("temporary directory");
            let path = root.path().join("audit.log");
            log_of(&path, &[5, 3], sealed);
            let (file, text) = texts(&path).remove(0);
            let mut lines = lines(&text);
            change(&mut lines);
            put(&file, &lines.concat());
            let report = check(&path);
            let problem = report.problems.iter().find(|problem| problem.kind == kind).expect(what);
            if line > 0 {
                let name = file.file_name().expect("named").to_string_lossy();
                assert_eq!((&*problem.file, problem.line), (&*name, Some(line)), "{what}: {report:?}");
                assert_eq!(problem.seq.into_iter().collect::<Vec<_>>(), seqs, "{what}");
                assert_eq!(problem, &report.problems[0], "{what}: {report:?}");
            }
        }
    }
}

#[test]
fn what_is_cut_off_the_end_is_found_by_the_head() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    log_of(&path, &[4], true);
    let (_, text) = texts(&path).remove(0);
    for kept in 0..4 {
        put(&path, &lines(&text)[..kept].concat());
        let report = check(&path);
        let problem = &report.problems[0];
        assert_eq!((problem.kind, problem.seq), (ProblemKind::Truncated, Some(kept as u64 + 1)), "{report:?}");
        assert!(problem.message.contains("to 4 are missing"), "{problem}");
    }
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(check(&path).problems[0].kind, ProblemKind::Truncated);
}

/// The chain can be computed by anybody; signatures can't.
#[test]
fn a_chain_that_was_computed_anew_is_found_by_what_was_signed() {
    for part in [0, 1] {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("audit.log");
        log_of(&path, &[4, 3], true);
        let mut at = crate::chain::Position { seq: 0, hash: Hash::ZERO };
        for (number, (file, text)) in texts(&path).into_iter().enumerate() {
            let mut new = Vec::new();
            for line in lines(&text) {
                let line = String::from_utf8(line).expect("text");
                let (mut body, _) =
                    line.split_once(",\"seq\":").map(|(body, rest)| (body.to_owned() + "}", rest)).expect("link");
                if number >= part {
                    body = body.replace("allowed", "ALLOWED");
                }
                at = crate::chain::splice(&mut new, body.as_bytes(), at);
            }
            put(&file, &new);
        }
        let report = check(&path);
        assert!(!report.is_ok());
        let kinds: Vec<_> = report.problems.iter().map(|problem| problem.kind).collect();
        match part {
            0 => assert_eq!(kinds, [ProblemKind::Segment, ProblemKind::Altered]),
            _ => assert_eq!(kinds, [ProblemKind::Altered], "the head knows the last record"),
        }
    }
}

#[test]
fn every_file_beside_the_log_is_missed_and_none_can_be_exchanged() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (path, other) = (root.path().join("audit.log"), root.path().join("other.log"));
    log_of(&path, &[2, 2], true);
    log_of(&other, &[3, 1], true);
    let (layout, others) = (Layout::new(&path), Layout::new(&other));
    let sealed = layout.segments().expect("readable")[0].first_seq;
    for (file, from_other, kind) in [
        (layout.head(), others.head(), ProblemKind::Head),
        (layout.public_keys(), others.public_keys(), ProblemKind::Key),
        (layout.statement(sealed), others.statement(sealed), ProblemKind::Segment),
        (layout.sealed(sealed), others.sealed(sealed), ProblemKind::Missing),
        (layout.live().to_owned(), other.clone(), ProblemKind::Truncated),
    ] {
        let content = std::fs::read(&file).expect("readable");
        std::fs::remove_file(&file).expect("removed");
        let report = check(&path);
        assert!(report.problems.iter().any(|problem| problem.kind == kind), "{file:?}: {report:?}");
        std::fs::copy(&from_other, &file).expect("exchanged");
        assert!(!check(&path).is_ok(), "{file:?}");
        replace(&file, &content, Durability::Unsynced).expect("restored");
        assert!(check(&path).is_ok(), "{file:?}");
    }
    // The index can be made from the segment.
    std::fs::remove_file(layout.index(sealed)).expect("removed");
    assert!(check(&path).is_ok());
}

#[test]
fn keys_that_the_operator_kept_count_more_than_those_beside_the_log() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (path, other) = (root.path().join("audit.log"), root.path().join("other.log"));
    log_of(&path, &[2, 2], true);
    log_of(&other, &[1], true);
    let with = |keys| verify(&path, &VerifyOptions { keys, ..VerifyOptions::default() }).expect("there");
    let own = PublicKey::read_all(&Layout::new(&path).public_keys()).expect("keys");
    let report = with(own);
    assert!(report.is_ok() && !report.keys_from_log);
    let foreign = PublicKey::read_all(&Layout::new(&other).public_keys()).expect("keys");
    let kinds: Vec<_> = with(foreign).problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Segment, ProblemKind::Head]);
}

#[test]
fn a_log_taken_back_with_its_head_is_found_by_what_was_exported() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let layout = Layout::new(&path);
    log_of(&path, &[3], true);
    let old = [path.clone(), layout.head()].map(|file| (std::fs::read(&file).expect("readable"), file));
    log_of(&path, &[3], true);
    let report = check(&path);
    let known = vec![(report.last_seq, report.last_hash.clone())];
    let with = |known: &[(u64, String)]| {
        verify(&path, &VerifyOptions { known: known.to_vec(), ..VerifyOptions::default() }).expect("there")
    };
    assert!(with(&known).is_ok());
    assert!(!with(&[(2, report.last_hash)]).is_ok());
    for (content, file) in &old {
        replace(file, content, Durability::Unsynced).expect("taken back");
    }
    assert!(check(&path).is_ok(), "nothing in the files tells");
    assert_eq!(with(&known).problems[0].kind, ProblemKind::Truncated);
}

#[test]
fn a_log_may_be_in_use() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let options =
        AuditOptions { rotate_bytes: Some(4_000), retain_bytes: Some(30_000), ..AuditOptions::default() };
    let (log, _) = AuditLog::open_with(&path, options).expect("opened");
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..60 {
                append(&log, 20);
                log.sync().expect("synced");
            }
            is_done.store(true, Ordering::Relaxed);
        });
        while !is_done.load(Ordering::Relaxed) {
            let report = check(&path);
            assert_eq!(report.problems, [], "{report:?}");
        }
    });
    log.settle();
    let stats = log.stats();
    assert!(stats.segments_sealed > 10 && stats.segments_removed > 3 && stats.failures == 0, "{stats:?}");
    let report = check(&path);
    assert_eq!((report.problems, report.removed_until + 1), (vec![], report.first_seq));
}

/// An ordinary gzip file is no sealed segment, even with the right text.
#[test]
fn a_segment_that_was_packed_by_another_program_is_read_or_told() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    log_of(&path, &[3, 3], true);
    let (file, mut text) = texts(&path).remove(0);
    for is_changed in [false, true] {
        if is_changed {
            text[30] ^= 1;
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(&text).expect("packed");
        replace(&file, &packer.finish().expect("packed"), Durability::Unsynced).expect("written");
        assert!(!check(&path).is_ok());
    }
}
