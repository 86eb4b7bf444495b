//! Documentation that is generated from the code, and must not be stale. `UPDATE_DOCS=1 cargo test` rewrites it.

use open_cli_contract::problem::ErrorCode;
use std::fmt::Write as _;
use std::path::PathBuf;

#[test]
fn the_table_of_error_codes_is_current() {
    let mut text = String::from(
        "# Error codes\n\n\
         Every error of the runtime is an RFC 9457 problem: `application/problem+json` when the request's `Accept` \
         names JSON, otherwise\nplain text whose first word is the code. The members are `type` \
         (`urn:open-cli:error:<code>`), `title`, `status`, `detail`,\n`code`, `hint`, `requestId`, and those that \
         belong to the code (`toolId`, `faults`, `limitBytes`, `allow`).\n\n\
         This list is closed and generated from `crates/contract/src/problem.rs`.\n\n\
         | code | status | meaning | what to do |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let (status, title, hint) = (code.status(), code.title(), code.hint());
        let _ = writeln!(text, "| `{code}` | {status} | {title} | {hint} |");
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::io::Write::write_all(&mut std::fs::File::create(&path).expect("create"), text.as_bytes())
            .expect("write");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/errors.md is stale: run `UPDATE_DOCS=1 cargo test -p open-cli-contract`");
}
