//! The client signs in to a guarded runtime: a person's browser, a code, credentials of its own, a token that was given.

use open_cli_e2e::{Child, IdentityProvider, OrdersApi, Person, Sandbox, identity_provider, wait_until};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A runtime that asks for tokens, and a client that gets them like this.
fn guarded(api: &OrdersApi, provider: &IdentityProvider, oauth: Option<Value>) -> Sandbox {
    let sandbox = Sandbox::of_orders(&api.url).with_variable("CLIENT_SECRET", "operator-secret");
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.config()).expect("read")).expect("JSON");
    config["runtime"] = json!({"server": {"auth": provider.jwks_auth()}});
    if let Some(oauth) = oauth {
        config["runtime"]["remote"] = json!({"oauth": oauth});
    }
    sandbox.write_config(&config);
    sandbox
}

/// The address that a running command shows.
fn shown(child: &Child) -> String {
    let mut url = None;
    wait_until("an address is shown", || {
        let log = child.log();
        url = log.lines().map(str::trim).find(|line| line.starts_with("http")).map(str::to_owned);
        url.is_some() && log.contains("\n\n")
    });
    url.expect("an address")
}

/// Files of the client's token cache.
fn kept(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![sandbox.path().join("home")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.parent().is_some_and(|folder| folder.ends_with("oauth"))
                && path.extension().is_some_and(|e| e == "json")
            {
                found.push(path);
            }
        }
    }
    found
}

/// §7.3, §11.4, weaknesses W48 to W52: without any `runtime.remote.oauth`, against what the runtime says.
#[test]
fn a_person_signs_in_with_a_browser_and_is_somebody_until_signing_out() {
    let Some(provider) = identity_provider("sign_in") else { return };
    let api = OrdersApi::start();
    let sandbox = guarded(&api, &provider, None);
    let toolbox = sandbox.toolbox(&[]);
    let refused = toolbox.cli(&["orders", "list"]).run();
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("open-cli auth login"), "{}", refused.err);
    let before = toolbox.cli(&["auth", "status"]).json();
    assert_eq!((&before["signIn"]["required"], &before["signIn"]["principal"]), (&json!(true), &Value::Null));
    let mut login =
        toolbox.cli(&["auth", "login", "--no-browser", "--scope", "bundle:orders offline_access"]).start();
    let page = Person::named("alice").sign_in(&shown(&login));
    assert!(page.body.contains("Authentication complete"), "{}", page.body);
    assert!(login.wait().success(), "{}", login.log());
    assert!(login.line().contains("Login successful"));
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0);
    let status = toolbox.cli(&["auth", "status"]).json();
    assert_eq!((&status["signIn"]["principal"], &status["signIn"]["renews"]), (&json!("alice"), &json!(true)));
    assert_eq!(status["posture"], "runtimeSession");
    let audit = toolbox.cli(&["audit", "--format", "json"]).json();
    let records = audit.as_array().expect("records");
    assert!(!records.is_empty() && records.iter().all(|record| record["principal"] == "alice"), "{audit}");
    // A token that the runtime refuses is renewed by itself, once.
    let [file] = &kept(&sandbox)[..] else { panic!("one sign-in is kept: {:?}", kept(&sandbox)) };
    let mut entry: Value = serde_json::from_slice(&std::fs::read(file).expect("read")).expect("JSON");
    assert_eq!(entry["runtime"], toolbox.url.as_str());
    entry["accessToken"] = "spoiled".into();
    std::io::Write::write_all(&mut std::fs::File::create(file).expect("open"), entry.to_string().as_bytes())
        .expect("written");
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0, "renewed with the refresh token");
    // W53: the sign-in is for this runtime only.
    let other = toolbox.cli(&["auth", "token", "--runtime", "http://127.0.0.1:9"]).run();
    assert_eq!((other.code, other.out.as_str()), (3, ""), "{}", other.err);
    assert_eq!(toolbox.cli(&["auth", "token"]).ok().trim().split('.').count(), 3);
    assert!(toolbox.cli(&["auth", "logout"]).ok().contains("signedOut") || kept(&sandbox).is_empty());
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 3);
}

