//! CFG-29: loading a file twice says the same as loading it once.

use open_cli_config::{Scope, load_text};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::path_of;

/// An object with some of the given members.
fn some_of(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let options: Vec<_> = members
        .into_iter()
        .map(|(key, value)| {
            prop::option::weighted(0.7, value).prop_map(move |value| value.map(|value| (key, value)))
        })
        .collect();
    options
        .prop_map(|members| members.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect())
        .boxed()
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Into::into).boxed()
}

fn list(items: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::collection::vec(select(items), 0..4).prop_map(Into::into).boxed()
}

fn map(value: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let entry = prop_oneof![9 => value, 1 => Just(Value::Null)];
    prop::collection::btree_map(select(vec!["a", "b", "c"]), entry, 0..3)
        .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        .boxed()
}

fn secret() -> BoxedStrategy<Value> {
    some_of(vec![("type", words(&["env", "file", "literal"])), ("value", words(&["A", "B"]))])
}

fn transport() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    vec![
        ("type", words(&["stdio", "sse", "streamable-http"])),
        ("command", words(&["c", "./d"])),
        ("args", list(&["x", "y"])),
        ("url", words(&["https://h/"])),
        ("headers", Just(json!({"A": "1"})).boxed()),
    ]
}

fn source() -> BoxedStrategy<Value> {
    let oauth =
        some_of(vec![("mode", words(&["clientCredentials", "authorizationCode"])), ("clientId", secret())]);
    some_of(vec![
        ("type", words(&["openapi", "openapi", "mcp", "apiCatalog"])),
        ("uri", words(&["./u.yaml", "https://h/u"])),
        ("enabled", any::<bool>().prop_map(Into::into).boxed()),
        ("transport", some_of(transport())),
        ("disabledTools", list(&["t", ""])),
        ("oauth", oauth),
    ])
}

fn config() -> BoxedStrategy<Value> {
    let patterns = || list(&["a:*", "b:?", "", "["]);
    let auth = some_of(vec![
        ("mode", words(&["oauth2Introspection"])),
        ("validationProfile", words(&["oidc_jwks", "oauth2_introspection"])),
        ("audience", words(&["a"])),
        ("issuer", words(&["i"])),
        ("jwksURL", words(&["https://h/k"])),
        ("introspectionURL", words(&["http://h/i"])),
    ]);
    let sparse = |value: BoxedStrategy<Value>| prop_oneof![3 => Just(json!({})), 1 => value].boxed();
    some_of(vec![
        ("cli", words(&["1"])),
        ("mode", Just(json!({"default": "discover"})).boxed()),
        ("runtime", sparse(some_of(vec![("server", some_of(vec![("auth", auth)]))]))),
        ("sources", map(prop_oneof![1 => source(), 3 => Just(json!({"type": "openapi", "uri": "./u"}))].boxed())),
        (
            "mcpServers",
            sparse(map(prop_oneof![1 => some_of(transport()), 3 => Just(json!({"command": "c"}))].boxed())),
        ),
        ("services", sparse(map(some_of(vec![("source", words(&["a", "b"])), ("overlays", list(&["o"]))])))),
        ("curation", some_of(vec![("toolSets", map(some_of(vec![("allow", patterns()), ("deny", patterns())])))])),
        ("agents", some_of(vec![("defaultProfile", words(&["a"]))])),
        (
            "policy",
            some_of(vec![("deny", patterns()), ("allowExecSecrets", any::<bool>().prop_map(Into::into).boxed())]),
        ),
        ("secrets", sparse(map(secret()))),
    ])
}

/// The configuration, or the faults without the scope that reported them.
fn outcome(scopes: &[Scope], text: &str) -> Result<Value, Vec<(String, String, usize, usize)>> {
    // The same physical file under each scope.
    let files: Vec<_> = scopes.iter().map(|scope| (*scope, path_of(Scope::Project), text.to_owned())).collect();
    match load_text(&files) {
        Ok(loaded) => {
            let mut json = loaded.config.revealed();
            json["resolved"] = format!("{:?}", loaded.config).into();
            Ok(json)
        }
        Err(error) => Err(error
            .diagnostics()
            .iter()
            .map(|f| (f.path.clone(), f.message.clone(), f.line, f.column))
            .collect()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn loading_a_file_as_two_scopes_is_loading_it_once(config in config()) {
        let text = serde_json::to_string_pretty(&config).expect("writes");
        let once = outcome(&[Scope::Project], &text);
        prop_assert_eq!(&outcome(&[Scope::User, Scope::Project], &text), &once);
        prop_assert_eq!(&outcome(&[Scope::User, Scope::Project, Scope::Local], &text), &once);
    }

    #[test]
    fn a_managed_file_that_is_the_project_file_too_changes_nothing(config in config()) {
        // `null` is no removal in the managed scope.
        prop_assume!(!config.to_string().contains("null"));
        let text = config.to_string();
        prop_assert_eq!(outcome(&[Scope::Managed, Scope::Project], &text), outcome(&[Scope::Project], &text));
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in r#"\{("(cli|mode|sources|secrets|runtime|policy)": ?([{}\[\]"a1,:]|null){0,8},?){0,3}\}"#) {
        let _ = outcome(&[Scope::User, Scope::Project], &text);
    }
}
