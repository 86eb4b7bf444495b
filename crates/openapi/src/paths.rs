//! Paths and path items: which operations there are, in which order (TL-1), and what they share. Path items may be
//! `$ref`s with siblings, chained and in other documents.

use crate::api::Operation;
use crate::json::{Object, Place};
use crate::limits::MAX_PATH_LENGTH;
use crate::operations::Fault;
use crate::parameters::{Declared, merged};
use crate::pointer::escape;
use crate::reader::Reader;
use crate::reference::{Siblings, Trail};
use crate::report::{code, quoted};
use crate::template::Template;
use crate::version::Version;
use open_cli_contract::catalog::ServerChoice;
use std::borrow::Cow;
use std::sync::Arc;

/// Member, method, first version that has it. The order is that of the catalog (TL-1).
const METHODS: &[(&str, &str, Version)] = &[
    ("get", "GET", Version::V20),
    ("post", "POST", Version::V20),
    ("put", "PUT", Version::V20),
    ("patch", "PATCH", Version::V20),
    ("delete", "DELETE", Version::V20),
    ("query", "QUERY", Version::V32),
    ("head", "HEAD", Version::V20),
    ("options", "OPTIONS", Version::V20),
    ("trace", "TRACE", Version::V30),
];

/// Longest method of `additionalOperations`.
const MAX_METHOD_LENGTH: usize = 32;

/// What the operations of a path share.
pub(crate) struct PathItem<'a, 'p> {
    pub(crate) path: &'p str,
    /// In the root document.
    pub(crate) pointer: String,
    pub(crate) template: Template<'p>,
    /// A fault leaves out all operations of the path.
    pub(crate) parameters: Result<Vec<Declared>, Fault>,
    pub(crate) servers: Arc<[ServerChoice]>,
    object: Object<'a>,
}

impl<'a> Reader<'a> {
    /// All operations of the description, in catalog order.
    pub(crate) fn read_paths(&mut self, root: &Object<'a>) -> Vec<Operation> {
        let Some(place) = root.get("paths") else {
            if self.version < Version::V31 {
                self.report.error(
                    code::PATHS,
                    "",
                    format!("the document has no `paths`, which {} requires", self.version.as_str()),
                    "there are no operations",
                );
            }
            return Vec::new();
        };
        let Some(paths) = Object::of(place) else {
            let message = format!("`paths` is {}, not an object", place.kind().with_article());
            self.report.error(code::PATHS, "/paths", message, "there are no operations");
            return Vec::new();
        };
        let mut paths: Vec<(Cow<'a, str>, Place<'a>)> =
            paths.into_iter().filter(|(path, _)| !path.starts_with("x-")).collect();
        // Stable, so that of a repeated path the last stays last.
        paths.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut operations = Vec::new();
        for (i, (path, place)) in paths.iter().enumerate() {
            if paths.get(i + 1).is_some_and(|(next, _)| next == path) {
                let message = format!("the path {} is written twice; the last one counts", quoted(path));
                self.report.warning(code::PATH, &path_pointer(path), message, "merge the two");
                continue;
            }
            self.read_path(path, *place, &mut operations);
        }
        self.settle_operation_ids(&mut operations);
        operations
    }

    fn read_path(&mut self, path: &str, place: Place<'a>, operations: &mut Vec<Operation>) {
        let pointer = path_pointer(path);
        if path.len() > MAX_PATH_LENGTH {
            let message = format!("left out: the path has more than {MAX_PATH_LENGTH} bytes");
            self.report.error(code::LIMIT, "/paths", message, "");
            return;
        }
        if !path.starts_with('/') {
            let message = format!("left out: the path {} does not start with `/`", quoted(path));
            self.report.error(code::PATH, &pointer, message, "start the path with `/`");
            return;
        }
        let trail = match self.tree.trail(place) {
            Ok(trail) => trail,
            Err(reason) => {
                let reference = Object::of(place).and_then(|object| object.reference()).unwrap_or_default();
                self.report.error(
                    code::REFERENCE,
                    &pointer,
                    format!("left out: the path item's reference {} {reason}", quoted(&reference)),
                    "correct the reference",
                );
                return;
            }
        };
        let parameters = self.path_item_parameters(&trail, &pointer);
        let kind = trail.target.kind();
        let Ok(object) = trail.merged(Siblings::All) else {
            let message = format!("left out: the path item is {}, not an object", kind.with_article());
            self.report.error(code::PATH, &pointer, message, "write an object with operations");
            return;
        };
        let template = Template::of(path);
        if !template.well_formed {
            let message = format!("the braces of the path {} do not match", quoted(path));
            self.report.warning(code::PATH, &pointer, message, "what is not `{name}` is sent as written");
        }
        let servers = self.own_servers(&object, &pointer).into();
        let item = PathItem { path, pointer, template, parameters, servers, object };
        for &(member, method, since) in METHODS {
            let Some(place) = item.object.get(member) else { continue };
            if self.version < since {
                self.ignored(&item, member, since);
                continue;
            }
            self.read_operation(&item, method, format!("{}/{member}", item.pointer), place, operations);
        }
        self.remark_on_upper_case(&item);
        self.read_additional(&item, operations);
    }

