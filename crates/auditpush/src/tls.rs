//! TLS to receivers: the system's root certificates, or those of a file.

use crate::StartError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Largest file of certificates.
const PEM_MAX: u64 = 1 << 20;

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// For syslog.
pub(crate) fn for_streams(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, StartError> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match ca_file {
        None => builder.with_platform_verifier()?,
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// For HTTP.
pub(crate) fn for_http(ca_file: Option<&Path>, client: Option<(&Path, &Path)>) -> Result<TlsConfig, StartError> {
    let owned = |path: &Path| -> Result<Vec<Certificate<'static>>, StartError> {
        Ok(certificates(path)?.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
    };
    let roots = match ca_file {
        None => RootCerts::PlatformVerifier,
        Some(path) => RootCerts::new_with_certs(&owned(path)?),
    };
    let client = match client {
        None => None,
        Some((chain, key)) => {
            let pem = read(key)?;
            let parsed = PrivateKey::from_pem(&pem).map_err(|error| unusable(key, &error.to_string()))?;
            // Checked here, because an error of the first request would come too late.
            PrivateKeyDer::from_pem_slice(&pem).map_err(|error| unusable(key, &error.to_string()))?;
            Some(ClientCert::new_with_certs(&owned(chain)?, parsed))
        }
    };
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(client)
        .unversioned_rustls_crypto_provider(provider())
        .build())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let pem = read(path)?;
    let read = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let certificates = read.map_err(|reason| unusable(path, &reason.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(path, "it holds no certificate"));
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    open_cli_files::read_bounded(path, PEM_MAX).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> StartError {
    StartError::File { path: path.to_owned(), reason: reason.to_owned() }
}
