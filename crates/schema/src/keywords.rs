//! The keywords of one schema object. A keyword whose value has the wrong shape is skipped and said to be.

use crate::compile::Compiler;
use crate::format::{self, Format};
use crate::json::{Json, Number};
use crate::node::{
    Bound, Combined, Condition, Contains, Dependency, Discriminator, Hints, ListRules, Node, NodeId, NumberRules,
    ObjectRules, TextRules, Types, Xml,
};
use crate::{Dialect, Direction};
use std::borrow::Cow;

/// Choices of an `enum` that are kept.
const MAX_CHOICES: usize = 10_000;

/// The members of a schema, the last of each name.
struct Keywords<'a> {
    owner: &'a Json<'a>,
    members: &'a [(Cow<'a, str>, Json<'a>)],
}

impl<'a> Keywords<'a> {
    fn get(&self, name: &str) -> Option<&'a Json<'a>> {
        self.members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_text()
    }
    fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Json::Bool(true)))
    }
    /// A schema; anything else is no keyword.
    fn schema(&self, name: &str) -> Option<&'a Json<'a>> {
        self.get(name).filter(|json| matches!(json, Json::Object(_) | Json::Bool(_)))
    }
    fn object(&self, name: &str) -> &'a [(Cow<'a, str>, Json<'a>)] {
        match self.get(name) {
            Some(Json::Object(members)) => members,
            _ => &[],
        }
    }
    fn list(&self, name: &str) -> &'a [Json<'a>] {
        match self.get(name) {
            Some(Json::List(items)) => items,
            _ => &[],
        }
    }
    fn has_any(&self, names: &[&str]) -> bool {
        self.members.iter().any(|(key, _)| names.contains(&key.as_ref()))
    }
}

impl<'a> Compiler<'a> {
    pub(crate) fn object(&mut self, owner: &'a Json<'a>, members: &'a [(Cow<'a, str>, Json<'a>)]) -> Node {
        let keywords = Keywords { owner, members };
        let mut node = Node::plain(Types::ANY);
        if let Some(reference) = keywords.text("$ref").or_else(|| keywords.text("$dynamicRef")) {
            node.reference = self.target(owner, reference);
            if self.options.dialect == Dialect::OpenApi30 {
                return node;
            }
        }
        node.types = self.types(&keywords);
        node.nullable = keywords.is_true("nullable");
        node.choices = self.choices(&keywords);
        node.text = self.text_rules(&keywords).map(Box::new);
        node.number = self.number_rules(&keywords).map(Box::new);
        node.list = self.list_rules(&keywords).map(Box::new);
        node.object = self.object_rules(&keywords).map(Box::new);
        node.combined = self.combined(&keywords).map(Box::new);
        node.hints = hints(&keywords).map(Box::new);
        node
    }

    fn types(&mut self, keywords: &Keywords<'a>) -> Types {
        let words: Vec<&str> = match keywords.get("type") {
            None => return Types::ANY,
            Some(Json::Text(word)) => vec![word],
            Some(Json::List(words)) => words.iter().filter_map(Json::as_text).collect(),
            Some(_) => Vec::new(),
        };
        let mut types = Types::NONE;
        for word in &words {
            match Types::parse(word) {
                Some(known) => types |= known,
                // Swagger 2.0.
                None if *word == "file" => types |= Types::TEXT,
                None => {
                    self.skip(keywords.owner, format!("{word:?} is no type"));
                    return Types::ANY;
                }
            }
        }
        if words.is_empty() {
            self.skip(keywords.owner, "`type` names no type".into());
            return Types::ANY;
        }
        types
    }

    fn choices(&mut self, keywords: &Keywords<'a>) -> Option<Box<[Json<'static>]>> {
        if let Some(only) = keywords.get("const") {
            return Some(Box::new([only.clone().into_owned()]));
        }
        match keywords.get("enum")? {
            Json::List(choices) if choices.len() <= MAX_CHOICES => {
                Some(choices.iter().map(|choice| choice.clone().into_owned()).collect())
            }
            Json::List(_) => {
                self.skip(keywords.owner, format!("`enum` has more than {MAX_CHOICES} values"));
                None
            }
            _ => {
                self.skip(keywords.owner, "`enum` is no list".into());
                None
            }
        }
    }

    fn count(&mut self, keywords: &Keywords<'a>, name: &str) -> Option<usize> {
        let Json::Number(number) = keywords.get(name)? else {
            self.skip(keywords.owner, format!("`{name}` is no number"));
            return None;
        };
        let count = number.as_int().and_then(|count| usize::try_from(count).ok());
        if count.is_none() {
            self.skip(keywords.owner, format!("`{name}` is no count"));
        }
        count
    }

