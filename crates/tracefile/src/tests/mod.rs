//! The room as its users see it.

mod crash;
mod folder;
mod lists;
mod round_trip;
mod speed;

use crate::*;
use open_cli_contract::ids::RequestId;
use open_cli_observe::{Sampler, SpanKind, Trace, Value};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

fn resource() -> Resource {
    let text = |name: &'static str, value: &'static str| (Cow::Borrowed(name), Value::from(value));
    Resource::new(vec![
        text("service.name", "open-cli-toolbox"),
        text("service.instance.id", "acme-1"),
        text("host.name", "here"),
    ])
}

/// No bound on the rate, and the files as large as given.
fn options(max_bytes: u64) -> Options {
    Options { max_bytes, spans_per_second: u32::MAX, ..Options::default() }
}

fn open(directory: &Path, options: Options) -> Arc<TraceFile> {
    Arc::new(TraceFile::open(directory, &resource(), options).expect("opened"))
}

/// A request with seven spans, as the runtime has them.
fn call(observer: Arc<dyn Observer>, id: &str, outcome: &Outcome) {
    call_sampled(observer, id, outcome, Sampler::ALL);
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Done,
    Refused,
    Failed,
}

fn call_sampled(observer: Arc<dyn Observer>, id: &str, outcome: &Outcome, sampler: Sampler) {
    let trace = Trace::of_request(observer, RequestId::parse(id).expect("valid"), None, sampler);
    let mut root = trace.span("runtime.tools.execute");
    root.describe(SpanKind::Server, "POST /v1/tools/execute");
    root.set("http.request.method", "POST");
    root.set("http.route", "/v1/tools/execute");
    root.set("url.path", "/v1/tools/execute".to_owned());
    root.set("url.scheme", "http");
    root.set("client.address", "127.0.0.1".to_owned());
    root.set("network.protocol.version", "1.1");
    root.set("user_agent.original", "open-cli/0.1.0 (linux)".to_owned());
    root.set("tool.id", "orders:listOrders");
    root.set("service.id", "orders");
    for name in ["catalog.current", "policy.decide", "credentials.resolve"] {
        root.trace().span(name).end();
    }
    let mut http = root.trace().span("execution.http");
    let mut attempt = http.trace().span("execution.attempt");
    attempt.describe(SpanKind::Client, "GET /orders/{id}");
    attempt.set("http.request.method", "GET");
    attempt.set("server.address", "api.example.test");
    attempt.set("server.port", 443_u16);
    attempt.set("url.full", format!("https://api.example.test/orders/{id}?expand=lines"));
    attempt.set("url.template", "/orders/{id}");
    attempt.set("http.request.resend_count", 0_u16);
    attempt.set("http.response.status_code", 200_u16);
    attempt.end();
    http.set("retryCount", 0_u16);
    http.set("http.response.status_code", 200_u16);
    http.end();
    root.trace().span("audit.append").end();
    root.set("policy.decision", if *outcome == Outcome::Refused { "managed_deny" } else { "allowed" });
    root.set("http.response.status_code", 200_u16);
    root.set("http.response.body.size", 1234_u64);
    if *outcome != Outcome::Done {
        root.set("error.type", "managed_deny");
    }
    if *outcome == Outcome::Failed {
        root.fail("upstream_timeout: the upstream did not answer in time");
    }
    root.end();
}

fn count(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Names in a folder, sorted.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("readable");
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Everything told so far is written. The writer gives way to others, and a test machine may be busy.
fn flushed(file: &TraceFile) {
    until(|| file.flush());
}

/// Waits for what another thread does, at most a while.
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never happened");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// All that was put aside is compressed.
fn until_packed(directory: &Path) {
    until(|| !names_in(directory).iter().any(|name| name.starts_with("traces-") && name.ends_with(".jsonl")));
}

fn with_ending(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let names = names_in(directory).into_iter().filter(|name| name.ends_with(ending));
    names.map(|name| directory.join(name)).collect()
}
