//! Webhooks that fail, hang, ask for patience, die and come back.

use crate::http_receiver::{Answer, Receiver};
use crate::support::{Log, assert_complete_and_in_order, pause, settings, wait_until};
use open_cli_audit::AuditOptions;
use open_cli_auditpush::{Figures, GapReason};
use std::time::{Duration, Instant};

fn small_segments(retain_bytes: Option<u64>) -> AuditOptions {
    AuditOptions { rotate_bytes: Some(8 << 10), retain_bytes, ..AuditOptions::default() }
}

#[test]
fn a_receiver_that_fails_in_every_way_gets_everything_in_order() {
    let log = Log::new(small_segments(None));
    let receiver = Receiver::start();
    receiver.will(&[
        Answer::Refuse(500, ""),
        Answer::Take,
        Answer::Hang,
        Answer::Close,
        Answer::Refuse(429, "Retry-After: 1\r\n"),
        Answer::Refuse(302, "Location: /elsewhere\r\n"),
        Answer::Refuse(401, ""),
    ]);
    let running = log.push(settings(), &[&receiver.url("/in?key=1")]);
    for _ in 0..20 {
        log.append(60);
        pause(Duration::from_millis(20));
    }
    wait_until("the script is over", || receiver.requests().len() > 8);
    receiver.kill();
    log.append(600);
    pause(Duration::from_millis(600));
    let receiver = receiver.restart();
    log.append(200);
    wait_until("all is delivered", || running.push.figures(2000).backlog == 0);
    assert!(running.push.end(Duration::from_secs(5)));

    assert_complete_and_in_order(&receiver.seen(), 1, 2000);
    let requests = receiver.requests();
    for pair in requests.windows(2) {
        let (before, after) = (pair[0].numbers(), pair[1].numbers());
        if pair[0].is_taken && pair[0].is_answered {
            assert_eq!(after[0], before[before.len() - 1] + 1, "no duplicates without a failure");
        } else {
            assert_eq!(after[0], before[0], "what failed is sent again, from its beginning");
        }
    }
    let asked = requests.iter().position(|request| !request.is_taken && request.at > requests[2].at).expect("429");
    assert!(requests[asked + 1].at - requests[asked].at >= Duration::from_secs(1), "Retry-After is honoured");
    assert!(requests.iter().all(|request| request.path == "/in?key=1"), "no redirect is followed");
    let figures = running.push.figures(2000);
    assert_eq!((figures.delivered, figures.lost, figures.rejected), (2000, 0, 0));
    assert!(figures.failures >= 6, "{figures:?}");
    assert_eq!(running.gaps(), []);
}

#[test]
fn a_batch_names_its_instance_its_numbers_and_the_secret_of_the_environment() {
    let log = Log::new(AuditOptions::default());
    log.append(3);
    let receiver = Receiver::start();
    let mut settings = settings();
    settings.set_authorization("Bearer T0ken").expect("a header");
    let running = log
        .push(settings, &[&receiver.url("/a"), &receiver.url("/b#format=cef"), &receiver.url("/c#format=ocsf")]);
    wait_until("three requests", || receiver.requests().len() == 3);
    assert!(running.push.end(Duration::from_secs(5)));
    for request in receiver.requests() {
        let (content_type, begin) = match request.path.as_str() {
            "/a" => ("application/x-ndjson", "{\"timestamp\""),
            "/b" => ("text/plain; charset=utf-8", "CEF:0|open-cli|open-cli-toolbox|1.2.3|"),
            _ => ("application/x-ndjson", "{\"category_uid\":6"),
        };
        assert_eq!(request.header("content-type"), content_type);
        assert_eq!(request.header("x-open-cli-audit-seq"), "1-3");
        assert_eq!(request.header("x-open-cli-instance"), "shop-1");
        assert_eq!(request.header("authorization"), "Bearer T0ken");
        assert_eq!(request.header("x-open-cli-audit-lost"), "");
        let text = String::from_utf8(request.body).expect("text");
        assert_eq!(text.lines().filter(|line| line.starts_with(begin)).count(), 3, "{text}");
    }
    let kept = std::fs::read_to_string(log.log.path()).expect("the log");
    let lines = receiver.requests().into_iter().find(|request| request.path == "/a").expect("JSON lines").body;
    assert_eq!(String::from_utf8(lines).expect("text"), kept, "byte by byte, so that hashes can be checked");
}

#[test]
fn a_cursor_survives_restarts_rotation_and_compression() {
    let log = Log::new(small_segments(None));
    let receiver = Receiver::start();
    let mut newest = 0;
    for _ in 0..4 {
        log.append(100);
        newest += 100;
        let running = log.push(settings(), &[&receiver.url("/in")]);
        wait_until("all is delivered", || running.push.figures(newest).backlog == 0);
        assert!(running.push.end(Duration::from_secs(5)));
        let sealed = log.log.stats().segments_sealed;
        wait_until("the file is put aside", || {
            log.append(1);
            newest += 1;
            pause(Duration::from_millis(20));
            log.log.settle();
            log.log.stats().segments_sealed > sealed
        });
    }
    let running = log.push(settings(), &[&receiver.url("/in")]);
    wait_until("all is delivered", || running.push.figures(newest).backlog == 0);
    assert_eq!(receiver.seen(), (1..=newest).collect::<Vec<_>>(), "each exactly once");
    let files = std::fs::read_dir(log.root.path()).expect("readable").flatten();
    let cursors: Vec<_> =
        files.filter(|file| file.file_name().to_string_lossy().starts_with("audit.log.push-")).collect();
    assert_eq!(cursors.len(), 1);
    let text = std::fs::read_to_string(cursors[0].path()).expect("text");
    assert!(
        text.contains(&format!("\"sink\":\"http://{}\"", receiver.address)) && !text.contains("/in"),
        "{text}"
    );
}

