//! What a tool answers is read from its description when somebody asks for that tool, and is told as it was built.

mod common;

use common::{Desk, Site};
use open_cli_catalog::{Detail, Keeper, Slice, Snapshot};
use open_cli_observe::{Nop, Sampler, Trace};
use serde_json::{Value, json};
use std::sync::Arc;

const API: &str = r##"{"openapi":"3.1.0","info":{"title":"T","version":"1"},"servers":[{"url":"https://h.example"}],
    "paths":{"/things":{"get":{"operationId":"listThings","responses":{
        "200":{"description":"All","content":{"application/json":{"schema":{"$ref":"parts.json#/Things"}}}},
        "404":{"$ref":"#/components/responses/Missing"}}}}},
    "components":{"responses":{"Missing":{"description":"None","content":{"text/plain":{"schema":{"type":"string","x-odd":1}}}}}}}"##;
const PARTS: &str = r##"{"Things":{"type":"array","items":{"$ref":"#/Thing"}},"Thing":{"properties":{"next":{"$ref":"#/Thing"}}}}"##;

fn described(snapshot: &Snapshot, responses: &[open_cli_contract::catalog::ResponseDetails]) -> Value {
    let slice = Slice {
        is_slice: true,
        tool: "things:listThings".into(),
        detail: Detail::Full,
        responses: serde_json::to_vec(responses).expect("JSON").into(),
        ..Slice::default()
    };
    assert!(snapshot.described(None, "", &slice).is_some());
    let answer = snapshot.answer(None, "", &slice).expect("answer");
    let answer: Value = serde_json::from_slice(&answer.pieces.concat()).expect("JSON");
    answer["view"]["tools"][0]["details"]["responses"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_self_contained_and_those_of_the_snapshot() {
    let trace = Trace::detached(Arc::new(Nop));
    for is_remote in [false, true] {
        let desk = Desk::new();
        let site = Site::start();
        desk.write("things.json", API);
        desk.write("parts.json", PARTS);
        desk.write("o.yaml", "overlay: 1.0.0\ninfo: {title: o, version: '1'}\nactions: [{target: \"$.paths['/things'].get.responses['404']\", update: {description: Gone}}]");
        site.ok("/things.json", API);
        site.ok("/parts.json", PARTS);
        let uri = if is_remote { site.url("/things.json") } else { "things.json".into() };
        desk.config(json!({"sources": {"s": {"type": "openapi", "uri": uri}},
            "services": {"things": {"source": "s", "overlays": ["o.yaml"]}}}));
        let background = tokio::runtime::Handle::current();
        let keeper = Keeper::start(desk.builder(), Arc::new(Nop), Sampler::default(), background);
        let snapshot = keeper.current().await.expect("catalog");
        let entry = snapshot.tool("things:listThings").expect("tool");
        let asked = site.requests().len();
        let responses = keeper.responses(&snapshot, entry, &trace).await.expect("known");
        assert_eq!(site.requests().len(), asked, "nothing is fetched for it");
        let thing = json!({"properties": {"next": {"$ref": "#/$defs/Thing"}}});
        let expected = json!([
            {"status": "200", "description": "All", "contentTypes": [{"mediaType": "application/json",
                "schema": {"type": "array", "items": {"$ref": "#/$defs/Thing"}, "$defs": {"Thing": thing}}}]},
            {"status": "404", "description": "Gone", "contentTypes": [{"mediaType": "text/plain", "schema": {"type": "string", "x-odd": 1}}]}]);
        assert_eq!(described(&snapshot, &responses), expected);
        // Another description is not told as that of the snapshot.
        if !is_remote {
            desk.write("parts.json", &PARTS.replace("next", "before"));
            let error = keeper.responses(&snapshot, entry, &trace).await.expect_err("changed");
            assert!(error.contains("has changed"), "{error}");
        }
    }
}
