//! Syslog servers: of each kind one, and one that is killed with messages in its buffer.

use crate::rfc5424::{Message, parse};
use crate::support::{Log, assert_complete_and_in_order, settings, wait_until};
use open_cli_audit::AuditOptions;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{self, BufReader, Read};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/push").join(name)
}

/// A server over connections.
struct Server {
    address: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    dies: Arc<AtomicBool>,
}

impl Server {
    /// After so many messages it dies like a process that is killed: it reads no more, and its connection is reset
    /// because there is more to read.
    fn start(address: &str, tls: bool, dies_after: usize, got: &Arc<Mutex<Vec<String>>>) -> Self {
        let listener = TcpListener::bind(address).expect("bound");
        let server = Self {
            address: listener.local_addr().expect("an address"),
            got: Arc::clone(got),
            connections: Arc::default(),
            dies: Arc::default(),
        };
        let (got, connections, dies) =
            (Arc::clone(&server.got), Arc::clone(&server.connections), Arc::clone(&server.dies));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                connections.fetch_add(1, Ordering::SeqCst);
                let outcome = if tls {
                    let connection = rustls::ServerConnection::new(tls_config()).expect("a connection");
                    receive(rustls::StreamOwned::new(connection, stream), dies_after, &got)
                } else {
                    receive(stream, dies_after, &got)
                };
                if outcome.is_ok_and(|dies| dies) {
                    break;
                }
            }
            drop(listener);
            dies.store(true, Ordering::SeqCst);
        });
        server
    }

    fn messages(&self) -> Vec<Message> {
        self.got.lock().expect("messages").iter().map(|text| parse(text)).collect()
    }
}

fn tls_config() -> Arc<rustls::ServerConfig> {
    let pem = fixture("server.pem");
    let chain = CertificateDer::pem_file_iter(&pem).expect("PEM").collect::<Result<Vec<_>, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_file(&pem).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    Arc::new(config)
}

/// RFC 6587 §3.4.1: `MSG-LEN SP SYSLOG-MSG`. True when it dies.
fn receive(stream: impl Read, dies_after: usize, got: &Mutex<Vec<String>>) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(512, stream);
    loop {
        let mut length = String::new();
        loop {
            let mut byte = [0];
            if reader.read(&mut byte)? == 0 {
                assert!(length.is_empty(), "cut off within a length");
                return Ok(false);
            }
            match byte[0] {
                b' ' => break,
                digit => length.push(char::from(digit)),
            }
        }
        assert!(!length.starts_with('0'), "{length}");
        let mut message = vec![0; length.parse().expect("a length")];
        reader.read_exact(&mut message)?;
        let mut got = got.lock().expect("messages");
        got.push(String::from_utf8(message).expect("UTF-8"));
        if got.len() == dies_after {
            return Ok(true);
        }
    }
}

fn numbers(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.data["openCli@32473"]["seq"].parse().expect("a number")).collect()
}

#[test]
fn messages_over_tcp_are_counted_and_strictly_rfc_5424() {
    let log = Log::new(AuditOptions::default());
    log.append(5);
    log.append_one("quote\"bracket]back\\slash\nü");
    let server = Server::start("127.0.0.1:0", false, usize::MAX, &Arc::default());
    let running = log.push(settings(), &[&format!("syslog+tcp://{}", server.address)]);
    wait_until("six came", || server.messages().len() == 6);
    assert_eq!(running.push.figures(6).delivered, 0, "what is in a buffer is not delivered");
    log.append(2000);
    assert!(running.push.end(Duration::from_secs(10)));
    assert_eq!(running.push.figures(2006).delivered, 2006, "what was read is");
    let messages = server.messages();
    assert_eq!(numbers(&messages), (1..=2006).collect::<Vec<_>>(), "each once");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "over one connection");
    let first = &messages[0];
    assert_eq!((first.facility, first.severity), (13, 6));
    assert_eq!((first.hostname.as_str(), first.app_name.as_str()), ("web-1", "open-cli-toolbox"));
    assert_eq!((first.process.as_str(), first.id.as_str()), ("shop-1", "tool_execution"));
    let data = &first.data["openCli@32473"];
    assert_eq!((data["requestId"].as_str(), data["traceId"].len()), ("r-1", 32));
    let odd = &messages[5];
    assert_eq!(odd.data["openCli@32473"]["toolId"], "quote\"bracket]back\\slash ü");
    let record: serde_json::Value = serde_json::from_str(&odd.text).expect("the record");
    assert_eq!(record["toolId"], "quote\"bracket]back\\slash\nü");
    let kept = std::fs::read_to_string(log.log.path()).expect("the log");
    assert!(kept.lines().zip(&messages).all(|(line, message)| line == message.text));
}

#[test]
fn a_server_that_is_killed_with_messages_in_its_buffer_gets_them_again() {
    let log = Log::new(AuditOptions::default());
    let got = Arc::default();
    let server = Server::start("127.0.0.1:0", false, 700, &got);
    let running = log.push(settings(), &[&format!("syslog+tcp://{}", server.address)]);
    log.append(1500);
    wait_until("it was killed", || server.dies.load(Ordering::SeqCst));
    log.append(500);
    wait_until("that was noticed", || running.push.figures(2000).failures > 0);
    let server = Server::start(&server.address.to_string(), false, usize::MAX, &got);
    wait_until("all came", || server.messages().len() >= 700 + 2000);
    assert!(running.push.end(Duration::from_secs(10)));
    assert_complete_and_in_order(&numbers(&server.messages()), 1, 2000);
    assert_eq!(running.push.figures(2000).delivered, 2000);
}

#[test]
fn messages_over_tls_go_to_a_server_that_is_trusted_and_to_no_other() {
    let log = Log::new(AuditOptions::default());
    log.append(600);
    let server = Server::start("127.0.0.1:0", true, usize::MAX, &Arc::default());
    let url = format!("syslog+tls://localhost:{}", server.address.port());
    let running = log.push(settings(), &[&url]);
    wait_until("it was tried", || running.push.figures(600).failures > 1);
    drop(running);
    assert_eq!(server.messages().len(), 0, "nobody that the system trusts signed this certificate");
    let trusting = open_cli_auditpush::PushSettings { ca_file: Some(fixture("ca.pem")), ..settings() };
    let running = log.push(trusting, &[&url]);
    wait_until("all came", || server.messages().len() == 600);
    assert!(running.push.end(Duration::from_secs(10)));
    assert_eq!(running.push.figures(600).delivered, 600, "the farewell is confirmed over TLS too");
    assert_complete_and_in_order(&numbers(&server.messages()), 1, 600);
}

#[test]
fn messages_over_udp_are_one_a_datagram() {
    let log = Log::new(AuditOptions::default());
    log.append(200);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let address = socket.local_addr().expect("an address");
    drop(socket);
    let running = log.push(settings(), &[&format!("syslog+udp://{address}#format=cef")]);
    wait_until("nobody is there", || running.push.figures(200).failures > 0);
    let socket = UdpSocket::bind(address).expect("bound again");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let mut seen = Vec::new();
    let mut buffer = vec![0; 65_536];
    while seen.last() != Some(&200) {
        let length = socket.recv(&mut buffer).expect("a datagram");
        let message = parse(str::from_utf8(&buffer[..length]).expect("UTF-8"));
        assert!(message.text.starts_with("CEF:0|"), "{}", message.text);
        seen.extend(numbers(&[message]));
    }
    assert_complete_and_in_order(&seen, 1, 200);
    assert!(running.push.end(Duration::from_secs(5)));
    assert_eq!(running.push.figures(200).delivered, 200);
}
