//! How much is kept, and how fast it may come.

use std::time::Duration;

/// Largest file that may be asked for: what it holds is known by row in memory.
const MAX_BYTES_MAX: u64 = 256 << 20;
/// Smallest, so that putting aside stays rare.
const MAX_BYTES_MIN: u64 = 4 << 10;

/// Bounds of the trace file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The file is put aside before it grows beyond this (4 KiB to 256 MiB). A single longer line is still written.
    pub max_bytes: u64,
    /// The file is put aside when its first trace is this old.
    pub max_age: Duration,
    /// All files together; the oldest go first, the one being written stays.
    pub keep_bytes: u64,
    /// Files are removed when they were put aside this long ago.
    pub keep_age: Duration,
    /// Spans that are written in a second, on average. Beyond it traces are dropped and counted; failed ones are given
    /// as much again. [`u32::MAX`] is no bound. A write costs little, but compressing and disk space do.
    pub spans_per_second: u32,
}

impl Default for Options {
    /// 16 MiB and a day for a file, 128 MiB and a week for all, 20,000 spans a second.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            max_bytes: 16 << 20,
            max_age: DAY,
            keep_bytes: 128 << 20,
            keep_age: 7 * DAY,
            spans_per_second: 20_000,
        }
    }
}

impl Options {
    pub(crate) fn within_bounds(self) -> Self {
        // Several files must fit into what is kept, or each that is put aside would go at once.
        let max_bytes = self.max_bytes.min(self.keep_bytes / 4).clamp(MAX_BYTES_MIN, MAX_BYTES_MAX);
        Self { max_bytes, ..self }
    }
}
