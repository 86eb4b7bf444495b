//! A schema, compiled: nodes that name each other by number, rules sorted by the kind of value they are about.

use crate::format::Format;
use crate::json::{Json, Number};
use regex::Regex;
use std::ops::{BitAnd, BitOr, BitOrAssign};

/// Number of a node.
pub(crate) type NodeId = u32;

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

impl Types {
    /// No type: nothing fits.
    pub const NONE: Self = Self(0);
    /// `null`
    pub const NULL: Self = Self(1);
    /// `boolean`
    pub const BOOL: Self = Self(2);
    /// `integer`
    pub const INTEGER: Self = Self(4);
    /// A number with a fraction.
    pub const FRACTION: Self = Self(8);
    /// `number`
    pub const NUMBER: Self = Self(12);
    /// `string`
    pub const TEXT: Self = Self(16);
    /// `array`
    pub const LIST: Self = Self(32);
    /// `object`
    pub const OBJECT: Self = Self(64);
    /// Every type.
    pub const ANY: Self = Self(127);
    /// Everything that is no list and no object.
    pub const SCALAR: Self = Self(31);

    const WORDS: [(Self, &'static str); 7] = [
        (Self::TEXT, "a text"),
        (Self::NUMBER, "a number"),
        (Self::INTEGER, "a whole number"),
        (Self::BOOL, "true or false"),
        (Self::LIST, "a list"),
        (Self::OBJECT, "an object"),
        (Self::NULL, "null"),
    ];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::NULL,
            "boolean" => Self::BOOL,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::TEXT,
            "array" => Self::LIST,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    /// The type of a value.
    pub(crate) fn of(value: &Json<'_>) -> Self {
        match value {
            Json::Null => Self::NULL,
            Json::Bool(_) => Self::BOOL,
            Json::Number(number) if number.is_whole() => Self::INTEGER,
            Json::Number(_) => Self::FRACTION,
            Json::Text(_) => Self::TEXT,
            Json::List(_) => Self::LIST,
            Json::Object(_) => Self::OBJECT,
        }
    }

    /// True when the sets have a type in common.
    pub fn allows(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// For messages: `a text or a whole number`.
    pub(crate) fn expected(self) -> String {
        if self == Self::ANY {
            return "any value".into();
        }
        let mut left = self.0;
        let mut words = Vec::new();
        for (types, word) in Self::WORDS {
            if left & types.0 == types.0 {
                left &= !types.0;
                words.push(word);
            }
        }
        if words.is_empty() { "nothing".into() } else { words.join(" or ") }
    }
}

impl BitAnd for Types {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Types {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Types {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// One schema.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) types: Types,
    /// `nullable: true`: `null` fits, whatever else is said.
    pub(crate) nullable: bool,
    /// `$ref`.
    pub(crate) reference: Option<NodeId>,
    /// `enum`, `const`.
    pub(crate) choices: Option<Box<[Json<'static>]>>,
    pub(crate) text: Option<Box<TextRules>>,
    pub(crate) number: Option<Box<NumberRules>>,
    pub(crate) list: Option<Box<ListRules>>,
    pub(crate) object: Option<Box<ObjectRules>>,
    pub(crate) combined: Option<Box<Combined>>,
    pub(crate) hints: Option<Box<Hints>>,
}

impl Node {
    /// The schema `true`, or `false`.
    pub(crate) const fn plain(types: Types) -> Self {
        Self {
            types,
            nullable: false,
            reference: None,
            choices: None,
            text: None,
            number: None,
            list: None,
            object: None,
            combined: None,
            hints: None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct TextRules {
    /// Code points.
    pub(crate) least: usize,
    pub(crate) most: Option<usize>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) format: Option<Format>,
}

/// A pattern and how it was written.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) written: Box<str>,
    pub(crate) regex: Regex,
}

/// A bound, and whether it is itself left out.
pub(crate) type Bound = (Number, bool);
/// A member, and those that must be there with it.
pub(crate) type Dependency = (Box<str>, Box<[Box<str>]>);

#[derive(Debug, Default)]
pub(crate) struct NumberRules {
    pub(crate) least: Option<Bound>,
    pub(crate) most: Option<Bound>,
    pub(crate) multiple_of: Option<Number>,
    /// A format of integers: its word, least and greatest value.
    pub(crate) range: Option<(&'static str, i128, i128)>,
}

#[derive(Debug, Default)]
pub(crate) struct ListRules {
    pub(crate) prefix: Box<[NodeId]>,
    /// Those behind the prefix.
    pub(crate) items: Option<NodeId>,
    pub(crate) contains: Option<Contains>,
    pub(crate) least: usize,
    pub(crate) most: Option<usize>,
    pub(crate) unique: bool,
    pub(crate) unevaluated: Option<NodeId>,
}

#[derive(Debug)]
pub(crate) struct Contains {
    pub(crate) node: NodeId,
    pub(crate) least: usize,
    pub(crate) most: Option<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct ObjectRules {
    /// Ascending names.
    pub(crate) properties: Box<[(Box<str>, NodeId)]>,
    pub(crate) required: Box<[Box<str>]>,
    pub(crate) patterns: Box<[(Pattern, NodeId)]>,
    pub(crate) additional: Option<NodeId>,
    pub(crate) names: Option<NodeId>,
    pub(crate) least: usize,
    pub(crate) most: Option<usize>,
    pub(crate) dependent_required: Box<[Dependency]>,
    pub(crate) dependent: Box<[(Box<str>, NodeId)]>,
    pub(crate) unevaluated: Option<NodeId>,
}

impl ObjectRules {
    pub(crate) fn property(&self, name: &str) -> Option<NodeId> {
        let found = self.properties.binary_search_by(|(known, _)| (**known).cmp(name));
        found.ok().map(|at| self.properties[at].1)
    }
}

/// Schemas about the same value.
#[derive(Debug, Default)]
pub(crate) struct Combined {
    pub(crate) all_of: Box<[NodeId]>,
    pub(crate) any_of: Box<[NodeId]>,
    pub(crate) one_of: Box<[NodeId]>,
    pub(crate) not: Option<NodeId>,
    pub(crate) condition: Option<Condition>,
    pub(crate) discriminator: Option<Discriminator>,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) when: NodeId,
    pub(crate) then: Option<NodeId>,
    pub(crate) otherwise: Option<NodeId>,
}

/// Says which alternative is meant, for messages only.
#[derive(Debug)]
pub(crate) struct Discriminator {
    pub(crate) property: Box<str>,
    /// Value of the property, and the node it stands for.
    pub(crate) mapping: Box<[(Box<str>, NodeId)]>,
}

/// What is not for checking, but for writing the value.
#[derive(Debug, Default, Clone)]
pub struct Hints {
    /// `format`.
    pub format: String,
    /// `contentMediaType`.
    pub content_media_type: String,
    /// `contentEncoding`.
    pub content_encoding: String,
    /// OpenAPI `xml`.
    pub xml: Option<Xml>,
}

/// OpenAPI `xml`: how a value is written as XML.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Xml {
    /// Name of the element or attribute.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Prefix of the name.
    pub prefix: String,
    /// An attribute of the parent.
    pub attribute: bool,
    /// A list has an element of its own around its items.
    pub wrapped: bool,
    /// OpenAPI 3.2: `text` or `cdata`: the value is the content of its parent's element.
    pub node_type: String,
}
