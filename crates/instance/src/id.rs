//! Instance ids (INST-1 to INST-6, weaknesses 25 to 27).
//!
//! An id is derived from the *name* of the configuration file, never from where symbolic links lead: `current/` and
//! mounted config maps point somewhere else after each release, and the state must not be left behind. Two names of
//! one file are two instances; `--instance-id` joins them.

use crate::InstanceError;
use crate::layout::absolute;
use open_cli_contract::paths::clean;
use open_cli_contract::slug::instance_slug;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longest folder name that becomes part of a derived id, in bytes; a longer one is cut.
pub const DERIVED_BASE_MAX: usize = 48;
/// Longest explicit id, in bytes.
pub const EXPLICIT_ID_MAX: usize = 128;
/// Id without a configuration (INST-2).
const DEFAULT_ID: &str = "default";
/// Base of a derived id when the folder name has no usable character (INST-4).
const FALLBACK_BASE: &str = "scope";
/// Bytes of the hash in a derived id; two hex digits each.
const HASH_BYTES: usize = 5;

/// A valid instance id: one folder name of `a-z`, `0-9` and inner dashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstanceId {
    text: String,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    Given,
    GivenAndChanged,
    Derived,
}

impl InstanceId {
    /// The id somebody chose. Bytes that are not UTF-8 are dropped like any other foreign character.
    ///
    /// # Errors
    /// When nothing usable is in it, or too much.
    pub fn explicit(given: &OsStr) -> Result<Self, InstanceError> {
        let given = given.to_string_lossy();
        let text = instance_slug(&given);
        if text.is_empty() {
            return Err(InstanceError::EmptyId { id: given.chars().take(EXPLICIT_ID_MAX).collect() });
        }
        if text.len() > EXPLICIT_ID_MAX {
            return Err(InstanceError::IdTooLong { length: text.len(), limit: EXPLICIT_ID_MAX });
        }
        let origin = if text == given { Origin::Given } else { Origin::GivenAndChanged };
        Ok(Self { text, origin })
    }

