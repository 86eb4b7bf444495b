//! Text with placeholders: `/v2/bins/{binId}/items`.

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Sent as it is.
    Literal(String),
    /// Value of the n-th path parameter.
    Value(usize),
    /// A placeholder that no path parameter declares.
    Undeclared(String),
}

/// Cuts a template at its placeholders. Braces that do not pair are literal text.
pub(crate) fn parse(template: &str, names: &[&str], literal: impl Fn(&str) -> String) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut text = String::new();
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + length];
        // `{{a}` and `{}` are no placeholders: take the brace as text and look on.
        if name.is_empty() || name.contains('{') {
            text.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        }
        text.push_str(&rest[..open]);
        if !text.is_empty() {
            pieces.push(Piece::Literal(literal(&std::mem::take(&mut text))));
        }
        pieces.push(match names.iter().position(|known| *known == name) {
            Some(index) => Piece::Value(index),
            None => Piece::Undeclared(name.to_owned()),
        });
        rest = &rest[open + length + 1..];
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Literal(literal(&text)));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_and_everything_else_is_text() {
        let lit = |text: &str| Piece::Literal(text.to_owned());
        for (template, expected) in [
            ("/a", vec![lit("/a")]),
            ("/{x}/b/{y}", vec![lit("/"), Piece::Value(0), lit("/b/"), Piece::Value(1)]),
            ("/{x}{x}.json", vec![lit("/"), Piece::Value(0), Piece::Value(0), lit(".json")]),
            ("/{z}", vec![lit("/"), Piece::Undeclared("z".into())]),
            ("/{}/{x", vec![lit("/{}/{x")]),
            ("/{{x}", vec![lit("/{"), Piece::Value(0)]),
            ("", vec![]),
        ] {
            assert_eq!(parse(template, &["x", "y"], str::to_owned), expected, "{template}");
        }
    }
}
