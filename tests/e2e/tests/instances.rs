//! `open-cli-toolbox instances`, against toolboxes that run, were stopped and were killed.

use open_cli_e2e::{HeldApi, OrdersApi, Sandbox, Toolbox, get, post, wait_until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// An operator at the state root of a sandbox, without any variable.
fn operate(sandbox: &Sandbox, args: &[&str]) -> Said {
    operate_with(sandbox, args, &[])
}

fn operate_with(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = sandbox.command("open-cli-toolbox");
    command.arg("instances").args(args).arg("--state-dir").arg(sandbox.state_root());
    let output = command.envs(variables.iter().copied()).output().expect("open-cli-toolbox");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code().expect("exit code"), out: text(output.stdout), err: text(output.stderr) }
}

fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    let said = operate(sandbox, &args);
    assert_eq!(said.code, 0, "{args:?}: {}", said.err);
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
}

/// Id and state of each.
fn states(sandbox: &Sandbox) -> Vec<(String, String)> {
    let listed = json_of(sandbox, &[]);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let instances = listed["instances"].as_array().expect("array").clone();
    instances.iter().map(|instance| (text(&instance["id"]), text(&instance["state"]))).collect()
}

fn state(sandbox: &Sandbox, id: &str) -> String {
    let state = states(sandbox).into_iter().find(|(found, _)| found == id);
    state.map(|(_, state)| state).unwrap_or_default()
}

fn kill(mut toolbox: Toolbox<'_>) -> String {
    toolbox.child.signal("KILL");
    toolbox.child.wait();
    toolbox.instance
}

fn call(toolbox: &Toolbox<'_>) {
    assert_eq!(toolbox.execute(&json!({"toolId": "orders:listOrders"})).status, 200);
}