    fn text_rules(&mut self, keywords: &Keywords<'a>) -> Option<TextRules> {
        let format = keywords.text("format").and_then(Format::of);
        if format.is_none() && !keywords.has_any(&["minLength", "maxLength", "pattern"]) {
            return None;
        }
        Some(TextRules {
            least: self.count(keywords, "minLength").unwrap_or(0),
            most: self.count(keywords, "maxLength"),
            pattern: keywords.text("pattern").and_then(|pattern| self.pattern(keywords.owner, pattern)),
            format,
        })
    }

    fn number_rules(&mut self, keywords: &Keywords<'a>) -> Option<NumberRules> {
        let range = keywords.text("format").and_then(format::range);
        let names = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
        if range.is_none() && !keywords.has_any(&names) {
            return None;
        }
        let multiple_of = self.number(keywords, "multipleOf").filter(|number| number.as_f64() > 0.0);
        Some(NumberRules {
            least: self.bound(keywords, "minimum", "exclusiveMinimum", std::cmp::max),
            most: self.bound(keywords, "maximum", "exclusiveMaximum", std::cmp::min),
            multiple_of,
            range,
        })
    }

    fn number(&mut self, keywords: &Keywords<'a>, name: &str) -> Option<Number> {
        match keywords.get(name)? {
            Json::Number(number) => Some(*number),
            // OpenAPI 3.0: `exclusiveMinimum: true` speaks about `minimum`.
            Json::Bool(_) if name.starts_with("exclusive") => None,
            _ => {
                self.skip(keywords.owner, format!("`{name}` is no number"));
                None
            }
        }
    }

    fn bound(
        &mut self,
        keywords: &Keywords<'a>,
        name: &str,
        exclusive: &str,
        stricter: fn(Bound, Bound) -> Bound,
    ) -> Option<Bound> {
        let plain = self.number(keywords, name).map(|number| (number, keywords.is_true(exclusive)));
        let bare = self.number(keywords, exclusive).map(|number| (number, true));
        match (plain, bare) {
            // Of two equal bounds the exclusive one is the stricter.
            (Some(plain), Some(bare)) if plain.0 == bare.0 => Some(bare),
            (Some(plain), Some(bare)) => Some(stricter(plain, bare)),
            (plain, bare) => plain.or(bare),
        }
    }

    fn list_rules(&mut self, keywords: &Keywords<'a>) -> Option<ListRules> {
        let names =
            ["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems"];
        if !keywords.has_any(&names) {
            return None;
        }
        let mut prefix = self.nodes_of(keywords.list("prefixItems"));
        let mut items = keywords.schema("items").map(|items| self.node(items));
        if let Some(Json::List(tuple)) = keywords.get("items") {
            // Before 2020-12.
            prefix = self.nodes_of(tuple);
            items = keywords.schema("additionalItems").map(|items| self.node(items));
        }
        let contains = keywords.schema("contains").map(|schema| Contains {
            node: self.node(schema),
            least: self.count(keywords, "minContains").unwrap_or(1),
            most: self.count(keywords, "maxContains"),
        });
        Some(ListRules {
            prefix,
            items,
            contains,
            least: self.count(keywords, "minItems").unwrap_or(0),
            most: self.count(keywords, "maxItems"),
            unique: keywords.is_true("uniqueItems"),
            unevaluated: keywords.schema("unevaluatedItems").map(|schema| self.node(schema)),
        })
    }

    fn object_rules(&mut self, keywords: &Keywords<'a>) -> Option<ObjectRules> {
        let names = [
            "properties",
            "required",
            "patternProperties",
            "additionalProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
            "unevaluatedProperties",
        ];
        if !keywords.has_any(&names) {
            return None;
        }
        let described = keywords.object("properties");
        let mut properties: Vec<(Box<str>, NodeId)> =
            described.iter().map(|(name, schema)| (Box::from(name.as_ref()), self.node(schema))).collect();
        properties.sort_by(|a, b| a.0.cmp(&b.0));
        properties.dedup_by(|a, b| a.0 == b.0);
        // OpenAPI: what only the other side sends is not required of this one.
        let other_side = match self.options.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let is_other_sides = |name: &str| {
            let schema = described.iter().rev().find(|(key, _)| key == name).map(|(_, schema)| schema);
            matches!(schema.and_then(|schema| schema.get(other_side)), Some(Json::Bool(true)))
        };
        let required = keywords.list("required").iter().filter_map(Json::as_text);
        let required = required.filter(|name| !is_other_sides(name)).map(Box::from).collect();
        let mut patterns = Vec::new();
        for (written, schema) in keywords.object("patternProperties") {
            if let Some(pattern) = self.pattern(keywords.owner, written) {
                patterns.push((pattern, self.node(schema)));
            }
        }
        // A pattern that can't be read might have described any member.
        let is_complete = patterns.len() == keywords.object("patternProperties").len();
        let additional = keywords.schema("additionalProperties").filter(|_| is_complete);
        let (dependent_required, dependent) = self.dependencies(keywords);
        Some(ObjectRules {
            properties: properties.into(),
            required,
            patterns: patterns.into(),
            additional: additional.map(|schema| self.node(schema)),
            names: keywords.schema("propertyNames").map(|schema| self.node(schema)),
            least: self.count(keywords, "minProperties").unwrap_or(0),
            most: self.count(keywords, "maxProperties"),
            dependent_required: dependent_required.into(),
            dependent: dependent.into(),
            unevaluated: keywords
                .schema("unevaluatedProperties")
                .filter(|_| is_complete)
                .map(|schema| self.node(schema)),
        })
    }

