//! Roots and paths (INST-7 to INST-11). All paths are absolute and cleaned, so that a later change of the working
//! directory changes nothing (weakness 20).

use crate::environment::non_empty;
use crate::{Environment, InstanceError, InstanceId};
use open_cli_contract::paths::clean;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Folder of this product below an XDG directory.
const PRODUCT: &str = "open-cli";
/// Folder of all instances, below either root.
const INSTANCES: &str = "instances";
/// Audit log in the state folder.
pub(crate) const AUDIT_LOG: &str = "audit.log";
/// Runtime record in the state folder.
pub(crate) const RUNTIME_RECORD: &str = "runtime.json";
/// Lock in the state folder.
pub(crate) const LOCK: &str = "lock";
/// Trace files, in the state folder.
pub(crate) const TRACES: &str = "traces";
/// Tokens, in the state folder.
pub(crate) const OAUTH: &str = "oauth";
/// Child processes that run (STATE-4).
pub(crate) const CHILDREN: &str = "managed-mcp-pids.json";

/// What flags say about the instance. Empty values count as absent.
#[derive(Debug, Clone, Default)]
pub struct InstanceOptions {
    /// `--instance-id`.
    pub instance_id: Option<String>,
    /// `--state-dir`: the state *root*; the instance lives below it.
    pub state_dir: Option<PathBuf>,
    /// `--cache-dir`: the cache directory itself.
    pub cache_dir: Option<PathBuf>,
    /// `--audit-path`: moves the audit log only.
    pub audit_path: Option<PathBuf>,
    /// `--config`, from which an id is derived.
    pub config_path: Option<PathBuf>,
}

/// Where an instance keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The instance.
    pub id: InstanceId,
    /// Folder of all instances.
    pub state_root: PathBuf,
    /// Folder of this instance.
    pub state_dir: PathBuf,
    /// Audit log.
    pub audit_path: PathBuf,
    /// `runtime.json`.
    pub runtime_path: PathBuf,
    /// The lock that the running instance holds.
    pub lock_path: PathBuf,
    /// Cache of HTTP documents.
    pub cache_dir: PathBuf,
}

/// Where all instances are. Touches no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// State root; the instances are in its folder `instances`.
    pub state: PathBuf,
    /// Cache root, unless there is no home for one.
    pub cache: Option<PathBuf>,
}

impl Layout {
    /// The list of child processes that run (STATE-4).
    pub fn children_path(&self) -> PathBuf {
        self.state_dir.join(CHILDREN)
    }
}

impl Roots {
    /// Folder of an instance, whether it exists or not.
    pub(crate) fn state_dir(&self, id: &str) -> PathBuf {
        self.instances().join(id)
    }

    /// Folder of all instances.
    pub(crate) fn instances(&self) -> PathBuf {
        self.state.join(INSTANCES)
    }

    /// Where an instance caches documents unless somebody chose another place.
    pub(crate) fn cache_dir(&self, id: &str) -> Option<PathBuf> {
        Some(self.cache_instances()?.join(id).join("http"))
    }

    /// Folder of the caches of all instances.
    pub(crate) fn cache_instances(&self) -> Option<PathBuf> {
        Some(self.cache.as_ref()?.join(INSTANCES))
    }
}

/// The roots that flags, variables and the home directory give (INST-7, INST-8).
///
/// # Errors
/// When there is no home for the state.
pub fn roots(options: &InstanceOptions, env: &Environment) -> Result<Roots, InstanceError> {
    let at = |path: &Path| absolute(path, &env.current_dir);
    let explicit = non_empty(options.state_dir.as_ref()).or_else(|| non_empty(env.state_dir.as_ref()));
    if let Some(root) = explicit {
        let state = at(Path::new(root))?;
        // INST-8: an explicit state root hides XDG_CACHE_HOME.
        return Ok(Roots { cache: Some(state.join("cache")), state });
    }
    let state = product_folder(env.xdg_state_home.as_ref(), env, ".local/state").ok_or(InstanceError::NoHome {
        what: "state",
        variable: "XDG_STATE_HOME",
        flag: "--state-dir",
    })?;
    let cache = product_folder(env.xdg_cache_home.as_ref(), env, ".cache");
    Ok(Roots { state: at(&state)?, cache: cache.map(|root| at(&root)).transpose()? })
}

