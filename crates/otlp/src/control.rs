//! Between those who hold an exporter and its thread: wake it, flush it, end it within a bound.

use crate::Stats;
use crate::stats::add;
use parking_lot::{Condvar, Mutex};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// Shared by an exporter and its thread.
pub(crate) struct Control {
    progress: Mutex<Progress>,
    progressed: Condvar,
    wake: Notify,
    /// When the thread must have ended, once that is wanted.
    end_by: watch::Sender<Option<Instant>>,
}

#[derive(Default)]
struct Progress {
    /// How many flushes were asked for, and up to which of them all is done.
    asked: u64,
    done: u64,
    end: Option<End>,
}

/// How the thread ended.
#[derive(Clone, Copy, PartialEq)]
enum End {
    AllDone,
    Cut,
}

/// What is wanted of the thread.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    flush: u64,
    /// Send what there is, now.
    pub(crate) is_urgent: bool,
    /// Then end.
    pub(crate) is_last: bool,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            progress: Mutex::default(),
            progressed: Condvar::new(),
            wake: Notify::new(),
            end_by: watch::Sender::new(None),
        }
    }

    /// Wakes the thread.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// The thread is to end, or has.
    pub(crate) fn is_closed(&self) -> bool {
        self.end_by.borrow().is_some()
    }

    /// Has everything sent that is there now. False when that did not happen in time.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let mut progress = self.progress.lock();
        progress.asked += 1;
        let mine = progress.asked;
        self.wake();
        let waited = |progress: &mut Progress| progress.done < mine && progress.end.is_none();
        self.progressed.wait_while_for(&mut progress, waited, within);
        progress.done >= mine || progress.end == Some(End::AllDone)
    }

    /// Has everything sent and the thread ended; what is not sent by then is dropped and counted. False when it had
    /// to be cut. A second call only waits.
    pub(crate) fn shutdown(&self, within: Duration) -> bool {
        self.end_within(within);
        // A little longer than the thread has: it counts what is left.
        self.flush(within + Duration::from_millis(200))
    }

    /// Tells the thread when it must have ended, and waits for nothing.
    pub(crate) fn end_within(&self, within: Duration) {
        self.end_by.send_if_modified(|end_by| {
            let is_first = end_by.is_none();
            end_by.get_or_insert(Instant::now() + within);
            is_first
        });
        self.wake();
    }

    /// The thread's view.
    pub(crate) fn order(&self) -> Order {
        let is_last = self.is_closed();
        let progress = self.progress.lock();
        Order { flush: progress.asked, is_urgent: is_last || progress.asked > progress.done, is_last }
    }

    /// Everything is done that was there when this was ordered.
    pub(crate) fn done(&self, order: Order) {
        let mut progress = self.progress.lock();
        progress.done = progress.done.max(order.flush);
        self.progressed.notify_all();
    }

    /// Waits until woken, but not longer than that.
    pub(crate) async fn wait_until(&self, at: tokio::time::Instant) {
        let _ = tokio::time::timeout_at(at, self.wake.notified()).await;
    }

    /// Waits that long; when the program is about to end, or comes to it, only the short time.
    pub(crate) async fn pause(&self, long: Duration, short: Duration) {
        let mut end_by = self.end_by.subscribe();
        if end_by.borrow_and_update().is_some() {
            return tokio::time::sleep(short.min(long)).await;
        }
        let _ = tokio::time::timeout(long, end_by.changed()).await;
    }

    /// Waits until the time of the thread is over.
    async fn out_of_time(&self) {
        let mut end_by = self.end_by.subscribe();
        let end_by = end_by.wait_for(Option::is_some).await.ok().and_then(|end_by| *end_by);
        match end_by {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }

    fn ended(&self, end: End) {
        self.progress.lock().end = Some(end);
        self.progressed.notify_all();
    }
}

/// Tells that the thread ended, also when it panics.
struct Ending {
    control: Arc<Control>,
    stats: Arc<Stats>,
    end: End,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Self { control, stats, end } = self;
        // Nobody takes anything any more.
        control.end_by.send_if_modified(|end_by| {
            end_by.get_or_insert_with(Instant::now);
            false
        });
        let left = stats.queued.swap(0, Ordering::Relaxed);
        add(&stats.dropped_failed, usize::try_from(left).unwrap_or(usize::MAX));
        control.ended(*end);
    }
}

/// Runs the work on a thread of its own, until it ends or its time is over.
pub(crate) fn spawn<F: Future<Output = ()>>(
    name: &str,
    (control, stats): (Arc<Control>, Arc<Stats>),
    work: impl FnOnce() -> F + Send + 'static,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
    let run = move || {
        give_way();
        let mut ending = Ending { control: Arc::clone(&control), stats, end: End::Cut };
        ending.end = runtime.block_on(async {
            tokio::select! {
                () = work() => End::AllDone,
                () = control.out_of_time() => End::Cut,
            }
        });
        drop(ending);
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Lowers the priority of the calling thread, so that a batch never takes a request's turn (on Linux; elsewhere it would
/// be the whole process, and nothing is done).
fn give_way() {
    /// About a quarter of a core that requests want too: enough for all spans at full load.
    #[cfg(target_os = "linux")]
    const NICENESS: i32 = 5;
    #[cfg(target_os = "linux")]
    // Without it the work is done all the same.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
