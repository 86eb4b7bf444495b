//! An issuer: keys that sign, and a server for what it publishes. It can go away, and counts what it is asked.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// A key pair of one kind.
pub(crate) enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }
    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().expect("a key"))
    }

    /// The public half, as a JWK.
    pub(crate) fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                // RFC 8017 A.1.1, of a key of 2048 bits: header, modulus behind a zero, exponent.
                let der = pair.public_key().as_ref();
                json!({"kty": "RSA", "kid": id, "n": encode(&der[9..265]), "e": encode(&der[267..])})
            }
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": id, "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": encode(pair.public_key().as_ref())})
            }
        }
    }

    /// A token with this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, signed.as_bytes(), &mut signature).expect("signed");
                signature
            }
            Self::P256(pair) => pair.sign(&random, signed.as_bytes()).expect("signed").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", encode(&signature))
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) authorization: String,
    pub(crate) body: String,
}

/// Answers every request with one document.
pub(crate) struct Server {
    pub(crate) url: Url,
    pub(crate) document: Arc<Mutex<Value>>,
    pub(crate) is_down: Arc<AtomicBool>,
    pub(crate) takes: Arc<Mutex<Duration>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    count: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(document: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self {
            url: Url::parse(&format!("http://127.0.0.1:{port}/x")).expect("URL"),
            document: Arc::new(Mutex::new(document)),
            is_down: Arc::default(),
            takes: Arc::default(),
            asked: Arc::default(),
            count: Arc::default(),
        };
        let (document, is_down, takes) =
            (Arc::clone(&server.document), Arc::clone(&server.is_down), Arc::clone(&server.takes));
        let (asked, count) = (Arc::clone(&server.asked), Arc::clone(&server.count));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                count.fetch_add(1, Ordering::SeqCst);
                if is_down.load(Ordering::SeqCst) {
                    continue;
                }
                std::thread::park_timeout(*takes.lock().expect("lock"));
                let document = document.lock().expect("lock").to_string();
                let seen = answer(stream, &document);
                asked.lock().expect("lock").extend(seen);
            }
        });
        server
    }

    /// How often it was asked.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked.lock().expect("lock").last().cloned().unwrap_or_default()
    }

    pub(crate) fn publish(&self, document: Value) {
        *self.document.lock().expect("lock") = document;
    }
}

fn answer(mut stream: std::net::TcpStream, document: &str) -> Option<Asked> {
    let mut asked = Asked::default();
    let mut length = 0;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                value.clone_into(&mut asked.authorization)
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        document.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(document.as_bytes()).ok()?;
    Some(asked)
}

/// Seconds since the epoch, so many from now.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}

/// Who listens to the spans: nobody.
pub(crate) fn trace() -> open_cli_observe::Trace {
    open_cli_observe::Trace::detached(Arc::new(open_cli_observe::Nop))
}

/// TLS is needed to build an HTTP client, if not to use it.
pub(crate) fn tls() {
    // Another test may have been faster.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
