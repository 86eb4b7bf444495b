//! `tool schema` (client §11.8; W44).

use super::reference;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;
use open_cli_contract::catalog::Tool;
use serde_json::value::RawValue;

/// Puts self-contained body schemas in place of those that refer to a document nobody has here.
fn with_body_schemas(tool: &mut Tool) {
    let (Some(body), Some(details)) = (&mut tool.request_body, &mut tool.details) else { return };
    for resolved in std::mem::take(&mut details.body_schemas) {
        let content = body.content_types.iter_mut().find(|content| content.media_type == resolved.media_type);
        if let (Some(content), Ok(schema)) = (content, RawValue::from_string(resolved.schema.get().to_owned())) {
            content.schema = Some(schema);
        }
    }
}

pub(super) fn schema(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let mut found = reference::resolve(app, operands, true)?;
    with_body_schemas(&mut found.tool);
    app.screen.report(&found.tool, || {
        let services: Vec<_> = found.service.iter().cloned().collect();
        Ok(help::tool_card(&found.tool, &services, &app.screen))
    })?;
    Ok(Exit::Ok)
}
