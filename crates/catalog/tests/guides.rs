//! Skill manifests and workflow documents in a catalog: what they add, how they fail, and that nothing else notices.

mod common;

use common::{Desk, Site, THINGS, message};
use open_cli_catalog::{Slice, Snapshot};
use serde_json::{Value, json};

const SKILL: &str = r#"{"oasCliSkill":"1.0.0","serviceId":"things","toolGuidance":{
    "things:listThings":{"whenToUse":["Overview"],"examples":[{"goal":"g","command":"c"}]}}}"#;

const FLOW: &str = r"
arazzo: 1.0.1
info: {title: Flows, version: '1'}
sourceDescriptions: [{name: api, url: https://elsewhere.example/things.yaml, type: openapi}]
workflows:
  - workflowId: tidy
    summary: Tidy up
    inputs: {type: object, properties: {id: {type: string}}}
    steps:
      - stepId: list
        operationId: $sourceDescriptions.api.listThings
        outputs: {first: $response.body#/0/id}
      - stepId: delete
        operationPath: '{$sourceDescriptions.api.url}#/paths/~1things~1{id}/delete'
        parameters: [{name: id, in: path, value: $steps.list.outputs.first}]
    outputs: {id: $steps.list.outputs.first}
";

/// One service with these documents; other services beside it.
fn things(desk: &Desk, members: &Value, more: &[(&str, Value)]) {
    let mut config = json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}}, "services": {"things": {"source": "s"}}});
    let own = config["services"]["things"].as_object_mut().expect("service");
    own.append(&mut members.as_object().expect("object").clone());
    for (name, service) in more {
        config["services"][name] = service.clone();
        config["sources"][name] = json!({"type": "openapi", "uri": format!("{name}.yaml")});
    }
    desk.config(config);
}

fn answer(snapshot: &Snapshot, slice: &Slice) -> Value {
    let answer = snapshot.answer(None, "", slice).expect("answer");
    serde_json::from_slice(&answer.pieces.concat()).expect("JSON")
}

fn workflows(snapshot: &Snapshot) -> Value {
    answer(snapshot, &Slice::default())["catalog"]["workflows"].clone()
}

fn slice(workflow: &str) -> Slice {
    Slice { is_slice: true, workflow: workflow.into(), ..Slice::default() }
}

