//! Callers of a guarded runtime, with tokens of a real identity provider.

use open_cli_e2e::{IdentityProvider, OrdersApi, Sandbox, Toolbox, identity_provider, post, wait_until};
use serde_json::{Value, json};

/// What may be asked for by everybody.
const READ: &str = "bundle:orders tool:orders:listOrders tool:orders:getOrder";

fn guarded(api: &OrdersApi, auth: &Value) -> Sandbox {
    let sandbox = Sandbox::of_orders(&api.url);
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.config()).expect("read")).expect("JSON");
    config["runtime"] = json!({"server": {"auth": auth}});
    config["curation"] = json!({"toolSets": {"desk": {"allow": ["orders:listOrders"]}}});
    config["agents"] = json!({"profiles": {"clerk": {"mode": "curated", "toolSet": "desk"}}});
    config["policy"] = json!({"deny": ["orders:deleteOrder"]});
    sandbox.write_config(&config);
    sandbox
}

fn tools(toolbox: &Toolbox<'_>, token: &str) -> Vec<String> {
    let reply = toolbox.ask_as(token, "/v1/catalog/effective", None);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let catalog = reply.json();
    let tools = catalog["catalog"]["tools"].as_array().expect("tools");
    tools.iter().map(|tool| tool["id"].as_str().expect("id").to_owned()).collect()
}

fn call(toolbox: &Toolbox<'_>, token: &str, tool: &str) -> (u16, Value) {
    let reply = toolbox.ask_as(token, "/v1/tools/execute", Some(&json!({"toolId": tool})));
    (reply.status, reply.json())
}

fn log(toolbox: &Toolbox<'_>) -> Vec<Value> {
    let text = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).expect("audit log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// AUTH-9, AUTH-12, W-5, W-6, W-47, RFC 6750 §3: nobody without a token gets further than the door.
#[test]
fn who_shows_no_good_token_is_turned_away_everywhere_but_at_the_door() {
    let Some(provider) = identity_provider("callers") else { return };
    let api = OrdersApi::start();
    let sandbox = guarded(&api, &provider.jwks_auth());
    let toolbox = sandbox.toolbox(&[]);
    let guarded: &[(&str, Option<Value>)] = &[
        ("/v1/catalog/effective", None),
        ("/v1/tools/execute", Some(json!({"toolId": "orders:listOrders"}))),
        ("/v1/refresh", Some(json!({}))),
        ("/v1/audit/events", None),
        ("/v1/traces", None),
        ("/v1/runtime/heartbeat", Some(json!({"sessionId": "s"}))),
        ("/v1/runtime/session-close", Some(json!({}))),
        ("/v1/runtime/log", None),
        ("/v1/runtime/stop", Some(json!({}))),
        ("/metrics", None),
        ("/.well-known/api-catalog", None),
    ];
    for (path, body) in guarded {
        let url = format!("{}{path}", toolbox.url);
        let reply = body.as_ref().map_or_else(|| toolbox.get(path), |body| post(&url, body));
        assert_eq!((reply.status, &reply.json()["code"]), (401, &json!("authn_failed")), "{path}: {}", reply.body);
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"open-cli\"", "{path}");
        let reply = toolbox.ask_as("not.a.token", path, body.as_ref());
        assert_eq!(reply.status, 401, "{path}: {}", reply.body);
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""), "{path}");
    }
    // The door: how to sign in, and that it is up. Nothing about the machine behind it.
    let info = toolbox.get("/v1/runtime/info").json();
    assert_eq!(info["auth"]["required"], true);
    assert_eq!(info["auth"]["tokenValidationProfiles"], json!(["oidc_jwks"]));
    assert_eq!(info["auth"]["browserLogin"]["configured"], true);
    for member in ["stateDir", "auditPath", "cacheDir", "instanceId"] {
        assert_eq!(info[member], "", "{member}");
    }
    let login = toolbox.get("/v1/auth/browser-config").json();
    assert_eq!((&login["clientId"], &login["audience"]), (&json!("person"), &json!("open-cli-toolbox")));
    assert_eq!(toolbox.get("/healthz").status, 200);
    assert_eq!(toolbox.get("/readyz").json()["tools"], 0);
    assert_eq!(toolbox.ask_as("nonsense", "/v1/runtime/info", None).status, 401, "HS-2");
    // Each is on record with what was wrong, but not with what it sent.
    let failures: Vec<Value> = log(&toolbox).into_iter().filter(|e| e["eventType"] == "authn_failure").collect();
    assert_eq!(failures.len(), 2 * guarded.len() + 1);
    assert!(failures.iter().all(|event| event["decision"] == "denied" && event["statusCode"] == 401));
    assert!(failures.iter().any(|event| event["cause"] == "missing"));
    assert!(failures.iter().any(|event| event["cause"] == "malformed"));
}

