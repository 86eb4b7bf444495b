//! The public tests of HTTP caches (https://cache-tests.fyi), those that apply to a cache inside a client that only
//! reads: this plays the server's side of each and looks at what the client gets. What is left out is listed with why.

mod common;

use common::{Answer, Origin, Seen, documents, quiet};
use futures_util::future::join_all;
use open_cli_documents::{Documents, FetchMethod, FetchPolicy, FetchRequest, Fetched};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long the suite waits where a test says so; lifetimes in its headers are made for that.
const PAUSE: Duration = Duration::from_secs(3);
/// Bytes of a body that the test does not give.
const BODY_LENGTH: usize = 36;
/// Fewer would mean that the harness leaves out what it should run.
const FEWEST: usize = 160;

/// Tests that apply and that we fail on purpose, each with the reason.
const OTHERWISE: &[(&str, &str)] = &[
    ("headers-store-Set-Cookie", STORES_COOKIES),
    ("heuristic-200-cached", IS_HEURISTIC),
    ("heuristic-203-cached", IS_HEURISTIC),
    ("other-age-gen", IS_A_HOP),
    ("other-age-update-expires", IS_A_HOP),
    ("other-age-update-max-age", IS_A_HOP),
    ("stale-while-revalidate", IS_LAZY),
    ("stale-while-revalidate-window", IS_LAZY),
    ("vary-normalise-combine", IS_THE_SAME),
    ("vary-normalise-space", IS_THE_SAME),
];
const IS_THE_SAME: &str = "takes lists that are written otherwise for the same; ours are always written alike";
const STORES_COOKIES: &str = "stores cookies, which may be secrets and which nobody needs";
const IS_HEURISTIC: &str = "guesses a lifetime; where the origin says nothing, refresh.maxAgeSeconds counts";
const IS_A_HOP: &str = "counts up the Age for the next recipient, and there is none";
const IS_LAZY: &str = "wants what is stale while something fresh is on its way; a build waits for it";

/// Why a test does not apply; `None` when it does.
fn not_for_us(test: &Value) -> Option<&'static str> {
    if test["cdn_only"] == true {
        return Some("is about CDNs");
    }
    if test["browser_skip"] == true {
        return Some("is marked as none for clients: shared caches, conditions of a caller's own");
    }
    for request in list(&test["requests"]) {
        let method = request["request_method"].as_str().unwrap_or("GET");
        let status = request["response_status"][0].as_u64().unwrap_or(200);
        let is_outage = matches!(status, 429 | 500..=599);
        let has_length = list(&request["response_headers"]).iter().find(|one| one[0] == "Content-Length");
        let reason = match () {
            () if method != "GET" => "uses a method whose answers we do not cache with those of GET",
            () if list(&request["request_headers"]).iter().any(|header| header[0] != "Accept") => {
                "sends request headers that we never send"
            }
            () if request.get("cache").is_some() => "uses a cache mode of browsers",
            () if request.get("interim_responses").is_some() => "looks at interim responses",
            () if matches!(status, 300..=399) => "looks at redirects, which we follow",
            () if has_length.is_some_and(|one| {
                one[1].as_str().and_then(|text| text.parse().ok()) != Some(BODY_LENGTH)
                    && request["expected_type"].is_null()
            }) =>
            {
                "announces a length that its body does not have"
            }
            () if request.get("response_pause").is_some() => "looks at how answers are sent",
            () if !matches!(status, 200 | 203) && !is_outage => "stores a status that is no document for us",
            () => continue,
        };
        return Some(reason);
    }
    None
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The only request header that differs between requests of ours is `Accept`: it takes the place of the suite's `Foo`.
fn with_our_header(test: &Value) -> Value {
    let asks_with = list(&test["requests"]).iter().flat_map(|request| list(&request["request_headers"]));
    if asks_with.clone().next().is_none() || !asks_with.clone().all(|header| header[0] == "Foo") {
        return test.clone();
    }
    let text =
        test.to_string().replace("\"Foo\"", "\"Accept\"").replace("Foo,", "Accept,").replace(", Foo", ", Accept");
    serde_json::from_str(&text).expect("JSON")
}

/// What the server saw and was told, by test id.
#[derive(Default)]
struct State {
    /// The request that the client is making, from 0.
    current: usize,
    /// Requests that arrived, with the number the client gave them.
    seen: Vec<(usize, Seen)>,
}

type States = Arc<Mutex<HashMap<String, State>>>;

fn http_date(now: jiff::Timestamp, seconds: i64, rfc850: bool) -> String {
    let at = now + jiff::SignedDuration::from_secs(seconds);
    let format = if rfc850 { "%A, %d-%b-%y %H:%M:%S GMT" } else { "%a, %d %b %Y %H:%M:%S GMT" };
    at.strftime(format).to_string()
}

