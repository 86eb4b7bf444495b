//! What goes over the wire for what was typed: parameters, bodies, credentials, names.

use open_cli_e2e::{EchoApi, OrdersApi, Sandbox, Toolbox};
use serde_json::{Value, json};

const DESCRIPTION: &str = r##"
openapi: 3.1.0
info: {title: Echo, version: "1"}
servers: [{url: SERVER/base}]
security: [{key: []}, {}]
paths:
  /things/{thing-id}/parts/{part}:
    parameters: [{$ref: "parts.yaml#/parameters/Part"}]
    get:
      operationId: getHTTPThing
      tags: [Gift Cards]
      x-cli-aliases: [fetch]
      parameters:
        - {name: thing-id, in: path, required: true, schema: {type: string}}
        - {name: pageSize, in: query, schema: {type: integer}}
        - {name: q, in: query, schema: {type: string}}
        - {name: X-Tenant, in: header, required: true, schema: {type: string}}
        - {name: session, in: cookie, schema: {type: string}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: format, in: query, schema: {type: string, enum: [short, long]}}
      responses: {}
  /secret:
    get: {operationId: hiddenOne, tags: [Gift Cards], x-cli-hidden: true, responses: {}}
    post:
      tags: [Gift Cards]
      requestBody: {$ref: "parts.yaml#/bodies/Note"}
      security: [{bearer: []}]
      responses: {}
  /basic: {get: {operationId: basicAuth, security: [{basic: []}], responses: {}}}
  /query-key: {get: {operationId: queryKey, security: [{queryKey: []}], responses: {}}}
  /cookie-key: {get: {operationId: cookieKey, security: [{cookieKey: []}], responses: {}}}
  /broken: {get: {operationId: broken, parameters: [{$ref: "#/nowhere"}], responses: {}}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    bearer: {type: http, scheme: bearer}
    basic: {type: http, scheme: basic}
    queryKey: {type: apiKey, in: query, name: api_key}
    cookieKey: {type: apiKey, in: cookie, name: sid}
"##;

const PARTS: &str = r#"
parameters:
  Part: {name: part, in: path, required: true, schema: {type: string}}
bodies:
  Note: {required: true, content: {application/json: {schema: {type: object}}}}
"#;

fn sandbox(api: &EchoApi) -> Sandbox {
    let sandbox = Sandbox::new().with_variable("ECHO_KEY", "k-env");
    sandbox.write("specs/api.yaml", &DESCRIPTION.replace("SERVER", &api.url));
    sandbox.write("specs/parts.yaml", PARTS);
    sandbox.write("token.txt", "t-file\n");
    sandbox.write_config(&json!({"cli": "1", "mode": {"default": "discover"},
    "sources": {"echo": {"type": "openapi", "uri": "specs/api.yaml"}},
    "services": {"echo": {"source": "echo", "alias": "e"}},
    "secrets": {
        "echo.key": {"type": "env", "value": "ECHO_KEY"},
        "bearer": {"type": "file", "value": "token.txt"},
        "basic": {"type": "literal", "value": "user:pass"},
        "queryKey": {"type": "literal", "value": "q&k"},
        "cookieKey": {"type": "literal", "value": "c-key"},
    }}));
    sandbox
}

fn sent(toolbox: &Toolbox<'_>, words: &[&str]) -> Value {
    toolbox.cli(words).json()
}

/// HX-2 to HX-9, multi-file `$ref`, aliases, hidden commands, the reference's names.
#[test]
fn parameters_arrive_where_the_description_puts_them() {
    let api = EchoApi::start();
    let sandbox = sandbox(&api);
    let toolbox = sandbox.toolbox(&[]);
    let common = ["a b/c", "ü", "--x-tenant", "acme", "--page-size=5", "--q", "1,2 3&4", "--session", "s1"];
    let mut requests = Vec::new();
    for words in [
        ["e", "gift-cards", "get-http-thing"],
        ["e", "gift-cards", "fetch"],
        ["e", "gift--cards", "get-h-t-t-p-thing"],
    ] {
        requests.push(sent(&toolbox, &[&words[..], &common[..], &["--param-format", "long"]].concat()));
    }
    for request in &requests {
        let line = "GET /base/things/a%20b%2Fc/parts/%C3%BC?format=long&pageSize=5&q=1%2C2+3%264 HTTP/1.1";
        assert_eq!(request["line"], line);
        let headers = &request["headers"];
        assert_eq!(
            (&headers["x-tenant"], &headers["cookie"], &headers["x-key"]),
            (&json!("acme"), &json!("session=s1"), &json!("k-env"))
        );
        assert_eq!(headers["accept"].as_str().map(|a| a.starts_with("application/json")), Some(true));
    }
    // A hidden command runs and is not listed.
    assert_eq!(sent(&toolbox, &["e", "gift-cards", "hidden-one"])["line"], "GET /base/secret HTTP/1.1");
    assert!(!toolbox.cli(&["e", "gift-cards", "--help"]).ok().contains("hidden-one"));
    // Deviation 3, and the reference's name of the same.
    for command in ["create", "postsecret"] {
        let body = r#"{ "b" : 1, "a": 2 }"#;
        let request = sent(&toolbox, &["e", "gift-cards", command, "--body", body]);
        assert_eq!(
            (&request["body"], &request["headers"]["content-type"]),
            (&json!(body), &json!("application/json"))
        );
        assert_eq!(request["headers"]["authorization"], "Bearer t-file", "one trailing newline is trimmed");
    }
    // One broken operation is a diagnostic, not a failed API.
    let diagnostics = toolbox.catalog()["catalog"]["diagnostics"].clone();
    let first = &diagnostics[0];
    assert_eq!((&first["severity"], &first["source"]), (&json!("error"), &json!("echo")), "{diagnostics}");
    assert!(first["pointer"].as_str().expect("pointer").starts_with("/paths/~1broken/get"), "{diagnostics}");
}

#[test]
fn each_static_scheme_puts_its_credential_in_its_place_and_nowhere_else() {
    let api = EchoApi::start();
    let sandbox = sandbox(&api);
    let toolbox = sandbox.toolbox(&[]);
    let basic = sent(&toolbox, &["e", "basic", "basic-auth"]);
    assert_eq!(basic["headers"]["authorization"], "Basic dXNlcjpwYXNz");
    assert_eq!(
        sent(&toolbox, &["e", "query-key", "query-key"])["line"],
        "GET /base/query-key?api_key=q%26k HTTP/1.1"
    );
    assert_eq!(sent(&toolbox, &["e", "cookie-key", "cookie-key"])["headers"]["cookie"], "sid=c-key");
    let secrets = ["k-env", "t-file", "user:pass", "dXNlcjpwYXNz", "q&k", "q%26k", "c-key"];
    let audit = std::fs::read_to_string(toolbox.state_dir.join("audit.log")).expect("audit");
    let traces = toolbox.get("/v1/traces?limit=1000").body;
    let catalog = toolbox.get("/v1/catalog/effective?detail=full").body;
    for secret in secrets {
        for (place, text) in
            [("audit", &audit), ("traces", &traces), ("catalog", &catalog), ("log", &toolbox.child.log())]
        {
            assert!(!text.contains(secret), "{secret} in the {place}");
        }
    }
    let schemes: Vec<Value> = toolbox.audit().iter().map(|event| event["authScheme"].clone()).collect();
    assert_eq!(schemes, ["basic", "queryKey", "cookieKey"]);
}

#[test]
fn what_the_client_can_tell_is_refused_before_anything_is_sent() {
    let api = EchoApi::start();
    let sandbox = sandbox(&api);
    let toolbox = sandbox.toolbox(&[]);
    let thing = ["e", "gift-cards", "get-http-thing"];
    for (rest, part) in [
        (&["only-one", "--x-tenant", "t"][..], "part"),
        (&["a", "b", "c", "--x-tenant", "t"], "c"),
        (&["a", "b"], "--x-tenant"),
        (&["a", "b", "--x-tenant", "t", "--page-size", "many"], "--page-size"),
        (&["a", "b", "--x-tenant", "t", "--param-format", "medium"], "--param-format"),
        (&["a", "b", "--x-tenant", "t", "--nonsense", "1"], "--nonsense"),
        (&["a", "b", "--x-tenant", "t", "--format", "medium"], "medium"),
    ] {
        let said = toolbox.cli(&[&thing[..], rest].concat()).run();
        assert_eq!(said.code, 2, "{rest:?}: {said:?}");
        assert!(said.err.contains(part), "{rest:?}: {}", said.err);
    }
    let said = toolbox.cli(&["e", "gift-cards", "create", "--body", "{not json"]).run();
    assert!(said.code == 2 && said.err.contains("--body"), "{said:?}");
    assert_eq!(toolbox.audit().len(), 0, "nothing was sent");
    let preview =
        toolbox.cli(&[&thing[..], &["a b", "c", "--x-tenant", "t", "--page-size", "3", "--dry-run"]].concat());
    let text = preview.ok();
    assert!(text.starts_with(&format!("GET {}/base/things/a%20b/parts/c?pageSize=3", api.url)), "{text}");
    assert_eq!(toolbox.audit().len(), 0);
    // What is shown is what is sent, lists too.
    let listed = [&thing[..], &["a", "b", "--x-tenant", "t", "--tags", "x y,z"]].concat();
    let shown = toolbox.cli(&[&listed[..], &["--dry-run"]].concat()).ok();
    let line = sent(&toolbox, &listed)["line"].as_str().expect("line").to_owned();
    let target = line.split(' ').nth(1).expect("target");
    assert_eq!(target, "/base/things/a/parts/b?tags=x+y&tags=z");
    assert_eq!(shown.lines().next(), Some(format!("GET {}{target}", api.url).as_str()));
}

/// W56, S1: `init`, `completion`, `--help` and `--version` need no runtime; what `init` writes works at once.
#[test]
fn from_nothing_to_the_first_call() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::new().with_variable("KEY", OrdersApi::KEY);
    let alone = |args: &[&str]| {
        let mut command = sandbox.command("open-cli");
        command.args(args);
        let output = command.output().expect("open-cli");
        (
            output.status.code().expect("code"),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    assert_eq!(alone(&["--version"]).0, 0);
    assert_eq!(alone(&["--help"]).0, 0);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, text) = alone(&["completion", shell]);
        assert!(code == 0 && text.contains("open-cli"), "{shell}: {text}");
    }
    let (code, text) = alone(&["catalog", "list"]);
    assert!(code == 7 && text.contains("OPEN_CLI_RUNTIME_URL") && text.contains("--runtime"), "{text}");
    let (code, text) = alone(&["catalog", "list", "--runtime", "http://127.0.0.1:1"]);
    assert!(code == 7 && text.contains("127.0.0.1:1"), "{text}");

    let description = format!("{}/openapi.yaml", api.url);
    let (code, text) = alone(&["init", &description, "--name", "shop"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("open-cli-toolbox --config"), "{text}");
    let written = std::fs::read_to_string(sandbox.config()).expect("written");
    let (code, text) = alone(&["init", &description]);
    assert!(code != 0 && text.contains("--force"), "what is there is kept: {text}");
    assert_eq!(std::fs::read_to_string(sandbox.config()).expect("kept"), written);
    let toolbox = sandbox.toolbox(&[]);
    let listed = toolbox.cli(&["shop", "orders", "list"]).json();
    assert!(listed["items"].is_array(), "{listed}");
    let (code, text) = alone(&["init", "/nowhere/api.yaml", "--config", "other.json"]);
    assert!(code != 0 && text.contains("/nowhere/api.yaml"), "{text}");
    assert!(!sandbox.path().join("other.json").exists());
}

/// client §8: the same result in every format.
#[test]
fn results_have_one_shape_in_every_format() {
    let api = OrdersApi::start();
    let sandbox = Sandbox::of_orders(&api.url);
    let toolbox = sandbox.toolbox(&[]);
    let json = toolbox.cli(&["orders", "get", "ord_1"]).ok();
    let upstream = open_cli_e2e::get(&format!("{}/orders/ord_1", api.url)).body;
    assert_eq!(json.trim_end(), upstream.trim_end(), "the bytes of the API, untouched");
    let pretty = toolbox.cli(&["orders", "get", "ord_1", "--format", "pretty"]).ok();
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("json");
    assert_eq!(parse(&pretty), parse(&json));
    assert!(pretty.lines().count() > 5);
    let yaml = toolbox.cli(&["orders", "get", "ord_1", "--format=yaml"]).ok();
    assert!(yaml.starts_with("id: ord_1\n") && yaml.contains("customerId: cus_1"), "{yaml}");
    let refused = toolbox.cli(&["orders", "delete", "ord_1", "--format", "json"]).run();
    let error: Value = serde_json::from_str(&refused.err).expect("the error is JSON");
    assert_eq!((refused.code, &error["error"]["code"]), (6, &json!("approval_required")));
    assert!(error["error"]["requestId"].is_string());
}
