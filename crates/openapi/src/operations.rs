//! One operation: its members, its parameters and body, its servers and security. Rules TL-2, TL-4, §9.7, §9.8.
//! What would make a call wrong leaves the operation out; everything else is carried as far as it was understood.

use crate::api::Operation;
use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_NAME_LENGTH, MAX_OPERATIONS, MAX_TAGS};
use crate::parameters::Settled;
use crate::paths::PathItem;
use crate::reader::Reader;
use crate::reference::Siblings;
use crate::report::{code, quoted};
use indexmap::IndexMap;
use open_cli_contract::catalog::ServerChoice;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;

/// Why an operation is left out.
#[derive(Clone)]
pub(crate) struct Fault {
    /// Where; the operation itself when empty.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

impl Fault {
    pub(crate) fn at(pointer: impl Into<String>, message: impl Into<String>, hint: &'static str) -> Self {
        Self { pointer: pointer.into(), message: message.into(), hint }
    }
}

impl<'a> Reader<'a> {
    /// Reads an operation into the list, or says why not.
    pub(crate) fn read_operation(
        &mut self,
        item: &PathItem<'a, '_>,
        method: &str,
        pointer: String,
        place: Place<'a>,
        operations: &mut Vec<Operation>,
    ) {
        // Operations can't be references by the specification; real documents do it all the same.
        let object = match self.tree.follow(place, Siblings::All) {
            Ok(object) => object,
            Err(reason) => {
                let reference = Object::of(place).and_then(|object| object.reference());
                let message = match reference {
                    Some(reference) => format!("the operation's reference {} {reason}", quoted(&reference)),
                    None => format!("the operation is {}, not an object", place.kind().with_article()),
                };
                self.leave_out(Fault::at(pointer, message, "correct it, or remove it"));
                return;
            }
        };
        // TL-4, before anything that could be at fault.
        if object.is_true("x-cli-ignore") {
            return;
        }
        if operations.len() >= MAX_OPERATIONS || self.carried == 0 {
            self.report.error(
                code::LIMIT,
                "/paths",
                format!("only the first {} operations are kept: the description is too large", operations.len()),
                "remove operations with an overlay, or split the description",
            );
            return;
        }
        match self.operation(item, method, &pointer, &object) {
            Ok(operation) => {
                self.carried = self.carried.saturating_sub(weight(&operation));
                operations.push(operation);
            }
            Err(fault) => self.leave_out(fault),
        }
    }

    fn leave_out(&mut self, fault: Fault) {
        let message = format!("left out: {}", fault.message);
        self.report.error(code::OPERATION, &fault.pointer, message, fault.hint);
    }

    fn operation(
        &mut self,
        item: &PathItem<'a, '_>,
        method: &str,
        pointer: &str,
        object: &Object<'a>,
    ) -> Result<Operation, Fault> {
        let Settled { parameters, body } = self.inputs(item, object, pointer)?;
        let request_body = match body {
            Some(body) => Some(body),
            None => self.request_body(object, pointer)?,
        };
        let security = match object.get("security") {
            Some(place) => self.requirements(place, pointer).map_err(|message| {
                Fault::at(pointer, message, "write a list of objects, each with scheme names and lists of scopes")
            })?,
            None => self.security.clone(),
        };
        let tags = tags(object);
        let servers = self.operation_servers(item, object, pointer);
        Ok(Operation {
            method: method.to_owned(),
            path: item.path.to_owned(),
            operation_id: self.operation_id(object, pointer),
            summary: one_line(object.string("summary")),
            description: object.string("description"),
            group_tags: self.group_tags(&tags),
            tags,
            deprecated: object.is_true("deprecated"),
            parameters,
            request_body,
            security,
            servers: servers.iter().map(|server| server.url.clone()).collect(),
            server_choices: servers,
            extensions: extensions(object),
            pointer: pointer.to_owned(),
        })
    }

    fn operation_id(&mut self, object: &Object<'_>, pointer: &str) -> String {
        let id = object.string("operationId");
        let id = id.trim();
        if id.len() > MAX_NAME_LENGTH {
            let message = "the operationId is too long; it is ignored".to_owned();
            self.report.warning(code::LIMIT, pointer, message, "");
            return String::new();
        }
        id.to_owned()
    }

    /// SV-7.
    fn operation_servers(
        &mut self,
        item: &PathItem<'a, '_>,
        object: &Object<'a>,
        pointer: &str,
    ) -> Arc<[ServerChoice]> {
        let own = self.own_servers(object, pointer);
        if !own.is_empty() {
            return own.into();
        }
        Arc::clone(if item.servers.is_empty() { &self.servers } else { &item.servers })
    }

