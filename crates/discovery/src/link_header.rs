//! The HTTP `Link` field as RFC 8288 §3 and its Appendix B.2 read it, and the `application/linkset` documents that
//! have the same form with line breaks (RFC 9264 §4.1). Rules LK-1 to LK-6 with weakness W9: names and relations in
//! any case, spaces around `=`, the first `rel` counts, quoted strings are strings. Not for what relations mean.

use crate::cursor::Cursor;
use crate::ext_value;

/// A link as it is written: references unresolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebLink {
    /// URI reference; empty for the document itself.
    pub target: String,
    /// Context other than the document that has the link (`anchor`).
    pub anchor: Option<String>,
    /// Relation types, lower case: they compare without case (RFC 8288 §2.1).
    pub relations: Vec<String>,
    /// `type`, as written; empty when not given.
    pub media_type: String,
    /// `hreflang`, all of them.
    pub hreflang: Vec<String>,
    /// `title*` if it can be read, else `title`.
    pub title: String,
}

impl WebLink {
    /// True when the link has this relation, written in lower case.
    pub fn has(&self, relation: &str) -> bool {
        self.relations.iter().any(|own| own == relation)
    }
}

/// Reads the lines of a `Link` header, in order, up to `max_links` links. Links without a relation and what is no link
/// are left out.
pub fn parse_link_header<'a>(lines: impl IntoIterator<Item = &'a str>, max_links: usize) -> Vec<WebLink> {
    let mut links = Vec::new();
    for line in lines {
        parse(line, max_links, &mut links);
    }
    links
}

