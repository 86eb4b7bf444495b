//! Operations to tools (catalog-and-execution §9).

use crate::compact::compact;
use crate::diagnostics::error;
use crate::mcp::Backends;
use crate::naming::{self, FlagNames, Names};
use crate::servers::{Serving, Settled};
use open_cli_contract::catalog::{
    AuthAlternative, AuthRequirement, BodySchema, ContentType, Diagnostic, OPENAPI_30, Output, Pagination,
    Parameter, ParameterDetails, RequestBody, Retry, Safety, Tool, ToolDetails,
};
use open_cli_contract::slug::reference_slug;
use open_cli_openapi::api::{self, Api, Operation};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Header parameters that OpenAPI says are described elsewhere.
const IGNORED_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// Where the tools of a service come from.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    /// The description.
    pub(crate) document: String,
    /// What was applied to it, in order.
    pub(crate) overlays: Vec<String>,
    /// What executes the operations, when that is not HTTP.
    pub(crate) backends: Option<Backends>,
}

/// Tools of one service, ascending id, and what was remarkable.
pub(crate) fn tools(
    service_id: &str,
    alias: &str,
    api: &Api,
    provenance: &Provenance,
    serving: &Serving,
) -> (Vec<Tool>, Vec<Diagnostic>) {
    // Whatever stands for no tool of an MCP server can't be called there, and must not be called anywhere else.
    let is_foreign =
        |operation: &&Operation| provenance.backends.as_ref().is_some_and(|b| b.of(operation).is_none());
    let (foreign, operations): (Vec<&Operation>, Vec<&Operation>) = api.operations.iter().partition(is_foreign);
    let mut names: Vec<Names> = operations
        .iter()
        .map(|operation| {
            let group = string(operation, "x-cli-group");
            let name = string(operation, "x-cli-name");
            naming::names(service_id, operation, &group, &name)
        })
        .collect();
    let mut diagnostics = naming::resolve_collisions(alias, &mut names);
    diagnostics
        .extend(foreign.iter().flat_map(|operation| provenance.backends.iter().map(|b| b.unknown(operation))));
    let mut tools: Vec<Tool> = operations
        .into_iter()
        .zip(names)
        .map(|(operation, names)| {
            let settled = serving.settle(&operation.server_choices).unwrap_or_else(|message| {
                diagnostics.push(error(
                    "",
                    "server_invalid",
                    message,
                    "Correct `server` and `serverVariables` of the service.",
                ));
                Settled::default()
            });
            tool(service_id, api, operation, names, provenance, settled)
        })
        .collect();
    tools.sort_by(|a, b| a.id.cmp(&b.id));
    (tools, diagnostics)
}

fn tool(
    service_id: &str,
    api: &Api,
    operation: &Operation,
    names: Names,
    provenance: &Provenance,
    settled: Settled,
) -> Tool {
    let inputs = inputs(operation);
    let auth_alternatives: Vec<AuthAlternative> =
        operation.security.iter().map(|alternative| auth_alternative(api, alternative)).collect();
    let cli_description = string(operation, "x-cli-description");
    Tool {
        id: names.tool_id,
        service_id: service_id.to_owned(),
        operation_id: naming::identity(operation),
        method: operation.method.clone(),
        path: operation.path.clone(),
        group: names.group,
        command: names.command,
        aliases: extension(operation, "x-cli-aliases").unwrap_or_default(),
        summary: operation.summary.clone(),
        description: if cli_description.is_empty() { operation.description.clone() } else { cli_description },
        hidden: extension(operation, "x-cli-hidden").unwrap_or_default(),
        path_params: inputs.path_params,
        flags: inputs.flags,
        request_body: operation.request_body.as_ref().map(request_body),
        auth: flattened(&auth_alternatives),
        auth_alternatives,
        safety: safety(operation),
        output: object_extension::<Output>(operation, "x-cli-output"),
        pagination: object_extension::<Pagination>(operation, "x-cli-pagination"),
        retry: object_extension::<Retry>(operation, "x-cli-retry"),
        guidance: None,
        quarantine: String::new(),
        servers: settled.servers,
        backend: provenance.backends.as_ref().and_then(|backends| backends.of(operation)),
        details: Some(ToolDetails {
            parameters: inputs.details,
            body_description: operation.request_body.as_ref().map(|b| b.description.clone()).unwrap_or_default(),
            deprecated: operation.deprecated,
            tags: operation.tags.clone(),
            hidden_aliases: Vec::from_iter(Some(names.reference_command).filter(|name| !name.is_empty())),
            hidden_group: names.reference_group,
            document: provenance.document.clone(),
            pointer: operation.pointer.clone(),
            overlays: provenance.overlays.clone(),
            responses: Vec::new(),
            body_schemas: operation.request_body.as_ref().map(body_schemas).unwrap_or_default(),
            body_encodings: operation.request_body.as_ref().map(|body| body.encodings.clone()).unwrap_or_default(),
            schema_dialect: if matches!(api.version.as_str(), "2.0" | "3.0") {
                OPENAPI_30.into()
            } else {
                String::new()
            },
            server_choices: settled.choices,
        }),
    }
}

