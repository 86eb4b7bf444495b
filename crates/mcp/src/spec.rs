//! Where a server is and how it is reached. Only the operator's configuration makes one: no document, and no server,
//! ever names a program or an address.

use crate::text::Scrubber;
use http::HeaderMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use url::Url;

/// A configured server.
#[derive(Debug, Clone)]
pub struct ServerSpec {
    /// Id of the source, for messages.
    pub source_id: String,
    /// Hash of everything the configuration says about it: another hash is another server.
    pub identity: [u8; 32],
    /// How it is reached.
    pub transport: Transport,
}

/// MC-1.
#[derive(Debug, Clone)]
pub enum Transport {
    /// A program that speaks on its standard input and output.
    Stdio(Program),
    /// Streamable HTTP.
    StreamableHttp(Endpoint),
    /// HTTP with server-sent events, as of 2024-11-05.
    Sse(Endpoint),
}

impl Transport {
    /// The word of the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stdio(_) => "stdio",
            Self::StreamableHttp(_) => "streamable-http",
            Self::Sse(_) => "sse",
        }
    }

    /// Where it is, without secrets.
    pub fn place(&self) -> String {
        match self {
            Self::Stdio(program) => program.command.display().to_string(),
            Self::StreamableHttp(endpoint) | Self::Sse(endpoint) => open_cli_contract::redact::url(&endpoint.url),
        }
    }
}

/// A program (ST-1). It gets a few variables of the toolbox's environment, never all: those may be secrets.
#[derive(Clone)]
pub struct Program {
    /// A bare name is looked up in `PATH`.
    pub command: PathBuf,
    /// As configured.
    pub args: Vec<String>,
    /// Variables beside the inherited ones, and over them.
    pub env: Vec<(String, String)>,
    /// Working folder.
    pub dir: PathBuf,
}

impl Program {
    /// What must not come back in a message.
    pub(crate) fn scrubber(&self) -> Scrubber {
        Scrubber::new(self.env.iter().map(|(_, value)| value.as_str()))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.env.iter().map(|(name, _)| name).collect();
        // Arguments may carry tokens.
        f.debug_struct("Program")
            .field("command", &self.command)
            .field("args", &self.args.len())
            .field("env", &names)
            .finish()
    }
}

/// An address, and what is sent there beside messages.
#[derive(Clone)]
pub struct Endpoint {
    /// Where messages go.
    pub url: Url,
    /// As whom.
    pub authorization: Arc<dyn Authorization>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &open_cli_contract::redact::url(&self.url)).finish_non_exhaustive()
    }
}

/// The headers of a request, or why there are none.
pub type Headers<'a> = Pin<Box<dyn Future<Output = Result<HeaderMap, String>> + Send + 'a>>;

/// What authorises requests to a server over HTTP: static headers, secrets, tokens. Asked before each request (TA-7), so
/// an implementation keeps what is dear.
pub trait Authorization: Send + Sync {
    /// Headers of the next request; values are marked sensitive.
    fn headers(&self) -> Headers<'_>;

    /// Told when the server answered 401: what was kept for it is of no use any more. True when asking again may give
    /// other headers; the request is then sent once more.
    fn rejected(&self) -> bool {
        false
    }
}

/// The same headers for every request.
#[derive(Default)]
pub struct StaticHeaders(pub HeaderMap);

impl Authorization for StaticHeaders {
    fn headers(&self) -> Headers<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}
