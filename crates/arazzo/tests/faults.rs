//! What is wrong with a document is told with its place, and costs the workflow that has it and no other.

use open_cli_arazzo::{ArazzoError, Call, Description, OperationRef};
use serde_json::{Value, json};

fn read(document: &Value) -> Description {
    Description::parse(document.to_string().as_bytes()).expect("a document of workflows")
}

/// A document with this as its first workflow, and a sound one beside it.
fn beside(workflow: Value) -> Value {
    json!({"arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.yaml", "type": "openapi"}],
        "components": {"parameters": {"page": {"name": "page", "in": "query", "value": 1}},
            "failureActions": {"again": {"name": "again", "type": "retry", "retryAfter": 0.5, "retryLimit": 3}}},
        "workflows": [workflow, {"workflowId": "sound", "steps": [{"stepId": "s", "operationId": "op"}]}]})
}

/// A workflow of one step with these members.
fn step(members: Value) -> Value {
    let mut step = json!({"stepId": "a", "operationId": "op"});
    members.as_object().expect("object").iter().for_each(|(name, value)| {
        if value.is_null() {
            step.as_object_mut().expect("object").remove(name);
        } else {
            step[name] = value.clone();
        }
    });
    json!({"workflowId": "w", "steps": [step]})
}

fn told(description: &Description) -> Vec<String> {
    let code = |code: &str| code.trim_start_matches("workflow_").to_owned();
    description.diagnostics.iter().map(|d| format!("{:?} {} {}", d.severity, code(&d.code), d.pointer)).collect()
}

#[test]
fn a_broken_workflow_is_left_out_and_the_others_work() {
    for (workflow, pointer) in [
        (json!(7), "/workflows/0"),
        (json!({"steps": []}), "/workflows/0"),
        (json!({"workflowId": "w", "steps": {}}), "/workflows/0/steps"),
        (json!({"workflowId": "w", "steps": ["a"]}), "/workflows/0/steps/0"),
        (json!({"workflowId": "w", "inputs": [], "steps": []}), "/workflows/0/inputs"),
        (json!({"workflowId": "w", "dependsOn": ["none"], "steps": []}), "/workflows/0"),
        (json!({"workflowId": "w", "dependsOn": ["w"], "steps": []}), "/workflows/0"),
        (json!({"workflowId": "w", "outputs": {"a": 1}, "steps": []}), "/workflows/0/outputs/a"),
        (step(json!({"stepId": null})), "/workflows/0/steps/0"),
        (step(json!({"operationId": null})), "/workflows/0/steps/0"),
        (step(json!({"operationId": ["op"]})), "/workflows/0/steps/0/operationId"),
        (step(json!({"workflowId": "sound"})), "/workflows/0/steps/0"),
        (step(json!({"operationId": null, "workflowId": "none"})), "/workflows/0/steps/0"),
        (step(json!({"operationId": "$inputs.a"})), "/workflows/0/steps/0/operationId"),
        (step(json!({"parameters": [{"name": "q", "value": 1}]})), "/workflows/0/steps/0/parameters/0"),
        (
            step(json!({"parameters": [{"name": "q", "in": "body", "value": 1}]})),
            "/workflows/0/steps/0/parameters/0/in",
        ),
        (step(json!({"parameters": [{"name": "q", "in": "query"}]})), "/workflows/0/steps/0/parameters/0"),
        (
            step(json!({"parameters": [{"name": "q", "in": "query", "value": "$steps.a"}]})),
            "/workflows/0/steps/0/parameters/0/value",
        ),
        (
            step(json!({"parameters": [{"reference": "$components.parameters.none"}]})),
            "/workflows/0/steps/0/parameters/0/reference",
        ),
        (
            step(json!({"onFailure": [{"reference": "$components.parameters.page"}]})),
            "/workflows/0/steps/0/onFailure/0/reference",
        ),
        (step(json!({"requestBody": []})), "/workflows/0/steps/0/requestBody"),
        (
            step(json!({"requestBody": {"replacements": [{"target": "/a"}]}})),
            "/workflows/0/steps/0/requestBody/replacements/0",
        ),
        (step(json!({"successCriteria": [{"type": "regex"}]})), "/workflows/0/steps/0/successCriteria/0"),
        (
            step(json!({"successCriteria": [{"condition": "a", "type": "regex"}]})),
            "/workflows/0/steps/0/successCriteria/0",
        ),
        (
            step(json!({"successCriteria": [{"condition": "a", "context": "$url", "type": "jmespath"}]})),
            "/workflows/0/steps/0/successCriteria/0/type",
        ),
        (step(json!({"onSuccess": [{"name": "x", "type": "retry"}]})), "/workflows/0/steps/0/onSuccess/0/type"),
        (step(json!({"onSuccess": [{"name": "x", "type": "goto"}]})), "/workflows/0/steps/0/onSuccess/0"),
        (
            step(json!({"onSuccess": [{"name": "x", "type": "goto", "stepId": "none"}]})),
            "/workflows/0/steps/0/onSuccess/0",
        ),
        (
            step(json!({"onFailure": [{"name": "x", "type": "goto", "stepId": "a", "workflowId": "sound"}]})),
            "/workflows/0/steps/0/onFailure/0",
        ),
        (
            step(json!({"onFailure": [{"name": "x", "type": "retry", "retryAfter": -1}]})),
            "/workflows/0/steps/0/onFailure/0/retryAfter",
        ),
        (
            step(json!({"onFailure": [{"name": "x", "type": "retry", "retryLimit": 1.5}]})),
            "/workflows/0/steps/0/onFailure/0/retryLimit",
        ),
        (step(json!({"timeout": "1s"})), "/workflows/0/steps/0/timeout"),
        (step(json!({"dependsOn": ["none"]})), "/workflows/0/steps/0"),
        (step(json!({"dependsOn": ["a"]})), "/workflows/0/steps/0"),
    ] {
        let description = read(&beside(workflow.clone()));
        let ids: Vec<&str> = description.workflows.iter().map(|workflow| workflow.id.as_str()).collect();
        assert_eq!(ids, ["sound"], "{workflow}: {:?}", description.diagnostics);
        let first = description.diagnostics.iter().find(|d| d.severity.is_error()).expect("an error");
        assert_eq!(first.pointer, pointer, "{workflow}: {first:?}");
    }
}