    /// W52: `GET:` is not `get:`.
    fn remark_on_upper_case(&mut self, item: &PathItem<'a, '_>) {
        for (member, _) in item.object.iter() {
            let known = METHODS.iter().find(|(method, ..)| method.eq_ignore_ascii_case(member));
            let Some((method, ..)) = known.filter(|(method, ..)| method != member) else { continue };
            self.report.warning(
                code::MEMBER_IGNORED,
                &format!("{}/{}", item.pointer, escape(member)),
                format!("{} is ignored: member names are case-sensitive", quoted(member)),
                &format!("write `{method}`"),
            );
        }
    }

    /// OpenAPI 3.2 `additionalOperations`. The method is the key as written: methods are case-sensitive.
    fn read_additional(&mut self, item: &PathItem<'a, '_>, operations: &mut Vec<Operation>) {
        let Some(place) = item.object.get("additionalOperations") else { return };
        if self.version < Version::V32 {
            self.ignored(item, "additionalOperations", Version::V32);
            return;
        }
        let mut additional: Vec<(Cow<'a, str>, Place<'a>)> =
            Object::of(place).unwrap_or_default().into_iter().collect();
        // Names must not depend on the order of members.
        additional.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut known: Vec<String> = Vec::new();
        for (method, place) in additional {
            let pointer = format!("{}/additionalOperations/{}", item.pointer, escape(&method));
            let standard = METHODS.iter().any(|(_, known, _)| known.eq_ignore_ascii_case(&method));
            let fault = if standard {
                "has a member of its own in the path item"
            } else if method.eq_ignore_ascii_case("CONNECT") {
                "can't be called"
            } else if !is_token(&method) || method.len() > MAX_METHOD_LENGTH {
                "is no HTTP method"
            } else if known.contains(&method.to_ascii_lowercase()) {
                "differs from another method in case only"
            } else {
                known.push(method.to_ascii_lowercase());
                self.read_operation(item, &method, pointer, place, operations);
                continue;
            };
            let message = format!("left out: {} {fault}", quoted(&method));
            self.report.error(code::OPERATION, &pointer, message, "write the operation where it belongs");
        }
    }

    fn ignored(&mut self, item: &PathItem<'a, '_>, member: &str, since: Version) {
        self.report.warning(
            code::MEMBER_IGNORED,
            &format!("{}/{member}", item.pointer),
            format!("`{member}` is ignored: it needs version {}", since.as_str()),
            "declare the version that has it",
        );
    }

    /// The `servers` of a path item or operation. Swagger 2.0 has `schemes` instead.
    pub(crate) fn own_servers(&mut self, object: &Object<'a>, owner: &str) -> Vec<ServerChoice> {
        if self.version == Version::V20 {
            return self.servers_with_schemes(object);
        }
        object.get("servers").map(|place| self.server_list(place, owner)).unwrap_or_default()
    }

    /// Parameters of the path item and of what it refers to; the outer ones replace those of the same name.
    fn path_item_parameters(&mut self, trail: &Trail<'a>, pointer: &str) -> Result<Vec<Declared>, Fault> {
        let mut parameters = Vec::new();
        for layer in trail.object.iter().chain(trail.layers.iter().rev()) {
            if let Some(list) = layer.get("parameters") {
                let own = self.parameter_list(list, &format!("{pointer}/parameters"))?;
                parameters = merged(&parameters, own);
            }
        }
        Ok(parameters)
    }
}

