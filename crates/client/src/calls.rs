//! The calls of the HTTP contract (client §6; runtime-and-admin §4), but for the audit log.

use crate::ClientError;
use crate::runtime::{Runtime, Sent, path};
use open_cli_contract::catalog::EffectiveCatalog;
use open_cli_contract::changes::ChangesResponse;
use open_cli_contract::definition::Definitions;
use open_cli_contract::execute::{ExecuteRequest, ExecuteResponse};
use open_cli_contract::workflow::WorkflowRequest;
use serde_json::{Value, json};
use ureq::http::Method;
use url::form_urlencoded::Serializer;

/// Major version of the catalog JSON that this client reads (W12).
const CATALOG_MAJOR: &str = "1";

/// Which part of the catalog is wanted. Runtimes that know only the contract send everything, so what comes back is
/// to be filtered again.
#[derive(Debug, Default)]
pub struct CatalogQuery<'a> {
    /// Only `view.tools`, and the services they need.
    pub slice: bool,
    /// With `details`.
    pub detailed: bool,
    /// Command words typed so far.
    pub words: &'a [&'a str],
    /// Service id or alias.
    pub service: &'a str,
    /// Exact tool id.
    pub tool: &'a str,
    /// With what a single tool answers.
    pub responses: bool,
    /// Id of a workflow, or `*` for all.
    pub workflow: &'a str,
}

/// Which requests are wanted. What is empty is not asked for.
#[derive(Debug, Default, Clone)]
pub struct TraceQuery<'a> {
    /// RFC 3339 time, inclusive.
    pub since: &'a str,
    /// RFC 3339 time, exclusive.
    pub until: &'a str,
    /// Only what took at least so many milliseconds.
    pub slow_ms: &'a str,
    /// Only what failed or was refused.
    pub errors: bool,
    /// Tool id.
    pub tool: &'a str,
    /// Service id.
    pub service: &'a str,
    /// Names of outermost stages, joined by commas.
    pub names: &'a str,
    /// Background work, too.
    pub background: bool,
    /// At most so many, the newest.
    pub limit: &'a str,
}

impl Runtime {
    /// `GET /v1/catalog/effective`.
    pub fn catalog(&self, query: &CatalogQuery<'_>) -> Result<EffectiveCatalog, ClientError> {
        let sent = self.read::<EffectiveCatalog>(&self.catalog_path(query), "/v1/catalog/effective")?;
        let version = &sent.value.catalog.catalog_version;
        if version.split('.').next() != Some(CATALOG_MAJOR) {
            return Err(self.bad_answer(
                format!("its catalog has version {version:?}, this client reads version {CATALOG_MAJOR}"),
                sent.request_id,
            ));
        }
        Ok(sent.value)
    }

    fn catalog_path(&self, query: &CatalogQuery<'_>) -> String {
        let words = query.words.join(" ");
        path(
            "/v1/catalog/effective",
            &[
                ("config", self.config()),
                ("mode", &self.identity().mode),
                ("agentProfile", &self.identity().agent_profile),
                ("detail", if query.detailed { "full" } else { "" }),
                ("shape", if query.slice { "slice" } else { "" }),
                ("words", &words),
                ("service", query.service),
                ("tool", query.tool),
                ("workflow", query.workflow),
                ("responses", if query.responses { "true" } else { "" }),
            ],
        )
    }

