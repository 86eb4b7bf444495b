//! The queue between requests and the thread that sends. Pushing takes a lock for a moment and wakes nobody but when a
//! batch is full: a system call for each request would cost more than everything else here.

use crate::Stats;
use crate::batch::Batch;
use crate::control::Control;
use crate::send::Sender;
use crate::settings::Batches;
use crate::stats::add;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

/// A bounded queue and the counters of its exporter.
pub(crate) struct Queue<B: Batch> {
    waiting: Mutex<Waiting<B::Item>>,
    limits: Batches,
    pub(crate) control: Arc<Control>,
    pub(crate) stats: Arc<Stats>,
}

struct Waiting<T> {
    items: VecDeque<T>,
    weight: usize,
}

impl<B: Batch> Queue<B> {
    pub(crate) fn new(limits: Batches, control: Arc<Control>, stats: Arc<Stats>) -> Self {
        let waiting = Mutex::new(Waiting { items: VecDeque::new(), weight: 0 });
        Self { waiting, limits, control, stats }
    }

    /// Takes the item, or drops and counts it when there is no room. Never waits.
    pub(crate) fn push(&self, item: B::Item) {
        let weight = B::weight(&item);
        if self.control.is_closed() {
            return add(&self.stats.dropped_queue_full, weight);
        }
        let mut waiting = self.waiting.lock();
        let before = waiting.weight;
        // One that is larger than the whole queue is taken alone.
        if before > 0 && before + weight > self.limits.queue {
            drop(waiting);
            return add(&self.stats.dropped_queue_full, weight);
        }
        add(&self.stats.queued, weight);
        waiting.weight += weight;
        waiting.items.push_back(item);
        drop(waiting);
        if before < self.limits.batch && before + weight >= self.limits.batch {
            self.control.wake();
        }
    }

    fn is_batch_full(&self) -> bool {
        self.waiting.lock().weight >= self.limits.batch
    }

    /// Takes a batch, in the order in which it came; true when nothing is left.
    fn take(&self, items: &mut Vec<B::Item>) -> bool {
        let mut waiting = self.waiting.lock();
        let (mut count, mut weight) = (0, 0);
        for item in &waiting.items {
            let more = weight + B::weight(item);
            if count > 0 && more > self.limits.batch {
                break;
            }
            (count, weight) = (count + 1, more);
        }
        waiting.weight -= weight;
        items.extend(waiting.items.drain(..count));
        waiting.items.is_empty()
    }

    /// Sends what comes, as soon as a batch is full, or has waited long enough, or is wanted; until the end.
    pub(crate) async fn run(&self, mut sender: Sender) {
        let mut items = Vec::new();
        let mut next = Instant::now() + self.limits.delay;
        loop {
            let order = self.control.order();
            if !order.is_urgent && !self.is_batch_full() && Instant::now() < next {
                self.control.wait_until(next).await;
                continue;
            }
            let is_all = self.take(&mut items);
            if !items.is_empty() {
                sender.send::<B>(&items).await;
                items.clear();
            }
            next = Instant::now() + self.limits.delay;
            if is_all {
                self.control.done(order);
                if order.is_last {
                    return;
                }
            }
        }
    }
}
