//! §1.10, weaknesses 19 and 20.

use open_cli_config::Scope::{Local, Project, User};
use open_cli_config::{Secret, load_text};
use serde_json::json;

use crate::support::{eff, path_of, project, scopes};
use std::path::{Path, PathBuf};

#[test]
fn each_reference_counts_from_the_file_that_declared_it() {
    let loaded = load_text(&[
        (User, path_of(User), json!({"secrets": {"s": {"type": "file", "value": "./token"}}}).to_string()),
        (
            Project,
            path_of(Project),
            project(json!({
                "sources": {"crm": {"type": "openapi", "uri": "./specs/../crm.yaml"},
                    "fs": {"type": "mcp", "transport": {"type": "stdio", "command": "./bin/fs"}}},
                "services": {"crm": {"source": "crm", "overlays": ["o.yaml", "HTTPS://h/o"], "skills": ["s.json"]}}
            }))
            .to_string(),
        ),
        (
            Local,
            PathBuf::from("/home/dev/.cli.local.json"),
            json!({"services": {"crm": {"skills": ["mine.json"], "workflows": ["/abs/w.yaml"]}}}).to_string(),
        ),
    ])
    .expect("loads");
    let config = &loaded.config;
    assert_eq!(config.sources["crm"].resolved_uri(), "/srv/acme/crm.yaml");
    assert_eq!(eff(&loaded)["sources"]["crm"]["uri"], "./specs/../crm.yaml");
    let resolved = |references: &[open_cli_config::Reference]| -> Vec<String> {
        references.iter().map(open_cli_config::Reference::resolve).collect()
    };
    let service = &config.services["crm"];
    assert_eq!(resolved(&service.overlays), ["/srv/acme/o.yaml", "HTTPS://h/o"]);
    assert_eq!(resolved(&service.skills), ["/home/dev/mine.json"]);
    assert_eq!(resolved(&service.workflows), ["/abs/w.yaml"]);
    let Secret::Static(secret) = &config.secrets["s"] else { panic!("a static secret") };
    assert_eq!(secret.file().as_deref(), Some(Path::new("/home/u/.config/open-cli/token")));
    let command = config.sources["fs"].transport.as_ref().and_then(|transport| transport.command.as_ref());
    assert_eq!(command.expect("command").program(), Path::new("/srv/acme/bin/fs"));
    // CFG-78 without its quirk.
    assert_eq!(loaded.base_dir, Path::new("/srv/acme"));
}

#[test]
fn the_base_folder_falls_back_to_the_file_there_is() {
    let loaded = scopes(&[(Local, project(json!({})))]).expect("loads");
    assert_eq!(loaded.base_dir, Path::new("/srv/acme"));
    let loaded = scopes(&[(User, project(json!({})))]).expect("loads");
    assert_eq!(loaded.base_dir, Path::new("/home/u/.config/open-cli"));
}
