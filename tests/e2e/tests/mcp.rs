//! MCP servers as sources, end to end, with the official servers (`scripts/peers.sh`): all transports, both eras of the
//! protocol, policy and overlays over their tools, and processes that never outlive their runtime.

use open_cli_e2e::{Sandbox, Toolbox, mcp, post, wait_until};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

fn configure(sandbox: &Sandbox, servers: &Value, more: &Value) {
    let mut config = json!({"cli": "1.0.0", "mode": {"default": "discover"}, "mcpServers": servers});
    config.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
    sandbox.write_config(&config);
}

fn sandbox(servers: &Value) -> Sandbox {
    let sandbox = Sandbox::new();
    configure(&sandbox, servers, &json!({}));
    sandbox
}

/// A call by tool id with a body.
fn call(toolbox: &Toolbox<'_>, tool: &str, body: &Value) -> Value {
    toolbox.execute(&json!({"toolId": tool, "body": base64(body.to_string().as_bytes())})).json()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place)) as usize & 63] as char;
            out.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

fn tools(toolbox: &Toolbox<'_>) -> Vec<Value> {
    toolbox.catalog()["catalog"]["tools"].as_array().expect("tools").clone()
}

fn tool_ids(toolbox: &Toolbox<'_>) -> Vec<String> {
    tools(toolbox).iter().map(|tool| tool["id"].as_str().expect("id").to_owned()).collect()
}

fn codes(toolbox: &Toolbox<'_>) -> Vec<String> {
    let catalog = toolbox.catalog();
    let all = catalog["catalog"]["diagnostics"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|d| format!("{} {}", d["code"].as_str().expect("code"), d["source"].as_str().expect("source")))
        .collect()
}

/// The pids that the runtime records.
fn pids(toolbox: &Toolbox<'_>) -> Vec<u64> {
    let text =
        std::fs::read_to_string(toolbox.state_dir.join("managed-mcp-pids.json")).unwrap_or_else(|_| "{}".into());
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["pids"].as_array().into_iter().flatten().map(|pid| pid.as_u64().expect("pid")).collect()
}

