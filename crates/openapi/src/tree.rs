//! Finds what a `$ref` names: JSON Pointers (RFC 6901, as URI fragments with percent-encoding) over borrowed text,
//! across the documents of a set. Rules RF-1 to RF-5 with W14; OpenAPI 3.2 `$self`. `$id` and `$anchor` are in `ids`.

use crate::error::ReadError;
use crate::ids::Names;
use crate::json::{DocumentId, Kind, Object, Place};
use crate::limits::{MAX_FOLLOWED_BYTES, MAX_REFERENCE_DEPTH};
use crate::pointer::{Node, unescape};
use crate::reference::{Siblings, Trail, Unresolved};
use open_cli_documents::{Document, DocumentSet, Location};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use std::rc::Rc;

/// The root document is loaded first.
pub(crate) const ROOT: DocumentId = 0;

/// A document, or a schema in one that has an `$id` and so is a document of its own.
pub(crate) struct Loaded<'a> {
    pub(crate) document: &'a Document,
    pub(crate) text: &'a str,
    /// What relative references resolve against: `$id` or `$self`, else the document's location.
    pub(crate) base: Location,
    pub(crate) root: Option<Rc<Node<'a>>>,
    /// The document that a schema is in.
    pub(crate) host: Option<DocumentId>,
    /// Read when first needed; of documents only.
    pub(crate) names: Option<Names<'a>>,
}

/// The documents of a set and what was looked up in them.
pub(crate) struct Tree<'a> {
    pub(crate) set: &'a DocumentSet,
    pub(crate) loaded: Vec<Loaded<'a>>,
    /// Where each document was found.
    by_location: HashMap<Location, DocumentId>,
    /// `$self` of all documents, read when a reference finds nothing by location.
    by_self: Option<HashMap<Location, &'a Document>>,
    /// Schemas by `$id`, those of the documents that were looked into.
    pub(crate) by_id: HashMap<Location, DocumentId>,
    /// The same for an `$id` that is no location, such as a URN.
    pub(crate) by_name: HashMap<String, DocumentId>,
    /// All documents were looked into.
    pub(crate) all_identified: bool,
    /// By address of the text: each container is indexed once.
    nodes: HashMap<usize, Rc<Node<'a>>>,
    /// What is left of [`MAX_FOLLOWED_BYTES`].
    followable: usize,
}

impl<'a> Tree<'a> {
    /// Opens the root document.
    pub(crate) fn open(set: &'a DocumentSet) -> Result<(Self, Object<'a>), ReadError> {
        let document = set.root();
        let text = text_of(document)?;
        match Kind::of_text(text) {
            Kind::Object => {}
            kind => {
                // A broken text is worth another message than a list.
                if !text.trim().is_empty() {
                    crate::json::check(text).map_err(not_json)?;
                }
                return Err(ReadError::NotAnObject { found: kind.with_article() });
            }
        }
        let root = Object::parse(text, ROOT).map_err(not_json)?;
        let members = root.iter().map(|(key, place)| (key.clone(), place.raw)).collect();
        let node = Rc::new(Node::Object(members));
        let base = base_of(document, &root);
        let mut by_location = HashMap::from([(document.location.clone(), ROOT)]);
        by_location.insert(base.clone(), ROOT);
        let loaded = vec![Loaded { document, text, base, root: Some(node), host: None, names: None }];
        Ok((
            Self {
                set,
                loaded,
                by_location,
                by_self: None,
                by_id: HashMap::new(),
                by_name: HashMap::new(),
                all_identified: false,
                nodes: HashMap::new(),
                followable: MAX_FOLLOWED_BYTES,
            },
            root,
        ))
    }

