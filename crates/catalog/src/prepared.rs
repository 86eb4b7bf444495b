//! A tool, ready to be called. Made from its shelf when it is called, and kept while it is called often: a catalog
//! has thousands of tools, and callers use a few.

use crate::shelf::Shelf;
use arc_swap::ArcSwapOption;
use open_cli_contract::catalog::Tool;
use open_cli_request::RequestTemplate;
use std::fmt;
use std::sync::Arc;

/// Tools that are kept ready, at most.
const KEPT: usize = 2048;

/// A tool with its compiled request and the schemas that its arguments are checked against.
#[derive(Debug)]
pub struct PreparedTool {
    tool: Tool,
    template: RequestTemplate,
    target: String,
}

impl PreparedTool {
    fn new(shelf: &Shelf, position: usize) -> serde_json::Result<Self> {
        // The request needs what the catalog must not show.
        let mut tool = shelf.tool(position, true)?;
        let template = RequestTemplate::compile(&tool);
        tool.servers.iter_mut().for_each(|url| *url = open_cli_contract::redact::text(url));
        tool.details = None;
        if let Some(body) = &mut tool.request_body {
            body.content_types.iter_mut().for_each(|content| content.schema = None);
        }
        let target = tool.servers.first().cloned().unwrap_or_default();
        Ok(Self { tool, template, target })
    }

    /// The tool, without `details` and schemas, credentials redacted.
    pub fn tool(&self) -> &Tool {
        &self.tool
    }
    /// Its compiled request.
    pub fn template(&self) -> &RequestTemplate {
        &self.template
    }
    /// First server, credentials redacted; empty when it has none.
    pub fn target(&self) -> &str {
        &self.target
    }
}

/// The tools that were called last, as far as they do not stand in each other's place.
pub(crate) struct Kept(Box<[ArcSwapOption<Entry>]>);

struct Entry {
    shelf: u64,
    position: usize,
    tool: Arc<PreparedTool>,
}

impl Default for Kept {
    fn default() -> Self {
        Self((0..KEPT).map(|_| ArcSwapOption::empty()).collect())
    }
}

impl Kept {
    /// The tool at a position of a shelf.
    pub(crate) fn get(&self, shelf: &Shelf, position: usize) -> serde_json::Result<Arc<PreparedTool>> {
        let slot = &self.0[place(shelf.serial, position)];
        if let Some(entry) = &*slot.load()
            && entry.shelf == shelf.serial
            && entry.position == position
        {
            return Ok(Arc::clone(&entry.tool));
        }
        let tool = Arc::new(PreparedTool::new(shelf, position)?);
        slot.store(Some(Arc::new(Entry { shelf: shelf.serial, position, tool: Arc::clone(&tool) })));
        Ok(tool)
    }
}

/// Spreads shelves; tools of one shelf that are neighbours do not meet.
fn place(shelf: u64, position: usize) -> usize {
    let spread = shelf.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (spread as usize).wrapping_add(position) % KEPT
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shelf::pack;
    use serde_json::json;

    #[test]
    fn a_tool_is_prepared_once_and_again_when_another_took_its_place() {
        let tools = (0..2 * KEPT).map(|i| {
            serde_json::from_value(json!({"id": format!("s:{i:05}"), "serviceId": "s", "method": "GET", "path": "/x",
                "group": "g", "command": "c", "safety": {"destructive": false, "readOnly": true, "requiresApproval": false},
                "servers": ["https://u:p@h.example/base"]}))
            .expect("a tool")
        });
        let shelf = Shelf::new(pack("s", tools.collect()).expect("packed"));
        let kept = Kept::default();
        let first = kept.get(&shelf, 7).expect("readable");
        assert_eq!((first.tool().id.as_str(), first.target()), ("s:00007", "https://REDACTED@h.example/base"));
        assert!(Arc::ptr_eq(&first, &kept.get(&shelf, 7).expect("readable")));
        assert_eq!(kept.get(&shelf, 7 + KEPT).expect("readable").tool().id, format!("s:{:05}", 7 + KEPT));
        let again = kept.get(&shelf, 7).expect("readable");
        assert!(!Arc::ptr_eq(&first, &again));
        assert_eq!(again.template().base_url().map(url::Url::as_str), Some("https://h.example/base"));
    }
}
