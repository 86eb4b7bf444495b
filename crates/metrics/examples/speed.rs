//! What the metrics cost: `cargo run --release -p open-cli-metrics --example speed`.
#![allow(clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use open_cli_metrics::{Metrics, Options, process};
use open_cli_observe::{LocalTrace, Observer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::Call;

const CALLS: u32 = 1_000_000;
const TOOLS: usize = 2000;

fn main() {
    for threads in [1, 2] {
        let metrics = Metrics::new(Options::default());
        let traces: Vec<Arc<LocalTrace>> =
            (0..50).map(|n| Call { tool: &format!("orders:tool{n}"), ..Call::default() }.trace()).collect();
        println!("trace_finished, {threads} threads: {:?} a call", calls(&metrics, &traces, threads));
    }
    let metrics = Metrics::new(Options::default());
    metrics.register(process);
    let traces: Vec<Arc<LocalTrace>> = (0..TOOLS)
        .map(|n| Call { tool: &format!("service{}:operation-number-{n}", n % 20), ..Call::default() }.trace())
        .collect();
    println!("only reading {TOOLS} traces, which are not in the cache: {:?} each", read(&traces));
    let before = resident();
    println!("with {TOOLS} tools, 2 threads: {:?} a call", calls(&metrics, &traces, 2));
    println!("memory: {} bytes a tool, in 2 shards", (resident() - before) / TOOLS);
    for name in ["openmetrics", "prometheus", "otlp"] {
        let mut best = Duration::MAX;
        let mut size = 0;
        for _ in 0..20 {
            let started = Instant::now();
            size = match name {
                "openmetrics" => metrics.render_openmetrics().len(),
                "prometheus" => metrics.render_prometheus().len(),
                _ => metrics.snapshot().points(),
            };
            best = best.min(started.elapsed());
        }
        println!("{name}: {best:?}, {size} bytes or points");
    }
    println!("longest call while rendering: {:?}", longest(&metrics, &traces));
}

/// CPU time of a call: others may be busy on this machine.
fn calls(metrics: &Metrics, traces: &[Arc<LocalTrace>], threads: u32) -> Duration {
    let cpu: Duration = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let before = on_cpu();
                    traces.iter().cycle().take(CALLS as usize).for_each(|trace| metrics.trace_finished(trace));
                    on_cpu() - before
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    });
    cpu / (CALLS * threads)
}

/// CPU time of looking at each attribute of a trace.
fn read(traces: &[Arc<LocalTrace>]) -> Duration {
    let before = on_cpu();
    for trace in traces.iter().cycle().take(CALLS as usize) {
        let pairs = trace.spans().flat_map(|span| span.attributes());
        let bytes: usize = pairs.map(|(name, value)| name.len() + value.as_str().map_or(0, first_byte)).sum();
        std::hint::black_box(bytes);
    }
    (on_cpu() - before) / CALLS
}

fn first_byte(text: &str) -> usize {
    text.bytes().next().unwrap_or_default().into()
}

/// CPU time of this thread so far.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// The longest of all calls but one in ten thousand, on one thread while another one renders.
fn longest(metrics: &Metrics, traces: &[Arc<LocalTrace>]) -> Duration {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            let mut longest = Vec::new();
            for trace in traces.iter().cycle().take_while(|_| !is_over.load(Ordering::Relaxed)) {
                let started = Instant::now();
                metrics.trace_finished(trace);
                longest.push(started.elapsed());
            }
            longest.sort_unstable();
            longest[longest.len() - 1 - longest.len() / 10_000]
        });
        (0..20).for_each(|_| _ = metrics.render_openmetrics());
        is_over.store(true, Ordering::Relaxed);
        counting.join().unwrap_or_default()
    })
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}
