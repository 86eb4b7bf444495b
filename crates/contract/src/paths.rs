//! Paths without the file system: lexically clean, as the contract compares and joins them (CFG-80, INST-3,
//! LOAD-2). Symbolic links are not followed: `a/../b` is `b` whatever `a` is.

use std::path::{Component, Path, PathBuf};

/// Removes `.` and resolves `..` by text. Nothing left is `.`.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => out.push(component),
            },
            _ => out.push(component),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved_by_text() {
        for (path, expected) in [
            ("/srv/acme/./payments/../payments/.cli.json", "/srv/acme/payments/.cli.json"),
            ("/srv/acme//payments/", "/srv/acme/payments"),
            ("/../a", "/a"),
            ("../a/../b", "../b"),
            ("a/..", "."),
            ("", "."),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