fn path_pointer(path: &str) -> String {
    format!("/paths/{}", escape(path))
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use crate::limits::MAX_PATH_LENGTH;
    use crate::testing::{codes, local, names, openapi, read_all};

    /// TL-1
    #[test]
    fn operations_come_by_path_and_method() {
        let item = r#"{"x-a":1,"summary":"s","trace":{},"options":{},"head":{},"query":{},"delete":{},"patch":{},
            "put":{},"post":{},"get":{},"additionalOperations":{"Link":{},"COPY":{},"link":{"operationId":"second"}}}"#;
        let api =
            openapi("3.2.0", &format!(r#""paths":{{"/b":{{"get":{{}}}},"x-y":{{"get":{{}}}},"/a":{item}}}"#));
        let expected =
            ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "HEAD", "OPTIONS", "TRACE", "COPY", "Link"];
        let expected: Vec<String> =
            expected.iter().map(|m| format!("{m} /a")).chain(["GET /b".to_owned()]).collect();
        assert_eq!(names(&api), expected);
        assert_eq!(api.operations[10].pointer, "/paths/~1a/additionalOperations/Link");
        assert_eq!(codes(&api), ["operation_invalid"]);
        assert_eq!(api.diagnostics[0].pointer, "/paths/~1a/additionalOperations/link");
    }

    #[test]
    fn members_of_later_versions_and_odd_methods_are_left_out() {
        let item = r#"{"get":{},"query":{},"additionalOperations":{"COPY":{}}}"#;
        let api = openapi("3.1.0", &format!(r#""paths":{{"/a":{item}}}"#));
        assert_eq!(names(&api), ["GET /a"]);
        assert_eq!(codes(&api), ["member_ignored", "member_ignored"]);
        let item = r#"{"Get":{},"additionalOperations":{"post":{},"CONNECT":{},"a b":{},"OK":{},"":{}}}"#;
        let api = openapi("3.2.0", &format!(r#""paths":{{"/a":{item}}}"#));
        assert_eq!(names(&api), ["OK /a"]);
        let expected = ["member_ignored", "operation_invalid", "operation_invalid", "operation_invalid"];
        assert_eq!(codes(&api)[..4], expected);
    }

    /// Deviation 6
    #[test]
    fn one_broken_path_does_not_touch_the_others() {
        let long = "/x".repeat(MAX_PATH_LENGTH);
        let paths = format!(
            r##"{{"/ok":{{"get":{{}}}},"no-slash":{{"get":{{}}}},"/list":[],"/null":null,"{long}":{{"get":{{}}}},
            "/gone":{{"$ref":"#/components/pathItems/Gone","post":{{}}}},"/twice":{{"put":{{}}}},"/twice":{{"get":{{}}}},
            "/op":{{"get":7,"post":{{}}}},"/brace/{{a":{{"get":{{}}}}}}"##
        );
        let api = openapi("3.0.0", &format!(r#""paths":{paths}"#));
        assert_eq!(names(&api), ["GET /brace/{a", "GET /ok", "POST /op", "GET /twice"]);
        let mut found = codes(&api);
        found.sort_unstable();
        let expected = [
            "limit_exceeded",
            "operation_invalid",
            "path_invalid", // braces
            "path_invalid", // list
            "path_invalid", // no slash
            "path_invalid", // null
            "path_invalid", // twice
            "reference_unresolved",
        ];
        assert_eq!(found, expected);
        let gone = api.diagnostics.iter().find(|d| d.code == "reference_unresolved").expect("gone");
        assert_eq!(gone.pointer, "/paths/~1gone");
        let message = "left out: the path item's reference `#/components/pathItems/Gone` names something that is \
                       not there";
        assert_eq!(gone.message, message);
    }

    #[test]
    fn a_description_without_paths_has_no_operations() {
        for (version, paths, expected) in [
            ("3.0.0", r#""x-a":1"#, &["paths_invalid"][..]),
            ("3.1.0", r#""x-a":1"#, &[]),
            ("3.1.0", r#""paths":{}"#, &[]),
            ("3.1.0", r#""paths":[]"#, &["paths_invalid"]),
            ("3.1.0", r#""webhooks":{"a":{"post":{}}}"#, &["webhooks_ignored"]),
        ] {
            let api = openapi(version, paths);
            assert!(api.operations.is_empty());
            assert_eq!(codes(&api), expected, "{version} {paths}");
        }
        assert_eq!(codes(&local(r#"{"swagger":"2.0"}"#)), ["paths_invalid"]);
    }

    /// RF-1; the members beside the `$ref` count, and references chain across documents.
    #[test]
    fn path_items_may_be_references_with_siblings() {
        let root = r##"{"openapi":"3.1.0","servers":[{"url":"https://h"}],"paths":{
            "/a/{id}":{"$ref":"items.json#/one","get":{"operationId":"mine"},
                "parameters":[{"name":"q","in":"query","description":"outer"}]},
            "/b":{"$ref":"#/components/pathItems/B"}},
            "components":{"pathItems":{"B":{"$ref":"items.json#/two"}}}}"##;
        let items = r##"{"one":{"get":{"operationId":"theirs"},"post":{"operationId":"post"},
            "parameters":[{"$ref":"#/id"},{"name":"q","in":"query"},{"name":"r","in":"query"}]},
            "id":{"name":"id","in":"path","required":true,"schema":{"type":"integer"}},
            "two":{"delete":{"$ref":"#/del","summary":"sibling"}},"del":{"operationId":"del","summary":"s"}}"##;
        let api = read_all(&[("/d/api.json", root), ("/d/items.json", items)]);
        assert_eq!(names(&api), ["GET /a/{id}", "POST /a/{id}", "DELETE /b"]);
        assert_eq!(api.operations[0].operation_id, "mine");
        let parameters: Vec<_> =
            api.operations[1].parameters.iter().map(|p| (&*p.name, &*p.description)).collect();
        assert_eq!(parameters, [("id", ""), ("q", "outer"), ("r", "")]);
        assert_eq!(api.operations[2].operation_id, "del");
        assert_eq!(api.operations[2].summary, "sibling");
        assert_eq!(api.operations[2].pointer, "/paths/~1b/delete");
        assert!(codes(&api).is_empty(), "{:?}", api.diagnostics);
    }
}
