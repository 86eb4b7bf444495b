//! Documents to the tool catalog, frozen in an immutable [`Snapshot`] that requests share. The [`Keeper`] keeps the
//! last good snapshot, notices changed inputs and rebuilds beside the requests. Not for reading descriptions (that
//! is `openapi`) and not for deciding (that is `policy`).

mod answer;
mod bind;
mod build;
mod compact;
mod definitions;
mod diagnostics;
mod difference;
mod discover;
mod entry;
mod guides;
mod history;
mod inputs;
mod judged;
mod keeper;
mod lint;
mod load;
mod mcp;
mod naming;
mod news;
mod overlays;
mod pieces;
mod pins;
mod plan;
mod prepared;
mod preview;
mod reach;
mod responses;
mod rules;
mod selection;
mod servers;
mod service;
mod service_ids;
mod shelf;
mod skills;
mod snapshot;
mod stored;
mod tools;
mod unchecked;
mod workflow_details;
mod workflows;

pub use answer::{Answer, Detail, Slice};
pub use build::{BuildError, Builder};
pub use entry::ToolEntry;
pub use history::{ChangeTotals, HistoryError, Reaches};
pub use keeper::{Keeper, KeeperError, Refreshed};
pub use news::{Listener, News};
pub use overlays::{ReadOverlay, Unread};
pub use prepared::PreparedTool;
pub use preview::{OverlaidService, OverlayEffect};
pub use reach::Reached;
pub use selection::Selection;
pub use snapshot::Snapshot;
pub use workflows::{Called, WorkflowEntry};
