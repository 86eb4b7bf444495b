//! Where a tool hangs in the command tree: `<alias> [group] <command>` (CL-1, client §12.1). Both programs use
//! these functions, so a slice of the catalog asked for by words is the same tree the client would build.

/// Words that `open-cli` keeps for itself. A service with such an alias is reached as `svc:<alias>`.
pub const BUILT_IN_COMMANDS: &[&str] = &[
    "approvals",
    "audit",
    "auth",
    "call",
    "catalog",
    "completion",
    "config",
    "context",
    "doctor",
    "explain",
    "help",
    "init",
    "mcp",
    "refresh",
    "runtime",
    "search",
    "status",
    "tool",
    "trace",
    "workflow",
];

/// Prefix that names a service even when its alias is a built-in command.
pub const SERVICE_ESCAPE: &str = "svc:";

/// A word as typed: the text itself when it is one shell word, else its slug.
pub fn command_word(text: &str) -> String {
    let is_one_word =
        !text.is_empty() && !text.starts_with('-') && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_one_word { text.to_owned() } else { crate::slug::slug(text) }
}

/// Is the group level left out? When it repeats the service word, or is empty.
pub fn group_is_collapsed(service_word: &str, group: &str) -> bool {
    group.is_empty() || group == service_word
}

/// The words of a tool's command.
pub fn command_words(alias: &str, group: &str, command: &str) -> Vec<String> {
    let service = command_word(alias);
    let group = command_word(group);
    let mut words = Vec::with_capacity(3);
    if !group_is_collapsed(&service, &group) {
        words.push(group);
    }
    words.insert(0, service);
    words.push(command_word(command));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_left_out_when_it_repeats_the_service() {
        assert_eq!(command_words("shelf", "books", "list-books"), ["shelf", "books", "list-books"]);
        assert_eq!(command_words("shelf", "shelf", "plain-text"), ["shelf", "plain-text"]);
        assert_eq!(command_words("shelf", "", "ping"), ["shelf", "ping"]);
        assert_eq!(command_words("My Shop", "Gift Cards", "List All"), ["my-shop", "gift-cards", "list-all"]);
    }
}
