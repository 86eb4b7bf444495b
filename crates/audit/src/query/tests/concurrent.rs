//! Readers beside a writer that adds lines, puts the live file aside, seals, and removes what is old.

use super::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const EVENTS: u64 = 6_000;
/// Events of a live file, and segments that retention keeps.
const PER_FILE: u64 = 40;
const KEPT: usize = 4;

#[derive(Default)]
struct Progress {
    written: AtomicU64,
    /// All up to this one may be gone.
    removed: AtomicU64,
    is_over: AtomicBool,
}

fn write(mut log: Log, progress: &Progress) -> Log {
    let (mut pending, mut sealed) = (None, VecDeque::new());
    for seq in 1..=EVENTS {
        let line = log.event(300);
        // Now and then in two writes, as a reader may see one that is on its way.
        let (head, tail) = line.split_at(if seq % 5 == 0 { 100 } else { line.len() });
        log.add(head);
        log.add(tail);
        progress.written.store(seq, Ordering::SeqCst);
        if seq % PER_FILE == PER_FILE / 2
            && let Some(first) = pending.take()
        {
            log.seal(first);
            sealed.push_back(first);
            if sealed.len() > KEPT {
                let oldest = sealed.pop_front().expect("not empty");
                progress.removed.store(oldest + PER_FILE - 1, Ordering::SeqCst);
                std::fs::remove_file(log.layout.sealed(oldest)).expect("removed");
                // A reader that found no index may be making one.
                let _ = std::fs::remove_file(log.layout.index(oldest));
            }
        }
        if seq.is_multiple_of(PER_FILE) {
            pending = Some(log.put_aside(false));
        }
    }
    progress.is_over.store(true, Ordering::SeqCst);
    log
}

/// Each number once and in order; all that was there before and was not removed meanwhile.
fn check(found: &[u64], before: u64, removed: u64, what: &str) {
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{what}: once, and in order: {found:?}");
    let kept: Vec<_> = found.iter().copied().filter(|seq| *seq > removed).collect();
    let last = kept.last().copied().unwrap_or(removed);
    assert!(last >= before, "{what}: {before} was written, {last} was found");
    assert_eq!(kept, (removed + 1..=last).collect::<Vec<_>>(), "{what}: none is missing");
}

fn seqs_of(lines: &[String]) -> Vec<u64> {
    lines.iter().map(|line| crate::chain::Link::of(line.as_bytes()).expect("linked").seq).collect()
}

#[test]
fn readers_see_each_record_once_while_files_come_and_go() {
    let (log, progress) = (Log::new(), Progress::default());
    let path = log.layout.live().to_owned();
    let is_over = || progress.is_over.load(Ordering::SeqCst);
    let written = || progress.written.load(Ordering::SeqCst);
    let removed = || progress.removed.load(Ordering::SeqCst);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(log, &progress));
        let lists = scope.spawn(|| {
            let reader = AuditReader::new(&path);
            let mut rounds = 0;
            while !is_over() {
                let before = written();
                let page = reader.list(&any()).expect("readable");
                check(&seqs(&page.events), before, removed(), "a list");
                let before = written();
                let query = AuditQuery { tool_id: Some("tool-3".into()), limit: Some(3), ..any() };
                let found = seqs(&reader.list(&query).expect("readable").events);
                assert!(found.windows(2).all(|pair| pair[0] + 10 == pair[1]), "{found:?}");
                let (first, last) = (found.first().copied().unwrap_or(0), found.last().copied().unwrap_or(0));
                assert!(last + 10 > before || before < 13, "{found:?} {before}");
                assert!(found.len() == 3 || first < 13 || first - 10 <= removed(), "{found:?} {before}");
                rounds += 1;
            }
            rounds
        });
        let streams = scope.spawn(|| {
            let reader = AuditReader::new(&path);
            while !is_over() {
                let before = written();
                check(&seqs_of(&streamed(&reader, &any())), before, removed(), "a stream");
                let newest = AuditQuery { order: Order::NewestFirst, limit: Some(60), ..any() };
                let (mut found, cursor) = (Vec::new(), reader.list(&newest).expect("readable").next_cursor);
                let more = AuditQuery { cursor, ..newest };
                found.extend(seqs(&reader.list(&more).expect("readable").events));
                found.reverse();
                assert!(found.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{found:?}");
            }
        });
        let follower = scope.spawn(|| {
            let reader = AuditReader::new(&path);
            let (mut cursor, mut found) = (Cursor::START, Vec::new());
            loop {
                let was_over = is_over();
                let page = reader.follow(cursor, 25).expect("readable");
                found.extend(seqs(&page.events));
                cursor = page.next_cursor.expect("always one");
                if was_over && !page.truncated {
                    return found;
                }
            }
        });
        let log = writer.join().expect("no panic");
        assert!(lists.join().expect("no panic") > 10);
        streams.join().expect("no panic");
        let found = follower.join().expect("no panic");
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "once, and in order");
        assert_eq!(found.last(), Some(&EVENTS));
        drop(log);
    });
}
