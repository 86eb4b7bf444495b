//! Pages, cursors and following, while the log grows, is put aside, sealed and shortened.

use super::*;

#[test]
fn a_log_that_is_not_there_has_no_events_and_can_be_followed() {
    let mut log = Log::new();
    for query in [any(), AuditQuery { order: Order::NewestFirst, ..any() }] {
        let page = log.list(&query);
        assert_eq!((page.events.len(), page.bad_lines, page.truncated), (0, 0, false));
    }
    let cursor = log.list(&any()).next_cursor.expect("always one");
    assert_eq!(cursor, Cursor::START);
    assert_eq!(streamed(&log.reader(), &any()), [""; 0]);
    log.add_events(3, 0);
    assert_eq!(seqs(&log.reader().follow(cursor, 10).expect("readable").events), [1, 2, 3]);
}

#[test]
fn who_follows_sees_each_record_once_whatever_happens_to_the_files() {
    let mut log = Log::new();
    let reader = log.reader();
    let (mut cursor, mut seen) = (Cursor::START, Vec::new());
    let mut follow = |max| {
        let page = reader.follow(cursor, max).expect("readable");
        seen.extend(seqs(&page.events));
        cursor = page.next_cursor.expect("always one");
        (page.events.len(), page.truncated)
    };
    log.add_events(5, 0);
    assert_eq!(follow(3), (3, true));
    let first = log.put_aside(false);
    assert_eq!(follow(1), (1, true));
    log.seal(first);
    assert_eq!(follow(10), (1, false));
    assert_eq!(follow(10), (0, false));
    log.add_events(4, 1000);
    assert_eq!(follow(3), (3, true));
    log.put_aside(true);
    assert_eq!(follow(3), (1, false));
    assert_eq!(follow(3), (0, false));
    log.add_events(1, 0);
    assert_eq!(follow(3), (1, false));
    // Retention takes what was not seen yet, too.
    log.add_events(2, 0);
    let first = log.put_aside(true);
    std::fs::remove_file(log.layout.sealed(first)).expect("removed");
    log.add_events(2, 0);
    assert_eq!(follow(30), (2, false));
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14]);
}

#[test]
fn a_line_that_is_not_whole_yet_is_followed_when_it_is() {
    let mut log = Log::new();
    log.add_events(2, 0);
    let line = log.event(0);
    log.add(&line[..40]);
    let page = log.reader().follow(Cursor::after(1), 10).expect("readable");
    assert_eq!((seqs(&page.events), page.next_cursor), (vec![2], Some(Cursor::after(2))));
    let listed = log.list(&any());
    assert_eq!((seqs(&listed.events), listed.bad_lines, listed.next_cursor), (vec![1, 2], 1, page.next_cursor));
    log.add(&line[40..]);
    let page = log.reader().follow(Cursor::after(2), 10).expect("readable");
    assert_eq!((seqs(&page.events), page.bad_lines), (vec![3], 0));
}

/// A place is found by looking at a few lines, in long texts and in short ones.
#[test]
fn each_place_is_found_in_text_and_in_blocks() {
    let mut log = Log::new();
    for (events, padding) in [(900, 1_500), (300, 0), (800, 1_500)] {
        log.add_events(events, padding);
        log.put_aside(events == 900);
    }
    log.add_events(700, 1_500);
    let reader = log.reader();
    for seq in (0..2_700).step_by(61).chain([1, 2, 899, 900, 901, 1199, 1200, 1201, 1999, 2000, 2001, 2699, 2700])
    {
        let page = reader.follow(Cursor::after(seq), 2).expect("readable");
        let expected: Vec<_> = (seq + 1..=2_700.min(seq + 2)).collect();
        assert_eq!((seqs(&page.events), page.truncated), (expected, seq + 2 < 2_700), "after {seq}");
        let back =
            AuditQuery { cursor: Some(Cursor::after(seq)), limit: Some(2), order: Order::NewestFirst, ..any() };
        let expected: Vec<_> = (1..=seq).rev().take(2).collect();
        assert_eq!(seqs(&log.list(&back).events), expected, "before {seq}");
    }
    // A place that is not there yet is the end.
    assert_eq!(reader.follow(Cursor::after(9_999), 2).expect("readable").next_cursor, Some(Cursor::after(2_700)));
}

#[test]
fn a_page_back_in_time_stays_the_same_while_the_log_grows_and_is_put_aside() {
    let mut log = Log::new();
    log.add_events(30, 0);
    let mut query = AuditQuery { limit: Some(10), order: Order::NewestFirst, ..any() };
    let page = log.list(&query);
    assert_eq!(seqs(&page.events), (21..=30).rev().collect::<Vec<_>>());
    query.cursor = page.next_cursor;
    log.add_events(30, 0);
    assert_eq!(seqs(&log.list(&query).events), (11..=20).rev().collect::<Vec<_>>());
    log.put_aside(true);
    log.add_events(30, 0);
    let page = log.list(&query);
    assert_eq!(seqs(&page.events), (11..=20).rev().collect::<Vec<_>>());
    query.cursor = page.next_cursor;
    let page = log.list(&query);
    assert_eq!((seqs(&page.events).len(), page.truncated, page.next_cursor), (10, false, None));
}

