//! The effective configuration with its secrets in plain text. Only for writing a config back or comparing two;
//! never for logs, errors or answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Config, OAuth};
use crate::secret::{Secret, SecretText, StaticSecret};

impl Config {
    /// EFF JSON with literal secrets, headers, variables and URLs as configured.
    pub fn revealed(&self) -> Value {
        // Infallible: the model has text keys only and no failing serialisers.
        let mut json = serde_json::to_value(self).unwrap_or_default();
        for (id, secret) in &self.secrets {
            match secret {
                Secret::Static(secret) => put_static(&mut json["secrets"][id], Some(secret)),
                Secret::OAuth2(oauth) => put_oauth(&mut json["secrets"][id], oauth),
            }
        }
        for (id, source) in &self.sources {
            let json = &mut json["sources"][id];
            put(json, "uri", source.uri.as_ref().map(crate::Reference::text));
            if let Some(transport) = &source.transport {
                put(&mut json["transport"], "url", transport.url.as_deref());
                put_map(&mut json["transport"], "env", &transport.env);
                put_map(&mut json["transport"], "headers", &transport.headers);
            }
            if let Some(oauth) = &source.oauth {
                put_oauth(&mut json["oauth"], oauth);
            }
        }
        for (id, service) in &self.services {
            let lists =
                [("overlays", &service.overlays), ("skills", &service.skills), ("workflows", &service.workflows)];
            for (key, references) in lists {
                for (index, reference) in references.iter().enumerate() {
                    json["services"][id][key][index] = reference.text().into();
                }
            }
        }
        reveal_runtime(self, &mut json["runtime"]);
        json
    }
}

fn reveal_runtime(config: &Config, json: &mut Value) {
    if let Some(remote) = &config.runtime.remote {
        let json = &mut json["remote"];
        put(json, "url", remote.url.as_deref());
        if let Some(oauth) = &remote.oauth {
            if let Some(client) = &oauth.client {
                let json = &mut json["oauth"]["client"];
                put(json, "tokenURL", client.token_url.as_deref());
                put_client(json, client.client_id.as_ref(), client.client_secret.as_ref());
            }
            if let Some(delegation) = &oauth.delegation {
                let json = &mut json["oauth"]["delegation"];
                put(json, "tokenExchangeURL", delegation.token_exchange_url.as_deref());
            }
        }
    }
    if let Some(auth) = config.runtime.auth() {
        let json = &mut json["server"]["auth"];
        for (key, url) in [
            ("jwksURL", &auth.jwks_url),
            ("introspectionURL", &auth.introspection_url),
            ("authorizationURL", &auth.authorization_url),
            ("tokenURL", &auth.token_url),
        ] {
            put(json, key, url.as_deref());
        }
        put_client(json, auth.client_id.as_ref(), auth.client_secret.as_ref());
    }
}

fn put(json: &mut Value, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        json[key] = text.into();
    }
}

fn put_map(json: &mut Value, key: &str, map: &BTreeMap<String, SecretText>) {
    for (name, value) in map {
        json[key][name] = value.reveal().into();
    }
}

fn put_static(json: &mut Value, secret: Option<&StaticSecret>) {
    match secret {
        Some(StaticSecret::Literal(text)) => json["value"] = text.reveal().into(),
        Some(StaticSecret::File(reference)) => json["value"] = reference.text().into(),
        _ => {}
    }
}

fn put_client(json: &mut Value, id: Option<&StaticSecret>, secret: Option<&StaticSecret>) {
    for (key, secret) in [("clientId", id), ("clientSecret", secret)] {
        if secret.is_some() {
            put_static(&mut json[key], secret);
        }
    }
}

fn put_oauth(json: &mut Value, oauth: &OAuth) {
    put_client(json, oauth.client_id.as_ref(), oauth.client_secret.as_ref());
    for (key, url) in [
        ("issuer", &oauth.issuer),
        ("authorizationURL", &oauth.authorization_url),
        ("tokenURL", &oauth.token_url),
        ("redirectURI", &oauth.redirect_uri),
    ] {
        put(json, key, url.as_deref());
    }
}