/// Reads one field value or one `application/linkset` document.
pub(crate) fn parse(text: &str, max_links: usize, links: &mut Vec<WebLink>) {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.take_while(|byte| is_space(byte) || byte == b',');
        match cursor.peek() {
            Some(b'<') if links.len() < max_links => links.extend(link(&mut cursor)),
            // LK-2: what does not begin like a link is left out up to the next comma.
            Some(_) if links.len() < max_links => {
                cursor.take_while(|byte| byte != b',');
            }
            _ => return,
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// From `<` to before the comma that ends it.
fn link(cursor: &mut Cursor<'_>) -> Option<WebLink> {
    cursor.bump();
    let target = cursor.take_until(">")?;
    let mut attributes = Attributes::default();
    loop {
        cursor.take_while(is_space);
        match cursor.peek() {
            Some(b';') => cursor.bump(),
            Some(b',') | None => break,
            Some(_) => {
                // Neither a parameter nor an end.
                cursor.take_while(|byte| !matches!(byte, b';' | b','));
                continue;
            }
        }
        cursor.take_while(is_space);
        let name = cursor.take_while(|byte| !is_space(byte) && !matches!(byte, b'=' | b';' | b','));
        cursor.take_while(is_space);
        let value = if cursor.eat(b'=') { value(cursor) } else { String::new() };
        attributes.take(&name.to_ascii_lowercase(), value);
    }
    attributes.link(target)
}

/// A quoted string or a token; Appendix B.3 and B.4.
fn value(cursor: &mut Cursor<'_>) -> String {
    cursor.take_while(is_space);
    if !cursor.eat(b'"') {
        return cursor.take_while(|byte| !matches!(byte, b';' | b',')).trim_end().to_owned();
    }
    let mut value = String::new();
    loop {
        value.push_str(cursor.take_while(|byte| !matches!(byte, b'"' | b'\\')));
        match cursor.peek() {
            Some(b'\\') => {
                cursor.bump();
                // What follows stands for itself. A character above ASCII is taken by the next round.
                if let Some(byte) = cursor.peek().filter(u8::is_ascii) {
                    value.push(char::from(byte));
                    cursor.bump();
                }
            }
            Some(_) => {
                cursor.bump();
                return value;
            }
            None => return value,
        }
    }
}

/// Parameters of one link. Of those that may stand once, the first counts (§3.3, §3.4.1).
#[derive(Default)]
pub(crate) struct Attributes {
    rel: Option<String>,
    anchor: Option<String>,
    media_type: Option<String>,
    title: Option<String>,
    full_title: Option<String>,
    hreflang: Vec<String>,
}

impl Attributes {
    /// The name is in lower case.
    pub(crate) fn take(&mut self, name: &str, value: String) {
        let slot = match name {
            "rel" => &mut self.rel,
            "anchor" => &mut self.anchor,
            "type" => &mut self.media_type,
            "title" => &mut self.title,
            "title*" => &mut self.full_title,
            "hreflang" => return self.hreflang.push(value),
            _ => return,
        };
        slot.get_or_insert(value);
    }

    /// `None` without a relation: such a link says nothing.
    pub(crate) fn link(self, target: &str) -> Option<WebLink> {
        let relations = relations(&self.rel?);
        let full_title = self.full_title.as_deref().and_then(ext_value::decode);
        (!relations.is_empty()).then(|| WebLink {
            target: target.trim().to_owned(),
            anchor: self.anchor,
            relations,
            media_type: self.media_type.unwrap_or_default(),
            hreflang: self.hreflang,
            title: full_title.or(self.title).unwrap_or_default(),
        })
    }
}

/// Relation types of a `rel` value.
pub(crate) fn relations(rel: &str) -> Vec<String> {
    rel.split_ascii_whitespace().map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Target, relations and what else is set, one link a line.
    fn shown(lines: &[&str]) -> String {
        let show = |link: WebLink| {
            let mut text = format!("{} [{}]", link.target, link.relations.join(" "));
            for (name, value) in [
                ("anchor", link.anchor.unwrap_or_default()),
                ("type", link.media_type),
                ("hreflang", link.hreflang.join(",")),
                ("title", link.title),
            ] {
                if !value.is_empty() {
                    text += &format!(" {name}={value}");
                }
            }
            text
        };
        parse_link_header(lines.iter().copied(), 100).into_iter().map(show).collect::<Vec<_>>().join("\n")
    }

    /// RFC 8288 §3.5, RFC 8631 §6, RFC 9727 §3
    #[test]
    fn the_examples_of_the_standards_are_read() {
        for (line, expected) in [
            (
                r#"<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter""#,
                "http://example.com/TheBook/chapter2 [previous] title=previous chapter",
            ),
            (r#"</>; rel="http://example.net/foo""#, "/ [http://example.net/foo]"),
            (r##"</terms>; rel="copyright"; anchor="#foo""##, "/terms [copyright] anchor=#foo"),
            (
                "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, \
                 </TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
                "/TheBook/chapter2 [previous] title=letztes Kapitel\n/TheBook/chapter4 [next] title=nächstes Kapitel",
            ),
            (
                r#"<http://example.org/>; rel="start http://example.net/relation/other""#,
                "http://example.org/ [start http://example.net/relation/other]",
            ),
            (
                r#"<https://example.org/>; rel="start", <https://example.org/index>; rel="index""#,
                "https://example.org/ [start]\nhttps://example.org/index [index]",
            ),
            ("</my_api_catalog.json>; rel=api-catalog", "/my_api_catalog.json [api-catalog]"),
        ] {
            assert_eq!(shown(&[line]), expected, "{line}");
        }
    }

    /// LK-1 to LK-6, W9, and Appendix B.
    #[test]
    fn real_headers_are_read_and_broken_parts_are_left_out() {
        for (lines, expected) in [
            (
                &["<spec.yaml>; rel=service-desc, </meta.json>; rel=\"service-meta\""][..],
                "spec.yaml [service-desc]\n/meta.json [service-meta]",
            ),
            (&["</a>; rel=a", "</b>;rel=b"], "/a [a]\n/b [b]"),
            (&["</a,b;c>; rel=a"], "/a,b;c [a]"),
            (&["</a>; title=\"x, <y>; rel=z\"; rel=a"], "/a [a] title=x, <y>; rel=z"),
            (
                &["</a>; rel = \"a\" ; Type = text/html ; HREFLANG=en;hreflang=\"de\""],
                "/a [a] type=text/html hreflang=en,de",
            ),
            (&["</a>; REL=Service-Desc"], "/a [service-desc]"),
            (&["</a>; rel=first; rel=second; type=a/b; type=c/d"], "/a [first] type=a/b"),
            (&["</a>; rel=\"a\\\"b\\\\c\"; title=\"q\\\"q\""], "/a [a\"b\\c] title=q\"q"),
            (&["</a>; rel=a; title=plain; title*=UTF-8''full"], "/a [a] title=full"),
            (&["</a>; rel=a; title*=koi8''x; title=plain"], "/a [a] title=plain"),
            (&["<>; rel=service-desc"], " [service-desc]"),
            (&["< /a >; rel=a"], "/a [a]"),
            (&["</a>;;; ; rel=a;"], "/a [a]"),
            (&["</a>; rel=\"a\" junk; type=x/y"], "/a [a] type=x/y"),
            (&["</a> junk ; rel=a"], "/a [a]"),
            (&[",, </a>; rel=a ,,"], "/a [a]"),
            (&["/no-brackets; rel=a, </b>; rel=b"], "/b [b]"),
            (&["</a>, </b>; rel=b"], "/b [b]"),
            (&["</a>; rel, </b>; rel=\"\", </c>; rel=c"], "/c [c]"),
            (&["</a>; rel=\"a"], "/a [a]"),
            (&["</a; rel=a"], ""),
            (&["</ä>; rel=a; title=\"\\ü\""], "/ä [a] title=ü"),
            (&["", "<", ">", "\"", ";=", "<>;=\\"], ""),
        ] {
            assert_eq!(shown(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn no_more_links_are_read_than_allowed() {
        let line = "</a>; rel=a,".repeat(50);
        assert_eq!(parse_link_header([line.as_str(), line.as_str()], 60).len(), 60);
    }

    #[test]
    fn hostile_headers_take_linear_time() {
        for part in
            ["<", "<>", ",", ";", "<>;", "\"", "<>;a=\"", "<>;a=\"\\", "<>;rel=a,", "<a>;;=", "<>;rel*=UTF-8''%"]
        {
            let line = part.repeat(400_000 / part.len());
            let begin = std::time::Instant::now();
            parse_link_header([line.as_str()], usize::MAX);
            assert!(begin.elapsed().as_secs() < 10, "{part}: {:?}", begin.elapsed());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = parse_link_header([text.as_str()], 100);
        }

        #[test]
        fn no_mix_of_the_special_characters_makes_the_parser_panic(text in "[<>;,=\"\\\\ a*'%é\n]{0,80}") {
            let _ = parse_link_header([text.as_str()], 100);
        }

        #[test]
        fn what_is_written_is_read_back(target in "[a-z/?&,;=.-]{1,20}", title in "[ -~]{0,20}", rel in "[a-z:/.-]{1,12}") {
            let quoted = title.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("<{target}>; rel=\"{rel}\"; title=\"{quoted}\"");
            let links = parse_link_header([line.as_str()], 100);
            prop_assert_eq!(links.len(), 1);
            prop_assert_eq!((&links[0].target, &links[0].relations, &links[0].title), (&target, &vec![rel], &title));
        }
    }
}