/// SCOPE-1 to SCOPE-11, FLT-1 to FLT-5, EXE-5, AUTH-11, W-13, W-15: what a token says is what its bearer reaches.
#[test]
fn callers_reach_what_their_scopes_say_and_see_what_they_did_themselves() {
    let Some(provider) = identity_provider("callers") else { return };
    let api = OrdersApi::start();
    let sandbox = guarded(&api, &provider.jwks_auth());
    let toolbox = sandbox.toolbox(&[]);
    let (reader, robot) = (provider.token("reader", READ), provider.token("robot", "bundle:orders"));
    let (edward, clerk) = (provider.token("edward", "bundle:orders"), provider.token("operator", "profile:clerk"));
    let ghost = provider.token("operator", "bundle:ghost");
    let operator =
        provider.token("operator", "bundle:orders audit:read trace:read metrics:read refresh runtime:admin");
    let all = tools(&toolbox, &robot);
    assert!(all.len() > 2 && !all.contains(&"orders:deleteOrder".to_owned()), "SCOPE-9: {all:?}");
    assert_eq!(tools(&toolbox, &edward), all, "RS256, ES256 and EdDSA alike");
    assert_eq!(tools(&toolbox, &reader), ["orders:getOrder", "orders:listOrders"]);
    assert_eq!(tools(&toolbox, &clerk), ["orders:listOrders"]);
    assert_eq!(tools(&toolbox, &ghost), Vec::<String>::new());
    // Each part of the catalog has a tag of its own, and what is not reached is not named.
    let fetch = |token: &str| toolbox.ask_as(token, "/v1/catalog/effective", None);
    let (of_reader, of_robot, of_ghost) = (fetch(&reader), fetch(&robot), fetch(&ghost));
    assert_ne!(of_reader.header("etag"), of_robot.header("etag"));
    assert_eq!(of_robot.header("etag"), fetch(&edward).header("etag"));
    let ghost_catalog = of_ghost.json()["catalog"].clone();
    assert_eq!((&ghost_catalog["services"], &ghost_catalog["sources"]), (&json!([]), &json!([])));
    assert!(!of_ghost.body.contains("clerk"), "names of profiles are for those who reach them");
    // A call within reach, calls beyond it; what does not exist looks like what is not reached.
    assert_eq!(call(&toolbox, &reader, "orders:listOrders").0, 200);
    for (token, tool) in [
        (&reader, "orders:createOrder"),
        (&reader, "orders:noSuchTool"),
        (&ghost, "orders:listOrders"),
        (&robot, "orders:deleteOrder"),
    ] {
        let (status, problem) = call(&toolbox, token, tool);
        assert_eq!((status, &problem["code"]), (403, &json!("authz_denied")), "{tool}: {problem}");
    }
    let detail = call(&toolbox, &robot, "orders:deleteOrder").1["detail"].to_string();
    assert!(detail.contains("policy.deny"), "why a tool within the scopes is refused: {detail}");
    // One's own records and traces; everybody's with the right to.
    let principals = |token: &str, query: &str| {
        let records = toolbox.ask_as(token, &format!("/v1/audit/events{query}"), None).json();
        let mut names: Vec<String> = records
            .as_array()
            .expect("records")
            .iter()
            .map(|record| record["principal"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(principals(&reader, ""), ["reader"]);
    assert_eq!(principals(&robot, "?limit=100"), ["robot"]);
    // The start of the runtime is nobody's.
    assert_eq!(principals(&operator, "?limit=1000"), ["", "edward", "operator", "reader", "robot"]);
    let other = toolbox.ask_as(&reader, "/v1/audit/events?principal=robot", None);
    assert_eq!((other.status, &other.json()["scope"]), (403, &json!("audit:read")));
    assert!(other.header("www-authenticate").contains("error=\"insufficient_scope\", scope=\"audit:read\""));
    let traces =
        |token: &str| toolbox.ask_as(token, "/v1/traces?limit=100", None).json().as_array().expect("list").len();
    let id =
        toolbox.ask_as(&reader, "/v1/traces?limit=1&tool=orders:listOrders", None).json()[0]["traceId"].clone();
    let trace =
        |token: &str| toolbox.ask_as(token, &format!("/v1/traces/{}", id.as_str().expect("id")), None).status;
    assert_eq!((trace(&reader), trace(&robot), trace(&operator)), (200, 404, 200));
    assert!(traces(&reader) < traces(&operator));
    for right in ["/v1/runtime/log", "/metrics", "/v1/refresh"] {
        assert_eq!(toolbox.ask_as(&reader, right, None).status, 403, "{right}");
        assert_eq!(toolbox.ask_as(&operator, right, None).status, 200, "{right}");
    }
    let metrics = toolbox.ask_as(&operator, "/metrics", None).body;
    assert!(metrics.contains("open_cli_authentications_total{authn_result=\"known\"}"), "{metrics}");
    assert_eq!(toolbox.ask_as(&reader, "/v1/runtime/info", None).json()["auth"]["principal"], "reader");
    // A session is its caller's (W-21); the runtime is the operator's to stop.
    assert_eq!(toolbox.ask_as(&reader, "/v1/runtime/stop", Some(&json!({}))).status, 403);
    let events = log(&toolbox);
    let types: Vec<&str> = events.iter().filter_map(|event| event["eventType"].as_str()).collect();
    assert_eq!(types[..3], ["runtime_start", "authenticated_connect", "catalog_filtered"], "{types:?}");
    assert!(events.iter().any(|e| e["eventType"] == "authz_denial" && e["toolId"] == "runtime.stop"));
    assert_eq!(toolbox.ask_as(&operator, "/v1/runtime/stop", Some(&json!({}))).status, 200);
}

/// JWKS-2, AUTH-13, W-14: a token's end is kept, and an identity provider that is away does not end the keys.
#[test]
fn tokens_end_when_they_say_and_keys_outlive_their_provider() {
    let Some(mut provider) = identity_provider("callers") else { return };
    let api = OrdersApi::start();
    let sandbox = guarded(&api, &provider.jwks_auth());
    let toolbox = sandbox.toolbox(&[]);
    let (first, second) = (provider.token("robot", "bundle:orders"), provider.token("robot", "bundle:orders"));
    assert_eq!(call(&toolbox, &first, "orders:listOrders").0, 200);
    provider.child.signal("TERM");
    provider.child.wait();
    assert_eq!(call(&toolbox, &first, "orders:listOrders").0, 200);
    assert_eq!(call(&toolbox, &second, "orders:listOrders").0, 200, "never seen before, and good all the same");
}

/// INT-1 to INT-9 with W-17.
#[test]
fn the_provider_is_asked_about_opaque_tokens() {
    let Some(mut provider) = identity_provider("callers") else { return };
    let api = OrdersApi::start();
    for (client, method) in [("asks", "client_secret_basic"), ("asks-post", "client_secret_post")] {
        let sandbox = guarded(&api, &provider.introspection_auth(client, method))
            .with_variable("INTROSPECTION_SECRET", &format!("{client}-secret"));
        let toolbox = sandbox.toolbox(&[]);
        let (token, revoked) = (provider.token("opaque", READ), provider.token("opaque", READ));
        provider.revoke("opaque", &revoked);
        assert_eq!(tools(&toolbox, &token), ["orders:getOrder", "orders:listOrders"], "{method}");
        assert_eq!(call(&toolbox, &token, "orders:listOrders").0, 200);
        assert_eq!(call(&toolbox, &revoked, "orders:listOrders").0, 401, "{method}");
        if method == "client_secret_post" {
            outage(&mut provider, &toolbox, &token);
        }
    }
}

/// An outage has the same code for the caller, and another cause on record.
fn outage(provider: &mut IdentityProvider, toolbox: &Toolbox<'_>, known: &str) {
    let fresh = provider.token("opaque", READ);
    provider.child.signal("TERM");
    provider.child.wait();
    assert_eq!(call(toolbox, known, "orders:listOrders").0, 200, "a known token needs nobody");
    assert_eq!(call(toolbox, &fresh, "orders:listOrders").1["code"], "authn_failed");
    wait_until("the outage is on record", || log(toolbox).iter().any(|event| event["cause"] == "unavailable"));
}