#[test]
fn what_the_reference_does_without_is_a_warning() {
    for (document, expected) in [
        (
            json!({"workflows": [{"workflowId": "w", "steps": [{"stepId": "a", "operationId": "op"}]}]}),
            &["Warning version ", "Warning field_invalid ", "Warning field_invalid "][..],
        ),
        (json!(null), &["Warning version ", "Warning field_invalid ", "Warning empty ", "Warning field_invalid "]),
        (
            json!({"arazzo": 1.0, "workflows": [{"workflowId": "w", "steps": []}]}),
            &[
                "Warning version /arazzo",
                "Warning field_invalid ",
                "Warning empty /workflows/0",
                "Warning field_invalid ",
            ],
        ),
    ] {
        assert_eq!(told(&read(&document)), expected, "{document}");
    }
    let misspelled = read(&beside(step(json!({"Description": "x", "x-own": 1, "why": 2}))));
    assert_eq!(misspelled.workflows.len(), 2);
    assert_eq!(misspelled.diagnostics[0].hint, "names are case-sensitive: write \"description\"");
    assert_eq!(misspelled.diagnostics.len(), 2);
}

#[test]
fn what_is_no_document_of_workflows_is_refused() {
    for (json, expected) in [
        ("[]", ArazzoError::NotAnObject { found: "a list" }),
        (r#"{"openapi":"3.1.0"}"#, ArazzoError::NotArazzo { member: "openapi", what: "an OpenAPI description" }),
        (r#"{"arazzo":"2.0.0"}"#, ArazzoError::Version { version: "\"2.0.0\"".into() }),
        (r#"{"arazzo":2}"#, ArazzoError::Version { version: "\"2\"".into() }),
        (r#"{"arazzo":"1.0.0","workflows":{}}"#, ArazzoError::Workflows { found: "an object" }),
    ] {
        assert_eq!(Description::parse(json.as_bytes()).expect_err(json), expected, "{json}");
    }
    assert!(matches!(Description::parse(b"{"), Err(ArazzoError::Json(_))));
}

/// W26
#[test]
fn the_first_of_two_workflows_with_one_id_counts() {
    let mut document = beside(json!({"workflowId": "sound", "summary": "first", "steps": []}));
    document["workflows"][1]["summary"] = json!("second");
    let description = read(&document);
    assert_eq!(description.workflows.len(), 1);
    assert_eq!(description.workflows[0].summary, "first");
    assert!(told(&description).contains(&"Error duplicate /workflows/1".to_owned()));
}

#[test]
fn workflows_that_need_a_broken_one_are_left_out_too() {
    let mut document = beside(step(json!({"operationId": null})));
    document["workflows"].as_array_mut().expect("list").extend([
        json!({"workflowId": "x", "steps": [{"stepId": "a", "workflowId": "w"}]}),
        json!({"workflowId": "y", "dependsOn": ["x"], "steps": []}),
        json!({"workflowId": "z", "steps": [{"stepId": "a", "operationId": "op",
            "onSuccess": [{"name": "n", "type": "goto", "workflowId": "y"}]}]}),
    ]);
    let description = read(&document);
    assert_eq!(description.workflows.iter().map(|w| w.id.as_str()).collect::<Vec<_>>(), ["sound"]);
}

#[test]
fn steps_are_put_in_an_order_that_fits_what_they_depend_on() {
    let step = |id: &str, needs: &[&str]| match needs {
        [] => json!({"stepId": id, "operationId": "op"}),
        needs => json!({"stepId": id, "operationId": "op", "dependsOn": needs}),
    };
    let steps = [step("a", &["c"]), step("b", &[]), step("c", &["b"]), step("d", &[])];
    let description = read(&beside(json!({"workflowId": "w", "steps": steps})));
    let workflow = description.workflow("w").expect("sound");
    let order: Vec<&str> = workflow.order.iter().map(|place| workflow.steps[*place].id.as_str()).collect();
    assert_eq!(order, ["b", "c", "a", "d"]);
}

#[test]
fn what_a_workflow_says_for_all_steps_is_overridden_by_name_and_place() {
    let workflow = json!({"workflowId": "w",
        "parameters": [{"name": "q", "in": "query", "value": "w"}, {"name": "q", "in": "header", "value": "w"}, {"reference": "$components.parameters.page", "value": 7}],
        "failureActions": [{"reference": "$components.failureActions.again"}, {"name": "stop", "type": "end"}],
        "steps": [{"stepId": "a", "operationId": "$sourceDescriptions.api.list.all",
            "parameters": [{"name": "q", "in": "query", "value": "s"}],
            "onFailure": [{"name": "stop", "type": "goto", "stepId": "a"}]}]});
    let description = read(&beside(workflow));
    assert_eq!(told(&description), [""; 0]);
    let step = description.workflow("w").and_then(|w| w.step("a")).expect("sound");
    let shown: Vec<String> = step
        .parameters
        .iter()
        .map(|p| format!("{} {} {:?}", p.name, p.location.map_or("", |l| l.as_str()), p.value))
        .collect();
    assert_eq!(
        shown,
        [r#"q query Literal(String("s"))"#, r#"q header Literal(String("w"))"#, "page query Literal(Number(7))"]
    );
    let actions: Vec<String> = step.on_failure.iter().map(|a| format!("{} {:?}", a.name, a.kind)).collect();
    assert_eq!(actions[0], r#"stop Goto(Step("a"))"#);
    assert_eq!(actions[1], "again Retry { after: Some(500ms), limit: 3, via: None }");
    let id = OperationRef::Id { source: Some("api".into()), id: "list.all".into() };
    assert_eq!(step.call, Call::Operation(id));
}

/// Any damage gives a description or an error, in bounded time.
#[test]
fn mutated_documents_are_read_or_refused_and_never_more() {
    let whole = beside(json!({"workflowId": "w", "summary": "s", "inputs": {"$ref": "#/components/inputs/a"},
        "outputs": {"x": "$steps.a.outputs.o"},
        "steps": [{"stepId": "a", "operationPath": "{$sourceDescriptions.api.url}#/paths/~1a/get", "timeout": 100,
            "parameters": [{"name": "q", "in": "query", "value": "a{$inputs.x}b"}],
            "requestBody": {"payload": {"a": ["$inputs.b", {"context": "$inputs.c", "selector": "$.x", "type": "jsonpath"}]},
                "replacements": [{"target": "/a/0", "value": 1}]},
            "successCriteria": [{"condition": "$statusCode == 200 && ($response.body#/a != 'b' || !$inputs.x)"},
                {"context": "$response.body", "condition": "$[?@.a > {$inputs.x}]", "type": "jsonpath"},
                {"context": "$response.body", "condition": "^a{2}$", "type": {"type": "regex", "version": "x"}}],
            "onFailure": [{"reference": "$components.failureActions.again"}],
            "outputs": {"o": "$response.body.items[0].id"}}]}))
    .to_string();
    let mut random = fastrand::Rng::with_seed(7);
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(0..bytes.len());
            match random.u8(0..4) {
                0 => bytes[at] = random.u8(32..127),
                1 => drop(bytes.drain(at..(at + random.usize(0..9)).min(bytes.len()))),
                2 => {
                    let piece = bytes[at..(at + random.usize(0..20)).min(bytes.len())].to_vec();
                    let to = random.usize(0..bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => {
                    let scraps: [&[u8]; 8] = [b"$", b"{", b"}", b"#/", b"[0]", b"..", b"(", b"!"];
                    bytes.splice(at..at, scraps[random.usize(0..8)].iter().copied());
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        read += usize::from(Description::parse(&bytes).is_ok());
    }
    assert!(read > 1000, "{read}");
}
