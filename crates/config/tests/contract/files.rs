//! Loading from disk: what cannot be read, what others can read, what a watcher must watch.

use std::path::Path;

use open_cli_config::{ConfigError, Locations, Scope, load};

const MINIMAL: &str = r#"{"cli": "1", "mode": {"default": "discover"}}"#;

/// Writes a fixture, with its folders.
#[allow(clippy::disallowed_methods, reason = "a fixture needs neither privacy nor atomicity")]
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("mkdir");
    std::fs::write(path, text).expect("write");
}

fn in_folder(dir: &Path) -> Locations {
    let mut locations = Locations::from_environment(&|_| None, dir.to_owned());
    locations.managed_dir = dir.join("managed");
    locations
}

#[test]
fn a_loaded_configuration_names_its_files_and_everything_it_looked_at() {
    let root = tempfile::tempdir().expect("tempdir");
    write(&root.path().join(".cli.json"), MINIMAL);
    let loaded = load(&in_folder(root.path())).expect("loads");
    assert_eq!(loaded.files, [(Scope::Project, root.path().join(".cli.json"))]);
    assert_eq!(loaded.base_dir, root.path());
    let names = ["managed/.cli.json", ".cli.json", ".cli.local.json"];
    assert_eq!(loaded.probed, names.map(|name| root.path().join(name)));
}

/// CFG-25, CFG-26.
#[test]
fn what_cannot_be_read_is_named() {
    let root = tempfile::tempdir().expect("tempdir");
    assert!(matches!(load(&in_folder(root.path())), Err(ConfigError::NotFound { tried }) if tried.len() == 3));
    let mut missing = in_folder(root.path());
    missing.project = Some(root.path().join("typo.json"));
    assert!(load(&missing).expect_err("missing").to_string().contains("typo.json"));
    std::fs::create_dir(root.path().join(".cli.json")).expect("mkdir");
    let error = load(&in_folder(root.path())).expect_err("a folder");
    assert!(matches!(error, ConfigError::Io { scope: Scope::Project, .. }), "{error}");
}

#[test]
fn bytes_that_are_no_text_and_files_that_are_too_large_are_findings() {
    let root = tempfile::tempdir().expect("tempdir");
    let path = root.path().join(".cli.json");
    write(&path, b"{\n \"\xff\": 1}");
    let error = load(&in_folder(root.path())).expect_err("not UTF-8");
    assert_eq!((error.diagnostics()[0].line, error.diagnostics()[0].column), (2, 3));
    write(&path, " ".repeat((1 << 20) + 10));
    let error = load(&in_folder(root.path())).expect_err("too large");
    assert!(error.diagnostics()[0].message.contains("1048576"), "{error}");
}

/// Weakness 22.
#[cfg(unix)]
#[test]
fn a_literal_secret_in_a_file_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().expect("tempdir");
    let path = root.path().join(".cli.json");
    let text =
        r#"{"cli": "1", "mode": {"default": "discover"}, "secrets": {"s": {"type": "literal", "value": "x"}}}"#;
    write(&path, text);
    for (mode, expected) in [(0o644, 2), (0o660, 2), (0o600, 1)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
        let loaded = load(&in_folder(root.path())).expect("loads");
        assert_eq!(loaded.warnings.len(), expected, "{mode:o}: {:#?}", loaded.warnings);
    }
}

/// CFG-29: the client may pass the local or managed file as the project file.
#[test]
fn one_file_may_be_two_scopes() {
    let root = tempfile::tempdir().expect("tempdir");
    let path = root.path().join(".cli.local.json");
    write(&path, MINIMAL);
    let mut locations = in_folder(root.path());
    locations.project = Some(path.clone());
    let loaded = load(&locations).expect("loads");
    assert_eq!(loaded.files, [(Scope::Project, path.clone()), (Scope::Local, path.clone())]);
    write(&path, r#"{"cli": 1, "mode": {"default": "discover"}}"#);
    assert_eq!(load(&locations).expect_err("a fault").diagnostics().len(), 1);
}
