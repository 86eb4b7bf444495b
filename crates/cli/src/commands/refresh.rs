//! `refresh`.

use super::text;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;
use open_cli_contract::changes::CatalogChanges;
use serde_json::Value;
use std::fmt::Write as _;

pub(super) fn run(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let sent = app.runtime()?.refresh()?;
    app.screen.report(&sent.value, || {
        let mut table = Table::new(["SOURCE", "OUTCOME", "STATUS", "STALE", "URI"]);
        for source in sent.value.get("sources").and_then(Value::as_array).into_iter().flatten() {
            let status = source.get("statusCode").map_or_else(String::new, Value::to_string);
            let stale = if source.get("stale") == Some(&Value::Bool(true)) { "yes" } else { "no" };
            let outcome = source.get("cacheOutcome").and_then(Value::as_str).unwrap_or("local");
            table.row([text(source, "id"), outcome, &status, stale, text(source, "uri")]);
        }
        let mut out = table.render(app.screen.width(), app.screen.paint);
        for diagnostic in sent.value.get("diagnostics").and_then(Value::as_array).into_iter().flatten() {
            let line = format!(
                "{}: {}: {}",
                text(diagnostic, "severity"),
                text(diagnostic, "source"),
                text(diagnostic, "message")
            );
            let _ = writeln!(out, "{}", app.screen.paint.warning(&crate::text::one_line(&line)));
        }
        let changes = sent.value.get("changes").cloned().map(serde_json::from_value::<CatalogChanges>);
        if let Some(Ok(changes)) = changes {
            let _ = write!(out, "\n{}", super::diff::table(&changes, app.screen.paint));
        }
        Ok(out)
    })?;
    Ok(Exit::Ok)
}
