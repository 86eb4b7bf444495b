//! A call of an MCP server's tool (catalog-and-execution §21, §22): the body as arguments, the answer as a result. Not for
//! talking to the server; that is `open-cli-mcp`.

use super::arguments::Decoded;
use super::{Call, Problem};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use open_cli_catalog::PreparedTool;
use open_cli_contract::catalog::Tool;
use open_cli_contract::execute::ExecuteRequest;
use open_cli_contract::problem::ErrorCode;
use open_cli_execution::{ResultBody, ToolResult};
use open_cli_mcp::{McpError, Server, ToolCall};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The tool says that it failed (W65). Its answer is passed on with status 200, as the contract has it.
pub(super) const TOOL_ERROR: &str = "mcp_tool_error";

/// What became of a call.
pub(super) struct Done {
    pub(super) result: Result<ToolResult, Box<Problem>>,
    pub(super) is_error: bool,
    pub(super) retry_count: u32,
    pub(super) request_size: u64,
}

/// Calls the tool.
pub(super) async fn execute(
    call: &Call,
    server: &Arc<Server>,
    prepared: &PreparedTool,
    request: &ExecuteRequest<'_>,
    decoded: &Decoded,
) -> Done {
    let tool = prepared.tool();
    let mut done = Done { result: Err(Box::default()), is_error: false, retry_count: 0, request_size: 0 };
    let arguments = match input(prepared, request, decoded) {
        Ok(arguments) => arguments,
        Err(problem) => {
            done.result = Err(problem);
            return done;
        }
    };
    done.request_size = arguments.get().len() as u64;
    let named = tool.backend.as_ref().map(|backend| backend.tool_name.as_str()).filter(|name| !name.is_empty());
    let to_call = ToolCall {
        // MX-5.
        tool: named.unwrap_or(&tool.operation_id),
        arguments: &arguments,
        idempotent: tool.safety.idempotent,
    };
    let (result, retries) = server.call(to_call, call.trace()).await;
    done.retry_count = retries;
    done.result = match result {
        Ok(answer) => {
            done.is_error = answer.is_error;
            let json = HeaderValue::from_static("application/json");
            Ok(ToolResult {
                status: 200,
                content_type: Some(json.clone()),
                headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
                body: ResultBody::Json(answer.body),
                retry_count: retries,
            })
        }
        Err(error) => Err(problem(&error, tool)),
    };
    done
}

fn problem(error: &McpError, tool: &Tool) -> Box<Problem> {
    let problem = Problem::new(error.code(), error.to_string()).with("toolId", &*tool.id);
    match error {
        McpError::Refused { code, .. } => problem.with("mcpCode", *code),
        _ => problem,
    }
}

/// What the server's tool gets, checked against its schema.
pub(super) fn input<'a>(
    prepared: &PreparedTool,
    request: &ExecuteRequest<'a>,
    decoded: &Decoded,
) -> Result<Cow<'a, RawValue>, Box<Problem>> {
    let tool = prepared.tool();
    let refused = |why: String| Problem::new(ErrorCode::InvalidArguments, why).with("toolId", &*tool.id);
    // Ignoring them would call with less than was asked for.
    let has_http_ways = !request.path_args.is_empty()
        || !request.flags.is_empty()
        || !request.parts.is_empty()
        || !request.content_type.is_empty()
        || !request.server.is_empty()
        || !request.server_variables.is_empty();
    if has_http_ways {
        let why = "a tool of an MCP server takes `arguments` or a `body`, and nothing else";
        return Err(refused(why.to_owned()));
    }
    let body = decoded.body();
    let is_given = request.arguments.is_some() || body.is_some();
    let given = given(request, body).map_err(refused)?;
    if request.validate != Some(false) {
        let faults = prepared.template().check_json(given.get());
        faults.map_err(|faults| super::arguments::invalid(&tool.id, &faults))?;
    }
    if is_given { unwrapped(tool, given).map_err(refused) } else { Ok(given) }
}

/// MX-1: the body, or the typed arguments.
fn given<'a>(request: &ExecuteRequest<'a>, body: Option<&[u8]>) -> Result<Cow<'a, RawValue>, String> {
    match (request.arguments, body) {
        (Some(_), Some(_)) => Err("the input is given twice: as arguments and as body".into()),
        (Some(arguments), None) => Ok(Cow::Borrowed(arguments)),
        (None, Some(body)) => {
            let body: Box<RawValue> =
                serde_json::from_slice(body).map_err(|error| format!("the body is not valid JSON: {error}"))?;
            Ok(Cow::Owned(body))
        }
        (None, None) => RawValue::from_string("{}".into()).map(Cow::Owned).map_err(|error| error.to_string()),
    }
}

/// MX-2: an input that is no object stands in one of its own in the catalog.
fn unwrapped<'a>(tool: &Tool, given: Cow<'a, RawValue>) -> Result<Cow<'a, RawValue>, String> {
    if !tool.backend.as_ref().is_some_and(|backend| backend.input_wrapped) {
        return Ok(given);
    }
    let wrong = || "the body of this tool is an object with the member `input`".to_owned();
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(given.get()).map_err(|_| wrong())?;
    members.get("input").map(|input| Cow::Owned((*input).to_owned())).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::catalog::Backend;

    fn tool(input_wrapped: bool) -> Tool {
        let json = r#"{"id":"s:t","serviceId":"s","method":"POST","path":"/_mcp/s/t","group":"s","command":"t",
            "safety":{"destructive":false,"readOnly":false,"requiresApproval":false}}"#;
        let mut tool: Tool = serde_json::from_str(json).expect("a tool");
        tool.backend = Some(Backend {
            kind: "mcp".into(),
            source_id: "s".into(),
            tool_name: "t".into(),
            transport: "stdio".into(),
            input_wrapped,
        });
        tool
    }

    /// MX-1, MX-2, W43.
    #[test]
    fn the_body_is_the_arguments_and_a_wrapped_input_comes_out_alone() {
        let ask = |wrapped, body: Option<&str>| {
            let given = given(&ExecuteRequest::default(), body.map(str::as_bytes))?;
            unwrapped(&tool(wrapped), given).map(|arguments| arguments.get().to_owned())
        };
        assert_eq!(ask(false, None).as_deref(), Ok("{}"));
        assert_eq!(ask(false, Some(" {\"n\": 1.00} ")).as_deref(), Ok("{\"n\": 1.00}"));
        assert_eq!(ask(true, Some("{\"input\": \"x\"}")).as_deref(), Ok("\"x\""));
        for (wrapped, body) in [(false, "{"), (false, "x"), (true, "\"x\""), (true, "{}"), (true, "[]")] {
            assert!(ask(wrapped, Some(body)).is_err(), "{body}");
        }
    }

    #[test]
    fn typed_arguments_stand_for_the_body_and_not_beside_it() {
        let typed = RawValue::from_string("{\"a\":1}".into()).expect("JSON");
        let request = ExecuteRequest { arguments: Some(&typed), ..ExecuteRequest::default() };
        assert_eq!(given(&request, None).map(|a| a.get().to_owned()), Ok("{\"a\":1}".into()));
        assert!(given(&request, Some(b"{}")).is_err());
    }
}
