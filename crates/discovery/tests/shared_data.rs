//! The reference's own discovery fixtures (`contract/conformance`), where the shared data is at hand.

use open_cli_discovery::parse_linkset;
use std::path::{Path, PathBuf};

fn fixtures() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = "shared/data/contract/conformance/fixtures/discovery";
    here.ancestors().map(|above| above.join(folder)).find(|folder| folder.is_dir())
}

#[test]
fn the_references_fixtures_are_read() {
    let Some(folder) = fixtures() else { return println!("skipped: no shared data") };
    for (file, expected) in [
        ("api-catalog.linkset.json", &["https://api.example.com/v1 item"][..]),
        (
            "service-meta.linkset.json",
            &[
                "https://api.example.com/v1/tickets.skill.json https://open-cli.dev/rel/skill-manifest",
                "https://api.example.com/v1/tickets.arazzo.yaml https://open-cli.dev/rel/workflows",
            ],
        ),
    ] {
        let body = std::fs::read(folder.join(file)).expect("fixture");
        let links = parse_linkset(&body, "application/linkset+json", 100).expect("linkset");
        let shown: Vec<String> =
            links.iter().map(|link| format!("{} {}", link.target, link.relations.join(" "))).collect();
        assert_eq!(shown, expected, "{file}");
    }
}
