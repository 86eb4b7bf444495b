//! What a crash, a power loss or somebody else may leave, and what is made of it.

use super::*;
use crate::{AuditOptions, Problem, ProblemKind, VerifyOptions, VerifyReport, verify};
use std::fs;
use std::time::Duration;

fn plain() -> AuditOptions {
    options(crate::Durability::Written)
}

fn open(path: &Path) -> (AuditLog, OpenReport) {
    AuditLog::open_with(path, plain()).expect("opened")
}

fn append(log: &AuditLog, count: i64) {
    (0..count).for_each(|second| assert!(log.append(&event("t", second)).is_ok()));
}

fn check(path: &Path) -> VerifyReport {
    verify(path, &VerifyOptions::default()).expect("there is a log")
}

/// Puts the live file aside, with one record more, and seals it if asked to.
fn put_aside(path: &Path, sealing: bool) {
    let (log, _) =
        AuditLog::open_with(path, AuditOptions { rotate_bytes: Some(1), sealing, ..plain() }).expect("opened");
    append(&log, 1);
    log.sync().expect("synced");
    log.settle();
}

/// A copy of a log as it is on disk at this moment.
fn copy_of(path: &Path) -> (tempfile::TempDir, PathBuf) {
    let copy = tempfile::tempdir().expect("temporary directory");
    for entry in fs::read_dir(path.parent().expect("a parent")).expect("readable") {
        let entry = entry.expect("readable");
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
    }
    let path = copy.path().join("audit.log");
    (copy, path)
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).expect("opened").set_len(length).expect("cut");
}

/// What was not synced may be lost, at any byte, and nothing is wrong then.
#[test]
fn a_power_loss_is_no_tampering_whatever_it_leaves_of_what_was_not_synced() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    put_aside(&path, true);
    let (log, _) = open(&path);
    append(&log, 3);
    log.sync().expect("synced");
    let synced = log.synced_offset();
    append(&log, 2);
    let (_copy, copy) = copy_of(&path);
    let length = fs::metadata(&copy).expect("there").len();
    assert!(synced < length);
    let content = fs::read(&copy).expect("readable");
    let head = fs::read(copy.with_extension("log.head")).expect("readable");
    drop(log);
    for kept in synced..=length {
        open_cli_files::replace(&copy, &content[..kept as usize], Durability::Unsynced).expect("written");
        // The head as it was at the crash, not as later openings left it.
        open_cli_files::replace(&copy.with_extension("log.head"), &head, Durability::Unsynced).expect("written");
        assert_eq!(check(&copy).problems, [], "as it was left, {kept}");
        let (again, report) = open(&copy);
        assert_eq!(report.tampering, [], "{kept}");
        append(&again, 1);
        drop(again);
        let report = check(&copy);
        assert_eq!((report.problems, report.torn_bytes), (vec![], 0), "{kept}");
    }
}

/// Every state that a rotation goes through.
#[test]
fn a_rotation_that_was_cut_off_is_completed_by_the_next_start() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (text, sealed) = (root.path().join("text"), root.path().join("sealed"));
    for (directory, sealing) in [(&text, false), (&sealed, true)] {
        fs::create_dir(directory).expect("created");
        let path = directory.join("audit.log");
        drop(open(&path));
        // The same key, so that what was sealed in one place can be used in the other.
        for file in ["audit.log.key", "audit.log.pub", "audit.log.head"] {
            if sealing {
                fs::copy(text.join(file), directory.join(file)).expect("copied");
            }
        }
        if sealing {
            fs::copy(text.join("audit.log.000000000001.log"), &path).expect("copied");
            put_aside_as_it_is(&path);
        } else {
            append(&open(&path).0, 3);
            put_aside(&path, false);
        }
    }
    let pending = "audit.log.000000000001.log";
    let [gz, idx, sig] = ["gz", "idx", "sig"].map(|extension| format!("audit.log.000000000001.{extension}"));
    for (what, keeps_live, keeps_text, more) in [
        ("after the rename", false, true, vec![]),
        ("after the new file", true, true, vec![]),
        ("after the index", true, true, vec![&idx]),
        ("after the segment", true, true, vec![&idx, &gz]),
        ("after the signature", true, true, vec![&idx, &gz, &sig]),
        ("after the text was removed", true, false, vec![&idx, &gz, &sig]),
        ("without a live file", false, false, vec![&idx, &gz, &sig]),
    ] {
        let (copy, path) = copy_of(&text.join("audit.log"));
        if !keeps_live {
            fs::remove_file(&path).expect("removed");
        }
        if !keeps_text {
            fs::remove_file(copy.path().join(pending)).expect("removed");
        }
        for file in more {
            fs::copy(sealed.join(file), copy.path().join(file)).expect("copied");
        }
        assert_eq!(check(&path).problems, [], "{what}, as it was left");
        let (log, report) = open(&path);
        let expected = OpenReport { last_seq: 4, unsealed: usize::from(keeps_text), ..OpenReport::default() };
        assert_eq!(report, expected, "{what}");
        append(&log, 2);
        log.settle();
        drop(log);
        let report = check(&path);
        assert_eq!((report.problems, report.records, report.files), (vec![], 6, 2), "{what}");
        assert!(copy.path().join(&gz).exists() && !copy.path().join(pending).exists(), "{what}");
    }
}

