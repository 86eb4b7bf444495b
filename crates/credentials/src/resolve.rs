//! Which alternative is used (UP-1 to UP-11).

use crate::apply::Method;
use crate::error::{Attempt, Attempts, Reason};
use crate::{Credentials, CredentialsError, Secrets};
use open_cli_contract::catalog::{AuthAlternative, AuthRequirement};

impl Secrets {
    /// Credentials for a tool of this service.
    ///
    /// The first alternative that resolves in full wins. Anonymous access (an alternative without requirements,
    /// weakness W-41) is used when no other resolves and none of them is configured: a configured secret that
    /// does not work is an error, because the operator wanted it used. No alternatives: no credentials.
    pub fn resolve(
        &self,
        service_id: &str,
        alternatives: &[AuthAlternative],
    ) -> Result<Credentials, CredentialsError> {
        let mut anonymous = alternatives.is_empty();
        let mut broken = false;
        let mut attempts = Vec::new();
        for AuthAlternative { requirements } in alternatives {
            if requirements.is_empty() {
                anonymous = true;
                continue;
            }
            match self.resolve_all(service_id, requirements) {
                Ok(credentials) => return Ok(credentials),
                Err(reasons) => {
                    // Half-configured is not configured: the other half may belong to other tools.
                    broken |= !reasons.iter().any(|reason| matches!(reason, Reason::NotConfigured(_)));
                    let text = |reason| match reason {
                        Reason::NotConfigured(text) | Reason::Broken(text) => text,
                    };
                    let reasons = reasons.into_iter().map(text).collect();
                    attempts.push(Attempt { schemes: schemes(requirements), reasons });
                }
            }
        }
        if anonymous && !broken {
            return Ok(Credentials::none());
        }
        Err(CredentialsError::NoneResolved(Attempts(attempts)))
    }

    /// UP-7: all or nothing. Every failing requirement is named, so that they can be mended in one go.
    fn resolve_all(&self, service_id: &str, requirements: &[AuthRequirement]) -> Result<Credentials, Vec<Reason>> {
        let mut credentials = Credentials::none();
        let mut reasons = Vec::new();
        for requirement in requirements {
            if let Err(reason) = self.resolve_one(service_id, requirement, &mut credentials) {
                reasons.push(reason);
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        credentials.schemes = schemes(requirements);
        Ok(credentials)
    }

    fn resolve_one(
        &self,
        service_id: &str,
        requirement: &AuthRequirement,
        credentials: &mut Credentials,
    ) -> Result<(), Reason> {
        let found = self.find(service_id, &requirement.name);
        let method = Method::of(requirement).map_err(|text| match found {
            Some(_) => Reason::Broken(text),
            None => Reason::NotConfigured(text),
        })?;
        let Some(value) = found else {
            let name = &requirement.name;
            return Err(Reason::NotConfigured(format!(
                "missing secret for {name} (configure `secrets` {:?} or {name:?})",
                format!("{service_id}.{name}")
            )));
        };
        method.apply(credentials, requirement, value?.expose()).map_err(Reason::Broken)
    }
}

fn schemes(requirements: &[AuthRequirement]) -> String {
    match requirements {
        [only] => only.name.clone(),
        many => many.iter().map(|requirement| requirement.name.as_str()).collect::<Vec<_>>().join("+"),
    }
}
