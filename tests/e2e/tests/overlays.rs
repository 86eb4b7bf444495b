//! Overlays from end to end: new names for people, safety for agents, a preview for who writes them.

use open_cli_e2e::{OrdersApi, Sandbox, Site, wait_until};
use serde_json::{Value, json};

/// Names and safety in YAML, as an operator writes them.
const NAMES: &str = r#"
overlay: 1.1.0
info: {title: Names, version: "1"}
actions:
  - target: $.paths['/orders'].get
    update: {x-cli-name: ls}
  - target: $.paths['/orders'].get.parameters[?@.name=='status']
    update: {x-cli-name: state}
  - target: $.paths['/orders'].post
    update: {x-cli-safety: {requiresApproval: true}}
"#;

fn sandbox(api: &OrdersApi, overlays: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new().with_variable("ORDERS_API_KEY", OrdersApi::KEY);
    config(&sandbox, api, overlays);
    sandbox
}

fn config(sandbox: &Sandbox, api: &OrdersApi, overlays: &[&str]) {
    sandbox.write_config(&json!({"cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"s": {"type": "openapi", "uri": format!("{}/openapi.json", api.url)}},
        "services": {"orders": {"source": "s", "overlays": overlays}},
        "secrets": {"orders.apiKey": {"type": "env", "value": "ORDERS_API_KEY"}}}));
}