/// RFC 8628, weakness W49.
#[test]
fn a_code_is_typed_into_a_browser_elsewhere() {
    let Some(provider) = identity_provider("sign_in") else { return };
    let api = OrdersApi::start();
    let sandbox = guarded(&api, &provider, Some(json!({"mode": "browserLogin", "scopes": ["bundle:orders"]})));
    let toolbox = sandbox.toolbox(&[]);
    let unsigned = toolbox.cli(&["orders", "list", "--format", "json"]).run();
    assert!(unsigned.code == 3 && unsigned.err.contains("sign_in_required"), "{}", unsigned.err);
    let mut login = toolbox.cli(&["auth", "login", "--device"]).start();
    Person::named("bob").sign_in(&shown(&login));
    assert!(login.wait().success(), "{}", login.log());
    assert_eq!(toolbox.cli(&["auth", "status"]).json()["signIn"]["principal"], "bob");
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0);
}

/// §7.2, §7.4, §7.5, BRK-3 to BRK-6, JWKS-17: who acts for whom is on record, and grants nothing.
#[test]
fn credentials_of_its_own_give_a_token_that_is_kept_and_exchanged() {
    let Some(mut provider) = identity_provider("sign_in") else { return };
    let api = OrdersApi::start();
    let token_url = format!("{}/token", provider.issuer);
    let client = |scopes: Value| {
        json!({"mode": "oauthClient", "scopes": scopes, "client": {"tokenURL": token_url,
            "clientId": {"type": "literal", "value": "operator"}, "clientSecret": {"type": "env", "value": "CLIENT_SECRET"}}})
    };
    let mut oauth = client(json!(["bundle:orders", "audit:read"]));
    oauth["delegation"] = json!({"enabled": true, "scopes": ["bundle:orders"]});
    let sandbox = guarded(&api, &provider, Some(oauth)).with_variable("OPEN_CLI_AGENT_SESSION_ID", "session-9");
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0);
    let records = toolbox.cli(&["audit", "--format", "json"]).json();
    let called = records.as_array().expect("records").iter().find(|one| one["eventType"] == "tool_execution");
    let called = called.expect("a call");
    assert_eq!(
        (&called["principal"], &called["lineage"]["delegatedBy"]),
        (&json!("operator"), &json!("operator"))
    );
    assert_eq!(called["lineage"]["actor"], json!({"sub": "operator", "actor_id": "session-9"}));
    // The exchanged token has only the scopes of the exchange.
    let refused = toolbox.cli(&["runtime", "log"]).run();
    assert!(refused.code == 3 && refused.err.contains("runtime:admin"), "{}", refused.err);
    // Both tokens are kept: nobody is asked again, even where nobody is left to ask.
    assert_eq!(kept(&sandbox).len(), 2);
    provider.child.signal("TERM");
    provider.child.wait();
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0);
    // Completion asks nobody for a token (W47), and says what is wrong when one is needed.
    for file in kept(&sandbox) {
        std::fs::remove_file(file).expect("removed");
    }
    let failed = toolbox.cli(&["orders", "list"]).run();
    assert!(failed.code == 3 && failed.err.contains(&token_url), "{}", failed.err);
}

/// §7.1, weaknesses W53 and W54.
#[test]
fn a_token_that_was_given_is_sent_to_the_runtime_it_is_for() {
    let Some(provider) = identity_provider("sign_in") else { return };
    let api = OrdersApi::start();
    let oauth = json!({"mode": "providedToken", "tokenRef": "env:RUNTIME_TOKEN"});
    let sandbox = guarded(&api, &provider, Some(oauth))
        .with_variable("RUNTIME_TOKEN", &provider.token("robot", "bundle:orders"));
    let toolbox = sandbox.toolbox(&[]);
    assert_eq!(toolbox.cli(&["auth", "status"]).json()["signIn"]["principal"], "robot");
    assert_eq!(toolbox.cli(&["orders", "list"]).run().code, 0);
    assert!(toolbox.cli(&["catalog", "list"]).ok().contains("orders:createOrder"));
}
