//! The audit log: what was attempted, by whom, and what was decided (config-and-state §5, weaknesses 53 to 64).
//!
//! One JSON object a line, appended with one write before the answer leaves. An append that fails is an error for
//! the caller, who decides whether the call may go on. Reading is streamed, filtered and bounded, and one bad line
//! costs that line only. Each record names the hash of the one before it, and what was put aside and the end of the
//! log are signed, so that [`verify()`] finds what anybody changed. Not for telemetry (that may be lost, see
//! `open-cli-observe`) and not for deciding which events exist: the event is
//! `open_cli_contract::audit::AuditEvent`.

mod chain;
mod checkpoint;
mod error;
mod gather;
mod index;
mod keeper;
mod key;
mod layout;
mod line;
mod log;
mod options;
mod query;
mod recover;
mod retention;
mod scan;
mod seal;
mod sealed;
mod shared;
mod statement;
mod stats;
mod tail;
mod verify;
mod writer;

pub use error::AuditError;
pub use key::PublicKey;
pub use log::{AuditLog, OpenReport, Receipt};
pub use options::{AuditOptions, Durability};
pub use query::{
    AuditPage, AuditQuery, AuditReader, AuditStream, Cursor, InvalidCursor, LIST_MAX_BYTES, LIST_MAX_EVENTS, Order,
};
pub use recover::Tampering;
pub use stats::StatsSnapshot;
pub use verify::{Problem, ProblemKind, VerifyOptions, VerifyReport, verify};

use open_cli_contract::audit::AuditEvent;

/// Longest line that is written or listed, LF excluded.
pub const LINE_MAX: usize = 1 << 20;

/// Where audit events are kept. [`AuditLog`] keeps them in a file of this machine.
pub trait Store: Send + Sync + 'static {
    /// Keeps an event. When this returns, the event is kept.
    ///
    /// # Errors
    /// When the event is not kept; a call that must be audited must then be refused.
    fn append(&self, event: &AuditEvent) -> Result<(), AuditError>;

    /// Events that a query asks for, oldest first.
    ///
    /// # Errors
    /// When the events can't be read at all. A bad event is counted in the page instead.
    fn list(&self, query: &AuditQuery) -> Result<AuditPage, AuditError>;
}

impl Store for AuditLog {
    fn append(&self, event: &AuditEvent) -> Result<(), AuditError> {
        self.append_and_wait(event).map(drop)
    }
    fn list(&self, query: &AuditQuery) -> Result<AuditPage, AuditError> {
        Self::list(self, query)
    }
}
