//! The main job: list, explain and call tools of a real API, refuse what needs an approval, and see what happened.

use open_cli_e2e::{OrdersApi, Sandbox, wait_until};
use serde_json::{Value, json};

/// client §16, the operator acceptance scenario, over HTTP.
#[test]
fn the_acceptance_scenario_of_the_contract() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    assert!(catalog["catalog"]["tools"].as_array().expect("tools").len() >= 4);

    let list = toolbox.execute(&json!({"toolId": "orders:listOrders"})).json();
    assert_eq!(list["statusCode"], 200, "{list}");
    let order =
        json!({"customerId": "cus_1", "items": [{"sku": "tea-green-100", "quantity": 2, "unitPriceCents": 450}]});
    let encoded = base64(&order.to_string());
    let created = toolbox.execute(&json!({"toolId": "orders:createOrder", "body": encoded})).json();
    assert_eq!(created["statusCode"], 201, "{created}");
    let id = created["body"]["id"].as_str().expect("id").to_owned();
    let read = toolbox.execute(&json!({"toolId": "orders:getOrder", "pathArgs": [id]})).json();
    assert_eq!((&read["statusCode"], &read["body"]["id"]), (&json!(200), &json!(id)));
    let change = base64(&json!({"note": "ring twice"}).to_string());
    let updated =
        toolbox.execute(&json!({"toolId": "orders:updateOrder", "pathArgs": [id], "body": change})).json();
    assert_eq!(updated["statusCode"], 200, "{updated}");
    let call = json!({"toolId": "orders:deleteOrder", "pathArgs": [id], "approval": true});
    let deleted = toolbox.execute(&call).json();
    assert_eq!(deleted, json!({"statusCode": 204}));
    let gone = toolbox.execute(&json!({"toolId": "orders:getOrder", "pathArgs": [id]}));
    assert_eq!((gone.status, &gone.json()["statusCode"]), (200, &json!(404)));

    let audit = toolbox.audit();
    assert_eq!(audit.len(), 6, "{audit:?}");
    assert!(audit.iter().all(|event| event["decision"] == "allowed"));
    assert_eq!(audit[1]["authScheme"], "apiKey");
    assert_eq!(audit[5]["statusCode"], 404);
}

#[test]
fn a_person_lists_explains_calls_is_refused_approves_and_looks_back() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);

    let listed = toolbox.cli(&["catalog", "list", "--format", "table"]).ok();
    for word in ["SERVICE", "orders", "delete", "DELETE", "List orders"] {
        assert!(listed.contains(word), "{word} in\n{listed}");
    }
    let explained = toolbox.cli(&["explain", "orders", "delete", "--format", "json"]).json();
    assert_eq!(
        (&explained["toolId"], &explained["approvalRequired"]),
        (&json!("orders:deleteOrder"), &json!(true))
    );
    let schema = toolbox.cli(&["tool", "schema", "orders:createOrder", "--format=json"]).json();
    assert_eq!(schema["requestBody"]["required"], true);

    let body =
        json!({"customerId": "cus_1", "items": [{"sku": "tea-green-100", "quantity": 1, "unitPriceCents": 450}]})
            .to_string();
    let created = toolbox.cli(&["orders", "create", "--body", "-"]).input(&body).json();
    let id = created["id"].as_str().expect("id");
    let file = sandbox.write("change.json", "{\"note\":\"from a file\"}");
    let at_file = format!("@{}", file.display());
    let changed = toolbox.cli(&["orders", "update", id, "--body", &at_file]).json();
    assert_eq!(changed["note"], "from a file");

    let refused = toolbox.cli(&["orders", "delete", id]).run();
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.err.contains("approval_required") && refused.err.contains("--approval"), "{}", refused.err);
    let request_id = refused
        .err
        .lines()
        .find_map(|line| line.trim().strip_prefix("Request:"))
        .expect("the error names its request")
        .trim()
        .to_owned();
    assert!(toolbox.cli(&["orders", "get", id]).run().code == 0, "still there");
    let approved = toolbox.cli(&["orders", "delete", id, "--approval"]).run();
    assert_eq!(approved.code, 0, "{approved:?}");
    // Deviation 12.
    assert_eq!(toolbox.cli(&["orders", "get", id]).run().code, 4);
    assert_eq!(toolbox.cli(&["orders", "get", id, "--no-fail"]).run().code, 0);

    let trail = toolbox.cli(&["audit", "list", "--format", "json"]).json();
    let decisions: Vec<&str> =
        trail.as_array().expect("array").iter().filter_map(|e| e["decision"].as_str()).collect();
    assert_eq!(trail[0]["eventType"], "runtime_start");
    assert_eq!(decisions[1..], ["allowed", "allowed", "denied", "allowed", "allowed", "allowed", "allowed"]);
    assert_eq!(trail[3]["requestId"], json!(request_id));
    let trace = toolbox.cli(&["trace", &request_id]).ok();
    assert!(trace.contains("runtime.tools.execute"), "{trace}");
    let last = toolbox.cli(&["trace", "last", "--format", "json"]).json();
    let names: Vec<&str> =
        last["spans"].as_array().expect("spans").iter().filter_map(|s| s["name"].as_str()).collect();
    for name in ["runtime.tools.execute", "execution.http", "execution.attempt", "audit.append"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

/// Issue: request ids are the caller's or UUIDv7, echoed, audited, in every span, forwarded; the trace goes on.
#[test]
fn one_request_id_and_one_trace_lead_from_the_caller_to_the_upstream() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    toolbox.catalog();
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    let headers =
        [("content-type", "application/json"), ("x-request-id", "Order.42_a-b"), ("traceparent", &traceparent)];
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let reply = open_cli_e2e::request("POST", &url, &headers, br#"{"toolId":"orders:listOrders"}"#);
    assert_eq!((reply.status, reply.header("x-request-id")), (200, "Order.42_a-b"));
    assert_eq!(toolbox.audit()[0]["requestId"], "Order.42_a-b");
    assert_eq!(toolbox.audit()[0]["traceId"], trace_id);
    wait_until("the upstream logged the request id and trace", || {
        api.child.log().lines().any(|line| line.contains("Order.42_a-b") && line.contains(trace_id))
    });
    let trace = toolbox.get("/v1/traces/Order.42_a-b").json();
    let spans = trace["spans"].as_array().expect("spans");
    assert!(spans.len() >= 4);
    assert!(spans.iter().all(|span| span["traceId"] == trace_id));
    assert!(spans.iter().all(|span| span["attributes"]["requestId"] == "Order.42_a-b"));
    let root = spans.iter().find(|span| span["name"] == "runtime.tools.execute").expect("root");
    assert_eq!(root["parentSpanId"], "00f067aa0ba902b7");

    // An id that is not harmless is replaced by a UUIDv7.
    let reply = open_cli_e2e::request("GET", &format!("{}/healthz", toolbox.url), &[("x-request-id", "a b")], &[]);
    let id = reply.header("x-request-id");
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");
}

/// Deviation 4.
#[test]
fn errors_are_problems_for_json_and_plain_text_otherwise() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let reply = toolbox.execute(&json!({"toolId": "orders:nothing"}));
    assert_eq!((reply.status, reply.header("content-type")), (404, "application/problem+json"));
    let problem = reply.json();
    assert_eq!(
        (&problem["code"], &problem["type"]),
        (&json!("tool_not_found"), &json!("urn:open-cli:error:tool_not_found"))
    );
    assert_eq!(problem["requestId"], reply.header("x-request-id"));
    assert_eq!(problem["toolId"], "orders:nothing");
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let headers = [("content-type", "application/json"), ("accept", "*/*")];
    let reply = open_cli_e2e::request("POST", &url, &headers, br#"{"toolId":"orders:nothing"}"#);
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.body.split_whitespace().next(), Some("tool_not_found"));
}