#[test]
fn what_retention_removed_undelivered_is_counted_and_told() {
    let log = Log::new(small_segments(Some(24 << 10)));
    let receiver = Receiver::start();
    let url = receiver.url("/in");
    log.append(10);
    let running = log.push(settings(), &[&url]);
    wait_until("ten are delivered", || running.push.figures(10).delivered == 10);
    assert!(running.push.end(Duration::from_secs(5)));
    receiver.kill();
    while log.log.stats().segments_removed < 2 {
        log.append(50);
        pause(Duration::from_millis(50));
        log.log.settle();
    }
    let newest = log.log.stats().records;
    let receiver = receiver.restart();
    let running = log.push(settings(), &[&url]);
    wait_until("the rest is delivered", || running.push.figures(newest).backlog == 0);
    let gaps = running.gaps();
    assert_eq!((gaps.len(), gaps[0].from, gaps[0].reason), (1, 11, GapReason::Removed));
    assert_eq!(gaps[0].sink, format!("http://{}", receiver.address));
    assert_complete_and_in_order(&receiver.seen()[10..], gaps[0].to + 1, newest);
    let told: Vec<_> =
        receiver.requests().iter().map(|request| request.header("x-open-cli-audit-lost").to_owned()).collect();
    assert_eq!(told[1], format!("11-{}", gaps[0].to), "with the first batch after it");
    assert!(told[2..].iter().all(String::is_empty), "and once");
    assert_eq!(running.push.figures(newest).lost, gaps[0].to - 10);
    // Not again after a restart.
    drop(running);
    let running = log.push(settings(), &[&url]);
    log.append(1);
    wait_until("one more is delivered", || running.push.figures(newest + 1).backlog == 0);
    assert_eq!((running.gaps(), running.push.figures(newest + 1).lost), (Vec::new(), 0));
}

#[test]
fn a_record_that_is_too_large_for_the_receiver_holds_nothing_up() {
    let log = Log::new(AuditOptions::default());
    log.append(40);
    log.append_one("poison");
    log.append(40);
    let receiver = Receiver::start();
    receiver.rule(|body| String::from_utf8_lossy(body).contains("poison").then_some(Answer::Refuse(413, "")));
    let running = log.push(settings(), &[&receiver.url("/in")]);
    wait_until("all is done", || running.push.figures(81).backlog == 0);
    let expected: Vec<_> = (1..=81).filter(|seq| *seq != 41).collect();
    assert_eq!(receiver.seen(), expected);
    let gaps = running.gaps();
    assert_eq!((gaps.len(), gaps[0].from, gaps[0].to, gaps[0].reason), (1, 41, 41, GapReason::TooLarge));
    assert_eq!((running.push.figures(81).delivered, running.push.figures(81).rejected), (80, 1));
}

#[test]
fn a_dead_receiver_costs_neither_records_nor_the_end_anything() {
    let log = Log::new(AuditOptions::default());
    let receiver = Receiver::start();
    receiver.kill();
    let running = log.push(settings(), &[&receiver.url("/dead")]);
    let began = Instant::now();
    log.append(2000);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    wait_until("it was tried", || running.push.figures(2000).failures > 1);
    assert_eq!(
        running.push.figures(2000),
        Figures { backlog: 2000, failures: running.push.figures(2000).failures, ..Figures::default() }
    );
    let began = Instant::now();
    running.push.end(Duration::from_secs(1));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn the_end_delivers_what_came_last() {
    let log = Log::new(AuditOptions::default());
    let receiver = Receiver::start();
    for round in 1..=3 {
        let running = log.push(settings(), &[&receiver.url("/in")]);
        wait_until("it is idle", || running.push.figures(log.log.stats().records).backlog == 0);
        log.append(1200);
        assert!(running.push.end(Duration::from_secs(10)));
        assert_eq!(receiver.seen().len(), 1200 * round);
    }
    assert_complete_and_in_order(&receiver.seen(), 1, 3600);
}

#[test]
fn a_sink_may_begin_with_what_comes_now_and_another_log_is_sent_from_its_beginning() {
    let log = Log::new(AuditOptions::default());
    log.append(5);
    let receiver = Receiver::start();
    let url = receiver.url("/in#from=now");
    let running = log.push(settings(), &[&url]);
    let kept = || {
        std::fs::read_dir(log.root.path())
            .expect("readable")
            .flatten()
            .any(|file| file.file_name().to_string_lossy().contains(".push-"))
    };
    wait_until("it has begun", kept);
    log.append(2);
    wait_until("two are delivered", || running.push.figures(7).delivered == 2);
    drop(running);
    assert_eq!(receiver.seen(), [6, 7]);
    // The cursor is copied to a log that is younger.
    let other = Log::new(AuditOptions::default());
    other.append(3);
    for file in std::fs::read_dir(log.root.path()).expect("readable").flatten() {
        if file.file_name().to_string_lossy().contains(".push-") {
            std::fs::copy(file.path(), other.root.path().join(file.file_name())).expect("copied");
        }
    }
    let running = other.push(settings(), &[&url]);
    wait_until("three are delivered", || running.push.figures(3).delivered == 3);
    assert_eq!(receiver.seen(), [6, 7, 1, 2, 3]);
}