#[test]
fn each_instance_is_listed_with_what_is_known_of_it() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let nothing = operate(&sandbox, &[]);
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""));
    assert!(nothing.err.contains("no instances below"), "{}", nothing.err);

    let running = sandbox.toolbox(&[]);
    call(&running);
    let named = |id: &'static str| sandbox.toolbox(&["--instance-id", id]);
    let (killed, stopped) = (kill(named("killed")), named("stopped"));
    assert_eq!(stopped.stop(), 0);

    let listed = json_of(&sandbox, &["list"]);
    assert_eq!(listed["stateRoot"], sandbox.state_root().display().to_string());
    assert_eq!(listed["complete"], true);
    let find = |id: &str| {
        let mut instances = listed["instances"].as_array().expect("array").iter();
        instances.find(|instance| instance["id"] == id).cloned().unwrap_or_else(|| panic!("{id} in {listed}"))
    };
    let instance = find(&running.instance);
    assert_eq!((&instance["state"], &instance["pid"]), (&json!("running"), &json!(running.child.pid())));
    assert_eq!((&instance["url"], &instance["version"]), (&json!(running.url), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(instance["configPath"], sandbox.config().display().to_string());
    assert_eq!(instance["stateDir"], running.state_dir.display().to_string());
    assert!(instance["uptimeSeconds"].as_u64().is_some_and(|seconds| seconds < 120), "{instance}");
    let sizes = &instance["sizes"];
    assert!(sizes["auditBytes"].as_u64() > Some(100) && sizes["cacheBytes"].as_u64() > Some(1000), "{sizes}");
    assert_eq!((sizes["complete"].as_bool(), sizes["oauthBytes"].as_u64()), (Some(true), Some(0)));
    for (id, state) in [(killed.as_str(), "stale"), ("stopped", "stopped")] {
        let instance = find(id);
        assert_eq!(instance["state"], state);
        assert_eq!(instance["configPath"], sandbox.config().display().to_string(), "also when nobody runs it");
        assert!(instance.get("uptimeSeconds").is_none());
    }

    let table = operate(&sandbox, &[]);
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", table.out);
    assert!(lines[0].starts_with("ID ") && lines[0].ends_with("CONFIG"), "{}", table.out);
    let column = |name: &str| lines[0].find(name).expect("column");
    for (id, state) in [(running.instance.as_str(), "running"), ("killed", "stale"), ("stopped", "stopped")] {
        let line = lines.iter().find(|line| line.starts_with(id)).expect("line");
        assert!(line[column("STATE")..].starts_with(state), "{}", table.out);
    }
    assert!(!table.out.contains('\u{1b}'), "no colour in a pipe");
    assert!(table.err.contains("prune"), "says what to do about stale ones: {}", table.err);
    assert_eq!(running.stop(), 0);
}

#[test]
fn one_instance_is_found_as_the_server_finds_its_own() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let named = sandbox.toolbox(&["--instance-id", "Team A"]);
    let config = sandbox.config().display().to_string();
    let other = sandbox.write("other/.cli.json", "{}").display().to_string();

    let shown = operate(&sandbox, &["show", &toolbox.instance]);
    for part in [&toolbox.instance, "running", &toolbox.url, &config, "audit.log", "Cache"] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    for args in [&["show", "team-a"][..], &["show", "TEAM.A"], &["show", "--instance-id", "Team A"]] {
        assert_eq!(json_of(&sandbox, args)["id"], "team-a", "{args:?}");
    }
    let by_variable = operate_with(&sandbox, &["list", "--format", "json"], &[("OPEN_CLI_INSTANCE_ID", "team a")]);
    let listed: Value = serde_json::from_str(&by_variable.out).expect("json");
    assert_eq!(listed["instances"].as_array().map(Vec::len), Some(1));
    assert_eq!(json_of(&sandbox, &["--config", &config])["instances"].as_array().map(Vec::len), Some(2));

    // Rows: what is asked, the exit code, and a part of the message.
    for (args, code, part) in [
        (&["show", "nobody"][..], 3, "no instance nobody"),
        (&["show", "--config", &other], 3, "other/.cli.json"),
        (&["list", "--instance-id", "nobody"], 3, "no instance nobody"),
        (&["stop", "nobody"], 3, "no instance nobody"),
        (&["prune", "--config", &other], 3, "other/.cli.json"),
        (&["show"], 2, "--instance-id or --config"),
        (&["stop"], 2, "--instance-id or --config"),
        (&["show", "--config", &config], 2, "name one"),
        (&["show", "--instance-id", "日本"], 2, "no letter"),
        (&["show", "../etc"], 3, "no instance"),
        (&["--nonsense"], 2, "--nonsense"),
        (&["stop", "team-a", "--timeout", "soon"], 2, "15s"),
        (&["stop", "team-a", "--config", &other], 1, "belongs to"),
        (&["prune", "--instance-id", "team-a", "--config", &other], 1, "belongs to"),
    ] {
        let said = operate(&sandbox, args);
        assert!(said.code == code && said.err.contains(part), "{args:?}: {} {}", said.code, said.err);
        assert_eq!(said.out, "", "{args:?}");
    }
    for instance in [toolbox, named] {
        assert_eq!(instance.stop(), 0, "none of this ended it");
    }
}

#[test]
fn stop_ends_a_runtime_in_order_and_says_so() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let mut toolbox = sandbox.toolbox(&[]);
    let stopped = json_of(&sandbox, &["stop", "--config", &sandbox.config().display().to_string()]);
    assert_eq!((&stopped["outcome"], &stopped["by"]), (&json!("stopped"), &json!("http")));
    assert_eq!(stopped["pid"], toolbox.child.pid());
    assert_eq!(toolbox.child.wait().code(), Some(0));
    assert!(!toolbox.state_dir.join("runtime.json").exists());
    let again = operate(&sandbox, &["stop", &toolbox.instance]);
    assert!(again.code == 0 && again.out.contains("does not run"), "{}{}", again.out, again.err);

    let id = kill(sandbox.toolbox(&[]));
    let stale = json_of(&sandbox, &["stop", &id]);
    assert_eq!(stale["outcome"], "notRunning");
    // The variable says which, as it does for the server.
    let named = sandbox.toolbox(&["--instance-id", "named"]);
    let said = operate_with(&sandbox, &["stop"], &[("OPEN_CLI_INSTANCE_ID", "named")]);
    assert!(said.code == 0 && said.out.contains("Stopped instance named"), "{}{}", said.out, said.err);
    drop(named);
}

