//! Words -> tool, in whatever part of the catalog the runtime sent (client §12.1, CL-1). Aliases, hidden commands
//! and the reference's names are accepted; the longest match wins, listed names before unlisted ones.

use open_cli_contract::catalog::{EffectiveCatalog, Service, Tool};
use open_cli_contract::command::{command_word, command_words, group_is_collapsed};

/// What the words name.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A tool; so many words belong to its command.
    Tool { tool: &'a Tool, consumed: usize },
    /// A service, or a group of it, with its tools.
    Folder { tools: Vec<&'a Tool> },
    /// The word at this place fits nothing; these would.
    Unknown { at: usize, known: Vec<String> },
}

/// First word of the tool's command: the alias of its service, else the service's id.
pub(crate) fn service_word(services: &[Service], tool: &Tool) -> String {
    let service = services.iter().find(|service| service.id == tool.service_id);
    let alias = service.map(|service| service.alias.as_str()).filter(|alias| !alias.is_empty());
    command_word(alias.unwrap_or(&tool.service_id))
}

/// The words of the tool's command.
pub(crate) fn words(services: &[Service], tool: &Tool) -> Vec<String> {
    command_words(&service_word(services, tool), &tool.group, &tool.command)
}

/// Word behind the service under which the tool is listed: its group, or its command when the group is left out.
pub(crate) fn second_word(service: &str, tool: &Tool) -> String {
    let group = command_word(&tool.group);
    if group_is_collapsed(service, &group) { command_word(&tool.command) } else { group }
}

/// Finds what the words name.
pub(crate) fn find<'a>(answer: &'a EffectiveCatalog, words: &[String]) -> Found<'a> {
    let services = &answer.catalog.services;
    let mut best: Option<(usize, bool, &Tool)> = None;
    let (mut of_service, mut of_group) = (Vec::new(), Vec::new());
    for tool in &answer.view.tools {
        let service = service_word(services, tool);
        if words.first() != Some(&service) {
            continue;
        }
        of_service.push(tool);
        if let Some((length, listed)) = fit(&service, tool, words)
            && best.is_none_or(|(l, is_listed, _)| (length, listed) > (l, is_listed))
        {
            best = Some((length, listed, tool));
        }
        if let Some(word) = words.get(1)
            && groups(tool).any(|(group, _)| !group.is_empty() && group == *word)
        {
            of_group.push(tool);
        }
    }
    if let Some((consumed, _, tool)) = best {
        return Found::Tool { tool, consumed };
    }
    match (words.len(), of_service.is_empty(), of_group.is_empty()) {
        (_, true, _) => Found::Unknown { at: 0, known: service_words(services) },
        (1, false, _) => Found::Folder { tools: of_service },
        (2, false, false) => Found::Folder { tools: of_group },
        (_, false, false) => {
            Found::Unknown { at: 2, known: listed(of_group.iter().map(|tool| command_word(&tool.command))) }
        }
        (_, false, true) => {
            let service = words[0].as_str();
            Found::Unknown { at: 1, known: listed(of_service.iter().map(|tool| second_word(service, tool))) }
        }
    }
}

/// The words of all services.
pub(crate) fn service_words(services: &[Service]) -> Vec<String> {
    let word =
        |service: &Service| command_word(if service.alias.is_empty() { &service.id } else { &service.alias });
    listed(services.iter().map(word))
}

fn listed(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The group and the name it has under the reference's rules; the latter is not listed.
fn groups(tool: &Tool) -> impl Iterator<Item = (String, bool)> + '_ {
    let hidden =
        tool.details.as_ref().map(|details| details.hidden_group.as_str()).filter(|group| !group.is_empty());
    std::iter::once((command_word(&tool.group), true)).chain(hidden.map(|group| (command_word(group), false)))
}

fn commands(tool: &Tool) -> impl Iterator<Item = (String, bool)> + '_ {
    let hidden =
        tool.details.iter().flat_map(|details| &details.hidden_aliases).map(|name| (command_word(name), false));
    std::iter::once(&tool.command).chain(&tool.aliases).map(|name| (command_word(name), true)).chain(hidden)
}

/// How many words the tool's command takes up, and whether by listed names alone.
fn fit(service: &str, tool: &Tool, words: &[String]) -> Option<(usize, bool)> {
    let mut best = None;
    for (group, group_listed) in groups(tool) {
        let is_collapsed = group_is_collapsed(service, &group);
        // A group that is left out may be written all the same.
        let is_named = !group.is_empty() && words.get(1) == Some(&group);
        for (at, fits) in [(1, is_collapsed), (2, is_named)] {
            for (command, listed) in commands(tool).filter(|_| fits) {
                if words.get(at) == Some(&command) {
                    best = best.max(Some((at + 1, group_listed && listed)));
                }
            }
        }
    }
    best
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small catalog: `shelf` with groups, a collapsed group, aliases and names of the reference.
    pub(crate) fn sample() -> EffectiveCatalog {
        serde_json::from_str(include_str!("../../tests/fixtures/shelf.json")).unwrap()
    }

    fn ask(text: &str) -> String {
        let answer = sample();
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        match find(&answer, &words) {
            Found::Tool { tool, consumed } => format!("{} {consumed}", tool.id),
            Found::Folder { tools } => format!("folder of {}", tools.len()),
            Found::Unknown { at, known } => format!("unknown at {at}: {}", known.join(" ")),
        }
    }

    /// CL-1, CL-2, deviation 2.
    #[test]
    fn words_lead_to_tools_by_every_name_they_have() {
        for (words, expected) in [
            ("shelf books get-book", "shelf:getBook 3"),
            ("shelf books get-book 7 8", "shelf:getBook 3"),
            ("shelf books show", "shelf:getBook 3"),
            ("shelf ping", "shelf:ping 2"),
            ("shelf ping ping", "shelf:ping 2"),
            ("shelf shelf ping", "shelf:ping 3"),
            ("shelf shelf ping ping", "shelf:ping 3"),
            ("shelf gift-cards list-http-things", "shelf:listHTTPThings 3"),
            ("shelf gift--cards list-h-t-t-p-things", "shelf:listHTTPThings 3"),
            ("shelf gift-cards list-h-t-t-p-things", "shelf:listHTTPThings 3"),
            ("shelf books purge", "shelf:purgeBooks 3"),
            ("shelf books", "folder of 5"),
            ("shelf shelf", "folder of 1"),
            ("nosuch", "unknown at 0: shelf"),
            ("shelf boks", "unknown at 1: books gift-cards ping"),
            ("shelf books gett", "unknown at 2: add-book delete-book get-book list-books purge"),
        ] {
            assert_eq!(ask(words), expected, "{words}");
        }
    }
}
