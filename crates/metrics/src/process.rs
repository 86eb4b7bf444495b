//! The process as Linux describes it in `/proc`; what can't be read is left out. A source for
//! [`Metrics::register`](crate::Metrics::register).

use crate::collect::Collector;
use crate::names;
use std::path::Path;

/// Largest file of `/proc` that is read.
const MAX_FILE: u64 = 64 * 1024;
/// Most file descriptors that are counted one by one, on kernels that don't tell their number (before 6.2).
const MAX_FILES: usize = 100_000;
/// Ticks of `/proc/self/stat` in a second: part of Linux's ABI on every architecture that Rust calls tier 1.
const TICKS: f64 = 100.0;

/// CPU time, memory, threads, files and age of this process.
pub fn process(collector: &mut Collector) {
    of(Path::new("/proc"), collector);
}

fn of(proc: &Path, collector: &mut Collector) {
    if let Some(stat) = read(&proc.join("self/stat")) {
        stat_line(proc, &stat, collector);
    }
    if let Some(status) = read(&proc.join("self/status")) {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        for (name, metric) in [("VmRSS", &names::PROCESS_MEMORY), ("VmSize", &names::PROCESS_VIRTUAL)] {
            if let Some(kibibytes) = field(name) {
                collector.set(metric, &[], kibibytes.saturating_mul(1024));
            }
        }
        if let Some(threads) = field("Threads") {
            collector.set(&names::PROCESS_THREADS, &[], threads);
        }
    }
    if let Some(files) = files(&proc.join("self/fd")) {
        collector.set(&names::PROCESS_FILES, &[], files);
    }
    let limits = read(&proc.join("self/limits")).unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    if let Some(limit) = soft.and_then(|text| text.parse::<u64>().ok()) {
        collector.set(&names::PROCESS_MAX_FILES, &[], limit);
    }
}

/// The name of the program, in brackets, may hold anything, so what counts begins after the last bracket.
fn stat_line(proc: &Path, stat: &str, collector: &mut Collector) {
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    // proc(5) counts from 1 and the third is the first here.
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    for (number, mode) in [(14, "user"), (15, "system")] {
        if let Some(seconds) = ticks(number) {
            collector.set(&names::PROCESS_CPU, &[mode], seconds);
        }
    }
    let Some(after_boot) = ticks(22) else { return };
    let first_number = |text: String| text.split_whitespace().next()?.parse::<f64>().ok();
    if let Some(up) = read(&proc.join("uptime")).and_then(first_number) {
        collector.set(&names::PROCESS_UPTIME, &[], (up - after_boot).max(0.0));
    }
    let boot = read(&proc.join("stat")).and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
        line.trim().parse::<f64>().ok()
    });
    if let Some(boot) = boot {
        collector.set(&names::PROCESS_START, &[], boot + after_boot);
    }
}

fn read(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut text = Vec::new();
    std::fs::File::open(path).ok()?.take(MAX_FILE).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Newer kernels say their number as the folder's size; it costs the same however many there are.
fn files(folder: &Path) -> Option<u64> {
    let told = std::fs::metadata(folder).ok()?.len();
    if told > 0 {
        return Some(told);
    }
    // One of them is the folder that is being read.
    let counted = std::fs::read_dir(folder).ok()?.take(MAX_FILES).count();
    Some(counted.saturating_sub(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::Amount;

    fn values(proc: &Path) -> Vec<(&'static str, f64)> {
        let mut collector = Collector::default();
        of(proc, &mut collector);
        let number = |amount: &Amount| match amount {
            Amount::Int(value) => *value as f64,
            Amount::Double(value) => *value,
        };
        let all = collector.metrics.iter();
        all.flat_map(|(name, (_, points))| points.values().map(move |amount| (*name, number(amount)))).collect()
    }

    #[test]
    fn this_process_is_described() {
        let values = values(Path::new("/proc"));
        let of = |name: &str| values.iter().find(|(known, _)| *known == name).map_or(0.0, |(_, value)| *value);
        assert!(
            of("process.memory.usage") > 100_000.0 && of("process.memory.virtual") > of("process.memory.usage")
        );
        assert!(of("process.thread.count") >= 1.0 && of("process.unix.file_descriptor.count") >= 3.0);
        let now = jiff::Timestamp::now().as_second() as f64;
        let start = of("process.start_time");
        assert!((start + of("process.uptime") - now).abs() < 5.0, "{start}");
    }

    #[test]
    fn what_can_not_be_read_is_left_out() {
        assert_eq!(values(Path::new("/nowhere")), []);
    }
}