#[test]
fn stop_waits_for_calls_under_way_and_no_longer_than_it_was_told() {
    let api = HeldApi::new();
    let sandbox = api.sandbox();
    let mut toolbox = sandbox.toolbox(&["--drain-timeout", "60"]);
    let url = format!("{}/v1/tools/execute", toolbox.url);
    let call = std::thread::spawn(move || post(&url, &json!({"toolId": "held:wait"})));
    let under_way = api.accept();
    let said = operate(&sandbox, &["stop", &toolbox.instance, "--timeout", "1s"]);
    let pid = toolbox.child.pid().to_string();
    assert!(said.code == 1 && said.err.contains(&pid) && said.err.contains("--drain-timeout"), "{}", said.err);
    assert!(toolbox.child.is_running(), "asked, not killed");
    HeldApi::answer(under_way);
    assert_eq!(call.join().expect("call").status, 200);
    assert_eq!(toolbox.child.wait().code(), Some(0));
    assert_eq!(state(&sandbox, &toolbox.instance), "stopped");
}

/// The address of a record may be another runtime's by now; the signal reaches the process that has the lock.
#[test]
fn stop_ends_the_right_process_when_its_address_leads_elsewhere() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let mut bystander = sandbox.toolbox(&["--instance-id", "bystander"]);
    let mut toolbox = sandbox.toolbox(&["--instance-id", "meant"]);
    let path = toolbox.state_dir.join("runtime.json");
    let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("record")).expect("json");
    record["bindAddress"] = bystander.url.trim_start_matches("http://").into();
    put(&path, &record.to_string());
    let said = operate(&sandbox, &["stop", "meant"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("another runtime") && said.err.contains("SIGTERM"), "{}", said.err);
    assert_eq!(toolbox.child.wait().code(), Some(0));
    assert!(bystander.child.is_running());
    assert_eq!(state(&sandbox, "bystander"), "running");
}