/// The id that somebody chose, by flag or by variable (INST-11).
///
/// # Errors
/// When it is unusable.
pub fn chosen_id(options: &InstanceOptions, env: &Environment) -> Result<Option<InstanceId>, InstanceError> {
    let given = non_empty(options.instance_id.as_ref()).or_else(|| non_empty(env.instance_id.as_ref()));
    given.map(InstanceId::explicit).transpose()
}

/// Which instance, and where. Touches no file. Flags beat variables (INST-11), for both programs (weakness 38).
///
/// # Errors
/// When an explicit id is unusable, or when there is no home for the state or the cache.
pub fn resolve(options: &InstanceOptions, env: &Environment) -> Result<Layout, InstanceError> {
    let id = match chosen_id(options, env)? {
        Some(id) => id,
        None => InstanceId::derived(options.config_path.as_deref(), &env.current_dir),
    };
    let at = |path: &Path| absolute(path, &env.current_dir);
    let roots = roots(options, env)?;
    let cache_dir = match non_empty(options.cache_dir.as_ref()) {
        Some(directory) => at(Path::new(directory))?,
        None => roots.cache_dir(id.as_str()).ok_or(InstanceError::NoHome {
            what: "cache",
            variable: "XDG_CACHE_HOME",
            flag: "--cache-dir",
        })?,
    };
    let state_dir = roots.state_dir(id.as_str());
    let audit_path = match non_empty(options.audit_path.as_ref()) {
        Some(path) => at(Path::new(path))?,
        None => state_dir.join(AUDIT_LOG),
    };
    Ok(Layout {
        audit_path,
        runtime_path: state_dir.join(RUNTIME_RECORD),
        lock_path: state_dir.join(LOCK),
        cache_dir,
        state_dir,
        state_root: roots.state,
        id,
    })
}

/// `<XDG directory>/open-cli`, else the same below the home directory, else nothing.
fn product_folder(xdg: Option<impl AsRef<OsStr>>, env: &Environment, below_home: &str) -> Option<PathBuf> {
    let base = match non_empty(xdg.as_ref()) {
        Some(base) => PathBuf::from(base),
        None => Path::new(non_empty(env.home.as_ref())?).join(below_home),
    };
    Some(base.join(PRODUCT))
}

