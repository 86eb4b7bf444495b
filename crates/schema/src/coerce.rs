//! Text as the value that a schema means by it: `5` is a number where a number is expected and a text where a text is.
//! For parameters, whose values travel as text.

use crate::View;
use crate::json::{Json, Number};
use crate::node::Types;
use std::borrow::Cow;

impl View<'_> {
    /// The value of a text that is no list and no object. Where several readings are possible, one that fits.
    pub fn read<'a>(self, text: &'a str) -> Json<'a> {
        let types = self.types();
        let as_text = Json::Text(Cow::Borrowed(text));
        let Some(other) = typed(text, types) else { return as_text };
        if types.allows(Types::TEXT) && !self.fits(&other) { as_text } else { other }
    }
}

/// The reading that is no text, if the types allow it.
fn typed(text: &str, types: Types) -> Option<Json<'static>> {
    match text {
        "true" | "false" if types.allows(Types::BOOL) => Some(Json::Bool(text == "true")),
        "null" if types.allows(Types::NULL) => Some(Json::Null),
        _ if types.allows(Types::NUMBER) => number(text).map(Json::Number),
        _ => None,
    }
}

/// A number as JSON writes it.
fn number(text: &str) -> Option<Number> {
    match Json::parse(text).ok()? {
        Json::Number(number) if !text.starts_with(|c: char| c.is_ascii_whitespace()) => Some(number),
        _ => None,
    }
}
