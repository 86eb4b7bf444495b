//! Requests as the runtime tells them.
#![allow(dead_code, unreachable_pub)]

use open_cli_contract::ids::RequestId;
use open_cli_metrics::Metrics;
use open_cli_observe::{LocalTrace, Observer, Sampler, SpanKind, Trace};
use std::sync::{Arc, Mutex};

/// A call of a tool.
pub struct Call<'a> {
    pub tool: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub upstream: &'a str,
    pub status: u16,
    pub error: &'a str,
    pub sampled: bool,
}

impl Default for Call<'_> {
    fn default() -> Self {
        Self {
            tool: "orders:listOrders",
            method: "POST",
            path: "/v1/tools/execute",
            upstream: "127.0.0.1",
            status: 200,
            error: "",
            sampled: true,
        }
    }
}

/// Keeps the trace that it is told.
#[derive(Default)]
struct Keeper(Mutex<Option<Arc<LocalTrace>>>);

impl Observer for Keeper {
    fn event(&self, _: &open_cli_observe::Event) {}
    fn span_finished(&self, _: &Arc<open_cli_observe::Span>) {}
    fn trace_finished(&self, trace: &Arc<LocalTrace>) {
        *self.0.lock().expect("lock") = Some(Arc::clone(trace));
    }
}

impl Call<'_> {
    /// Its seven spans.
    pub fn trace(&self) -> Arc<LocalTrace> {
        let keeper = Arc::new(Keeper::default());
        let sampler = if self.sampled { Sampler::ALL } else { Sampler::ratio(0.0) };
        let trace = Trace::of_request(keeper.clone(), RequestId::generate(), None, sampler);
        let mut root = trace.span("runtime.tools.execute");
        root.describe(SpanKind::Server, "POST /v1/tools/execute");
        root.set("http.request.method", self.method.to_owned());
        root.set("http.route", "/v1/tools/execute");
        root.set("url.path", self.path.to_owned());
        root.set("url.scheme", "http");
        root.set("client.address", "127.0.0.1".to_owned());
        root.set("user_agent.original", "open-cli/0.1".to_owned());
        root.set("network.protocol.version", "1.1");
        root.set("http.request.body.size", 120_u64);
        root.trace().span("catalog.current").end();
        let mut decide = root.trace().span("policy.decide");
        decide.set("policy.decision", "allowed");
        decide.end();
        root.trace().span("credentials.resolve").end();
        let mut http = root.trace().span("execution.http");
        let mut attempt = http.trace().span("execution.attempt");
        attempt.describe(SpanKind::Client, "GET /orders");
        attempt.set("http.request.method", self.method.to_owned());
        attempt.set("server.address", self.upstream.to_owned());
        attempt.set("server.port", 8080_u16);
        attempt.set("url.full", format!("http://{}/{}", self.upstream, self.path));
        attempt.set("url.template", "/orders".to_owned());
        attempt.set("http.response.status_code", self.status);
        if self.status >= 400 {
            attempt.set("error.type", self.status.to_string());
        }
        attempt.end();
        http.set("http.response.status_code", self.status);
        http.end();
        root.trace().span("audit.append").end();
        root.set("tool.id", self.tool.to_owned());
        root.set("service.id", "orders");
        root.set(
            "policy.decision",
            if self.error.is_empty() { "allowed".to_owned() } else { self.error.to_owned() },
        );
        root.set("http.response.status_code", 200_u16);
        root.set("http.response.body.size", 900_u64);
        if !self.error.is_empty() {
            root.set("error.type", self.error.to_owned());
        }
        root.end();
        drop(trace);
        keeper.0.lock().expect("lock").take().expect("a trace")
    }
}

/// Tells it these calls.
pub fn tell(metrics: &Metrics, calls: &[Call<'_>]) {
    calls.iter().for_each(|call| metrics.trace_finished(&call.trace()));
}
