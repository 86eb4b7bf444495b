//! Overlays on their way into the catalog: catalog-and-execution §5 with W10, W19, W39 and deviations 6 and 9.

mod common;

use common::{Desk, Site, THINGS, ids, message, prepared};
use open_cli_catalog::{Detail, Keeper, Slice, Snapshot};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn of_things(desk: &Desk, overlays: &[&str]) {
    desk.config(json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}},
        "services": {"things": {"source": "s", "overlays": overlays}}}));
}

fn desk(overlays: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    overlays.iter().for_each(|(name, text)| desk.write(name, text));
    of_things(&desk, &overlays.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    desk
}

fn slice(snapshot: &Snapshot, tool: &str) -> Value {
    let slice = Slice { is_slice: true, tool: tool.into(), detail: Detail::Full, ..Slice::default() };
    let answer = snapshot.answer(None, "", &slice).expect("answer");
    serde_json::from_slice(&answer.pieces.concat()).expect("JSON")
}

const RENAME: &str = r#"
overlay: 1.1.0
info: {title: Names, version: "1"}
actions:
  - target: $.paths['/things'].get
    update: {operationId: allThings, x-cli-name: all}
  - target: $.paths[*].delete
    update: {x-cli-safety: {requiresApproval: true}}
"#;

const TITLE: &str = r#"{"overlay":"1.0.0","info":{"title":"Title","version":"1"},"actions":[
    {"target":"$.info","update":{"title":"Better things"}},
    {"target":"$.paths[?@.get.operationId=='allThings'].get","update":{"x-cli-group":"everything"}}]}"#;

#[tokio::test]
async fn overlays_apply_in_order_before_anything_is_named() {
    let desk = desk(&[("names.overlay.yaml", RENAME), ("title.json", TITLE)]);
    let snapshot = desk.build(None).await;
    assert_eq!(ids(&snapshot), ["things:allThings", "things:deleteThing"]);
    let all = prepared(&snapshot, "things:allThings");
    let all = all.tool();
    assert_eq!((all.group.as_str(), all.command.as_str()), ("everything", "all"));
    assert!(prepared(&snapshot, "things:deleteThing").tool().safety.requires_approval);
    assert_eq!(desk.codes(&snapshot), [""; 0]);
    let words = Slice {
        is_slice: true,
        words: vec!["things".into(), "everything".into(), "all".into()],
        ..Slice::default()
    };
    let answer = snapshot.answer(None, "", &words).expect("answer");
    let found: Value = serde_json::from_slice(&answer.pieces.concat()).expect("JSON");
    assert_eq!(found["view"]["tools"][0]["id"], "things:allThings", "{found}");
    assert_eq!(found["catalog"]["services"][0]["title"], "Better things");
    let details = &slice(&snapshot, "things:allThings")["view"]["tools"][0]["details"];
    let root = desk.dir.path().display().to_string();
    assert_eq!(details["document"], json!(format!("{root}/things.yaml")));
    assert_eq!(details["overlays"], json!([format!("{root}/names.overlay.yaml"), format!("{root}/title.json")]));
    assert_eq!(details["pointer"], "/paths/~1things/get");
}

