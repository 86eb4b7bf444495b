//! What to add under `secrets` for the security schemes of a description (client §13.4): a snippet that loads.

use serde_json::{Map, Value, json};

/// The snippet, or `None` when nothing is needed that a static secret can give.
pub(super) fn secrets(service: &str, schemes: &[(String, Value)]) -> Option<String> {
    let map = entries(service, schemes);
    if map.is_empty() {
        return None;
    }
    let text = serde_json::to_string_pretty(&Value::Object(map)).unwrap_or_default();
    // As a member of the root object: its first line follows the name, the others keep their depth.
    Some(format!("  \"secrets\": {}\n", text.replace('\n', "\n  ")))
}

/// One secret per scheme, in order, under the name that the runtime looks for first.
fn entries(service: &str, schemes: &[(String, Value)]) -> Map<String, Value> {
    let prefix = prefix(service);
    let variable = |suffix: &str| json!({ "type": "env", "value": format!("{prefix}_{suffix}") });
    let mut map = Map::new();
    for (name, scheme) in schemes {
        let kind = scheme.get("type").and_then(Value::as_str).unwrap_or_default();
        let secret = match kind {
            "apiKey" => Some(variable("API_KEY")),
            "http" | "basic" => Some(variable("TOKEN")),
            "oauth2" => oauth2(scheme, &variable),
            _ => None,
        };
        if let Some(secret) = secret {
            map.insert(format!("{service}.{name}"), secret);
        }
    }
    map
}

fn oauth2(scheme: &Value, variable: &dyn Fn(&str) -> Value) -> Option<Value> {
    // Swagger 2.0 has one flow and keeps it in the scheme itself.
    let flow = |names: [&str; 2]| {
        let old = (scheme.get("flow").and_then(Value::as_str) == Some(names[1])).then_some(scheme);
        scheme.pointer(&format!("/flows/{}", names[0])).or(old)
    };
    let text = |flow: &Value, member: &str| flow.get(member).and_then(Value::as_str).map(str::to_owned);
    if let Some(flow) = flow(["clientCredentials", "application"]) {
        return Some(json!({
            "type": "oauth2", "mode": "clientCredentials", "tokenURL": text(flow, "tokenUrl")?,
            "clientId": variable("CLIENT_ID"), "clientSecret": variable("CLIENT_SECRET"),
        }));
    }
    let flow = flow(["authorizationCode", "accessCode"])?;
    Some(json!({
        "type": "oauth2", "mode": "authorizationCode",
        "authorizationURL": text(flow, "authorizationUrl")?, "tokenURL": text(flow, "tokenUrl")?,
        "clientId": variable("CLIENT_ID"), "clientSecret": variable("CLIENT_SECRET"),
    }))
}

/// Begin of the variables' names: `billing` -> `BILLING`, `3-billing` -> `OPEN_CLI_3_BILLING`.
fn prefix(service: &str) -> String {
    let upper = service.to_uppercase().replace('-', "_");
    if upper.starts_with(|c: char| c.is_ascii_alphabetic()) { upper } else { format!("OPEN_CLI_{upper}") }
}

/// A word for a POSIX shell.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | '@' | '%' | ',');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_config::Scope;

    fn schemes() -> Vec<(String, Value)> {
        vec![
            ("key".into(), json!({"type": "apiKey", "in": "header", "name": "X-Key"})),
            ("bearer".into(), json!({"type": "http", "scheme": "bearer"})),
            (
                "sso".into(),
                json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://id.example.test/token", "scopes": {}}}}),
            ),
            (
                "old".into(),
                json!({"type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://id.example.test/a", "tokenUrl": "https://id.example.test/t"}),
            ),
            (
                "oidc".into(),
                json!({"type": "openIdConnect", "openIdConnectUrl": "https://id.example.test/.well-known/openid-configuration"}),
            ),
            ("mtls".into(), json!({"type": "mutualTLS"})),
        ]
    }

    #[test]
    fn the_snippet_can_be_pasted_into_the_configuration() {
        let snippet = secrets("shop", &schemes()).unwrap();
        insta::assert_snapshot!(snippet);
        let config = super::super::write::config("shop", "./x.yaml", "http://127.0.0.1:8765");
        let end = config.rfind('}').unwrap();
        let pasted = format!("{},\n{snippet}}}\n", config[..end].trim_end());
        let loaded = open_cli_config::load_text(&[(Scope::Project, "/p/.cli.json".into(), pasted)]).unwrap();
        assert_eq!(loaded.config.secrets.len(), 4);
    }

    #[test]
    fn variables_begin_with_a_letter() {
        assert_eq!(prefix("my-billing"), "MY_BILLING");
        assert_eq!(prefix("3-billing"), "OPEN_CLI_3_BILLING");
        assert!(secrets("x", &schemes()[4..]).is_none());
    }

    #[test]
    fn paths_are_quoted_for_the_shell_when_they_must_be() {
        assert_eq!(shell_word("/a/b.json"), "/a/b.json");
        assert_eq!(shell_word("/a b/it's"), "'/a b/it'\\''s'");
    }
}
