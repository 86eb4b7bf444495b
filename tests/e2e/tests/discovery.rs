//! Discovery from end to end: from the address of a publisher to a call, and our own catalog for others to find.

use open_cli_e2e::{OrdersApi, Sandbox, Site, get, request, wait_until};
use serde_json::{Value, json};

const LINKSET: &str = "application/linkset+json";

/// The description of the sample API, with absolute servers.
fn description(api: &OrdersApi) -> Value {
    let mut description = get(&format!("{}/openapi.json", api.url)).json();
    description["servers"] = json!([{"url": api.url}]);
    description
}

fn sandbox(kind: &str, uri: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write_config(&json!({"cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"hub": {"type": kind, "uri": uri, "network": {"allowAddresses": ["loopback"]}}}}));
    sandbox
}

fn ids(catalog: &Value) -> Vec<String> {
    let services = catalog["catalog"]["services"].as_array().expect("services");
    services.iter().map(|service| service["id"].as_str().expect("id").to_owned()).collect()
}

/// A publisher of two services, one with metadata.
fn publisher(api: &OrdersApi) -> Site {
    let site = Site::new();
    site.ok("/.well-known/api-catalog", LINKSET,
        r#"{"linkset":[{"anchor":"{base}/.well-known/api-catalog","item":[{"href":"{base}/orders"},{"href":"{base}/other"}]}]}"#);
    site.set("/orders", 200, &["Link: </orders.json>; rel=\"service-desc\", </meta>; rel=\"service-meta\""], "");
    site.ok(
        "/meta",
        LINKSET,
        r#"{"linkset":[{"href":"/names.yaml","rel":"https://open-cli.dev/rel/schema-overlay"},
            {"href":"/orders.skill.json","rel":"https://open-cli.dev/rel/skill-manifest"},
            {"href":"/orders.arazzo.yaml","rel":"https://open-cli.dev/rel/workflows"}]}"#,
    );
    // A publisher knows the service by a name of its own.
    site.ok(
        "/orders.skill.json",
        "application/json",
        r#"{"serviceId":"theirs","toolGuidance":{"theirs:listOrders":{"whenToUse":["Ask the publisher."]}}}"#,
    );
    site.ok("/orders.arazzo.yaml", "application/yaml",
        "arazzo: 1.0.1\ninfo: {title: w, version: '1'}\nsourceDescriptions: [{name: o, url: ./orders.json}]\nworkflows: [{workflowId: peek, steps: [{stepId: a, operationId: $sourceDescriptions.o.listOrders}]}]");
    site.ok("/names.yaml", "application/yaml",
        "overlay: 1.0.0\ninfo: {title: n, version: '1'}\nactions: [{target: \"$.paths['/orders'].get\", update: {x-cli-name: ls}}]");
    site.ok("/orders.json", "application/json", &description(api).to_string());
    site.ok("/other", "text/html", "<html><head><link rel=service-desc href=/other.json></head></html>");
    site.ok(
        "/other.json",
        "application/json",
        r#"{"openapi":"3.1.0","info":{"title":"Other","version":"1"},"servers":[{"url":"http://127.0.0.1:1"}],
            "paths":{"/others":{"get":{"operationId":"listOthers","responses":{}}}}}"#,
    );
    site
}

#[test]
fn from_the_address_of_a_publisher_to_a_call() {
    let api = OrdersApi::start();
    let site = publisher(&api);
    // The address of the site: the catalog is at its usual place.
    let sandbox = sandbox("apiCatalog", &format!("{}/.well-known/api-catalog", site.url));
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    let found = ids(&catalog);
    assert_eq!(found.len(), 2, "{catalog}");
    let orders = catalog["catalog"]["services"].as_array().expect("services").iter();
    let orders = orders.filter(|service| service["id"] != "others").map(|s| s["alias"].as_str().expect("alias"));
    let alias = orders.collect::<Vec<_>>()[0].to_owned();
    let listed = toolbox.cli(&[&alias, "orders", "ls"]).run();
    assert_eq!(listed.code, 0, "{listed:?}");
    // What the publisher attaches: names, guidance, workflows.
    let explained = toolbox.cli(&["explain", &alias, "orders", "ls"]).json();
    assert_eq!(explained["guidance"]["whenToUse"], json!(["Ask the publisher."]));
    let workflow = toolbox.cli(&["workflow", "show", "peek"]).json();
    assert_eq!(workflow["steps"][0]["toolId"], json!(format!("{alias}:listOrders")));
    assert_eq!(workflow["details"]["published"], true);
    assert_eq!(toolbox.cli(&["workflow", "run", "peek", "--plan"]).run().code, 0);
    let source = &catalog["catalog"]["sources"][0];
    assert_eq!(source["provenance"]["method"], "rfc9727");
    let told = catalog["catalog"]["diagnostics"].as_array().expect("diagnostics").iter();
    let told: Vec<&Value> = told.filter(|d| d["code"] == "discovery").collect();
    assert!(told[0]["message"].as_str().expect("text").starts_with("2 services were found"), "{told:?}");

    // One that breaks leaves the others alone, and stays as it was.
    site.ok("/other.json", "text/html", "<html>");
    let reply = request("POST", &format!("{}/v1/refresh", toolbox.url), &[], b"").json();
    assert_eq!(reply["diagnostics"][0]["code"], "document_invalid", "{reply}");
    assert_eq!(reply["diagnostics"][1]["code"], "service_stale", "{reply}");
    assert_eq!(ids(&toolbox.catalog()), found);
    assert_eq!(toolbox.cli(&[&alias, "orders", "ls"]).run().code, 0);
    // One that is not listed any more goes.
    site.ok("/.well-known/api-catalog", LINKSET, r#"{"linkset":[{"href":"/orders","rel":"item"}]}"#);
    request("POST", &format!("{}/v1/refresh", toolbox.url), &[], b"");
    assert_eq!(ids(&toolbox.catalog()).len(), 1);
}

#[test]
fn a_service_root_that_comes_up_later_is_found() {
    let api = OrdersApi::start();
    let site = Site::new();
    let sandbox = Sandbox::new();
    sandbox.write_config(&json!({"cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {"s": {"type": "serviceRoot", "uri": format!("{}/", site.url),
            "network": {"allowAddresses": ["loopback"]}}},
        "services": {"shop": {"source": "s"}}}));
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    let codes: Vec<&str> = catalog["catalog"]["diagnostics"]
        .as_array()
        .expect("diagnostics")
        .iter()
        .filter_map(|d| d["code"].as_str())
        .collect();
    assert!(codes.contains(&"service_desc_missing") && codes.contains(&"source_failed"), "{codes:?}");
    site.ok("/orders.json", "application/json", &description(&api).to_string());
    site.set("/", 200, &["Link: <orders.json>; rel=service-desc"], "");
    wait_until("the service is there", || toolbox.execute(&json!({"toolId": "shop:listOrders"})).status == 200);
}