/// W19.
#[tokio::test]
async fn a_target_that_matches_nothing_is_a_diagnostic_that_names_overlay_action_and_target() {
    let text = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nextends: other.yaml\nactions: \
                [{target: \"$.paths['/thigns'].get\", remove: true}]";
    let desk = desk(&[("o.yaml", text)]);
    let snapshot = desk.build(None).await;
    assert_eq!(ids(&snapshot).len(), 2);
    assert_eq!(
        desk.codes(&snapshot),
        ["warning overlay_extends_mismatch things", "warning overlay_no_match things"]
    );
    let found = snapshot.diagnostics().iter().find(|d| d.code == "overlay_no_match").expect("diagnostic");
    assert_eq!(desk.plain(&found.pointer), "/o.yaml#/actions/0/target");
    assert!(found.message.contains("$.paths['/thigns'].get") && found.message.contains("action 1"), "{found:?}");
}

/// Deviation 6: safety rules fail closed for what they protect.
#[tokio::test]
async fn a_service_is_not_served_without_its_overlay_and_the_others_are() {
    let missing_match = "overlay: 1.1.0\nactions: [{target: $.paths, copy: $.nowhere}]";
    for (text, part) in [
        (None, "there is no file"),
        (Some("overlay: 1.0.0\nactions: {}"), "\"actions\" is an object"),
        (Some("overlay: 9.0.0\nactions: []"), "not known here"),
        (Some("<html>"), "is an HTML page"),
        (Some("overlay: 1.0.0\nactions: [{target: '$.paths[', remove: true}]"), "can't be applied in full"),
        (Some(missing_match), "selects 0 nodes"),
    ] {
        let desk = Desk::new();
        desk.write("things.yaml", THINGS);
        desk.config(json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}},
            "services": {"plain": {"source": "s"}, "safe": {"source": "s", "overlays": ["o.yaml"]}}}));
        if let Some(text) = text {
            desk.write("o.yaml", text);
        }
        let snapshot = desk.build(None).await;
        assert_eq!(ids(&snapshot), ["plain:deleteThing", "plain:listThings"], "{text:?}");
        let message = message(&snapshot, "source_failed");
        assert!(message.contains(part) && message.contains("not served without it"), "{message}");
        assert!(desk.codes(&snapshot).contains(&"error source_failed safe".to_owned()));
        // Mended, it is there.
        desk.write("o.yaml", RENAME);
        let mended = desk.build(Some(&snapshot)).await;
        assert_eq!(ids(&mended).len(), 4);
        assert_eq!(desk.codes(&mended), [""; 0]);
    }
}

#[tokio::test]
async fn a_broken_overlay_keeps_the_last_good_state_and_a_new_one_does_not() {
    let desk = desk(&[("names.overlay.yaml", RENAME)]);
    let good = desk.build(None).await;
    desk.write("names.overlay.yaml", "overlay: [");
    let stale = desk.build(Some(&good)).await;
    assert_eq!(ids(&stale), ids(&good));
    assert!(message(&stale, "service_stale").contains("names.overlay.yaml"));
    assert!(prepared(&stale, "things:deleteThing").tool().safety.requires_approval);
    desk.remove("names.overlay.yaml");
    assert_eq!(ids(&desk.build(Some(&stale)).await), ids(&good));
    // An overlay that the last good state never had may be what makes the service safe.
    desk.write("names.overlay.yaml", RENAME);
    for overlays in [["names.overlay.yaml", "absent.yaml"], ["names.overlay.yaml", "ftp://h.example/o"]] {
        of_things(&desk, &overlays);
        let snapshot = desk.build(Some(&good)).await;
        assert_eq!(ids(&snapshot), [""; 0]);
        assert_eq!(desk.codes(&snapshot), ["error file_unreadable things", "error source_failed things"]);
    }
}

/// W39, and only what changed is read again.
#[tokio::test]
async fn a_changed_overlay_gives_a_new_revision_and_rebuilds_one_service() {
    let desk = Desk::new();
    let (mut sources, mut services) = (json!({}), json!({}));
    for i in 0..5 {
        desk.write(&format!("{i}.yaml"), THINGS);
        desk.write(&format!("{i}.overlay.yaml"), RENAME);
        sources[format!("s{i}")] = json!({"type": "openapi", "uri": format!("{i}.yaml")});
        services[format!("t{i}")] = json!({"source": format!("s{i}"), "overlays": [format!("{i}.overlay.yaml")]});
    }
    desk.config(json!({"sources": sources, "services": services}));
    let first = desk.build(None).await;
    assert_eq!((desk.spans("openapi.read"), desk.spans("overlays.apply")), (5, 5));
    let same = desk.build(Some(&first)).await;
    assert_eq!(same.fingerprint(), first.fingerprint());
    assert_eq!((desk.spans("openapi.read"), desk.spans("documents.load")), (0, 0));
    desk.write("3.overlay.yaml", &RENAME.replace("allThings", "everyThing"));
    let changed = desk.build(Some(&same)).await;
    assert_ne!(changed.fingerprint(), first.fingerprint());
    assert_eq!((desk.spans("openapi.read"), desk.spans("documents.load")), (1, 1));
    assert!(changed.tool("t3:everyThing").is_some() && changed.tool("t2:allThings").is_some());
}