/// The path seen from `current_dir`, cleaned.
pub(crate) fn absolute(path: &Path, current_dir: &Path) -> Result<PathBuf, InstanceError> {
    let joined = current_dir.join(path);
    if joined.is_absolute() {
        Ok(clean(&joined))
    } else {
        Err(InstanceError::NoCurrentDirectory { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    /// Variables by name; the working directory is `/cwd`.
    fn env(variables: &[(&str, &str)]) -> Environment {
        let value = |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Environment {
            home: value("HOME"),
            xdg_state_home: value("XDG_STATE_HOME"),
            xdg_cache_home: value("XDG_CACHE_HOME"),
            state_dir: value("OPEN_CLI_STATE_DIR"),
            instance_id: value("OPEN_CLI_INSTANCE_ID"),
            current_dir: "/cwd".into(),
        }
    }

    fn options(id: &str, state_dir: &str) -> InstanceOptions {
        InstanceOptions {
            instance_id: Some(id.into()),
            state_dir: Some(state_dir.into()),
            ..InstanceOptions::default()
        }
    }

    /// Table 2.4: INST-7, INST-8, INST-9, INST-10.
    #[test]
    fn paths_follow_the_table() {
        for (variables, state_dir, expected_state, expected_cache) in [
            (&[("HOME", "/home/u")][..], "", "/home/u/.local/state/open-cli", "/home/u/.cache/open-cli"),
            (&[("XDG_CACHE_HOME", "/xc")], "/var/s", "/var/s", "/var/s/cache"),
            (&[("XDG_STATE_HOME", "/xs"), ("XDG_CACHE_HOME", "/xc")], "", "/xs/open-cli", "/xc/open-cli"),
            (&[], "/var/s", "/var/s", "/var/s/cache"),
            (&[], "rel/../s", "/cwd/s", "/cwd/s/cache"),
            (&[], "~/s", "/cwd/~/s", "/cwd/~/s/cache"),
            (
                &[("HOME", "/h"), ("XDG_STATE_HOME", "xs"), ("XDG_CACHE_HOME", "")],
                "",
                "/cwd/xs/open-cli",
                "/h/.cache/open-cli",
            ),
            (&[("OPEN_CLI_STATE_DIR", "/env")], "", "/env", "/env/cache"),
            (&[("OPEN_CLI_STATE_DIR", "/env")], "/flag", "/flag", "/flag/cache"),
        ] {
            let found = resolve(&options("a", state_dir), &env(variables)).expect("resolvable");
            assert_eq!(found.state_root, Path::new(expected_state), "{variables:?}");
            let state = Path::new(expected_state).join("instances/a");
            assert_eq!(found.state_dir, state);
            assert_eq!(found.audit_path, state.join("audit.log"));
            assert_eq!(found.runtime_path, state.join("runtime.json"));
            assert_eq!(found.lock_path, state.join("lock"));
            assert_eq!(found.cache_dir, Path::new(expected_cache).join("instances/a/http"), "{variables:?}");
        }
    }

    /// INST-7, INST-8, last row of table 2.4.
    #[test]
    fn without_a_home_the_error_says_what_to_set() {
        for (variables, words) in [
            (&[][..], ["state", "XDG_STATE_HOME", "--state-dir"]),
            (&[("HOME", "")], ["state", "XDG_STATE_HOME", "--state-dir"]),
            (&[("XDG_STATE_HOME", "/xs")], ["cache", "XDG_CACHE_HOME", "--cache-dir"]),
        ] {
            let error = resolve(&InstanceOptions::default(), &env(variables)).expect_err("no home").to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }

    #[test]
    fn flags_move_the_audit_log_and_the_cache_alone() {
        let options = InstanceOptions {
            audit_path: Some("logs/a.log".into()),
            cache_dir: Some("/c".into()),
            ..InstanceOptions::default()
        };
        let found = resolve(&options, &env(&[("XDG_STATE_HOME", "/xs")])).expect("no cache root is needed");
        assert_eq!(found.audit_path, Path::new("/cwd/logs/a.log"));
        assert_eq!(found.cache_dir, Path::new("/c"));
        assert_eq!(found.state_dir, Path::new("/xs/open-cli/instances/default"));
    }

    /// INST-11, weakness 38.
    #[test]
    fn a_flag_beats_a_variable_and_a_variable_the_configuration() {
        let variables = env(&[("HOME", "/h"), ("OPEN_CLI_INSTANCE_ID", "From Env")]);
        let id = |options: &InstanceOptions, env: &Environment| resolve(options, env).expect("resolvable").id;
        assert_eq!(id(&options("flag", ""), &variables).as_str(), "flag");
        let from_variable = id(&options("", ""), &variables);
        assert_eq!((from_variable.as_str(), from_variable.was_slugged()), ("from-env", true));
        let with_config =
            InstanceOptions { config_path: Some("/opt/billing/.cli.json".into()), ..options("", "") };
        assert_eq!(id(&with_config, &env(&[("HOME", "/h")])).as_str(), "billing-e30f4e6de1");
        assert_eq!(id(&options("", ""), &env(&[("HOME", "/h")])).as_str(), "default");
        let bad = env(&[("HOME", "/h"), ("OPEN_CLI_INSTANCE_ID", "--")]);
        assert!(matches!(resolve(&options("", ""), &bad), Err(InstanceError::EmptyId { .. })));
    }

    #[test]
    fn a_relative_path_without_a_working_directory_is_an_error_that_names_it() {
        let lost = Environment { current_dir: PathBuf::new(), ..env(&[]) };
        let error = resolve(&options("a", "rel"), &lost).expect_err("relative to nothing");
        assert!(error.to_string().starts_with("rel is relative"), "{error}");
        assert!(resolve(&options("a", "/abs"), &lost).is_ok());
    }
}
