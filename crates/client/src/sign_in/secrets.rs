//! Secrets of this client's own configuration, read where they are: the token it was given, its id and its secret at
//! the authorization server (client §7.1, A7; W54: never silently empty).

use crate::{ClientError, Environment};
use open_cli_config::StaticSecret;
use secrecy::SecretString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Largest file with a secret in it.
const MAX_FILE: u64 = 64 * 1024;

/// The value of a `tokenRef`: `env:NAME` or `file:PATH`; a relative path counts from the folder of the configuration.
pub(super) fn provided(
    reference: &str,
    folder: Option<&Path>,
    environment: &Environment,
) -> Result<SecretString, ClientError> {
    let token = match reference.split_once(':') {
        Some(("env", name)) if !name.is_empty() => {
            let what = || format!("the environment variable {name} that runtime.remote.oauth.tokenRef names");
            let value = environment.get(name).ok_or_else(|| missing(format!("{} is not set", what())))?;
            checked(value.trim(), &what)?
        }
        Some(("file", path)) if !path.is_empty() => {
            let path = folder.map_or_else(|| path.into(), |folder| folder.join(path));
            let what = || format!("the file {} that runtime.remote.oauth.tokenRef names", path.display());
            let text = file(&path).map_err(|reason| missing(format!("{} {reason}", what())))?;
            checked(text.trim(), &what)?
        }
        // What stands there may be the token itself: don't repeat it.
        _ => {
            let reason = "runtime.remote.oauth.tokenRef is neither of the form env:NAME nor file:PATH";
            return Err(missing(reason.into()));
        }
    };
    Ok(token)
}

/// A bearer token has no white space and nothing that is not ASCII (RFC 6750 §2.1).
fn checked(value: &str, what: &dyn Fn() -> String) -> Result<SecretString, ClientError> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(missing(format!("{} does not hold a bearer token", what())));
    }
    Ok(SecretString::from(value))
}

/// The value of a secret that the configuration describes; `name` says which.
pub(super) fn read(
    secret: &StaticSecret,
    name: &str,
    environment: &Environment,
) -> Result<SecretString, ClientError> {
    let value = match secret {
        StaticSecret::Literal(text) => text.reveal().to_owned(),
        StaticSecret::Env { variable } => environment.get(variable).ok_or_else(|| {
            missing(format!("the environment variable {variable} of {name} is not set or empty"))
        })?,
        StaticSecret::File(reference) => {
            let path = reference.path();
            let text = file(&path)
                .map_err(|reason| missing(format!("the file {} of {name} {reason}", path.display())))?;
            text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(&text).to_owned()
        }
        StaticSecret::OsKeychain { item } => keychain(item, name)?,
        StaticSecret::Exec { .. } => {
            let reason = format!("{name} is a secret of type exec, which this program does not run for itself");
            return Err(missing(format!("{reason}; use env, file or osKeychain")));
        }
    };
    if value.is_empty() {
        return Err(missing(format!("{name} is empty")));
    }
    Ok(SecretString::from(value))
}

fn file(path: &Path) -> Result<String, String> {
    let bytes = open_cli_files::read_bounded(path, MAX_FILE).map_err(|error| format!("can't be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// `service/account`, else `service:account`, asked of the system's own program.
fn keychain(item: &str, name: &str) -> Result<String, ClientError> {
    let pair = item.split_once('/').or_else(|| item.split_once(':'));
    let Some((service, account)) = pair.filter(|(service, account)| !service.is_empty() && !account.is_empty())
    else {
        return Err(missing(format!("the keychain item of {name} is not service/account")));
    };
    let mut command = if cfg!(target_os = "macos") {
        let mut command = Command::new("security");
        command.args(["find-generic-password", "-s", service, "-a", account, "-w"]);
        command
    } else {
        let mut command = Command::new("secret-tool");
        command.args(["lookup", "service", service, "account", account]);
        command
    };
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output =
        output.map_err(|error| missing(format!("{program}, which reads {name}, can't be run: {error}")))?;
    if !output.status.success() {
        return Err(missing(format!("the keychain has no item {service}/{account}, which {name} names")));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| missing(format!("{name} is not UTF-8 text")))?;
    Ok(text.trim().to_owned())
}

fn missing(reason: String) -> ClientError {
    ClientError::Token { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn ask(reference: &str, value: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("folder");
        open_cli_files::replace(&folder.path().join("t"), b"from-file\n", open_cli_files::Durability::Unsynced)
            .expect("written");
        let environment = Environment::Fixed([("TOKEN".to_owned(), value.to_owned())].into());
        provided(reference, Some(folder.path()), &environment)
            .map(|token| token.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_provided_token_is_read_from_its_variable_or_its_file() {
        assert_eq!(ask("env:TOKEN", "abc\n"), Ok("abc".into()));
        assert_eq!(ask("file:t", ""), Ok("from-file".into()));
    }

    /// W54: never silently empty.
    #[test]
    fn a_reference_that_leads_nowhere_is_an_error_that_names_the_place_and_no_value() {
        assert!(ask("env:OTHER", "abc").unwrap_err().contains("OTHER"));
        assert!(ask("env:TOKEN", "").unwrap_err().contains("TOKEN"));
        assert!(ask("file:nope", "").unwrap_err().contains("nope"));
        let error = ask("s3cret", "").unwrap_err();
        assert!(error.contains("env:NAME") && !error.contains("s3cret"));
        assert!(!ask("env:TOKEN", "a\u{1}b").unwrap_err().contains('\u{1}'));
    }

    #[test]
    fn secrets_of_the_configuration_are_never_silently_empty() {
        let environment = Environment::Fixed([("ID".to_owned(), "me".to_owned())].into());
        let of = |variable: &str| {
            let secret = StaticSecret::Env { variable: variable.into() };
            read(&secret, "clientId", &environment).map(|value| value.expose_secret().to_owned())
        };
        assert_eq!(of("ID").expect("set"), "me");
        assert!(of("OTHER").unwrap_err().to_string().contains("OTHER"));
        let odd = StaticSecret::OsKeychain { item: "x".into() };
        assert!(read(&odd, "clientId", &environment).unwrap_err().to_string().contains("service/account"));
    }
}
