//! An error as the person or program at the other end sees it: what failed, why, what to do (client §9, W41).

use crate::exit::{self, Exit};
use crate::output::{Paint, yaml};
use open_cli_client::{ClientError, Refusal, SettingsError};
use open_cli_contract::problem::ErrorCode;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Deref;

/// A failure, ready to be shown. Boxed: results travel through many hands, failures rarely.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Box<Parts>);

/// What a failure says.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// Stable word.
    pub(crate) code: Cow<'static, str>,
    /// What failed.
    pub(crate) message: String,
    /// Why.
    pub(crate) cause: String,
    /// What to do.
    pub(crate) suggestion: String,
    /// HTTP status that belongs to it.
    pub(crate) status: Option<u16>,
    /// Request it happened in.
    pub(crate) request_id: Option<String>,
    /// Trace the request belongs to.
    pub(crate) trace_id: Option<String>,
    /// The runtime was reached, so it may have a trace of the request.
    pub(crate) has_trace: bool,
    /// How the program ends.
    pub(crate) exit: Exit,
    /// The reader of stdout went away: end quietly.
    pub(crate) is_broken_pipe: bool,
}

impl Deref for Failure {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Failure {
    pub(crate) fn new(
        exit: Exit,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        cause: impl Into<String>,
    ) -> Self {
        Self(Box::new(Parts {
            code: code.into(),
            message: message.into(),
            cause: cause.into(),
            suggestion: String::new(),
            status: None,
            request_id: None,
            trace_id: None,
            has_trace: false,
            exit,
            is_broken_pipe: false,
        }))
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message, cause)
    }

    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.0.suggestion = suggestion.into();
        self
    }

    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = cause.into();
        self
    }

    /// HTTP status that belongs to it.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Request it happened in; an empty id is none.
    pub(crate) fn request(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into()).filter(|id| !id.is_empty());
        self
    }

    /// Trace in which the command's requests were sent; counts when this is about one of them.
    pub(crate) fn in_trace(mut self, id: Option<String>) -> Self {
        self.0.trace_id = id.filter(|_| self.0.request_id.is_some());
        self
    }

    /// The runtime was reached, so it may have a trace of the request.
    pub(crate) fn traced(mut self, has_trace: bool) -> Self {
        self.0.has_trace = has_trace;
        self
    }

    /// Writing the result failed.
    pub(crate) fn of_output(error: &std::io::Error) -> Self {
        let mut failure = Self::new(Exit::Other, "output", "The output could not be written", error.to_string())
            .suggest("Check the file or device that stdout leads to.");
        failure.0.is_broken_pipe = error.kind() == std::io::ErrorKind::BrokenPipe;
        failure
    }

    /// Three parts with a blank line between; the hint to the trace last.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut out = format!("{} {}\n", paint.error("Error:"), self.message);
        for (label, text) in [("Cause:", &self.cause), ("Suggestion:", &self.suggestion)] {
            if !text.is_empty() {
                let _ = write!(out, "\n{} {text}\n", paint.bold(label));
            }
        }
        if let Some(id) = &self.request_id {
            let _ = write!(out, "\n{} {id}\n", paint.bold("Request:"));
            if self.has_trace {
                let hint = format!("Look at what happened with `open-cli trace {id}`.");
                let _ = writeln!(out, "{}", paint.dim(&hint));
            }
        }
        out
    }

    /// `{"error":{…}}` (W41).
    pub(crate) fn value(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".into(), self.code.as_ref().into());
        error.insert("message".into(), self.message.as_str().into());
        error.insert("cause".into(), self.cause.as_str().into());
        error.insert("suggestion".into(), self.suggestion.as_str().into());
        error.insert("status".into(), self.status.map_or(Value::Null, Value::from));
        error.insert("requestId".into(), self.request_id.as_deref().map_or(Value::Null, Value::from));
        error.insert("traceId".into(), self.trace_id.as_deref().map_or(Value::Null, Value::from));
        let mut root = Map::new();
        root.insert("error".into(), Value::Object(error));
        Value::Object(root)
    }

    pub(crate) fn json(&self) -> String {
        format!("{}\n", self.value())
    }

    pub(crate) fn yaml(&self) -> String {
        yaml(&self.value())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(Exit::Config, "config_invalid", "The configuration can't be used", error.to_string())
            .suggest("Correct the file, or name another one with `--config`.")
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NoRuntime => Self::new(
                Exit::Runtime,
                "no_runtime",
                "No runtime is configured",
                "Neither `--runtime`, nor the variable OPEN_CLI_RUNTIME_URL, nor `runtime.remote.url` of a \
                 configuration names one.",
            )
            .suggest(
                "Start one with `open-cli-toolbox --config .cli.json` and add `--runtime http://127.0.0.1:8765`, or \
                 write a configuration with `open-cli init <openapi-url-or-file>`.",
            ),
            ClientError::InvalidUrl { url, reason } => {
                Self::new(Exit::Runtime, "invalid_runtime_url", format!("The runtime URL {url:?} is not valid"), reason)
                    .suggest("Correct `--runtime`, OPEN_CLI_RUNTIME_URL or `runtime.remote.url`.")
            }
            ClientError::Unreachable { url, detail, request_id } => Self::new(
                Exit::Runtime,
                "runtime_unreachable",
                format!("The runtime at {url} can't be reached"),
                detail,
            )
            .suggest("Check that open-cli-toolbox runs there, or name another runtime with `--runtime <url>`.")
            .request(request_id),
            ClientError::TimedOut { url, after, request_id } => Self::new(
                Exit::Runtime,
                "runtime_timeout",
                format!("The runtime at {url} did not answer in time"),
                format!("No complete answer within {} s. Whether a call took effect is unknown.", after.as_secs_f32()),
            )
            .suggest("Try again with a longer `--timeout <seconds>`, or look at the runtime's log.")
            .request(request_id)
            .traced(true),
            ClientError::BadAnswer { url, detail, request_id } => Self::new(
                Exit::Runtime,
                "runtime_answer",
                format!("The runtime at {url} gave an answer that can't be used"),
                detail,
            )
            .suggest("Check that the URL leads to an open-cli runtime, and that versions fit.")
            .request(request_id)
            .traced(true),
            ClientError::NotARuntime { url, detail, request_id } => Self::new(
                Exit::Runtime,
                "not_a_runtime",
                format!("The server at {url} is not an open-cli runtime"),
                format!("{}.", capitalised(&detail)),
            )
            .suggest(
                "Correct `--runtime`, OPEN_CLI_RUNTIME_URL or `runtime.remote.url`. A proxy in front of a runtime that \
                 is down answers like this, too.",
            )
            .request(request_id),
            ClientError::Refused(refusal) => Self::from(*refusal),
            ClientError::SignInRequired { url } => Self::new(
                Exit::Auth,
                "sign_in_required",
                format!("Nobody is signed in to the runtime at {url}"),
                "Its callers show a token, and none that is valid is kept here.",
            )
            .suggest("Sign in with `open-cli auth login`; where no browser is, with `open-cli auth login --device`."),
            ClientError::SignIn { what, detail } => Self::new(Exit::Auth, "sign_in_failed", what, capitalised(&detail))
                .suggest("Look at `open-cli auth status`, and at `runtime.remote.oauth` of the configuration."),
            ClientError::Token { reason } => Self::new(
                Exit::Auth,
                "token_missing",
                "There is no token for the runtime",
                format!("{}.", capitalised(&reason)),
            )
            .suggest("Set what the cause names, or correct `runtime.remote.oauth` of the configuration."),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let problem = &refusal.problem;
        let mut cause = if problem.detail.is_empty() {
            format!("The runtime refused with `{}` (status {}).", problem.code, problem.status)
        } else {
            format!("{} (`{}`, status {})", problem.detail, problem.code, problem.status)
        };
        if refusal.token_withheld {
            cause.push_str(
                " The configured token was not sent, because it belongs to another runtime than the one asked.",
            );
        }
        let suggestion = match refusal.code {
            Some(ErrorCode::ApprovalRequired) => {
                "Look at the request with `--dry-run`, then run it again with `--approval`.".to_owned()
            }
            Some(ErrorCode::CuratedDeny) => {
                "Use another `--agent-profile`, or add the tool to the profile's tool set.".to_owned()
            }
            Some(ErrorCode::AuthnFailed) if refusal.had_token => "The token may have expired, been revoked, or be meant \
                for another audience: `open-cli auth status` shows what is known; sign in again with `open-cli auth \
                login`, or get another token where this one is from."
                .to_owned(),
            Some(ErrorCode::AuthnFailed) => "Sign in with `open-cli auth login`, or say in `runtime.remote.oauth` where \
                the token comes from."
                .to_owned(),
            Some(ErrorCode::AuthzDenied) => match problem.extra.get("scope").and_then(Value::as_str) {
                Some(scope) => format!("Get a token with the scope `{scope}`, e.g. with `open-cli auth login --scope {scope}`."),
                None => problem.hint.clone(),
            },
            _ => problem.hint.clone(),
        };
        let exit = exit::of_refusal(refusal.code, problem.status);
        Self::new(exit, problem.code.clone(), refusal.headline(), cause)
            .suggest(suggestion)
            .status(problem.status)
            .request(problem.request_id.clone())
            // What there is no trace of needs no look at a trace.
            .traced(refusal.is_named && refusal.code != Some(ErrorCode::TraceNotFound))
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
