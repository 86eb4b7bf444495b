//! The program's log: nobody who reads slowly, or not at all, slows a call; callers that go away leave a line.

use open_cli_e2e::{HeldApi, OrdersApi, Sandbox, get, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_standard_error_that_nobody_reads_stalls_no_request() {
    const REQUESTS: usize = 800;
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let mut command = sandbox.toolbox_command(&["--access-log", "--log-format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut ready = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut ready).expect("a line");
    let url = ready.trim().rsplit(' ').next().expect("a URL").to_owned();
    let begun = Instant::now();
    // Several times what a pipe holds.
    for _ in 0..REQUESTS {
        assert_eq!(get(&format!("{url}/healthz")).status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let mut end = std::process::Command::new("kill");
    assert!(end.args(["-TERM", &child.id().to_string()]).status().expect("kill").success());
    let mut status = None;
    wait_until("it ends, although nobody reads", || {
        status = child.try_wait().expect("wait");
        status.is_some()
    });
    assert!(status.expect("ended").success());
}

#[test]
fn a_caller_that_goes_away_leaves_a_line_in_the_access_log() {
    let api = HeldApi::new();
    let sandbox = api.sandbox();
    let toolbox = sandbox.toolbox(&["--access-log"]);
    let address = toolbox.url.trim_start_matches("http://");
    let mut caller = TcpStream::connect(address).expect("connected");
    let body = r#"{"toolId":"held:wait"}"#;
    let head = "POST /v1/tools/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: gone-1\r\n\
                Content-Type: application/json\r\n";
    write!(caller, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("written");
    let under_way = api.accept();
    drop(caller);
    wait_until("the log says so", || {
        let log = toolbox.child.log();
        log.lines().any(|line| line.contains("caller went away") && line.contains("gone-1"))
    });
    drop(under_way);
    assert_eq!(toolbox.stop(), 0);
}
