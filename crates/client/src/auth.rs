//! The bearer token for the runtime (client §7.1, weaknesses W53, W54). Interactive sign-in is not here.

use crate::settings::OAuth;
use crate::{ClientError, Environment};
use secrecy::SecretString;

/// The token that `runtime.remote.oauth` leads to. An absent mode acts as `providedToken`.
pub fn token(oauth: &OAuth, environment: &Environment) -> Result<Option<SecretString>, ClientError> {
    match oauth.mode.as_deref() {
        None | Some("providedToken") => {}
        Some(mode) => return Err(ClientError::SignInUnsupported { what: format!("the sign-in mode {mode}") }),
    }
    if oauth.delegates {
        return Err(ClientError::SignInUnsupported { what: "the token exchange of `delegation`".into() });
    }
    let Some(reference) = oauth.token_ref.as_deref() else { return Ok(None) };
    let refuse = |reason: String| Err(ClientError::Token { reason });
    let Some(name) = reference.strip_prefix("env:").filter(|name| !name.is_empty()) else {
        // What stands there may be the token itself: don't repeat it.
        return refuse("runtime.remote.oauth.tokenRef is not of the form env:NAME".into());
    };
    let Some(value) = environment.get(name) else {
        return refuse(format!(
            "the environment variable {name} that runtime.remote.oauth.tokenRef names is not set"
        ));
    };
    let value = value.trim();
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse(format!("the environment variable {name} does not hold a bearer token"));
    }
    Ok(Some(SecretString::from(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn ask(mode: Option<&str>, reference: Option<&str>, value: &str) -> Result<Option<String>, String> {
        let oauth = OAuth { mode: mode.map(Into::into), token_ref: reference.map(Into::into), delegates: false };
        let environment = Environment::Fixed([("TOKEN".to_owned(), value.to_owned())].into());
        token(&oauth, &environment)
            .map(|token| token.map(|token| token.expose_secret().to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_provided_token_is_read_from_its_variable() {
        assert_eq!(ask(Some("providedToken"), Some("env:TOKEN"), "abc\n"), Ok(Some("abc".into())));
        assert_eq!(ask(None, Some("env:TOKEN"), "abc"), Ok(Some("abc".into())));
        assert_eq!(ask(None, None, "abc"), Ok(None));
    }

    /// W54: never silently empty.
    #[test]
    fn a_reference_that_leads_nowhere_is_an_error_that_names_the_variable_and_no_value() {
        assert!(ask(None, Some("env:OTHER"), "abc").unwrap_err().contains("OTHER"));
        assert!(ask(None, Some("env:TOKEN"), "").unwrap_err().contains("TOKEN"));
        let error = ask(None, Some("s3cret"), "").unwrap_err();
        assert!(error.contains("env:NAME") && !error.contains("s3cret"));
        assert!(!ask(None, Some("env:TOKEN"), "a\u{1}b").unwrap_err().contains('\u{1}'));
    }

    #[test]
    fn interactive_modes_are_refused_clearly() {
        for mode in ["oauthClient", "browserLogin"] {
            assert!(ask(Some(mode), None, "").unwrap_err().contains(mode));
        }
        let oauth = OAuth { token_ref: Some("env:TOKEN".into()), delegates: true, ..OAuth::default() };
        assert!(token(&oauth, &Environment::default()).unwrap_err().to_string().contains("delegation"));
    }
}
