//! What both programs agree on: everything that goes over the wire or onto disk, the closed list of error
//! codes, and the names (slugs, ids, command paths) that both sides derive on their own.
//!
//! Not for I/O: nothing here reads a file, a socket or the clock's zone data. Same input, same output.

pub mod audit;
pub mod catalog;
pub mod changes;
pub mod command;
pub mod definition;
pub mod diagnostic;
pub mod execute;
pub mod glob;
pub mod ids;
pub mod paths;
pub mod preview;
pub mod problem;
pub mod reach;
pub mod redact;
pub mod runtime;
pub mod slug;
pub mod trace;
pub mod traces;
pub mod workflow;

pub use jiff::Timestamp;

/// Header that carries the request id, both ways.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// Version of the HTTP contract, `MAJOR.MINOR` (HS-4).
pub const CONTRACT_VERSION: &str = "1.1";
/// Version of the catalog JSON.
pub const CATALOG_VERSION: &str = "1.0.0";
