//! Ending an instance from outside: a signal to exactly the process that owns it, and waiting until it does no more.

use crate::list::Instance;
use crate::lock::{self, Holder};
use crate::owner::Owner;
use crate::{InstanceState, inspect, layout::LOCK, process};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::time::{Duration, Instant};

/// Why the owner got no signal.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// It is not certain that there is a process to end.
    #[error(
        "the process of instance {id} can't be told for certain: {reason}; look at it with `instances show {id}`"
    )]
    NotRunning {
        /// The instance.
        id: String,
        /// What is not certain.
        reason: String,
    },
    /// The system refuses.
    #[error("the process {pid} of instance {id} can't be ended: {cause}; do it as the user that started it")]
    Refused {
        /// The instance.
        id: String,
        /// Its process.
        pid: u32,
        /// The system's reason.
        cause: std::io::Error,
    },
}

/// Asks the owner of a running instance to end (SIGTERM). The process is held by a descriptor before its identity is
/// checked, so the signal can't reach one that got its pid afterwards. Gives the pid.
///
/// # Errors
/// When the instance does not run, has another owner meanwhile, or may not be signalled.
pub fn terminate(instance: &Instance) -> Result<u32, SignalError> {
    let unclear = |reason: &str| SignalError::NotRunning { id: instance.id.clone(), reason: reason.to_owned() };
    if instance.state != InstanceState::Running {
        return Err(unclear(&format!("it is {}", instance.state)));
    }
    let pid = instance.owner.pid;
    let target = process::system_pid(pid).ok_or_else(|| unclear("its lock names no process"))?;
    let refused = |cause: Errno| SignalError::Refused { id: instance.id.clone(), pid, cause: cause.into() };
    let ended = || unclear("it has just ended");
    let held = match pidfd_open(target, PidfdFlags::empty()) {
        Ok(held) => Some(held),
        Err(Errno::SRCH) => return Err(ended()),
        // Systems without such descriptors.
        Err(_) => None,
    };
    if !instance.owner.is_there() || has_ended(instance) {
        return Err(ended());
    }
    let sent = match &held {
        Some(held) => pidfd_send_signal(held, Signal::TERM),
        None => kill_process(target, Signal::TERM),
    };
    match sent {
        Ok(()) => Ok(pid),
        Err(Errno::SRCH) => Err(ended()),
        Err(cause) => Err(refused(cause)),
    }
}

/// Waits until the owner that the instance had has ended; another one may have come since. False when it still runs
/// after the timeout. Blocks.
pub fn wait_until_ended(instance: &Instance, timeout: Duration) -> bool {
    let started = Instant::now();
    loop {
        if has_ended(instance) {
            return true;
        }
        if started.elapsed() >= timeout {
            return false;
        }
        inspect::pause();
    }
}

/// Nobody has the lock, or somebody else has.
fn has_ended(instance: &Instance) -> bool {
    let lock_path = instance.state_dir.join(LOCK);
    match lock::holder(&lock_path) {
        Ok(Holder::Somebody) => Owner::read(&lock_path)
            .is_some_and(|owner| (owner.pid, owner.start_time) != (instance.owner.pid, instance.owner.start_time)),
        Ok(Holder::Nobody | Holder::NoFile) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ground;

    #[test]
    fn only_the_owner_of_a_running_instance_gets_a_signal() {
        let ground = Ground::new();
        ground.stale("a");
        let stale = ground.look("a");
        assert!(matches!(terminate(&stale), Err(SignalError::NotRunning { .. })));
        assert!(wait_until_ended(&stale, Duration::ZERO), "nobody has it");

        // The list is older than what is: this process owned it, and does no more.
        let lock = ground.running("a");
        let running = ground.look("a");
        assert!(!wait_until_ended(&running, Duration::ZERO));
        drop(lock);
        let error = terminate(&running).expect_err("nobody to end").to_string();
        assert!(error.contains("has just ended") && error.contains("instances show a"), "{error}");

        // A pid that is used again does not get it either: this process would not survive that.
        let lock = ground.running("a");
        let mut impostor = ground.look("a");
        impostor.owner.start_time = Some(1);
        assert!(matches!(terminate(&impostor), Err(SignalError::NotRunning { .. })));
        assert!(wait_until_ended(&impostor, Duration::ZERO), "somebody else owns it now");
        drop(lock);
    }
}