struct Inputs {
    path_params: Vec<Parameter>,
    flags: Vec<Parameter>,
    details: Vec<ParameterDetails>,
}

fn inputs(operation: &Operation) -> Inputs {
    let mut flag_names = FlagNames::new();
    let mut inputs = Inputs { path_params: Vec::new(), flags: Vec::new(), details: Vec::new() };
    let is_path = |p: &&api::Parameter| p.location == "path";
    let is_flag = |p: &&api::Parameter| {
        let is_ignored = p.location == "header" && IGNORED_HEADERS.iter().any(|h| p.name.eq_ignore_ascii_case(h));
        p.location != "path" && !is_ignored
    };
    let in_order = operation.parameters.iter().filter(is_path).chain(operation.parameters.iter().filter(is_flag));
    for parameter in in_order {
        let wanted = if parameter.cli_name.is_empty() { &parameter.name } else { &parameter.cli_name };
        let name = flag_names.claim(wanted, &parameter.name, &parameter.location);
        let reference_name = reference_slug(wanted);
        inputs.details.push(ParameterDetails {
            name: name.clone(),
            description: parameter.description.clone(),
            schema: parameter.schema.as_deref().map(compact),
            deprecated: parameter.deprecated,
            hidden_name: if reference_name == name { String::new() } else { reference_name },
            style: parameter.style.clone(),
            explode: parameter.explode,
            allow_reserved: parameter.allow_reserved,
            content_type: parameter.content_type.clone(),
        });
        let target = if parameter.location == "path" { &mut inputs.path_params } else { &mut inputs.flags };
        target.push(Parameter {
            name,
            original_name: parameter.name.clone(),
            location: parameter.location.clone(),
            required: parameter.required,
        });
    }
    inputs
}

fn request_body(body: &api::RequestBody) -> RequestBody {
    let mut content_types: Vec<ContentType> = body
        .content
        .iter()
        .map(|(media_type, schema)| ContentType {
            media_type: media_type.clone(),
            schema: schema.as_deref().map(compact),
        })
        .collect();
    content_types.sort_by(|a, b| a.media_type.cmp(&b.media_type));
    RequestBody { required: body.required, content_types }
}

fn body_schemas(body: &api::RequestBody) -> Vec<BodySchema> {
    let resolved = body.resolved.iter();
    resolved.map(|(media, schema)| BodySchema { media_type: media.clone(), schema: Arc::clone(schema) }).collect()
}

fn auth_alternative(api: &Api, alternative: &api::SecurityAlternative) -> AuthAlternative {
    let requirements = alternative
        .iter()
        .map(|(name, scopes)| match api.security_schemes.get(name) {
            Some(scheme) => AuthRequirement {
                name: name.clone(),
                kind: scheme.kind.clone(),
                scheme: scheme.scheme.clone(),
                location: scheme.location.clone(),
                param_name: scheme.param_name.clone(),
                scopes: scopes.clone(),
                oauth_flows: scheme.flows.clone(),
                open_id_connect_url: scheme.open_id_connect_url.clone(),
            },
            // Kept, so that a call fails closed instead of going out without credentials (W12).
            None => AuthRequirement {
                name: name.clone(),
                kind: "undefined".into(),
                scheme: String::new(),
                location: String::new(),
                param_name: String::new(),
                scopes: scopes.clone(),
                oauth_flows: Vec::new(),
                open_id_connect_url: String::new(),
            },
        })
        .collect();
    AuthAlternative { requirements }
}

/// AU-6: first occurrence wins.
fn flattened(alternatives: &[AuthAlternative]) -> Vec<AuthRequirement> {
    let mut seen = HashSet::new();
    let key = |r: &AuthRequirement| {
        (r.kind.clone(), r.name.clone(), r.location.clone(), r.param_name.clone(), r.scheme.clone())
    };
    alternatives.iter().flat_map(|a| &a.requirements).filter(|r| seen.insert(key(r))).cloned().collect()
}

/// §9.9, overlaid member by member by `x-cli-safety`.
fn safety(operation: &Operation) -> Safety {
    let (read_only, destructive, idempotent) = match operation.method.as_str() {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" => (true, false, true),
        "PUT" => (false, false, true),
        "DELETE" => (false, true, true),
        _ => (false, false, false),
    };
    let mut safety = Safety { destructive, read_only, requires_approval: false, idempotent };
    let members: BTreeMap<String, Box<RawValue>> = extension(operation, "x-cli-safety").unwrap_or_default();
    for (name, value) in members {
        let Ok(value) = serde_json::from_str::<bool>(value.get()) else { continue };
        // §9.8: these keys match whatever their case.
        match name.to_ascii_lowercase().as_str() {
            "destructive" => safety.destructive = value,
            "readonly" => safety.read_only = value,
            "requiresapproval" => safety.requires_approval = value,
            "idempotent" => safety.idempotent = value,
            _ => {}
        }
    }
    safety
}

