//! The list of the built-in commands: words, arguments, flags, help and examples. What they do is in the files beside.

use super::completion::SHELLS;
use super::{
    Command, Operand, audit, auth, call, catalog, completion, diff, explain, refresh, runtime, search, status,
    tool, trace, workflow,
};
use crate::{help, init};

const fn one(name: &'static str) -> Operand {
    Operand { name, required: true, repeats: false, choices: &[] }
}
const fn maybe(name: &'static str) -> Operand {
    Operand { name, required: false, repeats: false, choices: &[] }
}
const fn many(name: &'static str, required: bool) -> Operand {
    Operand { name, required, repeats: true, choices: &[] }
}

/// Every built-in command.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        words: &["audit"],
        operands: &[],
        about: "List what was called, by whom, and what was decided",
        detail: "The latest records, oldest first. With `--follow` the new ones, too, as they come; Ctrl-C ends that \
                 with exit code 130. JSON is then one object a line.",
        flags: audit::LIST_FLAGS,
        examples: &[
            "open-cli audit --since 2h --decision denied",
            "open-cli audit -f --service shelf",
            "open-cli audit --trace-id 4bf92f3577b34da6a3ce929d0e0e4736 --format json",
        ],
        run: audit::list,
    },
    Command {
        words: &["audit", "export"],
        operands: &[],
        about: "Write records into a file: JSON lines, CSV, OCSF or CEF",
        detail: "Records are written as they come, whatever their number. The file appears when it is complete; one \
                 that exists is replaced. `--output -` writes to stdout.",
        flags: audit::EXPORT_FLAGS,
        examples: &[
            "open-cli audit export --output audit.csv --export-format csv --since 7d",
            "open-cli audit export --output - --export-format ocsf --decision denied",
        ],
        run: audit::export,
    },
    Command {
        words: &["audit", "list"],
        operands: &[],
        about: "The same as `audit`",
        detail: "",
        flags: audit::LIST_FLAGS,
        examples: &["open-cli audit list --tool shelf:getBook"],
        run: audit::list,
    },
    Command {
        words: &["audit", "show"],
        operands: &[one("request-id|seq")],
        about: "Explain the records of a request, or the record with a number",
        detail: "JSON is one object a line.",
        flags: &[],
        examples: &["open-cli audit show 0199c3f0-7a4e-7d1a-9d35-6a1f6a1f6a1f", "open-cli audit show 42"],
        run: audit::show,
    },
    Command {
        words: &["auth", "login"],
        operands: &[],
        about: "Sign in to the runtime with a browser",
        detail: "The runtime says where. The address is shown and opened; the token is kept for this runtime, and renewed \
                 by itself when the provider allows it. Where no browser is, `--device` shows a code to type elsewhere.",
        flags: auth::LOGIN_FLAGS,
        examples: &[
            "open-cli auth login",
            "open-cli auth login --device",
            "open-cli auth login --scope audit:read",
        ],
        run: auth::login,
    },
    Command {
        words: &["auth", "logout"],
        operands: &[],
        about: "Forget the sign-in to the runtime",
        detail: "Deletes the tokens that are kept for this runtime, and takes the sign-in back where the provider offers it.",
        flags: &[],
        examples: &["open-cli auth logout"],
        run: auth::logout,
    },
    Command {
        words: &["auth", "status"],
        operands: &[],
        about: "Show who is signed in, how, and until when",
        detail: "Also which configured service has a secret of which type.",
        flags: &[],
        examples: &["open-cli auth status", "open-cli auth status --format json"],
        run: auth::status,
    },
    Command {
        words: &["auth", "token"],
        operands: &[],
        about: "Write the token for the runtime to stdout",
        detail: "For other programs that ask the runtime. It is renewed first when it has come to its end.",
        flags: &[],
        examples: &["curl -H \"Authorization: Bearer $(open-cli auth token)\" http://127.0.0.1:8765/v1/traces"],
        run: auth::token,
    },
    Command {
        words: &["call"],
        operands: &[one("tool-id"), many("argument", false)],
        about: "Call a tool by its id",
        detail: "Takes the same arguments and flags as the tool's own command; `open-cli call <tool-id> --help` lists \
                 them.",
        flags: &[],
        examples: &["open-cli call shelf:getBook 7"],
        run: call::run,
    },
    Command {
        words: &["catalog", "diff"],
        operands: &[],
        about: "Show what changed in the catalog, and how much it matters",
        detail: "By default what the last change did. Revisions are those of `open-cli runtime info` (`catalog.revision`), \
                 the beginning is enough; the runtime knows the last 64. Files are those of `open-cli catalog export`, \
                 and lock files. Changes are `safety` (a call does something else, goes elsewhere or is guarded less), \
                 `breaking`, `compatible` or `cosmetic`.",
        flags: diff::DIFF_FLAGS,
        examples: &[
            "open-cli catalog diff",
            "open-cli catalog diff --from 3f9a2c41 --format json",
            "open-cli catalog diff --from before.json --to after.json --exit-code",
        ],
        run: diff::diff,
    },
    Command {
        words: &["catalog", "export"],
        operands: &[],
        about: "Write the definitions of all tools into a file, to compare them later",
        detail: "What a call does, where it goes, what it takes and what guards it.",
        flags: diff::EXPORT_FLAGS,
        examples: &["open-cli catalog export --output before.json"],
        run: diff::export,
    },
    Command {
        words: &["catalog", "list"],
        operands: &[],
        about: "List the tools of the view",
        detail: "",
        flags: catalog::FLAGS,
        examples: &["open-cli catalog list --service shelf --safety read-only"],
        run: catalog::list,
    },
    Command {
        words: &["completion"],
        operands: &[Operand { name: "shell", required: true, repeats: false, choices: SHELLS }],
        about: "Print the completion script of a shell",
        detail: "",
        flags: &[],
        examples: &[
            "source <(open-cli completion bash)",
            "open-cli completion zsh > \"${fpath[1]}/_open-cli\"",
            "open-cli completion fish > ~/.config/fish/completions/open-cli.fish",
            "open-cli completion powershell | Out-String | Invoke-Expression",
        ],
        run: completion::run,
    },
    Command {
        words: &["explain"],
        operands: &[many("ref", true)],
        about: "Explain a tool: inputs, safety, sign-in, approval, guidance",
        detail: "A reference is a tool id, or the words of its command.",
        flags: &[],
        examples: &["open-cli explain shelf:getBook", "open-cli explain shelf books get-book"],
        run: explain::run,
    },
    Command {
        words: &["help"],
        operands: &[many("command", false)],
        about: "Show help, also of a service's commands",
        detail: "",
        flags: &[],
        examples: &["open-cli help catalog list"],
        run: help::command,
    },
    Command {
        words: &["init"],
        operands: &[one("url-or-file")],
        about: "Write a configuration for an OpenAPI description",
        detail: "Reads the description (OpenAPI 3.x or Swagger 2.0, JSON or YAML), names the service, and writes \
                 `.cli.json`. \
                 Needs no runtime.",
        flags: init::FLAGS,
        examples: &[
            "open-cli init ./openapi.yaml",
            "open-cli init https://api.example.com/openapi.json --name shop",
        ],
        run: init::run,
    },
    Command {
        words: &["refresh"],
        operands: &[],
        about: "Fetch the API descriptions anew",
        detail: "",
        flags: &[],
        examples: &["open-cli refresh"],
        run: refresh::run,
    },
    Command {
        words: &["runtime", "info"],
        operands: &[],
        about: "Show what the runtime says about itself",
        detail: "",
        flags: &[],
        examples: &["open-cli runtime info --format json"],
        run: runtime::info,
    },
    Command {
        words: &["runtime", "log"],
        operands: &[maybe("filter")],
        about: "Show what the runtime logs, or change it while it runs",
        detail: "A filter is a level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or levels for modules, joined \
                 by commas. The change lasts until the runtime ends.",
        flags: &[],
        examples: &["open-cli runtime log", "open-cli runtime log info,open_cli_catalog=debug"],
        run: runtime::log,
    },
    Command {
        words: &["runtime", "stop"],
        operands: &[],
        about: "Stop the runtime",
        detail: "",
        flags: &[],
        examples: &["open-cli runtime stop"],
        run: runtime::stop,
    },
    Command {
        words: &["search"],
        operands: &[one("pattern")],
        about: "Search the tools of the view",
        detail: "Every word of the pattern must occur in the tool's id, command, path, tags, summary or description. \
                 The table is sorted by command; the other formats have the best matches first.",
        flags: search::FLAGS,
        examples: &["open-cli search \"overdue loan\""],
        run: search::run,
    },
    Command {
        words: &["status"],
        operands: &[],
        about: "Show runtime, configuration, sources and sign-in",
        detail: "Exits with 0 even when the runtime is down; `--check` makes that an error.",
        flags: status::FLAGS,
        examples: &["open-cli status --check"],
        run: status::run,
    },
    Command {
        words: &["tool", "schema"],
        operands: &[many("ref", true)],
        about: "Print a tool as the catalog has it, with the schemas of its inputs",
        detail: "A reference is a tool id, or the words of its command.",
        flags: &[],
        examples: &["open-cli tool schema shelf:addBook"],
        run: tool::schema,
    },
    Command {
        words: &["trace"],
        operands: &[one("id|last")],
        about: "Show where the time of a request went",
        detail: "The id is a request id or a trace id; `last` is the last call that was made from here, with the \
                 client's own part, else the runtime's latest tool call.",
        flags: &[],
        examples: &["open-cli trace last", "open-cli trace 0199c3f0-7a4e-7d1a-9d35-6a1f6a1f6a1f"],
        run: trace::show,
    },
    Command {
        words: &["trace", "list"],
        operands: &[],
        about: "List recent requests, the newest first",
        detail: "Tool calls and refreshes; all requests and background work with `--all`.",
        flags: trace::LIST_FLAGS,
        examples: &["open-cli trace list --since 1h --slow 200ms", "open-cli trace list --errors --service shelf"],
        run: trace::list,
    },
    Command {
        words: &["workflow", "list"],
        operands: &[],
        about: "List the workflows",
        detail: "",
        flags: workflow::LIST_FLAGS,
        examples: &["open-cli workflow list --service shelf"],
        run: workflow::list,
    },
    Command {
        words: &["workflow", "run"],
        operands: &[one("workflow-id")],
        about: "Run a workflow, or with --plan only check it",
        detail: "With `--plan` nothing is called: the answer says which steps may be taken, and which tools they call. \
                 The first step that the policy refuses ends it, with the reason.",
        flags: workflow::RUN_FLAGS,
        examples: &["open-cli workflow run lend-book --plan"],
        run: workflow::run,
    },
    Command {
        words: &["workflow", "show"],
        operands: &[one("workflow-id")],
        about: "Explain a workflow: inputs, steps, what comes next, outputs",
        detail: "",
        flags: &[],
        examples: &["open-cli workflow show lend-book"],
        run: workflow::show,
    },
];
