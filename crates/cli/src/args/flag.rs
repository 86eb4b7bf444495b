//! The flags of the program, each defined once; parsing, help and completion all read these definitions.

/// What follows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing; `--flag=false` takes it back.
    Nothing,
    /// A value; the word describes it in help.
    Value(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// A flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) takes: Takes,
    pub(crate) about: &'static str,
}

impl Flag {
    pub(crate) const fn new(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, short: None, takes, about }
    }

    /// `--name <value>`.
    pub(crate) fn usage(&self) -> String {
        match self.takes {
            Takes::Nothing => format!("--{}", self.name),
            Takes::Value(what) => format!("--{} <{what}>", self.name),
            Takes::OneOf(choices) => format!("--{} <{}>", self.name, choices.join("|")),
        }
    }
}

use Takes::{Nothing, OneOf, Value};

/// Flags that work before, between and after the words of every command.
pub(crate) const GLOBAL_FLAGS: &[Flag] = &[
    Flag::new("config", Value("file"), "Use this configuration (env OPEN_CLI_CONFIG)"),
    Flag::new("format", OneOf(&["json", "yaml", "pretty", "table"]), "Output format"),
    Flag::new("runtime", Value("url"), "Ask this runtime (env OPEN_CLI_RUNTIME_URL)"),
    Flag::new("mode", OneOf(&["curated", "discover"]), "Narrow the view: discover or curated"),
    Flag::new("agent-profile", Value("name"), "Use the view of this agent profile"),
    Flag::new("approval", Nothing, "Approve calls that need an approval"),
    Flag::new("instance-id", Value("id"), "Name of the instance (env OPEN_CLI_INSTANCE_ID)"),
    Flag::new("state-dir", Value("folder"), "Root of the state folders (env OPEN_CLI_STATE_DIR)"),
    Flag::new("no-fail", Nothing, "Exit with 0 even when the API answers with 400 or above"),
    Flag::new("timeout", Value("seconds"), "Give up a request after so many seconds"),
    Flag::new("color", OneOf(&["auto", "always", "never"]), "When to use colour (env NO_COLOR)"),
    Flag::new("include", Nothing, "Show status and content type around the result"),
    Flag::new("no-input", Nothing, "Never ask on the terminal"),
    Flag::new("verbose", Nothing, "Say on stderr what is asked of whom"),
    Flag { name: "help", short: Some('h'), takes: Nothing, about: "Show help" },
    Flag { name: "version", short: Some('v'), takes: Nothing, about: "Show the version" },
];

/// The request body.
const BODY: Flag = Flag::new("body", Value("json|@file|-"), "Request body: inline, a file, or stdin");
/// Shows the request instead of sending it.
const DRY_RUN: Flag = Flag::new("dry-run", Nothing, "Show the request, send nothing");

/// Flags of every tool command, beside its parameters.
pub(crate) const TOOL_FLAGS: &[Flag] = &[BODY, DRY_RUN];

/// Looks a flag up by name.
pub(crate) fn find<'a>(flags: &'a [Flag], name: &str) -> Option<&'a Flag> {
    flags.iter().find(|flag| flag.name == name)
}

/// A tool parameter of this name would be taken for a flag of the program (W6).
pub(crate) fn is_reserved(name: &str) -> bool {
    find(GLOBAL_FLAGS, name).is_some() || find(TOOL_FLAGS, name).is_some() || matches!(name, "h" | "v")
}