    /// `POST /v1/tools/execute`. Configuration, mode and profile are filled in. Never repeated: whether an
    /// interrupted call took effect is unknown.
    pub fn execute<'a>(&'a self, mut request: ExecuteRequest<'a>) -> Result<Sent<ExecuteResponse>, ClientError> {
        request.config_path = self.config().into();
        request.mode = self.identity().mode.as_str().into();
        request.agent_profile = self.identity().agent_profile.as_str().into();
        let body = serde_json::to_vec(&request).map_err(|error| self.bad_request(&error))?;
        self.call("/v1/tools/execute", &body)
    }

    /// `POST /v1/workflows/run`. Configuration, mode and profile are filled in. Never repeated.
    pub fn run_workflow<'a>(&'a self, mut request: WorkflowRequest<'a>) -> Result<Sent<Value>, ClientError> {
        request.config_path = self.config().into();
        request.mode = self.identity().mode.as_str().into();
        request.agent_profile = self.identity().agent_profile.as_str().into();
        let body = serde_json::to_vec(&request).map_err(|error| self.bad_request(&error))?;
        self.call("/v1/workflows/run", &body)
    }

    /// `GET /v1/runtime/info`.
    pub fn info(&self) -> Result<Sent<Value>, ClientError> {
        let sent = self.read::<Value>("/v1/runtime/info", "/v1/runtime/info")?;
        let is_info = ["contractVersion", "instanceId"].iter().any(|member| sent.value.get(member).is_some());
        if is_info {
            return Ok(sent);
        }
        Err(self.not_a_runtime("its answer does not describe a runtime", sent.request_id))
    }

    /// `POST /v1/runtime/stop`.
    pub fn stop(&self) -> Result<Sent<Value>, ClientError> {
        let path = path("/v1/runtime/stop", &[("config", self.config())]);
        self.write(Method::POST, &path, "/v1/runtime/stop", b"{}")
    }

    /// `POST /v1/runtime/session-close`; without an id the caller's own things end.
    pub fn close_session(&self, session_id: &str) -> Result<Sent<Value>, ClientError> {
        let body = json!({ "sessionId": session_id }).to_string();
        let path = path("/v1/runtime/session-close", &[("config", self.config())]);
        self.write(Method::POST, &path, "/v1/runtime/session-close", body.as_bytes())
    }

    /// `POST /v1/refresh`.
    pub fn refresh(&self) -> Result<Sent<Value>, ClientError> {
        let body = json!({ "configPath": self.config() }).to_string();
        self.call("/v1/refresh", body.as_bytes())
    }

    /// `GET /v1/catalog/changes`; empty texts ask for the newest revision and the one before it.
    pub fn changes(&self, since: &str, until: &str, limit: &str) -> Result<Sent<ChangesResponse>, ClientError> {
        let query = [("config", self.config()), ("since", since), ("until", until), ("limit", limit)];
        self.read(&path("/v1/catalog/changes", &query), "/v1/catalog/changes")
    }

    /// `GET /v1/catalog/definitions`.
    pub fn definitions(&self) -> Result<Sent<Definitions>, ClientError> {
        self.read(&path("/v1/catalog/definitions", &[("config", self.config())]), "/v1/catalog/definitions")
    }

    /// `GET /v1/runtime/log`: what is logged.
    pub fn log_filter(&self) -> Result<Sent<Value>, ClientError> {
        self.read("/v1/runtime/log", "/v1/runtime/log")
    }

    /// `POST /v1/runtime/log`: changes what is logged.
    pub fn set_log_filter(&self, filter: &str) -> Result<Sent<Value>, ClientError> {
        let body = json!({ "filter": filter }).to_string();
        self.write(Method::POST, "/v1/runtime/log", "/v1/runtime/log", body.as_bytes())
    }

    /// `GET /v1/traces`: a line for each request, newest first.
    pub fn traces(&self, query: &TraceQuery<'_>) -> Result<Vec<Value>, ClientError> {
        let yes = |flag: bool| if flag { "true" } else { "" };
        let path = path(
            "/v1/traces",
            &[
                ("config", self.config()),
                ("since", query.since),
                ("until", query.until),
                ("slowMs", query.slow_ms),
                ("errors", yes(query.errors)),
                ("tool", query.tool),
                ("service", query.service),
                ("name", query.names),
                ("background", yes(query.background)),
                ("limit", query.limit),
            ],
        );
        Ok(self.read::<Vec<Value>>(&path, "/v1/traces")?.value)
    }

    /// `GET /v1/traces/<request id or trace id>`.
    pub fn trace(&self, id: &str) -> Result<Value, ClientError> {
        let segment: String = Serializer::new(String::new()).append_key_only(id).finish().replace('+', "%20");
        let path = path(&format!("/v1/traces/{segment}"), &[("config", self.config())]);
        Ok(self.read::<Value>(&path, "/v1/traces/{id}")?.value)
    }
}
