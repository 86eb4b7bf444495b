//! A look into a schema without a value: which types may stand here, what is said about a member. For those who write
//! values as forms, parameters or XML.

use crate::Schema;
use crate::json::Json;
use crate::node::{Hints, Node, NodeId, Types};

/// Schemas in place that are looked through.
const MAX_LOOKED_AT: usize = 64;

/// A place in a schema.
#[derive(Debug, Clone, Copy)]
pub struct View<'s> {
    schema: &'s Schema,
    node: NodeId,
}

impl Schema {
    /// The schema itself.
    pub fn view(&self) -> View<'_> {
        View { schema: self, node: 0 }
    }

    /// Types that may fit here, as far as the keywords in place tell.
    pub(crate) fn types_at(&self, id: NodeId) -> Types {
        self.types_within(id, &mut { MAX_LOOKED_AT })
    }

    fn types_within(&self, id: NodeId, left: &mut usize) -> Types {
        if *left == 0 {
            return Types::ANY;
        }
        *left -= 1;
        let node = self.node(id);
        let mut types = node.types;
        if let Some(choices) = &node.choices {
            types = types & choices.iter().fold(Types::NONE, |all, choice| all | Types::of(choice));
        }
        if let Some(reference) = node.reference {
            types = types & self.types_within(reference, left);
        }
        if let Some(combined) = &node.combined {
            for part in &combined.all_of {
                types = types & self.types_within(*part, left);
            }
            for alternatives in [&combined.any_of, &combined.one_of] {
                if !alternatives.is_empty() {
                    let any = alternatives.iter().fold(Types::NONE, |all, id| all | self.types_within(*id, left));
                    types = types & any;
                }
            }
        }
        if node.nullable { types | Types::NULL } else { types }
    }

    /// The node and those in place below it, nearest first; alternatives too.
    pub(crate) fn in_place(&self, id: NodeId) -> Vec<NodeId> {
        let mut all = vec![id];
        let mut at = 0;
        while at < all.len() && all.len() < MAX_LOOKED_AT {
            let node = self.node(all[at]);
            let combined = node.combined.iter();
            let parts = combined.flat_map(|c| c.all_of.iter().chain(&c.any_of).chain(&c.one_of).copied());
            let next: Vec<NodeId> = node.reference.into_iter().chain(parts).collect();
            all.extend(next.into_iter().filter(|id| !self.node(*id).is_null()));
            at += 1;
        }
        all
    }
}

impl Node {
    /// Only `null` fits: the way to say "or nothing".
    fn is_null(&self) -> bool {
        self.types == Types::NULL
    }
}

impl<'s> View<'s> {
    /// Types that may fit here.
    pub fn types(self) -> Types {
        self.schema.types_at(self.node)
    }

    /// What is said about a member of this name.
    pub fn member(self, name: &str) -> Option<View<'s>> {
        self.find(|node| {
            let object = node.object.as_ref()?;
            let pattern = || object.patterns.iter().find(|(pattern, _)| pattern.regex.is_match(name)).map(|p| p.1);
            object.property(name).or_else(pattern).or(object.additional)
        })
    }

    /// Names of the members that are described, and what is said about them.
    pub fn members(self) -> Vec<(&'s str, View<'s>)> {
        let mut all: Vec<(&'s str, View<'s>)> = Vec::new();
        for id in self.schema.in_place(self.node) {
            let Some(object) = &self.schema.node(id).object else { continue };
            for (name, node) in &object.properties {
                if !all.iter().any(|(known, _)| *known == &**name) {
                    all.push((name, View { schema: self.schema, node: *node }));
                }
            }
        }
        all
    }

    /// What is said about the items of a list.
    pub fn items(self) -> Option<View<'s>> {
        self.find(|node| node.list.as_ref().and_then(|list| list.items.or(list.prefix.first().copied())))
    }

    /// Format, media type, encoding and XML, as far as something is said.
    pub fn hints(self) -> Hints {
        let mut found = Hints::default();
        for id in self.schema.in_place(self.node) {
            let Some(hints) = &self.schema.node(id).hints else { continue };
            let pairs = [
                (&mut found.format, &hints.format),
                (&mut found.content_media_type, &hints.content_media_type),
                (&mut found.content_encoding, &hints.content_encoding),
            ];
            for (found, hint) in pairs {
                if found.is_empty() {
                    found.clone_from(hint);
                }
            }
            if found.xml.is_none() {
                found.xml.clone_from(&hints.xml);
            }
        }
        found
    }

    /// Does the value fit here?
    pub fn fits(self, value: &Json<'_>) -> bool {
        self.schema.fits_at(self.node, value)
    }

    fn find(self, look: impl Fn(&Node) -> Option<NodeId>) -> Option<View<'s>> {
        let node = self.schema.in_place(self.node).into_iter().find_map(|id| look(self.schema.node(id)))?;
        Some(View { schema: self.schema, node })
    }
}
