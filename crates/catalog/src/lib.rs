//! Documents to the tool catalog, frozen in an immutable [`Snapshot`] that requests share. The [`Keeper`] keeps the
//! last good snapshot, notices changed inputs and rebuilds beside the requests. Not for reading descriptions (that
//! is `openapi`) and not for deciding (that is `policy`).

mod answer;
mod build;
mod compact;
mod index;
mod keeper;
mod naming;
mod rules;
mod service;
mod snapshot;
mod tools;

pub use answer::{Answer, Detail, Slice};
pub use build::{BuildError, Builder};
pub use keeper::{Keeper, KeeperError};
pub use snapshot::{Snapshot, ToolEntry};
