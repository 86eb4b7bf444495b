//! `GET /metrics`: Prometheus text or OpenMetrics, as the caller's `Accept` says.

use super::respond::{self, Answer};
use super::{Call, Problem};
use crate::http::body::Pieces;
use http::StatusCode;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use open_cli_contract::problem::ErrorCode;
use open_cli_metrics::{Format, Metrics};
use std::sync::Arc;

pub(super) async fn metrics(call: &mut Call) -> Result<Answer, Box<Problem>> {
    let state = &call.state;
    let has_own_listener = state.settings.observability.metrics_addr.is_some();
    match &state.telemetry.metrics {
        Some(metrics) if !has_own_listener => {
            let (metrics, headers) = (Arc::clone(metrics), call.headers.clone());
            call.check_selector().await?;
            // Thousands of series take milliseconds: beside the threads that serve.
            tokio::task::spawn_blocking(move || answer(&metrics, &headers)).await.map_err(respond::internal)
        }
        Some(_) => {
            Err(Problem::new(ErrorCode::NotFound, "The metrics have a listener of their own (--metrics-addr)."))
        }
        None => Err(Problem::new(ErrorCode::NotFound, "The metrics are off (--metrics off).")),
    }
}

/// The metrics now, in the format that the headers ask for.
pub(crate) fn answer(metrics: &Arc<Metrics>, headers: &HeaderMap) -> Answer {
    let format = Format::negotiate(headers.get(ACCEPT).and_then(|value| value.to_str().ok()));
    let text = match format {
        Format::OpenMetrics => metrics.render_openmetrics(),
        Format::Prometheus => metrics.render_prometheus(),
    };
    respond::answer(StatusCode::OK, HeaderValue::from_static(format.content_type()), Pieces::one(text))
}
