//! A circuit breaker: an upstream that fails again and again is left alone for a while, so that callers are told at once
//! and it can recover. After the pause one call tries; its outcome decides. Not for faults of single calls: only what
//! says that the upstream itself is in trouble counts (no connection, no answer, 502, 503, 504).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A breaker that opens again and again stays open longer each time, up to this many times its first pause.
const PAUSE_GROWTH_MAX: u32 = 8;

/// One upstream's breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    born: Instant,
    /// Failures in a row.
    failures: AtomicU32,
    /// Times it opened in a row.
    opened: AtomicU32,
    /// Milliseconds after `born`; 0 while closed.
    open_until: AtomicU64,
    /// One call tries.
    is_trying: AtomicBool,
}

/// It is open for this long still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open(pub(crate) Duration);

/// Leave for one attempt. Dropped without a word (the caller went away) it says nothing about the upstream.
#[derive(Debug)]
pub(crate) struct Leave<'a> {
    breaker: &'a Breaker,
    tries: bool,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            born: Instant::now(),
            failures: AtomicU32::new(0),
            opened: AtomicU32::new(0),
            open_until: AtomicU64::new(0),
            is_trying: AtomicBool::new(false),
        }
    }

    /// May an attempt be made?
    pub(crate) fn admit(&self) -> Result<Leave<'_>, Open> {
        let until = self.open_until.load(Ordering::Acquire);
        if until == 0 {
            return Ok(Leave { breaker: self, tries: false });
        }
        let now = self.now();
        if now < until {
            return Err(Open(Duration::from_millis(until - now)));
        }
        // Half open: the first to come tries, the others wait for what it finds.
        match self.is_trying.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(Leave { breaker: self, tries: true }),
            Err(_) => Err(Open(Duration::from_secs(1))),
        }
    }

    /// Calls are refused at the moment.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.load(Ordering::Acquire) != 0
    }

    fn now(&self) -> u64 {
        // 0 stands for closed.
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

impl Leave<'_> {
    /// The upstream answered.
    pub(crate) fn succeeded(self) {
        let breaker = self.breaker;
        if breaker.failures.load(Ordering::Relaxed) != 0 {
            breaker.failures.store(0, Ordering::Relaxed);
        }
        if self.tries {
            breaker.opened.store(0, Ordering::Relaxed);
            breaker.open_until.store(0, Ordering::Release);
        }
    }

    /// It did not. True when the breaker opened for it.
    pub(crate) fn failed(self, threshold: u32, pause: Duration) -> bool {
        let breaker = self.breaker;
        let failures = breaker.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let opens = threshold > 0 && (self.tries || (failures >= threshold && !breaker.is_open()));
        if opens {
            let opened = breaker.opened.fetch_add(1, Ordering::Relaxed);
            let growth = 1_u32.checked_shl(opened).unwrap_or(PAUSE_GROWTH_MAX).min(PAUSE_GROWTH_MAX);
            let pause = u64::try_from((pause * growth).as_millis()).unwrap_or(u64::MAX);
            breaker.open_until.store(breaker.now().saturating_add(pause), Ordering::Release);
        }
        opens
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.tries {
            self.breaker.is_trying.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "time has to pass")]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(40);
    /// The breaker counts whole milliseconds.
    const SLACK: Duration = Duration::from_millis(3);

    fn fail(breaker: &Breaker) -> bool {
        breaker.admit().expect("closed").failed(3, PAUSE)
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_success_starts_the_count_anew() {
        let breaker = Breaker::new();
        assert!(!fail(&breaker) && !fail(&breaker));
        breaker.admit().expect("closed").succeeded();
        assert!(!fail(&breaker) && !fail(&breaker) && fail(&breaker));
        assert!(breaker.is_open());
        let Open(rest) = breaker.admit().expect_err("open");
        assert!(rest <= PAUSE);
    }

    #[test]
    fn after_the_pause_one_call_tries_and_decides() {
        let breaker = Breaker::new();
        assert!([fail(&breaker), fail(&breaker), fail(&breaker)][2]);
        std::thread::sleep(PAUSE + SLACK);
        let first = breaker.admit().expect("one tries");
        assert!(breaker.admit().is_err(), "and only one");
        assert!(first.failed(3, PAUSE), "it opens again, for twice as long");
        let Open(rest) = breaker.admit().expect_err("open");
        assert!(rest > PAUSE);
        std::thread::sleep(PAUSE * 2 + SLACK);
        // A caller that goes away leaves the try to the next.
        drop(breaker.admit().expect("one tries"));
        breaker.admit().expect("the next tries").succeeded();
        assert!(!breaker.is_open() && breaker.admit().is_ok());
    }

    #[test]
    fn without_a_threshold_it_never_opens() {
        let breaker = Breaker::new();
        for _ in 0..1000 {
            assert!(!breaker.admit().expect("closed").failed(0, PAUSE));
        }
    }
}
