//! What a tool's definition is ([`Definer`]), what two of them differ in and how much that matters ([`compare`]), what
//! lies between two catalogs ([`Delta`]), and the lock file that pins definitions ([`Lock`]). Pure: same input, same
//! output, no I/O.
//!
//! Not for where catalogs come from, nor for what happens to a tool that is not what its lock says: see `catalog`.

mod canonical;
mod compare;
mod definer;
mod delta;
mod lock;
mod schema;

pub use compare::compare;
pub use definer::{Definer, hash_of};
pub use delta::{Compared, Delta, MAX_COMPARED, MAX_KEPT, MAX_LISTED, Pair};
pub use lock::{Lock, LockError, MAX_LOCK_BYTES, Verdict, render};
