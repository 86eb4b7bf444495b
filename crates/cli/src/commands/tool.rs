//! `tool schema` (client §11.8; W44).

use super::reference;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;

pub(super) fn schema(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let found = reference::resolve(app, operands)?;
    app.screen.report(&found.tool, || {
        let services: Vec<_> = found.service.iter().cloned().collect();
        Ok(help::tool_card(&found.tool, &services, &app.screen))
    })?;
    Ok(Exit::Ok)
}
