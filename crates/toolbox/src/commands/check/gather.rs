//! Everything that a configuration leads to, looked at once: the configuration, the catalog that is built from it, the
//! secrets. What is found has no place yet, or only what the configuration gave it.

use super::finding::{Artifact, Counts, Finding, Place, Report};
use super::{Options, place};
use crate::commands::Failure;
use open_cli_catalog::Builder;
use open_cli_config::{ConfigDiagnostic, ConfigError, Loaded, Locations, ScopeSet};
use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::diagnostic::DiagnosticCode;
use open_cli_documents::{Documents, DocumentsConfig, Location};
use open_cli_mcp::{Children, END_PATIENCE, Servers};
use open_cli_observe::{Nop, Trace};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;

pub(super) fn gather(options: &Options) -> Result<Report, Failure> {
    let locations = locations(options);
    let loaded = match open_cli_config::load(&locations) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid(faults)) => {
            let findings = faults.iter().map(|fault| of_config(Severity::Error, fault)).collect();
            return Ok(sorted(Report { findings, counts: None, here: options.here.clone() }));
        }
        Err(error) => return Err(Failure::Failed(error.to_string())),
    };
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let own_cache = tempfile::Builder::new()
        .prefix("open-cli-check-")
        .tempdir()
        .map_err(|error| Failure::Failed(format!("no temporary folder: {error}; check TMPDIR")))?;
    let config = documents_config(options, own_cache.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the worker threads can't be started: {error}")))?;
    runtime.block_on(built(options, locations, &loaded, config))
}

fn locations(options: &Options) -> Locations {
    let folder = options.config.parent().map(Path::to_owned).unwrap_or_default();
    Locations {
        project: Some(options.config.clone()),
        scopes: if options.all_scopes { ScopeSet::ALL } else { ScopeSet::SERVER },
        ..Locations::from_environment(&|name: &str| std::env::var_os(name), folder)
    }
}

/// What is fetched is kept for the places; the instance's own cache is read and left as it is.
fn documents_config(options: &Options, own_cache: &Path) -> DocumentsConfig {
    DocumentsConfig {
        cache_dir: Some(own_cache.to_owned()),
        borrowed_cache_dir: options.borrowed_cache.clone(),
        offline: options.offline,
        ..DocumentsConfig::default()
    }
}

async fn built(
    options: &Options,
    locations: Locations,
    loaded: &Loaded,
    config: DocumentsConfig,
) -> Result<Report, Failure> {
    let trace = Trace::detached(Arc::new(Nop));
    let builder = Builder::new(locations, Arc::new(Documents::new(config.clone())));
    let servers = Servers::new(Handle::current(), Children::unrecorded(), open_cli_mcp::Limits::default());
    let servers = Arc::new(servers);
    // Programs that a configuration names are run as they would be by a toolbox, and ended again.
    let builder = if options.offline { builder } else { builder.with_mcp(Arc::clone(&servers)) };
    let snapshot = builder.build(None, false, &trace).await;
    servers.end(END_PATIENCE).await;
    let snapshot = snapshot.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut findings: Vec<Finding> = loaded.warnings.iter().map(|one| of_config(Severity::Warning, one)).collect();
    let of_build = snapshot.diagnostics().iter().filter(|one| one.code != DiagnosticCode::Config.as_str());
    let mut diagnostics: Vec<Diagnostic> = of_build.cloned().collect();
    if options.with_secrets {
        diagnostics.extend(snapshot.secret_diagnostics());
    }
    without_repetitions(&mut diagnostics);
    let descriptions: HashMap<String, Location> =
        snapshot.services().map(|(service, location)| (service.id.clone(), location.clone())).collect();
    let reader = Documents::new(DocumentsConfig { offline: true, ..config });
    diagnostics.extend(place::duplicate_keys(&descriptions, loaded, &reader, &trace).await);
    findings.extend(place::all(diagnostics, loaded, &descriptions, &reader, &trace).await);
    let counts = Counts { services: descriptions.len(), tools: snapshot.tools().count() };
    Ok(sorted(Report { findings, counts: Some(counts), here: options.here.clone() }))
}

fn of_config(severity: Severity, fault: &ConfigDiagnostic) -> Finding {
    let diagnostic = Diagnostic {
        severity,
        code: DiagnosticCode::Config.as_str().to_owned(),
        source: "config".to_owned(),
        pointer: fault.path.clone(),
        message: fault.message.clone(),
        hint: String::new(),
    };
    let place = Place { artifact: Artifact::File(fault.file.clone()), at: Some((fault.line, fault.column)) };
    Finding { diagnostic, place: Some(place) }
}

/// That a service is left out is said by what is wrong with its documents, where that is said.
fn without_repetitions(diagnostics: &mut Vec<Diagnostic>) {
    let is_consequence = |one: &Diagnostic| one.code == DiagnosticCode::SourceFailed.as_str();
    let consequences: Vec<Diagnostic> = diagnostics.iter().filter(|one| is_consequence(one)).cloned().collect();
    for consequence in consequences {
        let mut is_said = false;
        for cause in diagnostics.iter_mut().filter(|one| one.severity.is_error() && !is_consequence(one)) {
            if cause.source == consequence.source && consequence.message.contains(&cause.message) {
                cause.hint = format!("{} {} is left out until then.", cause.hint, cause.source).trim().to_owned();
                is_said = true;
            }
        }
        if is_said {
            diagnostics.retain(|one| *one != consequence);
        }
    }
}

fn sorted(mut report: Report) -> Report {
    report.findings.sort_by(|a, b| {
        let key = |one: &Finding| (one.place.is_none(), one.place.clone());
        (key(a), &a.diagnostic).cmp(&(key(b), &b.diagnostic))
    });
    report
}
