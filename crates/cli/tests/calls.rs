//! Dynamic commands of the built client against a small real server that plays the runtime.

#![allow(clippy::unwrap_used, reason = "a test that can not go on may fail here")]

mod support;

use serde_json::json;
use std::io::Read;
use std::process::Stdio;
use support::{Client, Stub, json as answer, text};

const ADD: [&str; 3] = ["shelf", "books", "add-book"];

#[test]
fn a_command_costs_two_requests_on_one_connection() {
    let stub = Stub::shelf(|_| answer(200, r#"{"statusCode":200,"body":{"b": 1.10,"a":[]}}"#));
    let client = Client::of(&stub);
    let ran = client.line("shelf books get-book 7 --lang en --format json");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "{\"b\": 1.10,\"a\":[]}\n", ""));
    let requests = stub.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].connection, requests[1].connection);

    let catalog = &requests[0];
    assert_eq!((catalog.method.as_str(), catalog.path()), ("GET", "/v1/catalog/effective"));
    let query = |name| catalog.query(name);
    assert_eq!(query("words").as_deref(), Some("shelf books get-book"));
    assert_eq!((query("shape").as_deref(), query("detail").as_deref()), (Some("slice"), Some("full")));
    assert_eq!((query("config"), query("mode"), query("agentProfile")), (None, None, None));
    assert_eq!(catalog.header("accept"), Some("application/json, application/problem+json"));
    assert_eq!(catalog.header("user-agent"), Some(concat!("open-cli/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(catalog.header("authorization"), None);

    let call = &requests[1];
    assert_eq!((call.method.as_str(), call.target.as_str()), ("POST", "/v1/tools/execute"));
    assert_eq!(
        call.json(),
        json!({"configPath": "", "toolId": "shelf:getBook", "pathArgs": ["7"], "flags": {"lang": "en"}})
    );
    assert!(call.header("traceparent").is_some_and(|value| value.len() == 55 && value.starts_with("00-")));
    assert!(call.header("x-request-id") != catalog.header("x-request-id"));
}

/// W5, 6.1.
#[test]
fn bodies_approval_mode_and_profile_reach_the_runtime() {
    let stub = Stub::shelf(|_| answer(200, r#"{"statusCode":201,"text":"made"}"#));
    let client = Client::of(&stub);
    let more = ["--body", "{\"title\":\"x\"}", "--approval", "--mode=curated", "--agent-profile", "bot"];
    let ran = client.run(&[&ADD[..], &more].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "made\n"));
    assert_eq!(
        stub.executed(),
        [json!({"configPath": "", "mode": "curated", "agentProfile": "bot", "toolId": "shelf:addBook",
                "body": "eyJ0aXRsZSI6IngifQ==", "approval": true})]
    );
    assert_eq!(stub.requests()[0].query("agentProfile").as_deref(), Some("bot"));

    let ran = client.with_stdin(&[&ADD[..], &["--body", "-"]].concat(), b"[1]\n");
    assert_eq!(ran.code, 0);
    assert_eq!(stub.executed()[1]["body"], "WzFdCg==");
}

#[test]
fn faults_of_the_command_line_are_found_before_anything_is_called() {
    let stub = Stub::shelf(|_| answer(200, "{}"));
    let client = Client::of(&stub);
    for (line, parts) in [
        ("shelf books get-book", &["<book-id> is missing", "get-book <book-id>"][..]),
        ("shelf books get-book 1 2", &["\"2\" is one argument too many"]),
        ("shelf books get-book x", &["<book-id>", "\"x\"", "whole number"]),
        ("shelf books list-books", &["`--page-size` is missing"]),
        ("shelf books list-books --page-size ten", &["--page-size", "\"ten\"", "whole number"]),
        ("shelf books list-books --page-size 1 --sort up", &["--sort", "asc, desc"]),
        ("shelf books list-books --page-siz 1", &["Unknown flag `--page-siz`", "Did you mean `--page-size`?"]),
        ("shelf books list-books --page-size 1 --tags --dry-run", &["`--tags=--dry-run`"]),
        ("shelf books list-books --page-size 1 --tags --sort asc", &["`--tags=--sort`"]),
        ("shelf books get-book 1 --body {}", &["takes no body"]),
        ("shelf -- books", &["\"books\"", "before `--`"]),
        ("catalog -- lst", &["Unknown command `catalog lst`"]),
        ("-x", &["Unknown flag `-x`", "short flags"]),
        ("shelf books add-book --body=", &["`--body` is empty"]),
        ("shelf books add-book", &["`--body` is missing"]),
        ("shelf books add-book --body {", &["not valid JSON"]),
        ("shelf books gett", &["Unknown command `shelf books gett`", "open-cli shelf books get-book"]),
        ("shelf boks", &["Did you mean `open-cli shelf books`?"]),
        ("shlef books", &["Unknown command `shlef`", "Did you mean `open-cli shelf`?", "Services: shelf"]),
        ("catlog list", &["Did you mean `open-cli catalog`?"]),
        ("catalog lst", &["Unknown command `catalog lst`", "open-cli catalog list"]),
        ("approvals list", &["reserved", "svc:approvals"]),
        ("workflow rum", &["Unknown command `workflow rum`", "Did you mean `open-cli workflow run`?"]),
        ("call shelf:getBok 1", &["Did you mean `shelf:getBook`?"]),
        ("tool schema shelf:nope", &["There is no tool"]),
        ("catalog list --service nope", &["There is no service \"nope\""]),
        ("help catalg", &["Unknown command `catalg`"]),
    ] {
        let ran = client.line(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}: {}", ran.err);
        for part in parts {
            assert!(ran.err.contains(part), "{line}: {part}: {}", ran.err);
        }
        assert!(ran.err.starts_with("Error: ") && ran.err.contains("\n\nSuggestion: "), "{line}: {}", ran.err);
    }
    assert!(stub.executed().is_empty());
}

/// Deviation 12.
#[test]
fn the_exit_code_says_who_refused() {
    for (status, body, code) in [
        (403, "approval_required\n", 6),
        (403, "managed_deny", 6),
        (403, "policy_deny rule shelf:*", 6),
        (403, "curated_deny", 6),
        (403, "authz_denied", 3),
        (401, "authn_failed", 3),
        (404, "tool not found", 2),
        (502, "dial tcp: connection refused", 8),
        (504, r#"{"code":"upstream_timeout"}"#, 8),
        (400, r#"{"code":"config_invalid","detail":"x"}"#, 9),
        (500, "", 1),
        (413, r#"{"code":"request_too_large"}"#, 1),
        (200, r#"{"statusCode":404,"body":{"e":1}}"#, 4),
        (200, r#"{"statusCode":500,"text":"oops"}"#, 5),
        (200, r#"{"statusCode":302,"text":"there"}"#, 0),
        (200, "no json", 7),
    ] {
        let stub = Stub::shelf(move |_| answer(status, body));
        let ran = Client::of(&stub).line("shelf books get-book 7");
        assert_eq!(ran.code, code, "{status} {body}: {}", ran.err);
        assert_eq!(stub.executed().len(), 1, "a call is never repeated");
    }
}

#[test]
fn an_answer_of_400_and_above_is_printed_and_no_fail_makes_it_a_success() {
    let stub =
        Stub::shelf(|_| answer(200, r#"{"statusCode":404,"body":{"e": 1},"contentType":"application/json"}"#));
    let client = Client::of(&stub);
    let ran = client.line("shelf books get-book 7");
    assert_eq!((ran.code, ran.out.as_str()), (4, "{\"e\": 1}\n"));
    insta::assert_snapshot!(client.stable(&ran.err, &stub));
    let ran = client.line("shelf books get-book 7 --no-fail --include");
    let wrapped = "{\"statusCode\":404,\"body\":{\"e\": 1},\"contentType\":\"application/json\"}\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, wrapped, ""));
}

#[test]
fn an_answer_that_is_not_the_json_it_claims_to_be_is_printed_and_an_error() {
    let body =
        r#"{"statusCode":200,"text":"<p>","contentType":"application/json","errorCode":"upstream_invalid_json"}"#;
    let stub = Stub::shelf(move |_| answer(200, body));
    let client = Client::of(&stub);
    for line in ["shelf books get-book 7", "shelf books get-book 7 --no-fail"] {
        let ran = client.line(line);
        assert_eq!((ran.code, ran.out.as_str()), (8, "<p>\n"), "{}", ran.err);
        assert!(ran.err.contains("not valid JSON") && ran.err.contains("Suggestion:"), "{}", ran.err);
        assert!(ran.err.contains("open-cli trace "), "{}", ran.err);
    }
    let ran = client.line("shelf books get-book 7 --format json");
    assert!(ran.err.contains(r#""code":"upstream_invalid_json""#), "{}", ran.err);
}

/// W65.
#[test]
fn a_tool_that_says_that_it_failed_is_an_error_and_its_answer_is_printed() {
    let body = r#"{"statusCode":200,"body":{"content":[],"isError":true},"contentType":"application/json","errorCode":"mcp_tool_error"}"#;
    let stub = Stub::shelf(move |_| answer(200, body));
    let client = Client::of(&stub);
    let printed = "{\"content\":[],\"isError\":true}\n";
    let ran = client.line("shelf books get-book 7");
    assert_eq!((ran.code, ran.out.as_str()), (5, printed), "{}", ran.err);
    assert!(ran.err.contains("The tool says that it failed") && ran.err.contains("--no-fail"), "{}", ran.err);
    let ran = client.line("shelf books get-book 7 --no-fail");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, printed, ""));
}

#[test]
fn another_server_is_not_taken_for_a_runtime() {
    for (status, body) in [
        (404, "<html>nope"),
        (404, "nope"),
        (404, r#"{"detail":"Not Found"}"#),
        (200, "<html>hello"),
        (500, "<h1>oops</h1>"),
    ] {
        let stub = Stub::start(move |_| text(status, body));
        for line in ["shelf ping", "status --check"] {
            let ran = Client::of(&stub).line(line);
            assert_eq!(ran.code, 7, "{line} {status} {body}: {}", ran.err);
            let shown = ran.err.contains("is not an open-cli runtime") && !ran.err.contains("open-cli trace");
            assert!(shown, "{line} {status} {body}: {}", ran.err);
        }
    }
    let stub = Stub::start(|_| answer(200, r#"{"hello":"world"}"#));
    let ran = Client::of(&stub).line("status --check");
    assert!(ran.code == 7 && ran.err.contains("is not an open-cli runtime"), "{}", ran.err);
}

#[test]
fn refusals_are_explained_to_people_and_programs() {
    let problem = r#"{"type":"urn:open-cli:error:approval_required","title":"The tool needs an approval","status":403,
        "detail":"shelf:addBook requires it.","code":"approval_required","requestId":"r-1"}"#;
    let stub = Stub::shelf(move |_| answer(403, problem));
    let client = Client::of(&stub);
    let line = [&ADD[..], &["--body", "{}"]].concat();
    for (name, more) in
        [("refusal_text", &[][..]), ("refusal_json", &["--format", "json"]), ("refusal_yaml", &["--format=yaml"])]
    {
        let said = client.run(&[&line[..], more].concat()).err;
        // YAML quotes an id that looks like a number.
        let said = client.stable(&said, &stub).replace("traceId: \"TRACE\"", "traceId: TRACE");
        insta::assert_snapshot!(name, said);
    }
    let usage = client.line("shelf books nope --format json");
    insta::assert_snapshot!("usage_json", usage.err);
    let unparsed = client.line("status --format json --nope");
    assert!(unparsed.err.starts_with("{\"error\":{\"code\":\"usage\""), "{}", unparsed.err);
}

#[test]
fn results_have_every_format() {
    let stub = Stub::shelf(|_| {
        answer(200, r#"{"statusCode":200,"body":[{"id":1,"title":"A","x":null},{"id":2,"title":"B"}]}"#)
    });
    let client = Client::of(&stub);
    let line = "shelf books list-books --page-size 2 --format";
    let show = |format: &str| client.line(&format!("{line} {format}")).out;
    assert_eq!(show("json"), "[{\"id\":1,\"title\":\"A\",\"x\":null},{\"id\":2,\"title\":\"B\"}]\n");
    assert_eq!(show("table"), "ID  TITLE\n1   A\n2   B\n");
    assert_eq!(show("yaml"), "- id: 1\n  title: A\n  x: null\n- id: 2\n  title: B\n");
    assert_eq!(show("pretty").lines().count(), 11);
}

/// O1, O2, W26.
#[test]
fn text_and_bytes_come_out_as_they_are() {
    for (body, expected) in [
        (r#"{"statusCode":200,"text":"a\n"}"#, &b"a\n"[..]),
        (r#"{"statusCode":200,"text":"a"}"#, b"a\n"),
        (r#"{"statusCode":200,"body":null}"#, b""),
        (r#"{"statusCode":200,"bodyBase64":"iVBORwD/"}"#, b"\x89PNG\x00\xff"),
        (r#"{"statusCode":204}"#, b""),
    ] {
        let stub = Stub::shelf(move |_| answer(200, body));
        let ran = Client::of(&stub).line("shelf ping");
        assert_eq!((ran.code, &*ran.raw), (0, expected), "{body}: {}", ran.err);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let stub = Stub::shelf(|_| {
        let body = format!(r#"{{"statusCode":200,"text":"{}"}}"#, "x".repeat(1 << 20));
        answer(200, &body)
    });
    let client = Client::of(&stub);
    let mut child =
        client.command(&["shelf", "ping"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn a_dry_run_asks_for_the_catalog_only() {
    let stub = Stub::shelf(|_| answer(200, "{}"));
    let client = Client::of(&stub);
    let ran = client.run(&["shelf", "books", "get-book", "7", "--lang", "d e", "--dry-run"]);
    assert_eq!(
        ran.out,
        "GET https://api.example.test/books/7?lang=d+e\nAuth: not_required\nApproval: not_required\n\n"
    );
    assert!(stub.executed().is_empty());
}

/// Deviation 2, CL-2, W7.
#[test]
fn every_name_of_a_tool_leads_to_it() {
    let stub = Stub::shelf(|_| answer(200, r#"{"statusCode":200,"body":1}"#));
    let client = Client::of(&stub);
    for line in
        ["shelf books show 7", "svc:shelf books get-book 7", "call shelf:getBook 7", "shelf books get-book -- 7"]
    {
        assert_eq!(client.line(line).code, 0, "{line}");
    }
    assert_eq!(client.line("--no-input -- shelf shelf ping").code, 0);
    assert_eq!(stub.executed()[4]["toolId"], "shelf:ping");
    assert_eq!(client.line("shelf gift--cards list-h-t-t-p-things").code, 0);
    assert_eq!(client.line("shelf books purge --approval").code, 0);
    let ids: Vec<_> = stub.executed().iter().map(|call| call["toolId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids[..4], ["shelf:getBook", "shelf:getBook", "shelf:getBook", "shelf:getBook"]);
    assert_eq!(ids[5..], ["shelf:listHTTPThings", "shelf:purgeBooks"]);
}

#[test]
fn a_catalog_of_another_major_version_is_refused() {
    let stub = Stub::start(|_| {
        answer(200, &support::SHELF.replace("\"catalogVersion\": \"1.0.0\"", "\"catalogVersion\": \"2.0.0\""))
    });
    let ran = Client::of(&stub).line("shelf ping");
    assert_eq!(ran.code, 7);
    assert!(ran.err.contains("version \"2.0.0\""), "{}", ran.err);
}

#[test]
fn a_read_waits_for_a_runtime_that_is_still_building() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let stub = Stub::start(move |request| match request.path() {
        "/v1/tools/execute" => answer(200, r#"{"statusCode":200,"body":1}"#),
        _ if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => text(503, "catalog_building"),
        _ => answer(200, support::SHELF),
    });
    let ran = Client::of(&stub).line("shelf ping");
    assert_eq!((ran.code, ran.out.as_str()), (0, "1\n"), "{}", ran.err);
}
