//! `call <tool-id>`: the same as the tool's own command, for tools whose words are hidden by others (W7).

use crate::app::App;
use crate::dynamic;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    match operands.split_first() {
        Some((id, arguments)) => dynamic::call(app, id, arguments),
        None => Ok(Exit::Usage),
    }
}
