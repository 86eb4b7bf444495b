//! Checks of the merged configuration (config-and-state §1.7 to §1.9 and weaknesses 14 to 16). Each finding
//! points at the file, line and column that caused it; something missing points at the object that lacks it.

mod network;
mod references;
mod runtime;
mod secrets;
mod sources;

use crate::diagnostic::Report;
use crate::tree::{At, Node, Object, join};

/// Runs every check, so that one load reports everything (weakness 3).
pub(crate) fn all(root: &Node, report: &mut Report) {
    let Some(root) = Spot::of(root, String::new()) else { return };
    for (keys, example) in [(&["cli"][..], "\"1.0.0\""), (&["mode", "default"], "\"discover\"")] {
        if root.object.get(keys[0]).and_then(|node| node.find(&keys[1..])).is_none() {
            let at = root.object.get(keys[0]).map_or(root.at, |node| node.at);
            let message = format!("required, but no scope sets it; for example {example}");
            report.merged_fault(at, &keys.join("."), message);
        }
    }
    runtime::check(&root, report);
    sources::check(&root, report);
    secrets::check(&root, report);
    network::check(&root, report);
    references::check(&root, report);
    if let Some(catalog) = root.child("catalog")
        && let Some(new_tools) = catalog.object.get("newTools")
        && !catalog.object.has("lock")
    {
        let message = "says nothing without catalog.lock; name a lock file, or remove it".to_owned();
        report.merged_warning(new_tools.at, &catalog.path_of("newTools"), message);
    }
}

/// An object of the merged tree, its place and its path.
struct Spot<'a> {
    object: &'a Object,
    at: At,
    path: String,
}

impl<'a> Spot<'a> {
    fn of(node: &'a Node, path: String) -> Option<Self> {
        Some(Self { object: node.object()?, at: node.at, path })
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The object below a key.
    fn child(&self, key: &str) -> Option<Spot<'a>> {
        Spot::of(self.object.get(key)?, self.path_of(key))
    }

    /// The objects below a key that holds a map.
    fn children(&self, key: &str) -> impl Iterator<Item = (&'a str, Spot<'a>)> + use<'a> {
        let path = self.path_of(key);
        let map = self.object.get(key).and_then(Node::object);
        map.into_iter()
            .flat_map(|map| &map.members)
            .filter_map(move |(id, member)| Some((id.as_str(), Spot::of(&member.node, join(&path, id))?)))
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.object.text(key)
    }

    /// A fault at the key when it is absent. True when it is present.
    fn require(&self, key: &str, message: &str, report: &mut Report) -> bool {
        let present = self.object.has(key);
        if !present {
            report.merged_fault(self.at, &self.path_of(key), message);
        }
        present
    }

    /// A fault at the key when it holds something.
    fn forbid(&self, key: &str, message: &str, report: &mut Report) {
        if self.object.has_content(key) {
            let at = self.object.members.get(key).map_or(self.at, |member| member.key_at);
            report.merged_fault(at, &self.path_of(key), message);
        }
    }

    /// Like [`Spot::forbid`], but an empty object counts too.
    fn forbid_even_empty(&self, key: &str, message: &str, report: &mut Report) {
        if let Some(member) = self.object.members.get(key) {
            report.merged_fault(member.key_at, &self.path_of(key), message);
        }
    }
}