/// Seals a live file without another record.
fn put_aside_as_it_is(path: &Path) {
    let options = AuditOptions { rotate_age: Some(Duration::ZERO), ..plain() };
    let (log, report) = AuditLog::open_with(path, options).expect("opened");
    assert_eq!(report.tampering, []);
    log.sync().expect("synced");
    log.settle();
}

#[test]
fn a_live_file_that_is_old_is_put_aside_without_an_event() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    append(&open(&path).0, 3);
    put_aside_as_it_is(&path);
    assert!(root.path().join("audit.log.000000000001.gz").exists());
    assert_eq!((fs::metadata(&path).expect("there").len(), check(&path).problems), (0, vec![]));
    // Nothing is put aside when there is nothing.
    put_aside_as_it_is(&path);
    assert_eq!(check(&path).files, 2);
}

/// Weakness 54: bounded on disk, and still one chain.
#[test]
fn retention_removes_the_oldest_and_signs_for_it() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    for _ in 0..6 {
        append(&open(&path).0, 20);
        put_aside(&path, true);
    }
    append(&open(&path).0, 20);
    let on_disk = || {
        fs::read_dir(root.path())
            .expect("readable")
            .map(|entry| entry.expect("entry").metadata().expect("there").len())
            .sum::<u64>()
    };
    let most = on_disk() / 2;
    let (_before, before) = copy_of(&path);
    let (log, _) =
        AuditLog::open_with(&path, AuditOptions { retain_bytes: Some(most), ..plain() }).expect("opened");
    log.settle();
    let removed = log.stats().segments_removed;
    assert!((1..6).contains(&removed), "{removed}");
    drop(log);
    assert!(on_disk() < most + 2_000, "{} > {most}", on_disk());
    let report = check(&path);
    assert_eq!(
        (report.problems, report.first_seq, report.removed_until),
        (vec![], removed * 21 + 1, removed * 21)
    );

    // A crash between the anchor and the removals.
    for file in ["audit.log.anchor", "audit.log.head"] {
        fs::copy(root.path().join(file), before.parent().expect("a parent").join(file)).expect("copied");
    }
    fs::remove_file(before.with_extension("log.000000000001.gz")).expect("removed");
    assert_eq!(check(&before).problems, []);
    let (log, _) =
        AuditLog::open_with(&before, AuditOptions { retain_bytes: Some(most), ..plain() }).expect("opened");
    log.settle();
    assert!(!before.with_extension("log.000000000001.sig").exists(), "leftovers are removed too");
    drop(log);
    assert_eq!(check(&before).problems, []);

    // What somebody else removes is missed.
    let next = report.first_seq;
    fs::remove_file(path.with_extension(format!("log.{next:012}.gz"))).expect("removed");
    assert_eq!(check(&path).problems[0].kind, ProblemKind::Missing);
    // So is the anchor.
    fs::remove_file(path.with_extension("log.anchor")).expect("removed");
    assert_eq!(check(&path).problems[0].kind, ProblemKind::Missing);
}