/// A value of the wrong shape counts as absent (§9.8).
fn extension<T: DeserializeOwned>(operation: &Operation, name: &str) -> Option<T> {
    serde_json::from_str(operation.extensions.get(name)?.get()).ok()
}

fn string(operation: &Operation, name: &str) -> String {
    extension(operation, name).unwrap_or_default()
}

/// Object-shaped extensions: `null` and `{}` give an empty object, not absence (§9.8).
fn object_extension<T: DeserializeOwned + Default>(operation: &Operation, name: &str) -> Option<T> {
    extension::<Option<T>>(operation, name).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_contract::catalog::ServerChoice;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.into()).expect("valid")
    }

    fn with(method: &str, name: &str, json: &str) -> Operation {
        let mut operation = Operation { method: method.into(), path: "/x".into(), ..Operation::default() };
        operation.extensions.insert(name.into(), raw(json));
        operation
    }

    /// §9.9, §9.8.
    #[test]
    fn safety_follows_the_method_and_is_overlaid_member_by_member() {
        let plain = |method| safety(&with(method, "x-other", "1"));
        assert!(plain("GET").read_only && plain("GET").idempotent);
        assert!(plain("DELETE").destructive && plain("DELETE").idempotent && !plain("DELETE").read_only);
        assert!(!plain("POST").idempotent);
        let mixed = safety(&with("POST", "x-cli-safety", r#"{"RequiresApproval":true,"destructive":"yes"}"#));
        assert!(mixed.requires_approval && !mixed.destructive);
    }

    #[test]
    fn object_extensions_are_present_when_empty_and_absent_when_of_the_wrong_shape() {
        assert_eq!(
            object_extension(&with("GET", "x-cli-output", "null"), "x-cli-output"),
            Some(Output::default())
        );
        assert_eq!(object_extension(&with("GET", "x-cli-output", "{}"), "x-cli-output"), Some(Output::default()));
        assert_eq!(object_extension::<Output>(&with("GET", "x-cli-output", "3"), "x-cli-output"), None);
        assert!(!extension::<bool>(&with("GET", "x-cli-hidden", "\"true\""), "x-cli-hidden").unwrap_or_default());
    }

    /// The worked example of catalog-and-execution §11.
    #[test]
    fn the_worked_example_of_the_contract() {
        let parameter = |name: &str, location: &str, required, cli_name: &str| api::Parameter {
            name: name.into(),
            location: location.into(),
            required,
            cli_name: cli_name.into(),
            ..Default::default()
        };
        let api = Api {
            operations: vec![Operation {
                method: "GET".into(),
                path: "/bins/{binId}/items".into(),
                operation_id: "listBinItems".into(),
                tags: vec!["Bins".into()],
                parameters: vec![
                    parameter("binId", "path", true, ""),
                    parameter("pageSize", "query", false, ""),
                    parameter("X-Trace", "header", true, "trace"),
                    parameter("Authorization", "header", false, ""),
                ],
                server_choices: [ServerChoice { url: "https://depot.example/api".into(), ..Default::default() }]
                    .into(),
                ..Operation::default()
            }],
            ..Api::default()
        };
        let (mut tools, diagnostics) = tools("depot", "depot", &api, &Provenance::default(), &Serving::default());
        assert!(diagnostics.is_empty());
        tools[0].details = None;
        let expected = r#"{"id":"depot:listBinItems","serviceId":"depot","operationId":"listBinItems","method":"GET","path":"/bins/{binId}/items","group":"bins","command":"list-bin-items","pathParams":[{"name":"bin-id","originalName":"binId","location":"path","required":true}],"flags":[{"name":"page-size","originalName":"pageSize","location":"query","required":false},{"name":"trace","originalName":"X-Trace","location":"header","required":true}],"safety":{"destructive":false,"readOnly":true,"requiresApproval":false,"idempotent":true},"servers":["https://depot.example/api"]}"#;
        assert_eq!(serde_json::to_string(&tools[0]).expect("json"), expected);
    }

    /// AU-2, AU-6, W12.
    #[test]
    fn alternatives_keep_anonymous_and_undefined() {
        let scheme = |kind: &str| api::SecurityScheme { kind: kind.into(), ..Default::default() };
        let mut api = Api::default();
        api.security_schemes.insert("key".into(), scheme("apiKey"));
        let alternatives: Vec<_> = [
            vec![("key".to_owned(), vec![]), ("ghost".to_owned(), vec![])],
            vec![("key".to_owned(), vec!["a".to_owned()])],
            vec![],
        ]
        .iter()
        .map(|a| auth_alternative(&api, a))
        .collect();
        assert_eq!(alternatives[0].requirements[1].kind, "undefined");
        assert!(alternatives[2].requirements.is_empty());
        assert_eq!(flattened(&alternatives).iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["key", "ghost"]);
    }
}
