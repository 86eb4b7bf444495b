//! What a caller or an upstream may get wrong: each has a stable code, and nothing is lost or left behind.

use open_cli_e2e::{HeldApi, OrdersApi, Sandbox, Toolbox, request, wait_until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

fn raw_execute(toolbox: &Toolbox<'_>, body: &[u8]) -> (u16, Value) {
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let reply = request("POST", &url, &[("content-type", "application/json")], body);
    (reply.status, reply.json())
}

#[test]
fn requests_that_are_not_what_they_should_be() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    for (body, status, code, part) in [
        (&b""[..], 400, "invalid_request", "ends too early"),
        (b"{\"toolId\":", 400, "invalid_request", "line 1"),
        (b"[]", 400, "invalid_request", "shape"),
        (b"{\"toolId\":7}", 400, "invalid_request", "expected"),
        (b"{\"toolId\":\"orders:listOrders\",\"flags\":{\"limit\":5}}", 400, "invalid_request", "string"),
        (b"{\"toolId\":\"orders:createOrder\",\"body\":\"***\"}", 400, "invalid_request", "base64"),
        (b"{\"toolId\":\"orders:listOrders\",\"mode\":\"loose\"}", 400, "invalid_request", "loose"),
        (b"{\"toolId\":\"orders:nothing\"}", 404, "tool_not_found", "orders:nothing"),
        (b"{}", 404, "tool_not_found", ""),
        (b"{\"toolId\":\"orders:getOrder\"}", 400, "invalid_arguments", "order-id"),
        (b"{\"toolId\":\"orders:getOrder\",\"pathArgs\":[\"..\"]}", 400, "invalid_arguments", "order-id"),
        (b"{\"toolId\":\"orders:getOrder\",\"pathArgs\":[\"a\",\"b\"]}", 400, "invalid_arguments", ""),
        (b"{\"toolId\":\"orders:listOrders\",\"flags\":{\"limt\":\"5\"}}", 400, "invalid_arguments", "limt"),
        (b"{\"toolId\":\"orders:createOrder\"}", 400, "invalid_arguments", "--body"),
        (b"{\"toolId\":\"orders:createOrder\",\"body\":\"e30g\"}{}", 400, "invalid_request", ""),
        (b"{\"toolId\":\"orders:listOrders\",\"configPath\":\"/etc/passwd\"}", 409, "runtime_attach_mismatch", ""),
    ] {
        let (got, problem) = raw_execute(&toolbox, body);
        let shown = String::from_utf8_lossy(body);
        assert_eq!((got, problem["code"].as_str()), (status, Some(code)), "{shown}: {problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(part), "{shown}: {problem}");
    }
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let reply = request("POST", &url, &[("content-type", "text/plain")], b"{}");
    assert_eq!((reply.status, &reply.json()["code"]), (415, &json!("unsupported_media_type")));
    // Null members count as absent, as the reference's decoder has it.
    let call =
        br#"{"toolId":"orders:listOrders","pathArgs":null,"flags":null,"body":null,"approval":null,"mode":null}"#;
    assert_eq!(raw_execute(&toolbox, call).0, 200);
}

#[test]
fn a_hundred_megabytes_are_refused_without_being_read() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let before = resident_kilobytes(toolbox.child.pid());
    // Announced: refused before a byte of it is sent.
    let authority = toolbox.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&authority).expect("connect");
    let head = format!(
        "POST /v1/tools/execute HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("write");
    let answer = first_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("request_too_large"), "{answer}");
    // Not announced: cut off at the limit.
    let mut stream = TcpStream::connect(&authority).expect("connect");
    let head = format!(
        "POST /v1/tools/execute HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("write");
    let mut reader = stream.try_clone().expect("clone");
    let writer = std::thread::spawn(move || {
        let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
        // The runtime hangs up long before all of it was sent.
        (0..100).take_while(|_| stream.write_all(&chunk).is_ok()).count()
    });
    let answer = first_answer(&mut reader);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    drop(reader);
    assert!(writer.join().expect("writer") < 100);
    assert!(resident_kilobytes(toolbox.child.pid()) < before + 60_000);
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 200, "still serves");
}

fn first_answer(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).expect("timeout");
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("}\n") {
        match stream.read(&mut buffer) {
            Ok(n @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..n])),
            _ => break,
        }
    }
    text
}

fn resident_kilobytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).expect("number").parse().expect("number")
}

