//! May this call run? One pure decision with its reason (catalog-and-execution §19, runtime-and-admin §9,
//! deviations 7 and 8). Rules are compiled once per snapshot and matched against every tool then; a decision on
//! the request path only reads flags. Not for who the caller is (that comes before) and not for I/O.

mod rules;
mod table;

pub use open_cli_contract::glob::Pattern;
pub use rules::{Mode, Profile, Rules, ToolSet};
pub use table::{Admission, Decision, PolicyTable, Reason, ToolVerdict, UnmatchedPattern};
