//! The threads that build catalogs: as many at once as there are cores, behind those that serve calls once there is
//! something to serve, and gone when there is nothing to build, with the memory that building took. Not for what a build
//! does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;

/// Calls come first: a thread with this much more niceness gets about a tenth of a core that calls want too.
const NICENESS: i32 = 10;
/// A thread that has nothing to do ends after this.
const KEEP_ALIVE: Duration = Duration::from_millis(100);
/// The allocator gives pages back a second after they became free, when a thread ends.
const RETURN_AFTER: Duration = Duration::from_millis(1200);

/// The threads that build.
pub(crate) struct Builders {
    /// `None` once it is shut down.
    runtime: Option<Runtime>,
    /// From now on threads that start give way.
    gives_way: Arc<AtomicBool>,
}

impl Builders {
    /// Must be called inside a Tokio runtime, which watches over memory.
    pub(crate) fn start() -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let ended = Arc::new(Notify::new());
        tokio::spawn(return_memory(Arc::clone(&ended)));
        let gives_way = Arc::new(AtomicBool::new(false));
        let is_behind = Arc::clone(&gives_way);
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .worker_threads(1)
            .max_blocking_threads(cores)
            .thread_keep_alive(KEEP_ALIVE)
            .thread_name("builder")
            .on_thread_start(move || {
                if is_behind.load(Ordering::Relaxed) {
                    // Where it is not allowed, building competes with calls.
                    let _ = rustix::process::nice(NICENESS);
                }
            })
            .on_thread_stop(move || ended.notify_one())
            .build()?;
        Ok(Self { runtime: Some(runtime), gives_way })
    }

    /// Calls can be made: from now on they come first. Until then there is nothing to give way to but other programs,
    /// and whoever waits for a first catalog waits for these threads.
    pub(crate) fn give_way(&self) -> impl FnOnce() + Send + 'static {
        let gives_way = Arc::clone(&self.gives_way);
        move || gives_way.store(true, Ordering::Relaxed)
    }

    /// Where to build.
    pub(crate) fn handle(&self) -> Handle {
        match &self.runtime {
            Some(runtime) => runtime.handle().clone(),
            None => Handle::current(),
        }
    }
}

impl Drop for Builders {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A build under way is abandoned, not waited for.
            runtime.shutdown_background();
        }
    }
}

/// What building used is used again by the next build only, so it goes back to the system meanwhile.
async fn return_memory(ended: Arc<Notify>) {
    loop {
        ended.notified().await;
        tokio::time::sleep(RETURN_AFTER).await;
        // A thread that allocated and ends makes the allocator return what is due.
        let visit = std::thread::Builder::new().spawn(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(64))));
        if let Ok(thread) = visit {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}