#[test]
fn upstreams_that_hang_reset_lie_flood_or_go_in_circles() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&["--upstream-timeout", "1", "--max-response-bytes", "1048576"]);
    for (call, status, code) in [
        (json!({"toolId": "orders:faultSlow", "flags": {"ms": "20000"}}), 504, "upstream_timeout"),
        (json!({"toolId": "orders:faultReset"}), 502, "upstream_reset"),
        (json!({"toolId": "orders:faultLarge", "flags": {"bytes": "52428800"}}), 502, "upstream_too_large"),
        (json!({"toolId": "orders:faultRedirectLoop"}), 502, "upstream_redirects"),
    ] {
        let reply = toolbox.execute(&call);
        let problem = reply.json();
        assert_eq!((reply.status, problem["code"].as_str()), (status, Some(code)), "{call}: {problem}");
        assert_eq!(problem["requestId"], reply.header("x-request-id"));
        let record = toolbox.audit().pop().expect("audited");
        assert_eq!((&record["decision"], &record["errorCode"]), (&json!("error"), &json!(code)));
        assert_eq!(record["eventType"], "execution_error");
    }
    let reply = toolbox.execute(&json!({"toolId": "orders:faultInvalidJson"})).json();
    assert!(reply["text"].is_string() && reply["body"].is_null(), "{reply}");
    assert_eq!(reply["errorCode"], "upstream_invalid_json");
    assert_eq!(toolbox.audit().pop().expect("audited")["errorCode"], "upstream_invalid_json");
    let reply = toolbox.execute(&json!({"toolId": "orders:faultBinary"})).json();
    assert!(reply["bodyBase64"].is_string(), "W68: {reply}");
    let reply = toolbox.execute(&json!({"toolId": "orders:faultStatus", "pathArgs": ["503"]})).json();
    assert_eq!((&reply["statusCode"], &reply["retryCount"]), (&json!(503), &json!(2)), "EXE-12");
    assert_eq!(toolbox.audit().pop().expect("audited")["retryCount"], 2);
    drop(api);
    let reply = toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!((reply.status, &reply.json()["code"]), (502, &json!("upstream_unreachable")));
}

#[test]
fn a_missing_secret_names_the_variable_and_sends_nothing() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url).with_variable("ORDERS_API_KEY", "");
    let toolbox = sandbox.toolbox(&[]);
    let reply = toolbox
        .execute(&json!({"toolId": "orders:createOrder", "arguments": {"body": {"customerId": "cus_1",
        "items": [{"sku": "A-1", "quantity": 1, "unitPriceCents": 1}]}}}));
    assert_eq!((reply.status, &reply.json()["code"]), (502, &json!("credentials_unavailable")));
    assert!(reply.body.contains("ORDERS_API_KEY"), "{}", reply.body);
    assert!(!api.child.log().contains("POST /orders"), "nothing was sent");
}

/// Issue: the last good snapshot keeps serving; `/readyz`, `status` and the log show the fault.
#[test]
fn a_configuration_that_breaks_or_vanishes_leaves_the_last_good_catalog_in_force() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let good = std::fs::read_to_string(sandbox.config()).expect("read");
    toolbox.catalog();
    assert_eq!(toolbox.get("/readyz").json()["status"], "ready");
    for break_it in [0, 1] {
        if break_it == 0 {
            sandbox.write(".cli.json", "{\"cli\": \"1.0.0\",\n  \"mode\": 7}");
        } else {
            std::fs::remove_file(sandbox.config()).expect("remove");
        }
        assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 200);
        let ready = toolbox.get("/readyz");
        assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("degraded")), "{}", ready.body);
        let status = toolbox.cli(&["status"]).in_folder("/").ok();
        assert!(status.to_lowercase().contains("degraded"), "{status}");
        if break_it == 0 {
            assert!(ready.body.contains(".cli.json:2:") && ready.body.contains("mode"), "{}", ready.body);
            assert!(toolbox.child.log().contains("mode"), "{}", toolbox.child.log());
        }
        sandbox.write(".cli.json", &good);
        assert_eq!(toolbox.get("/readyz").json()["status"], "ready", "mended");
    }
    // A source that breaks is a diagnostic; its service keeps its last good state.
    let local = sandbox.write("api.json", &open_cli_e2e::get(&format!("{}/openapi.json", api.url)).body);
    let mut config: Value = serde_json::from_str(&good).expect("json");
    config["sources"]["ordersSource"]["uri"] = json!(local.display().to_string());
    sandbox.write_config(&config);
    let tools = |toolbox: &Toolbox<'_>| toolbox.catalog()["catalog"]["tools"].as_array().map_or(0, Vec::len);
    let count = tools(&toolbox);
    assert!(count > 8);
    sandbox.write("api.json", "<html>not an API</html>");
    assert_eq!(tools(&toolbox), count);
    let diagnostics = &toolbox.catalog()["catalog"]["diagnostics"];
    assert_eq!(diagnostics[0]["code"], "document_invalid", "{diagnostics}");
    assert_eq!(diagnostics[0]["pointer"], format!("{}#", local.display()));
    assert_eq!(diagnostics[1]["code"], "service_stale", "{diagnostics}");
}

