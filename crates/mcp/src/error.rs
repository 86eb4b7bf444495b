//! Why there are no tools, or no result. Messages name the source, what happened and what to do; never a secret.

use open_cli_contract::problem::ErrorCode;
use std::time::Duration;

/// What went wrong with an MCP server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are the same everywhere: the source's id, the cause")]
pub enum McpError {
    /// It can't be started, reached or greeted.
    #[error("the MCP server \"{server}\" can't be connected: {cause}")]
    Unavailable { server: String, cause: String },
    /// It failed again and again, and is left alone for a while.
    #[error(
        "the MCP server \"{server}\" is tried again in {} s, because it failed {failures} times: {cause}",
        .wait.as_secs().max(1)
    )]
    BackingOff { server: String, cause: String, failures: u32, wait: Duration },
    /// Its first list of tools is still under way.
    #[error("the MCP server \"{server}\" is still starting; its tools appear as soon as it lists them")]
    Starting { server: String },
    /// The connection ended before the answer came.
    #[error(
        "the MCP server \"{server}\" went away before it answered ({cause}); whether the call took effect is unknown"
    )]
    Lost { server: String, cause: String },
    /// The time is over.
    #[error("the MCP server \"{server}\" did not answer within {} s; try again, or raise `--upstream-timeout`", .limit.as_secs_f64())]
    Timeout { server: String, limit: Duration },
    /// The answer is larger than accepted.
    #[error(
        "the answer of the MCP server \"{server}\" is larger than {limit} bytes; ask for less, or raise `--max-response-bytes`"
    )]
    TooLarge { server: String, limit: usize },
    /// The answer is not what the protocol says.
    #[error("the answer of the MCP server \"{server}\" is not valid MCP: {cause}")]
    Protocol { server: String, cause: String },
    /// No credentials, or the server does not take them.
    #[error("the MCP server \"{server}\" can't be called: {cause}")]
    Credentials { server: String, cause: String },
    /// The server answered with a JSON-RPC error.
    #[error("the MCP server \"{server}\" refused the call: {message} (error {code})")]
    Refused { server: String, code: i64, message: String },
    /// The tool asks a question, and there is nobody to answer.
    #[error(
        "the tool of the MCP server \"{server}\" asks for more input ({asks}), which can't be given to it here"
    )]
    InputRequired { server: String, asks: String },
    /// Too much is under way.
    #[error("the MCP server \"{server}\" has as many calls under way as are kept; try again in a moment")]
    Busy { server: String },
    /// What is to be sent is no input of the tool.
    #[error("{0}")]
    Arguments(String),
}

impl McpError {
    /// The code it is answered with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable { .. } | Self::BackingOff { .. } | Self::Starting { .. } => {
                ErrorCode::UpstreamUnreachable
            }
            Self::Lost { .. } => ErrorCode::UpstreamReset,
            Self::Timeout { .. } => ErrorCode::UpstreamTimeout,
            Self::TooLarge { .. } => ErrorCode::UpstreamTooLarge,
            Self::Protocol { .. } => ErrorCode::UpstreamProtocol,
            Self::Credentials { .. } => ErrorCode::CredentialsUnavailable,
            Self::Refused { .. } | Self::InputRequired { .. } => ErrorCode::McpError,
            Self::Busy { .. } => ErrorCode::Overloaded,
            Self::Arguments(_) => ErrorCode::InvalidArguments,
        }
    }
}

/// What went wrong with one exchange, before it is known what it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was sent: the connection was over before.
    NotSent(String),
    /// The connection ended, or could not be made.
    Lost(String),
    /// The server forgot the session; it did nothing with the request.
    Expired,
    /// The time is over.
    Timeout(Duration),
    TooLarge(usize),
    Protocol(String),
    Credentials(String),
    Rpc(RpcError),
    /// An HTTP status that is no answer.
    Status {
        status: u16,
        cause: String,
    },
    Busy,
}

/// A JSON-RPC error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
    /// `data.supported` of an error about the protocol's version.
    pub(crate) supported: Vec<String>,
}

impl Fault {
    /// For spans: one of a closed list of words, or the code of the server.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::NotSent(_) | Self::Lost(_) | Self::Expired => "connection closed".into(),
            Self::Timeout(_) => "timeout".into(),
            Self::TooLarge(_) => "answer too large".into(),
            Self::Protocol(_) => "not MCP".into(),
            Self::Credentials(_) => "credentials".into(),
            Self::Rpc(error) => error.code.to_string(),
            Self::Status { status, .. } => status.to_string(),
            Self::Busy => "busy".into(),
        }
    }

    /// For people, without the name of the server.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::NotSent(cause) | Self::Lost(cause) | Self::Protocol(cause) | Self::Credentials(cause) => {
                cause.clone()
            }
            Self::Expired => "it forgot the session".into(),
            Self::Timeout(limit) => format!("it did not answer within {} s", limit.as_secs_f64()),
            Self::TooLarge(limit) => format!("its answer is larger than {limit} bytes"),
            Self::Rpc(error) => format!("{} (error {})", error.message, error.code),
            Self::Status { cause, .. } => cause.clone(),
            Self::Busy => "too many requests wait for it".into(),
        }
    }

    /// As the end of a call.
    pub(crate) fn of_call(self, server: &str) -> McpError {
        let server = server.to_owned();
        match self {
            Self::NotSent(cause) => McpError::Unavailable { server, cause },
            Self::Lost(cause) => McpError::Lost { server, cause },
            Self::Timeout(limit) => McpError::Timeout { server, limit },
            Self::TooLarge(limit) => McpError::TooLarge { server, limit },
            Self::Protocol(cause) => McpError::Protocol { server, cause },
            Self::Credentials(cause) => McpError::Credentials { server, cause },
            Self::Rpc(error) => McpError::Refused { server, code: error.code, message: error.message },
            Self::Status { status: 401 | 403, cause } => McpError::Credentials { server, cause },
            fault @ (Self::Expired | Self::Status { .. }) => {
                McpError::Unavailable { server, cause: fault.cause() }
            }
            Self::Busy => McpError::Busy { server },
        }
    }

    /// As the end of an attempt to connect or to list.
    pub(crate) fn of_connection(self, server: &str) -> McpError {
        match self {
            fault @ (Self::Credentials(_) | Self::Status { status: 401 | 403, .. }) => fault.of_call(server),
            fault => McpError::Unavailable { server: server.to_owned(), cause: fault.cause() },
        }
    }
}
