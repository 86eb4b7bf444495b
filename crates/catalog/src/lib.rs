//! Documents to the tool catalog, frozen in an immutable [`Snapshot`] that requests share. The [`Keeper`] keeps the
//! last good snapshot, notices changed inputs and rebuilds beside the requests. Not for reading descriptions (that
//! is `openapi`) and not for deciding (that is `policy`).

mod answer;
mod build;
mod compact;
mod diagnostics;
mod discover;
mod entry;
mod inputs;
mod judged;
mod keeper;
mod load;
mod naming;
mod overlays;
mod plan;
mod prepared;
mod preview;
mod rules;
mod service;
mod service_ids;
mod shelf;
mod snapshot;
mod tools;

pub use answer::{Answer, Detail, Slice};
pub use build::{BuildError, Builder};
pub use entry::ToolEntry;
pub use keeper::{Keeper, KeeperError};
pub use overlays::{ReadOverlay, Unread};
pub use prepared::PreparedTool;
pub use preview::{OverlaidService, OverlayEffect};
pub use snapshot::Snapshot;
