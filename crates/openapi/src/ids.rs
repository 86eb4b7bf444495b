//! Schemas that are known by a name of their own: `$id`, `$anchor` and `$dynamicAnchor` (JSON Schema 2020-12 §8.2).
//! A schema with an `$id` is a document inside the document: its references and anchors are its own. A document
//! without `$id` costs one search for the word, and anchors cost nothing until a reference names one.

use crate::json::DocumentId;
use crate::limits::MAX_IDENTIFIERS;
use crate::reference::Unresolved;
use crate::tree::{Loaded, ROOT, Tree};
use crate::walk::{Event, Inside, walk};
use memchr::memmem;
use open_cli_documents::Location;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// The named schemas of one document.
#[derive(Default)]
pub(crate) struct Names<'a> {
    /// Schemas with an `$id`, ascending start.
    resources: Vec<Resource>,
    /// By the schema with an `$id` (or the document) that they are in, and by name.
    anchors: HashMap<(DocumentId, String), &'a RawValue>,
    /// The text was walked; otherwise it holds no `$id` and nobody asked for anchors.
    is_complete: bool,
}

struct Resource {
    /// Addresses of the text.
    start: usize,
    end: usize,
    document: DocumentId,
    /// Index of the resource around it.
    parent: Option<usize>,
}

/// An object with names, as offsets into the text.
struct Found {
    start: usize,
    end: usize,
    id: String,
    anchors: Vec<String>,
}

impl<'a> Tree<'a> {
    /// The schema with an `$id` around a place of a document, else the document itself.
    pub(crate) fn enclosing(&mut self, document: DocumentId, address: usize) -> DocumentId {
        let host = self.loaded[document].host.unwrap_or(document);
        self.identify(host, false);
        let Some(names) = &self.loaded[host].names else { return document };
        let before = names.resources.partition_point(|resource| resource.start <= address);
        let mut index = before.checked_sub(1);
        while let Some(resource) = index.map(|index| &names.resources[index]) {
            if address < resource.end {
                return resource.document;
            }
            index = resource.parent;
        }
        host
    }

    /// What an anchor names in a document or a schema with an `$id`.
    pub(crate) fn anchor(&mut self, document: DocumentId, name: &str) -> Result<&'a RawValue, Unresolved> {
        let host = self.loaded[document].host.unwrap_or(document);
        self.identify(host, true);
        let names = self.loaded[host].names.as_ref().ok_or(Unresolved::Missing)?;
        names.anchors.get(&(document, name.to_owned())).copied().ok_or(Unresolved::Missing)
    }

    /// The schema with this `$id`, in any document of the set. `uri` is the reference as written.
    pub(crate) fn with_id(&mut self, location: Option<&Location>, uri: &str) -> Option<DocumentId> {
        if !self.all_identified {
            self.all_identified = true;
            for document in self.set.iter() {
                if memmem::find(&document.json, br#""$id""#).is_some()
                    && let Ok(id) = self.load(document)
                {
                    self.identify(id, false);
                }
            }
        }
        let found = location.and_then(|location| self.by_id.get(location));
        found.or_else(|| self.by_name.get(uri)).copied()
    }

    /// Reads the names of a document once; anchors only when they are `wanted` or there is an `$id` anyway.
    fn identify(&mut self, host: DocumentId, anchors_wanted: bool) {
        let text = self.loaded[host].text;
        let is_known = self.loaded[host].names.as_ref().is_some_and(|n| n.is_complete || !anchors_wanted);
        if is_known {
            return;
        }
        if !anchors_wanted && memmem::find(text.as_bytes(), br#""$id""#).is_none() {
            self.loaded[host].names = Some(Names::default());
            return;
        }
        let mut names = Names { is_complete: true, ..Names::default() };
        for found in identifiers(text) {
            let Ok(raw) = serde_json::from_str::<&'a RawValue>(&text[found.start..found.end]) else { continue };
            let start = raw.get().as_ptr() as usize;
            let mut parent = names.resources.len().checked_sub(1);
            while let Some(index) = parent.filter(|&index| names.resources[index].end <= start) {
                parent = names.resources[index].parent;
            }
            let mut owner = parent.map_or(host, |index| names.resources[index].document);
            if !found.id.is_empty() && found.start == 0 {
                // A document that is a schema is known by its `$id`; the root is a description.
                if let Some(base) = self.loaded[host].base.join(&found.id).ok().filter(|_| host != ROOT) {
                    self.by_id.entry(base.clone()).or_insert(host);
                    self.loaded[host].base = base;
                }
            } else if !found.id.is_empty() {
                let base = self.loaded[owner].base.join(&found.id).ok();
                let document = self.loaded.len();
                self.loaded.push(Loaded {
                    document: self.loaded[host].document,
                    text: raw.get(),
                    base: base.clone().unwrap_or_else(|| self.loaded[owner].base.clone()),
                    root: None,
                    host: Some(host),
                    names: None,
                });
                match base {
                    Some(base) => drop(self.by_id.entry(base).or_insert(document)),
                    None => drop(self.by_name.entry(found.id).or_insert(document)),
                }
                let end = start + raw.get().len();
                names.resources.push(Resource { start, end, document, parent });
                owner = document;
            }
            for anchor in found.anchors {
                names.anchors.entry((owner, anchor)).or_insert(raw);
            }
        }
        self.loaded[host].names = Some(names);
    }
}

