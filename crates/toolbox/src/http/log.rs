//! `GET|POST /v1/runtime/log`: the filter of the program's log, and another one while it runs.

use super::respond::{self, Answer};
use super::{Call, Problem, check_names, parse, record};
use open_cli_contract::problem::ErrorCode;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Wanted {
    filter: String,
}

#[derive(Serialize)]
struct InForce {
    filter: String,
}

pub(super) async fn log(call: &mut Call) -> Result<Answer, Box<Problem>> {
    call.check_selector().await?;
    let body = call.json_body().await?;
    let Some(control) = call.state.log.clone() else {
        return Err(Problem::new(ErrorCode::NotFound, "This runtime's log belongs to the program it is part of."));
    };
    if !body.is_empty() {
        let wanted: Wanted = parse(&body)?;
        check_names(&[("filter", &wanted.filter)])?;
        let before = control.filter();
        control.set_filter(&wanted.filter).map_err(|fault| {
            let detail = format!("The filter \"{}\" is none: {fault}.", wanted.filter);
            Problem::new(ErrorCode::InvalidRequest, detail)
        })?;
        call.state.record(&record::action(call, "log_changed", "runtime.log")).await.inspect_err(|_| {
            // What is not on record is not done. The filter before was one, so this can't fail.
            let _ = control.set_filter(&before);
        })?;
        tracing::warn!(filter = %wanted.filter, request = %call.request_id, "the log's filter was changed");
    }
    respond::json(&InForce { filter: control.filter() })
}
