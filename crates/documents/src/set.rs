//! An API description with all the documents it refers to. Not for meaning: the bytes are JSON, and what they say is
//! another crate's business.

use crate::Location;
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;

/// One document.
#[derive(Clone)]
pub struct Document {
    /// Where it was read: for a remote document the URL after redirects (RFC 3986 §5.1.3), the base of its
    /// references.
    pub location: Location,
    /// Valid JSON text: UTF-8, no byte order mark. YAML was transcoded.
    pub json: Bytes,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({}, {} bytes)", self.location, self.json.len())
    }
}

/// A root document and everything its `$ref`s reach.
#[derive(Debug, Clone)]
pub struct DocumentSet {
    /// Never empty; the first is the root.
    documents: Vec<Document>,
    /// Where each is in the list: by its location, and by the URL it was asked for.
    index: HashMap<Location, usize>,
}

impl DocumentSet {
    /// A set of the given documents, the first of which is the root; for tests.
    ///
    /// # Panics
    /// When the list is empty.
    pub fn from_documents(documents: Vec<Document>) -> Self {
        assert!(!documents.is_empty(), "a document set has a root");
        let mut documents = documents.into_iter();
        let root = documents.next().expect("invariant: the list is not empty");
        let mut set = Self::of_root(root);
        for document in documents {
            let asked = document.location.clone();
            set.add(document, asked);
        }
        set
    }

    pub(crate) fn of_root(root: Document) -> Self {
        let index = HashMap::from([(root.location.clone(), 0)]);
        Self { documents: vec![root], index }
    }

    /// Adds a document, unless there is one at its location already, and makes it answer to `asked` too: the URL
    /// that references name when a redirect led to another one.
    pub(crate) fn add(&mut self, document: Document, asked: Location) {
        let next = self.documents.len();
        let place = *self.index.entry(document.location.clone()).or_insert(next);
        self.index.entry(asked).or_insert(place);
        if place == next {
            self.documents.push(document);
        }
    }

    /// The document the set was loaded for.
    pub fn root(&self) -> &Document {
        &self.documents[0]
    }

    /// The document a reference leads to; `location` is what [`Location::join`] gave.
    pub fn get(&self, location: &Location) -> Option<&Document> {
        self.index.get(location).map(|&place| &self.documents[place])
    }

    /// All documents, the root first.
    pub fn iter(&self) -> std::slice::Iter<'_, Document> {
        self.documents.iter()
    }

    /// How many documents there are; at least one.
    #[allow(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.documents.len()
    }
}

impl<'a> IntoIterator for &'a DocumentSet {
    type Item = &'a Document;
    type IntoIter = std::slice::Iter<'a, Document>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn document(location: &str) -> Document {
        let location = Location::parse(location, Path::new("/")).expect("location");
        Document { location, json: Bytes::from_static(b"{}") }
    }

    #[test]
    fn documents_are_found_by_location_and_by_the_url_they_were_asked_for() {
        let mut set = DocumentSet::from_documents(vec![document("/a"), document("/b")]);
        let asked = document("https://h.example/old").location;
        let other = document("https://h.example/older").location;
        set.add(document("https://h.example/new"), asked.clone());
        set.add(document("https://h.example/new"), other.clone());
        assert_eq!(set.root().location, document("/a").location);
        for (location, expected) in [
            (document("/b").location, Some("/b")),
            (asked, Some("https://h.example/new")),
            (other, Some("https://h.example/new")),
            (document("https://h.example/new").location, Some("https://h.example/new")),
            (document("/c").location, None),
        ] {
            let found = set.get(&location).map(|d| d.location.to_string());
            assert_eq!(found.as_deref(), expected, "{location}");
        }
        assert_eq!(format!("{:?}", set.root()), "Document(/a, 2 bytes)");
        assert_eq!((set.len(), set.iter().count()), (3, 3));
    }
}
