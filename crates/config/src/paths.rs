//! Paths without the file system: absolute and lexically clean (CFG-80, weakness 20). Symbolic links are not
//! followed: `a/../b` is `b` whatever `a` is.

use open_cli_contract::paths::clean;
use std::path::{Path, PathBuf};

/// Absolute and clean; relative paths count from the process's working directory.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    // Fails only for an empty path or an unreadable working directory: the text as given is then all there is.
    clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// The folder of a file.
pub(crate) fn folder(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved_by_text() {
        for (input, expected) in [
            ("/srv/acme/./specs/../pay.yaml", "/srv/acme/pay.yaml"),
            ("/../a", "/a"),
            ("/a//b/", "/a/b"),
            ("../a/..", ".."),
            ("a/..", "."),
        ] {
            assert_eq!(clean(Path::new(input)), Path::new(expected), "{input}");
        }
    }
}
