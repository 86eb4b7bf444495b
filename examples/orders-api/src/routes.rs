//! From a request to the handler for it, and from the shop's answers to responses.

use crate::http::{MAX_BODY, Request, Response};
use crate::orders::{CUSTOMERS, Filter, Refusal, Shop, Status};
use crate::problem::{problem, with_errors};
use crate::{description, faults};
use serde::de::DeserializeOwned;

/// Orders on a page when the request does not say.
const DEFAULT_LIMIT: u64 = 20;
/// Orders on a page at most.
const MAX_LIMIT: u64 = 100;

/// What handlers work with.
pub(crate) struct App {
    pub(crate) shop: Shop,
    /// Key for changes; `None` refuses them all.
    pub(crate) api_key: Option<String>,
}

/// What the connection does next.
pub(crate) enum Reply {
    Response(Response),
    /// Ends the connection without a word.
    Hangup,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Reply::Response(response)
    }
}

/// Answers a request.
pub(crate) fn answer(app: &App, request: &Request) -> Reply {
    handle(app, request).unwrap_or_else(Reply::Response)
}

fn handle(app: &App, request: &Request) -> Result<Reply, Response> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    // The path first, so that a wrong method is told from a wrong path.
    let allowed = match segments.as_slice() {
        ["orders"] => "GET, HEAD, POST",
        ["orders", _] => "GET, HEAD, PATCH, DELETE",
        ["orders", _, "cancel"] => "POST",
        [] | ["customers" | "health" | "openapi.json" | "openapi.yaml"] | [".well-known", "api-catalog"] => {
            "GET, HEAD"
        }
        ["faults", "slow" | "reset" | "invalid-json" | "large" | "redirect-loop" | "binary"]
        | ["faults", "status", _] => "GET, HEAD",
        _ => return Err(problem(404, "Not found", "There is nothing at this path; see /openapi.json.")),
    };
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    Ok(match (method, segments.as_slice()) {
        ("GET", ["orders"]) => list_orders(app, request)?.into(),
        ("POST", ["orders"]) => create_order(app, request)?.into(),
        ("GET", ["orders", id]) => Response::json(200, &app.shop.get(id).map_err(refused)?).into(),
        ("PATCH", ["orders", id]) => {
            authorize(app, request)?;
            let change = body(request, &["application/merge-patch+json", "application/json"])?;
            Response::json(200, &app.shop.update(id, change).map_err(refused)?).into()
        }
        ("DELETE", ["orders", id]) => {
            authorize(app, request)?;
            app.shop.delete(id).map_err(refused)?;
            Response::empty(204).into()
        }
        ("POST", ["orders", id, "cancel"]) => {
            authorize(app, request)?;
            Response::json(200, &app.shop.cancel(id).map_err(refused)?).into()
        }
        ("GET", ["customers"]) => Response::json(200, &CUSTOMERS).into(),
        ("GET", ["health"]) => {
            Response::json(200, &serde_json::json!({ "status": "ok", "orders": app.shop.len() })).into()
        }
        ("GET", []) => description::root().into(),
        ("GET", ["openapi.json"]) => description::json(request).into(),
        ("GET", ["openapi.yaml"]) => description::yaml(request).into(),
        ("GET", [".well-known", "api-catalog"]) => description::api_catalog().into(),
        ("GET", ["faults", "slow"]) => faults::slow(request)?,
        ("GET", ["faults", "reset"]) => faults::reset(request)?,
        ("GET", ["faults", "invalid-json"]) => faults::invalid_json().into(),
        ("GET", ["faults", "large"]) => faults::large(request)?,
        ("GET", ["faults", "redirect-loop"]) => faults::redirect_loop().into(),
        ("GET", ["faults", "status", code]) => faults::status(request, code)?,
        ("GET", ["faults", "binary"]) => faults::binary().into(),
        _ => {
            let detail = format!("This path takes {allowed}.");
            return Err(problem(405, "Method not allowed", &detail).with("Allow", allowed));
        }
    })
}

fn list_orders(app: &App, request: &Request) -> Result<Response, Response> {
    let status = match request.query("status") {
        None => None,
        Some(word) => Some(Status::parse(word).ok_or_else(|| {
            problem(400, "Bad parameter", "status must be pending, paid, shipped or cancelled.")
        })?),
    };
    let limit = number_parameter(request, "limit", 1, MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let filter = Filter {
        status,
        customer_id: request.query("customerId"),
        after: request.query("after"),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    };
    Ok(Response::json(200, &app.shop.list(&filter)))
}

fn create_order(app: &App, request: &Request) -> Result<Response, Response> {
    authorize(app, request)?;
    let order = app.shop.create(body(request, &["application/json"])?).map_err(refused)?;
    Ok(Response::json(201, &order).with("Location", format!("/orders/{}", order.id)))
}

/// Refuses who may not change orders. Before the body is looked at.
fn authorize(app: &App, request: &Request) -> Result<(), Response> {
    match (&app.api_key, request.header("x-api-key")) {
        (Some(key), Some(given)) if same(key.as_bytes(), given.as_bytes()) => Ok(()),
        (None, _) => Err(problem(401, "Unauthorized", "This server was started without --api-key.")),
        (_, None) => Err(problem(401, "Unauthorized", "The header X-API-Key is missing.")),
        _ => Err(problem(401, "Unauthorized", "The key in X-API-Key is not valid.")),
    }
}

/// Compares in a time that does not depend on where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

fn body<T: DeserializeOwned>(request: &Request, media_types: &[&str]) -> Result<T, Response> {
    debug_assert!(request.body.len() <= MAX_BODY);
    let given = request.header("content-type").unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if !media_types.iter().any(|media_type| media_type.eq_ignore_ascii_case(given)) {
        let detail = format!("The body must be {}.", media_types.join(" or "));
        return Err(problem(415, "Unsupported media type", &detail));
    }
    serde_json::from_slice(&request.body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            problem(422, "Invalid body", &format!("The body does not fit: {error}."))
        }
        _ => problem(400, "Malformed body", &format!("The body is not JSON: {error}.")),
    })
}

/// A whole number from the query, within bounds.
pub(crate) fn number_parameter(
    request: &Request,
    name: &str,
    least: u64,
    most: u64,
) -> Result<Option<u64>, Response> {
    let Some(text) = request.query(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ => {
            let detail = format!("{name} must be a whole number from {least} to {most}.");
            Err(problem(400, "Bad parameter", &detail))
        }
    }
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::NotFound => problem(404, "Not found", "There is no such order."),
        Refusal::Conflict(detail) => problem(409, "Conflict", &detail),
        Refusal::Invalid(errors) => {
            with_errors(422, "Invalid body", "The body breaks the rules listed in errors.", &errors)
        }
        Refusal::Full => problem(507, "No room", "The shop holds as many orders as it can; delete some."),
    }
}
