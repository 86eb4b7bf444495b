//! How long a group commit waits for more events. Those who were just told that their event is safe are likely to
//! come with the next one: when a sync takes longer than that, it is faster to wait for them than to sync for half of
//! the callers at a time, in turns.
//!
//! Pure: knows no clock and no queue.

use std::time::Duration;

/// Longest wait.
const PATIENCE_MAX: Duration = Duration::from_millis(2);
/// Most groups in a row that are not waited for, after waits in vain.
const PAUSE_MAX: u32 = 64;

/// Learns from each group.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Callers that were there at the end of the last sync.
    callers: usize,
    patience: Duration,
    /// Groups that are not waited for.
    pause: u32,
    next_pause: u32,
}

impl Gather {
    /// After a group of `told` was synced in `took`, while `waiting` others came: how many events to wait for, and
    /// how long.
    pub(crate) fn after_sync(&mut self, told: usize, waiting: usize, took: Duration) -> (usize, Duration) {
        (self.callers, self.patience) = (told + waiting, (took / 2).min(PATIENCE_MAX));
        if self.pause > 0 {
            self.pause -= 1;
            return (1, Duration::ZERO);
        }
        // Not for the last of them: one may have gone.
        ((self.callers - self.callers / 8).max(1), self.patience)
    }

    /// So many came before the time was over.
    pub(crate) fn came(&mut self, events: usize, wanted: usize) {
        if wanted <= 1 {
            return;
        }
        if events >= wanted {
            self.next_pause = 0;
        } else {
            self.next_pause = (self.next_pause * 2).clamp(1, PAUSE_MAX);
            self.pause = self.next_pause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Duration = Duration::from_micros(600);

    #[test]
    fn those_who_were_told_are_waited_for_with_those_who_came_meanwhile() {
        let mut gather = Gather::default();
        assert_eq!(gather.after_sync(32, 32, SYNC), (56, SYNC / 2));
        gather.came(64, 56);
        assert_eq!(gather.after_sync(64, 0, Duration::from_secs(1)), (56, PATIENCE_MAX));
        assert_eq!(gather.after_sync(1, 0, SYNC), (1, SYNC / 2), "a single caller finds it done at once");
    }

    #[test]
    fn waits_in_vain_become_rare_and_one_that_was_worth_it_brings_them_back() {
        let mut gather = Gather::default();
        let mut waits = 0;
        for _ in 0..1_000 {
            let (wanted, patience) = gather.after_sync(8, 8, SYNC);
            waits += u32::from(patience > Duration::ZERO);
            gather.came(8, wanted);
        }
        assert!((10..30).contains(&waits), "{waits}");
        loop {
            let (wanted, _) = gather.after_sync(8, 8, SYNC);
            gather.came(16, wanted);
            if wanted > 1 {
                break;
            }
        }
        assert!((0..10).all(|_| gather.after_sync(16, 0, SYNC).0 == 14));
    }
}
