//! A real identity provider: oidc-provider from npm, set up by `peers/identity-provider.mjs`, which says which clients
//! there are.

use crate::http::{self, Reply};
use crate::peers::program;
use crate::process::Child;
use serde_json::{Value, json};
use std::process::Command;
use url::form_urlencoded;

/// A running identity provider.
pub struct IdentityProvider {
    /// The process.
    pub child: Child,
    /// Its issuer, which is its base URL too.
    pub issuer: String,
}

/// Starts it. `None` (with a message) when it is not installed.
pub fn identity_provider(test: &str) -> Option<IdentityProvider> {
    let modules = program("OPEN_CLI_TEST_NODE_MODULES", test)?;
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/identity-provider.mjs")).arg(modules);
    let mut child = Child::start(command);
    loop {
        if let Some(issuer) = child.line().strip_prefix("issuer ") {
            let issuer = issuer.to_owned();
            return Some(IdentityProvider { child, issuer });
        }
    }
}

impl IdentityProvider {
    /// A client's own token with these scopes.
    pub fn token(&self, client: &str, scope: &str) -> String {
        let secret = format!("{client}-secret");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", &secret),
            ("scope", scope),
        ];
        let reply = self.post("/token", &form);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// Takes a token back (RFC 7009).
    pub fn revoke(&self, client: &str, token: &str) {
        let secret = format!("{client}-secret");
        let reply =
            self.post("/token/revocation", &[("client_id", client), ("client_secret", &secret), ("token", token)]);
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Posts a form.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        http::request("POST", &format!("{}{path}", self.issuer), &headers, body.as_bytes())
    }

    /// `runtime.server.auth` for signed tokens, browser login included.
    pub fn jwks_auth(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "validationProfile": "oidc_jwks", "audience": "open-cli-toolbox", "issuer": issuer,
            "jwksURL": format!("{issuer}/jwks"), "authorizationURL": format!("{issuer}/auth"),
            "tokenURL": format!("{issuer}/token"), "browserClientId": "person",
        })
    }

    /// `runtime.server.auth` for tokens that the provider is asked about.
    pub fn introspection_auth(&self, client: &str, method: &str) -> Value {
        json!({
            "validationProfile": "oauth2_introspection", "audience": "open-cli-toolbox",
            "introspectionURL": format!("{}/token/introspection", self.issuer), "clientAuthMethod": method,
            "clientId": {"type": "literal", "value": client},
            "clientSecret": {"type": "env", "value": "INTROSPECTION_SECRET"},
        })
    }
}
