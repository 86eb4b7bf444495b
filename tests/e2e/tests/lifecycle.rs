//! Start, state on disk, drain, signals, crashes, leases, folders of configurations.

use open_cli_e2e::{HeldApi, OrdersApi, Sandbox, Toolbox, get, post, wait_until};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

/// STATE-8, STATE-9, deviation 13.
#[test]
fn runtime_json_is_there_while_it_serves_and_gone_afterwards() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let path = toolbox.state_dir.join("runtime.json");
    let text = std::fs::read_to_string(&path).expect("runtime.json");
    assert!(text.starts_with("{\"instanceId\":") && !text.ends_with('\n'), "{text}");
    let record: Value = serde_json::from_str(&text).expect("json");
    assert_eq!((&record["instanceId"], &record["url"]), (&json!(toolbox.instance), &json!(toolbox.url)));
    assert_eq!(record["pid"], toolbox.child.pid());
    toolbox.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!(
        (mode(&toolbox.state_dir), mode(&path), mode(&toolbox.state_dir.join("audit.log"))),
        (0o700, 0o600, 0o600)
    );
    let cached = std::fs::read_dir(record["cacheDir"].as_str().expect("cacheDir")).expect("cache").count();
    assert!(cached >= 2, "the description is cached as metadata and body");
    let info = toolbox.get("/v1/runtime/info").json();
    assert_eq!((&info["contractVersion"], &info["instanceId"]), (&json!("1.1"), &json!(toolbox.instance)));
    assert_eq!(toolbox.stop(), 0);
    assert!(!path.exists());
}

#[test]
fn a_call_under_way_finishes_before_the_end() {
    let api = HeldApi::new();
    let sandbox = api.sandbox();
    let mut toolbox = sandbox.toolbox(&[]);
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let call = std::thread::spawn(move || post(&url, &json!({"toolId": "held:wait"})));
    let under_way = api.accept();
    toolbox.child.signal("TERM");
    wait_until("it takes no new connections", || get_fails(&toolbox.url));
    assert!(toolbox.child.is_running(), "it waits for the call");
    HeldApi::answer(under_way);
    let reply = call.join().expect("call");
    assert_eq!((reply.status, &reply.json()["statusCode"]), (200, &json!(200)));
    assert_eq!(toolbox.child.wait().code(), Some(0));
    let log = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).expect("audit");
    let types = ["runtime_start", "tool_execution", "runtime_end"].map(|word| format!("\"eventType\":\"{word}\""));
    assert_eq!(log.lines().count(), types.len(), "{log}");
    assert!(log.lines().zip(&types).all(|(line, word)| line.contains(word)), "{log}");
    assert!(log.ends_with('\n') && log.lines().last().is_some_and(|end| end.contains("\"terminated\"")), "{log}");
}

#[test]
fn a_second_signal_ends_at_once_and_the_drain_has_a_deadline() {
    for (extra, is_impatient, code) in [(&[][..], true, 130), (&["--drain-timeout", "1"], false, 0)] {
        let api = HeldApi::new();
        let sandbox = api.sandbox();
        let mut toolbox = sandbox.toolbox(extra);
        let url = format!("{}/v1/tools/execute", toolbox.url);
        std::thread::spawn(move || {
            // Cut off on purpose: whatever comes back is fine.
            let _ = std::panic::catch_unwind(|| post(&url, &json!({"toolId": "held:wait"})));
        });
        let _never_answered = api.accept();
        toolbox.child.signal("INT");
        wait_until("it takes no new connections", || get_fails(&toolbox.url));
        assert!(toolbox.child.is_running());
        if is_impatient {
            toolbox.child.signal("INT");
        }
        assert_eq!(toolbox.child.wait().code(), Some(code));
        assert!(!toolbox.state_dir.join("runtime.json").exists());
    }
}

fn get_fails(url: &str) -> bool {
    std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err()
}