/// SK-2 to SK-4, W23, W39
#[tokio::test]
async fn guidance_is_part_of_its_tool_and_of_the_revision() {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    things(&desk, &json!({}), &[]);
    let bare = desk.build(None).await;
    desk.write("a.json", SKILL);
    desk.write("b.yaml", "serviceId: other\ntoolGuidance:\n  things:deleteThing: {avoidWhen: [always]}\n  other:listThings: {whenToUse: [later]}\n  things:nope: {}\n");
    things(&desk, &json!({"skills": ["a.json", "b.yaml", "a.json"]}), &[]);
    let guided = desk.build(Some(&bare)).await;
    assert_ne!(guided.fingerprint(), bare.fingerprint());
    let all = answer(&guided, &Slice::default());
    let of = |id: &str| {
        let tools = all["catalog"]["tools"].as_array().expect("tools");
        tools.iter().find(|tool| tool["id"] == id).expect("tool")["guidance"].clone()
    };
    assert_eq!(
        of("things:listThings"),
        json!({"whenToUse": ["later"]}),
        "the later manifest, and its own service id"
    );
    assert_eq!(of("things:deleteThing"), json!({"avoidWhen": ["always"]}));
    let expected = ["warning skill_service_mismatch things", "warning skill_tool_unknown things"];
    assert_eq!(desk.codes(&guided), expected);
    let unknown = guided.diagnostics().iter().find(|d| d.code == "skill_tool_unknown").expect("one");
    assert!(unknown.pointer.ends_with("b.yaml#/toolGuidance/things:nope"), "{unknown:?}");

    // A broken edit keeps what was there; what is mended counts again.
    desk.write("b.yaml", "toolGuidance: 7");
    let broken = desk.build(Some(&guided)).await;
    assert_eq!(broken.fingerprint(), guided.fingerprint());
    assert!(message(&broken, "skill_stale").contains("is no object"));
    desk.write("b.yaml", r#"{"toolGuidance":{"things:listThings":{}}}"#);
    let mended = desk.build(Some(&broken)).await;
    assert_eq!(desk.codes(&mended), [""; 0]);
    assert_eq!(
        answer(&mended, &Slice { is_slice: true, tool: "things:listThings".into(), ..Slice::default() })["view"]["tools"]
            [0]["guidance"],
        json!({})
    );
}

/// Deviation 6: the service works without.
#[tokio::test]
async fn a_document_that_is_not_there_costs_nothing_and_is_seen_when_it_comes() {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    desk.write("odd.yaml", "openapi: 3.1.0");
    things(&desk, &json!({"skills": ["a.json"], "workflows": ["flow.yaml", "odd.yaml"]}), &[]);
    let first = desk.build(None).await;
    assert_eq!(first.tool_count(), 2);
    let expected =
        ["error skill_unreadable things", "error workflow_unreadable things", "error workflow_unreadable things"];
    assert_eq!(desk.codes(&first), expected);
    desk.write("a.json", SKILL);
    desk.write("flow.yaml", FLOW);
    let second = desk.build(Some(&first)).await;
    assert_eq!(desk.codes(&second), ["error workflow_unreadable things"]);
    assert_eq!(second.workflows().len(), 1);
    assert!(second.tool("things:listThings").expect("tool").whole().expect("read").guidance.is_some());
    // An edit of a workflow is no reason to read the description again.
    desk.write("flow.yaml", &FLOW.replace("Tidy up", "Clean"));
    let third = desk.build(Some(&second)).await;
    assert_eq!(desk.spans("openapi.read"), 0);
    assert_ne!(third.fingerprint(), second.fingerprint());
    assert_eq!(answer(&third, &slice("*"))["catalog"]["workflows"][0]["details"]["summary"], "Clean");
    desk.remove("flow.yaml");
    let fourth = desk.build(Some(&third)).await;
    assert_eq!(fourth.workflows().len(), 1, "its last good state");
    assert!(desk.codes(&fourth).contains(&"error workflow_stale things".to_owned()));
    // Not named any more, it is gone.
    things(&desk, &json!({"skills": ["a.json"]}), &[]);
    assert_eq!(desk.build(Some(&fourth)).await.workflows().len(), 0);
}

/// WF-3, W24, W25
#[tokio::test]
async fn steps_are_bound_by_id_place_and_source() {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    let steps = [
        ("operationId: listThings", "things:listThings"),
        ("operationPath: GET /things", "things:listThings"),
        ("operationPath: delete /things/{id}", "things:deleteThing"),
        ("operationPath: '#/paths/~1things/get'", "things:listThings"),
        ("operationId: $sourceDescriptions.near.listThings", "things:listThings"),
        ("operationPath: '{$sourceDescriptions.near.url}#/paths/~1things~1%7Bid%7D/delete'", "things:deleteThing"),
        ("operationId: $sourceDescriptions.rooms.listRooms", "rooms:listRooms"),
        ("operationId: $sourceDescriptions.far.listRooms", "rooms:listRooms"),
        ("operationId: listRooms", "rooms:listRooms"),
    ];
    let mut text = String::from(
        "arazzo: 1.0.0\ninfo: {title: t, version: '1'}\nsourceDescriptions:\n  - {name: near, url: ./things.yaml}\n  - {name: rooms, url: https://x.example/r.yaml}\n  - {name: far, url: rooms.yaml}\nworkflows:\n  - workflowId: empty\n    steps: []\n  - workflowId: w\n    steps:\n",
    );
    for (i, (call, _)) in steps.iter().enumerate() {
        text.push_str(&format!("      - stepId: s{i}\n        {call}\n"));
    }
    desk.write("flow.yaml", &text);
    desk.write("rooms.yaml", &THINGS.replace("listThings", "listRooms"));
    things(&desk, &json!({"workflows": ["flow.yaml"]}), &[("rooms", json!({"source": "rooms"}))]);
    let snapshot = desk.build(None).await;
    let found = workflows(&snapshot);
    assert_eq!(found[0], json!({"workflowId": "empty", "steps": []}), "W25: {:#?}", snapshot.diagnostics());
    for (i, (call, tool)) in steps.iter().enumerate() {
        assert_eq!(found[1]["steps"][i], json!({"stepId": format!("s{i}"), "toolId": tool}), "{call}");
    }
}

/// WF-5, deviation 6
#[tokio::test]
async fn a_workflow_that_can_not_be_bound_is_told_and_left_out_alone() {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    let document = |call: &str| {
        format!(
            "arazzo: 1.1.0\ninfo: {{title: t, version: '1'}}\nsourceDescriptions:\n  - {{name: a, url: things.yaml}}\n  - {{name: events, url: e.yaml, type: asyncapi}}\n  - {{name: more, url: more.yaml, type: arazzo}}\nworkflows:\n  - workflowId: sound\n    steps: [{{stepId: x, operationId: listThings}}]\n  - workflowId: w\n    steps: [{{stepId: x, {call}}}]\n  - workflowId: needs\n    steps: [{{stepId: x, workflowId: w}}]\n"
        )
    };
    things(&desk, &json!({"workflows": ["flow.yaml"]}), &[]);
    for (call, expected) in [
        ("operationId: nope", "references operationId \"nope\", and no matching tool exists"),
        ("operationPath: 'PUT /things'", "references operationPath \"PUT /things\", and no matching tool exists"),
        (
            "operationPath: '#/paths/~1none/get'",
            "references operationPath \"#/paths/~1none/get\", and no matching",
        ),
        ("operationPath: odd", "references operationPath \"odd\", and no matching tool exists"),
        ("operationId: $sourceDescriptions.other.x", "and its source \"other\" is no service of this catalog"),
        ("operationId: $sourceDescriptions.events.x", "and its source \"events\" is no service of this catalog"),
        ("operationId: x, action: send", "sends or receives messages (AsyncAPI)"),
        ("workflowId: $sourceDescriptions.more.x", "references workflow \"x\" of the source \"more\""),
    ] {
        desk.write("flow.yaml", &document(call));
        let snapshot = desk.build(None).await;
        let ids: Vec<&str> = snapshot.workflows().iter().map(|workflow| workflow.id()).collect();
        assert_eq!(ids, ["sound"], "{call}");
        let told = snapshot.diagnostics().iter().find(|d| d.message.contains(expected));
        let told = told.unwrap_or_else(|| panic!("{call}: {:#?}", snapshot.diagnostics()));
        assert!(told.message.starts_with("workflow \"w\" step \"x\""), "{told:?}");
        assert!(told.pointer.ends_with("flow.yaml#/workflows/1/steps/0"), "{told:?}");
        assert!(snapshot.diagnostics().iter().any(|d| d.message.starts_with("workflow \"needs\" is left out")));
    }
}

/// W26, deviation 9
#[tokio::test]
async fn an_id_is_there_once_and_operators_go_before_publishers() {
    let desk = Desk::new();
    let site = Site::start();
    let published = FLOW.replace("Tidy up", "Published").replace(
        "workflowId: tidy",
        "workflowId: tidy\n  - {workflowId: extra, steps: []}\n  - workflowId: second",
    );
    site.set("/", 200, &["Link: </api.yaml>; rel=\"service-desc\", </meta>; rel=\"service-meta\""], "");
    site.linkset("/meta", r#"{"linkset":[{"href":"flow.yaml","rel":"https://open-cli.dev/rel/workflows"},{"href":"skill.json","rel":"https://open-cli.dev/rel/skill-manifest"}]}"#);
    site.ok("/api.yaml", THINGS);
    site.ok(
        "/flow.yaml",
        &published.replace("second\n", "tidy\n").replace(
            "workflowId: tidy\n  - {workflowId: extra",
            "workflowId: other\n    steps: []\n  - {workflowId: extra",
        ),
    );
    site.ok("/skill.json", SKILL);
    desk.write("own.json", r#"{"toolGuidance":{"things:listThings":{"whenToUse":["Ours"]}}}"#);
    desk.write("own.yaml", FLOW);
    desk.write("rooms.yaml", THINGS);
    desk.config(json!({"sources": {"s": {"type": "serviceRoot", "uri": site.url("/")}, "r": {"type": "openapi", "uri": "rooms.yaml"}},
        "services": {"things": {"source": "s", "skills": ["own.json"], "workflows": ["own.yaml"]},
            "rooms": {"source": "r", "workflows": ["own.yaml"]}}}));
    let snapshot = desk.build(None).await;
    let listed = workflows(&snapshot);
    let ids: Vec<&str> =
        listed.as_array().expect("list").iter().filter_map(|w| w["workflowId"].as_str()).collect();
    assert_eq!(ids, ["tidy", "other", "extra", "things:tidy"], "{:#?}", snapshot.diagnostics());
    assert_eq!(
        snapshot.workflow("tidy").expect("one").calls(),
        snapshot.workflow("rooms:tidy").expect("one").calls()
    );
    assert_eq!(listed[3]["steps"][0]["toolId"], "things:listThings");
    assert!(message(&snapshot, "workflow_renamed").contains("is called \"things:tidy\""));
    assert!(message(&snapshot, "workflow_overridden").contains("own.yaml"));
    let tool = snapshot.tool("things:listThings").expect("tool").whole().expect("read");
    assert_eq!(tool.guidance.as_ref().expect("guidance").when_to_use, ["Ours"]);
    let fetched: Vec<String> =
        snapshot.sources()[1].provenance.fetches.iter().map(|f| f.url.replace(&site.base, "")).collect();
    assert_eq!(fetched, ["/", "/meta", "/api.yaml", "/skill.json", "/flow.yaml"], "PROV-4");
    // What is published may call its own service only.
    site.ok(
        "/flow.yaml",
        &FLOW
            .replace("name: api,", "name: rooms,")
            .replace("url: https://elsewhere.example/things.yaml", "url: x")
            .replace("Descriptions.api", "Descriptions.rooms")
            .replace("tidy", "sly"),
    );
    let refreshed = desk.refresh(&snapshot).await;
    let sly = refreshed.workflow("sly").expect("bound to its own service");
    assert!(sly.calls().iter().zip(["things:listThings", "things:deleteThing"]).all(|(called, id)| {
        matches!(called, open_cli_catalog::Called::Tool(place) if refreshed.tool_at(*place).is_some_and(|t| t.id() == id))
    }));
}

#[tokio::test]
async fn slices_have_the_workflows_that_are_asked_for() {
    let desk = Desk::new();
    desk.write("things.yaml", THINGS);
    desk.write("flow.yaml", FLOW);
    things(&desk, &json!({"workflows": ["flow.yaml"]}), &[("rooms", json!({"source": "s"}))]);
    desk.write("rooms.yaml", THINGS);
    let snapshot = desk.build(None).await;
    let none = answer(&snapshot, &Slice { is_slice: true, ..Slice::default() });
    assert_eq!(none["catalog"].get("workflows"), None);
    let listed = answer(&snapshot, &slice("*"));
    let details = &listed["catalog"]["workflows"][0]["details"];
    assert_eq!((&details["summary"], details.get("inputs")), (&json!("Tidy up"), None));
    let one = answer(&snapshot, &slice("things:tidy"));
    let details = &one["catalog"]["workflows"][0]["details"];
    assert_eq!(details["inputs"]["properties"]["id"]["type"], "string");
    assert_eq!(
        details["steps"][1]["parameters"][0],
        json!({"name": "id", "in": "path", "value": "$steps.list.outputs.first"})
    );
    assert_eq!(one["catalog"]["services"].as_array().expect("list").len(), 1);
    let elsewhere = answer(&snapshot, &Slice { service: "rooms".into(), ..slice("*") });
    assert_eq!(elsewhere["catalog"].get("workflows"), None);
    // Who may not see a tool may not see what calls it.
    desk.config(json!({"sources": {"s": {"type": "openapi", "uri": "things.yaml"}},
        "services": {"things": {"source": "s", "workflows": ["flow.yaml"]}},
        "curation": {"toolSets": {"few": {"allow": ["things:listThings"]}}},
        "agents": {"profiles": {"agent": {"mode": "curated", "toolSet": "few"}}}}));
    let snapshot = desk.build(None).await;
    let seen = |profile: &str| {
        let answer = snapshot.answer(None, profile, &slice("*")).expect("answer");
        let answer: Value = serde_json::from_slice(&answer.pieces.concat()).expect("JSON");
        answer["catalog"]["workflows"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((seen(""), seen("agent")), (1, 0));
}
