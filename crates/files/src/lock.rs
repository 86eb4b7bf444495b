//! Advisory file locks with a bounded wait. The system releases them when the owner's process ends, however it ends.

use std::fs::{File, TryLockError};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(2);

/// Takes the exclusive lock of a file, waiting at most `patience`. Blocks the thread.
///
/// # Errors
/// `WouldBlock` when somebody else still holds it; otherwise the system's reason.
pub fn lock_within(file: &File, patience: Duration) -> Result<(), TryLockError> {
    // The free lock is the usual case: no clock is read for it.
    let mut outcome = file.try_lock();
    if !matches!(outcome, Err(TryLockError::WouldBlock)) || patience.is_zero() {
        return outcome;
    }
    let started = Instant::now();
    while matches!(outcome, Err(TryLockError::WouldBlock)) && started.elapsed() < patience {
        pause();
        outcome = file.try_lock();
    }
    outcome
}

/// Waits on a condition that nobody signals: `park_timeout` could swallow a wake-up meant for the thread's executor.
fn pause() {
    let nobody = Mutex::new(());
    let guard = nobody.lock().unwrap_or_else(PoisonError::into_inner);
    drop(Condvar::new().wait_timeout(guard, PAUSE));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::append_private;

    #[test]
    fn a_lock_is_waited_for_up_to_the_bound() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("lock");
        let (first, second) = (append_private(&path).expect("opened"), append_private(&path).expect("opened"));
        lock_within(&first, Duration::ZERO).expect("free");
        assert!(matches!(lock_within(&second, Duration::from_millis(20)), Err(TryLockError::WouldBlock)));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| lock_within(&second, Duration::from_secs(20)));
            first.unlock().expect("released");
            waiter.join().expect("no panic").expect("taken after the release");
        });
    }
}