    /// Where a document was read from; the base of its relative servers.
    pub(crate) fn location(&self, document: DocumentId) -> &'a Location {
        &self.loaded[document].document.location
    }

    /// Follows a reference that stands in, or right at, this place.
    pub(crate) fn resolve(&mut self, from: Place<'a>, reference: &str) -> Result<Place<'a>, Unresolved> {
        let address = from.raw.get().as_ptr() as usize;
        self.resolve_at(from.document, address, reference, &mut { MAX_REFERENCE_DEPTH })
    }

    /// Follows a reference; `address` says where in the text of the document it stands.
    pub(crate) fn resolve_at(
        &mut self,
        document: DocumentId,
        address: usize,
        reference: &str,
        hops: &mut usize,
    ) -> Result<Place<'a>, Unresolved> {
        let from = self.enclosing(document, address);
        let found = self.resolve_within(from, reference, hops);
        match self.loaded[from].host {
            // Many a schema has an `$id` for show, and references that mean the document it is in.
            Some(host) if found.is_err() => self.resolve_within(host, reference, hops).or(found),
            _ => found,
        }
    }

    /// `hops` is shared by all references on the way, which bounds time and stack.
    fn resolve_within(
        &mut self,
        from: DocumentId,
        reference: &str,
        hops: &mut usize,
    ) -> Result<Place<'a>, Unresolved> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if uri.is_empty() { from } else { self.locate(from, uri)? };
        let fragment = percent_decode_str(fragment).decode_utf8().map_err(|_| Unresolved::Missing)?;
        if fragment.is_empty() {
            let text = self.loaded[document].text;
            let raw = serde_json::from_str(text).map_err(|_| Unresolved::NotJson)?;
            return Ok(Place { document, raw });
        }
        match fragment.strip_prefix('/') {
            Some(pointer) => self.walk(document, pointer, hops),
            None => self.anchor(document, &fragment).map(|raw| Place { document, raw }),
        }
    }

    fn walk(&mut self, document: DocumentId, pointer: &str, hops: &mut usize) -> Result<Place<'a>, Unresolved> {
        let mut node = self.root(document)?;
        let mut at = document;
        let mut found = None;
        for token in pointer.split('/') {
            if let Some(place) = found.take() {
                (at, node) = self.step(place)?;
            }
            let token = unescape(token);
            // A pointer may lead through a `$ref`: `#/paths/~1a/get` where `/a` is a referenced path item.
            let raw = loop {
                if let Some(raw) = node.get(&token) {
                    break raw;
                }
                let reference = node.get("$ref").ok_or(Unresolved::Missing)?;
                let from = reference.get().as_ptr() as usize;
                let reference = Place { document: at, raw: reference }.text().ok_or(Unresolved::Missing)?;
                *hops = hops.checked_sub(1).ok_or(Unresolved::TooDeep)?;
                let place = self.resolve_at(at, from, &reference, hops)?;
                (at, node) = self.step(place)?;
            };
            found = Some(Place { document: at, raw });
        }
        found.ok_or(Unresolved::Missing)
    }

    fn step(&mut self, place: Place<'a>) -> Result<(DocumentId, Rc<Node<'a>>), Unresolved> {
        let text = place.raw.get();
        let address = text.as_ptr() as usize;
        if let Some(node) = self.nodes.get(&address) {
            return Ok((place.document, Rc::clone(node)));
        }
        let node = Rc::new(Node::parse(text).ok_or(Unresolved::Missing)?);
        self.nodes.insert(address, Rc::clone(&node));
        Ok((place.document, node))
    }

    fn root(&mut self, document: DocumentId) -> Result<Rc<Node<'a>>, Unresolved> {
        let loaded = &mut self.loaded[document];
        if loaded.root.is_none() {
            loaded.root = Some(Rc::new(Node::parse(loaded.text).ok_or(Unresolved::Missing)?));
        }
        loaded.root.clone().ok_or(Unresolved::Missing)
    }

    /// The document that a reference of another one names.
    fn locate(&mut self, from: DocumentId, uri: &str) -> Result<DocumentId, Unresolved> {
        let Loaded { base, document, .. } = &self.loaded[from];
        let by_base = base.join(uri).ok();
        // The loader may not have known of `$self`.
        let by_location = if *base == document.location { None } else { document.location.join(uri).ok() };
        let (first, is_location) = (by_base.clone(), by_base.is_some() || by_location.is_some());
        for location in by_base.into_iter().chain(by_location) {
            if let Some(&id) = self.by_location.get(&location).or_else(|| self.by_id.get(&location)) {
                return Ok(id);
            }
            let document = match self.set.get(&location) {
                Some(document) => Some(document),
                None => self.with_self(&location),
            };
            if let Some(document) = document {
                let id = self.load(document)?;
                self.by_location.insert(location, id);
                return Ok(id);
            }
        }
        let missing = if is_location { Unresolved::NotLoaded } else { Unresolved::NotALocation };
        self.with_id(first.as_ref(), uri).ok_or(missing)
    }

    pub(crate) fn load(&mut self, document: &'a Document) -> Result<DocumentId, Unresolved> {
        let is_it = |loaded: &Loaded<'_>| loaded.host.is_none() && std::ptr::eq(loaded.document, document);
        if let Some(id) = self.loaded.iter().position(is_it) {
            return Ok(id);
        }
        let text = text_of(document).map_err(|_| Unresolved::NotJson)?;
        let base = if text.contains("\"$self\"") {
            Object::parse(text, ROOT).map_or_else(|_| document.location.clone(), |root| base_of(document, &root))
        } else {
            document.location.clone()
        };
        self.loaded.push(Loaded { document, text, base, root: None, host: None, names: None });
        Ok(self.loaded.len() - 1)
    }

    fn with_self(&mut self, location: &Location) -> Option<&'a Document> {
        let set = self.set;
        let index = self.by_self.get_or_insert_with(|| {
            let mut index = HashMap::new();
            for document in set.iter() {
                let Ok(text) = text_of(document) else { continue };
                if !text.contains("\"$self\"") {
                    continue;
                }
                if let Ok(root) = Object::parse(text, ROOT) {
                    index.entry(base_of(document, &root)).or_insert(document);
                }
            }
            index
        });
        index.get(location).copied()
    }

    /// Follows `$ref`s from a value to an object that has none, and lays the siblings that count over it.
    pub(crate) fn follow(&mut self, place: Place<'a>, siblings: Siblings) -> Result<Object<'a>, Unresolved> {
        self.trail(place)?.merged(siblings)
    }

    /// Follows `$ref`s from a value and remembers the way.
    pub(crate) fn trail(&mut self, from: Place<'a>) -> Result<Trail<'a>, Unresolved> {
        let mut layers = Vec::new();
        let mut visited = Vec::new();
        let mut target = from;
        loop {
            let object = Object::of(target);
            let Some((object, reference)) = object.as_ref().and_then(|o| Some((o, o.reference()?))) else {
                return Ok(Trail { layers, target, object });
            };
            if layers.len() >= MAX_REFERENCE_DEPTH {
                return Err(Unresolved::TooDeep);
            }
            visited.push(target.raw.get().as_ptr());
            layers.push(object.clone());
            target = self.resolve(target, &reference)?;
            let size = target.raw.get().len();
            self.followable = self.followable.checked_sub(size).ok_or(Unresolved::TooMuch)?;
            if visited.contains(&target.raw.get().as_ptr()) {
                return Err(Unresolved::Cycle);
            }
        }
    }
}

fn text_of(document: &Document) -> Result<&str, ReadError> {
    std::str::from_utf8(&document.json)
        .map(|text| text.trim_start_matches('\u{feff}'))
        .map_err(|error| ReadError::NotJson { reason: format!("it is not UTF-8 text ({error})") })
}

fn not_json(error: serde_json::Error) -> ReadError {
    ReadError::NotJson { reason: error.to_string() }
}

/// OpenAPI 3.2 `$self`: the document's own idea of its URI.
fn base_of(document: &Document, root: &Object<'_>) -> Location {
    let is_openapi_3_2 = root.text("openapi").is_some_and(|version| version.starts_with("3.2"));
    let own = if is_openapi_3_2 { root.text("$self") } else { None };
    own.and_then(|own| document.location.join(&own).ok()).unwrap_or_else(|| document.location.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::set;

    fn shown(documents: &[(&str, &str)], reference: &str) -> String {
        let set = set(documents);
        let (mut tree, _) = Tree::open(&set).expect("root");
        match tree.resolve_at(ROOT, 0, reference, &mut { MAX_REFERENCE_DEPTH }) {
            Ok(place) => place.raw.get().to_owned(),
            Err(reason) => format!("error: {reason}"),
        }
    }

    /// RF-1, RFC 6901 §6
    #[test]
    fn pointers_are_read_as_uri_fragments() {
        let text = r##"{"a":{"b/c":1,"d~e":2,"f g":3,"":4,"%":5,"\u0068":6},"l":[10,{"x":11}],"é":7,"s":"t",
            "r":{"$ref":"#/a"},"loop":{"$ref":"#/loop/x"}}"##;
        for (reference, expected) in [
            ("#/a/b~1c", "1"),
            ("#/a/d~0e", "2"),
            ("#/a/f%20g", "3"),
            ("#/a/", "4"),
            ("#/a/%25", "5"),
            ("#/a/h", "6"),
            ("#/%C3%A9", "7"),
            ("#/l/0", "10"),
            ("#/l/1/x", "11"),
            ("#/r/b~1c", "1"),
            ("#/l/01", "error: names something that is not there"),
            ("#/l/2", "error: names something that is not there"),
            ("#/l/-", "error: names something that is not there"),
            ("#/s/0", "error: names something that is not there"),
            ("#/nothing", "error: names something that is not there"),
            ("#/%ff", "error: names something that is not there"),
            ("#name", "error: names something that is not there"),
            ("#/loop/x", "error: is the start of a chain of more than 64 references"),
            ("other.json#/a", "error: names a document that was not loaded"),
            ("urn:x", "error: is not a location"),
        ] {
            assert_eq!(shown(&[("/d/api.json", text)], reference), expected, "{reference}");
        }
    }

    /// W14
    #[test]
    fn references_cross_documents_relative_to_the_one_that_holds_them() {
        let documents = [
            ("https://h.example/v1/api.json", r##"{"a":{"$ref":"parts/p.json#/a"}}"##),
            ("https://h.example/v1/parts/p.json", r##"{"a":{"$ref":"../q.json"},"b":{"$ref":"#/b"}}"##),
            ("https://h.example/v1/q.json", r##"{"found":true,"back":{"$ref":"api.json#/a"}}"##),
            ("https://h.example/v1/broken.json", "{"),
        ];
        assert_eq!(shown(&documents, "parts/p.json#/a/found"), "true");
        assert_eq!(shown(&documents, "#/a/back/found"), "true");
        assert_eq!(shown(&documents, "/v1/api.json#/a/found"), "true");
        assert_eq!(shown(&documents, "broken.json#/a"), "error: names something that is not there");
        assert_eq!(shown(&documents, "broken.json"), "error: names a document that is not JSON");
    }

    /// OpenAPI 3.2 §4.1.1
    #[test]
    fn a_document_is_known_by_its_self() {
        let root = r##"{"openapi":"3.2.0","$self":"https://id.example/apis/root","a":1}"##;
        let part = r##"{"openapi":"3.2.0","$self":"https://id.example/parts/p","x":{"$ref":"q#/y"}}"##;
        let documents = [
            ("/etc/depot/api.json", root),
            ("/etc/depot/p.json", part),
            ("https://id.example/parts/q", r#"{"y":{"z":2}}"#),
        ];
        assert_eq!(shown(&documents, "root#/a"), "1");
        assert_eq!(shown(&documents, "/parts/p#/x/z"), "2");
        assert_eq!(shown(&documents, "p.json#/x/z"), "2", "found where it lies, too");
    }

    #[test]
    fn chains_end_and_cycles_are_found() {
        let mut chain: Vec<String> = (0..70).map(|i| format!(r##""c{i}":{{"$ref":"#/c{}"}}"##, i + 1)).collect();
        chain.push(
            r##""c70":{"end":1},"x":{"$ref":"#/y"},"y":{"$ref":"#/x"},"s":{"$ref":"#/t"},"t":1"##.to_owned(),
        );
        let text = format!("{{{}}}", chain.join(","));
        let set = set(&[("/d/api.json", &text)]);
        let (mut tree, root) = Tree::open(&set).expect("root");
        for (name, expected) in [
            ("c6", Ok(1)),
            ("c5", Err(Unresolved::TooDeep)),
            ("x", Err(Unresolved::Cycle)),
            ("s", Err(Unresolved::NotAnObject)),
        ] {
            let place = root.get(name).expect(name);
            let members = tree.follow(place, Siblings::Ignored).map(|object| object.iter().count());
            assert_eq!(members, expected, "{name}");
        }
    }

    #[test]
    fn many_references_to_something_large_end_with_an_error() {
        let text = format!(r##"{{"r":{{"$ref":"#/big"}},"big":{{"text":"{}"}}}}"##, "x".repeat(1 << 20));
        let set = set(&[("/d/api.json", &text)]);
        let (mut tree, root) = Tree::open(&set).expect("root");
        tree.followable = 3 << 20;
        let place = root.get("r").expect("r");
        let results: Vec<bool> = (0..4).map(|_| tree.follow(place, Siblings::Ignored).is_ok()).collect();
        assert_eq!(results, [true, true, false, false]);
    }
}
