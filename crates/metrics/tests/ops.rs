//! The dashboard and the alert rules in `ops/` ask only for metrics that exist, with labels that they have.

use granit_parser::Parser;
use open_cli_metrics::{Definition, Kind, names};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

fn file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ops").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every name of a sample, and whose it is.
fn samples() -> HashMap<String, &'static Definition> {
    let mut samples = HashMap::new();
    for metric in names::ALL {
        let name = metric.prometheus_name();
        if metric.kind == Kind::Histogram {
            for suffix in ["_bucket", "_count", "_sum"] {
                samples.insert(format!("{name}{suffix}"), metric);
            }
        } else {
            samples.insert(name, metric);
        }
    }
    samples
}

/// The names in a query that look like ours.
fn names_in(query: &str) -> Vec<String> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$');
    let is_ours = |word: &&str| {
        ["open_cli_", "http_server_", "http_client_", "process_"].iter().any(|p| word.starts_with(p))
    };
    words.filter(is_ours).map(str::to_owned).collect()
}

/// The labels that a query selects or groups by.
fn labels_in(query: &str) -> Vec<String> {
    let mut labels = Vec::new();
    for part in query.split('{').skip(1) {
        let inside = part.split('}').next().unwrap_or_default();
        labels.extend(inside.split(',').filter_map(|pair| Some(pair.split(['=', '!']).next()?.trim().to_owned())));
    }
    for part in query.split(" by (").skip(1).chain(query.split(" by(").skip(1)) {
        let inside = part.split(')').next().unwrap_or_default();
        labels.extend(inside.split(',').map(|label| label.trim().to_owned()));
    }
    labels.retain(|label| !label.is_empty());
    labels
}

fn check(query: &str, used: &mut HashSet<&'static str>) {
    let samples = samples();
    let mut known: HashSet<String> = ["le", "job", "instance"].map(str::to_owned).into();
    let found = names_in(query);
    assert!(!found.is_empty(), "asks for nothing of ours: {query}");
    let mut named = Vec::new();
    for name in found {
        if let Some(metric) = samples.get(&name) {
            known.extend(metric.labels.iter().map(|label| label.name.replace('.', "_")));
            used.insert(metric.name);
        } else {
            named.push(name);
        }
    }
    for name in named {
        assert!(known.contains(&name), "no such metric or label: {name} in {query}");
    }
    for label in labels_in(query) {
        assert!(known.contains(&label), "no such label: {label} in {query}");
    }
}

fn queries(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(query) if name == "expr" => found.push(query.to_owned()),
                    _ => queries(value, found),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist_and_shows_each_part() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&file("grafana/open-cli-toolbox.json")).expect("a dashboard is JSON");
    let mut found = Vec::new();
    queries(&dashboard["panels"], &mut found);
    assert!(found.len() > 20);
    let mut used = HashSet::new();
    found.iter().for_each(|query| check(query, &mut used));
    let unseen: Vec<&str> =
        names::ALL.iter().map(|metric| metric.name).filter(|name| !used.contains(name)).collect();
    assert!(unseen.is_empty(), "on no panel: {unseen:?}");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: HashSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
}

#[test]
fn the_alert_rules_ask_for_metrics_that_exist_and_say_what_to_do() {
    let rules = file("prometheus/alerts.yaml");
    for event in Parser::new_from_str(&rules) {
        event.expect("YAML");
    }
    let mut used = HashSet::new();
    let mut queries = 0;
    for rule in rules.split("\n      - alert: ").skip(1) {
        let field = |name: &str| {
            let after =
                rule.split(&format!("\n{}{name}: ", " ".repeat(if name == "expr" { 8 } else { 10 }))).nth(1);
            after.map(|text| text.trim_start_matches(['>', '-', '|', '\n', ' ']).to_owned())
        };
        let query = field("expr").expect("a rule has an expr");
        check(query.split("\n        for:").next().expect("before"), &mut used);
        for said in ["summary", "description", "runbook"] {
            assert!(field(said).is_some_and(|text| text.len() > 20), "no {said}: {rule}");
        }
        assert!(rule.contains("severity: "), "{rule}");
        queries += 1;
    }
    assert!(queries >= 12, "{queries} rules");
}

/// With the parser that Prometheus' own language has in Python.
#[test]
fn every_query_is_promql() {
    let Some(python) = std::env::var_os("OPEN_CLI_TEST_PROMETHEUS") else {
        assert!(std::env::var_os("OPEN_CLI_REQUIRE_PEERS").is_none(), "OPEN_CLI_TEST_PROMETHEUS is not set");
        eprintln!("skipped: no OPEN_CLI_TEST_PROMETHEUS");
        return;
    };
    const SCRIPT: &str = r"
import json, re, sys, promql_parser
def queries(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == 'expr' and isinstance(inner, str): yield inner
            else: yield from queries(inner)
    elif isinstance(value, list):
        for inner in value: yield from queries(inner)
found = list(queries(json.load(open(sys.argv[1]))['panels']))
rules = open(sys.argv[2]).read()
for rule in re.split(r'\n      - alert: ', rules)[1:]:
    found.append(re.search(r'\n        expr: (?:>-\n)?(.*?)\n        for:', rule, re.S).group(1))
for query in found:
    query = query.replace('$__rate_interval', '5m').replace('$__range', '1h').replace('$instance', '.*').replace('$service', '.*').replace('$job', '.*')
    promql_parser.parse(' '.join(query.split()))
print(len(found))
";
    let ops = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ops");
    let output = std::process::Command::new(python)
        .args(["-c", SCRIPT])
        .arg(ops.join("grafana/open-cli-toolbox.json"))
        .arg(ops.join("prometheus/alerts.yaml"))
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
