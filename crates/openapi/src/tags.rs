//! Declared tags, and which of an operation's tags shape the command tree (OpenAPI 3.2 §4.22 `parent` and `kind`).
//!
//! Of an operation's tags, the first that is for navigation gives its group: one without `kind`, with `kind: nav`, or
//! not declared at all. Tags of other kinds (`badge`, `audience`, …) say something about an operation and not where it
//! is. The tags above it, by `parent`, come before it. Versions before 3.2 know neither member: there the first tag
//! counts, whatever its declaration says.

use crate::api::Tag;
use crate::json::Object;
use crate::limits::{MAX_DECLARED_TAGS, MAX_NAME_LENGTH, MAX_TAG_DEPTH};
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::version::Version;
use indexmap::IndexMap;

/// The declared tags by name, each with its pointer.
pub(crate) type Tags = IndexMap<String, (Tag, String)>;

impl<'a> Reader<'a> {
    /// Reads `tags` of the document.
    pub(crate) fn read_tags(&mut self, root: &Object<'a>) {
        let Some(place) = root.get("tags") else { return };
        let Some(elements) = place.elements() else {
            let message = format!("`tags` is {}, not a list; it is ignored", place.kind().with_article());
            self.report.warning(code::TAG, "/tags", message, "write a list of objects with `name`");
            return;
        };
        if elements.len() > MAX_DECLARED_TAGS {
            let message = format!("there are {} tags; the first {MAX_DECLARED_TAGS} are kept", elements.len());
            self.report.warning(code::LIMIT, "/tags", message, "");
        }
        for (index, element) in elements.into_iter().take(MAX_DECLARED_TAGS).enumerate() {
            let pointer = format!("/tags/{index}");
            let object = Object::of(element).unwrap_or_default();
            let name = object.string("name");
            if name.is_empty() || name.len() > MAX_NAME_LENGTH {
                let message = "the tag has no usable `name`; it is ignored".to_owned();
                self.report.warning(code::TAG, &pointer, message, "write an object with `name`");
                continue;
            }
            if self.tags.contains_key(&name) {
                let message = format!("the tag {} is declared twice", quoted(&name));
                self.report.warning(code::TAG, &pointer, message, "the first one counts; remove the other");
                continue;
            }
            let since_3_2 = |member: &str| match self.version {
                Version::V32 => object.string(member),
                _ => String::new(),
            };
            let tag = Tag {
                summary: since_3_2("summary"),
                description: object.string("description"),
                parent: since_3_2("parent"),
                kind: since_3_2("kind"),
                name: name.clone(),
            };
            self.tags.insert(name, (tag, pointer));
        }
        self.remark_on_parents();
    }

    /// OpenAPI 3.2: a parent exists, and nobody is above themselves.
    fn remark_on_parents(&mut self) {
        for (tag, pointer) in self.tags.values().filter(|(tag, _)| !tag.parent.is_empty()) {
            let fault = if !self.tags.contains_key(&tag.parent) {
                "which is not declared"
            } else if self.above(tag).count() >= MAX_TAG_DEPTH {
                "and so on, without an end or too deep"
            } else {
                continue;
            };
            self.report.warning(
                code::TAG,
                &format!("{pointer}/parent"),
                format!("the tag {} has the parent {}, {fault}", quoted(&tag.name), quoted(&tag.parent)),
                "its commands are grouped by the tag alone; correct `parent`",
            );
        }
    }

    /// The declared tags above one, nearest first.
    fn above<'t>(&'t self, tag: &'t Tag) -> impl Iterator<Item = &'t Tag> {
        let parent = |tag: &&'t Tag| self.tags.get(&tag.parent).map(|(tag, _)| tag);
        std::iter::successors(parent(&tag), parent).take(MAX_TAG_DEPTH)
    }

