//! Paths and path items: which operations there are, in which order (TL-1), and what they share. Path items may be
//! `$ref`s with siblings, chained and in other documents.

use crate::api::Operation;
use crate::json::{Object, Place};
use crate::limits::MAX_PATH_LENGTH;
use crate::operations::Fault;
use crate::parameters::Declared;
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::template::Template;
use crate::tree::{Siblings, escape};
use crate::version::Version;
use std::borrow::Cow;

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
    pub(crate) servers: Vec<String>,
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
        let object = match self.tree.follow(place, Siblings::All) {
            Ok(object) => object,
            Err(reason) => {
                match Object::of(place).and_then(|object| object.reference()) {
                    Some(reference) => self.report.error(
                        code::REFERENCE,
                        &pointer,
                        format!("left out: the path item's reference {} {reason}", quoted(&reference)),
                        "correct the reference",
                    ),
                    None => self.report.error(
                        code::PATH,
                        &pointer,
                        format!("left out: the path item is {}, not an object", place.kind().with_article()),
                        "write an object with operations",
                    ),
                }
                return;
            }
        };
        let template = Template::of(path);
        if !template.well_formed {
            let message = format!("the braces of the path {} do not match", quoted(path));
            self.report.warning(code::PATH, &pointer, message, "what is not `{name}` is sent as written");
        }
        let parameters = self.path_item_parameters(place, &pointer);
        let servers = self.own_servers(&object, &pointer);
        let item = PathItem { path, pointer, template, parameters, servers, object };
        for &(member, method, since) in METHODS {
            let Some(place) = item.object.get(member) else { continue };
            if self.version < since {
                self.ignored(&item, member, since);
                continue;
            }
            self.read_operation(&item, method, format!("{}/{member}", item.pointer), place, operations);
        }
        self.read_additional(&item, operations);
    }

    /// OpenAPI 3.2 `additionalOperations`. The method is the key as written: methods are case-sensitive.
    fn read_additional(&mut self, item: &PathItem<'a, '_>, operations: &mut Vec<Operation>) {
        let Some(place) = item.object.get("additionalOperations") else { return };
        if self.version < Version::V32 {
            self.ignored(item, "additionalOperations", Version::V32);
            return;
        }
        for (method, place) in Object::of(place).unwrap_or_default() {
            let pointer = format!("{}/additionalOperations/{}", item.pointer, escape(&method));
            let standard = METHODS.iter().any(|(_, known, _)| known.eq_ignore_ascii_case(&method));
            let fault = if standard {
                "has a member of its own in the path item"
            } else if method.eq_ignore_ascii_case("CONNECT") {
                "can't be called"
            } else if !is_token(&method) || method.len() > MAX_METHOD_LENGTH {
                "is no HTTP method"
            } else {
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
    pub(crate) fn own_servers(&mut self, object: &Object<'a>, owner: &str) -> Vec<String> {
        if self.version == Version::V20 {
            return self.servers_with_schemes(object);
        }
        object.get("servers").map(|place| self.server_list(place, owner)).unwrap_or_default()
    }

    /// Parameters of the path item and of what it refers to; the outer ones replace those of the same name.
    fn path_item_parameters(&mut self, place: Place<'a>, pointer: &str) -> Result<Vec<Declared>, Fault> {
        let (mut layers, target) = match self.tree.trail(place) {
            Ok(trail) => trail,
            // Reported where the path item itself was followed.
            Err(_) => return Ok(Vec::new()),
        };
        layers.extend(Object::of(target));
        let mut parameters = Vec::new();
        while let Some(layer) = layers.pop() {
            if let Some(list) = layer.get("parameters") {
                let own = self.parameter_list(list, &format!("{pointer}/parameters"))?;
                parameters = crate::parameters::merged(&parameters, own);
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
