//! How fast a large log is read: writes one through the log itself, then asks it in fresh processes, one per question,
//! so that each has a peak of memory of its own. Prints one JSON object. Part of `make bench`.
//!
//! `audit_bench DIRECTORY RECORDS`; the directory keeps the log, and a log that is there is asked as it is.

#![allow(clippy::print_stdout, reason = "its output is the figures")]

use open_cli_audit::{AuditLog, AuditOptions, AuditQuery, AuditReader, Cursor, Order};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Questions, each asked in a process of its own.
const QUESTIONS: [&str; 12] = [
    "one request, oldest segment",
    "one request, middle",
    "one request, live file",
    "one request, none",
    "page, rare tool and denied",
    "all, rare tool and denied",
    "page, common tool and allowed",
    "page of 1000, one in 500",
    "page, a minute long ago",
    "newest page, no filter",
    "stream, everything",
    "follow, nothing new",
];
const ROUNDS: usize = 15;
const FIRST_SECOND: i64 = 1_767_225_600;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [directory, records] => bench(directory, records.parse()?),
        [directory, records, question] => {
            println!("{}", ask(&Path::new(directory).join("audit.log"), records.parse()?, question)?);
            Ok(())
        }
        _ => Err("usage: audit_bench DIRECTORY RECORDS".into()),
    }
}

fn bench(directory: &str, records: u64) -> Outcome<()> {
    let path = Path::new(directory).join("audit.log");
    let mut figures = json!({ "records": records });
    if !path.exists() {
        figures["write"] = write(&path, records)?;
    }
    let (mut text, mut disk) = (0, 0);
    for entry in std::fs::read_dir(directory)? {
        disk += entry?.metadata()?.len();
    }
    for question in QUESTIONS {
        let output =
            Command::new(std::env::current_exe()?).args([directory, &records.to_string(), question]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let found: Value = serde_json::from_slice(&output.stdout)?;
        text = text.max(found["textBytes"].as_u64().unwrap_or(0));
        figures[question] = found;
    }
    figures["textBytes"] = text.into();
    figures["diskBytes"] = disk.into();
    println!("{}", serde_json::to_string_pretty(&figures)?);
    Ok(())
}

fn write(path: &Path, records: u64) -> Outcome<Value> {
    let start = Instant::now();
    let (log, _) = AuditLog::open_with(path, AuditOptions { retain_bytes: None, ..AuditOptions::default() })?;
    for number in 0..records {
        log.append(&event(number)?)?;
    }
    let written = start.elapsed();
    log.settle();
    drop(log);
    Ok(json!({ "seconds": written.as_secs_f64(), "sealedAfterSeconds": start.elapsed().as_secs_f64() }))
}

/// A bijection that looks like chance.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn request_id(number: u64) -> String {
    format!("0198c0de-{:016x}", mixed(number))
}

fn event(number: u64) -> Outcome<AuditEvent> {
    let chance = mixed(number ^ 0xabcd_ef01);
    let tool = match number {
        // One in 20,000, in all parts of the log.
        _ if number % 20_000 == 7_777 => "billing:purge".to_owned(),
        _ if chance.is_multiple_of(500) => "billing:refund".to_owned(),
        _ => format!("orders:operation-{}", chance % 40),
    };
    let denied = chance.is_multiple_of(11) || tool == "billing:purge";
    Ok(AuditEvent {
        timestamp: Timestamp::from_millisecond(FIRST_SECOND * 1000 + i64::try_from(number)? * 10)?,
        event_type: if denied { "authz_denial" } else { "tool_execution" }.into(),
        principal: format!("user-{}@example.org", chance % 300),
        agent_profile: "default".into(),
        service_id: tool.split(':').next().unwrap_or_default().into(),
        tool_id: tool,
        target_base_url: "https://api.example.org/v1".into(),
        decision: if denied { Decision::Denied } else { Decision::Allowed },
        reason_code: if denied { "curated_deny" } else { "allowed" }.into(),
        method: "GET".into(),
        path: "/orders/{orderId}/items".into(),
        auth_scheme: "bearer".into(),
        status_code: if denied { 0 } else { 200 },
        latency_ms: Some(chance % 90),
        request_id: request_id(number),
        trace_id: format!("{:016x}{:016x}", mixed(number ^ 1), mixed(number ^ 2)),
        catalog_revision: "sha256-6f1c2d".into(),
        ..AuditEvent::default()
    })
}

