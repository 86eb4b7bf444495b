//! Printing what an API answered (client §12.7; deviation 12, W24 to W26, W35): the bare body, the same on a
//! terminal and in a pipe; the wrapper with `--include`.

use crate::app::App;
use crate::args::Format;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::output::{of_value, pretty, yaml};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use open_cli_client::Sent;
use open_cli_contract::catalog::Tool;
use open_cli_contract::execute::ExecuteResponse;
use serde_json::Value;

/// The upstream declared JSON and sent something else.
const INVALID_JSON: &str = "upstream_invalid_json";
/// The tool of an MCP server says that it failed.
const TOOL_ERROR: &str = "mcp_tool_error";

/// Prints the answer; the exit code follows the upstream's status.
pub(super) fn show(app: &App, tool: &Tool, sent: &Sent<ExecuteResponse>) -> Result<Exit, Failure> {
    let (answer, request_id) = (&sent.value, sent.request_id.as_str());
    app.say(|| {
        let trace = app.trace_id().map(|id| format!(", trace {id}")).unwrap_or_default();
        format!("request {request_id}{trace}: status {}", answer.status_code)
    });
    if app.line.globals.include {
        wrapper(app, answer)?;
    } else if let Some(body) = &answer.body {
        json(app, tool, body.get().as_bytes())?;
    } else if let Some(text) = answer.text.as_deref().filter(|text| !text.is_empty()) {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        app.screen.text(&format!("{text}{newline}"))?;
    } else if let Some(encoded) = &answer.body_base64 {
        binary(app, answer, encoded)?;
    } else if app.screen.terminals.stdout && app.screen.terminals.stderr {
        app.screen.remark(&format!("The API answered with status {} and no content.", answer.status_code));
    }
    let exit = if app.line.globals.no_fail { Exit::Ok } else { exit::of_upstream(answer.status_code) };
    if exit == Exit::Ok {
        return match answer.error_code.as_deref() {
            Some(TOOL_ERROR) if app.line.globals.no_fail => Ok(Exit::Ok),
            // With status 400 and above the status is what counts.
            Some(code) if exit::of_upstream(answer.status_code) == Exit::Ok => {
                Err(broken(answer, code).status(answer.status_code).request(request_id).traced(sent.is_named))
            }
            _ => Ok(Exit::Ok),
        };
    }
    let (code, whose) = match exit {
        Exit::UpstreamClient => {
            ("upstream_client_error", "It found fault with the request; its answer is on stdout.")
        }
        _ => ("upstream_server_error", "It failed; its answer is on stdout."),
    };
    let suggestion = match answer.status_code {
        401 | 403 => "Check the API's credentials in the runtime's configuration (`secrets`).",
        404 => "Check the arguments: the API does not know what they name.",
        429 => "Try again later: the API limits how often it is called.",
        400..=499 => "Check the inputs; `--dry-run` shows the request, `--help` the types.",
        _ => "Try again later, or ask whoever runs the API.",
    };
    let message = format!("The API answered with status {}", answer.status_code);
    Err(Failure::new(exit, code, message, whose)
        .suggest(format!("{suggestion} `--no-fail` exits with 0."))
        .status(answer.status_code)
        .request(request_id)
        .traced(sent.is_named))
}

/// The API answered, but not with what it says it is.
fn broken(answer: &ExecuteResponse, code: &str) -> Failure {
    if code == TOOL_ERROR {
        return Failure::new(
            Exit::UpstreamServer,
            code.to_owned(),
            "The tool says that it failed",
            "What it says about it is on stdout.",
        )
        .suggest("Check the inputs; `--help` shows their types. `--no-fail` exits with 0.");
    }
    let kind = crate::text::one_line(answer.content_type.as_deref().unwrap_or("JSON"));
    let (message, cause) = match code {
        INVALID_JSON => (
            "The API's answer is not valid JSON",
            format!("It says that it is {kind}, but is something else; it is on stdout as it came."),
        ),
        _ => ("The API's answer can't be used", format!("It says that it is {kind}; it is on stdout as it came.")),
    };
    Failure::new(Exit::NotExecuted, code.to_owned(), message, cause).suggest(
        "Check that the server URL leads to the API and not to a page in front of it, or ask whoever runs it.",
    )
}

/// Status, content type and body together.
fn wrapper(app: &App, answer: &ExecuteResponse) -> Result<(), Failure> {
    let unwritable = |error: serde_json::Error| Failure::of_output(&std::io::Error::other(error.to_string()));
    let json = serde_json::to_vec(answer).map_err(unwritable)?;
    match app.screen.result_format() {
        Format::Json => line(app, &json),
        Format::Yaml => app.screen.text(&yaml(&serde_json::from_slice(&json).map_err(unwritable)?)),
        Format::Pretty | Format::Table => line(app, &pretty(&json)),
    }
}

fn json(app: &App, tool: &Tool, body: &[u8]) -> Result<(), Failure> {
    match app.screen.result_format() {
        Format::Json => line(app, body),
        Format::Pretty => line(app, &pretty(body)),
        format => match serde_json::from_slice::<Value>(body) {
            Ok(value) if format == Format::Yaml => app.screen.text(&yaml(&value)),
            Ok(value) => {
                let preferred =
                    tool.output.as_ref().map(|output| output.default_fields.as_slice()).unwrap_or_default();
                match of_value(&value, preferred) {
                    Some(table) => app.screen.table(&table),
                    None => line(app, &pretty(body)),
                }
            }
            // Valid JSON with a number that no tree holds.
            Err(_) => line(app, &pretty(body)),
        },
    }
}

/// Bytes and a newline, in one write.
fn line(app: &App, bytes: &[u8]) -> Result<(), Failure> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.extend_from_slice(bytes);
    out.push(b'\n');
    app.screen.write(&out)
}

fn binary(app: &App, answer: &ExecuteResponse, encoded: &str) -> Result<(), Failure> {
    let kind = answer.content_type.as_deref().unwrap_or("unknown type");
    if app.screen.terminals.stdout {
        return Err(Failure::new(
            Exit::Other,
            "binary_output",
            "The answer is binary and is not shown on a terminal",
            format!("Its content type is {}.", crate::text::one_line(kind)),
        )
        .suggest("Redirect it to a file: add `> file`."));
    }
    let bytes = STANDARD.decode(encoded).map_err(|error| {
        Failure::new(
            Exit::Runtime,
            "runtime_answer",
            "The runtime's answer can't be used",
            format!("bodyBase64: {error}"),
        )
        .suggest("Check that versions of client and runtime fit.")
    })?;
    app.screen.write(&bytes)
}
