//! What one tool answers, read again from its description when somebody asks: the answers of a large description are
//! most of its text, and a catalog that nobody asks keeps none of it. Nothing is fetched for it: what is stored counts.

use crate::build::Builder;
use crate::discover;
use crate::entry::ToolEntry;
use crate::keeper::Keeper;
use crate::load;
use crate::plan::{Plan, Work};
use crate::snapshot::Snapshot;
use open_cli_config::Refresh;
use open_cli_contract::catalog::{ContentType, ResponseDetails};
use open_cli_observe::Trace;
use open_cli_openapi::api;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Descriptions that are read for this at the same time: each may be as large as a description may be.
pub(crate) const MAX_READERS: usize = 2;

impl Keeper {
    /// What a tool answers, by status; the error says why that is not known. Schemas are self-contained.
    ///
    /// # Errors
    /// When the description can't be read again, or is not the one that the snapshot was built from.
    pub async fn responses(
        &self,
        snapshot: &Snapshot,
        entry: ToolEntry<'_>,
        trace: &Trace,
    ) -> Result<Vec<ResponseDetails>, String> {
        let Ok(_place) = self.readers.acquire().await else { return Err("the runtime is shutting down".into()) };
        let span = trace.span("catalog.responses");
        let read = self.builder.responses(snapshot, entry, span.trace()).await;
        span.end_with(read)
    }
}

impl Builder {
    async fn responses(
        &self,
        snapshot: &Snapshot,
        entry: ToolEntry<'_>,
        trace: &Trace,
    ) -> Result<Vec<ResponseDetails>, String> {
        let built = entry.built();
        let tool = entry.whole().map_err(|error| error.to_string())?;
        let pointer = tool.details.map(|details| details.pointer).unwrap_or_default();
        let Some(mut plan) = self.plan_of(snapshot, &built.inputs.key) else {
            return Err("the configuration does not lead to the description any more".into());
        };
        plan.refresh = Refresh { manual_only: true, ..plan.refresh };
        let (set, digest) = load::again(&self.documents, &plan, &built.guides, trace).await?;
        if digest != built.digest {
            return Err("the description has changed since the catalog was built".into());
        }
        let read = move || open_cli_openapi::responses(&set.set, &pointer).map_err(|error| error.to_string());
        let read = tokio::task::spawn_blocking(read).await;
        let (responses, _) = read.map_err(|error| format!("reading the description failed: {error}"))??;
        Ok(responses.into_iter().map(details).collect())
    }

    /// How the service with this key was built.
    fn plan_of(&self, snapshot: &Snapshot, key: &[u8; 32]) -> Option<Plan> {
        let is_it = |plan: &Plan| plan.key() == *key;
        self.plans(&snapshot.config().config).0.into_iter().find_map(|work| match work {
            Work::Service(plan) => Some(*plan).filter(is_it),
            Work::Discover(source) => {
                snapshot.found.iter().find_map(|found| discover::plans_of(&source, found).into_iter().find(is_it))
            }
        })
    }
}

fn details(response: api::Response) -> ResponseDetails {
    let api::Response { status, description, content, resolved } = response;
    let whole =
        |media_type: &str| resolved.iter().find(|(known, _)| known == media_type).map(|(_, schema)| schema);
    let content_type = |(media_type, schema): (String, Option<Box<RawValue>>)| ContentType {
        schema: match whole(&media_type) {
            Some(whole) => RawValue::from_string(Arc::clone(whole).get().to_owned()).ok(),
            None => schema,
        },
        media_type,
    };
    ResponseDetails { status, description, content_types: content.into_iter().map(content_type).collect() }
}
