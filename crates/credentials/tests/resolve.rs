//! Resolution of static secrets, seen from outside (runtime-and-admin §8).

use open_cli_contract::catalog::{AuthAlternative, AuthRequirement};
use open_cli_credentials::{Credentials, SecretSource, Secrets};
use secrecy::{ExposeSecret, SecretString};

fn scheme(name: &str, kind: &str, detail: &str, param: &str) -> AuthRequirement {
    let (scheme, location) = if kind == "apiKey" { ("", detail) } else { (detail, "") };
    AuthRequirement {
        name: name.into(),
        kind: kind.into(),
        scheme: scheme.into(),
        location: location.into(),
        param_name: param.into(),
        scopes: vec![],
        oauth_flows: vec![],
        open_id_connect_url: String::new(),
    }
}

fn any(alternatives: &[&[AuthRequirement]]) -> Vec<AuthAlternative> {
    alternatives.iter().map(|all| AuthAlternative { requirements: all.to_vec() }).collect()
}

/// `env:NAME`, `no:kind`, or a literal.
fn secrets(entries: &[(&str, &str)]) -> Secrets {
    let source = |text: &str| match text.split_once(':') {
        Some(("env", name)) => SecretSource::Env(name.into()),
        Some(("no", _)) => SecretSource::Unsupported("osKeychain"),
        _ => SecretSource::Literal(SecretString::from(text)),
    };
    let entries: Vec<_> = entries.iter().map(|(key, text)| ((*key).to_owned(), source(text))).collect();
    Secrets::with_environment(entries, |name| match name {
        "SET" => Some("from-env".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    })
}

/// Everything the credentials add, for comparison.
fn shown(credentials: &Credentials) -> Vec<String> {
    let headers = credentials.headers.iter().map(|(name, value)| {
        assert!(value.is_sensitive());
        format!("{name}: {}", value.to_str().expect("text"))
    });
    let query = credentials.query.iter().map(|(name, value)| format!("?{name}={}", value.expose_secret()));
    let cookies =
        credentials.cookies.iter().map(|(name, value)| format!("cookie {name}={}", value.expose_secret()));
    headers.chain(query).chain(cookies).collect()
}

/// §8.4, weaknesses 62 and W-44.
#[test]
fn each_scheme_puts_its_secret_where_it_belongs() {
    for (requirement, value, expected) in [
        (scheme("s", "apiKey", "header", "X-Key"), "k", "x-key: k"),
        (scheme("s", "apiKey", "query", "api_key"), "k &", "?api_key=k &"),
        (scheme("s", "apiKey", "cookie", "sid"), "k", "cookie sid=k"),
        (scheme("s", "http", "bearer", ""), "t", "authorization: Bearer t"),
        (scheme("s", "http", "Bearer", ""), "t", "authorization: Bearer t"),
        (scheme("s", "http", "basic", ""), "u:p", "authorization: Basic dTpw"),
        (scheme("s", "oauth2", "", ""), "t", "authorization: Bearer t"),
        (scheme("s", "openIdConnect", "", ""), "env:SET", "authorization: Bearer from-env"),
    ] {
        let credentials = secrets(&[("s", value)]).resolve("depot", &any(&[&[requirement]])).expect("resolved");
        assert_eq!(shown(&credentials), [expected]);
        assert_eq!(credentials.schemes, "s");
    }
}

/// UP-10.
#[test]
fn the_secret_of_the_service_comes_before_the_shared_one() {
    let secrets = secrets(&[("depot.key", "own"), ("key", "shared")]);
    let alternatives = any(&[&[scheme("key", "apiKey", "header", "X-Key")]]);
    for (service, expected) in [("depot", "x-key: own"), ("other", "x-key: shared")] {
        assert_eq!(shown(&secrets.resolve(service, &alternatives).expect("resolved")), [expected]);
    }
}

fn key(name: &str) -> AuthRequirement {
    scheme(name, "apiKey", "header", &format!("X-{name}"))
}

/// UP-3, UP-5, UP-7, W-41.
#[test]
fn the_first_alternative_that_resolves_wins_and_anonymous_is_the_last_resort() {
    let a: &[_] = &[key("a")];
    let b: &[_] = &[key("b")];
    let both: &[_] = &[key("a"), key("b")];
    let none: &[AuthRequirement] = &[];
    let alien: &[_] = &[scheme("m", "mutualTLS", "", "")];
    for (configured, alternatives, expected) in [
        (&[][..], &[][..], Some("")),
        (&[], &[none], Some("")),
        (&[("a", "1"), ("b", "2")], &[a, b], Some("a")),
        (&[("b", "2")], &[a, b], Some("b")),
        (&[("a", "env:UNSET"), ("b", "2")], &[a, b], Some("b")),
        (&[("a", "1"), ("b", "2")], &[both], Some("a+b")),
        (&[("a", "1")], &[none, a], Some("a")),
        (&[("a", "1")], &[both, none], Some("")),
        (&[], &[a, none], Some("")),
        (&[], &[alien, none], Some("")),
        (&[("a", "env:UNSET")], &[a, none], None),
        (&[("m", "1")], &[alien, none], None),
        (&[("a", "1")], &[both], None),
        (&[], &[a], None),
    ] {
        let result = secrets(configured).resolve("depot", &any(alternatives));
        assert_eq!(result.ok().map(|c| c.schemes).as_deref(), expected, "{configured:?} {alternatives:?}");
    }
}

/// UP-8, W-44: header names compare without case.
#[test]
fn two_requirements_may_not_disagree_about_a_place() {
    for (left, right, ok) in [
        (scheme("a", "apiKey", "header", "X-Key"), scheme("b", "apiKey", "header", "x-key"), false),
        (scheme("a", "apiKey", "query", "k"), scheme("b", "apiKey", "query", "k"), false),
        (scheme("a", "apiKey", "query", "k"), scheme("b", "apiKey", "query", "K"), true),
        (scheme("a", "apiKey", "cookie", "k"), scheme("b", "apiKey", "query", "k"), true),
        (scheme("a", "http", "bearer", ""), scheme("b", "oauth2", "", ""), false),
    ] {
        let alternatives = any(&[&[left, right]]);
        assert_eq!(secrets(&[("a", "1"), ("b", "2")]).resolve("depot", &alternatives).is_ok(), ok);
        let same = secrets(&[("a", "1"), ("b", "1")]).resolve("depot", &alternatives).expect("equal values");
        assert!(!same.is_empty());
    }
}

/// §8.8, UP-9 and W-40: each alternative once, with what to do.
#[test]
fn a_failure_names_every_alternative_once_and_no_secret() {
    let alternatives = any(&[
        &[key("a"), key("b")],
        &[scheme("c", "http", "basic", "")],
        &[scheme("d", "http", "digest", "")],
        &[scheme("e", "apiKey", "header", "X-E")],
        &[scheme("f", "apiKey", "header", "X-F")],
        &[scheme("g", "apiKey", "header", "Content-Length")],
    ]);
    let secrets = secrets(&[("b", "env:EMPTY"), ("c", "hunter2"), ("e", "hunter2\n"), ("f", "no:x"), ("g", "1")]);
    let message = secrets.resolve("depot", &alternatives).expect_err("nothing resolves").to_string();
    assert!(!message.contains("hunter2"), "{message}");
    let parts: Vec<&str> = message.split("; ").collect();
    assert_eq!(parts.len(), alternatives.len(), "the separator stands between alternatives only: {message}");
    for (start, words) in [
        (
            "a+b: missing secret for a (configure `secrets` \"depot.a\" or \"a\"), the environment variable EMPTY",
            "",
        ),
        ("c: ", "user:password"),
        ("d: unsupported auth requirement http/digest", ""),
        ("e: ", "line break"),
        ("f: ", "osKeychain"),
        ("g: ", "content-length"),
    ] {
        let found = parts.iter().filter(|part| part.starts_with(start)).count();
        assert_eq!(found, 1, "{start} in {message}");
        assert!(message.contains(words), "{words} in {message}");
    }
}

#[test]
fn nothing_prints_a_secret() {
    let secrets = secrets(&[("q", "hunter2"), ("h", "hunter2"), ("c", "hunter2")]);
    let alternatives = any(&[&[
        scheme("q", "apiKey", "query", "k"),
        scheme("h", "http", "bearer", ""),
        scheme("c", "apiKey", "cookie", "k"),
    ]]);
    let credentials = secrets.resolve("depot", &alternatives).expect("resolved");
    assert_eq!(shown(&credentials).len(), 3);
    let literal = SecretSource::Literal(SecretString::from("hunter2"));
    assert!(!format!("{credentials:?} {secrets:?} {literal:?}").contains("hunter2"));
}
