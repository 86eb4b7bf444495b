//! Which servers the tools of a service have: those of the description, unless the operator says which
//! (`services.<id>.server`, `serverVariables`). What the operator fixes is no caller's choice.

use open_cli_config::Service as ConfigService;
use open_cli_contract::catalog::ServerChoice;
use open_cli_contract::redact;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the operator says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serving {
    /// A server of the description, by name or URL, or any other one by its URL.
    pub(crate) server: Option<String>,
    /// Values of variables.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Servers in force.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// The first is called.
    pub(crate) servers: Vec<String>,
    /// What callers may choose among; empty when there is no choice.
    pub(crate) choices: Vec<ServerChoice>,
}

impl Serving {
    pub(crate) fn of(service: &ConfigService) -> Self {
        Self { server: service.server.clone(), variables: service.server_variables.clone() }
    }

    fn is_empty(&self) -> bool {
        self.server.is_none() && self.variables.is_empty()
    }

    /// Something in it must not be stored.
    pub(crate) fn holds_credentials(&self) -> bool {
        let is_secret = |text: &String| text.contains('@') || redact::text(text) != *text;
        self.server.iter().chain(self.variables.values()).any(is_secret)
    }

    /// For telling whether it is still the same.
    pub(crate) fn update(&self, hash: &mut impl Digest) {
        hash.update(self.server.as_deref().unwrap_or("\u{0}"));
        for (name, value) in &self.variables {
            hash.update([1]);
            hash.update(name);
            hash.update([2]);
            hash.update(value);
        }
        hash.update([0]);
    }

    /// The servers of a tool, or of the service, out of those that the description offers. The error says why there are
    /// none: calling another server than the operator's would be wrong.
    pub(crate) fn settle(&self, offered: &Arc<[ServerChoice]>) -> Result<Settled, String> {
        if self.is_empty() {
            return Ok(Settled::of(offered.to_vec()));
        }
        let Some(wanted) = &self.server else {
            let with = |choice: &ServerChoice| fixed(choice, &self.variables);
            return Ok(Settled::of(offered.iter().map(with).collect()));
        };
        let plain = |url: &str| url.trim_end_matches('/').to_owned();
        let known = offered.iter().find(|choice| {
            choice.name == *wanted || [&choice.url, &choice.template].iter().any(|url| plain(url) == plain(wanted))
        });
        let template = match known {
            Some(choice) if choice.template.is_empty() => choice.url.clone(),
            Some(choice) => {
                let defaults =
                    choice.variables.iter().map(|(name, variable)| (name.clone(), variable.default.clone()));
                let values: BTreeMap<String, String> = defaults.chain(self.variables.clone()).collect();
                return finished(&filled(&choice.template, &values));
            }
            None if wanted.contains("://") => wanted.clone(),
            None => {
                return Err(format!(
                    "the description has no server named {wanted:?}, and it is no URL either; no server is called instead"
                ));
            }
        };
        finished(&filled(&template, &self.variables))
    }

    /// Variables that no server has.
    pub(crate) fn unknown_variables<'o>(
        &self,
        offered: impl Iterator<Item = &'o Arc<[ServerChoice]>> + Clone,
    ) -> Vec<&str> {
        let server = self.server.as_deref().unwrap_or_default();
        let is_known = |name: &str| {
            let mut choices = offered.clone().flat_map(|offered| offered.iter());
            server.contains(&format!("{{{name}}}")) || choices.any(|choice| choice.variables.contains_key(name))
        };
        self.variables.keys().map(String::as_str).filter(|name| !is_known(name)).collect()
    }
}

impl Settled {
    fn of(choices: Vec<ServerChoice>) -> Self {
        let servers = choices.iter().map(|choice| choice.url.clone()).collect();
        // A URL with a secret is called and never shown, so nobody can choose it.
        let shown = choices.iter().all(|choice| redact::text(&choice.url) == choice.url);
        let is_choice = shown && (choices.len() > 1 || choices.iter().any(|choice| !choice.variables.is_empty()));
        Self { servers, choices: if is_choice { choices } else { Vec::new() } }
    }
}

