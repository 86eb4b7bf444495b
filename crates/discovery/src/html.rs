//! Links of an HTML page: `<link>` and `<a>` with a relation we know (RFC 8631 §4, RFC 9727 §3), and `<base>`. A
//! tolerant scanner that goes over the text once; comments, scripts and other raw text are stepped over. Not a DOM.

use crate::cursor::Cursor;
use crate::link_header::{Attributes, WebLink};
use crate::relations::is_known;

/// Elements whose content is text, not markup; `template` is inert.
const RAW_TEXT: &[&str] =
    &["iframe", "noembed", "noframes", "script", "style", "template", "textarea", "title", "xmp"];
/// Attributes of one element that are looked at.
const MAX_ATTRIBUTES: usize = 64;

/// What a page says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// `href` of the first `<base>`.
    pub(crate) base: Option<String>,
    /// In the order of the page.
    pub(crate) links: Vec<WebLink>,
}

/// The links of a page whose relation discovery knows, unresolved, up to `max_links`.
pub fn parse_html_links(html: &str, max_links: usize) -> Vec<WebLink> {
    scan(html, max_links).links
}

/// Goes over a page, or the beginning of one.
pub(crate) fn scan(html: &str, max_links: usize) -> Page {
    let mut page = Page::default();
    let mut cursor = Cursor::new(html);
    while cursor.take_until("<").is_some() && page.links.len() < max_links {
        if cursor.eat_text("!--") {
            // `<!-->` and `<!--->` are whole comments.
            if !cursor.eat(b'>') && !cursor.eat_text("->") {
                cursor.take_until("-->");
            }
        } else if matches!(cursor.peek(), Some(b'!' | b'?' | b'/')) {
            cursor.take_until(">");
        } else if cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            element(&mut cursor, &mut page);
        }
    }
    page
}

fn element(cursor: &mut Cursor<'_>, page: &mut Page) {
    let name = cursor.take_while(|byte| !is_space(byte) && !matches!(byte, b'/' | b'>')).to_ascii_lowercase();
    let is_meant = matches!(name.as_str(), "link" | "a" | "base");
    let (href, attributes) = attributes(cursor, is_meant);
    match (name.as_str(), href) {
        ("base", Some(href)) => {
            page.base.get_or_insert(href);
        }
        ("link" | "a", Some(href)) => {
            let link = attributes.link(&href);
            page.links.extend(link.filter(|link| link.relations.iter().any(|relation| is_known(relation))));
        }
        _ if RAW_TEXT.contains(&name.as_str()) => raw_text(cursor, &name),
        _ => {}
    }
}

/// Steps to the end of the tag. Attributes are collected only when they are wanted.
fn attributes(cursor: &mut Cursor<'_>, is_meant: bool) -> (Option<String>, Attributes) {
    let (mut href, mut found, mut count) = (None, Attributes::default(), 0);
    loop {
        cursor.take_while(|byte| is_space(byte) || byte == b'/');
        match cursor.peek() {
            None => return (None, Attributes::default()),
            Some(b'>') => {
                cursor.bump();
                return (href, found);
            }
            // Not the beginning of a name; a tag never stands still.
            Some(b'=') => cursor.bump(),
            Some(_) => {}
        }
        let name = cursor.take_while(|byte| !is_space(byte) && !matches!(byte, b'=' | b'>' | b'/'));
        cursor.take_while(is_space);
        let value = if cursor.eat(b'=') { value(cursor) } else { Some("") };
        let Some(value) = value else { return (None, Attributes::default()) };
        count += 1;
        if !is_meant || count > MAX_ATTRIBUTES {
            continue;
        }
        match name.to_ascii_lowercase().as_str() {
            "href" => {
                href.get_or_insert_with(|| unescape(value));
            }
            // The context of HTML's links is the page.
            "anchor" | "title*" => {}
            name => found.take(name, unescape(value)),
        }
    }
}

/// `None`: a quote that is never closed.
fn value<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    cursor.take_while(is_space);
    match cursor.peek() {
        Some(b'"') => {
            cursor.bump();
            cursor.take_until("\"")
        }
        Some(b'\'') => {
            cursor.bump();
            cursor.take_until("'")
        }
        _ => Some(cursor.take_while(|byte| !is_space(byte) && byte != b'>')),
    }
}

