//! A short wait without sleeping. Near upstreams answer within some tens of microseconds, and putting an idle core to
//! sleep and waking it again takes as long. So a call that is alone looks for its answer a moment before its thread
//! may sleep; beside other calls there is other work to do, and nothing is gained.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Longest time that is spent looking.
const LOOK_FOR: Duration = Duration::from_micros(60);

/// Counts a call while it waits for its upstream.
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(crate) fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }

    fn is_alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }

    /// Waits for the answer, at first without sleeping.
    pub(crate) async fn on<T>(self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        let began = Instant::now();
        while self.is_alone() && began.elapsed() < LOOK_FOR {
            let now = poll_fn(|context| match answer.as_mut().poll(context) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending => Poll::Ready(None),
            });
            if let Some(value) = now.await {
                return value;
            }
            // Lets the runtime look at its sockets, and other tasks run.
            tokio::task::yield_now().await;
        }
        answer.await
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn quick_and_slow_answers_arrive_and_the_count_goes_back() {
        let count = AtomicUsize::new(0);
        assert_eq!(Waiting::enter(&count).on(async { 1 }).await, 1);
        let slow = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            2
        };
        assert_eq!(Waiting::enter(&count).on(slow).await, 2);
        let _other = Waiting::enter(&count);
        assert_eq!(Waiting::enter(&count).on(async { 3 }).await, 3);
        drop(_other);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
