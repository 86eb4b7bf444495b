//! Single flight: who asks for what somebody is fetching already waits and shares the answer (weakness 49). When the
//! one who fetches is cancelled, the next one in line fetches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Fetches under way, by key.
pub(super) struct Flights<T> {
    open: Mutex<HashMap<String, Arc<Flight<T>>>>,
}

/// Held while fetching; has the result afterwards.
type Flight<T> = tokio::sync::Mutex<Option<T>>;

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { open: Mutex::default() }
    }
}

impl<T: Clone> Flights<T> {
    /// Runs `work`, unless somebody who came before does so for the same key and `fits` says that the result is good
    /// for us too.
    pub(super) async fn run(&self, key: &str, fits: impl Fn(&T) -> bool, work: impl Future<Output = T>) -> T {
        let seat = self.board(key);
        let mut result = seat.flight().lock().await;
        if let Some(shared) = result.as_ref().filter(|result| fits(result)) {
            return shared.clone();
        }
        let own = work.await;
        *result = Some(own.clone());
        // Whoever comes now came after the answer, and must not have it.
        seat.close();
        own
    }

    fn board(&self, key: &str) -> Seat<'_, T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let flight = Arc::clone(open.entry(key.to_owned()).or_default());
        Seat { flights: self, key: key.to_owned(), flight: Some(flight) }
    }
}

/// One who takes part. Leaves the list of flights tidy, also when cancelled.
struct Seat<'a, T> {
    flights: &'a Flights<T>,
    key: String,
    /// Taken on drop only.
    flight: Option<Arc<Flight<T>>>,
}

impl<T> Seat<'_, T> {
    fn flight(&self) -> &Arc<Flight<T>> {
        self.flight.as_ref().expect("invariant: taken on drop only")
    }

    fn close(&self) {
        let mut open = self.flights.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, self.flight())) {
            open.remove(&self.key);
        }
    }
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        let mut open = self.flights.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that of two who leave at once the second sees that it is the last.
        drop(self.flight.take());
        if open.get(&self.key).is_some_and(|flight| Arc::strong_count(flight) == 1) {
            open.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    struct Counter(Flights<usize>, AtomicUsize);

    impl Counter {
        fn new() -> Arc<Self> {
            Arc::new(Self(Flights::default(), AtomicUsize::new(0)))
        }
        async fn run(self: Arc<Self>, fits: bool) -> usize {
            let work = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                self.1.fetch_add(1, Ordering::SeqCst) + 1
            };
            self.0.run("k", |_| fits, work).await
        }
        fn is_tidy(&self) -> bool {
            self.0.open.lock().expect("not poisoned").is_empty()
        }
    }

    #[tokio::test]
    async fn those_who_ask_together_share_one_answer_and_later_ones_do_not() {
        let counter = Counter::new();
        let tasks: Vec<_> = (0..20).map(|_| tokio::spawn(counter.clone().run(true))).collect();
        for task in tasks {
            assert_eq!(task.await.expect("joined"), 1);
        }
        assert_eq!(counter.clone().run(true).await, 2);
        assert!(counter.is_tidy());
    }

    #[tokio::test]
    async fn an_answer_that_does_not_fit_is_not_shared() {
        let counter = Counter::new();
        let (a, b) = tokio::join!(counter.clone().run(false), counter.clone().run(false));
        assert_eq!(a + b, 3);
        assert!(counter.is_tidy());
    }

    #[tokio::test]
    async fn when_the_first_is_cancelled_the_next_goes_on() {
        let counter = Counter::new();
        let first = tokio::spawn(counter.clone().run(true));
        tokio::time::sleep(Duration::from_millis(5)).await;
        let second = tokio::spawn(counter.clone().run(true));
        tokio::time::sleep(Duration::from_millis(5)).await;
        first.abort();
        assert_eq!(second.await.expect("joined"), 1);
        assert!(counter.is_tidy());
        let alone = tokio::spawn(counter.clone().run(true));
        tokio::time::sleep(Duration::from_millis(5)).await;
        alone.abort();
        assert!(alone.await.is_err() && counter.is_tidy());
    }
}
