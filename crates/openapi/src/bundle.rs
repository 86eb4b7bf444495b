//! Makes a schema self-contained: what its `$ref`s name is gathered under `$defs` (JSON Schema 2020-12 §9.3.1), so
//! that a reader needs no other document. Each definition is read once for all schemas. Not for simplifying: cycles
//! stay references, and nothing is merged but the `$ref` of the schema itself. A `$dynamicRef` becomes what it means
//! where it is written; the names that it and others went by (`$id`, `$anchor`) become `x-` members.

use crate::json::{DocumentId, Kind, Object, Place};
use crate::limits::{MAX_BUNDLE_BYTES, MAX_BUNDLE_DEFINITIONS, MAX_BUNDLED_BYTES, MAX_REFERENCE_DEPTH};
use crate::pointer::unescape;
use crate::reader::Reader;
use crate::scan::{Reference, Scanned, scan};
use percent_encoding::percent_decode_str;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// What was read so far.
pub(crate) struct Bundles<'a> {
    definitions: Vec<Definition<'a>>,
    /// By address of the text.
    by_address: HashMap<usize, usize>,
    names: HashSet<String>,
    /// By address of the root.
    done: HashMap<usize, Option<Arc<RawValue>>>,
    /// What is left of [`MAX_BUNDLED_BYTES`].
    left: usize,
}

struct Definition<'a> {
    name: String,
    place: Place<'a>,
    /// Read when it is first needed.
    read: Option<Part>,
}

/// A schema's text with holes for its references, and what they name: an index into the definitions.
struct Part {
    scanned: Scanned,
    targets: Vec<Option<usize>>,
}

impl Default for Bundles<'_> {
    fn default() -> Self {
        Self {
            definitions: Vec::new(),
            by_address: HashMap::new(),
            names: HashSet::new(),
            done: HashMap::new(),
            left: MAX_BUNDLED_BYTES,
        }
    }
}

impl<'a> Reader<'a> {
    /// The schema with everything it refers to; `None` when it refers to nothing that can be found.
    pub(crate) fn bundled(&mut self, schema: Place<'a>) -> Option<Arc<RawValue>> {
        if schema.kind() != Kind::Object || !has_references(schema.raw.get()) {
            return None;
        }
        let root = self.bundle_root(schema);
        let address = root.raw.get().as_ptr() as usize;
        if let Some(done) = self.bundles.done.get(&address) {
            return done.clone();
        }
        let is_reference = !std::ptr::eq(root.raw, schema.raw);
        let has_definitions = Object::of(root).is_some_and(|object| object.get("$defs").is_some());
        let bundle = match has_definitions {
            true => self.wrapped(root),
            false => self.bundle(Source::of(root), is_reference, MAX_BUNDLE_BYTES),
        };
        let bundle = bundle.and_then(|text| RawValue::from_string(text).ok()).map(Arc::from);
        self.bundles.done.insert(address, bundle.clone());
        bundle
    }

    /// The same for a schema that belongs to a document without standing there as it is; `None` as well when it is
    /// so large that nothing would be gained.
    pub(crate) fn bundled_text(
        &mut self,
        text: &str,
        document: DocumentId,
        limit: usize,
    ) -> Option<Box<RawValue>> {
        if text.len() > limit || !has_references(text) {
            return None;
        }
        let bundle = self.bundle(Source { text, document, address: None }, false, limit)?;
        RawValue::from_string(bundle).ok()
    }

