//! Skills and workflows from end to end: guidance for people and agents, workflows bound, shown and planned.

use open_cli_e2e::{OrdersApi, Sandbox, post, wait_until};
use serde_json::{Value, json};

const SKILL: &str = r#"{"oasCliSkill":"1.0.0","serviceId":"orders","toolGuidance":{"orders:listOrders":{
    "whenToUse":["You want an overview of what customers ordered."],"avoidWhen":["You know the id of the order."],
    "examples":[{"goal":"See what waits","command":"open-cli orders list --status pending"}]}}}"#;

/// Names its source by another address than the configuration has.
const FLOW: &str = r"
arazzo: 1.1.0
info: {title: Orders, version: '1'}
sourceDescriptions: [{name: api, url: https://elsewhere.example/openapi.json, type: openapi}]
workflows:
  - workflowId: first-order
    summary: Look at the first order
    inputs: {type: object, properties: {status: {type: string, description: Which orders}}}
    steps:
      - stepId: list
        operationId: $sourceDescriptions.api.listOrders
        parameters: [{name: status, in: query, value: $inputs.status}]
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {id: $response.body#/items/0/id}
      - stepId: show
        operationPath: '{$sourceDescriptions.api.url}#/paths/~1orders~1{orderId}/get'
        parameters: [{name: orderId, in: path, value: $steps.list.outputs.id}]
        outputs: {order: $response.body}
    outputs: {order: $steps.show.outputs.order}
  - workflowId: look-and-cancel
    steps:
      - {stepId: look, workflowId: first-order}
      - stepId: cancel
        operationId: cancelOrder
        parameters: [{name: orderId, in: path, value: $steps.look.outputs.order#/id}]
";

fn config(sandbox: &Sandbox, api: &OrdersApi, more: &Value) {
    let mut config = json!({"cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"s": {"type": "openapi", "uri": format!("{}/openapi.json", api.url)}},
        "services": {"orders": {"source": "s", "skills": ["orders.skill.json"], "workflows": ["orders.arazzo.yaml"]}},
        "secrets": {"orders.apiKey": {"type": "env", "value": "ORDERS_API_KEY"}}});
    config.as_object_mut().expect("object").append(&mut more.as_object().expect("object").clone());
    sandbox.write_config(&config);
}

fn sandbox(api: &OrdersApi) -> Sandbox {
    let sandbox = Sandbox::new().with_variable("ORDERS_API_KEY", OrdersApi::KEY);
    sandbox.write("orders.skill.json", SKILL);
    sandbox.write("orders.arazzo.yaml", FLOW);
    config(&sandbox, api, &json!({}));
    sandbox
}

#[test]
fn guidance_shows_wherever_a_tool_is_looked_at_and_an_edit_is_seen() {
    let api = OrdersApi::start();
    let sandbox = sandbox(&api);
    let toolbox = sandbox.toolbox(&[]);
    for words in [
        &["orders", "list", "--help"][..],
        &["explain", "orders:listOrders"],
        &["tool", "schema", "orders", "list"],
    ] {
        let table = [words, &["--format", "table"]].concat();
        let said = toolbox.cli(&table).run();
        for part in
            ["Use it when", "overview of what", "Do not use it when", "# See what waits", "--status pending"]
        {
            assert!(said.out.contains(part), "{words:?} {part}: {said:?}");
        }
    }
    let schema = toolbox.cli(&["tool", "schema", "orders:getOrder"]).json();
    let answers = schema["details"]["responses"].as_array().expect("answers");
    assert!(answers.iter().any(|answer| answer["status"] == "200"), "{schema}");
    let explained = toolbox.cli(&["explain", "orders:listOrders"]).json();
    assert_eq!(explained["guidance"]["examples"][0]["goal"], "See what waits");
    sandbox.write("orders.skill.json", &SKILL.replace("overview", "summary"));
    wait_until("the edit is seen", || {
        toolbox.cli(&["orders", "list", "--help"]).run().out.contains("summary of what")
    });
    // Broken, it costs nothing.
    sandbox.write("orders.skill.json", "[");
    wait_until("the fault is told", || {
        toolbox.cli(&["status", "--format", "json"]).run().out.contains("skill_stale")
    });
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0);
}

#[test]
fn workflows_are_listed_shown_and_planned_and_a_plan_is_on_record() {
    let api = OrdersApi::start();
    let sandbox = sandbox(&api);
    let toolbox = sandbox.toolbox(&[]);
    let listed = toolbox.cli(&["workflow", "list"]).json();
    assert_eq!(listed["workflows"][0]["steps"][1], json!({"stepId": "show", "toolId": "orders:getOrder"}));
    let table = toolbox.cli(&["workflow", "list", "--format", "table"]).run().out;
    assert!(table.contains("Look at the first order") && table.contains("look-and-cancel"), "{table}");
    let shown = toolbox.cli(&["workflow", "show", "first-order", "--format", "table"]).run().out;
    for part in
        ["status <string>  Which orders", "1. list  orders:listOrders", "succeeds when  $statusCode == 200"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let missing = toolbox.cli(&["workflow", "show", "first-ordr"]).run();
    assert!(missing.code == 2 && missing.err.contains("`first-order`"), "{missing:?}");

    let plan = toolbox.cli(&["workflow", "run", "look-and-cancel", "--plan"]).json();
    assert_eq!((&plan["workflowId"], &plan["steps"]), (&json!("look-and-cancel"), &json!(["look", "cancel"])));
    let calls: Vec<&str> =
        plan["plan"].as_array().expect("list").iter().filter_map(|s| s["toolId"].as_str()).collect();
    assert_eq!(calls, ["", "orders:cancelOrder", "orders:listOrders", "orders:getOrder"]);

    // What the policy refuses decides, with the step; nothing is called.
    config(&sandbox, &api, &json!({"policy": {"deny": ["orders:get*"], "approvalRequired": ["orders:cancel*"]}}));
    wait_until("the policy is in force", || {
        toolbox.cli(&["workflow", "run", "first-order", "--plan"]).run().code != 0
    });
    let run = |body: Value| post(&format!("{}/v1/workflows/run", toolbox.url), &body);
    let refused = run(json!({"workflowId": "first-order", "plan": true}));
    let problem = refused.json();
    assert_eq!((refused.status, &problem["code"]), (403, &json!("policy_deny")), "{problem}");
    assert_eq!((&problem["stepId"], &problem["toolId"]), (&json!("show"), &json!("orders:getOrder")));
    assert_eq!(run(json!({"workflowId": "look-and-cancel", "plan": true})).json()["code"], "approval_required");
    assert_eq!(
        run(json!({"workflowId": "look-and-cancel", "plan": true, "approval": true})).json()["stepId"],
        "show"
    );
    assert_eq!(run(json!({"workflowId": "nope", "plan": true})).json()["code"], "workflow_not_found");
    assert_eq!(run(json!([])).status, 400);
    let audit = toolbox.audit();
    let about: Vec<String> = audit
        .iter()
        .filter(|event| event["workflowId"].is_string())
        .map(|event| {
            format!(
                "{} {} {} {}",
                text(event, "eventType"),
                text(event, "reasonCode"),
                text(event, "workflowId"),
                text(event, "stepId")
            )
        })
        .collect();
    assert_eq!(about[0], "workflow_plan workflow_plan look-and-cancel ");
    for expected in [
        "authz_denial policy_deny first-order show",
        "authz_denial approval_required look-and-cancel cancel",
        "execution_error execution_error nope ",
    ] {
        assert!(about.iter().any(|line| line == expected), "{expected}: {about:#?}");
    }
}

fn text<'a>(event: &'a Value, member: &str) -> &'a str {
    event[member].as_str().unwrap_or_default()
}