/// Weaknesses 28, 29.
#[test]
fn a_killed_owner_leaves_nothing_that_the_next_start_does_not_repair() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let mut first = sandbox.toolbox(&[]);
    first.execute(&json!({"toolId": "orders:listOrders"}));
    first.child.signal("KILL");
    first.child.wait();
    let path = first.state_dir.join("runtime.json");
    assert!(path.exists(), "left behind by the kill");
    // A record that was cut off by the crash.
    let log = first.state_dir.join("audit.log");
    let mut torn = std::fs::read_to_string(&log).expect("audit");
    torn.push_str("{\"timestamp\":\"2031-");
    std::io::Write::write_all(&mut std::fs::File::create(&log).expect("create"), torn.as_bytes()).expect("write");
    let second = sandbox.toolbox(&[]);
    let record: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("read")).expect("json");
    assert_eq!(record["pid"], second.child.pid());
    assert_eq!(second.instance, first.instance, "ids are deterministic");
    second.execute(&json!({"toolId": "orders:listOrders"}));
    assert_eq!(second.audit().len(), 2, "the torn line costs itself only");
    assert_eq!(second.stop(), 0);
}

/// The compiled catalog: unchanged inputs are not read again, changed ones and damage are.
#[test]
fn a_restart_serves_what_was_compiled_and_believes_no_damage() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let restores = |toolbox: &Toolbox<'_>, outcome: &str| {
        let text = toolbox.get("/metrics").body;
        let line = format!("open_cli_catalog_restores_total{{outcome=\"{outcome}\"}} 1");
        assert!(text.contains(&line), "{outcome}: {text}");
    };
    let first = sandbox.toolbox(&[]);
    let catalog = first.catalog();
    restores(&first, "none");
    let compiled = sandbox.state_root().join("cache/instances").join(&first.instance).join("http/compiled");
    let manifest = || {
        let folder = std::fs::read_dir(&compiled).ok()?.next()?.ok()?.path();
        Some(folder.join("manifest.json")).filter(|path| path.exists())
    };
    wait_until("the catalog is stored", || manifest().is_some());
    let manifest = manifest().expect("stored");
    assert_eq!((mode(&compiled), mode(&manifest)), (0o700, 0o600));
    assert_eq!(first.stop(), 0);

    let second = sandbox.toolbox(&[]);
    let again = second.catalog();
    restores(&second, "used");
    let said =
        |catalog: &Value| (catalog["catalog"]["sourceFingerprint"].clone(), catalog["catalog"]["tools"].clone());
    assert_eq!(said(&again), said(&catalog));
    assert_eq!(second.execute(&json!({"toolId": "orders:listOrders"})).status, 200);
    assert_eq!(second.stop(), 0);

    let mut content = std::fs::read(&manifest).expect("read");
    content.truncate(content.len() / 2);
    std::io::Write::write_all(&mut std::fs::File::create(&manifest).expect("create"), &content).expect("write");
    let third = sandbox.toolbox(&[]);
    assert_eq!(said(&third.catalog()), said(&catalog));
    restores(&third, "none");
    assert_eq!(third.stop(), 0);
}

#[test]
fn stop_answers_first_and_then_ends() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let mut toolbox = sandbox.toolbox(&[]);
    let reply = post(&format!("{}/v1/runtime/stop", toolbox.url), &json!({}));
    assert_eq!((reply.status, reply.json()), (200, json!({"stopped": true})));
    assert_eq!(toolbox.child.wait().code(), Some(0));
    assert!(!toolbox.state_dir.join("runtime.json").exists());
}

