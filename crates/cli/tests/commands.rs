//! Built-in commands of the built client: lists, reports, help, `init`, completion.

#![allow(clippy::unwrap_used, reason = "a test that can not go on may fail here")]

mod support;

use std::process::Stdio;
use support::{Answer, Client, Request, SHELF, Stub, json as answer, text};

const INFO: &str = r#"{"contractVersion":"1.1","capabilities":["catalog","execute"],"instanceId":"shelf","version":"9.9.9",
    "auth":{"required":true,"audience":"open-cli-toolbox","browserLogin":{"configured":false}},
    "catalog":{"ready":true,"degraded":false,"services":1,"tools":7,"errors":0}}"#;
const SPAN: &str = r#"{"name":"runtime.tools.execute","kind":"server","attributes":{"requestId":"r-9",
    "tool.id":"shelf:ping","http.response.status_code":200},"startedAt":"2026-01-31T08:00:00.000Z",
    "finishedAt":"2026-01-31T08:00:00.012Z","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}"#;
const SUMMARY: &str = r#"{"name":"runtime.tools.execute","requestId":"r-9","toolId":"shelf:ping","serviceId":"shelf",
    "startedAt":"2026-01-31T08:00:00.000Z","durationMs":12.0,"status":"ok","spans":1,
    "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}"#;

fn runtime() -> Stub {
    Stub::start(answer_of)
}