#[test]
fn starts_that_cannot_be_say_why_and_leave_nothing() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let fails = |sandbox: &Sandbox, extra: &[&str]| {
        let output = sandbox.toolbox_command(extra).output().expect("toolbox");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().expect("code"), text)
    };
    // Second toolbox with the same instance.
    let (code, text) = fails(&sandbox, &[]);
    assert_eq!(code, 1, "{text}");
    let pid = toolbox.child.pid().to_string();
    assert!(text.contains(&pid) && text.contains(&toolbox.url), "{text}");
    // Port taken, by another instance.
    let other = Sandbox::of_orders(&api.url);
    let address = toolbox.url.trim_start_matches("http://");
    let (code, text) = fails(&other, &["--addr", address]);
    assert_eq!(code, 1);
    assert!(text.contains(address) && text.contains("--addr"), "{text}");
    assert!(!other.state_root().exists(), "a failed start leaves no state");
    // Same instance and same port: the instance is the better explanation.
    let (_, text) = fails(&sandbox, &["--addr", address]);
    assert!(text.contains(&pid), "{text}");
    // State directory that can't be written.
    let (code, text) = fails(&other, &["--state-dir", "/proc/nowhere"]);
    assert_eq!(code, 1);
    assert!(text.contains("/proc/nowhere"), "{text}");
    // Configuration missing, broken, or asking for what can't be enforced.
    let empty = Sandbox::new();
    let (code, text) = fails(&empty, &[]);
    assert!(code == 1 && text.contains(".cli.json"), "{text}");
    empty.write(".cli.json", "{\n  \"cli\": \"1\",\n  \"mode\": {\"default\": \"loose\"},\n  \"surces\": {}\n}");
    let (code, text) = fails(&empty, &[]);
    assert_eq!(code, 1);
    assert!(text.contains(".cli.json:3:") && text.contains(".cli.json:4:"), "all faults with places: {text}");
    assert!(text.contains("surces") && text.contains("sources"), "near name: {text}");
    // AUTH-3 with W-3: a block that does not say how is no reason to leave the door open.
    empty.write_config(&json!({"cli": "1", "mode": {"default": "discover"}, "runtime": {"server": {"auth": {
        "audience": "a", "issuer": "https://id.example", "jwksURL": "https://id.example/k"}}}}));
    let (code, text) = fails(&empty, &[]);
    assert!(code == 1 && text.contains("runtime.server.auth"), "fails closed: {text}");
    assert!(!empty.state_root().exists());
    // `--strict` turns diagnostics into failure.
    let strict = Sandbox::new();
    strict.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"gone": {"type": "openapi", "uri": "./gone.yaml"}}}));
    let (code, text) = fails(&strict, &["--strict"]);
    assert!(code == 1 && text.contains("gone.yaml"), "{text}");
}

/// Safety: an audit log that can't be written refuses calls.
#[test]
fn without_an_audit_record_there_is_no_answer_and_then_no_call() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let full = sandbox.path().join("full.log");
    std::os::unix::fs::symlink("/dev/full", &full).expect("link");
    let path = full.display().to_string();
    let toolbox = sandbox.toolbox(&["--audit-path", &path]);
    let count = || api.child.log().lines().filter(|line| line.contains("GET /orders ")).count();
    let reply = toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!((reply.status, &reply.json()["code"]), (503, &json!("audit_unavailable")), "{}", reply.body);
    let made = count();
    let reply = toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!((reply.status, &reply.json()["code"]), (503, &json!("audit_unavailable")));
    assert_eq!(count(), made, "refused before anything was sent");
}

