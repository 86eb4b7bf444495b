//! The links of an answer that is no set of links: its `Link` header, and its markup when it is HTML (weakness of SR-5).

use crate::Limits;
use crate::html;
use crate::link_header::parse_link_header;
use crate::relations::{Resolved, resolve};
use open_cli_documents::Fetched;

/// Most bytes of all `Link` header lines that are read.
const MAX_HEADER_BYTES: usize = 256 << 10;

/// Links of the header, in order. Targets resolve against where the answer came from (RFC 3986 §5.1.3).
pub(crate) fn header_links(fetched: &Fetched, limits: &Limits, faults: &mut Vec<String>) -> Vec<Resolved> {
    let mut left = MAX_HEADER_BYTES;
    let lines = fetched.header_lines("link").take_while(|line| {
        let fits = line.len() <= left;
        left = left.saturating_sub(line.len());
        fits
    });
    resolve(parse_link_header(lines, limits.max_links), &fetched.final_url, faults)
}

/// Links of the markup, in order.
pub(crate) fn html_links(fetched: &Fetched, limits: &Limits, faults: &mut Vec<String>) -> Vec<Resolved> {
    let beginning = fetched.body.get(..limits.max_html_bytes).unwrap_or(&fetched.body);
    let page = html::scan(&String::from_utf8_lossy(beginning), limits.max_links);
    let base = page.base.as_deref().and_then(|base| fetched.final_url.join(base).ok());
    resolve(page.links, base.as_ref().unwrap_or(&fetched.final_url), faults)
}