    /// The tags that lead to an operation, outermost first; `None` before OpenAPI 3.2.
    pub(crate) fn group_tags(&self, tags: &[String]) -> Option<Vec<String>> {
        if self.version < Version::V32 {
            return None;
        }
        let navigates = |tag: &Tag| matches!(tag.kind.as_str(), "" | "nav");
        let declared = |name: &String| self.tags.get(name).map(|(tag, _)| tag);
        let Some(name) = tags.iter().find(|name| declared(name).is_none_or(navigates)) else {
            return Some(Vec::new());
        };
        let mut path = vec![name.clone()];
        if let Some(tag) = declared(name) {
            let above: Vec<&Tag> = self.above(tag).collect();
            // A circle has no outermost tag.
            if above.len() < MAX_TAG_DEPTH {
                path.extend(above.into_iter().filter(|tag| navigates(tag)).map(|tag| tag.name.clone()));
            }
        }
        path.reverse();
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use crate::api::Operation;
    use crate::testing::{codes, openapi};

    fn groups(version: &str, declared: &str, used: &[&str]) -> (Vec<String>, Vec<(String, String)>) {
        let paths: Vec<String> =
            used.iter().enumerate().map(|(i, tags)| format!(r#""/{i}":{{"get":{{"tags":[{tags}]}}}}"#)).collect();
        let api = openapi(version, &format!(r#""tags":{declared},"paths":{{{}}}"#, paths.join(",")));
        let found = api.diagnostics.iter().map(|d| (d.code.clone(), d.pointer.clone())).collect();
        (api.operations.iter().map(shown).collect(), found)
    }

    fn shown(operation: &Operation) -> String {
        operation.group_tags.as_ref().map_or("-".to_owned(), |tags| tags.join(" > "))
    }

    const TAGS: &str = r#"[{"name":"sales","kind":"nav"},{"name":"orders","parent":"sales","summary":"Orders"},
        {"name":"returns","parent":"orders"},{"name":"beta","kind":"badge"},
        {"name":"partner","kind":"audience","parent":"sales"},{"name":"odd","parent":"beta"}]"#;

    #[test]
    fn the_first_tag_for_navigation_and_those_above_it_give_the_group() {
        let used = [
            r#""orders""#,
            r#""beta","returns","orders""#,
            r#""beta","partner""#,
            r#""unknown","orders""#,
            r#""odd""#,
            "",
        ];
        let (found, diagnostics) = groups("3.2.0", TAGS, &used);
        assert_eq!(found, ["sales > orders", "sales > orders > returns", "", "unknown", "odd", ""]);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let (found, _) = groups("3.1.0", TAGS, &used);
        assert_eq!(found, ["-"; 6], "only the first tag");
    }

    #[test]
    fn broken_declarations_are_told_and_do_no_harm() {
        let declared = r#"[{"name":"a","parent":"b"},{"name":"b","parent":"a"},{"name":"c","parent":"c"},
            {"name":"d","parent":"nobody"},{"name":"d"},{},7]"#;
        let (found, diagnostics) = groups("3.2.0", declared, &[r#""a""#, r#""c""#, r#""d""#]);
        assert_eq!(found, ["a", "c", "d"]);
        let pointers: Vec<&str> = diagnostics.iter().map(|(_, pointer)| pointer.as_str()).collect();
        let expected = [
            "/tags/4",
            "/tags/5",
            "/tags/6",
            "/tags/0/parent",
            "/tags/1/parent",
            "/tags/2/parent",
            "/tags/3/parent",
        ];
        assert_eq!(pointers, expected);
        assert!(diagnostics.iter().all(|(code, _)| code == "tag_invalid"));
        assert_eq!(codes(&openapi("3.2.0", r#""tags":{},"paths":{}"#)), ["tag_invalid"]);
    }

    #[test]
    fn declared_tags_are_carried() {
        let api = openapi("3.2.0", &format!(r#""tags":{TAGS}"#));
        assert_eq!(api.tags.len(), 6);
        let orders = &api.tags[1];
        assert_eq!((&*orders.name, &*orders.summary, &*orders.parent), ("orders", "Orders", "sales"));
    }
}