/// Catalog revalidation, slices, HEAD and method checks.
#[test]
fn the_catalog_is_revalidated_sliced_and_guarded() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let url = format!("{}/v1/catalog/effective", toolbox.url);
    let whole = toolbox.get("/v1/catalog/effective");
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"'));
    let again = open_cli_e2e::request("GET", &url, &[("if-none-match", &tag)], &[]);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let catalog = whole.json();
    assert_eq!(catalog["catalog"]["tools"], catalog["view"]["tools"]);
    assert_eq!(catalog["catalog"]["effectiveViews"][0]["tools"], catalog["view"]["tools"]);

    let slice = toolbox.get("/v1/catalog/effective?shape=slice&detail=full&words=orders+get+ord-1").json();
    assert_eq!(slice["catalog"]["tools"], json!([]));
    assert_eq!(ids(&slice), ["orders:getOrder"]);
    assert!(slice["view"]["tools"][0]["details"]["parameters"][0]["schema"].is_object());
    // The reference's names still find the tool.
    assert_eq!(
        ids(&toolbox.get("/v1/catalog/effective?shape=slice&words=orders+list").json()),
        ["orders:listOrders"]
    );
    assert_eq!(ids(&toolbox.get("/v1/catalog/effective?shape=slice&words=nothing").json()), [""; 0]);
    assert!(ids(&toolbox.get("/v1/catalog/effective?shape=slice&words=orders").json()).len() > 8);

    let reply = open_cli_e2e::request("GET", &format!("{}/v1/runtime/stop", toolbox.url), &[], &[]);
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"), "W-7: a GET does not stop the runtime");
    assert_eq!(toolbox.get("/v1/nothing").status, 404);
    let reply = open_cli_e2e::request("GET", &url, &[("origin", "https://evil.example")], &[]);
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("origin_denied")));
    assert_eq!(toolbox.get("/v1/catalog/effective?mode=nonsense").status, 400);
    assert_eq!(toolbox.get("/v1/catalog/effective?config=/etc/passwd").json()["code"], "runtime_attach_mismatch");
}

fn ids(catalog: &Value) -> Vec<&str> {
    catalog["view"]["tools"].as_array().expect("tools").iter().filter_map(|tool| tool["id"].as_str()).collect()
}

#[test]
fn refresh_reports_each_source_and_policy_edits_count_at_once() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    toolbox.catalog();
    let report = open_cli_e2e::post(&format!("{}/v1/refresh", toolbox.url), &json!({})).json();
    assert_eq!(report["sources"][0]["id"], "ordersSource");
    // REF-4: the API answers with a validator, so the refetch is a revalidation.
    assert_eq!(report["sources"][0]["cacheOutcome"], "revalidated_hit", "{report}");
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 200);
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.config()).expect("read")).expect("json");
    config["policy"] = json!({"deny": ["orders:list*"]});
    sandbox.write_config(&config);
    // LOAD-1: an edit is seen by the next request.
    let reply = toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("policy_deny")));
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let symbol = char::from(ALPHABET[(bits >> (18 - 6 * i)) as usize & 63]);
            out.push(if i <= chunk.len() { symbol } else { '=' });
        }
    }
    out
}
