//! `runtime info`, `runtime stop` and `runtime log`: the runtime's own object.

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, of_value};
use serde_json::{Map, Value};

pub(super) fn info(app: &App, _: &[String]) -> Result<Exit, Failure> {
    show(app, &app.runtime()?.info()?.value)
}

pub(super) fn stop(app: &App, _: &[String]) -> Result<Exit, Failure> {
    show(app, &app.runtime()?.stop()?.value)
}

/// Without a filter it shows the one in force.
pub(super) fn log(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let runtime = app.runtime()?;
    let sent = match operands.first() {
        Some(filter) => runtime.set_log_filter(filter)?,
        None => runtime.log_filter()?,
    };
    show(app, &sent.value)
}

fn show(app: &App, value: &Value) -> Result<Exit, Failure> {
    app.screen.report(value, || {
        let mut flat = Map::new();
        flatten("", value, &mut flat);
        let table = of_value(&Value::Object(flat), &[]).unwrap_or_else(|| Table::new(["KEY", "VALUE"]));
        Ok(table.render(app.screen.width(), app.screen.paint))
    })?;
    Ok(Exit::Ok)
}

/// `auth.required` instead of a cell with JSON in it; lists of scalars are joined.
fn flatten(prefix: &str, value: &Value, into: &mut Map<String, Value>) {
    let Value::Object(map) = value else { return };
    for (key, value) in map {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(map) if !map.is_empty() => flatten(&path, value, into),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                let joined: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                into.insert(path, joined.join(", ").into());
            }
            other => {
                into.insert(path, other.clone());
            }
        }
    }
}