/// The objects of a text that have names, outer ones first.
fn identifiers(text: &str) -> Vec<Found> {
    let mut open: Vec<Found> = Vec::new();
    let mut found = Vec::new();
    walk(text, |event| match event {
        Event::Open { start } => open.push(Found { start, end: 0, id: String::new(), anchors: Vec::new() }),
        Event::Close { end } => {
            let Some(closed) = open.pop() else { return };
            if (!closed.id.is_empty() || !closed.anchors.is_empty()) && found.len() < MAX_IDENTIFIERS {
                found.push(Found { end, ..closed });
            }
        }
        Event::Text { inside: Inside::Schema, name, start, end } if name.starts_with('$') => {
            let Some(object) = open.last_mut() else { return };
            let Ok(value) = serde_json::from_str::<String>(&text[start..end]) else { return };
            match name {
                "$id" => {
                    let (uri, fragment) = value.split_once('#').unwrap_or((&value, ""));
                    uri.clone_into(&mut object.id);
                    // Draft 6 and 7 wrote `$anchor` this way. `#/properties/x` is what a popular generator writes.
                    if uri.is_empty() && !fragment.is_empty() && !fragment.starts_with('/') {
                        object.anchors.push(fragment.to_owned());
                    }
                }
                "$anchor" | "$dynamicAnchor" => object.anchors.push(value),
                _ => {}
            }
        }
        _ => {}
    });
    found.sort_by_key(|found| found.start);
    found
}

#[cfg(test)]
mod tests {
    use crate::testing::set;
    use crate::tree::Tree;

    const ROOT_TEXT: &str = r##"{"openapi":"3.1.0","components":{"schemas":{
        "Tree":{"$id":"https://s.example/tree","$dynamicAnchor":"node","title":"tree",
            "properties":{"$id":{"title":"a property"},"kids":{"items":{"$ref":"#node"}},"leaf":{"$ref":"leaf#x"},
                "own":{"$ref":"#/$defs/own"},"ours":{"$ref":"#/components/schemas/Plain"}},
            "$defs":{"own":{"title":"own"},"leaf":{"$id":"leaf","$defs":{"l":{"$anchor":"x","title":"leaf x"}}}}},
        "Plain":{"$anchor":"plain","title":"plain","default":{"$anchor":"data"}},
        "Urn":{"$id":"urn:example:u","title":"urn","items":{"$id":"#old","title":"old"}},
        "Generated":{"$id":"#/components/schemas/Generated","title":"generated"}}}}"##;
    const OTHER: &str =
        r##"{"$id":"https://s.example/other","title":"other","$defs":{"a":{"$anchor":"a","title":"other a"}}}"##;

    fn title(reference: &str, within: &str) -> String {
        let documents = set(&[("/d/api.json", ROOT_TEXT), ("/d/o.json", OTHER)]);
        let (mut tree, root) = Tree::open(&documents).expect("root");
        let from = root.get("openapi").expect("place");
        let from = if within.is_empty() { from } else { tree.resolve(from, within).expect("within") };
        match tree.resolve(from, reference) {
            Ok(place) => {
                let value: serde_json::Value = serde_json::from_str(place.raw.get()).expect("json");
                value["title"].as_str().unwrap_or_default().to_owned()
            }
            Err(reason) => format!("error: {reason}"),
        }
    }

    #[test]
    fn schemas_are_found_by_their_own_names() {
        let tree = "#/components/schemas/Tree/properties/kids";
        for (within, reference, expected) in [
            ("", "#plain", "plain"),
            ("", "https://s.example/tree", "tree"),
            ("", "https://s.example/tree#node", "tree"),
            ("", "https://s.example/tree#/$defs/own", "own"),
            ("", "https://s.example/leaf#x", "leaf x"),
            ("", "urn:example:u", "urn"),
            ("", "urn:example:u#old", "old"),
            ("", "https://s.example/other", "other"),
            ("", "https://s.example/other#a", "other a"),
            ("", "o.json#a", "other a"),
            ("", "#/components/schemas/Generated", "generated"),
            (tree, "#node", "tree"),
            (tree, "leaf#x", "leaf x"),
            (tree, "#/$defs/own", "own"),
            (tree, "#", "tree"),
            // Not by the letter, and what most authors mean.
            (tree, "#/components/schemas/Plain", "plain"),
            (tree, "#plain", "plain"),
            (tree, "o.json", "other"),
            ("", "#node", "error: names something that is not there"),
            ("", "#data", "error: names something that is not there"),
            ("", "urn:example:none", "error: is not a location"),
            ("", "https://s.example/none", "error: names a document that was not loaded"),
        ] {
            assert_eq!(title(reference, within), expected, "{reference} in {within}");
        }
    }

    #[test]
    fn names_without_number_end_at_the_bound() {
        let many: Vec<String> = (0..crate::limits::MAX_IDENTIFIERS + 9)
            .map(|i| format!(r#"{{"$id":"https://s.example/{i}","$anchor":"a{i}"}}"#))
            .collect();
        let text = format!(r#"{{"openapi":"3.1.0","x":7,"s":[{}]}}"#, many.join(","));
        let documents = set(&[("/d/api.json", &text)]);
        let (mut tree, root) = Tree::open(&documents).expect("root");
        let from = root.get("x").expect("x");
        assert!(tree.resolve(from, "https://s.example/7#a7").is_ok());
        assert!(tree.resolve(from, &format!("https://s.example/{}", many.len() - 1)).is_err());
    }
}