/// Lines without a place in the chain, before it, after a segment, and between others.
#[test]
fn a_page_may_end_at_a_record_without_a_number() {
    let mut log = Log::new();
    let foreign = |count: usize| "{\"timestamp\":\"2026-01-01T00:00:00Z\"}\n".repeat(count);
    log.add(foreign(3).as_bytes());
    Log::put(&log.root.path().join("audit.log.2"), foreign(2).as_bytes());
    Log::put(&log.root.path().join("audit.log.1"), foreign(2).as_bytes());
    log.add_events(2, 0);
    log.add(foreign(1).as_bytes());
    log.put_aside(true);
    assert_eq!(seqs(&log.reader().follow(Cursor::after(2), 9).expect("readable").events), [0]);
    log.add(foreign(4).as_bytes());
    let forward = AuditQuery { limit: Some(2), cursor: Some(Cursor::START), ..any() };
    let backward = AuditQuery { limit: Some(2), order: Order::NewestFirst, ..any() };
    assert_eq!(all_pages(&log.reader(), &forward).len(), 14);
    assert_eq!(all_pages(&log.reader(), &backward).len(), 14);
    // The place stays when the file it is in gets a name.
    let cursor = log.list(&AuditQuery { limit: Some(0), ..any() }).next_cursor.expect("always one");
    log.add(foreign(1).as_bytes());
    log.add_events(3, 0);
    assert_eq!(seqs(&log.reader().follow(cursor, 9).expect("readable").events), [0, 3, 4, 5]);
    log.put_aside(true);
    assert_eq!(seqs(&log.reader().follow(cursor, 9).expect("readable").events), [0, 3, 4, 5]);
    assert_eq!(all_pages(&log.reader(), &forward).len(), 18);
    assert_eq!(all_pages(&log.reader(), &backward).len(), 18);
}

#[test]
fn a_page_has_at_most_so_many_bytes_and_the_next_goes_on() {
    let mut log = Log::new();
    log.add_events(140, 500_000);
    let page = log.list(&any());
    assert!(page.truncated && page.events.len() < 140);
    assert_eq!(seqs(&page.events).last(), Some(&140));
    let forward = AuditQuery { cursor: Some(Cursor::START), ..any() };
    assert_eq!(all_pages(&log.reader(), &forward).len(), 140);
    assert_eq!(all_pages(&log.reader(), &AuditQuery { order: Order::NewestFirst, ..any() }).len(), 140);
    assert_eq!(streamed(&log.reader(), &any()).len(), 140);
}

#[test]
fn nothing_is_a_page_too() {
    let mut log = Log::new();
    log.add_events(3, 0);
    for (cursor, order, truncated) in [
        (None, Order::OldestFirst, true),
        (Some(Cursor::after(1)), Order::OldestFirst, true),
        (Some(Cursor::after(3)), Order::OldestFirst, false),
        (Some(Cursor::after(1)), Order::NewestFirst, true),
        (Some(Cursor::START), Order::NewestFirst, false),
    ] {
        let page = log.list(&AuditQuery { cursor, order, limit: Some(0), ..any() });
        assert_eq!((page.events.len(), page.truncated), (0, truncated), "{cursor:?} {order:?}");
    }
    let page = log.reader().follow(Cursor::after(1), 0).expect("readable");
    assert_eq!(page.next_cursor, Some(Cursor::after(1)), "nothing was taken, so the place is the same");
}

#[test]
fn a_stream_may_be_read_on_another_thread() {
    fn may_move<T: Send + 'static>() {}
    may_move::<AuditStream>();
}

#[test]
fn a_stream_is_also_what_stands_in_an_array() {
    let mut log = Log::new();
    log.add_events(1_000, 1_000);
    log.put_aside(true);
    log.add_events(1_000, 1_000);
    for (limit, order) in
        [(None, Order::OldestFirst), (Some(1_100), Order::OldestFirst), (Some(7), Order::NewestFirst)]
    {
        let query = AuditQuery { limit, order, decision: Some(Decision::Allowed), ..any() };
        let mut stream = log.reader().stream(&query).expect("readable").as_array_items();
        let mut text = b"[".to_vec();
        stream.by_ref().for_each(|piece| text.extend(piece.expect("readable")));
        text.push(b']');
        let array: Vec<Box<RawValue>> = serde_json::from_slice(&text).expect("a JSON array");
        assert_eq!(seqs(&array), seqs(&log.list(&query).events), "{limit:?} {order:?}");
        assert_eq!((stream.records(), stream.bad_lines()), (array.len() as u64, 0));
    }
}

/// A pair of words with one CRC-32.
#[test]
fn two_values_with_one_hash_are_told_apart() {
    let (a, b) = ("plumless", "buckeroo");
    assert_eq!(crate::sealed::crc(a.as_bytes()), crate::sealed::crc(b.as_bytes()));
    let mut log = Log::new();
    for id in [a, b, a] {
        let body =
            format!("{{\"timestamp\":\"2026-01-01T00:00:00Z\",\"toolId\":\"{id}\",\"requestId\":\"{id}\"}}");
        let line = log.linked(&body);
        log.add(&line);
    }
    log.put_aside(true);
    let by_request = |id: &str| log.list(&AuditQuery { request_id: Some(id.into()), ..any() }).events;
    let by_tool = |id: &str| log.list(&AuditQuery { tool_id: Some(id.into()), ..any() }).events;
    assert_eq!((seqs(&by_request(a)), seqs(&by_request(b))), (vec![1, 3], vec![2]));
    assert_eq!((seqs(&by_tool(a)), seqs(&by_tool(b))), (vec![1, 3], vec![2]));
}
