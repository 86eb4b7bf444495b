//! Which instance this is, where its state lives, who owns it and whether it runs (config-and-state §2, §3, §3.1;
//! weaknesses 25 to 31, 38, 39).
//!
//! [`resolve`] is a pure function of flags and environment. [`Layout::claim`] makes a process the owner of the
//! instance until it ends, however it ends. Not for what the files of other rooms contain, and not for finding a
//! runtime to talk to: `runtime.json` is operator information (STATE-10).

mod claim;
mod environment;
mod error;
mod id;
mod layout;
mod liveness;
mod owner;
mod record;

pub use claim::{ClaimWarning, InstanceLock};
pub use environment::Environment;
pub use error::InstanceError;
pub use id::{DERIVED_BASE_MAX, EXPLICIT_ID_MAX, InstanceId};
pub use layout::{InstanceOptions, Layout, resolve};
pub use liveness::{Liveness, liveness};
pub use record::{dialable_url, read_runtime_record};