    /// What a schema that is nothing but a reference names; other schemas as they are.
    fn bundle_root(&mut self, schema: Place<'a>) -> Place<'a> {
        let is_plain = Object::of(schema).is_some_and(|o| o.reference().is_some() && o.iter().count() == 1);
        if !is_plain {
            return schema;
        }
        let Ok(trail) = self.tree.trail(schema) else { return schema };
        // Members beside a `$ref` on the way would be lost.
        let is_plain = trail.layers.iter().all(|layer| layer.iter().count() == 1);
        let is_open = trail.object.as_ref().is_some_and(|object| object.get("$defs").is_none());
        if is_plain && is_open { trail.target } else { schema }
    }

    fn bundle(&mut self, root: Source<'_>, is_reference: bool, limit: usize) -> Option<String> {
        // Its own `$defs` would stand in the way of ours.
        if Object::parse(root.text, root.document).ok()?.get("$defs").is_some() {
            return None;
        }
        let part = self.part(root)?;
        if !is_reference && part.needed().next().is_none() {
            return None;
        }
        self.written(&part, limit)
    }

    fn written(&mut self, part: &Part, limit: usize) -> Option<String> {
        let (included, is_truncated) = self.included(part, limit);
        let mut out = String::new();
        write(&mut out, part, &self.bundles.definitions, &included);
        // The root is an object: its brace is opened again for ours.
        out.pop();
        let member = |out: &mut String, text: &str| {
            if !out.ends_with('{') {
                out.push(',');
            }
            out.push_str(text);
        };
        if is_truncated {
            member(&mut out, r#""x-truncated":true"#);
        }
        if !included.is_empty() {
            member(&mut out, r#""$defs":{"#);
            for &index in &included {
                let definition = &self.bundles.definitions[index];
                let Some(read) = &definition.read else { continue };
                member(&mut out, to_raw_value(&definition.name).ok()?.get());
                out.push(':');
                write(&mut out, read, &self.bundles.definitions, &included);
            }
            out.push('}');
        }
        out.push('}');
        self.bundles.left = self.bundles.left.saturating_sub(out.len());
        Some(out)
    }

    /// A schema with `$defs` of its own becomes a definition itself: `{"$ref":"#/$defs/schema"}`.
    fn wrapped(&mut self, root: Place<'a>) -> Option<String> {
        let target = self.definition_at(root, "schema");
        let text = r#"{"$ref":}"#.to_owned();
        let at = text.len() - 1;
        let written = "\"#\"".to_owned();
        let references = vec![Reference { at, from: 0, written, is_needed: true }];
        let part = Part { scanned: Scanned { text, references }, targets: vec![Some(target)] };
        self.written(&part, MAX_BUNDLE_BYTES)
    }

    /// The definitions that a root needs, nearest first, and whether the bounds left some out.
    fn included(&mut self, root: &Part, limit: usize) -> (Vec<usize>, bool) {
        let mut included = Vec::new();
        let mut seen: HashSet<usize> = HashSet::new();
        let mut is_truncated = false;
        let mut bytes = root.size();
        let mut queue: VecDeque<usize> = root.needed().collect();
        while let Some(index) = queue.pop_front() {
            if !seen.insert(index) {
                continue;
            }
            let definition = &self.bundles.definitions[index];
            // Room for the name of the definition, and for longer references than those written.
            let least = definition.name.len() + definition.place.raw.get().len().min(limit + 1) / 2;
            if included.len() >= MAX_BUNDLE_DEFINITIONS || bytes + least > limit {
                is_truncated = true;
                continue;
            }
            if definition.read.is_none() {
                let place = definition.place;
                let read = self.part(Source::of(place));
                self.bundles.definitions[index].read = read;
            }
            let definition = &self.bundles.definitions[index];
            let size = definition.read.as_ref().map(|read| read.size() + definition.name.len() + 4);
            let Some(size) = size.filter(|size| bytes + size <= limit) else {
                is_truncated = true;
                continue;
            };
            bytes += size;
            included.push(index);
            queue.extend(definition.read.iter().flat_map(Part::needed));
        }
        (included, is_truncated)
    }

    /// A schema's text and what it refers to; `None` when the budget is spent.
    fn part(&mut self, source: Source<'_>) -> Option<Part> {
        let Source { text, document, address } = source;
        if text.len() > 2 * MAX_BUNDLE_BYTES || text.len() > self.bundles.left {
            return None;
        }
        self.bundles.left -= text.len();
        let scanned = scan(text);
        let mut targets = Vec::with_capacity(scanned.references.len());
        for reference in &scanned.references {
            let written = serde_json::from_str::<String>(&reference.written).ok();
            let at = match address {
                Some(address) => address + reference.from,
                None => self.tree.loaded[document].text.as_ptr() as usize,
            };
            targets.push(written.and_then(|written| self.definition(document, at, &written)));
        }
        Some(Part { scanned, targets })
    }

    fn definition(&mut self, document: DocumentId, address: usize, reference: &str) -> Option<usize> {
        let target = self.tree.resolve_at(document, address, reference, &mut { MAX_REFERENCE_DEPTH }).ok()?;
        matches!(target.kind(), Kind::Object | Kind::Bool).then(|| self.definition_at(target, reference))
    }

    fn definition_at(&mut self, target: Place<'a>, reference: &str) -> usize {
        let address = target.raw.get().as_ptr() as usize;
        if let Some(&index) = self.bundles.by_address.get(&address) {
            return index;
        }
        let index = self.bundles.definitions.len();
        let name = self.bundles.name(reference);
        self.bundles.definitions.push(Definition { name, place: target, read: None });
        self.bundles.by_address.insert(address, index);
        index
    }
}

/// The text of a schema and what its references are relative to.
struct Source<'t> {
    text: &'t str,
    document: DocumentId,
    /// Where the text stands; none when it was put together.
    address: Option<usize>,
}

impl<'a> Source<'a> {
    fn of(place: Place<'a>) -> Self {
        let text = place.raw.get();
        Self { text, document: place.document, address: Some(text.as_ptr() as usize) }
    }
}

/// A quick no for the many schemas without.
fn has_references(text: &str) -> bool {
    text.contains("\"$ref\"") || text.contains("\"$dynamicRef\"")
}

impl Bundles<'_> {
    /// The last segment of the pointer or the path, letters that need no escape in a pointer or a URI only; unique.
    fn name(&mut self, reference: &str) -> String {
        let last = reference.rsplit(['/', '#']).find(|part| !part.is_empty()).unwrap_or_default();
        let last = percent_decode_str(last).decode_utf8_lossy();
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
        let wanted: String = unescape(&last).chars().take(MAX_NAME).map(plain).collect();
        let wanted = if wanted.is_empty() { "schema".to_owned() } else { wanted };
        let mut name = wanted.clone();
        let mut count = 1_usize;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}-{count}");
        }
        name
    }
}

