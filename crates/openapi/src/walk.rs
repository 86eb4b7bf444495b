//! One pass over the text of a description or a schema, knowing which members hold schemas, which hold things by
//! name and which hold data: what stands in an `example` or an `enum` is data, whatever it looks like. Iterative,
//! because schemas may be nested deeply. Not for validating: the text is valid JSON.

/// What an object or list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inside {
    /// Keywords of a schema, or members of an OpenAPI object.
    Schema,
    /// Things by name.
    Named,
    /// The members of a `discriminator`.
    Discriminator,
    /// Names and what they refer to.
    Mapping,
    /// Data, which is left alone.
    Data,
}

/// What was met. Places are byte offsets; ends are exclusive.
pub(crate) enum Event<'t> {
    /// A list or an object begins.
    Open { start: usize },
    /// The innermost list or object ended.
    Close { end: usize },
    /// The name of a member, quotes included in its place.
    Name { inside: Inside, name: &'t str, start: usize, end: usize },
    /// The value of a member is a text, quotes included in its place.
    Text { inside: Inside, name: &'t str, start: usize, end: usize },
    /// White space between tokens.
    Space { start: usize, end: usize },
}

struct Frame<'t> {
    inside: Inside,
    is_object: bool,
    /// The last member name and what its value is.
    name: &'t str,
    next: Inside,
    /// A member name comes next.
    at_name: bool,
}

/// Tells `on` of everything in the text, in order.
pub(crate) fn walk<'t>(text: &'t str, mut on: impl FnMut(Event<'t>)) {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame<'t>> = Vec::new();
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'{' | b'[' => {
                let is_object = byte == b'{';
                let inside = match frames.last().map_or(Inside::Schema, |frame| frame.next) {
                    // `parameters` is a list here and an object of names there.
                    Inside::Named if !is_object => Inside::Schema,
                    inside => inside,
                };
                frames.push(Frame { inside, is_object, name: "", next: inside, at_name: is_object });
                on(Event::Open { start: i });
                i += 1;
            }
            b'}' | b']' => {
                frames.pop();
                i += 1;
                on(Event::Close { end: i });
            }
            b',' => {
                if let Some(frame) = frames.last_mut() {
                    frame.at_name = frame.is_object;
                }
                i += 1;
            }
            b'"' => {
                let end = end_of_string(bytes, i);
                if let Some(frame) = frames.last_mut().filter(|frame| frame.is_object) {
                    let inside = frame.inside;
                    if frame.at_name {
                        let name = text.get(i + 1..end.saturating_sub(1)).unwrap_or_default();
                        frame.at_name = false;
                        frame.name = name;
                        frame.next = value_of(inside, name);
                        on(Event::Name { inside, name, start: i, end });
                    } else {
                        on(Event::Text { inside, name: frame.name, start: i, end });
                    }
                }
                i = end;
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                let start = i;
                while matches!(bytes.get(i), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                    i += 1;
                }
                on(Event::Space { start, end: i });
            }
            _ => i += 1,
        }
    }
}

/// What the value of a member is.
fn value_of(inside: Inside, name: &str) -> Inside {
    match inside {
        Inside::Data | Inside::Mapping => Inside::Data,
        Inside::Named => Inside::Schema,
        Inside::Discriminator if name == "mapping" => Inside::Mapping,
        Inside::Discriminator => Inside::Data,
        Inside::Schema => match name {
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => Inside::Named,
            // Of OpenAPI objects: `default` is the name of a response there.
            "callbacks" | "content" | "headers" | "links" | "mediaTypes" | "parameters" | "pathItems"
            | "paths" | "requestBodies" | "responses" | "schemas" | "securitySchemes" | "webhooks" => {
                Inside::Named
            }
            "discriminator" => Inside::Discriminator,
            "example" | "examples" | "default" | "enum" | "const" | "xml" => Inside::Data,
            _ if name.starts_with("x-") => Inside::Data,
            _ => Inside::Schema,
        },
    }
}

/// Index behind the closing quote of the string that opens at `i`.
fn end_of_string(bytes: &[u8], mut i: usize) -> usize {
    i += 1;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}