fn put(path: &Path, text: &str) {
    let mut file = std::fs::File::create(path).expect("create");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("write");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn prune_removes_the_dead_and_keeps_their_audit_logs() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let start = |id: &'static str| {
        let toolbox = sandbox.toolbox(&["--instance-id", id]);
        call(&toolbox);
        toolbox
    };
    let running = start("running");
    let (stale, stopped) = (start("stale"), start("stopped"));
    let folders: Vec<PathBuf> = [&stale, &stopped].map(|toolbox| toolbox.state_dir.clone()).into();
    kill(stale);
    assert_eq!(stopped.stop(), 0);
    let root = sandbox.state_root();
    let caches = |id: &str| root.join("cache/instances").join(id).join("http");
    let audit: Vec<String> = folders.iter().map(|folder| read(&folder.join("audit.log"))).collect();

    for args in [&["prune", "--dry-run"][..], &["prune", "--older-than", "7d"]] {
        let before: Vec<_> = folders.iter().map(|folder| files(folder)).collect();
        let report = json_of(&sandbox, args);
        let outcomes: Vec<&str> = outcomes(&report);
        let expected = if args.contains(&"--dry-run") { "wouldRemove" } else { "kept" };
        assert_eq!(outcomes, ["kept", expected, expected], "{report}");
        assert_eq!(
            before,
            folders.iter().map(|folder| files(folder)).collect::<Vec<_>>(),
            "{args:?} changes nothing"
        );
    }

    let report = json_of(&sandbox, &["prune"]);
    assert_eq!(outcomes(&report), ["kept", "removed", "removed"], "{report}");
    assert!(report["instances"][0]["reason"].as_str().expect("reason").contains("it runs"));
    assert!(report["removedBytes"].as_u64() > Some(1000), "the cache: {report}");
    for (folder, audit) in folders.iter().zip(&audit) {
        assert_eq!(&read(&folder.join("audit.log")), audit);
        let left = files(folder);
        let is_kept =
            |name: &String| name.starts_with("audit.log") || ["instance.json", "lock"].contains(&name.as_str());
        assert!(left.iter().all(is_kept), "everything else is known and gone: {left:?}");
    }
    assert!(!caches("stale").exists() && caches("running").exists());
    call(&running);
    assert_eq!(state(&sandbox, "stale"), "stopped");

    let table = operate(&sandbox, &["prune"]);
    assert!(table.code == 0 && table.out.contains("--with-audit"), "{}", table.out);
    // The log goes on where it was.
    let again = start("stale");
    assert!(read(&again.state_dir.join("audit.log")).starts_with(&audit[0]));
    assert_eq!(again.stop(), 0);

    let report = json_of(&sandbox, &["prune", "--with-audit"]);
    assert_eq!(outcomes(&report), ["kept", "removed", "removed"], "{report}");
    assert_eq!(files(&root.join("instances")), ["running"]);
    call(&running);
    assert_eq!(running.stop(), 0);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn outcomes(report: &Value) -> Vec<&str> {
    let instances = report["instances"].as_array().expect("array");
    instances.iter().map(|pruned| pruned["outcome"].as_str().expect("outcome")).collect()
}

/// A runtime of the reference takes no lock, and a folder may be anybody's.
#[test]
fn what_is_not_ours_is_shown_and_never_touched() {
    let sandbox = Sandbox::new();
    let mut elsewhere = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
    let record = json!({"instanceId": "go", "url": "http://127.0.0.1:1", "pid": elsewhere.id()});
    let kept = [
        sandbox.write("state/instances/go/runtime.json", &record.to_string()),
        sandbox.write("state/instances/notes/todo.txt", "milk"),
        sandbox.write("state/instances/torn/runtime.json", "{\"instanceId\":"),
    ];
    assert!(states(&sandbox).iter().all(|(_, state)| state == "foreign"), "{:?}", states(&sandbox));
    let table = operate(&sandbox, &[]);
    assert!(table.err.contains("without a lock") && table.err.contains("notes is foreign"), "{}", table.err);
    let stop = operate(&sandbox, &["stop", "go"]);
    assert!(stop.code == 1 && stop.err.contains("left alone"), "{}", stop.err);
    assert!(elsewhere.try_wait().expect("status").is_none());
    assert_eq!(outcomes(&json_of(&sandbox, &["prune", "--with-audit"])), ["kept"; 3]);
    assert!(kept.iter().all(|path| path.exists()));

    elsewhere.kill().expect("killed");
    elsewhere.wait().expect("ended");
    assert_eq!(state(&sandbox, "go"), "stale");
    assert_eq!(json_of(&sandbox, &["prune"])["instances"][0]["outcome"], "removed");
    assert!(!kept[0].exists() && kept[1].exists() && kept[2].exists());
}

