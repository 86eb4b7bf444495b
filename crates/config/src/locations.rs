//! Which files are in force: the four scopes and where their files lie (CFG-23 to CFG-30). Looks at files but
//! does not read them.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::ConfigError;
use crate::paths;
use crate::words::words;

/// Folder of the managed configuration.
pub const MANAGED_DIR: &str = "/etc/open-cli";
/// File name in the managed, user and project folders.
pub const PROJECT_FILE: &str = ".cli.json";
/// File name of the local scope, always beside the project's file (CFG-24).
pub const LOCAL_FILE: &str = ".cli.local.json";

words! {
    /// Who speaks, in order of precedence: a later scope overrides an earlier one, except where the managed one is
    /// final.
    Scope {
        /// The administrator of the machine.
        Managed = "managed",
        /// The person.
        User = "user",
        /// The project.
        Project = "project",
        /// This checkout of the project.
        Local = "local",
    }
}

impl Scope {
    /// All, in order of precedence.
    pub const ALL: [Self; 4] = [Self::Managed, Self::User, Self::Project, Self::Local];
}

/// Which scopes to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// Every scope: what a client reads.
    pub const ALL: Self = Self(0b1111);
    /// Managed and project: what a server reads, so that neither its account nor a file beside its config changes
    /// who may call it (weakness 7).
    pub const SERVER: Self = Self(0b0101);

    /// The set with one more scope.
    pub fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    /// The set without a scope.
    pub fn without(self, scope: Scope) -> Self {
        Self(self.0 & !(1 << scope as u8))
    }

    /// Is the scope read?
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }
}

impl Default for ScopeSet {
    fn default() -> Self {
        Self::ALL
    }
}

/// Where to look. Explicit paths (`managed`, `user`, `project`, `local`) are taken as they are and must exist;
/// relative ones count from the process's working directory.
#[derive(Debug, Clone)]
pub struct Locations {
    /// Folder of the managed file.
    pub managed_dir: PathBuf,
    /// Folder above `open-cli/.cli.json`; without one there is no user scope (CFG-27).
    pub user_config_dir: Option<PathBuf>,
    /// Folder of the project and local files when no explicit project path is given.
    pub working_dir: PathBuf,
    /// Explicit managed file.
    pub managed: Option<PathBuf>,
    /// Explicit user file.
    pub user: Option<PathBuf>,
    /// Explicit project file; its folder is where the local file is looked for (CFG-23).
    pub project: Option<PathBuf>,
    /// Explicit local file.
    pub local: Option<PathBuf>,
    /// Scopes to read; explicit paths of other scopes are ignored.
    pub scopes: ScopeSet,
}

impl Locations {
    /// Standard places: `XDG_CONFIG_HOME` (empty counts as unset), else `HOME/.config`.
    pub fn from_environment(env: &dyn Fn(&str) -> Option<OsString>, working_dir: PathBuf) -> Self {
        let dir = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            managed_dir: PathBuf::from(MANAGED_DIR),
            user_config_dir: dir("XDG_CONFIG_HOME").or_else(|| dir("HOME").map(|home| home.join(".config"))),
            working_dir,
            managed: None,
            user: None,
            project: None,
            local: None,
            scopes: ScopeSet::ALL,
        }
    }

    /// The files to load, absolute, lowest precedence first. An implicit file may be missing; any other answer
    /// than "not found" is an error, so that an unreadable managed policy is never skipped (weakness 5). A
    /// dangling symbolic link is not a missing file either.
    pub fn discover(&self) -> Result<Vec<(Scope, PathBuf)>, ConfigError> {
        let mut found = Vec::new();
        for candidate in self.candidates() {
            let Candidate { scope, path, explicit } = candidate;
            match std::fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !explicit => {}
                Err(source) if !explicit => return Err(ConfigError::Io { scope, path, source }),
                _ => found.push((scope, path)),
            }
        }
        Ok(found)
    }

    /// Every path that [`Locations::discover`] looks at, absolute.
    pub fn probed(&self) -> Vec<PathBuf> {
        self.candidates().into_iter().map(|candidate| candidate.path).collect()
    }

    fn candidates(&self) -> Vec<Candidate> {
        let project_dir = self
            .project
            .as_deref()
            .map_or_else(|| paths::absolute(&self.working_dir), |p| paths::folder(&paths::absolute(p)));
        let in_dir = |dir: &Path, name: &str| Some(dir.join(name));
        Scope::ALL
            .into_iter()
            .filter(|scope| self.scopes.contains(*scope))
            .filter_map(|scope| {
                let (explicit, implicit) = match scope {
                    Scope::Managed => (&self.managed, in_dir(&self.managed_dir, PROJECT_FILE)),
                    Scope::User => (
                        &self.user,
                        self.user_config_dir.as_ref().map(|dir| dir.join("open-cli").join(PROJECT_FILE)),
                    ),
                    Scope::Project => (&self.project, in_dir(&project_dir, PROJECT_FILE)),
                    Scope::Local => (&self.local, in_dir(&project_dir, LOCAL_FILE)),
                };
                let path = paths::absolute(explicit.as_ref().or(implicit.as_ref())?);
                Some(Candidate { scope, path, explicit: explicit.is_some() })
            })
            .collect()
    }
}

struct Candidate {
    scope: Scope,
    path: PathBuf,
    explicit: bool,
}