/// The server with the operator's values in place of its variables, which are then nobody else's to set.
fn fixed(choice: &ServerChoice, values: &BTreeMap<String, String>) -> ServerChoice {
    if choice.template.is_empty() {
        return choice.clone();
    }
    let mut choice = choice.clone();
    choice.variables.retain(|name, _| !values.contains_key(name));
    choice.template = filled(&choice.template, values);
    let defaults =
        choice.variables.iter().map(|(name, variable)| (name.clone(), variable.default.clone())).collect();
    choice.url = filled(&choice.template, &defaults);
    if choice.variables.is_empty() {
        choice.template = String::new();
    }
    choice
}

fn filled(template: &str, values: &BTreeMap<String, String>) -> String {
    values.iter().fold(template.to_owned(), |url, (name, value)| url.replace(&format!("{{{name}}}"), value))
}

fn finished(url: &str) -> Result<Settled, String> {
    if url.contains('{') {
        return Err(format!(
            "the server {:?} has a variable without a value; set it in serverVariables",
            redact::text(url)
        ));
    }
    Ok(Settled { servers: vec![url.to_owned()], choices: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::catalog::ServerVariable;

    fn offered() -> Arc<[ServerChoice]> {
        let variable = |default: &str| ServerVariable { default: default.into(), ..ServerVariable::default() };
        Arc::new([
            ServerChoice { url: "https://a.example".into(), name: "live".into(), ..ServerChoice::default() },
            ServerChoice {
                url: "https://eu.b.example/v1".into(),
                template: "https://{region}.b.example/{version}".into(),
                variables: BTreeMap::from([("region".into(), variable("eu")), ("version".into(), variable("v1"))]),
                ..ServerChoice::default()
            },
        ])
    }

    fn settle(server: Option<&str>, variables: &[(&str, &str)]) -> Result<(Vec<String>, usize), String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let serving = Serving { server: server.map(str::to_owned), variables };
        serving.settle(&offered()).map(|settled| (settled.servers, settled.choices.len()))
    }

    #[test]
    fn the_operators_server_wins_and_leaves_no_choice() {
        let one = |url: &str| Ok((vec![url.to_owned()], 0));
        assert_eq!(settle(Some("live"), &[]), one("https://a.example"));
        assert_eq!(settle(Some("https://a.example/"), &[]), one("https://a.example"));
        assert_eq!(settle(Some("https://eu.b.example/v1"), &[("region", "us")]), one("https://us.b.example/v1"));
        assert_eq!(settle(Some("https://staging.example/x"), &[]), one("https://staging.example/x"));
        assert_eq!(settle(Some("https://{t}.example"), &[("t", "acme")]), one("https://acme.example"));
        assert!(settle(Some("https://{t}.example"), &[]).expect_err("no value").contains("serverVariables"));
        assert!(settle(Some("sandbox"), &[]).expect_err("no server").contains("no server named"));
    }

    #[test]
    fn fixed_variables_are_no_callers_choice_and_the_rest_is() {
        let all = settle(None, &[]).expect("servers");
        assert_eq!(all, (vec!["https://a.example".to_owned(), "https://eu.b.example/v1".to_owned()], 2));
        let serving = Serving { server: None, variables: BTreeMap::from([("region".into(), "us".into())]) };
        let settled = serving.settle(&offered()).expect("servers");
        assert_eq!(settled.servers[1], "https://us.b.example/v1");
        assert_eq!(settled.choices[1].template, "https://us.b.example/{version}");
        assert_eq!(settled.choices[1].variables.keys().collect::<Vec<_>>(), ["version"]);
        assert_eq!(serving.unknown_variables(std::iter::once(&offered())), Vec::<&str>::new());
        let wrong = Serving { server: None, variables: BTreeMap::from([("regoin".into(), "us".into())]) };
        assert_eq!(wrong.unknown_variables(std::iter::once(&offered())), ["regoin"]);
        let secret = Arc::new([
            ServerChoice { url: "https://u:p@a.example".into(), ..ServerChoice::default() },
            ServerChoice { url: "https://b.example".into(), ..ServerChoice::default() },
        ]) as Arc<[ServerChoice]>;
        assert!(Serving::default().settle(&secret).expect("servers").choices.is_empty());
    }
}
