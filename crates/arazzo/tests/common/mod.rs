//! The shared data folder, when there is one.

use std::path::{Path, PathBuf};

/// A folder of the shared data beside the workspace; says so and gives `None` when it is absent.
#[allow(clippy::print_stdout)] // A test says what it skips.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .flat_map(|ancestor| [ancestor.join("shared/data"), ancestor.join("../shared/data")])
        .map(|data| data.join(folder))
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: no shared data");
    }
    found
}