/// OA-6: references are those of the description with its overlays.
#[tokio::test]
async fn an_overlay_may_bring_references_and_take_broken_ones_away() {
    let desk = desk(&[(
        "o.yaml",
        "overlay: 1.0.0\nactions:\n- target: $.paths['/things'].get\n  update: \
         {parameters: [{$ref: 'parts/common.yaml#/Page'}], responses: {default: {$ref: 'nowhere.yaml#/x'}}}\n\
         - target: $.paths['/things'].get.responses.default\n  remove: true",
    )]);
    desk.write("parts/common.yaml", "Page: {name: page, in: query, schema: {type: integer}}");
    let snapshot = desk.build(None).await;
    assert_eq!(desk.codes(&snapshot), [""; 0], "{:#?}", snapshot.diagnostics());
    let ready = prepared(&snapshot, "things:listThings");
    let tool = ready.tool();
    assert_eq!(tool.flags[0].name, "page");
    // What was brought is watched.
    desk.write("parts/common.yaml", "Page: {name: pageNumber, in: query, schema: {type: integer}}");
    let changed = desk.build(Some(&snapshot)).await;
    assert_eq!(prepared(&changed, "things:listThings").tool().flags[0].name, "page-number");
}

/// PROV-4, W13, and the rule that what expires is asked for again.
#[tokio::test]
async fn a_remote_overlay_is_recorded_cached_and_seen_to_change() {
    let site = Site::start();
    site.set("/things.yaml", 200, &["Cache-Control: max-age=3600"], THINGS);
    site.set("/o.yaml", 200, &["Cache-Control: max-age=3600"], RENAME);
    let desk = Desk::new();
    desk.config(json!({"sources": {"s": {"type": "openapi", "uri": site.url("/things.yaml")}},
        "services": {"things": {"source": "s", "overlays": [site.url("/o.yaml")]}}}));
    let first = desk.build(None).await;
    let fetches = &first.sources()[0].provenance.fetches;
    let urls: Vec<&str> = fetches.iter().map(|fetch| fetch.url.as_str()).collect();
    assert_eq!(urls, [site.url("/things.yaml"), site.url("/o.yaml")]);
    let again = desk.build(Some(&first)).await;
    assert_eq!(site.requests().len(), 2);
    let outcomes = |snapshot: &Snapshot| {
        let fetches = &snapshot.sources()[0].provenance.fetches;
        fetches.iter().filter_map(|fetch| fetch.cache_outcome.map(|o| o.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&again), ["fresh_hit", "fresh_hit"]);
    site.ok("/o.yaml", &RENAME.replace("allThings", "everyThing"));
    let changed = desk.refresh(&again).await;
    assert_eq!(ids(&changed), ["things:deleteThing", "things:everyThing"]);
    // Not to be had at all, it keeps the last good state.
    site.set("/o.yaml", 404, &[], "");
    let stale = desk.refresh(&changed).await;
    assert_eq!(ids(&stale), ids(&changed));
    assert!(message(&stale, "service_stale").contains("unexpected status 404"));
}

#[tokio::test]
async fn a_keeper_sees_a_remote_overlay_expire() {
    let site = Site::start();
    site.set("/o.yaml", 200, &["Cache-Control: max-age=1"], RENAME);
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    of_things(&desk, &[&site.url("/o.yaml")]);
    let keeper = Keeper::start(
        desk.builder(),
        desk.recorder.clone(),
        open_cli_observe::Sampler::ALL,
        tokio::runtime::Handle::current(),
    );
    assert!(keeper.current().await.expect("catalog").tool("things:allThings").is_some());
    site.set("/o.yaml", 200, &["Cache-Control: max-age=1"], &RENAME.replace("allThings", "everyThing"));
    let end = Instant::now() + Duration::from_secs(60);
    while keeper.current().await.expect("catalog").tool("things:everyThing").is_none() {
        assert!(Instant::now() < end, "the change was never seen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_keeper_sees_an_edited_overlay_with_the_next_request() {
    let desk = desk(&[("o.yaml", RENAME)]);
    let keeper = Keeper::start(
        desk.builder(),
        desk.recorder.clone(),
        open_cli_observe::Sampler::ALL,
        tokio::runtime::Handle::current(),
    );
    assert!(keeper.current().await.expect("catalog").tool("things:allThings").is_some());
    desk.write("o.yaml", &RENAME.replace("allThings", "everyThing"));
    let end = Instant::now() + Duration::from_secs(30);
    while keeper.current().await.expect("catalog").tool("things:everyThing").is_none() {
        assert!(Instant::now() < end, "the change was never seen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The new configuration is in force at once, and nothing of the old state with it.
    let snapshot: Arc<Snapshot> = keeper.current().await.expect("catalog");
    of_things(&desk, &["o.yaml", "absent.yaml"]);
    let restated = desk.builder().restate(&snapshot).expect("configuration");
    assert_eq!(ids(&restated), [""; 0]);
}

/// catalog-and-execution §24: the fixture of the contract, apart from the member of `safety` that it misses (CF-2).
#[tokio::test]
async fn the_fixture_of_the_contract_compares_equal() {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().expect("folder");
    let folder = manifest.ancestors().map(|folder| folder.join("shared/data/contract/conformance"));
    let Some(folder) = folder.into_iter().find(|folder| folder.is_dir()) else {
        println!("skipped: no shared data");
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("fixture");
    let desk = Desk::new();
    for name in ["openapi/tickets.openapi.yaml", "overlays/tickets.overlay.yaml", "workflows/tickets.arazzo.yaml"]
    {
        desk.write(name, &read(&format!("fixtures/{name}")));
    }
    let mut config: Value = serde_json::from_str(&read("fixtures/config/project.cli.json")).expect("JSON");
    config["sources"]["ticketsSource"]["uri"] = json!("openapi/tickets.openapi.yaml");
    config["services"]["tickets"]["overlays"] = json!(["overlays/tickets.overlay.yaml"]);
    config["services"]["tickets"]["workflows"] = json!(["workflows/tickets.arazzo.yaml"]);
    desk.write(".cli.json", &config.to_string());
    let answer = desk.build(None).await.answer(None, "", &Slice::default()).expect("answer");
    let mut found: Value = serde_json::from_slice(&answer.pieces.concat()).expect("JSON");
    let mut found = found["catalog"].take();
    let mut expected: Value = serde_json::from_str(&read("expected/tickets.ntc.json")).expect("JSON");
    expected["sources"][0]["uri"] = json!("openapi/tickets.openapi.yaml");
    // The fixture's second pattern list has the pattern `**`, which is no fault.
    for catalog in [&mut found, &mut expected] {
        for member in ["generatedAt", "sourceFingerprint", "diagnostics"] {
            catalog.as_object_mut().expect("catalog").remove(member);
        }
        catalog["sources"][0]["provenance"].as_object_mut().expect("provenance").remove("at");
        without_idempotent(catalog);
    }
    assert_eq!(found, expected);
}

fn without_idempotent(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("idempotent");
            members.values_mut().for_each(without_idempotent);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_idempotent),
        _ => {}
    }
}