/// A header of the configuration: numbers are seconds from then where the header is a date.
fn header(config: &Value, request: &Value, now: jiff::Timestamp) -> (String, String) {
    let name = config[0].as_str().unwrap_or_default().to_owned();
    let is_date = ["date", "expires", "last-modified"].contains(&name.to_ascii_lowercase().as_str());
    let is_rfc850 =
        list(&request["rfc850date"]).iter().any(|one| one.as_str() == Some(&name.to_ascii_lowercase()));
    let value = match &config[1] {
        Value::Number(number) if is_date => http_date(now, number.as_i64().unwrap_or(0), is_rfc850),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (name, value)
}

fn serve(tests: &HashMap<String, Value>, states: &States, seen: &Seen) -> Answer {
    let id = seen.path.split(['/', '?']).nth(1).unwrap_or_default();
    let mut states = states.lock().expect("not poisoned");
    let state = states.entry(id.to_owned()).or_default();
    let requests = list(&tests[id]["requests"]);
    let request = &requests[state.current];
    state.seen.push((state.current, seen.clone()));
    if request["disconnect"] == true {
        return common::down();
    }
    let mut status = u16::try_from(request["response_status"][0].as_u64().unwrap_or(200)).expect("a status");
    if request["expected_type"].as_str().is_some_and(|kind| kind.ends_with("validated")) {
        let before = list(&requests[state.current.saturating_sub(1)]["response_headers"]);
        let matches = |header: &str, question: &str| {
            let stored =
                before.iter().find(|one| one[0].as_str().is_some_and(|name| name.eq_ignore_ascii_case(header)));
            stored.is_some_and(|stored| match &stored[1] {
                Value::String(text) => seen.header(question) == Some(text),
                // A date relative to then; that it was sent is enough.
                _ => seen.header(question).is_some(),
            })
        };
        let is_known = matches("etag", "if-none-match") || matches("last-modified", "if-modified-since");
        status = if is_known { 304 } else { 999 };
    }
    let now = jiff::Timestamp::now();
    let mut lines = vec![format!("Server-Request-Count: {}", state.seen.len()), format!("Server-Now: {now}")];
    let configured: Vec<_> =
        list(&request["response_headers"]).iter().map(|one| header(one, request, now)).collect();
    let body = request["response_body"]
        .as_str()
        .map_or_else(|| format!("{id:.<BODY_LENGTH$.BODY_LENGTH$}"), str::to_owned);
    let body = if status == 304 { String::new() } else { body };
    let mut defaults = vec![("Date", http_date(now, 0, false)), ("Content-Type", "text/plain".to_owned())];
    if status != 304 {
        defaults.push(("Content-Length", body.len().to_string()));
    }
    defaults.retain(|(name, _)| !configured.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)));
    lines.extend(defaults.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(configured.iter().map(|(name, value)| format!("{name}: {value}")));
    Answer::Raw(format!("HTTP/1.1 {status} x\r\n{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes())
}

/// Plays one test; the error says what was otherwise.
async fn play(test: &Value, origin: &Origin, documents: &Documents, states: &States) -> Result<(), String> {
    let id = test["id"].as_str().unwrap_or_default();
    for (index, request) in list(&test["requests"]).iter().enumerate() {
        let nth = index + 1;
        states.lock().expect("not poisoned").entry(id.to_owned()).or_default().current = index;
        let mut path = format!("/{id}");
        if let Some(name) = request["filename"].as_str() {
            path.push_str(&format!("/{name}"));
        }
        if let Some(query) = request["query_arg"].as_str() {
            path.push_str(&format!("?{query}"));
        }
        let method = if request["request_method"] == "HEAD" { FetchMethod::Head } else { FetchMethod::Get };
        let accept = list(&request["request_headers"]).first().and_then(|header| header[1].as_str());
        let question = FetchRequest { method, url: origin.url(&path), accept: accept.map(str::to_owned) };
        let fetched = documents.fetch(&question, &FetchPolicy::default(), &quiet()).await;
        check(request, nth, fetched).map_err(|reason| format!("request {nth}: {reason}"))?;
        if request["pause_after"] == true {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let states = states.lock().expect("not poisoned");
    let state = &states[id];
    for (index, request) in list(&test["requests"]).iter().enumerate() {
        let arrived = state.seen.iter().find(|(number, _)| *number == index).map(|(_, seen)| seen);
        let expected = match request["expected_type"].as_str() {
            Some("not_cached") => Some(""),
            Some("etag_validated") => Some("if-none-match"),
            Some("lm_validated") => Some("if-modified-since"),
            _ => None,
        };
        let Some(header) = expected else { continue };
        let Some(seen) = arrived else { return Err(format!("request {} did not reach the origin", index + 1)) };
        if !header.is_empty() && seen.header(header).is_none() {
            return Err(format!("request {} has no {header}", index + 1));
        }
    }
    Ok(())
}

fn check(
    request: &Value,
    nth: usize,
    fetched: Result<Fetched, open_cli_documents::DocumentError>,
) -> Result<(), String> {
    let fetched = match fetched {
        Ok(fetched) => fetched,
        // Where the suite expects an error, or no answer at all, one of ours is as good.
        Err(error) => {
            let status = request["expected_status"].as_u64().or(request["response_status"][0].as_u64());
            let is_expected = status.is_some_and(|status| status >= 300)
                || (request["disconnect"] == true && request["expected_type"].is_null());
            return if is_expected { Ok(()) } else { Err(error.to_string()) };
        }
    };
    let status = u64::from(fetched.record.status_code);
    let expected = request["expected_status"].as_u64().or(request["response_status"][0].as_u64()).unwrap_or(200);
    if status != expected && request["expected_status"] != Value::Null {
        return Err(format!("status {status}, expected {expected}"));
    }
    let first = |name: &str| fetched.header_lines(name).next().map(str::to_owned);
    let count = first("Server-Request-Count").and_then(|count| count.parse::<usize>().ok());
    match request["expected_type"].as_str() {
        Some("cached") if count.is_none_or(|count| count >= nth) => {
            return Err("does not come from the cache".into());
        }
        Some("not_cached") if count != Some(nth) => return Err(format!("comes from the cache ({count:?})")),
        _ => {}
    }
    if let Some(expected) = request["expected_response_text"].as_str()
        && fetched.body != expected
    {
        return Err(format!("has the body {:?}", fetched.body));
    }
    for expected in list(&request["expected_response_headers"]) {
        let (name, value) = match expected {
            Value::String(name) => (name.clone(), None),
            pair => (pair[0].as_str().unwrap_or_default().to_owned(), Some(pair)),
        };
        let lines: Vec<String> = fetched.header_lines(&name).map(str::to_owned).collect();
        let number = |text: &str| text.parse::<i64>().ok();
        let fits = match value {
            None => !lines.is_empty(),
            Some(pair) if pair[1] == ">" => lines.first().and_then(|line| number(line)) > pair[2].as_i64(),
            Some(pair) if pair[1] == "=" => first(pair[2].as_str().unwrap_or_default()) == lines.first().cloned(),
            Some(pair) => {
                let then = first("Server-Now").and_then(|now| now.parse().ok()).unwrap_or_default();
                let (_, value) = header(pair, request, then);
                lines.join(", ") == value
            }
        };
        if !fits {
            return Err(format!("{expected}, and there is {lines:?}"));
        }
    }
    for missing in list(&request["expected_response_headers_missing"]) {
        let (name, part) = match missing {
            Value::String(name) => (name.as_str(), None),
            pair => (pair[0].as_str().unwrap_or_default(), pair[1].as_str()),
        };
        let is_there = fetched.header_lines(name).any(|line| part.is_none_or(|part| line.contains(part)));
        if is_there {
            return Err(format!("has the header {missing}"));
        }
    }
    Ok(())
}

/// `<some folder above>/shared/data/http-cache/tests.json`.
fn suites() -> Option<Vec<Value>> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let path = above.map(|folder| folder.join("shared/data/http-cache/tests.json")).find(|path| path.is_file())?;
    serde_json::from_slice(&std::fs::read(path).expect("read")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_cache_tests_that_apply_pass() {
    let Some(suites) = suites() else {
        println!("skipped: no shared data");
        return;
    };
    let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut applicable: HashMap<String, Value> = HashMap::new();
    let tests = suites.iter().flat_map(|suite| list(&suite["tests"]));
    for test in tests {
        let test = &with_our_header(test);
        let id = test["id"].as_str().expect("an id").to_owned();
        match not_for_us(test) {
            Some(reason) => left_out.entry(reason).or_default().push(id),
            None => drop(applicable.insert(id, test.clone())),
        }
    }
    let dir = tempfile::tempdir().expect("temporary directory");
    let states = States::default();
    let (served, told) = (applicable.clone(), Arc::clone(&states));
    let origin = Origin::start(move |seen| serve(&served, &told, seen)).await;
    let documents = documents(dir.path());
    let mut ids: Vec<&String> = applicable.keys().collect();
    ids.sort();
    let plays = ids.iter().map(|id| play(&applicable[*id], &origin, &documents, &states));
    let results = join_all(plays).await;

    let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for (id, result) in ids.iter().zip(results) {
        let kind = applicable[*id]["kind"].as_str().unwrap_or("required");
        let reason = OTHERWISE.iter().find(|(known, _)| known == id).map(|(_, reason)| *reason);
        match (result, reason) {
            (Ok(()), None) => *passed.entry(kind).or_default() += 1,
            (Ok(()), Some(_)) => failed.push(format!("{id} passes now: take it off the list")),
            (Err(_), Some(reason)) => left_out.entry(reason).or_default().push((*id).clone()),
            // What a cache does there is its own business.
            (Err(what), None) if kind == "check" => println!("  does otherwise: {id}: {what}"),
            (Err(what), None) => failed.push(format!("{kind} {id}: {what}")),
        }
    }
    println!("passed: {passed:?}");
    for (reason, ids) in &left_out {
        println!("left out, {} tests, because each {reason}: {}", ids.len(), ids.join(" "));
    }
    assert_eq!(failed, [""; 0]);
    assert!(passed.values().sum::<usize>() >= FEWEST, "{passed:?}");
}
