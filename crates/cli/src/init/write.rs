//! The configuration as text, checked by the loader that will read it, and written in one step (W56, W59).

use crate::exit::Exit;
use crate::failure::Failure;
use open_cli_config::Scope;
use open_cli_files::{Durability, replace};
use serde_json::json;
use std::path::Path;

/// A configuration of one source and one service.
pub(super) fn config(service: &str, uri: &str, runtime: &str) -> String {
    let source = format!("{service}Source");
    let value = json!({
        "cli": "1.0.0",
        "mode": { "default": "discover" },
        "runtime": { "mode": "remote", "remote": { "url": runtime } },
        "sources": { source.as_str(): { "type": "openapi", "uri": uri, "enabled": true } },
        "services": { service: { "source": source, "alias": service } },
    });
    // A value of strings and booleans can always be written.
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap_or_default())
}

/// Loads the text as the next command will; writes it only when that works.
pub(super) fn verified(target: &Path, text: &str) -> Result<(), Failure> {
    open_cli_config::load_text(&[(Scope::Project, target.to_owned(), text.to_owned())]).map_err(|error| {
        Failure::new(Exit::Config, "config_invalid", "The configuration would not be valid", error.render())
            .suggest("Nothing was written. Try another `--name` or `--runtime`.")
    })?;
    let unwritten = |reason: String| {
        Failure::new(Exit::Other, "config_unwritten", format!("{} can't be written", target.display()), reason)
            .suggest("Check that the folder exists and that you may write to it.")
    };
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unwritten(error.to_string()))?;
    }
    replace(target, text.as_bytes(), Durability::Synced).map_err(|error| unwritten(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_file_is_valid_and_in_a_readable_order() {
        insta::assert_snapshot!(config("orders", "./orders.yaml", "http://127.0.0.1:8765"));
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new/.cli.json");
        verified(&target, &config("orders", "./orders.yaml", "http://127.0.0.1:8765")).unwrap();
        assert!(std::fs::read_to_string(&target).unwrap().contains("ordersSource"));
    }

    #[test]
    fn nothing_is_written_that_would_not_load() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join(".cli.json");
        assert!(verified(&target, "{\"cli\": 1}").is_err());
        assert!(!target.exists());
    }
}
