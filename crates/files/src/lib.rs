//! Files that are private and never half-written: directories 0700, files 0600, replacement by a sibling temporary
//! file and a rename (config-and-state §3 with weaknesses 30 to 33, deviation 13).
//!
//! Not for what the files mean, nor for where they live: see `open-cli-instance`.

mod append;
mod directory;
mod error;
mod lock;
mod read;
mod replace;
mod sweep;
#[cfg(test)]
mod testing;

pub use append::append_private;
pub use directory::{DirectoryState, PRIVATE_DIRECTORY_MODE, create_private_dir_all};
pub use error::FileError;
pub use lock::lock_within;
pub use read::{read_bounded, read_private};
pub use replace::{Durability, TEMPORARY_PREFIX, replace, replace_with};
pub use sweep::{TEMPORARY_AGE, sweep_temporaries};

/// Mode of every file this crate creates, before the umask.
pub const PRIVATE_FILE_MODE: u32 = 0o600;