fn answer_of(request: &Request) -> Answer {
    match (request.method.as_str(), request.path()) {
        ("GET", "/v1/catalog/effective") => {
            answer(200, &SHELF.replacen("\"tools\": [],", &format!("\"tools\": {},", tools()), 1))
        }
        ("GET", "/v1/runtime/info") => answer(200, INFO),
        ("GET" | "POST", "/v1/runtime/log") => {
            let filter = if request.method == "POST" { request.json()["filter"].clone() } else { "info".into() };
            answer(200, &serde_json::json!({ "filter": filter }).to_string())
        }
        ("POST", "/v1/runtime/stop") => answer(200, r#"{"stopped":true}"#),
        ("POST", "/v1/refresh") => answer(
            200,
            r#"{"refreshedAt":"2026-01-31T08:00:00Z","sources":[{"id":"shelfSource","uri":"https://h/x.json","cacheOutcome":"revalidated_hit","statusCode":304}]}"#,
        ),
        ("GET", "/v1/audit/events") => answer(
            200,
            r#"[
            {"timestamp":"2026-01-31T08:00:01Z","eventType":"tool_execution","toolId":"shelf:ping","decision":"allowed","reasonCode":"allowed","statusCode":200,"latencyMs":3,"requestId":"r-1"},
            {"timestamp":"2026-01-31T08:00:00Z","eventType":"authz_denial","toolId":"shelf:addBook","decision":"denied","reasonCode":"approval_required","requestId":"r-0"}]"#,
        ),
        ("GET", "/v1/traces") => answer(200, &format!("[{SUMMARY}]")),
        ("GET", "/v1/traces/r-9") => {
            answer(200, &format!(r#"{{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spans":[{SPAN}]}}"#))
        }
        ("GET", _) => {
            answer(404, r#"{"code":"trace_not_found","title":"No recent request has this id","status":404}"#)
        }
        _ => text(404, "not_found"),
    }
}

fn tools() -> String {
    let value: serde_json::Value = serde_json::from_str(SHELF).unwrap();
    value["view"]["tools"].to_string()
}

#[test]
fn lists_and_reports_are_tables_for_people() {
    let stub = runtime();
    let client = Client::of(&stub);
    for (name, line) in [
        ("catalog_list", "catalog list"),
        ("catalog_list_destructive", "catalog list --safety destructive --service shelf --group books"),
        ("search", "search book"),
        ("audit_list", "audit list"),
        ("audit_denied", "audit --decision denied"),
        ("audit_show", "audit show r-1"),
        ("runtime_log", "runtime log"),
        ("runtime_log_set", "runtime log info,open_cli_catalog=debug"),
        ("trace_list", "trace list"),
        ("trace_last", "trace last"),
        ("refresh", "refresh"),
        ("runtime_info", "runtime info"),
        ("runtime_stop", "runtime stop"),
        ("explain", "explain shelf books get_book"),
        ("root_help", "help"),
        ("service_help", "shelf"),
        ("group_help", "shelf books --help"),
        ("audit_help", "help audit"),
        ("audit_export_help", "help audit export"),
        ("trace_help", "trace --help"),
        ("trace_list_help", "help trace list"),
    ] {
        let ran = client.line(&format!("{line} --format table"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}");
        insta::assert_snapshot!(name, client.stable(&ran.out, &stub));
    }
    let status = client.line("status --format table").out;
    let status: Vec<&str> = status.lines().filter(|line| !line.starts_with("Runtime:")).collect();
    insta::assert_snapshot!("status", client.stable(&status.join("\n"), &stub));
}

#[test]
fn lists_and_reports_are_json_for_programs() {
    let stub = runtime();
    let client = Client::of(&stub);
    let json = |line: &str| -> serde_json::Value {
        let ran = client.line(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    };
    let listed = json("catalog list --safety read-only");
    assert_eq!(listed["view"]["tools"].as_array().unwrap().len(), 4);
    assert!(listed.get("catalog").is_none());
    assert_eq!(json("catalog list --full --group books")["catalog"]["tools"].as_array().unwrap().len(), 7);
    let nope = client.line("catalog list --group boks");
    assert!(nope.code == 2 && nope.err.contains("Did you mean `books`?"), "{}", nope.err);
    let joined = client.run(&["explain", "shelf books get-book"]);
    assert_eq!((joined.code, joined.out), (0, client.line("explain shelf books get-book").out));
    assert_eq!(json("search delete")["view"]["tools"][0]["id"], "shelf:deleteBook");
    assert_eq!(json("search zebra")["view"]["tools"], serde_json::json!([]));
    assert_eq!(json("tool schema shelf:getBook")["details"]["parameters"][0]["schema"]["minimum"], 1);
    let explained = json("explain shelf:addBook");
    assert_eq!((&explained["approvalRequired"], &explained["approvalStatus"]), (&true.into(), &"required".into()));
    assert_eq!(explained["authAlternatives"].as_array().unwrap().len(), 2);
    assert_eq!(json("audit list --tool shelf:ping")[0]["requestId"], "r-1");
    assert_eq!(json("audit list --limit 1").as_array().unwrap().len(), 1);
    assert_eq!(json("trace r-9")["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(json("trace r-9")["spans"].as_array().unwrap().len(), 1);
    assert_eq!(json("runtime log debug")["filter"], "debug");
    let status = json("status");
    assert_eq!(status["runtime"]["version"], "9.9.9");
    assert_eq!(status["auth"]["required"], true);
    assert_eq!(status["approval"]["status"], "required");
    assert!(status["config"].as_object().unwrap().contains_key("activePath"));
    assert_eq!(client.line("trace nope").code, 1);
}

#[test]
fn status_names_what_is_wrong_and_invents_nothing() {
    let stub = Stub::start(|request| {
        let mut value: serde_json::Value = serde_json::from_str(SHELF).unwrap();
        let fault = |severity: &str, number: usize| {
            serde_json::json!({"severity": severity, "code": "operation_invalid", "source": "shelf",
                "pointer": format!("/paths/{number}"), "message": "It is broken."})
        };
        let errors = (0..11).map(|number| fault("error", number));
        value["catalog"]["diagnostics"] = errors.chain([fault("note", 99)]).collect();
        value["catalog"]["sources"] = serde_json::json!([{"id": "shelfSource", "type": "openapi", "uri": "x",
            "provenance": {"method": "explicit", "at": "2026-01-31T08:00:00Z"}}]);
        match request.path() {
            "/v1/runtime/info" => answer(
                200,
                r#"{"contractVersion":"1.1","instanceId":"shelf","stateDir":"/srv/state","version":"1",
                "catalog":{"services":1,"tools":7,"errors":11,"warnings":2,"degraded":true,"faults":["shelf.yaml:3: oops"]}}"#,
            ),
            _ => answer(200, &value.to_string()),
        }
    });
    let client = Client::of(&stub);
    let ran = client.line("status --format table");
    let status: Vec<&str> = ran.out.lines().filter(|line| !line.starts_with("Runtime:")).collect();
    insta::assert_snapshot!("status_faults", status.join("\n"));
    let json: serde_json::Value = serde_json::from_str(&client.line("status").out).unwrap();
    assert_eq!((json["diagnostics"].as_array().unwrap().len(), &json["sources"]["totalActive"]), (12, &1.into()));
    assert!(client.line("catalog list").err.contains("11 errors left something out"));
    assert!(client.line("catalog list").err.contains("`open-cli status`"));
}

#[test]
fn a_curated_view_that_admits_nothing_is_a_refusal() {
    let stub = Stub::start(|_| {
        let mut value: serde_json::Value = serde_json::from_str(SHELF).unwrap();
        value["view"] = serde_json::json!({"name": "curated", "mode": "curated", "tools": []});
        answer(200, &value.to_string())
    });
    for line in ["catalog list", "search book", "shelf ping"] {
        let ran = Client::of(&stub).line(&format!("{line} --mode curated"));
        assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{line}: {}", ran.err);
        assert!(ran.err.contains("admits no tool") && ran.err.contains("--agent-profile"), "{}", ran.err);
    }
}

#[test]
fn a_tool_outside_the_view_can_be_looked_at() {
    let stub = Stub::start(|request| {
        let mut value: serde_json::Value = serde_json::from_str(SHELF).unwrap();
        value["catalog"]["tools"] = value["view"]["tools"].take();
        value["view"]["tools"] = serde_json::Value::Null;
        if request.query("shape").is_some() {
            value["catalog"]["tools"] = serde_json::json!([]);
        }
        answer(200, &value.to_string())
    });
    let client = Client::of(&stub);
    assert_eq!(client.line("tool schema shelf books get-book").code, 0);
    let ran = client.line("call shelf:getBook 7");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("leaves it out"), "{}", ran.err);
}

/// §13; W56, W58, W59.
#[test]
fn init_writes_a_configuration_that_the_next_command_accepts() {
    let spec = "openapi: 3.1.0\ninfo: {title: Orders, version: '1'}\npaths:\n  /o:\n    get: {tags: [orders], responses: {}}\n\
                servers: [{url: /v1}]\ncomponents: {securitySchemes: {key: {type: apiKey, in: header, name: K}}}\n";
    let client = Client::default();
    client.write("specs/orders.yaml", spec);
    let ran = client.line("init specs/orders.yaml");
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!("init", ran.out.replace(client.folder.path().to_str().unwrap(), "/here"));
    let written: serde_json::Value = serde_json::from_str(&client.read(".cli.json")).unwrap();
    assert_eq!(written["sources"]["ordersSource"]["uri"], "./specs/orders.yaml");
    assert_eq!(written["runtime"]["remote"]["url"], "http://127.0.0.1:8765");
    assert_eq!(client.line("status").code, 0);

    let again = client.line("init specs/orders.yaml");
    assert_eq!(again.code, 1);
    assert!(again.err.contains("exists already") && again.err.contains("--force"), "{}", again.err);
    let forced = client.line("init specs/orders.yaml --force --name Billing --runtime http://h:1/");
    assert_eq!(forced.code, 0, "{}", forced.err);
    assert!(
        client.read(".cli.json").contains("billingSource") && client.read(".cli.json").contains("http://h:1\"")
    );

    let by_url = client.line(&format!("init file://{}/specs/orders.yaml --force", client.folder.path().display()));
    assert_eq!(by_url.code, 0, "{}", by_url.err);
    assert!(client.read(".cli.json").contains("./specs/orders.yaml"));
    let other = client.line("init ftp://h/orders.yaml --force");
    assert!(other.code == 2 && other.err.contains("`ftp` is not supported"), "{}", other.err);

    assert_eq!(client.line("init specs/orders.yaml --global").code, 0);
    let global = client.read("home/.config/open-cli/.cli.json");
    assert!(global.contains(&format!("{}/specs/orders.yaml", client.folder.path().display())), "{global}");
}

#[test]
fn init_downloads_and_says_why_it_can_not() {
    let spec = r#"{"swagger":"2.0","info":{"title":"Pet API"},"paths":{"/p":{"get":{},"post":{}}}}"#;
    let stub = Stub::start(move |request| match request.path() {
        "/openapi.json" => answer(200, spec),
        "/page.html" => text(200, "<html>"),
        _ => text(404, "gone"),
    });
    let client = Client::default();
    let ran = client.line(&format!("init {}/openapi.json", stub.url));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("Found 2 tools") && client.read(".cli.json").contains("petSource"), "{}", ran.out);
    for (source, parts) in [
        (format!("{}/nope", stub.url), &["Cannot fetch spec", "status 404"][..]),
        (format!("{}/page.html", stub.url), &["not an OpenAPI description"]),
        ("missing.yaml".into(), &["missing.yaml", "can't be read"]),
        ("home/..".into(), &["folder"]),
    ] {
        client.write("home/x", "");
        let ran = client.run(&["init", &source, "--force"]);
        assert_eq!(ran.code, 1, "{source}");
        assert!(parts.iter().all(|part| ran.err.contains(part)), "{source}: {}", ran.err);
    }
}

#[test]
fn completion_knows_words_flags_and_values() {
    let stub = runtime();
    let client = Client::of(&stub);
    let offer = |words: &[&str]| -> Vec<String> {
        let ran = client.run(&[&["__complete", "--"], words].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words:?}");
        ran.out.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(offer(&["s"]), ["search", "shelf", "status"]);
    assert_eq!(offer(&["catalog", ""]), ["diff", "export", "list"]);
    assert_eq!(offer(&["shelf", ""]), ["books", "gift-cards", "ping"]);
    assert_eq!(offer(&["shelf", "books", ""]), ["add-book", "delete-book", "get-book", "list-books"]);
    assert_eq!(offer(&["shelf", "books", "list-books", "--s"]), ["--sort", "--state-dir"]);
    assert_eq!(offer(&["shelf", "books", "list-books", "--sort", ""]), ["asc", "desc"]);
    assert_eq!(offer(&["shelf", "books", "add-book", "--notify=t"]), ["--notify=true"]);
    assert_eq!(offer(&["--format", ""]), ["json", "pretty", "table", "yaml"]);
    assert_eq!(offer(&["catalog", "list", "--format=y"]), ["--format=yaml"]);
    assert_eq!(offer(&["catalog", "list", "--safety", "read"]), ["read-only"]);
    assert_eq!(offer(&["catalog", "list", "--service", ""]), ["shelf"]);
    assert_eq!(offer(&["completion", "b"]), ["bash"]);
    assert_eq!(offer(&["shelf", "--", ""]), [""; 0]);
    let offline = Client::default().run(&["__complete", "--", "shelf", ""]);
    assert_eq!((offline.code, offline.out.as_str(), offline.err.as_str()), (0, "", ""));
}

/// In a real bash, the way it calls the function on TAB.
#[test]
fn the_bash_script_completes_in_bash() {
    let stub = runtime();
    let client = Client::of(&stub);
    let program = env!("CARGO_BIN_EXE_open-cli");
    let folder = std::path::Path::new(program).parent().unwrap().to_str().unwrap().to_owned();
    let script = format!(
        r#"PATH="{folder}:$PATH"; source <(open-cli completion bash); complete -p open-cli
           try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _open_cli; echo "${{COMPREPLY[*]}}"; }}
           try open-cli sta; try open-cli shelf books get; try open-cli --format = ya; try open-cli --format =
           try open-cli svc : sh; try open-cli shelf books list-books --sort "" "#
    );
    let bash = |script: &str| {
        let mut command = std::process::Command::new("bash");
        command.args(["--norc", "-c", script]).env("OPEN_CLI_RUNTIME_URL", &stub.url).stdin(Stdio::null());
        command.env("HOME", client.folder.path()).current_dir(client.folder.path()).output()
    };
    let Ok(output) = bash(&script) else {
        println!("skipped: no bash");
        return;
    };
    let lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            "complete -o default -F _open_cli open-cli",
            "status",
            "get-book",
            "yaml",
            "json pretty table yaml",
            "",
            "asc desc"
        ],
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_shell_has_a_script() {
    let client = Client::default();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = client.line(&format!("completion {shell}"));
        assert!(ran.code == 0 && ran.out.contains("__complete"), "{shell}");
    }
    assert_eq!(client.line("completion tcsh").code, 2);
}

#[test]
fn the_list_of_traces_shows_refusals_and_leaves_reads_out_unless_asked() {
    let stub = Stub::start(|_| {
        let read = SUMMARY.replace("runtime.tools.execute", "runtime.catalog").replace("r-9", "r-8");
        let refused = SUMMARY
            .replace("\"status\":\"ok\"", "\"status\":\"refused\",\"error\":\"approval_required\"")
            .replace("r-9", "r-7");
        answer(200, &format!("[{read},{refused}]"))
    });
    let list = |more: &str| Client::of(&stub).line(&format!("trace list --format table{more}")).out;
    assert!(list("").contains("refused: approval_required") && !list("").contains("r-8"), "{}", list(""));
    assert!(list(" --all").contains("r-8"));
    let errors = list(" --errors --all");
    assert!(errors.contains("r-7") && !errors.contains("r-8"), "{errors}");
}
