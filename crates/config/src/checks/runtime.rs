//! Rules for `runtime` (CFG-53 to CFG-59). `runtime` and its mode are optional (deviation 1).

use super::Spot;
use crate::diagnostic::Report;
use crate::words::ValidationProfile;

pub(super) fn check(root: &Spot<'_>, report: &mut Report) {
    let Some(runtime) = root.child("runtime") else { return };
    if let Some(oauth) = runtime.child("remote").and_then(|remote| remote.child("oauth")) {
        remote_oauth(&oauth, report);
    }
    if let Some(auth) = runtime.child("server").and_then(|server| server.child("auth")) {
        server_auth(&auth, report);
    }
}

fn remote_oauth(oauth: &Spot<'_>, report: &mut Report) {
    let mode = oauth.text("mode");
    if mode == Some("providedToken") {
        oauth.require("tokenRef", "required for providedToken; for example \"env:OPEN_CLI_TOKEN\"", report);
        if let Some(delegation) = oauth.child("delegation")
            && delegation.object.get("enabled").and_then(crate::tree::Node::flag) == Some(true)
        {
            delegation.require("tokenExchangeURL", "required when delegation is enabled", report);
        }
    }
    if mode == Some("oauthClient")
        && oauth.require("client", "required for oauthClient", report)
        && let Some(client) = oauth.child("client")
    {
        for key in ["tokenURL", "clientId", "clientSecret"] {
            client.require(key, "required for oauthClient", report);
        }
    }
}

fn server_auth(auth: &Spot<'_>, report: &mut Report) {
    let (profile, needed): (_, &[&str]) =
        match auth.text("validationProfile").and_then(ValidationProfile::from_word) {
            Some(profile @ ValidationProfile::OidcJwks) => (profile, &["audience", "issuer", "jwksURL"]),
            Some(profile @ ValidationProfile::Oauth2Introspection) => (profile, &["audience", "introspectionURL"]),
            None => {
                // A block that is there but incomplete must not mean "no authentication".
                let message = "required where runtime.server.auth is present: oidc_jwks or oauth2_introspection";
                auth.require("validationProfile", message, report);
                return;
            }
        };
    for key in needed {
        auth.require(key, &format!("required for {profile}"), report);
    }
    // Weakness 16.
    for (given, missing) in [("clientId", "clientSecret"), ("clientSecret", "clientId")] {
        if auth.object.has(given) && !auth.object.has(missing) {
            auth.require(missing, &format!("required when {given} is given; set both or neither"), report);
        }
    }
}
