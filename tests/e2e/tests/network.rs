//! A bad network, and no way inside: what callers meet, through the built programs.

use open_cli_e2e::{EchoApi, FaultyProxy, Sandbox, Site, get, post};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const DESCRIPTION: &str = r#"{
"openapi": "3.1.0", "info": {"title": "Things", "version": "1"}, "servers": [{"url": "SERVER"}],
"paths": {"/things": {
  "parameters": [{"name": "X-Call-Id", "in": "header", "schema": {"type": "string"}}],
  "get": {"operationId": "listThings", "responses": {}},
  "post": {"operationId": "makeThing", "responses": {}}
}}}"#;

fn config(uri: &str, network: Value) -> Value {
    json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"things": {"type": "openapi", "uri": uri, "network": network}},
        "services": {"things": {"source": "things"}}})
}

/// Issue 5, point 7: a description from elsewhere leads nowhere inside, unless the operator allows it.
#[test]
fn a_description_from_elsewhere_is_no_way_inside() {
    let (api, site) = (EchoApi::start(), Site::new());
    site.ok("/things.json", "application/json", &DESCRIPTION.replace("SERVER", &api.url));
    let sandbox = Sandbox::new();
    let uri = format!("{}/things.json", site.url);
    sandbox.write_config(&config(&uri, json!({})));
    let toolbox = sandbox.toolbox(&[]);
    let said = toolbox.cli(&["things", "things", "list-things"]).run();
    assert_eq!(said.code, 6, "{said:?}");
    for words in ["target_forbidden", "127.0.0.1", "loopback", "network.allowAddresses"] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    let record = toolbox.audit().pop().expect("a record");
    assert_eq!(
        (&record["errorCode"], &record["toolId"]),
        (&json!("target_forbidden"), &json!("things:listThings"))
    );

    sandbox.write_config(&config(&uri, json!({"allowAddresses": ["loopback"]})));
    assert_eq!(toolbox.cli(&["things", "things", "list-things"]).json()["line"], "GET /things HTTP/1.1");

    // A server that the operator wrote down is the operator's own choice, also in place of the description's.
    let mut chosen = config(&uri, json!({}));
    chosen["services"]["things"]["server"] = json!(api.url);
    sandbox.write_config(&chosen);
    assert_eq!(toolbox.cli(&["things", "things", "list-things"]).json()["line"], "GET /things HTTP/1.1");

    // And so is the origin that the description was asked for at.
    sandbox.write_config(&config(&uri, json!({})));
    site.ok("/things.json", "application/json", &DESCRIPTION.replace("SERVER", "/"));
    site.ok("/things", "application/json", "{\"here\": true}");
    toolbox.cli(&["refresh"]).ok();
    assert_eq!(toolbox.cli(&["things", "things", "list-things"]).json()["here"], true);
}

/// Issue 5, point 6.
#[test]
fn an_upstream_in_trouble_is_left_alone_and_that_is_seen() {
    let site = Site::new();
    site.set("/things", 503, &["Content-Type: text/plain"], "down");
    let sandbox = Sandbox::new();
    sandbox.write("things.json", &DESCRIPTION.replace("SERVER", &site.url));
    let network = json!({"breakerFailures": 2, "breakerOpenMs": 60000, "maxAttempts": 1});
    sandbox.write_config(&config("things.json", network));
    let toolbox = sandbox.toolbox(&[]);
    let call = json!({"toolId": "things:makeThing"});
    for _ in 0..2 {
        assert_eq!(toolbox.execute(&call).json()["statusCode"], 503);
    }
    let refused = toolbox.execute(&call);
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("upstream_circuit_open")));
    let after: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&after), "{after}");
    let metrics = toolbox.get("/metrics").body;
    for line in ["open_cli_upstream_breaker_open 1", "open_cli_upstream_refused_total{reason=\"circuit_open\"} 1"]
    {
        assert!(metrics.contains(line), "{line}");
    }
}

