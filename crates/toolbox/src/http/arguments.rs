//! From an execute request to the arguments of a call, and from what is wrong with them to a problem. Not for deciding
//! whether the call may run.

use super::Problem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use open_cli_config::Config;
use open_cli_contract::execute::{BodyPart, ExecuteRequest};
use open_cli_contract::problem::ErrorCode;
use open_cli_request::{ArgumentFault, Arguments, FaultKind, Part};

/// Parts that one call may bring.
const MAX_PARTS: usize = 1000;

/// What comes encoded, decoded.
#[derive(Default)]
pub(super) struct Decoded {
    body: Option<Bytes>,
    parts: Vec<Part>,
}

/// Decodes the body and its parts.
pub(super) fn decode(request: &ExecuteRequest<'_>) -> Result<Decoded, Box<Problem>> {
    if request.arguments.is_some_and(|arguments| !arguments.get().starts_with('{')) {
        return Err(Problem::new(ErrorCode::InvalidRequest, "The member arguments is no object."));
    }
    if request.parts.len() > MAX_PARTS {
        let detail = format!("There are {} parts; at most {MAX_PARTS} are taken.", request.parts.len());
        return Err(Problem::new(ErrorCode::InvalidRequest, detail).with("limit", MAX_PARTS));
    }
    let body = if request.body.is_empty() { None } else { Some(base64("body", &request.body)?) };
    let parts = request.parts.iter().enumerate().map(|(index, part)| decode_part(index, part));
    Ok(Decoded { body, parts: parts.collect::<Result<_, _>>()? })
}

fn decode_part(index: usize, part: &BodyPart<'_>) -> Result<Part, Box<Problem>> {
    Ok(Part {
        name: part.name.to_string(),
        filename: (!part.filename.is_empty()).then(|| part.filename.to_string()),
        content_type: part.content_type.to_string(),
        headers: part.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        content: base64(&format!("parts/{index}/data"), &part.data)?,
    })
}

fn base64(member: &str, text: &str) -> Result<Bytes, Box<Problem>> {
    STANDARD.decode(text).map(Bytes::from).map_err(|error| {
        Problem::new(ErrorCode::InvalidRequest, format!("The member {member} is not base64: {error}."))
    })
}

impl Decoded {
    /// The body, when there is one.
    pub(super) fn body(&self) -> Option<&[u8]> {
        self.body.as_deref().filter(|body| !body.is_empty())
    }

    /// The arguments of the call.
    pub(super) fn arguments<'a>(&'a self, request: &'a ExecuteRequest<'_>) -> Arguments<'a> {
        Arguments {
            path_args: &request.path_args,
            flags: &request.flags,
            typed: request.arguments,
            body: self.body.clone(),
            content_type: &request.content_type,
            parts: &self.parts,
            server: &request.server,
            server_variables: &request.server_variables,
            validate: request.validate != Some(false),
            masked: request.dry_run,
        }
    }
}

/// Refuses a call whose arguments are not to be checked, unless the policy allows it.
pub(super) fn may_be_unvalidated(request: &ExecuteRequest<'_>, config: &Config) -> Result<(), Box<Problem>> {
    if request.validate != Some(false) || config.policy.allow_unvalidated {
        return Ok(());
    }
    let detail =
        "The call asks for arguments that are not checked, and policy.allowUnvalidated does not allow it.";
    Err(Problem::new(ErrorCode::UnvalidatedDenied, detail).with("toolId", &*request.tool_id))
}

/// All faults at once; values never appear.
pub(super) fn invalid(tool_id: &str, faults: &[ArgumentFault]) -> Box<Problem> {
    let detail = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let errors: Vec<serde_json::Value> = faults.iter().map(error).collect();
    // A tool that can't be called by anybody is not its caller's mistake.
    let is_tools_own = faults.iter().any(|fault| fault.kind == FaultKind::Tool);
    let code = if is_tools_own { ErrorCode::ExecutionError } else { ErrorCode::InvalidArguments };
    Problem::new(code, detail).with("toolId", tool_id).with("errors", errors)
}

fn error(fault: &ArgumentFault) -> serde_json::Value {
    let mut error = serde_json::Map::new();
    let members = [
        ("argument", &fault.argument),
        ("flag", &fault.flag),
        ("pointer", &fault.pointer),
        ("expected", &fault.expected),
        ("problem", &fault.problem),
    ];
    for (name, text) in members {
        // The pointer to the value itself is the empty text.
        if !text.is_empty() || name == "pointer" {
            error.insert(name.into(), text.as_str().into());
        }
    }
    error.into()
}
