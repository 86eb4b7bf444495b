//! §1.7 and the sign-in normalisation of §1.5.

use open_cli_config::Scope::{Project, User};
use open_cli_config::ValidationProfile;
use serde_json::{Value, json};

use crate::support::{eff, fails, one, paths, project, scopes, warns};

fn auth(auth: Value) -> Value {
    json!({"runtime": {"server": {"auth": auth}}})
}

fn oauth(oauth: Value) -> Value {
    json!({"runtime": {"remote": {"oauth": oauth}}})
}

/// CFG-54 to CFG-57.
#[test]
fn the_clients_sign_in_is_complete_for_its_mode() {
    let at = |rest: &str| format!("runtime.remote.oauth.{rest}");
    fails(oauth(json!({"mode": "providedToken"})), &at("tokenRef"), "required");
    fails(oauth(json!({"mode": "oauthClient"})), &at("client"), "required");
    let findings = one(oauth(json!({"mode": "oauthClient", "client": {}}))).expect_err("incomplete");
    assert_eq!(paths(&findings), [at("client.clientId"), at("client.clientSecret"), at("client.tokenURL")]);
    let delegation = json!({"mode": "providedToken", "tokenRef": "env:A", "delegation": {"enabled": true}});
    fails(oauth(delegation), &at("delegation.tokenExchangeURL"), "required");
    for fine in [
        json!({}),
        json!({"mode": "browserLogin"}),
        json!({"delegation": {"enabled": true}}),
        json!({"mode": "providedToken", "tokenRef": "env:A", "delegation": {"enabled": false}}),
    ] {
        warns(oauth(fine), &[]);
    }
}

/// CFG-58, CFG-59; each missing field once (CFG-12 undone).
#[test]
fn the_runtimes_sign_in_is_complete_for_its_profile() {
    let at = |rest: &str| format!("runtime.server.auth.{rest}");
    let findings = one(auth(json!({"validationProfile": "oidc_jwks"}))).expect_err("incomplete");
    assert_eq!(paths(&findings), [at("audience"), at("issuer"), at("jwksURL")]);
    assert!(findings.iter().all(|f| f.message.contains("required") && f.message.contains("oidc_jwks")));
    for profile in [json!({"validationProfile": "oauth2_introspection"}), json!({"mode": "oauth2Introspection"})] {
        let findings = one(auth(profile)).expect_err("incomplete");
        assert_eq!(paths(&findings), [at("audience"), at("introspectionURL")]);
    }
}

/// A block that is there but says nothing must not switch authentication off.
#[test]
fn an_auth_block_without_a_profile_is_refused() {
    for block in [json!({}), json!({"issuer": "https://i", "jwksURL": "https://i/k", "audience": "a"})] {
        fails(auth(block), "runtime.server.auth.validationProfile", "required");
    }
}

/// Weakness 16.
#[test]
fn introspection_credentials_come_in_pairs() {
    let secret = json!({"type": "env", "value": "A"});
    for (given, missing) in [("clientId", "clientSecret"), ("clientSecret", "clientId")] {
        let mut block = json!({"validationProfile": "oauth2_introspection", "audience": "a",
            "introspectionURL": "https://i"});
        block[given] = secret.clone();
        fails(auth(block), &format!("runtime.server.auth.{missing}"), given);
    }
}

/// CFG-40 to CFG-44, weakness 8.
#[test]
fn the_profile_is_settled_once_after_merging() {
    use ValidationProfile::{Oauth2Introspection, OidcJwks};
    let rest =
        json!({"audience": "a", "issuer": "https://i", "jwksURL": "https://i/k", "introspectionURL": "https://i"});
    let with = |extra: Value| {
        let mut block = rest.clone();
        for (key, value) in extra.as_object().expect("object") {
            block[key] = value.clone();
        }
        auth(block)
    };
    let legacy = json!({"mode": "oauth2Introspection"});
    let oidc = json!({"validationProfile": "oidc_jwks"});
    let canonical = json!({"validationProfile": "oauth2_introspection"});
    for (earlier, later, expected, warnings) in [
        (json!({}), legacy.clone(), Oauth2Introspection, 0),
        (json!({}), canonical.clone(), Oauth2Introspection, 0),
        (oidc.clone(), legacy.clone(), Oauth2Introspection, 1),
        (legacy.clone(), oidc.clone(), Oauth2Introspection, 1),
        (canonical.clone(), oidc.clone(), OidcJwks, 0),
        (oidc.clone(), canonical, Oauth2Introspection, 0),
        (json!({}), oidc, OidcJwks, 0),
    ] {
        let loaded =
            scopes(&[(User, project(with(earlier.clone()))), (Project, auth(later.clone()))]).expect("loads");
        let settled = loaded.config.runtime.auth().expect("auth");
        assert_eq!(settled.validation_profile, expected, "{earlier} {later}");
        assert_eq!(settled.mode.is_some(), expected == Oauth2Introspection, "{earlier} {later}");
        assert_eq!(loaded.warnings.len(), warnings, "{earlier} {later}");
    }
    let loaded = one(with(legacy)).expect("loads");
    let json = eff(&loaded);
    assert_eq!(json["runtime"]["server"]["auth"]["validationProfile"], "oauth2_introspection");
    assert_eq!(json["runtime"]["server"]["auth"]["mode"], "oauth2Introspection");
}