/// Issue 5, proof: under load and faults of every kind nothing is lost, doubled or hung.
#[test]
fn with_faults_of_every_kind_nothing_is_lost_doubled_or_hung() {
    const CALLS: usize = 600;
    let api = EchoApi::start();
    let proxy = FaultyProxy::start(&api.url, 20_261_122, 40);
    let sandbox = Sandbox::new();
    sandbox.write("things.json", &DESCRIPTION.replace("SERVER", &proxy.url));
    let network = json!({"firstByteTimeoutMs": 300, "totalTimeoutMs": 5000, "breakerFailures": 0,
        "maxAttempts": 5, "retryBudgetPercent": 100});
    sandbox.write_config(&config("things.json", network));
    let toolbox = sandbox.toolbox(&[]);
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
    let (began, execute) = (Instant::now(), format!("{}/v1/tools/execute", toolbox.url));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= CALLS {
                        return;
                    }
                    let (tool, kind) = [("things:listThings", "get"), ("things:makeThing", "post")][number % 2];
                    let id = format!("{kind}-{number}");
                    let call = json!({"toolId": tool, "flags": {"X-Call-Id": id}, "body": ""});
                    let start = Instant::now();
                    let reply = post(&execute, &call);
                    assert!(start.elapsed() < Duration::from_secs(8), "{id} took {:?}", start.elapsed());
                    // What came back belongs to this call.
                    let is_ok = reply.status == 200 && reply.json()["statusCode"] == 200;
                    if is_ok {
                        assert_eq!(reply.json()["body"]["headers"]["x-call-id"], json!(id));
                    }
                    answers.lock().expect("answers").insert(id, (reply.status, is_ok));
                }
            });
        }
    });
    let (answers, seen) = (answers.into_inner().expect("answers"), proxy.seen());
    assert!(proxy.faults() > 150, "{} faults", proxy.faults());
    assert_eq!(answers.len(), CALLS, "nothing is lost");
    let times = |id: &str| seen.get(id).copied().unwrap_or(0);
    for (id, (status, is_ok)) in &answers {
        assert!(matches!(status, 200 | 502 | 504), "{id}: {status}");
        match id.starts_with("post") {
            true => assert!(times(id) <= 1, "{id} was sent {} times", times(id)),
            false => assert!(times(id) <= 5, "{id}"),
        }
        assert!(!is_ok || times(id) >= 1, "{id} was answered and never asked");
    }
    let good = |kind: &str| answers.iter().filter(|(id, (_, is_ok))| id.starts_with(kind) && *is_ok).count();
    let (gets, posts) = (good("get"), good("post"));
    assert!(gets >= CALLS / 2 * 95 / 100, "calls that may be repeated survive: {gets}");
    assert!(posts < gets && posts > CALLS / 4, "{posts} others");
    let records = toolbox.audit();
    let calls =
        records.iter().filter(|record| record["toolId"].as_str().is_some_and(|id| id.starts_with("things:")));
    assert_eq!(calls.count(), CALLS, "one record for each call");
    assert!(get(&format!("{}/healthz", toolbox.url)).status == 200 && began.elapsed() < Duration::from_secs(120));
}

/// Issue 5, point 6: rate limits of the policy.
#[test]
fn calls_beyond_a_rate_limit_are_refused_with_the_time_to_wait() {
    let api = EchoApi::start();
    let sandbox = Sandbox::new();
    sandbox.write("things.json", &DESCRIPTION.replace("SERVER", &api.url));
    let mut config = config("things.json", json!({}));
    config["policy"] = json!({"rateLimits": {
        "writes": {"tools": ["*:make*"], "per": "tool", "requests": 2, "windowSeconds": 600},
        "everything": {"requests": 1000, "windowSeconds": 1}}});
    sandbox.write_config(&config);
    let toolbox = sandbox.toolbox(&[]);
    let call = json!({"toolId": "things:makeThing"});
    for remaining in [1, 0] {
        let reply = toolbox.execute(&call);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("ratelimit-policy"), "\"writes\";q=2;w=600");
        assert!(reply.header("ratelimit").starts_with(&format!("\"writes\";r={remaining};")), "{reply:?}");
    }
    let refused = toolbox.execute(&call);
    assert_eq!((refused.status, refused.json()["code"].clone()), (429, json!("rate_limited")));
    let after: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((290..=300).contains(&after), "{after}");
    let record = toolbox.audit().pop().expect("a record");
    assert_eq!((&record["errorCode"], &record["decision"]), (&json!("rate_limited"), &json!("denied")));
    // Others are not concerned.
    assert_eq!(toolbox.cli(&["things", "things", "list-things"]).json()["line"], "GET /things HTTP/1.1");
    assert_eq!(toolbox.cli(&["things", "things", "make-thing"]).run().code, 8);
}

/// However a request spells the configuration it names, its calls count in the same limits.
#[test]
fn another_spelling_of_a_configuration_has_no_limits_of_its_own() {
    let api = EchoApi::start();
    let sandbox = Sandbox::new();
    sandbox.write("below/things.json", &DESCRIPTION.replace("SERVER", &api.url));
    let mut config = config("things.json", json!({}));
    config["policy"] = json!({"rateLimits": {"one": {"per": "all", "requests": 1, "windowSeconds": 600}}});
    sandbox.write("below/one.json", &config.to_string());
    let root = sandbox.path().join("below").display().to_string();
    let toolbox = sandbox.toolbox(&["--config-root", &root]);
    let status = |path: &str| toolbox.execute(&json!({"toolId": "things:makeThing", "configPath": path})).status;
    assert_eq!(status("one.json"), 200);
    for spelling in ["one.json", "./one.json", "././one.json", "../below/one.json"] {
        assert_eq!(status(spelling), 429, "{spelling}");
    }
}
