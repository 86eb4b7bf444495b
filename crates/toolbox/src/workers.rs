//! One thread and one runtime a core, and each connection stays on its thread. A call then never waits for another
//! thread to be woken, which costs more than the work itself; background work has the program's own runtime.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The threads that serve connections.
pub(crate) struct Workers {
    handles: Vec<Handle>,
    next: AtomicUsize,
    /// Dropped to end the threads, and what still runs on them.
    _running: Vec<oneshot::Sender<()>>,
}

impl Workers {
    /// Starts them.
    pub(crate) fn start() -> std::io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let (mut handles, mut running) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for number in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            handles.push(runtime.handle().clone());
            let (stop, stopped) = oneshot::channel::<()>();
            running.push(stop);
            std::thread::Builder::new().name(format!("http-{number}")).spawn(move || {
                // Ends when the sender is dropped.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })?;
        }
        Ok(Self { handles, next: AtomicUsize::new(0), _running: running })
    }

    /// The runtimes, for the metrics.
    pub(crate) fn handles(&self) -> Vec<(&'static str, Handle)> {
        let background = ("background", Handle::current());
        self.handles.iter().map(|handle| ("http", handle.clone())).chain([background]).collect()
    }

    /// Runs it on the next thread, turn by turn.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(handle) = self.handles.get(turn % self.handles.len().max(1)) {
            handle.spawn(work);
        }
    }
}
