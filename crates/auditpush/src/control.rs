//! Between the runtime and the threads of the sinks: wait, end within a bound, and write no file afterwards.

use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How much longer than they have the threads are waited for: they keep their places last.
const GRACE: Duration = Duration::from_millis(200);

/// Shared by all sinks.
#[derive(Debug, Default)]
pub(crate) struct Control {
    state: Mutex<State>,
    changed: Condvar,
    /// The files beside the log belong to somebody else now.
    files_are_closed: Mutex<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// When the threads must have ended, once that is wanted.
    end_by: Option<Instant>,
    running: usize,
}

impl Control {
    /// Counts a thread that is about to start.
    pub(crate) fn enter(&self) {
        self.state.lock().running += 1;
    }

    /// Counts it no more when this is dropped, also by a panic.
    pub(crate) fn guard(&self) -> Running<'_> {
        Running(self)
    }

    /// When the threads must have ended, once that is wanted.
    pub(crate) fn end_by(&self) -> Option<Instant> {
        self.state.lock().end_by
    }

    /// Waits that long, or until the end is wanted.
    pub(crate) fn wait(&self, pause: Duration) {
        let mut state = self.state.lock();
        let _ = self.changed.wait_while_for(&mut state, |state| state.end_by.is_none(), pause);
    }

    /// Writes a file, unless that is over.
    pub(crate) fn with_files<T>(&self, write: impl FnOnce() -> T) -> Option<T> {
        let closed = self.files_are_closed.lock();
        (!*closed).then(write)
    }

    /// Has the threads make a last try and waits for them; false when one had to be left behind. Afterwards none
    /// writes a file any more. A second call only waits.
    pub(crate) fn end(&self, within: Duration) -> bool {
        let mut state = self.state.lock();
        let end_by = *state.end_by.get_or_insert_with(|| Instant::now() + within);
        self.changed.notify_all();
        let _ = self.changed.wait_while_until(&mut state, |state| state.running > 0, end_by + GRACE);
        let all_ended = state.running == 0;
        drop(state);
        *self.files_are_closed.lock() = true;
        all_ended
    }
}

/// A thread that runs.
pub(crate) struct Running<'a>(&'a Control);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state.lock().running -= 1;
        self.0.changed.notify_all();
    }
}