/// LEASE-1 to LEASE-14, W-29, W-33.
#[test]
fn the_last_session_takes_the_runtime_with_it() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let flags = ["--heartbeat-seconds", "1", "--missed-heartbeat-limit", "30", "--shutdown", "when-owner-exits"];
    let mut toolbox = sandbox.toolbox(&flags);
    let beat =
        |session: &str| post(&format!("{}/v1/runtime/heartbeat", toolbox.url), &json!({"sessionId": session}));
    assert_eq!(beat("s-1").json(), json!({"renewed": true, "sessionId": "s-1", "activeSessions": 1}));
    assert_eq!(beat("s-2").json()["code"], "runtime_attach_conflict");
    assert_eq!(beat(" ").status, 400);
    assert_eq!(toolbox.get("/v1/runtime/info").json()["lifecycle"]["activeSessions"], 1);
    let closed = post(&format!("{}/v1/runtime/session-close", toolbox.url), &json!({"sessionId": "s-1"}));
    assert_eq!(closed.json(), json!({"closed": true, "activeSessions": 0}), "replies before it ends");
    assert_eq!(toolbox.child.wait().code(), Some(0));
    let log = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).expect("audit");
    let types: Vec<String> = log
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("json")["eventType"].as_str().expect("type").to_owned()
        })
        .collect();
    // The second attachment is the one that was refused (weakness 60).
    let of_sessions = ["session_attach", "session_attach", "lease_expiry_shutdown", "session_close"];
    assert_eq!(types, [&["runtime_start"], &of_sessions[..], &["runtime_end"]].concat());
    let plain = sandbox.toolbox(&[]);
    let reply = post(&format!("{}/v1/runtime/heartbeat", plain.url), &json!({"sessionId": "s"})).json();
    assert_eq!(reply["renewed"], false);
}

/// Deviation 11.
#[test]
fn a_folder_of_configurations_serves_what_is_below_it_and_nothing_else() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::new();
    let config = |name: &str| {
        json!({"cli": "1", "mode": {"default": "discover"},
            "sources": {"s": {"type": "openapi", "uri": format!("{}/openapi.json", api.url)}},
            "services": {name: {"source": "s"}}})
        .to_string()
    };
    sandbox.write("root/team-a/.cli.json", &config("alpha"));
    sandbox.write("root/team-b/.cli.json", &config("beta"));
    let outside = sandbox.write("outside.json", &config("gamma"));
    std::os::unix::fs::symlink(&outside, sandbox.path().join("root/link.json")).expect("link");
    let root = sandbox.path().join("root").display().to_string();
    let toolbox = sandbox.toolbox(&["--config-root", &root]);
    let service = |selector: &str| {
        toolbox.get(&format!("/v1/catalog/effective?config={selector}")).json()["catalog"]["services"][0]["id"]
            .clone()
    };
    assert_eq!(service("team-a/.cli.json"), "alpha");
    assert_eq!(service(&format!("{root}/team-b/.cli.json")), "beta");
    assert_eq!(toolbox.get("/v1/catalog/effective").json()["code"], "config_required");
    let outside = outside.display().to_string();
    for selector in ["../outside.json", "link.json", &outside, "/etc/passwd", "team-a", "team-c/.cli.json"] {
        let reply = toolbox.get(&format!("/v1/catalog/effective?config={selector}"));
        assert_eq!((reply.status, &reply.json()["code"]), (409, &json!("runtime_attach_mismatch")), "{selector}");
    }
    let call = json!({"configPath": "team-a/.cli.json", "toolId": "alpha:listOrders"});
    assert_eq!(toolbox.execute(&call).status, 200);
    let call = json!({"configPath": "team-a/.cli.json", "toolId": "beta:listOrders"});
    assert_eq!(toolbox.execute(&call).status, 404);
}

/// Weakness 7: a file beside the configuration does not change what a server allows.
#[test]
fn local_overrides_do_not_reach_a_server_unless_it_asks_for_them() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    sandbox.write(".cli.local.json", &json!({"policy": {"deny": ["orders:*"]}}).to_string());
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 200);
    assert_eq!(toolbox.stop(), 0);
    let toolbox = sandbox.toolbox(&["--all-scopes"]);
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 403);
    assert_eq!(get(&format!("{}/healthz", toolbox.url)).json(), json!({"status": "ok"}));
}

#[test]
fn variables_name_state_and_instance_for_the_toolbox_too() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let state = sandbox.path().join("by-variable");
    let mut command = sandbox.command("open-cli-toolbox");
    command.arg("--config").arg(sandbox.config()).args(["--addr", "127.0.0.1:0"]);
    command.env("OPEN_CLI_STATE_DIR", &state).env("OPEN_CLI_INSTANCE_ID", "Team A");
    let mut child = open_cli_e2e::Child::start(command);
    assert!(child.line().contains("instance team-a serving"));
    assert!(state.join("instances/team-a/runtime.json").exists());
    child.signal("TERM");
    assert_eq!(child.wait().code(), Some(0));
}