/// Weaknesses 25 and 26.
#[test]
fn an_id_of_another_configuration_and_one_that_names_nothing_are_refused() {
    let api = OrdersApi::start();
    let (sandbox, other) = (Sandbox::of_orders(&api.url), Sandbox::of_orders(&api.url));
    let root = sandbox.state_root().display().to_string();
    let refused = |flags: &[&str]| {
        let mut command = other.toolbox_command(&["--state-dir", &root]);
        let output = command.args(flags).output().expect("open-cli-toolbox");
        (output.status.code().expect("exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mine = sandbox.toolbox(&["--instance-id", "Team A"]);
    for is_running in [true, false] {
        for id in ["team-a", "TEAM_A", "team.a"] {
            let (code, message) = refused(&["--instance-id", id]);
            assert_eq!(code, 1, "{message}");
            for part in [&*sandbox.config().to_string_lossy(), &other.config().to_string_lossy(), "--instance-id"]
            {
                assert!(message.contains(part), "{id}, running: {is_running}: {message}");
            }
        }
        if is_running {
            assert_eq!(json_of(&sandbox, &["stop", "team-a"])["outcome"], "stopped");
        }
    }
    drop(mine);
    for id in ["--instance-id=--", "--instance-id=日本"] {
        let (code, message) = refused(&[id]);
        assert!(code == 1 && message.contains("no letter"), "{message}");
    }
    assert_eq!(files(&sandbox.state_root().join("instances")), ["team-a"], "nothing was made for those");
}

/// Weakness 39.
#[test]
fn a_wildcard_is_advertised_so_that_it_can_be_dialled_and_a_flag_overrides_that() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let record = |toolbox: &Toolbox<'_>| -> Value {
        serde_json::from_str(&read(&toolbox.state_dir.join("runtime.json"))).expect("json")
    };
    let wildcard = sandbox.toolbox(&["--addr", "0.0.0.0:0"]);
    assert!(wildcard.url.starts_with("http://127.0.0.1:"), "{}", wildcard.url);
    assert_eq!(get(&format!("{}/healthz", wildcard.url)).status, 200);
    assert!(record(&wildcard)["bindAddress"].as_str().expect("address").starts_with("0.0.0.0:"));
    assert_eq!(wildcard.stop(), 0);

    let flags = ["--addr", "127.0.0.1:0", "--advertise-url", "https://tools.example/runtime/"];
    let mut advertised = sandbox.toolbox(&flags);
    assert_eq!(advertised.url, "https://tools.example/runtime");
    let record = record(&advertised);
    assert_eq!(record["url"], advertised.url);
    let local = format!("http://{}", record["bindAddress"].as_str().expect("address"));
    assert_eq!(get(&format!("{local}/v1/runtime/info")).json()["url"], advertised.url);
    // Ended on the address it listens on, not on the one it advertises.
    let stopped = json_of(&sandbox, &["stop", &advertised.instance]);
    assert_eq!(stopped["by"], "http");
    assert_eq!(advertised.child.wait().code(), Some(0));

    for (url, part) in [
        ("tools.example", "absolute"),
        ("https://me:secret@tools.example", "password"),
        ("https://tools.example/?a=b", "query"),
        ("ftp://tools.example", "http or https"),
    ] {
        let output = sandbox.toolbox_command(&["--advertise-url", url]).output().expect("open-cli-toolbox");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(
            message.contains("--advertise-url") && message.contains(part) && !message.contains("secret"),
            "{message}"
        );
    }
}

#[test]
fn the_server_is_started_as_ever_and_a_command_comes_first() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    for args in [&["instances"][..], &["nonsense"]] {
        let output = sandbox.toolbox_command(args).output().expect("open-cli-toolbox");
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut child = open_cli_e2e::Child::start(sandbox.toolbox_command(&[]));
    assert!(child.line().starts_with("open-cli-toolbox instance "));
    wait_until("it is listed", || states(&sandbox).iter().any(|(_, state)| state == "running"));
    for args in [&["--help"][..], &["instances", "--help"], &["help", "instances", "prune"]] {
        let output = sandbox.command("open-cli-toolbox").args(args).output().expect("open-cli-toolbox");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("Exit codes: 0 "), "{args:?}: {text}");
    }
    let started = std::time::Instant::now();
    assert_eq!(operate(&sandbox, &[]).code, 0);
    assert!(started.elapsed() < Duration::from_secs(10), "a look at files takes no time");
}
