//! TLS, built when it is first needed: reading the system's root certificates takes time and memory that a
//! runtime with plain-HTTP upstreams should not spend.

use crate::resolve::Resolver;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, OnceLock};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A TLS connector that is built once, on first use.
#[derive(Clone)]
pub(crate) struct LazyTls {
    http: HttpConnector<Resolver>,
    built: Arc<OnceLock<HttpsConnector<HttpConnector<Resolver>>>>,
}

impl LazyTls {
    pub(crate) fn new(http: HttpConnector<Resolver>) -> Self {
        Self { http, built: Arc::default() }
    }

    /// The connector. A failure is not kept: root certificates may be installed later.
    pub(crate) async fn connector(&self) -> Result<HttpsConnector<HttpConnector<Resolver>>, BoxError> {
        if let Some(built) = self.built.get() {
            return Ok(built.clone());
        }
        // Reads files.
        let config = tokio::task::spawn_blocking(client_config).await??;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(self.http.clone());
        Ok(self.built.get_or_init(|| connector).clone())
    }
}

fn client_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_platform_verifier()?.with_no_client_auth())
}