/// Longest name taken from a reference.
const MAX_NAME: usize = 200;

impl Part {
    /// Bytes when written, references as they were.
    fn size(&self) -> usize {
        self.scanned.text.len() + self.scanned.references.iter().map(|r| r.written.len()).sum::<usize>()
    }

    /// What the schema means nothing without.
    fn needed(&self) -> impl Iterator<Item = usize> {
        let both = self.scanned.references.iter().zip(&self.targets);
        both.filter_map(|(reference, target)| target.filter(|_| reference.is_needed))
    }
}

fn write(out: &mut String, part: &Part, definitions: &[Definition<'_>], included: &[usize]) {
    let text = &part.scanned.text;
    let mut start = 0;
    for (reference, target) in part.scanned.references.iter().zip(&part.targets) {
        out.push_str(&text[start..reference.at]);
        start = reference.at;
        match target.filter(|target| included.contains(target)) {
            Some(target) => {
                out.push_str("\"#/$defs/");
                out.push_str(&definitions[target].name);
                out.push('"');
            }
            None => out.push_str(&reference.written),
        }
    }
    out.push_str(&text[start..]);
}

#[cfg(test)]
mod tests {
    use crate::api::Api;
    use crate::limits::{MAX_BUNDLE_BYTES, MAX_BUNDLE_DEFINITIONS};
    use crate::testing::{openapi, read_all, swagger};
    use serde_json::Value;

    fn resolved(api: &Api) -> Vec<String> {
        let bodies = api.operations.iter().filter_map(|operation| operation.request_body.as_ref());
        bodies.flat_map(|body| &body.resolved).map(|(media, schema)| format!("{media} {}", schema.get())).collect()
    }

    fn of(schema: &str, schemas: &str) -> Vec<String> {
        resolved(&openapi(
            "3.1.0",
            &format!(
                r##""paths":{{"/a":{{"post":{{"requestBody":{{"content":{{"a/b":{{"schema":{schema}}}}}}}}}}}}},
                    "components":{{"schemas":{{{schemas}}}}}"##
            ),
        ))
    }

    const ORDER: &str = r##""Order": {"type":"object","properties":{"item":{"$ref":"#/components/schemas/Item"}}},
        "Item":{"required":["n"],"properties":{"n":{"$ref":"#/components/schemas/Name"},
            "parent":{"$ref":"#/components/schemas/Item"}}},"Name":{"type":"string"}"##;
    const DEFS: &str = r##""$defs":{"Item":{"required":["n"],"properties":{"n":{"$ref":"#/$defs/Name"},"parent":{"$ref":"#/$defs/Item"}}},"Name":{"type":"string"}}"##;

    #[test]
    fn what_a_schema_refers_to_is_gathered_once_and_cycles_stay() {
        let item = r##"{"properties":{"item":{"$ref":"#/$defs/Item"}}"##;
        for (schema, expected) in [
            (
                r##"{"$ref":"#/components/schemas/Order"}"##,
                format!(r##"a/b {{"type":"object",{},{DEFS}}}"##, &item[1..]),
            ),
            (
                r##"{"items": {"$ref":"#/components/schemas/Item"}}"##,
                format!(r##"a/b {{"items":{{"$ref":"#/$defs/Item"}},{DEFS}}}"##),
            ),
            (
                r##"{"$ref":"#/components/schemas/Name","title":"t"}"##,
                r##"a/b {"$ref":"#/$defs/Name","title":"t","$defs":{"Name":{"type":"string"}}}"##.to_owned(),
            ),
            (r##"{"$ref":"#/components/schemas/Name"}"##, r#"a/b {"type":"string"}"#.to_owned()),
        ] {
            assert_eq!(of(schema, ORDER), [expected], "{schema}");
        }
        for schema in ["{}", "true", r##"{"$ref":"#/nowhere"}"##, r##"{"example":{"$ref":"#/components"}}"##] {
            assert!(of(schema, ORDER).is_empty(), "{schema}");
        }
    }

    #[test]
    fn other_documents_are_gathered_under_names_of_their_own() {
        let root = r##"{"openapi":"3.0.0","paths":{"/a":{"post":{"requestBody":{"content":{"a/b":{"schema":
            {"properties":{"x":{"$ref":"p.json#/Item"},"y":{"$ref":"#/Item"}}}}}}}}},"Item":{"title":"root"}}"##;
        let part = r##"{"Item":{"title":"part","items":{"$ref":"#/a~1b"}},"a/b":{"title":"deep"}}"##;
        let api = read_all(&[("https://h.example/a.json", root), ("https://h.example/p.json", part)]);
        let expected = r##"a/b {"properties":{"x":{"$ref":"#/$defs/Item"},"y":{"$ref":"#/$defs/Item-2"}},"$defs":{"Item":{"title":"part","items":{"$ref":"#/$defs/a_b"}},"Item-2":{"title":"root"},"a_b":{"title":"deep"}}}"##;
        assert_eq!(resolved(&api), [expected]);
    }

    #[test]
    fn bodies_of_swagger_are_self_contained_too_and_share_their_schema() {
        let body = r##"{"post":{"parameters":[{"in":"body","name":"b","schema":{"$ref":"#/definitions/N"}}]}}"##;
        let api = swagger(&format!(
            r##""consumes":["a/b","c/d"],"paths":{{"/a":{body},"/b":{body}}},"definitions":{{"N":{{"type":"x"}}}}"##
        ));
        let bodies: Vec<_> = api.operations.iter().filter_map(|o| o.request_body.as_ref()).collect();
        assert_eq!(bodies[0].resolved[1].1.get(), r#"{"type":"x"}"#);
        assert!(std::sync::Arc::ptr_eq(&bodies[0].resolved[0].1, &bodies[1].resolved[1].1));
    }

    #[test]
    fn beyond_the_bounds_references_stay_and_the_schema_says_so() {
        let chain: Vec<String> = (0..=MAX_BUNDLE_DEFINITIONS + 9)
            .map(|i| format!(r##""S{i}":{{"items":{{"$ref":"#/components/schemas/S{}"}}}}"##, i + 1))
            .collect();
        let large = "x".repeat(MAX_BUNDLE_BYTES / 3);
        let wide: Vec<String> = (0..9).map(|i| format!(r#""S{i}":{{"title":"{large}"}}"#)).collect();
        let refs: Vec<String> = (0..9).map(|i| format!(r##"{{"$ref":"#/components/schemas/S{i}"}}"##)).collect();
        for (schema, schemas, count) in [
            (r##"{"items":{"$ref":"#/components/schemas/S0"}}"##.to_owned(), chain, MAX_BUNDLE_DEFINITIONS),
            (format!(r#"{{"anyOf":[{}]}}"#, refs.join(",")), wide, 2),
        ] {
            let resolved = of(&schema, &schemas.join(","));
            let text = resolved[0].trim_start_matches("a/b ");
            assert!(text.len() <= MAX_BUNDLE_BYTES + 64, "{}", text.len());
            let value: Value = serde_json::from_str(text).expect("json");
            assert_eq!(value["x-truncated"], true);
            assert_eq!(value["$defs"].as_object().expect("defs").len(), count);
            assert!(text.contains(r##""$ref":"#/components/schemas/S"##));
        }
    }
}
