//! Ctrl-C for the commands that have something to end or to tidy up first. Others end the way every program does.

use crate::exit::Exit;
use signal_hook::consts::SIGINT;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a pause looks whether it was interrupted.
const SLICE: Duration = Duration::from_millis(50);

/// Tells whether Ctrl-C was pressed. Pressed again, it ends the program at once.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let status = i32::from(Exit::Interrupted.code());
        // The first look is at what the second registration sets. Where signals can't be had, Ctrl-C ends the program.
        let second = signal_hook::flag::register_conditional_shutdown(SIGINT, status, Arc::clone(&flag));
        if second.is_ok() {
            let _ = signal_hook::flag::register(SIGINT, Arc::clone(&flag));
        }
        Self(flag)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits; shorter when interrupted.
    #[expect(clippy::disallowed_methods, reason = "this program is blocking: there is no worker to starve")]
    pub(crate) fn pause(&self, length: Duration) {
        let mut left = length;
        while !left.is_zero() && !self.is_set() {
            let slice = left.min(SLICE);
            std::thread::sleep(slice);
            left -= slice;
        }
    }
}
