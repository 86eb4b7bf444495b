//! Damage costs what is damaged and nothing else.

use super::*;
use open_cli_files::{Durability, replace};

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[at] ^= 0x55;
    replace(path, &bytes, Durability::Unsynced).expect("written");
}

/// A segment of four blocks or more, and a live file.
fn log() -> (Log, PathBuf, u64) {
    let mut log = Log::new();
    log.add_events(1_000, 1_000);
    let first = log.put_aside(true);
    log.add_events(10, 0);
    let sealed = log.layout.sealed(first);
    (log, sealed, first)
}

#[test]
fn a_damaged_block_costs_its_records_and_they_are_counted() {
    let (log, sealed, first) = log();
    let of = |request_id: &str| AuditQuery { request_id: Some(request_id.into()), ..any() };
    flip(&sealed, 500);
    for rebuilt in [false, true] {
        if rebuilt {
            std::fs::remove_file(log.layout.index(first)).expect("removed");
        }
        let page = log.list(&any());
        let lost = 1_010 - page.events.len() as u64;
        assert!((30..80).contains(&lost), "a block of 64 KiB: {lost}");
        // Built anew, the index can't know how many there were.
        assert_eq!(page.bad_lines, if rebuilt { 1 } else { lost });
        assert_eq!(seqs(&page.events), (lost + 1..=1_010).collect::<Vec<_>>());
        let page = log.list(&of("r-2"));
        assert_eq!((page.events.len(), page.bad_lines), (0, 1));
        assert_eq!(log.list(&of("r-999")).events.len(), 1);
        // Pages and followers get past it.
        let forward = AuditQuery { cursor: Some(Cursor::START), limit: Some(90), ..any() };
        assert_eq!(all_pages(&log.reader(), &forward).len() as u64, 1_010 - lost);
        let after = AuditQuery { cursor: Some(Cursor::after(2)), ..any() };
        assert_eq!(seqs(&log.list(&after).events)[0], lost + 1);
    }
}

#[test]
fn an_index_that_is_damaged_is_made_anew_while_it_is_used() {
    let (log, _, first) = log();
    let idx = log.layout.index(first);
    let good = std::fs::read(&idx).expect("readable");
    let query = AuditQuery { request_id: Some("r-777".into()), ..any() };
    let mut made_anew = 0;
    for at in (8..good.len()).step_by(good.len() / 40) {
        flip(&idx, at);
        assert_eq!(seqs(&log.list(&query).events), [777], "byte {at}");
        let page = log.list(&any());
        assert_eq!((page.events.len(), page.bad_lines), (1_010, 0), "byte {at}");
        // A column that nobody asked for stays damaged.
        made_anew += usize::from(std::fs::read(&idx).expect("readable") == good);
        replace(&idx, &good, Durability::Unsynced).expect("written");
    }
    assert!(made_anew > 10, "{made_anew}");
}

/// Whoever can write the index can hide records, but not stop the reader.
#[test]
fn an_index_that_is_made_up_is_read_to_its_end() {
    let mut log = Log::new();
    log.add_events(150, 1_000);
    let first = log.put_aside(true);
    let idx = log.layout.index(first);
    let good = std::fs::read(&idx).expect("readable");
    let trailer = good.len() - 16;
    let length = u32::from_le_bytes(good[trailer..trailer + 4].try_into().expect("four bytes")) as usize;
    for at in trailer - length..trailer {
        for value in [0x01, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= value;
            let crc = crate::sealed::crc(&bytes[trailer - length..trailer]);
            bytes[trailer + 4..trailer + 8].copy_from_slice(&crc.to_le_bytes());
            replace(&idx, &bytes, Durability::Unsynced).expect("written");
            for query in [
                any(),
                AuditQuery { request_id: Some("r-77".into()), since: Timestamp::from_second(0).ok(), ..any() },
                AuditQuery { cursor: Some(Cursor::after(120)), ..any() },
                AuditQuery { cursor: Some(Cursor::after(120)), order: Order::NewestFirst, ..any() },
            ] {
                assert!(log.list(&query).events.len() <= 150, "byte {at}");
            }
        }
    }
}

#[test]
fn what_is_no_segment_is_a_bad_line() {
    let (log, sealed, _) = log();
    replace(&sealed, b"hello", Durability::Unsynced).expect("written");
    let page = log.list(&any());
    assert_eq!((page.events.len(), page.bad_lines), (10, 1));
    replace(&sealed, b"", Durability::Unsynced).expect("written");
    let page = log.list(&any());
    assert_eq!((page.events.len(), page.bad_lines), (10, 0));
}

#[test]
fn a_segment_that_cannot_be_opened_is_an_error_that_says_so() {
    let (log, sealed, _) = log();
    std::fs::remove_file(&sealed).expect("removed");
    std::fs::create_dir(&sealed).expect("made");
    let error = log.reader().list(&any()).expect_err("not a file");
    assert!(error.to_string().contains("audit.log"), "{error}");
}
