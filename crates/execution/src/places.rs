//! How many requests are under way to one upstream at once, and how many wait for their turn. Whoever finds the queue
//! full is told at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Places of one upstream.
#[derive(Debug)]
pub(crate) struct Places {
    free: Semaphore,
    queued: AtomicUsize,
}

/// The queue is full, or the wait was in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no place became free in time")]
pub(crate) struct Busy;

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Semaphore::new(count.min(Semaphore::MAX_PERMITS)), queued: AtomicUsize::new(0) }
    }

    /// A place that is free now.
    pub(crate) fn free(&self) -> Option<SemaphorePermit<'_>> {
        self.free.try_acquire().ok()
    }

    /// The next place that becomes free, first come first served.
    pub(crate) async fn wait(&self, max_queued: usize, timeout: Duration) -> Result<SemaphorePermit<'_>, Busy> {
        let _queued = Queued::enter(&self.queued, max_queued).ok_or(Busy)?;
        match tokio::time::timeout(timeout, self.free.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Busy),
        }
    }
}

/// A place in the queue; given back whatever becomes of the caller.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(count: &'a AtomicUsize, max: usize) -> Option<Self> {
        let queued = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < max).then_some(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn one_waits_behind_one_and_the_third_is_sent_away() {
        let places = Places::new(1);
        let first = places.free().expect("free");
        assert!(places.free().is_none());
        assert_eq!(places.wait(0, SHORT).await.err(), Some(Busy));
        assert_eq!(places.wait(1, SHORT).await.err(), Some(Busy));
        let second = async {
            let waiting = places.wait(1, Duration::from_secs(5));
            waiting.await.expect("its turn comes")
        };
        let third = async {
            tokio::task::yield_now().await;
            assert_eq!(places.wait(1, SHORT).await.err(), Some(Busy), "the queue is full");
            drop(first);
        };
        let (second, ()) = tokio::join!(second, third);
        drop(second);
        // A caller that goes away leaves its place in the queue.
        let held = places.free().expect("free");
        let _ = tokio::time::timeout(Duration::from_millis(1), places.wait(1, SHORT)).await;
        assert_eq!(places.wait(1, SHORT).await.err(), Some(Busy));
        drop(held);
        assert!(places.free().is_some());
    }
}
