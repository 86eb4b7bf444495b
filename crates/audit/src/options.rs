//! How a log is kept.

use std::time::Duration;

/// When an event counts as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// It is in the file. It survives the end of the process at once, and a power loss a second later.
    #[default]
    Written,
    /// It survives a power loss. Events that arrive at the same time share one sync.
    Synced,
}

/// How a log is kept. A limit that is `None` is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditOptions {
    /// When [`crate::AuditLog::record`] returns.
    pub durability: Durability,
    /// Size of the live file from which on it is put aside, soon after.
    pub rotate_bytes: Option<u64>,
    /// Age of the first record of the live file from which on it is put aside.
    pub rotate_age: Option<Duration>,
    /// Most bytes of the whole log on disk. The oldest segments are removed; the live file always stays.
    pub retain_bytes: Option<u64>,
    /// Age of the last record of a segment from which on it is removed.
    pub retain_age: Option<Duration>,
    /// Segments are compressed, indexed and signed. Without, they stay as they were put aside, and nothing is
    /// removed.
    pub sealing: bool,
}

/// 64 MiB or a day to a segment, 1 GiB in all.
impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Written,
            rotate_bytes: Some(64 << 20),
            rotate_age: Some(Duration::from_secs(24 * 60 * 60)),
            retain_bytes: Some(1 << 30),
            retain_age: None,
            sealing: true,
        }
    }
}
