//! `oauth2_introspection`.

use crate::issuer::{Server, in_seconds, tls, trace};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use open_cli_callers::{Authenticator, AuthnFault, Check, ClientAuth, ClientSecret, Settings};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn authenticator(server: &Server, client: Option<ClientSecret>, client_auth: ClientAuth) -> Arc<Authenticator> {
    tls();
    let check = Check::Introspection { url: server.url.clone(), client, client_auth };
    let settings = Settings { audience: "toolbox".into(), issuer: None, check };
    Authenticator::new(settings, tokio::runtime::Handle::current()).expect("set up")
}

fn active() -> serde_json::Value {
    json!({"active": true, "aud": "toolbox", "sub": "alice", "scope": "bundle:a", "exp": in_seconds(60)})
}

/// INT-1, INT-2 with W-17.
#[tokio::test]
async fn the_runtime_says_who_it_is_in_the_form_or_in_the_header() {
    let server = Server::start(active());
    let client = || -> Option<ClientSecret> { Some(Box::new(|| Ok(("the id".into(), "s:ecret&".into())))) };
    let basic = format!("Basic {}", STANDARD.encode("the+id:s%3Aecret%26"));
    for (client, way, authorization, body) in [
        (None, ClientAuth::Form, "", "token=a%2Bb%26"),
        (client(), ClientAuth::Form, "", "token=a%2Bb%26&client_id=the+id&client_secret=s%3Aecret%26"),
        (client(), ClientAuth::Basic, basic.as_str(), "token=a%2Bb%26"),
    ] {
        let admitted = authenticator(&server, client, way).authenticate("a+b&", &trace()).await.expect("admitted");
        assert_eq!(admitted.caller.principal, "alice");
        assert_eq!((server.last().authorization.as_str(), server.last().body.as_str()), (authorization, body));
    }
    let no_secret: ClientSecret = Box::new(|| Err("the secret is empty".to_owned()));
    let fault = authenticator(&server, Some(no_secret), ClientAuth::Form).authenticate("t", &trace()).await;
    assert_eq!(fault.err(), Some(AuthnFault::Unavailable("the secret is empty".into())));
}

/// INT-9 with W-17.
#[tokio::test]
async fn a_token_is_asked_about_once_for_many_requests() {
    let server = Server::start(active());
    *server.takes.lock().expect("lock") = Duration::from_millis(100);
    let authenticator = authenticator(&server, None, ClientAuth::Form);
    let many: Vec<_> = (0..50)
        .map(|_| {
            let authenticator = Arc::clone(&authenticator);
            tokio::spawn(async move { authenticator.authenticate("t", &trace()).await })
        })
        .collect();
    for one in many {
        assert_eq!(one.await.expect("no panic").expect("admitted").caller.principal, "alice");
    }
    assert!(authenticator.authenticate("t", &trace()).await.expect("admitted").was_known);
    assert_eq!(server.count(), 1);
    // A caller who goes away does not take the answer from those who wait.
    let asking = tokio::spawn({
        let authenticator = Arc::clone(&authenticator);
        async move { authenticator.authenticate("u", &trace()).await.map(|_| ()) }
    });
    tokio::time::sleep(Duration::from_millis(30)).await;
    asking.abort();
    assert!(authenticator.authenticate("u", &trace()).await.is_ok());
    assert_eq!(server.count(), 2);
}

/// INT-4, INT-5.
#[tokio::test]
async fn what_is_not_active_is_remembered_for_a_moment_and_an_outage_is_not() {
    let server = Server::start(json!({"active": false}));
    let authenticator = authenticator(&server, None, ClientAuth::Form);
    let ask = async |token: &str| authenticator.authenticate(token, &trace()).await.map(|_| ());
    assert_eq!(ask("t").await, Err(AuthnFault::Inactive));
    assert_eq!(ask("t").await, Err(AuthnFault::Inactive));
    assert_eq!(server.count(), 1);
    server.is_down.store(true, Ordering::SeqCst);
    assert!(ask("u").await.expect_err("an outage").is_outage());
    server.is_down.store(false, Ordering::SeqCst);
    server.publish(active());
    assert_eq!(ask("u").await, Ok(()));
    assert_eq!(ask("t").await, Err(AuthnFault::Inactive), "still remembered");
}
