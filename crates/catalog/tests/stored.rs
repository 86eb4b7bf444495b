//! Restarts: what an earlier run stored is used when nothing has changed, and never believed when it is damaged.

mod common;

use common::{Desk, Site, THINGS, ids, prepared};
use open_cli_catalog::{Keeper, Slice, Snapshot};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const OTHERS: &str = r#"
openapi: 3.1.0
info: {title: Others, version: "1"}
servers: [{url: "https://others.example/"}]
paths:
  /others: {get: {operationId: listOthers, responses: {}}}
"#;

/// More than any test stores.
const ALL_AT_ONCE: u64 = 1 << 30;

fn folder(desk: &Desk) -> PathBuf {
    desk.dir.path().join("cache/compiled")
}

fn start(desk: &Desk, read_at_once: u64) -> Arc<Keeper> {
    desk.recorder.clear();
    let builder = desk.builder().stored_in(folder(desk), read_at_once);
    Keeper::start(builder, desk.recorder.clone(), Default::default(), tokio::runtime::Handle::current())
}

async fn catalog(keeper: &Arc<Keeper>) -> Arc<Snapshot> {
    keeper.current().await.expect("catalog")
}

/// A run that ends when its catalog is stored.
async fn run(desk: &Desk) -> Arc<Snapshot> {
    let before =
        manifest(desk).and_then(|path| std::fs::metadata(path).ok()).and_then(|found| found.modified().ok());
    let snapshot = catalog(&start(desk, ALL_AT_ONCE)).await;
    // Written beside everything else; a busy machine takes its time.
    for _ in 0..1500 {
        let now =
            manifest(desk).and_then(|path| std::fs::metadata(path).ok()).and_then(|found| found.modified().ok());
        if now.is_some() && now != before {
            return snapshot;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the catalog was not stored");
}

fn manifest(desk: &Desk) -> Option<PathBuf> {
    Some(folder(desk).join("manifest.json")).filter(|path| path.exists())
}

fn files(desk: &Desk) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(desk)).expect("folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    files
}

fn shelf(desk: &Desk) -> PathBuf {
    files(desk).into_iter().find(|path| path.extension().is_some_and(|kind| kind == "shelf")).expect("a shelf")
}

fn two_services(desk: &Desk, more: Value) {
    desk.write("things.yaml", THINGS);
    desk.write("others.yaml", OTHERS);
    let mut config = json!({
        "sources": {"t": {"type": "openapi", "uri": "things.yaml"}, "o": {"type": "openapi", "uri": "others.yaml"}},
        "services": {"things": {"source": "t"}, "others": {"source": "o"}}});
    config.as_object_mut().expect("object").append(&mut more.as_object().expect("object").clone());
    desk.config(config);
}

fn answer(snapshot: &Snapshot) -> String {
    let pieces = snapshot.answer(None, "", &Slice::default()).expect("answer").pieces;
    String::from_utf8(pieces.concat()).expect("text")
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = std::fs::read(path).expect("read");
    change(&mut content);
    open_cli_files::replace(path, &content, open_cli_files::Durability::Unsynced).expect("replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_with_unchanged_inputs_reads_no_document_and_answers_the_same() {
    for read_at_once in [ALL_AT_ONCE, 0] {
        let desk = Desk::new();
        two_services(&desk, json!({"policy": {"deny": ["things:delete*", "nothing:*"]}}));
        let first = run(&desk).await;
        let keeper = start(&desk, read_at_once);
        let again = catalog(&keeper).await;
        assert_eq!((desk.spans("documents.load"), desk.spans("catalog.restore")), (0, 1));
        assert_eq!(again.fingerprint(), first.fingerprint());
        let slice = Slice::default();
        assert_eq!(
            again.entity_tag(None, "", &slice),
            first.entity_tag(None, "", &slice),
            "clients need nothing new"
        );
        assert_eq!(answer(&again), answer(&first));
        assert_eq!(again.status(), first.status());
        let denied = again.tool("things:deleteThing").expect("tool");
        let decision = again.policy().decide(denied.verdict(), &again.policy().admission(None, ""), true);
        assert!(!decision.is_allowed());
        assert_eq!(prepared(&again, "others:listOthers").target(), "https://others.example/");
        // It goes on as any other.
        desk.write("others.yaml", &OTHERS.replace("listOthers", "allOthers"));
        tokio::time::sleep(Duration::from_millis(5)).await;
        let edited = catalog(&keeper).await;
        assert!(edited.tool("others:allOthers").is_some() && edited.tool("things:listThings").is_some());
        assert_eq!(desk.spans("openapi.read"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_between_two_runs_is_built_before_anything_is_served() {
    let desk = Desk::new();
    two_services(&desk, json!({}));
    run(&desk).await;
    desk.write("others.yaml", &OTHERS.replace("listOthers", "allOthers"));
    let again = run(&desk).await;
    assert_eq!(ids(&again), ["others:allOthers", "things:deleteThing", "things:listThings"]);
    assert_eq!(desk.spans("openapi.read"), 1, "the other service is taken over");

    // Another configuration: its rules count from the first request.
    two_services(&desk, json!({"policy": {"deny": ["things:*"]}}));
    desk.write("others.yaml", &OTHERS.replace("listOthers", "allOthers"));
    let again = run(&desk).await;
    let denied = again.tool("things:listThings").expect("tool");
    let decision = again.policy().decide(denied.verdict(), &again.policy().admission(None, ""), true);
    assert!(!decision.is_allowed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_is_built_anew() {
    let desk = Desk::new();
    two_services(&desk, json!({}));
    let first = run(&desk).await;
    type Damage = fn(&Desk);
    let damages: [(&str, Damage); 8] = [
        ("an empty manifest", |desk| change(&folder(desk).join("manifest.json"), Vec::clear)),
        ("half a manifest", |desk| change(&folder(desk).join("manifest.json"), |c| c.truncate(c.len() / 2))),
        ("another byte", |desk| change(&folder(desk).join("manifest.json"), |c| c[100] ^= 1)),
        ("another version", |desk| {
            change(&folder(desk).join("manifest.json"), |content| {
                let text = String::from_utf8(content.clone()).expect("text");
                let json = text.split_once('\n').expect("lines").1.replacen("\"format\":", "\"format\":9", 1);
                assert!(json.contains("\"format\":9"), "{json}");
                use sha2::Digest;
                let digest: String =
                    sha2::Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
                *content = format!("{digest}\n{json}").into_bytes();
            });
        }),
        ("a manifest that others may write", |desk| {
            let path = folder(desk).join("manifest.json");
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).expect("mode");
        }),
        ("a shelf that is gone", |desk| std::fs::remove_file(shelf(desk)).expect("removed")),
        ("half a shelf", |desk| change(&shelf(desk), |c| c.truncate(c.len() / 2))),
        ("another byte of a shelf", |desk| change(&shelf(desk), |c| *c.last_mut().expect("byte") ^= 1)),
    ];
    for (what, damage) in damages {
        damage(&desk);
        let again = run(&desk).await;
        assert_eq!(ids(&again), ids(&first), "{what}");
        assert!(desk.spans("openapi.read") > 0, "{what}");
        // And what was stored then is good.
        catalog(&start(&desk, ALL_AT_ONCE)).await;
        assert_eq!(desk.spans("openapi.read"), 0, "{what}");
    }
}

/// A large catalog is not read before it is needed, so its damage is found later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_is_found_late_is_mended_at_once() {
    let desk = Desk::new();
    two_services(&desk, json!({}));
    let first = run(&desk).await;
    change(&shelf(&desk), |content| *content.last_mut().expect("byte") ^= 1);
    let keeper = start(&desk, 0);
    for _ in 0..3000 {
        let now = catalog(&keeper).await;
        if !now.is_damaged() && ids(&now) == ids(&first) {
            assert_eq!(desk.spans("openapi.read"), 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was not mended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_private_and_nothing_is_left_beside_them() {
    let desk = Desk::new();
    two_services(&desk, json!({}));
    run(&desk).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder(&desk)), 0o700);
    assert_eq!(files(&desk).len(), 3, "two services and a manifest");
    assert!(files(&desk).iter().all(|path| mode(path) == 0o600));
    desk.write("others.yaml", &OTHERS.replace("listOthers", "allOthers"));
    run(&desk).await;
    for _ in 0..200 {
        if files(&desk).len() == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what nobody names is still there: {:?}", files(&desk));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_not_stored() {
    let desk = Desk::new();
    two_services(&desk, json!({"secrets": {"k": {"type": "literal", "value": "hush-literal"}}}));
    desk.write("others.yaml", &OTHERS.replace("https://others", "https://me:hush-server@others"));
    let first = run(&desk).await;
    for file in files(&desk) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("read")).into_owned();
        assert!(!text.contains("hush"), "{}", file.display());
    }
    assert_eq!(files(&desk).len(), 2, "the other service is stored");
    let again = catalog(&start(&desk, ALL_AT_ONCE)).await;
    assert_eq!(ids(&again), ids(&first));
    assert_eq!(desk.spans("openapi.read"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_service_serves_at_once_and_is_revalidated_beside() {
    let (desk, site) = (Desk::new(), Site::start());
    site.set("/things", 200, &["ETag: \"1\"", "Cache-Control: max-age=0"], THINGS);
    desk.config(json!({"sources": {"t": {"type": "openapi", "uri": site.url("/things")}},
        "services": {"things": {"source": "t"}}}));
    let first = run(&desk).await;
    // The origin is gone: what was there last is served, and said to be stale.
    site.set("/things", 503, &[], "no");
    let keeper = start(&desk, ALL_AT_ONCE);
    let again = catalog(&keeper).await;
    assert_eq!(ids(&again), ids(&first));
    assert_eq!(desk.spans("openapi.read"), 0);
}