/// The sample API links to its description and publishes a catalog, as a real one should.
#[test]
fn the_sample_api_is_found_by_its_address_alone() {
    let api = OrdersApi::start();
    for kind in ["serviceRoot", "apiCatalog"] {
        let sandbox = sandbox(kind, &api.url);
        let toolbox = sandbox.toolbox(&[]);
        let catalog = toolbox.catalog();
        let tool = catalog["catalog"]["tools"].as_array().expect("tools").iter();
        let tool = tool.filter_map(|tool| tool["id"].as_str()).find(|id| id.ends_with(":listOrders"));
        let tool = tool.unwrap_or_else(|| panic!("{kind}: {catalog}"));
        assert_eq!(toolbox.execute(&json!({"toolId": tool})).json()["statusCode"], 200, "{kind}");
    }
}

/// RFC 9727: a toolbox publishes its services, and another one finds them there.
#[test]
fn a_toolbox_publishes_its_services_and_another_one_finds_them() {
    let api = OrdersApi::start();
    let sandbox_of_first = Sandbox::of_orders(&api.url);
    let first = sandbox_of_first.toolbox(&[]);
    let reply = first.get("/.well-known/api-catalog");
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(
        reply.header("content-type"),
        "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\""
    );
    let linkset = reply.json();
    assert_eq!(linkset["linkset"][0]["item"].as_array().expect("items").len(), 1, "{linkset}");
    assert_eq!(linkset["linkset"][1]["service-desc"][0]["href"], json!(format!("{}/openapi.json", api.url)));
    let item = linkset["linkset"][0]["item"][0]["href"].as_str().expect("href");
    assert!(get(item).json()["view"]["tools"].as_array().expect("tools").len() > 3);
    let url = format!("{}/.well-known/api-catalog", first.url);
    let head = request("HEAD", &url, &[], b"");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.header("link").contains("rel=\"api-catalog\""), "{:?}", head.headers);
    let known = request("GET", &url, &[("if-none-match", reply.header("etag"))], b"");
    assert_eq!(known.status, 304);
    // Whoever may not read the catalog may not see what it lists.
    assert_eq!(request("GET", &url, &[("origin", "https://evil.example")], b"").status, 403);
    assert_eq!(request("POST", &url, &[], b"").status, 405);

    let sandbox_of_second = sandbox("apiCatalog", &url);
    let second = sandbox_of_second.toolbox(&[]);
    assert_eq!(ids(&second.catalog()).len(), 1, "{}", second.catalog());
    assert_eq!(
        second.catalog()["catalog"]["tools"].as_array().expect("tools").len(),
        first.catalog()["catalog"]["tools"].as_array().expect("tools").len()
    );
}
