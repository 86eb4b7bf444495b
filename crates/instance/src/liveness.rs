//! Does an instance run? The lock tells; pids do not (weakness 29).

use crate::lock::{self, Holder};
use crate::owner::Owner;
use crate::{InstanceError, Layout, read_runtime_record};
use open_cli_contract::runtime::RuntimeRecord;

/// State of an instance on this machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Liveness {
    /// A process owns it. While it starts, before it has published its record, the URL is empty.
    Running(RuntimeRecord),
    /// Nobody owns it, but the last owner left its record behind. The next owner removes it.
    Stale(RuntimeRecord),
    /// Nobody owns it.
    Stopped,
}

/// Looks whether an instance runs, without changing anything.
///
/// # Errors
/// When the lock file can't be read, or has no lock to try.
pub fn liveness(layout: &Layout) -> Result<Liveness, InstanceError> {
    let is_owned = matches!(lock::holder(&layout.lock_path)?, Holder::Somebody);
    let record = read_runtime_record(&layout.runtime_path).ok();
    Ok(match (is_owned, record) {
        (true, record) => Liveness::Running(running(layout, record)),
        (false, Some(record)) => Liveness::Stale(record),
        (false, None) => Liveness::Stopped,
    })
}

/// The owner's record, or what its lock file says while it has none.
fn running(layout: &Layout, record: Option<RuntimeRecord>) -> RuntimeRecord {
    let owner = Owner::read(&layout.lock_path).unwrap_or_default();
    record
        .filter(|record| owner.pid == 0 || record.pid == owner.pid)
        .unwrap_or_else(|| owner.as_record(layout.id.to_string()))
}
