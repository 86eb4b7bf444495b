//! Which runtime is asked, as whom, about which configuration; and what happens when that fails.

#![allow(clippy::unwrap_used, reason = "a test that can not go on may fail here")]

mod support;

use std::net::TcpListener;
use support::{Client, Stub, json as answer};

fn config(url: &str, more: &str) -> String {
    format!(
        r#"{{"cli":"1.0.0","mode":{{"default":"discover"}},"runtime":{{"mode":"remote","remote":{{"url":"{url}"{more}}}}}}}"#
    )
}

fn pong() -> Stub {
    Stub::shelf(|_| answer(200, r#"{"statusCode":200,"body":"pong"}"#))
}

#[test]
fn without_a_runtime_the_error_says_what_to_do_and_help_still_works() {
    let client = Client::default();
    let ran = client.line("shelf ping");
    assert_eq!(ran.code, 7);
    insta::assert_snapshot!("no_runtime", ran.err);
    for line in ["help", "catalog list --help", "completion zsh", "-h", "--version", "status", "catalog"] {
        let ran = client.line(line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}");
        assert!(!ran.out.is_empty(), "{line}");
    }
    assert_eq!(client.line("status --check").code, 7);
    let root = client.run(&[]);
    assert_eq!(root.code, 0);
    insta::assert_snapshot!("root_help_without_runtime", root.out);
}

#[test]
fn an_unreachable_runtime_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ran = Client::default().line(&format!("shelf ping --runtime {url}"));
    assert_eq!(ran.code, 7);
    assert!(ran.err.contains(&url) && ran.err.contains("connection refused"), "{}", ran.err);
    let ran = Client::default().line("shelf ping --runtime localhost:8765");
    assert_eq!(ran.code, 7);
    assert!(ran.err.contains("a scheme and a host are needed"), "{}", ran.err);
}

/// W9.
#[test]
fn a_silent_runtime_is_given_up_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ran = Client::default().line(&format!("shelf ping --timeout 0.3 --runtime {url}"));
    assert_eq!(ran.code, 7);
    assert!(ran.err.contains("did not answer in time") && ran.err.contains("0.3 s"), "{}", ran.err);
}

/// §5.1, §5.3, W10, W11.
#[test]
fn the_configuration_names_the_runtime_and_is_sent_as_an_absolute_path() {
    let stub = pong();
    let client = Client::default();
    client.write("repo/.git/HEAD", "");
    client.write("repo/.cli.json", &config(&format!("{}/", stub.url), ""));
    client.write("repo/src/deep/x", "");
    let mut command = client.command(&["shelf", "ping"]);
    let output = command.current_dir(client.folder.path().join("repo/src/deep")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = client.folder.path().join("repo/.cli.json").canonicalize().unwrap();
    let requests = stub.requests();
    assert_eq!(requests[0].query("config").as_deref(), expected.to_str());
    assert_eq!(requests[1].json()["configPath"].as_str(), expected.to_str());
    assert_eq!(requests[1].path(), "/v1/tools/execute");

    client.write("other.json", &config(&stub.url, r#","requestConfigPath":"/srv/shelf.json""#));
    for line in ["--config other.json shelf ping", "shelf ping --config=other.json"] {
        assert_eq!(client.line(line).code, 0);
    }
    let by_variable =
        Client { folder: client.folder, variables: vec![("OPEN_CLI_CONFIG".into(), "other.json".into())] };
    assert_eq!(by_variable.line("shelf ping").code, 0);
    for request in &stub.requests()[2..] {
        if request.method == "GET" {
            assert_eq!(request.query("config").as_deref(), Some("/srv/shelf.json"));
        }
    }
}

#[test]
fn an_invalid_configuration_is_reported_with_its_place() {
    let client = Client::default();
    client.write(".cli.json", "{\n  \"cli\": 1\n}");
    for line in ["shelf ping", "catalog list", "status"] {
        let ran = client.line(line);
        assert_eq!(ran.code, 9, "{line}");
        assert!(ran.err.contains(".cli.json:2:"), "{}", ran.err);
    }
    assert_eq!(client.line("completion bash").code, 0);
}

/// §7.1, W53, W54.
#[test]
fn a_provided_token_goes_to_its_own_runtime_and_nowhere_else() {
    let (own, other) = (pong(), Stub::start(|_| support::text(401, "authn_failed\n")));
    let oauth = r#","oauth":{"mode":"providedToken","tokenRef":"env:SHELF_TOKEN"}"#;
    let client = Client::default().variable("SHELF_TOKEN", "t0ken");
    client.write(".cli.json", &config(&own.url, oauth));
    assert_eq!(client.line("shelf ping").code, 0);
    assert!(own.requests().iter().all(|request| request.header("authorization") == Some("Bearer t0ken")));

    let ran = client.line(&format!("shelf ping --runtime {}", other.url));
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("belongs to another runtime"), "{}", ran.err);
    assert!(other.requests().iter().all(|request| request.header("authorization").is_none()));

    let unset = Client { folder: client.folder, variables: Vec::new() };
    let ran = unset.line("shelf ping");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("SHELF_TOKEN"), "{}", ran.err);
}

#[test]
fn a_sign_in_that_is_not_built_yet_says_so() {
    let client = Client::default();
    client.write(".cli.json", &config("http://127.0.0.1:9", r#","oauth":{"mode":"browserLogin"}"#));
    let ran = client.line("shelf ping");
    assert_eq!(ran.code, 3);
    insta::assert_snapshot!("sign_in_unsupported", ran.err);
}
