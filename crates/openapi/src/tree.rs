//! Finds what a `$ref` names: JSON Pointers (RFC 6901, as URI fragments with percent-encoding) over borrowed text,
//! across the documents of a set. Rules RF-1 to RF-5 with W14; OpenAPI 3.2 `$self`. Not for `$id`, `$anchor` and
//! whatever else lives inside schemas.

use crate::error::ReadError;
use crate::json::{DocumentId, Key, Kind, Object, Place};
use crate::limits::{MAX_FOLLOWED_BYTES, MAX_REFERENCE_DEPTH};
use open_cli_documents::{Document, DocumentSet, Location};
use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// The root document is loaded first.
pub(crate) const ROOT: DocumentId = 0;

/// Why a `$ref` leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("is not a location")]
    NotALocation,
    #[error("names a document that was not loaded")]
    NotLoaded,
    #[error("names a document that is not JSON")]
    NotJson,
    #[error("names something that is not there")]
    Missing,
    #[error("uses an anchor instead of a JSON Pointer")]
    Anchor,
    #[error("leads back to itself")]
    Cycle,
    #[error("is the start of a chain of more than 64 references")]
    TooDeep,
    #[error("leads to something that is no object")]
    NotAnObject,
    #[error("is one of so many references that reading them all would take too long")]
    TooMuch,
}

/// Which members beside a `$ref` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Siblings {
    /// Swagger 2.0 and OpenAPI 3.0.
    Ignored,
    /// Reference Object of OpenAPI 3.1: `summary` and `description`.
    Described,
    /// Path items; schemas of OpenAPI 3.1.
    All,
}

/// A container of a document, indexed.
enum Node<'a> {
    Object(HashMap<Cow<'a, str>, &'a RawValue>),
    Array(Vec<&'a RawValue>),
}

impl<'a> Node<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        match Kind::of_text(text) {
            Kind::Object => serde_json::from_str::<Index<'a>>(text).ok().map(|index| Self::Object(index.0)),
            Kind::Array => serde_json::from_str(text).ok().map(Self::Array),
            _ => None,
        }
    }

    fn get(&self, token: &str) -> Option<&'a RawValue> {
        match self {
            Self::Object(members) => members.get(token).copied(),
            Self::Array(elements) => {
                let canonical = token == "0" || !token.starts_with('0');
                if !canonical || !token.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                elements.get(token.parse::<usize>().ok()?).copied()
            }
        }
    }
}

struct Loaded<'a> {
    document: &'a Document,
    text: &'a str,
    /// What relative references resolve against: `$self`, else the document's location.
    base: Location,
    root: Option<Rc<Node<'a>>>,
}

/// The documents of a set and what was looked up in them.
pub(crate) struct Tree<'a> {
    set: &'a DocumentSet,
    loaded: Vec<Loaded<'a>>,
    /// Where each document was found.
    by_location: HashMap<Location, DocumentId>,
    /// `$self` of all documents, read when a reference finds nothing by location.
    by_self: Option<HashMap<Location, &'a Document>>,
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
        let loaded = vec![Loaded { document, text, base, root: Some(node) }];
        Ok((Self { set, loaded, by_location, by_self: None, nodes: HashMap::new(), followable: MAX_FOLLOWED_BYTES }, root))
    }

    /// Where a document was read from; the base of its relative servers.
    pub(crate) fn location(&self, document: DocumentId) -> &'a Location {
        &self.loaded[document].document.location
    }

    /// Follows one reference of a document.
    pub(crate) fn resolve(&mut self, from: DocumentId, reference: &str) -> Result<Place<'a>, Unresolved> {
        self.resolve_within(from, reference, &mut { MAX_REFERENCE_DEPTH })
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
        let pointer = fragment.strip_prefix('/').ok_or(Unresolved::Anchor)?;
        self.walk(document, pointer, hops)
    }

    fn walk(
        &mut self,
        document: DocumentId,
        pointer: &str,
        hops: &mut usize,
    ) -> Result<Place<'a>, Unresolved> {
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
                let reference = Place { document: at, raw: reference }.text().ok_or(Unresolved::Missing)?;
                *hops = hops.checked_sub(1).ok_or(Unresolved::TooDeep)?;
                let place = self.resolve_within(at, &reference, hops)?;
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
        let by_base = base.join(uri);
        // The loader may not have known of `$self`.
        let by_location = if *base == document.location { None } else { document.location.join(uri).ok() };
        let mut candidates = by_base.ok().into_iter().chain(by_location).peekable();
        if candidates.peek().is_none() {
            return Err(Unresolved::NotALocation);
        }
        for location in candidates {
            if let Some(&id) = self.by_location.get(&location) {
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
        Err(Unresolved::NotLoaded)
    }

    fn load(&mut self, document: &'a Document) -> Result<DocumentId, Unresolved> {
        if let Some(id) = self.loaded.iter().position(|loaded| std::ptr::eq(loaded.document, document)) {
            return Ok(id);
        }
        let text = text_of(document).map_err(|_| Unresolved::NotJson)?;
        let base = if text.contains("\"$self\"") {
            Object::parse(text, ROOT).map_or_else(|_| document.location.clone(), |root| base_of(document, &root))
        } else {
            document.location.clone()
        };
        self.loaded.push(Loaded { document, text, base, root: None });
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
        let (mut outer, place) = self.trail(place)?;
        let mut object = Object::of(place).ok_or(Unresolved::NotAnObject)?;
        while let Some(layer) = outer.pop() {
            object.overlay(layer, |name| match siblings {
                Siblings::Ignored => false,
                Siblings::Described => matches!(name, "summary" | "description"),
                Siblings::All => true,
            });
        }
        Ok(object)
    }

    /// The objects with `$ref` on the way from a value, and the value at the end.
    pub(crate) fn trail(&mut self, from: Place<'a>) -> Result<(Vec<Object<'a>>, Place<'a>), Unresolved> {
        let mut layers = Vec::new();
        let mut visited = Vec::new();
        let mut place = from;
        loop {
            let Some(object) = Object::of(place) else { return Ok((layers, place)) };
            let Some(reference) = object.reference() else { return Ok((layers, place)) };
            if layers.len() >= MAX_REFERENCE_DEPTH {
                return Err(Unresolved::TooDeep);
            }
            visited.push(place.raw.get().as_ptr());
            place = self.resolve(place.document, &reference)?;
            let size = place.raw.get().len();
            self.followable = self.followable.checked_sub(size).ok_or(Unresolved::TooMuch)?;
            if visited.contains(&place.raw.get().as_ptr()) {
                return Err(Unresolved::Cycle);
            }
            layers.push(object);
        }
    }
}

/// The member names of an object on the way from its value.
struct Index<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'de> serde::Deserialize<'de> for Index<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IndexVisitor;
        impl<'de> Visitor<'de> for IndexVisitor {
            type Value = Index<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = HashMap::new();
                while let Some((Key(key), raw)) = map.next_entry()? {
                    members.insert(key, raw);
                }
                Ok(Index(members))
            }
        }
        deserializer.deserialize_map(IndexVisitor)
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

fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~").into() } else { token.into() }
}

/// One token of a JSON Pointer, escaped.
pub(crate) fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) { token.replace('~', "~0").replace('/', "~1").into() } else { token.into() }
}
