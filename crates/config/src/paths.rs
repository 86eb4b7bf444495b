//! Paths without the file system: absolute and lexically clean (CFG-80, weakness 20). Symbolic links are not
//! followed: `a/../b` is `b` whatever `a` is.

use std::path::{Component, Path, PathBuf};

/// Removes `.` and resolves `..` by text.
pub(crate) fn clean(path: &Path) -> PathBuf {
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
