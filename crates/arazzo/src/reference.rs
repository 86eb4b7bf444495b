//! What steps and actions refer to outside themselves: operations, workflows, steps. Not for finding them; that is for
//! who knows the tools.

use crate::components::Context;
use crate::diagnostic::{Report, code, quoted};
use crate::expression::tokens;
use percent_encoding::percent_decode_str;

const SOURCES: &str = "$sourceDescriptions.";

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationRef {
    /// By its `operationId`.
    Id {
        /// Name of the source description; any of them without.
        source: Option<String>,
        /// The id.
        id: String,
    },
    /// By its place in a description.
    Pointer {
        /// Name of the source description; any of them without.
        source: Option<String>,
        /// JSON Pointer, tokens unescaped.
        tokens: Vec<String>,
    },
    /// `PUT /bins/{binId}`, as the contract has it (WF-4).
    Request {
        /// Method, upper case.
        method: String,
        /// Path template.
        path: String,
    },
    /// Something that names no operation in any known way.
    Unknown(String),
}

/// A workflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkflowRef {
    /// Name of the source description; this document without.
    pub source: Option<String>,
    /// `workflowId`.
    pub id: String,
}

/// A step that must be done before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRef {
    /// Its workflow; the same one without.
    pub workflow: Option<WorkflowRef>,
    /// `stepId`.
    pub step: String,
}

/// A name of a source and what follows, from the text behind `$sourceDescriptions.`. Declared names go first: they
/// may have dots.
fn split<'t>(text: &'t str, context: &Context<'_>) -> Option<(&'t str, &'t str)> {
    let declared = context.sources.iter().filter_map(|name| {
        let rest = text.strip_prefix(name.as_str())?.strip_prefix('.')?;
        Some((&text[..name.len()], rest))
    });
    let longest = declared.max_by_key(|(name, _)| name.len());
    longest.or_else(|| text.split_once('.')).filter(|(name, rest)| !name.is_empty() && !rest.is_empty())
}

/// `{…}` around a whole text means nothing.
fn bare(text: &str) -> &str {
    text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).filter(|i| !i.contains('}')).unwrap_or(text)
}

fn check_declared(name: &str, pointer: &str, context: &Context<'_>, report: &mut Report) {
    if !context.sources.iter().any(|known| known == name) {
        let message = format!("the source {} is not among the \"sourceDescriptions\"", quoted(name));
        report.warning(code::REFERENCE, pointer, message, "declare it there, with its url");
    }
}

/// A reference into another source, or `None` with an error in the report.
fn qualified<'t>(
    text: &'t str,
    pointer: &str,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Option<(String, &'t str)>> {
    if let Some(rest) = text.strip_prefix(SOURCES) {
        if let Some((source, rest)) = split(rest, context) {
            check_declared(source, pointer, context, report);
            return Some(Some((source.to_owned(), rest)));
        }
    } else if !text.starts_with('$') {
        return Some(None);
    }
    let hint = "write $sourceDescriptions.<name>.<id>";
    report.error(code::EXPRESSION, pointer, format!("{} names nothing", quoted(text)), hint);
    None
}

impl OperationRef {
    /// Reads `operationId`.
    pub(crate) fn of_id(text: &str, pointer: &str, context: &Context<'_>, report: &mut Report) -> Option<Self> {
        let (source, id) = match qualified(bare(text), pointer, context, report)? {
            Some((source, id)) => (Some(source), id),
            None => (None, text),
        };
        Some(Self::Id { source, id: id.to_owned() })
    }

    /// Reads `operationPath`.
    pub(crate) fn of_path(text: &str, pointer: &str, context: &Context<'_>, report: &mut Report) -> Self {
        let unknown = Self::Unknown(text.to_owned());
        let Some((before, fragment)) = text.split_once('#') else {
            let Some((method, path)) = text.split_once(' ').filter(|(_, path)| path.starts_with('/')) else {
                return unknown;
            };
            let is_word = !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic());
            let (method, path) = (method.to_ascii_uppercase(), path.to_owned());
            return if is_word { Self::Request { method, path } } else { unknown };
        };
        let source = match bare(before) {
            "" => None,
            named => {
                let Some(rest) = named.strip_prefix(SOURCES) else { return unknown };
                let is_declared = |name: &str| context.sources.iter().any(|known| known == name);
                let name = if is_declared(rest) { rest } else { rest.strip_suffix(".url").unwrap_or(rest) };
                check_declared(name, pointer, context, report);
                Some(name.to_owned())
            }
        };
        let decoded = percent_decode_str(fragment).decode_utf8();
        match tokens(decoded.as_deref().unwrap_or(fragment)) {
            Ok(tokens) => Self::Pointer { source, tokens },
            Err(_) => unknown,
        }
    }
}

impl WorkflowRef {
    /// Reads `workflowId` of a step or action, or an item of a workflow's `dependsOn`.
    pub(crate) fn read(text: &str, pointer: &str, context: &Context<'_>, report: &mut Report) -> Option<Self> {
        Some(match qualified(bare(text), pointer, context, report)? {
            // Some documents have the word, and no workflow is likely to begin with it.
            Some((source, id)) => {
                Self { source: Some(source), id: id.strip_prefix("workflows.").unwrap_or(id).to_owned() }
            }
            None => Self { source: None, id: text.to_owned() },
        })
    }
}

