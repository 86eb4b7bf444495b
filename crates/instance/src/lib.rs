//! Which instance this is, where its state lives, who owns it and whether it runs (config-and-state §2, §3, §3.1;
//! weaknesses 25 to 31, 38, 39).
//!
//! [`resolve`] is a pure function of flags and environment. [`Layout::claim`] makes a process the owner of the
//! instance until it ends, however it ends. [`list`], [`prune`] and [`terminate`] are for operators. Not for what the files of other rooms contain, and not for finding a
//! runtime to talk to: `runtime.json` is operator information (STATE-10).

mod claim;
mod environment;
mod error;
mod evidence;
mod id;
mod inspect;
mod layout;
mod list;
mod liveness;
mod lock;
mod marker;
mod owner;
pub mod process;
mod prune;
mod record;
mod regular;
mod sizes;
mod stop;
#[cfg(test)]
mod testing;

pub use claim::{ClaimWarning, InstanceLock};
pub use environment::Environment;
pub use error::InstanceError;
pub use id::{DERIVED_BASE_MAX, EXPLICIT_ID_MAX, InstanceId};
pub use layout::{InstanceOptions, Layout, Roots, chosen_id, resolve, roots};
pub use list::{Instance, InstanceState, Listing, MAX_INSTANCES, list, look_up};
pub use liveness::{Liveness, liveness};
pub use marker::config_name;
pub use prune::{Kept, Outcome, PruneOptions, Pruned, Removed, prune, sweep};
pub use record::{dialable_url, read_runtime_record};
pub use sizes::Sizes;
pub use stop::{SignalError, terminate, wait_until_ended};
