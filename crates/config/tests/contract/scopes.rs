//! §1.4: where the files are found; CFG-23 to CFG-30 and weakness 5.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use open_cli_config::{Locations, Scope, ScopeSet};

use crate::files::write;

fn locations(env: &[(&str, &Path)], working_dir: &Path) -> Locations {
    let env: HashMap<String, OsString> =
        env.iter().map(|(name, value)| ((*name).to_owned(), value.as_os_str().to_owned())).collect();
    let mut locations = Locations::from_environment(&|name| env.get(name).cloned(), working_dir.to_owned());
    locations.managed_dir = working_dir.join("no-managed");
    locations
}

fn found(locations: &Locations) -> Vec<(Scope, PathBuf)> {
    locations.discover().expect("discovers")
}

/// CFG-23, CFG-24.
#[test]
fn the_local_file_lies_beside_an_explicit_project_file() {
    let root = tempfile::tempdir().expect("tempdir");
    let (srv, home) = (root.path().join("srv"), root.path().join("home"));
    for dir in [&srv, &home] {
        write(&dir.join(".cli.local.json"), "{}");
    }
    write(&srv.join("app.json"), "{}");
    let mut locations = locations(&[], &home);
    locations.project = Some(srv.join("app.json"));
    let expected = [(Scope::Project, srv.join("app.json")), (Scope::Local, srv.join(".cli.local.json"))];
    assert_eq!(found(&locations), expected);
}

/// CFG-27.
#[test]
fn the_user_file_is_looked_for_where_xdg_says() {
    let root = tempfile::tempdir().expect("tempdir");
    let (xdg, home) = (root.path().join("x"), root.path().join("h"));
    let (in_xdg, in_home) = (xdg.join("open-cli/.cli.json"), home.join(".config/open-cli/.cli.json"));
    write(&in_xdg, "{}");
    write(&in_home, "{}");
    let empty = Path::new("");
    for (env, expected) in [
        (vec![("XDG_CONFIG_HOME", &*xdg), ("HOME", &*home)], Some(&in_xdg)),
        (vec![("XDG_CONFIG_HOME", empty), ("HOME", &*home)], Some(&in_home)),
        (vec![("HOME", &*home)], Some(&in_home)),
        (vec![("HOME", empty)], None),
        (vec![], None),
    ] {
        let found: Vec<_> = found(&locations(&env, root.path())).into_iter().map(|(_, path)| path).collect();
        assert_eq!(found.first(), expected, "{env:?}");
    }
}

/// CFG-28.
#[test]
fn parent_folders_are_not_searched() {
    let root = tempfile::tempdir().expect("tempdir");
    write(&root.path().join(".cli.json"), "{}");
    std::fs::create_dir(root.path().join("below")).expect("mkdir");
    assert_eq!(found(&locations(&[], &root.path().join("below"))), []);
    assert_eq!(found(&locations(&[], root.path())).len(), 1);
}

/// Weakness 7.
#[test]
fn a_server_reads_managed_and_project_only() {
    let root = tempfile::tempdir().expect("tempdir");
    for name in [".cli.json", ".cli.local.json", "no-managed/.cli.json", ".config/open-cli/.cli.json"] {
        write(&root.path().join(name), "{}");
    }
    let mut locations = locations(&[("HOME", root.path())], root.path());
    let scopes =
        |locations: &Locations| -> Vec<Scope> { found(locations).into_iter().map(|(scope, _)| scope).collect() };
    assert_eq!(scopes(&locations), Scope::ALL);
    locations.scopes = ScopeSet::SERVER;
    assert_eq!(scopes(&locations), [Scope::Managed, Scope::Project]);
    assert_eq!(locations.probed().len(), 2);
    locations.scopes = ScopeSet::SERVER.with(Scope::Local).without(Scope::Managed);
    assert_eq!(scopes(&locations), [Scope::Project, Scope::Local]);
}

/// Weakness 5, CFG-26 undone: what cannot be looked up is not absent.
#[test]
fn only_not_found_means_absent() {
    let root = tempfile::tempdir().expect("tempdir");
    let mut locations = locations(&[], root.path());
    write(&root.path().join("file"), "{}");
    locations.managed_dir = root.path().join("file");
    let error = locations.discover().expect_err("a file is no folder");
    assert!(error.to_string().contains("managed"), "{error}");
    #[cfg(unix)]
    {
        locations.managed_dir = root.path().join("managed");
        std::fs::create_dir(&locations.managed_dir).expect("mkdir");
        std::os::unix::fs::symlink("/nonexistent/target", locations.managed_dir.join(".cli.json"))
            .expect("symlink");
        assert!(open_cli_config::load(&locations).expect_err("dangling link").to_string().contains("managed"));
    }
}