fn codes(catalog: &Value) -> Vec<String> {
    let all = catalog["catalog"]["diagnostics"].as_array().cloned().unwrap_or_default();
    all.iter().map(|d| d["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_overlay_renames_commands_and_asks_for_approvals_and_an_edit_is_seen() {
    let api = OrdersApi::start();
    let sandbox = sandbox(&api, &["names.yaml"]);
    sandbox.write("names.yaml", NAMES);
    let toolbox = sandbox.toolbox(&[]);
    let listed = toolbox.cli(&["orders", "ls", "--state", "pending"]).run();
    assert_eq!(listed.code, 0, "{listed:?}");
    assert_ne!(toolbox.cli(&["orders", "list"]).run().code, 0, "the old name is gone");
    let body =
        json!({"customerId": "cus_1", "items": [{"sku": "tea-green-100", "quantity": 1, "unitPriceCents": 1}]});
    let refused = toolbox.cli(&["orders", "create", "--body", "-"]).input(&body.to_string()).run();
    assert_eq!(refused.code, 6, "{refused:?}");
    let approved = toolbox.cli(&["orders", "create", "--approval", "--body", "-"]).input(&body.to_string()).run();
    assert_eq!(approved.code, 0, "{approved:?}");

    let revision = toolbox.catalog()["catalog"]["sourceFingerprint"].clone();
    sandbox.write("names.yaml", &NAMES.replace("x-cli-name: ls", "x-cli-name: every"));
    wait_until("the edit is in force", || toolbox.cli(&["orders", "every"]).run().code == 0);
    assert_ne!(toolbox.catalog()["catalog"]["sourceFingerprint"], revision);

    // Broken, the last good state stays; gone from the configuration, it is not applied any more.
    sandbox.write("names.yaml", "overlay: [");
    wait_until("the fault is told", || codes(&toolbox.catalog()).contains(&"service_stale".to_owned()));
    assert_eq!(toolbox.cli(&["orders", "every"]).run().code, 0);
    assert_eq!(toolbox.get("/readyz").status, 200);
    config(&sandbox, &api, &[]);
    wait_until("the description is served as it is", || toolbox.cli(&["orders", "list"]).run().code == 0);
}

/// Deviation 6: safety rules fail closed.
#[test]
fn a_service_is_never_served_without_its_overlay() {
    let api = OrdersApi::start();
    let sandbox = sandbox(&api, &["absent.yaml"]);
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    assert_eq!(codes(&catalog), ["file_unreadable", "source_failed"]);
    let call = toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!((call.status, &call.json()["code"]), (404, &json!("tool_not_found")));
    sandbox.write("absent.yaml", NAMES);
    wait_until("it is served with its overlay", || {
        toolbox.execute(&json!({"toolId": "orders:listOrders"})).status == 200
    });
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:createOrder", "body": ""})).status, 403);
    // A new overlay that is not there takes the service away at once.
    config(&sandbox, &api, &["absent.yaml", "other.yaml"]);
    wait_until("it is not served", || toolbox.execute(&json!({"toolId": "orders:listOrders"})).status == 404);
}

#[test]
fn a_remote_overlay_changes_with_a_refresh() {
    let (api, site) = (OrdersApi::start(), Site::new());
    site.set("/names.yaml", 200, &["Cache-Control: max-age=3600"], NAMES);
    let sandbox = sandbox(&api, &[&format!("{}/names.yaml", site.url)]);
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(toolbox.cli(&["orders", "ls"]).run().code, 0);
    let fetches = toolbox.catalog()["catalog"]["sources"][0]["provenance"]["fetches"].clone();
    assert_eq!(fetches[1]["url"], json!(format!("{}/names.yaml", site.url)), "{fetches}");
    site.set("/names.yaml", 200, &[], &NAMES.replace("x-cli-name: ls", "x-cli-name: all"));
    let reply = open_cli_e2e::request("POST", &format!("{}/v1/refresh", toolbox.url), &[], b"");
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(toolbox.cli(&["orders", "all"]).run().code, 0);
}

fn preview(sandbox: &Sandbox, args: &[&str]) -> (i32, String, String) {
    let mut command = sandbox.command("open-cli-toolbox");
    command.args(["overlay", "preview", "--config"]).arg(sandbox.config()).args(args);
    let output = command.output().expect("output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_preview_shows_actions_and_differences_and_check_fails_on_no_match() {
    let api = OrdersApi::start();
    let sandbox = sandbox(&api, &["names.yaml"]);
    sandbox.write("names.yaml", NAMES);
    let (code, out, err) = preview(&sandbox, &["--check"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for part in [
        "names.yaml  Names",
        "1  update  applied       1 match  $.paths['/orders'].get",
        "@@ /paths/~1orders/get/x-cli-name",
        "+ \"ls\"",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "no colour in a pipe");

    let odd = "overlay: 1.0.0\ninfo: {title: Odd, version: '1'}\nactions: [{target: $.nowhere, remove: true}]";
    sandbox.write("odd.yaml", odd);
    let (code, out, _) = preview(&sandbox, &["--overlay", "odd.yaml"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("no match") && out.contains("$.nowhere"), "{out}");
    let (code, out, _) =
        preview(&sandbox, &["--overlay", "odd.yaml", "--check", "--service", "orders", "--format", "json"]);
    assert_eq!(code, 1, "{out}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["ok"], false);
    let overlays = &report["services"][0]["overlays"];
    assert_eq!(overlays[0]["changes"][0]["kind"], "changed", "{report}");
    assert_eq!((&overlays[1]["actions"][0]["status"], &overlays[1]["changes"]), (&json!("noMatch"), &json!([])));
    assert_eq!(overlays[1]["diagnostics"][0]["code"], "overlay_no_match");

    sandbox.write("names.yaml", "overlay: 1.0.0\nactions: [{target: '$[', remove: true}]");
    assert_eq!(preview(&sandbox, &[]).0, 0);
    let (code, out, _) = preview(&sandbox, &["--check"]);
    assert!(code == 1 && out.contains("refused"), "{out}");
    config(&sandbox, &api, &["absent.yaml"]);
    let (code, out, _) = preview(&sandbox, &[]);
    assert!(code == 1 && out.contains("there is no file"), "{out}");
    assert_eq!(preview(&sandbox, &["--service", "nobody"]).0, 3);
    config(&sandbox, &api, &[]);
    assert_eq!(preview(&sandbox, &[]).0, 0);
}