    /// TL-2: the first keeps the id; the others are known by method and path. So is an operation whose id is what
    /// another one is known by.
    pub(crate) fn settle_operation_ids(&mut self, operations: &mut [Operation]) {
        let fallback = |operation: &Operation| format!("{}:{}", operation.method.to_lowercase(), operation.path);
        let by_fallback: HashMap<String, usize> =
            operations.iter().enumerate().map(|(i, operation)| (fallback(operation), i)).collect();
        let mut first: HashMap<String, usize> = HashMap::with_capacity(operations.len());
        for i in 0..operations.len() {
            let id = &operations[i].operation_id;
            if id.is_empty() {
                continue;
            }
            let keeper = first.get(id).or_else(|| by_fallback.get(id).filter(|&&other| other != i));
            let Some(&keeper) = keeper else {
                first.insert(id.clone(), i);
                continue;
            };
            let keeper = &operations[keeper];
            let message = format!("operationId {} belongs to {} {}", quoted(id), keeper.method, keeper.path);
            self.report.warning(
                code::OPERATION_ID,
                &operations[i].pointer,
                message,
                "this operation is known by its method and path; give it an id of its own",
            );
            operations[i].operation_id.clear();
        }
    }
}

fn one_line(summary: String) -> String {
    if !summary.contains(['\n', '\r']) {
        return summary;
    }
    summary.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn tags(object: &Object<'_>) -> Vec<String> {
    let Some(tags) = object.get("tags") else { return Vec::new() };
    // `tags: orders` is a common slip.
    let tags = if tags.kind() == Kind::Text { vec![tags] } else { tags.elements().unwrap_or_default() };
    let texts = tags.into_iter().filter_map(Place::text).filter(|tag| tag.len() <= MAX_NAME_LENGTH);
    texts.take(MAX_TAGS).map(|tag| tag.into_owned()).collect()
}

fn extensions(object: &Object<'_>) -> IndexMap<String, Box<RawValue>> {
    let extensions = object.iter().filter(|(key, _)| key.starts_with("x-"));
    extensions.map(|(key, place)| (key.to_string(), place.raw.to_owned())).collect()
}

/// Bytes that an operation carries.
fn weight(operation: &Operation) -> usize {
    let schema = |schema: &Option<Box<RawValue>>| schema.as_ref().map_or(0, |schema| schema.get().len());
    let parameters = operation.parameters.iter().map(|p| schema(&p.schema) + p.description.len() + p.name.len());
    let body = operation.request_body.iter().flat_map(|body| &body.content).map(|(_, s)| schema(s));
    let extensions = operation.extensions.values().map(|value| value.get().len());
    let servers = operation.servers.iter().map(String::len);
    operation.description.len()
        + operation.summary.len()
        + parameters.chain(body).chain(extensions).chain(servers).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use crate::limits::MAX_OPERATIONS;
    use crate::testing::{codes, names, only, openapi};

    #[test]
    fn an_operation_carries_what_it_says() {
        let operation = r#"{"operationId":" listA ","summary":"Lists\n all\n","description":"*md*",
            "tags":["t",7,null,"u"],"deprecated":true,"x-cli-name":"ls","x-n":null,"x-o":{"a": 1}}"#;
        let api = openapi("3.0.3", &format!(r#""info":{{"title":"T"}},"paths":{{"/a":{{"get":{operation}}}}}"#));
        let operation = only(&api);
        assert_eq!((api.title.as_str(), api.version.as_str()), ("T", "3.0"));
        assert_eq!(operation.operation_id, "listA");
        assert_eq!(operation.summary, "Lists all");
        assert_eq!(operation.description, "*md*");
        assert_eq!(operation.tags, ["t", "7", "u"]);
        assert!(operation.deprecated);
        let extensions: Vec<_> = operation.extensions.iter().map(|(k, v)| (k.as_str(), v.get())).collect();
        assert_eq!(extensions, [("x-cli-name", r#""ls""#), ("x-n", "null"), ("x-o", r#"{"a": 1}"#)]);
        assert!(operation.request_body.is_none());
    }

    /// TL-4
    #[test]
    fn ignored_operations_are_not_looked_at() {
        let paths = r#"{"/a":{"get":{"x-cli-ignore":true,"parameters":7},"post":{"x-cli-ignore":"true"}}}"#;
        let api = openapi("3.0.0", &format!(r#""paths":{paths}"#));
        assert_eq!(names(&api), ["POST /a"]);
        assert!(codes(&api).is_empty());
    }

    /// TL-2
    #[test]
    fn of_operations_with_one_id_the_first_keeps_it() {
        let paths = r#"{"/b":{"get":{"operationId":"x"}},"/a":{"post":{"operationId":"x"},"put":{"operationId":"x"}},
            "/c":{"get":{"operationId":"y"},"put":{}}}"#;
        let api = openapi("3.0.0", &format!(r#""paths":{paths}"#));
        let ids: Vec<_> = api.operations.iter().map(|o| o.operation_id.as_str()).collect();
        assert_eq!(ids, ["x", "", "", "y", ""]);
        assert_eq!(codes(&api), ["operation_id_duplicate", "operation_id_duplicate"]);
        assert_eq!(api.diagnostics[0].pointer, "/paths/~1a/put");
        assert_eq!(api.diagnostics[0].message, "operationId `x` belongs to POST /a");
    }

    #[test]
    fn an_id_that_another_operation_is_known_by_is_not_kept() {
        let paths = r#"{"/a":{"get":{"operationId":"put:/b"},"put":{"operationId":"put:/a"}},"/b":{"put":{}}}"#;
        let api = openapi("3.0.0", &format!(r#""paths":{paths}"#));
        let ids: Vec<_> = api.operations.iter().map(|o| o.operation_id.as_str()).collect();
        assert_eq!(ids, ["", "put:/a", ""]);
        assert_eq!(codes(&api), ["operation_id_duplicate"]);
        assert_eq!(api.diagnostics[0].message, "operationId `put:/b` belongs to PUT /b");
    }

    #[test]
    fn operations_beyond_the_bound_are_left_out() {
        let paths: Vec<String> = (0..=MAX_OPERATIONS).map(|i| format!(r#""/p{i}":{{"get":{{}}}}"#)).collect();
        let api = openapi("3.0.0", &format!(r#""paths":{{{}}}"#, paths.join(",")));
        assert_eq!(api.operations.len(), MAX_OPERATIONS);
        assert_eq!(codes(&api), ["limit_exceeded"]);
    }
}
