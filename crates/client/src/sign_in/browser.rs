//! Signing in with a browser: authorization code with PKCE, answered to a listener on loopback (RFC 8252, RFC 7636,
//! RFC 9207; client §7.3, weaknesses W49 and W52).

use super::endpoint::{printable, web_url};
use crate::ClientError;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use open_cli_contract::runtime::BrowserConfig;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use url::Url;

/// How long the person has.
pub(super) const WAIT: Duration = Duration::from_secs(120);
/// How long a connection to the listener may take to say what it wants.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest request line that is read.
const MAX_LINE: u64 = 16 * 1024;
const CALLBACK: &str = "/callback";
const DONE: &str = "Authentication complete. You can close this window.\n";

/// A login that waits for its answer.
pub(super) struct Waiting {
    listener: TcpListener,
    state: String,
    issuer: String,
    /// To be shown to the person.
    pub(super) url: Url,
    pub(super) redirect_uri: String,
    pub(super) verifier: String,
}

impl Waiting {
    /// Listens, and works out where the person is to go. `port` 0 is any.
    pub(super) fn begin(
        login: &BrowserConfig,
        scope: &str,
        audience: &str,
        port: u16,
    ) -> Result<Self, ClientError> {
        let failed = |detail: String| ClientError::SignIn { what: "Signing in is not possible".into(), detail };
        let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| {
            failed(format!("Port {port} of this machine, where the browser is to answer, can't be used: {error}"))
        })?;
        let port = listener.local_addr().map_err(|error| failed(error.to_string()))?.port();
        let redirect_uri = format!("http://127.0.0.1:{port}{CALLBACK}");
        let (state, verifier) = (random::<24>()?, random::<32>()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let mut url = web_url(&login.authorization_url)?;
        {
            // What is there already belongs to the provider (weakness B8).
            let mut query = url.query_pairs_mut();
            query.append_pair("response_type", "code").append_pair("client_id", &login.client_id);
            query.append_pair("redirect_uri", &redirect_uri).append_pair("state", &state);
            query.append_pair("code_challenge_method", "S256").append_pair("code_challenge", &challenge);
            for (name, value) in [("scope", scope), ("audience", audience)] {
                if !value.is_empty() {
                    query.append_pair(name, value);
                }
            }
        }
        Ok(Self { listener, state, issuer: login.issuer.clone(), url, redirect_uri, verifier })
    }

    /// The code that the browser brings. Whatever else comes to the port is turned away and does not end the wait (W52).
    pub(super) fn code(self) -> Result<String, ClientError> {
        let failed = |detail: String| ClientError::SignIn { what: "The sign-in did not succeed".into(), detail };
        let (answers, coming) = mpsc::channel();
        let (listener, state, issuer) = (self.listener, self.state, self.issuer);
        // Ends with the program; nobody waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, state, issuer) = (answers.clone(), state.clone(), issuer.clone());
                std::thread::spawn(move || {
                    if let Some(answer) = serve(stream, &state, &issuer) {
                        // The first answer counts; later ones find nobody.
                        let _ = answers.send(answer);
                    }
                });
            }
        });
        match coming.recv_timeout(WAIT) {
            Ok(answer) => answer.map_err(failed),
            Err(_) => Err(failed(format!("Nobody signed in within {} s.", WAIT.as_secs()))),
        }
    }
}

/// Answers one connection; the code or the provider's refusal, when it is the callback.
fn serve(mut stream: TcpStream, state: &str, issuer: &str) -> Option<Result<String, String>> {
    stream.set_read_timeout(Some(READ_TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(READ_TIMEOUT)).ok()?;
    let begin = Instant::now();
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().ok()?.take(MAX_LINE));
    reader.read_line(&mut line).ok()?;
    // The rest of the head, so that closing the connection does not take the answer with it.
    let mut rest = String::new();
    while begin.elapsed() < READ_TIMEOUT && reader.read_line(&mut rest).is_ok_and(|read| read > 2) {
        rest.clear();
    }
    let (status, text, answer) = read(&line, state, issuer);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n\
         cache-control: no-store\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    // Whether the browser hears of it is not what the login depends on.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
    answer
}