    fn dependencies(&mut self, keywords: &Keywords<'a>) -> (Vec<Dependency>, Vec<(Box<str>, NodeId)>) {
        let (mut required, mut schemas) = (Vec::new(), Vec::new());
        let all = ["dependentRequired", "dependentSchemas", "dependencies"];
        for (name, value) in all.iter().flat_map(|keyword| keywords.object(keyword)) {
            match value {
                Json::List(names) => {
                    let names = names.iter().filter_map(Json::as_text).map(Box::from).collect();
                    required.push((Box::from(name.as_ref()), names));
                }
                schema => schemas.push((Box::from(name.as_ref()), self.node(schema))),
            }
        }
        (required, schemas)
    }

    fn combined(&mut self, keywords: &Keywords<'a>) -> Option<Combined> {
        if !keywords.has_any(&["allOf", "anyOf", "oneOf", "not", "if"]) {
            return None;
        }
        let condition = keywords.schema("if").map(|when| Condition {
            when: self.node(when),
            then: keywords.schema("then").map(|then| self.node(then)),
            otherwise: keywords.schema("else").map(|otherwise| self.node(otherwise)),
        });
        Some(Combined {
            all_of: self.nodes_of(keywords.list("allOf")),
            any_of: self.nodes_of(keywords.list("anyOf")),
            one_of: self.nodes_of(keywords.list("oneOf")),
            not: keywords.schema("not").map(|not| self.node(not)),
            condition,
            discriminator: self.discriminator(keywords),
        })
    }

    /// With the mapping that is written, and the one that follows from the names of the alternatives.
    fn discriminator(&mut self, keywords: &Keywords<'a>) -> Option<Discriminator> {
        let object = keywords.get("discriminator")?;
        let property = object.get("propertyName")?.as_text()?;
        let mut mapping: Vec<(Box<str>, NodeId)> = Vec::new();
        let alternatives = keywords.list("oneOf").iter().chain(keywords.list("anyOf"));
        for alternative in alternatives {
            let Some(reference) = alternative.get("$ref").and_then(Json::as_text) else { continue };
            let name = reference.rsplit('/').next().unwrap_or_default();
            mapping.push((name.into(), self.node(alternative)));
            let Some(Json::Object(written)) = object.get("mapping") else { continue };
            for (value, target) in written {
                let target = target.as_text().unwrap_or_default();
                if target.rsplit('/').next() == Some(name) {
                    mapping.push((value.as_ref().into(), self.node(alternative)));
                }
            }
        }
        Some(Discriminator { property: property.into(), mapping: mapping.into() })
    }

    fn nodes_of(&mut self, schemas: &'a [Json<'a>]) -> Box<[NodeId]> {
        schemas.iter().map(|schema| self.node(schema)).collect()
    }
}

fn hints(keywords: &Keywords<'_>) -> Option<Hints> {
    if !keywords.has_any(&["format", "contentMediaType", "contentEncoding", "xml"]) {
        return None;
    }
    let text = |name: &str| keywords.text(name).unwrap_or_default().to_owned();
    let xml = keywords.get("xml").filter(|xml| matches!(xml, Json::Object(_))).map(|xml| {
        let text = |name: &str| xml.get(name).and_then(Json::as_text).unwrap_or_default().to_owned();
        let is_true = |name: &str| matches!(xml.get(name), Some(Json::Bool(true)));
        let node_type = text("nodeType");
        Xml {
            name: text("name"),
            namespace: text("namespace"),
            prefix: text("prefix"),
            attribute: is_true("attribute") || node_type == "attribute",
            wrapped: is_true("wrapped"),
            node_type,
        }
    });
    Some(Hints {
        format: text("format"),
        content_media_type: text("contentMediaType"),
        content_encoding: text("contentEncoding"),
        xml,
    })
}
