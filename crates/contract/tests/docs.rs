//! Documentation that is generated from the code, and must not be stale. `UPDATE_DOCS=1 cargo test` rewrites it.

use open_cli_contract::diagnostic::DiagnosticCode;
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
         belong to the code (`toolId`, `errors`, `limitBytes`, `allow`).\n\n\
         This list is closed and generated from `crates/contract/src/problem.rs`.\n\n\
         | code | status | meaning | what to do |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let (status, title, hint) = (code.status(), code.title(), code.hint());
        let _ = writeln!(text, "| `{code}` | {status} | {title} | {hint} |");
    }
    is_current("errors.md", &text);
}

#[test]
fn the_table_of_diagnostic_codes_is_current() {
    let mut text = String::from(
        "# Diagnostic codes\n\n\
         What can be remarkable about a configuration and what it leads to: descriptions, overlays, discovery, names, \
         policy, secrets.\nA diagnostic has a `severity` (`error`, `warning`, `note`), a `code`, the `source` or \
         service it is about, a `pointer`, a `message`\nand a `hint`. `open-cli-toolbox check` shows them with file, \
         line and column ([toolbox.md](toolbox.md)), the catalog lists them\nunder `diagnostics`. One fault never \
         takes more with it than it must: what is left out is said, and everything else works.\n\n\
         A pointer is a JSON Pointer into the description of the source, `<document>#<pointer>` into another document, \
         or the\npath of a field of the configuration.\n\n\
         This list is closed and generated from `crates/contract/src/diagnostic.rs`.\n\n\
         | code | meaning | what to do |\n|---|---|---|\n",
    );
    for code in DiagnosticCode::ALL {
        let _ = writeln!(text, "| `{code}` | {} | {} |", code.meaning(), code.advice());
    }
    is_current("diagnostics.md", &text);
}

fn is_current(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::io::Write::write_all(&mut std::fs::File::create(&path).expect("create"), text.as_bytes())
            .expect("write");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/{name} is stale: run `UPDATE_DOCS=1 cargo test -p open-cli-contract`");
}