impl StepRef {
    /// Reads an item of a step's `dependsOn`.
    pub(crate) fn read(text: &str, pointer: &str, context: &Context<'_>, report: &mut Report) -> Option<Self> {
        if !text.starts_with('$') {
            return Some(Self { workflow: None, step: text.to_owned() });
        }
        let found = match (text.strip_prefix("$workflows."), text.strip_prefix(SOURCES)) {
            (Some(rest), _) => rest.split_once(".steps.").map(|(id, step)| (None, id, step)),
            (_, Some(rest)) => split(rest, context).and_then(|(source, rest)| {
                let (id, step) = rest.split_once(".steps.")?;
                Some((Some(source.to_owned()), id, step))
            }),
            _ => None,
        };
        let found = found.filter(|(_, id, step)| !id.is_empty() && !step.is_empty());
        let Some((source, id, step)) = found else {
            let hint = "write a stepId, $workflows.<workflowId>.steps.<stepId> or \
                        $sourceDescriptions.<name>.<workflowId>.steps.<stepId>";
            report.error(code::EXPRESSION, pointer, format!("{} names no step", quoted(text)), hint);
            return None;
        };
        Some(Self { workflow: Some(WorkflowRef { source, id: id.to_owned() }), step: step.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;
    use serde_json::Map;

    fn context(map: &Map<String, serde_json::Value>) -> Context<'_> {
        let mut context = Context::new(Version::V1_1, map, &mut Report::default());
        context.sources = vec!["api".into(), "api.v2".into()];
        context
    }

    #[test]
    fn operations_are_named_by_id_place_or_request() {
        let map = Map::new();
        let context = context(&map);
        let of_id = |text: &str| OperationRef::of_id(text, "", &context, &mut Report::default());
        let id = |source: Option<&str>, id: &str| {
            Some(OperationRef::Id { source: source.map(str::to_owned), id: id.to_owned() })
        };
        assert_eq!(of_id("listBins"), id(None, "listBins"));
        assert_eq!(of_id("$sourceDescriptions.api.list.bins"), id(Some("api"), "list.bins"));
        assert_eq!(of_id("{$sourceDescriptions.api.v2.list}"), id(Some("api.v2"), "list"));
        assert_eq!(of_id("$sourceDescriptions.other.list"), id(Some("other"), "list"));
        assert_eq!(of_id("$sourceDescriptions.api"), None);
        assert_eq!(of_id("$steps.a"), None);

        let of_path = |text: &str| OperationRef::of_path(text, "", &context, &mut Report::default());
        let pointer = |source: Option<&str>, tokens: &[&str]| OperationRef::Pointer {
            source: source.map(str::to_owned),
            tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
        };
        let bins = ["paths", "/bins/{id}", "get"];
        for (text, source) in [
            ("{$sourceDescriptions.api.url}#/paths/~1bins~1{id}/get", Some("api")),
            ("$sourceDescriptions.api#/paths/~1bins~1%7Bid%7D/get", Some("api")),
            ("$sourceDescriptions.api.v2.url#/paths/~1bins~1{id}/get", Some("api.v2")),
            ("$sourceDescriptions.api.v2#/paths/~1bins~1{id}/get", Some("api.v2")),
            ("#/paths/~1bins~1{id}/get", None),
        ] {
            assert_eq!(of_path(text), pointer(source, &bins), "{text}");
        }
        let request = OperationRef::Request { method: "PUT".into(), path: "/bins/{binId}".into() };
        assert_eq!(of_path("PUT /bins/{binId}"), request);
        assert_eq!(of_path("put /bins/{binId}"), request, "W24");
        for text in ["listBins", "https://h.example/a.yaml#/paths", "#x", "PUT bins", "P-T /bins"] {
            assert_eq!(of_path(text), OperationRef::Unknown(text.into()), "{text}");
        }
    }

    #[test]
    fn workflows_and_steps_are_named_here_or_in_a_source() {
        let map = Map::new();
        let context = context(&map);
        let workflow = |text: &str| WorkflowRef::read(text, "", &context, &mut Report::default());
        let named =
            |source: Option<&str>, id: &str| WorkflowRef { source: source.map(str::to_owned), id: id.into() };
        assert_eq!(workflow("place-order"), Some(named(None, "place-order")));
        assert_eq!(workflow("$sourceDescriptions.api.buy"), Some(named(Some("api"), "buy")));
        assert_eq!(workflow("$sourceDescriptions.api.workflows.buy"), Some(named(Some("api"), "buy")));
        assert_eq!(workflow("$workflows.buy"), None);
        let step = |text: &str| StepRef::read(text, "", &context, &mut Report::default());
        let of = |workflow, step: &str| Some(StepRef { workflow, step: step.to_owned() });
        assert_eq!(step("a"), of(None, "a"));
        assert_eq!(step("$workflows.w.steps.a"), of(Some(named(None, "w")), "a"));
        assert_eq!(step("$sourceDescriptions.api.w.steps.a"), of(Some(named(Some("api"), "w")), "a"));
        assert_eq!(step("$steps.a"), None);
    }
}
