//! What is said after a sync: the signed head, which shows when the end of the log is cut off, and an event for those
//! who want to know what a power loss would leave.

use crate::AuditError;
use crate::key::SigningKey;
use crate::layout::Layout;
use crate::recover::Place;
use crate::statement::{self, Head};
use open_cli_contract::Timestamp;

/// Signs a place as the head.
pub(crate) fn write_head(layout: &Layout, place: &Place, key: &SigningKey) -> Result<(), AuditError> {
    let head = Head {
        seq: place.position.seq,
        hash: place.position.hash,
        first_seq: place.first_seq.unwrap_or(0),
        size: place.size,
        time: Timestamp::now(),
    };
    statement::write(&layout.head(), &head, key, open_cli_files::Durability::Synced)
}

/// Tells, for whoever wants to know what a power loss would leave: the live file begins with record `first_seq` (0: it
/// has none yet) and is safe up to `offset`.
pub(crate) fn told_synced(place: &Place) {
    let (seq, first_seq) = (place.position.seq, place.first_seq.unwrap_or(0));
    tracing::trace!(first_seq, seq, offset = place.size, "audit log synced");
}