fn ask(path: &Path, records: u64, question: &str) -> Outcome<Value> {
    let reader = AuditReader::new(path);
    let text = |text: &str| Some(text.to_owned());
    let any = AuditQuery::default;
    let page = AuditQuery { limit: Some(100), order: Order::NewestFirst, ..any() };
    let rare = || AuditQuery { tool_id: text("billing:purge"), decision: Some(Decision::Denied), ..any() };
    let at = |number: u64| Timestamp::from_millisecond(FIRST_SECOND * 1000 + number as i64 * 10).ok();
    let query = match question {
        "one request, oldest segment" => AuditQuery { request_id: Some(request_id(5)), ..any() },
        "one request, middle" => AuditQuery { request_id: Some(request_id(records / 2)), ..any() },
        "one request, live file" => AuditQuery { request_id: Some(request_id(records - 1)), ..any() },
        "one request, none" => AuditQuery { request_id: text("none"), ..any() },
        "page, rare tool and denied" => AuditQuery { limit: page.limit, order: page.order, ..rare() },
        "all, rare tool and denied" => rare(),
        "page, common tool and allowed" => {
            AuditQuery { tool_id: text("orders:operation-7"), decision: Some(Decision::Allowed), ..page }
        }
        "page of 1000, one in 500" => AuditQuery { tool_id: text("billing:refund"), limit: Some(1000), ..page },
        "page, a minute long ago" => AuditQuery { since: at(records / 3), until: at(records / 3 + 6_000), ..page },
        "newest page, no filter" => page,
        "stream, everything" => return stream(&reader),
        "follow, nothing new" => return follow(&reader),
        _ => return Err("no such question".into()),
    };
    let mut times = Vec::new();
    let mut found = (0, 0, false);
    let before = processor_time()?;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let page = reader.list(&query)?;
        times.push(start.elapsed());
        found = (page.events.len(), page.bad_lines, page.truncated);
    }
    let (events, bad_lines, truncated) = found;
    let processor = (processor_time()? - before) / ROUNDS as u32;
    let first = times[0];
    times.sort();
    Ok(json!({
        "firstMs": milliseconds(first), "medianMs": milliseconds(times[ROUNDS / 2]),
        "worstMs": milliseconds(times[ROUNDS - 1]), "processorMs": milliseconds(processor), "peakMiB": peak_mib()?,
        "events": events, "badLines": bad_lines, "truncated": truncated,
    }))
}

fn stream(reader: &AuditReader) -> Outcome<Value> {
    let start = Instant::now();
    let mut stream = reader.stream(&AuditQuery::default())?;
    let mut bytes = 0;
    for piece in stream.by_ref() {
        bytes += piece?.len() as u64;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({
        "megabytesPerSecond": bytes as f64 / 1e6 / seconds, "seconds": seconds,
        "processorSeconds": processor_time()?.as_secs_f64(), "peakMiB": peak_mib()?,
        "textBytes": bytes, "events": stream.records(), "badLines": stream.bad_lines(),
    }))
}

fn follow(reader: &AuditReader) -> Outcome<Value> {
    const POLLS: u32 = 1_000;
    let query = AuditQuery { limit: Some(1), ..AuditQuery::default() };
    let cursor = reader.list(&query)?.next_cursor.unwrap_or(Cursor::START);
    let start = Instant::now();
    let mut events = 0;
    for _ in 0..POLLS {
        events += reader.follow(cursor, 100)?.events.len();
    }
    let each = start.elapsed() / POLLS;
    Ok(json!({ "pollMicroseconds": each.as_secs_f64() * 1e6, "events": events, "peakMiB": peak_mib()? }))
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

/// Time on a processor: what a machine that has other things to do does not make longer.
fn processor_time() -> Outcome<Duration> {
    let status = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(Duration::from_nanos(status.split(' ').next().unwrap_or_default().parse()?))
}

/// Most memory that this process had.
fn peak_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok((kib / 102.4).round() / 10.0)
}
