//! TLS to the collector: the system's root certificates, or those of a file; a client certificate when one is set.

use super::StartError;
use crate::settings::{Target, TlsFiles};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::path::Path;
use std::sync::Arc;

/// Configuration for the target. For plain HTTP nothing is read.
pub(super) fn config(target: &Target) -> Result<ClientConfig, StartError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    if target.endpoint.scheme_str() != Some("https") {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let TlsFiles { certificate, client_certificate, client_key } = &target.tls;
    let builder = match certificate {
        None => builder.with_platform_verifier()?,
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(match (client_certificate, client_key) {
        (Some(chain), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|reason| unusable(key, &reason.to_string()))?;
            builder.with_client_auth_cert(certificates(chain)?, key)?
        }
        _ => builder.with_no_client_auth(),
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|reason| unusable(path, &reason.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(path, "it holds no certificate"));
    }
    Ok(certificates)
}

fn unusable(path: &Path, reason: &str) -> StartError {
    StartError::File { path: path.to_owned(), reason: reason.to_owned() }
}
