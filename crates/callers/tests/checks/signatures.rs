//! `oidc_jwks`.

use crate::issuer::{Pair, Server, encode, in_seconds, tls, trace};
use open_cli_callers::{Authenticator, AuthnFault, Check, Settings};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const ISSUER: &str = "https://id.example";

fn authenticator(server: &Server) -> Arc<Authenticator> {
    tls();
    let settings = Settings {
        audience: "toolbox".into(),
        issuer: Some(ISSUER.into()),
        check: Check::Jwks { url: server.url.clone() },
    };
    Authenticator::new(settings, tokio::runtime::Handle::current()).expect("set up")
}

fn claims(subject: &str) -> Value {
    json!({"iss": ISSUER, "aud": "toolbox", "sub": subject, "exp": in_seconds(60), "scope": "bundle:a"})
}

/// The caller's name, or why there is none.
async fn principal(authenticator: &Arc<Authenticator>, token: &str) -> Result<String, AuthnFault> {
    authenticator.authenticate(token, &trace()).await.map(|admitted| admitted.caller.principal.clone())
}

/// JWKS-1 with W-15, JWKS-9, JWKS-12, JWKS-13, RFC 8725.
#[tokio::test]
async fn tokens_signed_by_the_issuer_are_accepted_and_no_others() {
    let (rsa, p256, ed25519, other) = (Pair::rsa(), Pair::p256(), Pair::ed25519(), Pair::rsa());
    let mut for_encryption = other.jwk("enc");
    for_encryption["use"] = json!("enc");
    let mut for_ps256 = other.jwk("ps");
    for_ps256["alg"] = json!("PS256");
    let server = Server::start(json!({"keys": [
        {"kty": "oct", "kid": "shared", "k": encode(b"secret")}, for_encryption, for_ps256,
        rsa.jwk("rsa"), p256.jwk("p256"), ed25519.jwk("ed"), {"nonsense": true}
    ]}));
    let authenticator = authenticator(&server);
    let of = |pair: &Pair, header: Value| pair.sign(&header, &claims("alice"));
    use AuthnFault::{BadSignature, Malformed, UnknownKey, UnsupportedAlgorithm};
    for (name, token, expected) in [
        ("RS256", of(&rsa, json!({"alg": "RS256", "kid": "rsa"})), Ok("alice")),
        ("PS256", of(&rsa, json!({"alg": "PS256", "kid": "rsa"})), Ok("alice")),
        ("ES256", of(&p256, json!({"alg": "ES256", "kid": "p256", "typ": "at+jwt"})), Ok("alice")),
        ("EdDSA", of(&ed25519, json!({"alg": "EdDSA", "kid": "ed", "typ": "JWT"})), Ok("alice")),
        ("the only key of its kind", of(&p256, json!({"alg": "ES256"})), Ok("alice")),
        ("a name that is no text", of(&p256, json!({"alg": "ES256", "kid": 7})), Ok("alice")),
        ("two keys and no name", of(&rsa, json!({"alg": "PS256"})), Err(UnknownKey)),
        ("another's key", of(&other, json!({"alg": "RS256", "kid": "rsa"})), Err(BadSignature)),
        ("a key for encryption", of(&other, json!({"alg": "RS256", "kid": "enc"})), Err(UnknownKey)),
        ("a key for PS256 only", of(&other, json!({"alg": "RS256", "kid": "ps"})), Err(UnknownKey)),
        ("another algorithm", of(&rsa, json!({"alg": "RS512", "kid": "rsa"})), Err(UnsupportedAlgorithm)),
        ("a shared secret", of(&rsa, json!({"alg": "HS256", "kid": "shared"})), Err(UnsupportedAlgorithm)),
        ("the key of another kind", of(&p256, json!({"alg": "ES256", "kid": "rsa"})), Err(UnknownKey)),
        (
            "critical",
            of(&rsa, json!({"alg": "RS256", "kid": "rsa", "crit": ["x"]})),
            Err(Malformed("its header has critical extensions")),
        ),
        (
            "a logout token",
            of(&rsa, json!({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"})),
            Err(Malformed("its header says that it is no access token")),
        ),
    ] {
        assert_eq!(principal(&authenticator, &token).await.as_deref(), expected.as_ref().copied(), "{name}");
    }
    let unsigned = format!("{}.{}.", encode(br#"{"alg":"none"}"#), encode(claims("alice").to_string().as_bytes()));
    assert_eq!(principal(&authenticator, &unsigned).await, Err(UnsupportedAlgorithm));
    let good = of(&rsa, json!({"alg": "RS256", "kid": "rsa"}));
    let (signed, signature) = good.rsplit_once('.').expect("parts");
    let (header, _) = signed.split_once('.').expect("parts");
    let forged = format!("{header}.{}.{signature}", encode(claims("root").to_string().as_bytes()));
    assert_eq!(principal(&authenticator, &forged).await, Err(BadSignature));
    for odd in ["x", "a.b", "a.b.c", "a.b.c.d", "..", &format!("{good}.x"), &good[..good.len() - 2]] {
        assert!(principal(&authenticator, odd).await.is_err(), "{odd}");
    }
}

/// W-14.
#[tokio::test]
async fn the_keys_are_fetched_once_for_many_requests_and_again_for_a_new_key() {
    let (old, new) = (Pair::ed25519(), Pair::ed25519());
    let server = Server::start(json!({"keys": [old.jwk("old")]}));
    *server.takes.lock().expect("lock") = Duration::from_millis(100);
    let authenticator = authenticator(&server);
    let header = |id: &str| json!({"alg": "EdDSA", "kid": id});
    let many = (0..50).map(|i| {
        let (authenticator, token) =
            (Arc::clone(&authenticator), old.sign(&header("old"), &claims(&format!("u{i}"))));
        tokio::spawn(async move { principal(&authenticator, &token).await })
    });
    for (i, one) in many.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(one.await.expect("no panic"), Ok(format!("u{i}")));
    }
    assert_eq!(server.count(), 1);
    // A made-up key right behind a fetch asks nobody; a new one a second later is found.
    let token = new.sign(&header("new"), &claims("late"));
    assert_eq!(principal(&authenticator, &token).await, Err(AuthnFault::UnknownKey));
    assert_eq!(server.count(), 1);
    server.publish(json!({"keys": [old.jwk("old"), new.jwk("new")]}));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(principal(&authenticator, &token).await, Ok("late".into()));
    assert_eq!(server.count(), 2);
    for i in 0..20 {
        let token = old.sign(&header(&format!("made up {i}")), &claims("nobody"));
        assert_eq!(principal(&authenticator, &token).await, Err(AuthnFault::UnknownKey));
    }
    assert!(server.count() <= 3, "made-up keys ask the issuer {} times", server.count());
}

/// W-14: an outage does not look like a bad token, and the last keys outlive it.
#[tokio::test]
async fn an_issuer_that_is_away_is_an_outage_and_the_last_keys_hold() {
    let pair = Pair::ed25519();
    let server = Server::start(json!({"keys": [pair.jwk("k")]}));
    server.is_down.store(true, Ordering::SeqCst);
    let authenticator = authenticator(&server);
    let token = |name: &str| pair.sign(&json!({"alg": "EdDSA", "kid": "k"}), &claims(name));
    let fault = principal(&authenticator, &token("a")).await.expect_err("an outage");
    assert!(fault.is_outage(), "{fault:?}");
    assert_eq!(fault.word(), "unavailable");
    server.is_down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(principal(&authenticator, &token("a")).await, Ok("a".into()));
    server.is_down.store(true, Ordering::SeqCst);
    assert_eq!(principal(&authenticator, &token("b")).await, Ok("b".into()));
}

#[tokio::test]
async fn a_known_token_is_looked_up_and_an_expired_one_is_not_known() {
    let pair = Pair::ed25519();
    let server = Server::start(json!({"keys": [pair.jwk("k")]}));
    let authenticator = authenticator(&server);
    let header = json!({"alg": "EdDSA", "kid": "k"});
    let mut short = claims("a");
    // Within the tolerance for clocks, which is ten seconds.
    short["exp"] = json!(in_seconds(-9));
    let (short, long) = (pair.sign(&header, &short), pair.sign(&header, &claims("b")));
    for (token, known) in [(&short, false), (&short, true), (&long, false), (&long, true)] {
        let admitted = authenticator.authenticate(token, &trace()).await.expect("admitted");
        assert_eq!(admitted.was_known, known);
    }
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(principal(&authenticator, &short).await, Err(AuthnFault::Expired));
    assert!(authenticator.authenticate(&long, &trace()).await.expect("admitted").was_known);
}
