//! Programs that `scripts/peers.sh` installs (`make test` does that).

use std::path::PathBuf;

/// The program that the variable names. `None` (with a message) when it is not there; under `make test` that is a
/// failure.
pub(crate) fn program(variable: &str, test: &str) -> Option<PathBuf> {
    if let Some(program) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(program.into());
    }
    assert!(std::env::var_os("OPEN_CLI_REQUIRE_PEERS").is_none(), "{variable} is not set");
    #[expect(clippy::print_stderr, reason = "whoever runs the tests must know")]
    {
        eprintln!("{test} skipped: {variable} is not set; `make test` installs the peers");
    }
    None
}