/// What a request line means: status, text, and the end of the wait.
fn read(line: &str, state: &str, issuer: &str) -> (&'static str, String, Option<Result<String, String>>) {
    let target = line.strip_prefix("GET ").and_then(|rest| rest.split_whitespace().next());
    let url = target.and_then(|target| Url::parse(&format!("http://127.0.0.1{target}")).ok());
    let Some(url) = url.filter(|url| url.path() == CALLBACK) else {
        return ("404 Not Found", "There is nothing here.\n".into(), None);
    };
    let value =
        |wanted: &str| url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    if value("state").as_deref() != Some(state) {
        return ("400 Bad Request", "This is not the answer that is waited for.\n".into(), None);
    }
    let refused = |reason: String| {
        let text = format!("The sign-in did not succeed: {reason}\n");
        ("400 Bad Request", text, Some(Err(format!("{reason}."))))
    };
    // RFC 9207 §2.4: another provider's answer.
    if let Some(other) = value("iss").filter(|iss| !issuer.is_empty() && iss != issuer) {
        return refused(format!("the answer is from {}, not from {issuer}", printable(&other)));
    }
    if let Some(error) = value("error") {
        let description = value("error_description").map(|text| format!(" ({text})")).unwrap_or_default();
        return refused(printable(&format!("the provider answered {error}{description}")));
    }
    match value("code").filter(|code| !code.is_empty()) {
        Some(code) => ("200 OK", DONE.into(), Some(Ok(code))),
        None => refused("the provider's answer has no code".into()),
    }
}

fn random<const N: usize>() -> Result<String, ClientError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ClientError::SignIn {
        what: "Signing in is not possible".into(),
        detail: "The system gives no random numbers.".into(),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> BrowserConfig {
        BrowserConfig {
            authorization_url: "https://id.example/auth?tenant=7".into(),
            token_url: "https://id.example/token".into(),
            client_id: "cli".into(),
            issuer: "https://id.example".into(),
            ..BrowserConfig::default()
        }
    }

    /// B7 to B9, and the provider's own query stays.
    #[test]
    fn the_person_is_sent_with_state_and_challenge() {
        let waiting = Waiting::begin(&login(), "bundle:a b", "toolbox", 0).expect("listens");
        let pairs: Vec<(String, String)> = waiting.url.query_pairs().into_owned().collect();
        let value = |name: &str| &pairs.iter().find(|(key, _)| key == name).expect(name).1;
        assert_eq!((value("tenant").as_str(), value("client_id").as_str()), ("7", "cli"));
        assert_eq!((value("scope").as_str(), value("audience").as_str()), ("bundle:a b", "toolbox"));
        assert_eq!(value("redirect_uri"), &waiting.redirect_uri);
        assert_eq!((value("state").len(), waiting.verifier.len(), value("code_challenge").len()), (32, 43, 43));
        assert_ne!(value("code_challenge"), &waiting.verifier);
        let odd = BrowserConfig { authorization_url: "file:///etc/passwd".into(), ..login() };
        assert!(Waiting::begin(&odd, "", "", 0).is_err());
    }

    /// B11, W52, RFC 9207.
    #[test]
    fn only_the_answer_that_is_waited_for_ends_the_wait() {
        for (line, status, ends) in [
            ("GET /callback?code=c&state=s HTTP/1.1", "200", Some(Ok("c"))),
            ("GET /callback?code=c&state=s&iss=https://id.example HTTP/1.1", "200", Some(Ok("c"))),
            ("GET /callback?code=c&state=x HTTP/1.1", "400", None),
            ("GET /callback HTTP/1.1", "400", None),
            ("GET /favicon.ico HTTP/1.1", "404", None),
            ("POST /callback?code=c&state=s HTTP/1.1", "404", None),
            ("nonsense", "404", None),
            ("GET /callback?state=s HTTP/1.1", "400", Some(Err("no code"))),
            (
                "GET /callback?state=s&error=access_denied&error_description=no%1bthanks HTTP/1.1",
                "400",
                Some(Err("access_denied (no thanks)")),
            ),
            ("GET /callback?code=c&state=s&iss=https://evil.example HTTP/1.1", "400", Some(Err("evil.example"))),
        ] {
            let (said, _, answer) = read(line, "s", "https://id.example");
            assert!(said.starts_with(status), "{line}: {said}");
            match (answer, ends) {
                (None, None) => {}
                (Some(Ok(code)), Some(Ok(expected))) => assert_eq!(code, expected, "{line}"),
                (Some(Err(text)), Some(Err(part))) => assert!(text.contains(part), "{line}: {text}"),
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_stray_connection_does_not_end_the_login() {
        let waiting = Waiting::begin(&login(), "", "", 0).expect("listens");
        let state = waiting.url.query_pairs().find(|(name, _)| name == "state").expect("state").1.into_owned();
        let address = waiting.redirect_uri.clone();
        let host = address.trim_start_matches("http://").trim_end_matches(CALLBACK).to_owned();
        let sent = std::thread::spawn(move || {
            let ask = |target: &str| {
                let mut stream = TcpStream::connect(&host).expect("connected");
                write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).expect("answered");
                answer
            };
            let _silent = TcpStream::connect(&host).expect("connected");
            assert!(ask("/").starts_with("HTTP/1.1 404"));
            assert!(ask("/callback?code=bad&state=guess").starts_with("HTTP/1.1 400"));
            ask(&format!("/callback?code=good&state={state}"))
        });
        assert_eq!(waiting.code().expect("a code"), "good");
        assert!(sent.join().expect("no panic").ends_with(DONE));
    }
}