/// §22: every call that reached its upstream has a record, whatever became of the caller.
#[test]
fn a_call_that_its_caller_abandons_is_recorded() {
    let api = HeldApi::new();
    let sandbox = api.sandbox();
    let mut toolbox = sandbox.toolbox(&["--drain-timeout", "1"]);
    let authority = toolbox.url.trim_start_matches("http://").to_owned();
    let call = |id: &str| {
        let body = "{\"toolId\":\"held:wait\"}";
        let mut stream = TcpStream::connect(&authority).expect("connect");
        let head = format!(
            "POST /v1/tools/execute HTTP/1.1\r\nHost: {authority}\r\nX-Request-ID: {id}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("write");
        (stream, api.accept())
    };
    let (caller, _upstream) = call("gone");
    drop(caller);
    let is_recorded = |id: &str| {
        let log = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).unwrap_or_default();
        log.lines().any(|line| line.contains(id) && line.contains("\"errorCode\":\"cancelled\""))
    };
    wait_until("the abandoned call is recorded", || is_recorded("gone"));
    // And one that the end of the runtime cuts off.
    let (_caller, _upstream) = call("cut-off");
    toolbox.child.signal("TERM");
    assert_eq!(toolbox.child.wait().code(), Some(0));
    assert!(is_recorded("cut-off"));
}

/// A new denial does not wait for a source that hangs.
#[test]
fn a_new_policy_is_in_force_while_a_source_hangs() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 200);
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.config()).expect("read")).expect("json");
    let uri = format!("http://{}/never.json", hanging.local_addr().expect("address"));
    config["sources"]["slow"] = json!({"type": "openapi", "uri": uri});
    config["policy"] = json!({"deny": ["orders:list*"]});
    sandbox.write_config(&config);
    let reply = toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("policy_deny")), "{}", reply.body);
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:getOrder", "pathArgs": ["ord_1"]})).status, 200);
}

/// W-3, W-9, fail closed: authentication that was not there at the start guards every endpoint but the handshake.
#[test]
fn a_configuration_that_comes_to_ask_for_authentication_serves_nobody() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    toolbox.catalog();
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.config()).expect("read")).expect("json");
    config["runtime"] = json!({"server": {"auth": {"validationProfile": "oidc_jwks", "audience": "a",
        "issuer": "https://id.example", "jwksURL": "https://id.example/keys"}}});
    sandbox.write_config(&config);
    // The next request waits for the new configuration, but not for ever: on a busy machine it may be a later one.
    open_cli_e2e::wait_until("the new configuration is in force", || {
        toolbox.execute(&json!({"toolId": "orders:listOrders"})).json()["code"] == "authn_failed"
    });
    for path in ["/v1/catalog/effective", "/v1/audit/events", "/v1/traces"] {
        assert_eq!(toolbox.get(path).status, 401, "{path}");
    }
    let stop = open_cli_e2e::post(&format!("{}/v1/runtime/stop", toolbox.url), &json!({}));
    assert_eq!(stop.status, 401);
    assert_eq!(toolbox.get("/v1/runtime/info").json()["auth"]["required"], true);
    // Weakness 60: each caller that was turned away is on record, whatever it asked for.
    let log = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).expect("audit");
    let refused = log.lines().filter(|line| line.contains("\"eventType\":\"authn_failure\"")).count();
    assert!(refused >= 5, "{log}");
}

#[test]
fn long_names_fill_neither_memory_nor_logs_and_secrets_of_servers_are_masked() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let document = json!({"openapi": "3.1.0", "info": {"title": "T", "version": "1"},
        "servers": [{"url": api.url.replace("http://", "http://user:s3cr3tpw@")}],
        "paths": {"/health": {"get": {"operationId": "health", "responses": {}}}}});
    sandbox.write("api.json", &document.to_string());
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"s": {"type": "openapi", "uri": "api.json"}}, "services": {"s": {"source": "s"}}}));
    let toolbox = sandbox.toolbox(&[]);
    let before = resident_kilobytes(toolbox.child.pid());
    for _ in 0..20 {
        let reply = toolbox.execute(&json!({"toolId": "x".repeat(9_000_000)}));
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("invalid_request")));
    }
    assert!(resident_kilobytes(toolbox.child.pid()) < before + 100_000);
    assert_eq!(toolbox.execute(&json!({"toolId": "s:health"})).json()["statusCode"], 200);
    let audit = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).expect("audit");
    for text in [toolbox.get("/v1/catalog/effective").body, toolbox.get("/v1/traces?limit=999").body, audit] {
        assert!(!text.contains("s3cr3tpw"), "{text}");
    }
}
