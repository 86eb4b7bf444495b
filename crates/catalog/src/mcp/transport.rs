//! The configuration of a server as `open-cli-mcp` wants it (§16.1, §18, MCPA-1, MCPA-2). Whatever the configuration asks for
//! and this version can't do makes the service fail, never another server.

use super::McpSource;
use http::{HeaderMap, HeaderName, HeaderValue};
use open_cli_config::{Config, Network, Source, Transport as ConfigTransport, TransportKind};
use open_cli_credentials::Secrets;
use open_cli_mcp::{Authorization, Endpoint, Headers, Limits, Program, ServerSpec, Servers, Transport};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Where servers come from during one reading of a configuration.
pub(crate) struct Mcp<'a> {
    servers: Option<&'a Servers>,
    /// Tells configurations apart.
    owner: &'a str,
    config: &'a Config,
    /// The configuration in plain text, for the identities of servers.
    revealed: OnceCell<Value>,
}

impl<'a> Mcp<'a> {
    pub(crate) fn new(servers: Option<&'a Servers>, owner: &'a str, config: &'a Config) -> Self {
        Self { servers, owner, config, revealed: OnceCell::new() }
    }

    /// The server of a source; the error says why it can't be had.
    pub(crate) fn source(&self, id: &str, source: &Source) -> Result<McpSource, String> {
        let Some(servers) = self.servers else {
            return Err("MCP servers are not called here".into());
        };
        let transport = source.transport.as_ref().ok_or("the source has no transport")?;
        if source.oauth.is_some() {
            return Err("this version can't obtain OAuth tokens for an MCP server; remove `oauth`, or give it a token with `transport.headerSecrets`".into());
        }
        let network = match self.config.services.get(id) {
            Some(service) => service.network.over(&source.network),
            None => source.network.clone(),
        };
        let limits = limits(servers.limits(), &network);
        let transport_of = self.transport(transport)?;
        let mut hash = Sha256::new();
        hash.update(self.identity(id, transport));
        hash.update(format!("{limits:?}"));
        let spec = ServerSpec {
            source_id: id.to_owned(),
            identity: hash.clone().finalize().into(),
            transport: transport_of,
        };
        for name in &source.disabled_tools {
            hash.update(name);
            hash.update([0]);
        }
        let server = servers.server(self.owner, spec, limits);
        Ok(McpSource { server, disabled: source.disabled_tools.clone().into(), identity: hash.finalize().into() })
    }

    /// Everything that the configuration says about the server, and about the secrets it uses.
    fn identity(&self, id: &str, transport: &ConfigTransport) -> [u8; 32] {
        let revealed = self.revealed.get_or_init(|| self.config.revealed());
        let mut hash = Sha256::new();
        hash.update(id);
        hash.update(revealed["sources"][id]["transport"].to_string());
        if let Some(command) = &transport.command {
            hash.update(command.base().as_os_str().as_encoded_bytes());
        }
        for key in transport.header_secrets.values() {
            hash.update(revealed["secrets"][key].to_string());
        }
        hash.finalize().into()
    }

    fn transport(&self, transport: &ConfigTransport) -> Result<Transport, String> {
        Ok(match transport.kind {
            TransportKind::Stdio => {
                let command = transport.command.as_ref().ok_or("the transport has no command")?;
                let env = transport.env.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
                Transport::Stdio(Program {
                    command: command.program(),
                    args: transport.args.clone(),
                    env: env.collect(),
                    dir: command.base().to_owned(),
                })
            }
            TransportKind::Sse => Transport::Sse(self.endpoint(transport)?),
            TransportKind::StreamableHttp => Transport::StreamableHttp(self.endpoint(transport)?),
        })
    }

    fn endpoint(&self, transport: &ConfigTransport) -> Result<Endpoint, String> {
        let text = transport.url.as_ref().ok_or("the transport has no url")?;
        let url = Url::parse(text).map_err(|error| format!("the transport's url is none: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the transport's url has the scheme {}; http and https are spoken", url.scheme()));
        }
        let mut fixed = HeaderMap::new();
        for (name, value) in &transport.headers {
            fixed.insert(header_name(name)?, header_value(name, value.reveal())?);
        }
        let wanted = transport.header_secrets.iter().map(|(name, key)| Ok((header_name(name)?, key.clone())));
        let wanted = wanted.collect::<Result<Vec<_>, String>>()?;
        let secrets = if wanted.is_empty() { Secrets::new([]) } else { crate::rules::secrets(self.config) };
        Ok(Endpoint { url, authorization: Arc::new(TransportHeaders { fixed, wanted, secrets }) })
    }
}

fn limits(defaults: Limits, network: &Network) -> Limits {
    let time = |ms: Option<u64>, default| ms.map_or(default, Duration::from_millis);
    Limits {
        connect_timeout: time(network.connect_timeout_ms, defaults.connect_timeout),
        call_timeout: time(network.total_timeout_ms, defaults.call_timeout),
        max_message_bytes: network
            .max_response_bytes
            .map_or(defaults.max_message_bytes, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no name of a header"))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, String> {
    // The value may be a secret, so it is not shown.
    let mut value = HeaderValue::from_str(value.trim())
        .map_err(|_| format!("the value of the header {name:?} can't be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Static headers, and those whose values are secrets (TA-1, TA-2). Tokens of an authorization server are to come in
/// beside them: [`Authorization`] is asked before each request and told when the server rejects what it gave.
struct TransportHeaders {
    fixed: HeaderMap,
    /// Header and key in `secrets`.
    wanted: Vec<(HeaderName, String)>,
    secrets: Secrets,
}

impl TransportHeaders {
    fn all(&self) -> Result<HeaderMap, String> {
        let mut headers = self.fixed.clone();
        for (name, key) in &self.wanted {
            let secret = match self.secrets.value(key) {
                Some(secret) => secret?,
                None => {
                    return Err(format!(
                        "transport header secret {key:?} not found (configure `secrets` {key:?})"
                    ));
                }
            };
            headers.insert(name.clone(), header_value(name.as_str(), secret.expose_secret())?);
        }
        Ok(headers)
    }
}

impl Authorization for TransportHeaders {
    fn headers(&self) -> Headers<'_> {
        Box::pin(std::future::ready(self.all()))
    }
}
