//! The queue between requests and the thread that sends. Pushing takes a lock for a moment and wakes nobody unless
//! there is enough for a batch: a system call for each request would cost more than everything else here.

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

/// As many are worth a request. A batch that stays in the processor's caches costs us and the collector a quarter less
/// than one of 2048 spans; larger ones are sent when the collector is slower than what comes.
const ENOUGH: usize = 512;

/// A bounded queue and the counters of its exporter.
pub(crate) struct Queue<B: Batch> {
    waiting: Mutex<Waiting<B::Item>>,
    limits: Batches,
    pub(crate) control: Arc<Control>,
    pub(crate) stats: Arc<Stats>,
}

struct Waiting<T> {
    /// With their weights: taking a batch must not look at items that other processors have in their caches while
    /// requests wait for the lock.
    items: VecDeque<(usize, T)>,
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
        waiting.items.push_back((weight, item));
        drop(waiting);
        let enough = self.enough();
        if before < enough && before + weight >= enough {
            self.control.wake();
        }
    }

    fn enough(&self) -> usize {
        self.limits.batch.min(ENOUGH)
    }

    fn has_enough(&self) -> bool {
        self.waiting.lock().weight >= self.enough()
    }

    /// Takes a batch, in the order in which it came; true when nothing is left.
    fn take(&self, items: &mut Vec<B::Item>) -> bool {
        let mut waiting = self.waiting.lock();
        let (mut count, mut weight) = (0, 0);
        for (of_item, _) in &waiting.items {
            let more = weight + of_item;
            if count > 0 && more > self.limits.batch {
                break;
            }
            (count, weight) = (count + 1, more);
        }
        waiting.weight -= weight;
        items.extend(waiting.items.drain(..count).map(|(_, item)| item));
        waiting.items.is_empty()
    }

    /// Sends what comes, as soon as there is enough, or it has waited long enough, or is wanted; until the end.
    pub(crate) async fn run(&self, mut sender: Sender) {
        let mut items = Vec::new();
        let mut next = Instant::now() + self.limits.delay;
        loop {
            let order = self.control.order();
            if !order.is_urgent && !self.has_enough() && Instant::now() < next {
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
