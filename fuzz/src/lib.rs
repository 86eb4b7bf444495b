//! Every parser of input from outside, as a function that takes any bytes. What a target does with them is of no
//! interest; that it comes back, soon and without a panic, is all. `make fuzz` runs them on mutations of the corpus,
//! `make test` on the corpus itself.

mod mutate;
mod targets;

pub use mutate::Mutator;
pub use targets::{TARGETS, Target, target};

use std::path::PathBuf;
use std::time::Duration;

/// Longest input; longer ones find what shorter ones find, more slowly.
pub const MAX_INPUT_BYTES: usize = 64 << 10;
/// An input that takes longer is a finding, whatever comes of it.
pub const SLOWEST: Duration = Duration::from_secs(5);

/// The kept inputs of a target.
pub fn corpus_folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The kept inputs of a target, by file name.
///
/// # Errors
/// When the folder can't be read.
pub fn corpus(target: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(corpus_folder(target))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        inputs.push((name, std::fs::read(path)?));
    }
    inputs.sort();
    Ok(inputs)
}
