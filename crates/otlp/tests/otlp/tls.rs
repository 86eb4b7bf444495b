//! TLS: the certificates of a file are trusted instead of the system's, and a client certificate is shown.

use crate::samples::{self, call};
use crate::sink::{self, Received};
use open_cli_observe::Observer;
use open_cli_otlp::{Batches, StartError, Target, TlsFiles, TraceExporter};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);
/// Enough for what fails.
const SHORT: Duration = Duration::from_millis(300);

fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    path
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A server that wants a certificate of the authority, and what it receives.
fn server(authority: &CertifiedIssuer<'static, KeyPair>) -> (u16, Receiver<Received>) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, authority).expect("signed");
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(clients.build().expect("a verifier"))
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a certificate");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (told, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut reader = BufReader::new(StreamOwned::new(connection, stream));
            let Some(request) = sink::read(&mut reader) else { continue };
            let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            let _ = reader.get_mut().flush();
            if told.send(request).is_err() {
                return;
            }
        }
    });
    (port, received)
}

fn start(port: u16, tls: TlsFiles, timeout: Duration) -> Result<TraceExporter, StartError> {
    let url = format!("https://localhost:{port}/v1/traces").parse().expect("a URL");
    let batches = Batches { queue: 100, batch: 1, delay: LONG, timeout };
    TraceExporter::start(&Target { tls, ..Target::at(url) }, batches, Arc::new(samples::resource()))
}

#[test]
fn the_certificates_of_files_are_trusted_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = authority();
    let (port, received) = server(&authority);
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["client".to_owned()]).expect("parameters");
    let certificate = certificate.signed_by(&key, &authority).expect("signed");
    let files = TlsFiles {
        certificate: Some(put(folder.path(), "ca.pem", &authority.pem())),
        client_certificate: Some(put(folder.path(), "client.pem", &certificate.pem())),
        client_key: Some(put(folder.path(), "client.key", &key.serialize_pem())),
    };
    let exporter = start(port, files.clone(), LONG).expect("started");
    exporter.trace_finished(&call(1));
    assert!(exporter.flush(LONG));
    assert_eq!(exporter.figures().exported, 7, "{:?}", exporter.figures());
    assert_eq!(received.recv_timeout(LONG).expect("a request").path, "/v1/traces");

    // Neither unknown servers nor unknown clients.
    let stranger = Some(put(folder.path(), "other.pem", &self::authority().pem()));
    let nobody = TlsFiles { client_certificate: None, client_key: None, ..files.clone() };
    for files in [TlsFiles { certificate: stranger, ..files }, nobody] {
        let exporter = start(port, files, SHORT).expect("started");
        exporter.trace_finished(&call(1));
        assert!(exporter.flush(LONG));
        assert_eq!((exporter.figures().exported, exporter.figures().dropped_failed), (0, 7));
    }
}

#[test]
fn a_file_that_is_no_certificate_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [put(folder.path(), "empty.pem", ""), folder.path().join("missing.pem")] {
        let files = TlsFiles { certificate: Some(path.clone()), ..TlsFiles::default() };
        let error = start(1, files, SHORT).err().expect("an error").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