/// Steps over the content of an element whose content is no markup, its end tag included.
fn raw_text(cursor: &mut Cursor<'_>, name: &str) {
    while cursor.take_until("</").is_some() {
        let word = cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if word.eq_ignore_ascii_case(name)
            && cursor.peek().is_none_or(|byte| is_space(byte) || matches!(byte, b'/' | b'>'))
        {
            cursor.take_until(">");
            return;
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0c)
}

/// Character references that occur in addresses and titles; others stay as they are written.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        // The longest reference we know is `&#x10FFFF;`.
        let end = after.bytes().take(10).position(|byte| byte == b';');
        let decoded = end.and_then(|end| Some((reference(after.get(..end)?)?, after.get(end + 1..)?)));
        match decoded {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(html: &str) -> String {
        let page = scan(html, 100);
        let base = page.base.map(|base| format!("base {base}"));
        let links = page.links.into_iter().map(|link| {
            let mut words = vec![link.target, format!("[{}]", link.relations.join(" "))];
            words.extend([link.media_type, link.hreflang.join(","), link.title]);
            words.retain(|word| !word.is_empty());
            words.join(" ")
        });
        base.into_iter().chain(links).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn links_of_real_pages_are_found_and_other_text_is_stepped_over() {
        for (html, expected) in [
            (
                r#"<link rel="service-desc" href="/openapi.json" type="application/json">"#,
                "/openapi.json [service-desc] application/json",
            ),
            ("<LINK REL=Service-Desc HREF=a.json />", "a.json [service-desc]"),
            ("<link href=a.json rel=service-desc>", "a.json [service-desc]"),
            (
                "<link\n rel = 'service-desc alternate'\n href\t=\t'a' hreflang=en title='A &amp; B'/>",
                "a [service-desc alternate] en A & B",
            ),
            (r#"<a href="my_api_catalog.json" rel="api-catalog">APIs</a>"#, "my_api_catalog.json [api-catalog]"),
            (
                r#"<base href="/docs/"><base href="/no/"><link rel=service-desc href=a>"#,
                "base /docs/\na [service-desc]",
            ),
            (
                r#"<link rel="service-desc" href="/a?x=1&amp;y=2&#38;z=&#x33;&nbsp;&">"#,
                "/a?x=1&y=2&z=3&nbsp;& [service-desc]",
            ),
            (r#"<link rel="service-desc" href="" >"#, "[service-desc]"),
            ("<link rel=stylesheet href=a.css><link rel=service-desc>", ""),
            ("<!-- <link rel=service-desc href=no> --><link rel=service-desc href=yes>", "yes [service-desc]"),
            ("<!--><link rel=service-desc href=yes>", "yes [service-desc]"),
            ("<!-- never closed <link rel=service-desc href=no>", ""),
            (
                "<script>if (a</b) '<link rel=service-desc href=no>'</script ><link rel=service-desc href=yes>",
                "yes [service-desc]",
            ),
            (
                "<script><link rel=service-desc href=no></scripted></SCRIPT><link rel=service-desc href=yes>",
                "yes [service-desc]",
            ),
            ("<script src=x><link rel=service-desc href=no>", ""),
            ("<title><link rel=service-desc href=no></title>", ""),
            (
                "<style><link rel=service-desc href=no></style><template><link rel=service-desc href=no></template>",
                "",
            ),
            (
                r#"<div title="<link rel=service-desc href=no>"><link rel=service-desc href=yes>"#,
                "yes [service-desc]",
            ),
            (r#"<link rel="service-desc" rel="service-doc" href=a href=b>"#, "a [service-desc]"),
            ("<linked rel=service-desc href=no><p>1 < 2 <link rel=service-desc href=yes>", "yes [service-desc]"),
            ("<!DOCTYPE html><?php ?></p><link =x rel=service-desc href=yes>", "yes [service-desc]"),
            ("<link rel=service-desc href=\"no", ""),
            ("<link rel=service-desc href=no", ""),
            ("< link rel=service-desc href=no>", ""),
            ("", ""),
        ] {
            assert_eq!(shown(html), expected, "{html}");
        }
    }

    #[test]
    fn hostile_pages_take_linear_time() {
        for part in [
            "<",
            "<!--",
            "<a ",
            "<script>",
            "<a href='",
            "<a =",
            "</",
            "<link rel=item href=&",
            "&#",
            "<!-->",
            "<title></",
        ] {
            let page = part.repeat(400_000 / part.len());
            let begin = std::time::Instant::now();
            let _ = scan(&page, 100);
            assert!(begin.elapsed().as_secs() < 10, "{part}: {:?}", begin.elapsed());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_scanner_panic(html in "\\PC*") {
            let _ = scan(&html, 100);
        }

        #[test]
        fn no_mix_of_markup_makes_the_scanner_panic(html in "(<|>|<!--|-->|</|link|a |script|rel|href|=|'|\"|&#x?|;|é| |/){0,60}") {
            let _ = scan(&html, 100);
        }
    }
}
