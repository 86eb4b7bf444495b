//! A JSON value that remembers where each part was written. Not for output: the typed model is what is printed.

use indexmap::IndexMap;

/// A place in one of the loaded files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    /// Index into the list of loaded files.
    pub(crate) file: u16,
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
}

/// A value and the place where it begins. Deliberately without `Debug`: it may hold secrets.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// A JSON value. Numbers keep their text, so that nothing is rounded before it is checked.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Object),
}

/// A member of an object: the place of its key, and its value.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) key_at: At,
    pub(crate) node: Node,
}

/// An object. The first of repeated keys is kept; the others are remembered to be reported.
#[derive(Clone, Default)]
pub(crate) struct Object {
    pub(crate) members: IndexMap<String, Member>,
    pub(crate) repeated: Vec<(String, At)>,
}

impl Node {
    /// An empty object at a place.
    pub(crate) fn empty_object(at: At) -> Self {
        Self { at, value: Value::Object(Object::default()) }
    }

    /// A text at a place, for values that follow from others.
    pub(crate) fn text_at(at: At, text: &str) -> Self {
        Self { at, value: Value::Text(text.to_owned()) }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn object(&self) -> Option<&Object> {
        match &self.value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(crate) fn object_mut(&mut self) -> Option<&mut Object> {
        match &mut self.value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The node below, when every step is an object with that key.
    pub(crate) fn find(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.object()?.get(key))
    }

    /// `null`, `[]` and `{}` say nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::List(items) => items.is_empty(),
            Value::Object(object) => object.members.is_empty(),
            Value::Flag(_) | Value::Number(_) | Value::Text(_) => false,
        }
    }

    /// Does a later statement say nothing that this one does not say? An object may say less, but not nothing.
    pub(crate) fn covers(&self, later: &Node) -> bool {
        match (&self.value, &later.value) {
            (Value::Null, Value::Null) => true,
            (Value::Flag(a), Value::Flag(b)) => a == b,
            (Value::Number(a), Value::Number(b)) | (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.covers(b)),
            (Value::Object(a), Value::Object(b)) => {
                a.members.is_empty() == b.members.is_empty()
                    && b.members.iter().all(|(key, b)| a.get(key).is_some_and(|a| a.covers(&b.node)))
            }
            _ => false,
        }
    }

    /// The JSON word for the type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Flag(_) => "boolean",
            Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "array",
            Value::Object(_) => "object",
        }
    }
}

impl Object {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.members.get(key).map(|member| &member.node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.members.get_mut(key).map(|member| &mut member.node)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// Present and neither `[]` nor `{}`.
    pub(crate) fn has_content(&self, key: &str) -> bool {
        self.get(key).is_some_and(|node| !node.is_empty())
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Node> {
        self.members.shift_remove(key).map(|member| member.node)
    }

    pub(crate) fn set(&mut self, key: &str, node: Node) {
        self.members.insert(key.to_owned(), Member { key_at: node.at, node });
    }

    /// The object below a key; created at a place when there is none.
    pub(crate) fn child(&mut self, key: &str, at: At) -> &mut Object {
        if self.get(key).and_then(Node::object).is_none() {
            self.set(key, Node::empty_object(at));
        }
        self.get_mut(key).and_then(Node::object_mut).expect("invariant: it is an object since the line above")
    }
}

/// The path of a member: dotted, the key raw (rules of the contract).
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
