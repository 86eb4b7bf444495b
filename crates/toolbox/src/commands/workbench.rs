//! A catalog built for a command, without a runtime: remote documents are read anew, nothing is kept.

use super::Failure;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use open_cli_catalog::{Builder, Snapshot};
use open_cli_config::{Locations, ScopeSet};
use open_cli_documents::{Documents, DocumentsConfig};
use open_cli_observe::{Nop, Trace};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `--config` and `--all-scopes`.
pub(super) fn args() -> [Arg; 2] {
    [
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("Configuration with the services"),
        Arg::new("all-scopes")
            .long("all-scopes")
            .action(ArgAction::SetTrue)
            .help("Also read the user's and the local scope"),
    ]
}

/// The absolute path that `--config` names.
pub(super) fn config(matches: &ArgMatches) -> PathBuf {
    let config = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    std::path::absolute(&config).unwrap_or(config)
}

/// The catalog of a configuration.
pub(super) fn snapshot(config: &Path, all_scopes: bool) -> Result<Snapshot, Failure> {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = config.parent().map(Path::to_owned).unwrap_or_default();
    let locations = Locations {
        project: Some(config.to_owned()),
        scopes: if all_scopes { ScopeSet::ALL } else { ScopeSet::SERVER },
        ..Locations::from_environment(&|name: &str| std::env::var_os(name), folder)
    };
    let builder = Builder::new(locations, Arc::new(Documents::new(DocumentsConfig::default())));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the worker thread can't be started: {error}")))?;
    let trace = Trace::detached(Arc::new(Nop));
    runtime.block_on(builder.build(None, false, &trace)).map_err(|error| Failure::Failed(error.to_string()))
}