    /// The id that follows from a configuration, or from none. `current_dir` may be empty when unknown (INST-5).
    pub fn derived(config_path: Option<&Path>, current_dir: &Path) -> Self {
        let text = match config_path.filter(|path| !path.as_os_str().is_empty()) {
            None => DEFAULT_ID.to_owned(),
            Some(path) => derive(&absolute(path, current_dir).unwrap_or_else(|_| clean(path))),
        };
        Self { text, origin: Origin::Derived }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// It was given and had to be changed, so that other spellings lead to the same instance. Worth a notice.
    pub fn was_slugged(&self) -> bool {
        self.origin == Origin::GivenAndChanged
    }

    /// The id of those that have no configuration (INST-2).
    pub(crate) fn is_default(&self) -> bool {
        self.is_derived() && self.text == DEFAULT_ID
    }

    /// It follows from the configuration; nobody chose it.
    pub fn is_derived(&self) -> bool {
        self.origin == Origin::Derived
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// INST-3 and INST-4 on a cleaned path.
fn derive(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name);
    let name = folder.map_or_else(
        // Directly below the root, the file itself gives the name.
        || if path.has_root() { without_extension(path.file_name().unwrap_or_default()) } else { &[] },
        OsStr::as_bytes,
    );
    let mut base = instance_slug(&String::from_utf8_lossy(name));
    // A slug is ASCII: every byte is a boundary.
    base.truncate(DERIVED_BASE_MAX);
    let base = match base.trim_end_matches('-') {
        "" => FALLBACK_BASE,
        base => base,
    };
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    hash.iter().take(HASH_BYTES).fold(format!("{base}-"), |mut id, byte| {
        let _infallible = write!(id, "{byte:02x}");
        id
    })
}

/// A file name up to its last dot. Unlike `Path::file_stem`, a leading dot counts: `.cli` is all extension.
fn without_extension(name: &OsStr) -> &[u8] {
    let name = name.as_bytes();
    name.iter().rposition(|byte| *byte == b'.').map_or(name, |dot| &name[..dot])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn derived(path: &str, cwd: &str) -> String {
        InstanceId::derived(Some(Path::new(path)), Path::new(cwd)).to_string()
    }

    /// Table 2.3: INST-3, INST-4, INST-5.
    #[test]
    fn derived_ids_follow_the_table() {
        for (path, cwd, expected) in [
            ("/srv/acme/payments/.cli.json", "/", "payments-eeda5c9d07"),
            ("/srv/acme/./payments/../payments/.cli.json", "/", "payments-eeda5c9d07"),
            ("/srv/acme//payments/.cli.json", "/", "payments-eeda5c9d07"),
            ("/srv/acme/payments/other.json", "/", "payments-cd3889b97a"),
            ("/srv/acme/.cli.json", "/", "acme-0605e45c96"),
            ("/srv/Acme/.cli.json", "/", "acme-f322e1872a"),
            ("/home/dev/shop/.cli.json", "/", "shop-306255e7f8"),
            ("/home/ops/shop/.cli.json", "/", "shop-b4ce5f9f7b"),
            ("/srv/My App.v2/.cli.json", "/", "my-app-v2-0f1adde48f"),
            ("/opt/billing/.cli.json", "/", "billing-e30f4e6de1"),
            ("/日本/.cli.json", "/", "scope-af94fbfcb6"),
            ("/.cli.json", "/", "cli-506456e26a"),
            ("/cfg.json", "/", "cfg-2c29e61db7"),
            ("/..json", "/", "scope-e3618079ed"),
            ("/srv/acme/payments/", "/", "acme-66deb819ec"),
            ("payments/.cli.json", "/srv", "payments-9d914e46d0"),
            (".cli.json", "/srv", "srv-db2cf03382"),
        ] {
            assert_eq!(derived(path, cwd), expected, "{path} in {cwd}");
        }
    }

    /// INST-2, and INST-5 for a missing working directory and a leading space.
    #[test]
    fn odd_configuration_paths_still_give_an_id() {
        for path in [None, Some(Path::new(""))] {
            assert_eq!(InstanceId::derived(path, Path::new("/srv")).as_str(), "default");
        }
        assert!(derived(".cli.json", "").starts_with("scope-"), "hashed as it is");
        assert_eq!(derived("shop/./.cli.json", ""), derived("shop/.cli.json", ""));
        assert!(derived("shop/.cli.json", "").starts_with("shop-"));
        assert_eq!(derived(" /a/.cli.json", "/srv"), derived("/srv/ /a/.cli.json", "/"));
        assert!(derived("/", "/").starts_with("scope-"));
        assert!(derived("/.cli", "/").starts_with("scope-"));
        assert!(derived("/../../a/x", "/").starts_with("a-"));
    }

    /// Weakness 27, decided: names count, links are not followed.
    #[test]
    fn a_linked_configuration_is_its_own_instance() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (real, link) = (root.path().join("v1"), root.path().join("current"));
        std::fs::create_dir(&real).expect("created");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let id = InstanceId::derived(Some(&link.join(".cli.json")), root.path());
        assert!(id.as_str().starts_with("current-"), "{id}");
    }

    /// Weakness 26.
    #[test]
    fn a_long_folder_name_is_cut_before_the_hash() {
        let id = derived(&format!("/{}-tail/.cli.json", "a".repeat(DERIVED_BASE_MAX - 1)), "/");
        assert_eq!(id.len(), DERIVED_BASE_MAX - 1 + 1 + 2 * HASH_BYTES, "no doubled dash: {id}");
        let name = "b".repeat(200);
        assert_ne!(derived(&format!("/{name}/1.json"), "/"), derived(&format!("/{name}/2.json"), "/"));
    }

    /// INST-1, table 2.2, weaknesses 25 and 26.
    #[test]
    fn an_explicit_id_is_slugged_and_says_so() {
        for (given, id, was_slugged) in [
            ("team-a", "team-a", false),
            ("Team A", "team-a", true),
            ("team.a", "team-a", true),
            ("../../etc", "etc", true),
            ("a/b\\c", "abc", true),
        ] {
            let found = InstanceId::explicit(OsStr::new(given)).expect("valid");
            assert_eq!(
                (found.as_str(), found.was_slugged(), found.is_derived()),
                (id, was_slugged, false),
                "{given}"
            );
        }
        let not_utf8 = std::ffi::OsString::from_vec(b"a\xffb".to_vec());
        assert_eq!(InstanceId::explicit(&not_utf8).expect("valid").as_str(), "ab");
    }

    /// INST-6 with weakness 26.
    #[test]
    fn an_explicit_id_that_names_nothing_is_an_error() {
        for given in ["--", "日本", " ", "１２"] {
            let error = InstanceId::explicit(OsStr::new(given)).expect_err("nothing usable");
            assert!(matches!(error, InstanceError::EmptyId { .. }), "{given}");
        }
        assert!(InstanceId::explicit(OsStr::new(&"a".repeat(EXPLICIT_ID_MAX))).is_ok());
        let error = InstanceId::explicit(OsStr::new(&"a".repeat(EXPLICIT_ID_MAX + 1))).expect_err("too long");
        assert!(error.to_string().contains("129 characters, at most 128"), "{error}");
    }
}
