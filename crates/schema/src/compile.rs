//! JSON text to nodes. A schema is read once; what its `$ref`s name within the text becomes a node too, so cycles cost
//! nothing. What can't be read is skipped, and said to be (`Skipped`): a fault of the description is no reason to
//! refuse a call.

use crate::json::Json;
use crate::node::{Node, NodeId, Pattern, Types};
use crate::pattern::{self, PatternError};
use crate::{Options, Schema, SchemaError, Skipped};
use std::collections::HashMap;

/// Schemas within a schema.
const MAX_NODES: usize = 50_000;
/// What was skipped and is named.
const MAX_SKIPPED: usize = 50;

pub(crate) struct Compiler<'a> {
    root: &'a Json<'a>,
    pub(crate) options: Options,
    nodes: Vec<Node>,
    by_address: HashMap<usize, NodeId>,
    /// To be read.
    queue: Vec<(NodeId, &'a Json<'a>)>,
    patterns: HashMap<&'a str, Result<Pattern, PatternError>>,
    skipped: Vec<Skipped>,
}

impl Schema {
    /// Reads a schema. Fails only when the text is no schema at all.
    pub fn compile(text: &str, options: Options) -> Result<Self, SchemaError> {
        let root = Json::parse(text).map_err(|error| SchemaError::NotJson(error.to_string()))?;
        if !matches!(root, Json::Object(_) | Json::Bool(_)) {
            return Err(SchemaError::NotASchema);
        }
        let mut compiler = Compiler {
            root: &root,
            options,
            nodes: Vec::new(),
            by_address: HashMap::new(),
            queue: Vec::new(),
            patterns: HashMap::new(),
            skipped: Vec::new(),
        };
        compiler.node(&root);
        while let Some((id, json)) = compiler.queue.pop() {
            let node = compiler.read(json);
            compiler.nodes[id as usize] = node;
        }
        crate::cycles::cut(&mut compiler.nodes, &mut compiler.skipped);
        if compiler.root.get("x-truncated").is_some() {
            compiler.skipped.push(Skipped {
                pointer: String::new(),
                reason: "it was cut short, because it is very large".into(),
            });
        }
        Ok(Self { nodes: compiler.nodes, skipped: compiler.skipped })
    }
}

impl<'a> Compiler<'a> {
    /// The node of a schema, read now or later.
    pub(crate) fn node(&mut self, json: &'a Json<'a>) -> NodeId {
        let address = std::ptr::from_ref(json) as usize;
        if let Some(&id) = self.by_address.get(&address) {
            return id;
        }
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        self.by_address.insert(address, id);
        self.nodes.push(Node::plain(Types::ANY));
        if self.nodes.len() > MAX_NODES {
            self.skip(json, format!("there are more than {MAX_NODES} schemas in it"));
        } else {
            self.queue.push((id, json));
        }
        id
    }

    fn read(&mut self, json: &'a Json<'a>) -> Node {
        match json {
            Json::Bool(true) => Node::plain(Types::ANY),
            Json::Bool(false) => Node::plain(Types::NONE),
            Json::Object(members) => self.object(json, members),
            _ => {
                self.skip(json, "it is no schema".into());
                Node::plain(Types::ANY)
            }
        }
    }

    /// What a `$ref` names within the text.
    pub(crate) fn target(&mut self, owner: &'a Json<'a>, reference: &str) -> Option<NodeId> {
        let found = match reference.strip_prefix('#') {
            Some("") => Some(self.root),
            Some(pointer) if pointer.starts_with('/') => at(self.root, pointer),
            Some(anchor) => anchored(self.root, anchor),
            None => None,
        };
        if found.is_none() {
            self.skip(owner, format!("the reference {reference:?} leads nowhere in it"));
        }
        found.map(|json| self.node(json))
    }

    pub(crate) fn pattern(&mut self, owner: &'a Json<'a>, written: &'a str) -> Option<Pattern> {
        let compiled = self
            .patterns
            .entry(written)
            .or_insert_with(|| pattern::compile(written).map(|regex| Pattern { written: written.into(), regex }));
        match compiled.clone() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.skip(owner, format!("the pattern {written:?}: {error}"));
                None
            }
        }
    }

    /// Something is not checked.
    pub(crate) fn skip(&mut self, owner: &Json<'a>, reason: String) {
        if self.skipped.len() < MAX_SKIPPED {
            let pointer = pointer_to(self.root, owner).unwrap_or_default();
            self.skipped.push(Skipped { pointer, reason });
        }
    }
}

/// RFC 6901, with the percent escapes of a fragment.
fn at<'a>(root: &'a Json<'a>, pointer: &str) -> Option<&'a Json<'a>> {
    let mut json = root;
    for token in pointer[1..].split('/') {
        let token = unescape(token)?;
        json = match json {
            Json::Object(members) => members.iter().find(|(key, _)| *key == token).map(|(_, value)| value)?,
            Json::List(items) => items.get(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(json)
}

fn unescape(token: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let [first, behind @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    Some(String::from_utf8(bytes).ok()?.replace("~1", "/").replace("~0", "~"))
}

/// The schema with this `$anchor`, anywhere below the definitions.
fn anchored<'a>(root: &'a Json<'a>, anchor: &str) -> Option<&'a Json<'a>> {
    let mut left = vec![root];
    while let Some(json) = left.pop() {
        match json {
            Json::Object(members) => {
                let is_it = members.iter().any(|(key, value)| {
                    matches!(key.as_ref(), "$anchor" | "$dynamicAnchor") && value.as_text() == Some(anchor)
                });
                if is_it {
                    return Some(json);
                }
                left.extend(
                    members.iter().filter(|(key, _)| !matches!(key.as_ref(), "enum" | "const")).map(|(_, v)| v),
                );
            }
            Json::List(items) => left.extend(items),
            _ => {}
        }
    }
    None
}

/// Where in the text a schema stands; looked for only when something is wrong with it.
fn pointer_to(root: &Json<'_>, wanted: &Json<'_>) -> Option<String> {
    let mut left = vec![(root, String::new())];
    while let Some((json, pointer)) = left.pop() {
        if std::ptr::eq(std::ptr::from_ref(json).cast::<u8>(), std::ptr::from_ref(wanted).cast::<u8>()) {
            return Some(pointer);
        }
        match json {
            Json::Object(members) => {
                left.extend(members.iter().map(|(key, value)| {
                    (value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")))
                }))
            }
            Json::List(items) => {
                left.extend(items.iter().enumerate().map(|(i, value)| (value, format!("{pointer}/{i}"))));
            }
            _ => {}
        }
    }
    None
}