#[test]
fn what_is_too_old_is_removed() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    append(&open(&path).0, 3);
    put_aside(&path, true);
    append(&open(&path).0, 3);
    // The records are from 1970.
    let old = AuditOptions { retain_age: Some(Duration::from_secs(3600)), ..plain() };
    let (log, _) = AuditLog::open_with(&path, old).expect("opened");
    log.settle();
    assert_eq!(log.stats().segments_removed, 1);
    drop(log);
    let report = check(&path);
    assert_eq!((report.problems, report.first_seq), (vec![], 5));
}

/// A log that somebody changed while no runtime watched still opens, says what it found, and can't be taken for whole
/// ever after.
#[test]
fn tampering_is_found_at_the_start_and_stays_in_the_log() {
    type Change = fn(&Path);
    let cases: [(Change, Tampering, Option<ProblemKind>); 7] = [
        (
            |path| {
                let text = fs::read(path).expect("readable");
                let kept = text.split_inclusive(|byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
                cut(path, kept as u64);
            },
            Tampering::Truncated { from: 3, to: 4 },
            Some(ProblemKind::Missing),
        ),
        (|path| cut(path, 0), Tampering::Truncated { from: 1, to: 4 }, Some(ProblemKind::Missing)),
        (
            |path| fs::remove_file(path).expect("removed"),
            Tampering::Truncated { from: 1, to: 4 },
            Some(ProblemKind::Missing),
        ),
        (
            |path| {
                let text = read_to_string(path).expect("readable");
                let at = text.rfind("allowed").expect("there");
                let text = format!("{}ALLOWED{}", &text[..at], &text[at + 7..]);
                open_cli_files::replace(path, text.as_bytes(), Durability::Unsynced).expect("written");
            },
            Tampering::Altered { seq: 4 },
            Some(ProblemKind::Altered),
        ),
        (|path| fs::remove_file(path.with_extension("log.head")).expect("removed"), Tampering::HeadMissing, None),
        (|path| fs::remove_file(path.with_extension("log.key")).expect("removed"), Tampering::KeyMissing, None),
        (
            |path| open_cli_files::append_private(path).expect("opened").write_all(b"{}\n").expect("written"),
            Tampering::ForeignLine,
            Some(ProblemKind::NotARecord),
        ),
    ];
    for (change, expected, kind) in cases {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("audit.log");
        append(&open(&path).0, 4);
        change(&path);
        let (log, report) = open(&path);
        assert_eq!(report.tampering, std::slice::from_ref(&expected));
        assert_eq!(log.stats().bad, 1);
        append(&log, 2);
        drop(log);
        let (log, report) = open(&path);
        assert_eq!(report.tampering, [], "told once: {expected}");
        drop(log);
        let report = check(&path);
        let of_kind = |kind| report.problems.iter().find(|problem: &&Problem| problem.kind == kind);
        let found = of_kind(ProblemKind::FoundAtStart).expect("the record of it");
        assert!(found.seq.is_some() && read_to_string(&path).expect("readable").contains(expected.code()));
        assert!(kind.is_none_or(|kind| of_kind(kind).is_some()), "{expected}: {report:?}");
        assert_eq!(report.problems.len(), 1 + usize::from(kind.is_some()), "{report:?}");
    }
}

/// A record that was exchanged further up, with the chain computed anew: the head's own place tells.
#[test]
fn a_chain_that_was_computed_anew_is_found_at_the_start() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("audit.log");
    let (log, _) = open(&path);
    append(&log, 3);
    log.sync().expect("synced");
    // A crash: the head knows three records, and there are five.
    let head = fs::read(path.with_extension("log.head")).expect("readable");
    append(&log, 2);
    drop(log);
    let mut at = crate::chain::Position::default();
    let mut forged = Vec::new();
    for line in read_to_string(&path).expect("readable").lines() {
        let body = line.split_once(",\"seq\"").expect("a link").0.replace("allowed", "ALLOWED") + "}";
        at = crate::chain::splice(&mut forged, body.as_bytes(), at);
    }
    open_cli_files::replace(&path, &forged, Durability::Unsynced).expect("written");
    open_cli_files::replace(&path.with_extension("log.head"), &head, Durability::Unsynced).expect("written");
    let (log, report) = open(&path);
    assert_eq!(report.tampering, [Tampering::Altered { seq: 3 }]);
    drop(log);
    assert_eq!(check(&path).problems[0].kind, ProblemKind::FoundAtStart);
}
