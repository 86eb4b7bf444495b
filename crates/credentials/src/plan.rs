//! Where credentials would go, without looking at any secret: for previews.

use crate::Secrets;
use crate::apply::Method;
use open_cli_contract::catalog::{AuthAlternative, AuthRequirement};
use open_cli_contract::preview::Placement;

impl Secrets {
    /// What the alternative that a call would most likely use adds to a request: the first whose secrets are all
    /// configured; else none where anonymous access is allowed; else the first, which is what a call would lack.
    pub fn plan(&self, service_id: &str, alternatives: &[AuthAlternative]) -> Vec<Placement> {
        let is_ready = |alternative: &&AuthAlternative| {
            !alternative.requirements.is_empty()
                && alternative
                    .requirements
                    .iter()
                    .all(|requirement| self.is_configured(service_id, &requirement.name))
        };
        let anonymous = || alternatives.iter().find(|alternative| alternative.requirements.is_empty());
        let chosen = alternatives.iter().find(is_ready).or_else(anonymous).or(alternatives.first());
        chosen.into_iter().flat_map(|chosen| &chosen.requirements).filter_map(placement).collect()
    }
}

fn placement(requirement: &AuthRequirement) -> Option<Placement> {
    let header = |name: &str, prefix| ("header", name.to_owned(), prefix);
    let (location, name, prefix) = match Method::of(requirement).ok()? {
        Method::ApiKeyHeader => header(&requirement.param_name, ""),
        Method::ApiKeyQuery => ("query", requirement.param_name.clone(), ""),
        Method::ApiKeyCookie => ("cookie", requirement.param_name.clone(), ""),
        Method::Bearer => header("authorization", "Bearer "),
        Method::Basic => header("authorization", "Basic "),
    };
    Some(Placement { scheme: requirement.name.clone(), location, name, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretSource;

    fn requirement(name: &str, kind: &str, scheme: &str, location: &str, param: &str) -> AuthRequirement {
        AuthRequirement {
            name: name.into(),
            kind: kind.into(),
            scheme: scheme.into(),
            location: location.into(),
            param_name: param.into(),
            scopes: Vec::new(),
            oauth_flows: Vec::new(),
            open_id_connect_url: String::new(),
        }
    }

    #[test]
    fn the_alternative_that_is_configured_is_shown_and_no_secret_is_read() {
        let key = requirement("key", "apiKey", "", "header", "X-Key");
        let basic = requirement("basic", "http", "basic", "", "");
        let sid = requirement("sid", "apiKey", "", "cookie", "sid");
        let of = |requirements: &[&AuthRequirement]| AuthAlternative {
            requirements: requirements.iter().map(|requirement| (*requirement).clone()).collect(),
        };
        let secrets = |names: &[&str]| {
            let broken = |name: &&str| ((*name).to_owned(), SecretSource::File("/nowhere/at/all".into()));
            Secrets::with_environment(names.iter().map(broken), |_| None)
        };
        let shown = |secrets: &Secrets, alternatives: &[AuthAlternative]| -> Vec<String> {
            let plan = secrets.plan("s", alternatives);
            plan.iter().map(|p| format!("{} {} {}{}", p.scheme, p.location, p.prefix, p.name)).collect()
        };
        let both = [of(&[&key]), of(&[&basic, &sid])];
        assert_eq!(shown(&secrets(&["key"]), &both), ["key header X-Key"]);
        assert_eq!(
            shown(&secrets(&["s.basic", "sid"]), &both),
            ["basic header Basic authorization", "sid cookie sid"]
        );
        assert_eq!(shown(&secrets(&[]), &both), ["key header X-Key"]);
        assert!(shown(&secrets(&[]), &[of(&[&key]), of(&[])]).is_empty());
        assert!(shown(&secrets(&[]), &[]).is_empty());
    }
}
