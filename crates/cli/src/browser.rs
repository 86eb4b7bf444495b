//! Opens an address in the person's browser. Whether that worked is a guess: programs that open browsers return before
//! they know. So the address is always shown, too.

use open_cli_client::Environment;
use std::process::{Command, Stdio};

/// True when something was started. `BROWSER` names a program of the person's own.
pub(crate) fn open(url: &str, environment: &Environment) -> bool {
    let own = environment.get("BROWSER").and_then(|names| names.split(':').next().map(str::to_owned));
    let mut command = match own.filter(|name| !name.is_empty()) {
        Some(name) => Command::new(name),
        None if cfg!(target_os = "macos") => Command::new("open"),
        None if cfg!(windows) => {
            let mut command = Command::new("rundll32");
            command.arg("url.dll,FileProtocolHandler");
            command
        }
        // Without a display xdg-open starts a browser in the terminal, over the address that was just shown.
        None if ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| environment.get(name).is_none()) => return false,
        None => Command::new("xdg-open"),
    };
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}
