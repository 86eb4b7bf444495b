//! A retry budget: calls earn retries, and retries spend them. An upstream in trouble then gets a few more requests than
//! calls, not three times as many.

use std::sync::atomic::{AtomicI64, Ordering};

/// What one retry costs.
const RETRY: i64 = 100;
/// Retries that can be saved up; also there at the beginning.
const SAVED_MAX: i64 = 10 * RETRY;

/// One upstream's budget, in hundredths of a retry.
#[derive(Debug)]
pub(crate) struct Budget(AtomicI64);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(SAVED_MAX))
    }

    /// A call began and earns this many hundredths of a retry.
    pub(crate) fn earn(&self, percent: u32) {
        // Full most of the time: then nothing is written.
        if self.0.load(Ordering::Relaxed) < SAVED_MAX {
            self.0.fetch_add(i64::from(percent), Ordering::Relaxed);
        }
    }

    /// Pays for a retry, if there is enough.
    pub(crate) fn spend(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| (saved >= RETRY).then(|| saved - RETRY))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_paid_for_by_calls() {
        let budget = Budget::new();
        let spent = (0..100).filter(|_| budget.spend()).count();
        assert_eq!(spent, 10, "what was saved");
        for _ in 0..4 {
            budget.earn(20);
        }
        assert!(!budget.spend());
        budget.earn(20);
        assert!(budget.spend() && !budget.spend(), "five calls, one retry");
        for _ in 0..1000 {
            budget.earn(100);
        }
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10, "no more is saved than at the beginning");
    }
}