fn is_running(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn signal(pid: u64, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill").success());
}

/// §12 to §16, §21, §22, and issue 3 point 2.
#[test]
fn tools_of_servers_over_every_transport_are_listed_and_called() {
    let Some(programs) = mcp("mcp") else { return };
    let (http, sse) = (programs.start_everything("streamableHttp"), programs.start_everything("sse"));
    let sandbox = sandbox(&json!({
        "pipe": programs.everything(),
        "http": {"type": "streamable-http", "url": format!("{}/mcp", http.url)},
        "sse": {"type": "sse", "url": format!("{}/sse", sse.url)},
        "time": programs.time(),
    }));
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(codes(&toolbox), Vec::<String>::new());
    for service in ["pipe", "http", "sse"] {
        let echo = call(&toolbox, &format!("{service}:echo"), &json!({"message": "héllo\n"}));
        assert_eq!(echo["statusCode"], 200, "{echo}");
        assert_eq!(echo["contentType"], "application/json");
        assert_eq!(echo["body"], json!({"content": [{"type": "text", "text": "Echo: héllo\n"}]}), "{service}");
        let sum = call(&toolbox, &format!("{service}:get-sum"), &json!({"a": 2, "b": 40}));
        assert!(sum["body"]["content"][0]["text"].as_str().expect("text").contains("42"), "{sum}");
        let image = call(&toolbox, &format!("{service}:get-tiny-image"), &json!({}));
        assert_eq!(image["body"]["content"][1]["mimeType"], "image/png", "{service}");
        let structured =
            call(&toolbox, &format!("{service}:get-structured-content"), &json!({"location": "Chicago"}));
        assert!(structured["body"]["structuredContent"]["temperature"].is_number(), "{structured}");
    }
    let all = tools(&toolbox);
    let echo = all.iter().find(|tool| tool["id"] == "http:echo").expect("echo");
    assert_eq!((&echo["method"], &echo["path"]), (&json!("POST"), &json!("/_mcp/http/echo")));
    let backend = json!({"kind": "mcp", "sourceId": "http", "toolName": "echo", "transport": "streamable-http"});
    assert_eq!(echo["backend"], backend);
    assert_eq!(echo["safety"]["readOnly"], true, "W50");
    let record = toolbox.audit().pop().expect("audited");
    assert_eq!((&record["decision"], &record["statusCode"]), (&json!("allowed"), &json!(200)));

    let said = toolbox.cli(&["time", "get-current-time", "--body", r#"{"timezone":"UTC"}"#]).json();
    assert_eq!(said["structuredContent"]["timezone"], "UTC");
    let trace = toolbox.cli(&["trace", "last", "--format", "json"]).json();
    let spans = trace["spans"].as_array().expect("spans");
    let exchange = spans.iter().find(|span| span["name"] == "mcp.exchange").expect("a span of the exchange");
    assert_eq!(exchange["title"], "tools/call get_current_time");
    assert_eq!(exchange["attributes"]["mcp.protocol.version"], "2026-07-28");
    assert_eq!(toolbox.stop(), 0);
}

/// W65, MC-7.
#[test]
fn a_tool_that_fails_says_so_in_answer_exit_code_and_audit() {
    let Some(programs) = mcp("mcp") else { return };
    let files = tempfile::tempdir().expect("folder");
    let sandbox = sandbox(&json!({"fs": programs.filesystem(files.path())}));
    let toolbox = sandbox.toolbox(&[]);
    let answer = call(&toolbox, "fs:read_text_file", &json!({"path": "/etc/passwd"}));
    assert_eq!((&answer["statusCode"], &answer["body"]["isError"]), (&json!(200), &json!(true)), "{answer}");
    assert_eq!(answer["errorCode"], "mcp_tool_error");
    assert_eq!(toolbox.audit().pop().expect("audited")["errorCode"], "mcp_tool_error");
    let said = toolbox.cli(&["fs", "read-text-file", "--body", r#"{"path":"/etc/passwd"}"#]).run();
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.out.contains("Access denied"), "{said:?}");
    let written = json!({"path": files.path().join("a.txt"), "content": "one"});
    assert!(call(&toolbox, "fs:write_file", &written)["errorCode"].is_null());
    assert_eq!(std::fs::read_to_string(files.path().join("a.txt")).expect("file"), "one");
    let broken = toolbox.execute(&json!({"toolId": "fs:write_file", "body": base64(b"{")}));
    assert_eq!((broken.status, &broken.json()["code"]), (400, &json!("invalid_arguments")));
}

#[test]
fn a_server_that_was_killed_is_started_again_and_one_slow_call_holds_up_no_other() {
    let Some(programs) = mcp("mcp") else { return };
    let sandbox = sandbox(&json!({"pipe": programs.everything()}));
    let toolbox = sandbox.toolbox(&[]);
    assert!(tool_ids(&toolbox).contains(&"pipe:echo".to_owned()));
    let first = pids(&toolbox);
    assert_eq!(first.len(), 1, "one session, however many calls");
    let body = base64(json!({"duration": 2, "steps": 1}).to_string().as_bytes());
    let slow = json!({"toolId": "pipe:trigger-long-running-operation", "body": body});
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let slow = std::thread::spawn(move || post(&url, &slow).json());
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(call(&toolbox, "pipe:echo", &json!({"message": "x"}))["statusCode"], 200);
    }
    assert!(!slow.is_finished() && started.elapsed() < Duration::from_millis(1900), "{:?}", started.elapsed());
    assert_eq!(slow.join().expect("call")["statusCode"], 200);
    assert_eq!(pids(&toolbox), first);
    signal(first[0], "KILL");
    wait_until("its end is noticed", || pids(&toolbox).is_empty());
    assert_eq!(call(&toolbox, "pipe:echo", &json!({"message": "x"}))["statusCode"], 200);
    let second = pids(&toolbox);
    assert!(second.len() == 1 && second != first, "{second:?}");
    assert_eq!(toolbox.stop(), 0);
    assert!(!is_running(second[0]), "PROC-10");
}

/// PROC-6, PS-2, W45, W66, W67.
#[test]
fn nothing_that_a_killed_runtime_started_is_left_after_its_next_start() {
    let Some(programs) = mcp("mcp") else { return };
    let sandbox = Sandbox::new();
    // A sibling that neither the end of input nor SIGTERM ends.
    let note = sandbox.path().join("sibling.pid");
    let shell = format!("(trap '' TERM; sleep 600) & echo $! > '{}'", note.display());
    configure(&sandbox, &json!({"pipe": programs.everything_after(&shell)}), &json!({}));
    let sibling =
        |note: &Path| -> u64 { std::fs::read_to_string(note).expect("pid").trim().parse().expect("pid") };
    let mut toolbox = sandbox.toolbox(&[]);
    assert_eq!(call(&toolbox, "pipe:echo", &json!({"message": "x"}))["statusCode"], 200);
    let left = [pids(&toolbox)[0], sibling(&note)];
    toolbox.child.signal("KILL");
    toolbox.child.wait();
    assert!(is_running(left[1]), "the test needs something that stays");
    let toolbox = sandbox.toolbox(&[]);
    for pid in left {
        assert!(!is_running(pid), "{pid} is still there; {}", toolbox.child.log());
    }
    assert_eq!(call(&toolbox, "pipe:echo", &json!({"message": "x"}))["statusCode"], 200);
    let ours = [pids(&toolbox)[0], sibling(&note)];
    let state_dir = toolbox.state_dir.clone();
    assert_eq!(toolbox.stop(), 0);
    assert!(!ours.into_iter().any(is_running), "an orderly end ends the whole group");
    assert!(!state_dir.join("managed-mcp-pids.json").exists());
}

const SAFE: &str = r#"
overlay: 1.1.0
info: {title: Safer, version: "1"}
actions:
  - target: $.paths['/_mcp/fs/write-file'].post
    update: {x-cli-name: put, x-cli-safety: {requiresApproval: true}}
  - target: $.paths['/_mcp/fs/move-file']
    remove: true
"#;

/// Issue 4 point 4; MT-10, §17.
#[test]
fn overlays_and_disabled_tools_shape_what_is_served_and_fail_closed() {
    let Some(programs) = mcp("mcp") else { return };
    let files = tempfile::tempdir().expect("folder");
    let sandbox = Sandbox::new();
    sandbox.write("safe.yaml", SAFE);
    let services = json!({"services": {"fs": {"overlays": ["safe.yaml"]}}});
    let mut server = programs.filesystem(files.path());
    server["disabledTools"] = json!(["edit_file", "no-such-tool"]);
    configure(&sandbox, &json!({"fs": server, "other": programs.filesystem(files.path())}), &services);
    let toolbox = sandbox.toolbox(&[]);
    let ids = tool_ids(&toolbox);
    assert!(ids.contains(&"fs:write_file".to_owned()));
    assert!(!ids.contains(&"fs:move_file".to_owned()) && !ids.contains(&"fs:edit_file".to_owned()), "{ids:?}");
    assert!(ids.contains(&"other:edit_file".to_owned()));
    let hidden = toolbox.execute(&json!({"toolId": "fs:edit_file"}));
    assert_eq!(hidden.status, 404);
    let body = json!({"path": files.path().join("b.txt"), "content": "two"}).to_string();
    let refused = toolbox.cli(&["fs", "put", "--body", &body]).run();
    assert_eq!(refused.code, 6, "{refused:?}");
    toolbox.cli(&["fs", "put", "--approval", "--body", &body]).ok();

    // DT-2: whoever wrote this thinks that the tool is served.
    sandbox.write("safe.yaml", &SAFE.replace("$.paths['/_mcp/fs/move-file']", "$['paths']['/_mcp/fs/edit-file']"));
    let gone = "mcp_tool_disabled fs".to_owned();
    wait_until("the service fails closed", || codes(&toolbox).contains(&gone));
    let ids = tool_ids(&toolbox);
    assert!(
        ids.iter().all(|id| !id.starts_with("fs:")) && ids.contains(&"other:write_file".to_owned()),
        "{ids:?}"
    );

    // DT-5.
    sandbox.write("safe.yaml", SAFE);
    wait_until("it is served again", || !codes(&toolbox).contains(&gone));
    let mut more = services.clone();
    more["policy"] = json!({"approvalRequired": ["fs:edit_file"]});
    configure(&sandbox, &json!({"fs": server, "other": programs.filesystem(files.path())}), &more);
    wait_until("a pattern that means a disabled tool fails its service", || codes(&toolbox).contains(&gone));
    more["policy"] = json!({"approvalRequired": ["*:edit_file"]});
    configure(&sandbox, &json!({"fs": server, "other": programs.filesystem(files.path())}), &more);
    wait_until("one that means a served tool too does not", || !codes(&toolbox).contains(&gone));
    assert!(tool_ids(&toolbox).contains(&"fs:write_file".to_owned()));
}

/// SH-5, W2.
#[test]
fn a_server_that_is_away_takes_nothing_else_with_it_and_comes_back() {
    let Some(programs) = mcp("mcp") else { return };
    let http = programs.start_everything("streamableHttp");
    let url = format!("{}/mcp", http.url);
    let port =
        url.rsplit(':').next().and_then(|rest| rest.split('/').next()).expect("port").parse().expect("port");
    let sandbox = sandbox(&json!({
        "http": {"type": "streamable-http", "url": url},
        "pipe": programs.everything(),
        "gone": {"type": "stdio", "command": "/nonexistent/server"},
        "loud": {"type": "stdio", "command": "sh", "args": ["-c", "echo no config found >&2; exit 3"]},
    }));
    let toolbox = sandbox.toolbox(&[]);
    let catalog = toolbox.catalog();
    let messages = catalog["catalog"]["diagnostics"].to_string();
    assert!(messages.contains("/nonexistent/server is not found"), "{messages}");
    assert!(messages.contains("no config found"), "ST-5: {messages}");
    assert_eq!(call(&toolbox, "http:echo", &json!({"message": "x"}))["statusCode"], 200);
    drop(http);
    let answer = toolbox.execute(&json!({"toolId": "http:echo", "body": base64(b"{\"message\":\"x\"}")}));
    assert_eq!((answer.status, &answer.json()["code"]), (502, &json!("upstream_unreachable")), "{}", answer.body);
    assert_eq!(call(&toolbox, "pipe:echo", &json!({"message": "x"}))["statusCode"], 200);
    let _http = programs.start_everything_at("streamableHttp", port);
    // It has forgotten the session, and a new one is begun.
    assert_eq!(call(&toolbox, "http:echo", &json!({"message": "x"}))["statusCode"], 200);
}
