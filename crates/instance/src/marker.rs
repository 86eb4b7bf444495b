//! `instance.json`: which configuration an instance serves, and which of its files lie elsewhere. It stays when the
//! instance stops, so that its state is never taken over by another configuration (weakness 25).

use crate::regular::read_regular;
use crate::{InstanceError, Layout};
use open_cli_contract::paths::clean;
use open_cli_files::{Durability, FileError, replace};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// File name in the state folder.
pub(crate) const MARKER: &str = "instance.json";
/// Largest marker that is read.
const MARKER_MAX: u64 = 64 << 10;

/// Content of [`MARKER`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Marker {
    pub(crate) config_path: String,
    /// When it is not in the state folder.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) audit_path: String,
    /// When it is not below the state root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) cache_dir: String,
}

impl Marker {
    /// Nothing when it is missing or damaged: then it says nothing, and is replaced.
    pub(crate) fn read(state_dir: &Path) -> Option<Self> {
        let content = read_regular(&state_dir.join(MARKER), MARKER_MAX).ok()?;
        serde_json::from_slice(&content).ok()
    }

    fn write(&self, state_dir: &Path) -> Result<(), FileError> {
        let path = state_dir.join(MARKER);
        let content = serde_json::to_vec(self)
            .map_err(|cause| FileError::Replace { path: path.clone(), cause: cause.into() })?;
        replace(&path, &content, Durability::Synced)
    }

    fn of(layout: &Layout, config_path: &Path) -> Self {
        let unless_below = |path: &Path, folder: &Path| {
            if path.starts_with(folder) { String::new() } else { path.to_string_lossy().into_owned() }
        };
        Self {
            config_path: config_path.to_string_lossy().into_owned(),
            audit_path: unless_below(&layout.audit_path, &layout.state_dir),
            cache_dir: unless_below(&layout.cache_dir, &layout.state_root),
        }
    }
}

/// Absolute and cleaned, as configurations are compared; `None` without one.
pub fn config_name(config_path: Option<&Path>) -> Option<PathBuf> {
    let path = config_path.filter(|path| !path.as_os_str().is_empty())?;
    Some(clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned())))
}

impl Layout {
    /// One id must not lead two configurations to one state: neither an id that somebody chose, nor a derived one
    /// whose state somebody has chosen for another configuration before. Only `default` is everybody's (INST-2).
    pub(crate) fn check_config(&self, config_path: Option<&Path>) -> Result<(), InstanceError> {
        let (Some(config_path), Some(recorded)) = (config_path, Marker::read(&self.state_dir)) else {
            return Ok(());
        };
        let recorded = PathBuf::from(recorded.config_path);
        if self.id.is_default() || recorded.as_os_str().is_empty() || names_same(&recorded, config_path) {
            return Ok(());
        }
        Err(InstanceError::OtherConfig {
            id: self.id.to_string(),
            recorded,
            requested: config_path.to_owned(),
            marker: self.state_dir.join(MARKER),
        })
    }

    /// Writes down which configuration this is, unless that is there already.
    pub(crate) fn mark(&self, config_path: &Path) -> Result<(), FileError> {
        let marker = Marker::of(self, config_path);
        if Marker::read(&self.state_dir).as_ref() == Some(&marker) {
            Ok(())
        } else {
            marker.write(&self.state_dir)
        }
    }
}

/// The same name, or two names of one file: an explicit id joins them.
fn names_same(recorded: &Path, requested: &Path) -> bool {
    recorded.to_string_lossy() == requested.to_string_lossy()
        || matches!((recorded.canonicalize(), requested.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
