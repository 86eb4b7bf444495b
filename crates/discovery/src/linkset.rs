//! Sets of links as documents: RFC 9264 in JSON and in text, and the reference's flat form
//! `{"linkset":[{"href":…,"rel":…}]}` or `{"links":[…]}` (AC-2 to AC-7, ML-2, weakness W6). Entries of both forms may
//! stand side by side. What does not fit is counted and described, not fatal. Not for what relations mean.

use crate::content::{self, Kind};
use crate::link_header::{self, WebLink, relations};
use crate::relations::is_known;
use serde_json::{Map, Value};

/// Faults that are described one by one; more are as good as none.
const MAX_FAULTS: usize = 8;

/// A set of links.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Linkset {
    /// In document order.
    pub(crate) links: Vec<WebLink>,
    /// What was left out, and why.
    pub(crate) faults: Vec<String>,
    /// There were more links than are read.
    pub(crate) is_cut: bool,
}

/// Reads a set of links in any of its forms, as far as it is one; `media_type` as declared. For tools and tests: what
/// discovery itself reads comes with its faults.
///
/// # Errors
/// When it is no set of links; the text completes "the answer …".
pub fn parse_linkset(body: &[u8], media_type: &str, max_links: usize) -> Result<Vec<WebLink>, String> {
    match content::kind(body, &content::essence(media_type)) {
        Kind::LinksetText => Ok(from_text(&String::from_utf8_lossy(body), max_links).links),
        _ => from_json(body, max_links).map(|set| set.links),
    }
}

/// The text form (RFC 9264 §4.1).
pub(crate) fn from_text(text: &str, max_links: usize) -> Linkset {
    let mut links = Vec::new();
    link_header::parse(text, max_links.saturating_add(1), &mut links);
    let is_cut = links.len() > max_links;
    links.truncate(max_links);
    Linkset { links, faults: Vec::new(), is_cut }
}

/// The JSON forms. The error completes "the answer …".
pub(crate) fn from_json(body: &[u8], max_links: usize) -> Result<Linkset, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("is no valid JSON: {error}"))?;
    let Value::Object(root) = value else { return Err("is JSON, but no object".to_owned()) };
    let mut reader = Reader { max_links, set: Linkset::default() };
    let mut is_there = false;
    // AC-3: `links` counts only when `linkset` has nothing.
    for member in ["linkset", "links"] {
        match root.get(member) {
            None => {}
            Some(Value::Array(entries)) => {
                is_there = true;
                entries.iter().for_each(|entry| reader.entry(entry));
                if !entries.is_empty() {
                    break;
                }
            }
            Some(_) => reader.fault(format!("`{member}` is no list")),
        }
    }
    if is_there || !reader.set.faults.is_empty() {
        return Ok(reader.set);
    }
    Err("is a JSON object without `linkset`".to_owned())
}

struct Reader {
    max_links: usize,
    set: Linkset,
}

impl Reader {
    fn entry(&mut self, entry: &Value) {
        let Value::Object(entry) = entry else { return self.fault("an entry is no object".to_owned()) };
        if entry.get("href").is_some_and(Value::is_string) {
            let Some(rel) = text(entry, "rel") else { return self.fault("a link has no `rel`".to_owned()) };
            return self.link(entry, relations(rel), text(entry, "anchor"));
        }
        let anchor = match entry.get("anchor") {
            Some(Value::String(anchor)) => Some(anchor.as_str()),
            None | Some(Value::Null) => None,
            Some(_) => return self.fault("an `anchor` is no text".to_owned()),
        };
        for (relation, targets) in entry.iter().filter(|(name, _)| *name != "anchor") {
            // A relation name holds no spaces; several names in one are read as in `rel`.
            let relations = relations(relation);
            match targets {
                Value::Array(targets) => {
                    for target in targets {
                        self.target(target, &relations, anchor);
                    }
                }
                // One target that is not in a list: RFC 9727 §5.1 itself writes a plain text.
                target if relations.iter().any(|relation| is_known(relation)) => {
                    self.target(target, &relations, anchor);
                }
                // Extensions (RFC 9264 §4.2.5).
                _ => {}
            }
        }
    }

    fn target(&mut self, target: &Value, relations: &[String], anchor: Option<&str>) {
        match target {
            Value::Object(target) if target.get("href").is_some_and(Value::is_string) => {
                self.link(target, relations.to_vec(), anchor);
            }
            Value::String(href) => {
                let link = WebLink { target: href.clone(), relations: relations.to_vec(), ..WebLink::default() };
                self.push(WebLink { anchor: anchor.map(str::to_owned), ..link });
            }
            _ => self.fault(format!("a target of `{}` has no `href`", relations.join(" "))),
        }
    }

    fn link(&mut self, target: &Map<String, Value>, relations: Vec<String>, anchor: Option<&str>) {
        let hreflang = match target.get("hreflang") {
            Some(Value::String(language)) => vec![language.clone()],
            Some(Value::Array(languages)) => {
                languages.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let full_title = target.get("title*").and_then(|titles| titles.get(0)?.get("value")?.as_str());
        self.push(WebLink {
            target: text(target, "href").unwrap_or_default().trim().to_owned(),
            anchor: anchor.map(str::to_owned),
            relations,
            media_type: text(target, "type").unwrap_or_default().to_owned(),
            hreflang,
            title: full_title.or(text(target, "title")).unwrap_or_default().to_owned(),
        });
    }

    fn push(&mut self, link: WebLink) {
        if self.set.links.len() < self.max_links {
            self.set.links.push(link);
        } else {
            self.set.is_cut = true;
        }
    }

    fn fault(&mut self, fault: String) {
        if self.set.faults.len() < MAX_FAULTS {
            self.set.faults.push(fault.chars().take(MAX_FAULT_TEXT).collect());
        }
    }
}

/// Longest description of one fault.
const MAX_FAULT_TEXT: usize = 200;

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

#[cfg(test)]
#[path = "linkset_tests.rs"]
mod tests;
