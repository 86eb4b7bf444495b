//! The sample API of this project as upstream.

use crate::process::{Child, program};
use std::process::Command;

/// A running `orders-api`.
pub struct OrdersApi {
    /// The process.
    pub child: Child,
    /// Base URL.
    pub url: String,
}

impl OrdersApi {
    /// Key that its writes ask for.
    pub const KEY: &str = "demo-key-7f3a";

    /// Starts it on a free port.
    pub fn start() -> Self {
        let mut command = Command::new(program("orders-api"));
        command.args(["--addr", "127.0.0.1:0", "--api-key", Self::KEY]);
        let mut child = Child::start(command);
        let line = child.line();
        let url = line.split_whitespace().last().expect("a URL").trim_end_matches('/').to_owned();
        Self { child, url }
    }
}
