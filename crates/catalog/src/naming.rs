//! Names of groups, commands and flags (catalog-and-execution §9.2 to §9.5, deviations 2 and 3), and what happens
//! when two would be the same. Pure and independent of the order of the input.
//!
//! From OpenAPI 3.2 on, tags may be above each other: the group is then their words in a row, `sales` above `orders` is
//! `sales-orders`, and a tag that begins with the name of the one above it is not told twice (`openapi` decides which
//! tags count). The tag alone is accepted as well.

use open_cli_contract::catalog::{Diagnostic, Severity};
use open_cli_contract::command::{command_word, command_words};
use open_cli_contract::slug::{first_literal_segment, reference_slug, slug};
use open_cli_openapi::api::Operation;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// Characters of a name that a message quotes.
const MAX_SHOWN: usize = 60;

/// Names of one tool, before collisions are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) tool_id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) group: String,
    pub(crate) command: String,
    /// Group and command by the reference's slug; empty when the same.
    pub(crate) reference_group: String,
    pub(crate) reference_command: String,
    /// The operation has an `operationId` or `x-cli-name`, so its command is not a mere verb.
    pub(crate) is_named: bool,
    /// JSON Pointer of the operation.
    pointer: String,
    /// Members that give no word: where below the operation, and what is there.
    unusable: Vec<(&'static str, String)>,
}

/// TL-2: `operationId`, or `<method>:<path>`.
pub(crate) fn identity(operation: &Operation) -> String {
    if operation.operation_id.is_empty() {
        format!("{}:{}", operation.method.to_lowercase(), operation.path)
    } else {
        operation.operation_id.clone()
    }
}

/// The names an operation asks for.
pub(crate) fn names(service_id: &str, operation: &Operation, cli_group: &str, cli_name: &str) -> Names {
    let identity = identity(operation);
    let mut unusable = Vec::new();
    let mut usable = |member: &'static str, text: &str, word: String| {
        if word.is_empty() && !text.is_empty() {
            unusable.push((member, text.to_owned()));
        }
        word
    };
    let (tag, by_tag) = match &operation.group_tags {
        Some(tags) => (tags.last(), words_in_a_row(tags)),
        None => (operation.tags.first(), operation.tags.first().map(|tag| slug(tag)).unwrap_or_default()),
    };
    let tag = tag.map(String::as_str).unwrap_or_default();
    let segment = first_literal_segment(&operation.path).unwrap_or_default();
    // What is given by hand is taken as it is (§9.2, §9.3), unless nobody could type it.
    let by_hand = |text: &str| if command_word(text).is_empty() { String::new() } else { text.to_owned() };
    let (cli_group, cli_name) = (
        usable("/x-cli-group", cli_group, by_hand(cli_group)),
        usable("/x-cli-name", cli_name, by_hand(cli_name)),
    );
    let by_tag = usable("/tags", tag, by_tag);
    let group = first_non_empty([cli_group.clone(), by_tag, slug(segment), "misc".to_owned()]);
    let reference_group =
        first_non_empty([cli_group, reference_slug(tag), reference_slug(segment), "misc".to_owned()]);
    let by_id = usable("/operationId", &operation.operation_id, slug(&operation.operation_id));
    let is_named = !cli_name.is_empty() || !by_id.is_empty();
    let verb = inferred_verb(&operation.method, &operation.path).to_owned();
    let command = first_non_empty([cli_name.clone(), by_id, verb]);
    let reference_command = first_non_empty([cli_name, reference_slug(&identity)]);
    Names {
        tool_id: format!("{service_id}:{identity}"),
        method: operation.method.clone(),
        path: operation.path.clone(),
        reference_group: if reference_group == group { String::new() } else { reference_group },
        reference_command: if reference_command == command { String::new() } else { reference_command },
        pointer: operation.pointer.clone(),
        is_named,
        unusable,
        group,
        command,
    }
}

/// `Sales`, `Orders` -> `sales-orders`; `Sales`, `Orders`, `Orders open` -> `sales-orders-open`.
fn words_in_a_row(tags: &[String]) -> String {
    let mut row: Vec<String> = Vec::new();
    for word in tags.iter().map(|tag| slug(tag)).filter(|word| !word.is_empty()) {
        let repeats =
            |before: &str| word.strip_prefix(before).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        if repeats(&row.join("-")) {
            row.clear();
        } else if row.last().is_some_and(|last| repeats(last)) {
            row.pop();
        }
        row.push(word);
    }
    row.join("-")
}

fn first_non_empty<const N: usize>(candidates: [String; N]) -> String {
    candidates.into_iter().find(|c| !c.is_empty()).unwrap_or_default()
}

/// CM-3, for operations without an `operationId` (deviation 3).
fn inferred_verb(method: &str, path: &str) -> &'static str {
    match method {
        "GET" if path.contains('{') => "get",
        "GET" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "QUERY" => "query",
        "HEAD" => "head",
        "OPTIONS" => "options",
        "TRACE" => "trace",
        _ => "call",
    }
}

/// Makes the commands of one service distinct. Of several tools with the same words the one with the shortest path
/// (then the smallest path and method) keeps the name; the others get the first free of `<command>-<rest of the
/// path>`, `<command>-<rest of the path>-by-<parameters>`, the same with the method, and
/// `<command>-<8 hex digits of the tool id's SHA-256>`. Each renaming is a diagnostic.
pub(crate) fn resolve_collisions(alias: &str, names: &mut [Names]) -> Vec<Diagnostic> {
    let mut by_words: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        by_words.entry(command_words(alias, &name.group, &name.command)).or_default().push(index);
    }
    let mut taken: HashSet<Vec<String>> = by_words.keys().cloned().collect();
    let mut diagnostics: Vec<Diagnostic> = names.iter().flat_map(unusable).collect();
    for indices in by_words.into_values().filter(|indices| indices.len() > 1) {
        let mut indices = indices;
        indices.sort_by_cached_key(|&i| {
            let name = &names[i];
            let depth = name.path.matches('/').count();
            (!name.is_named, depth, name.path.clone(), name.method.clone(), name.tool_id.clone())
        });
        let keeper = names[indices[0]].tool_id.clone();
        for &index in &indices[1..] {
            let name = &mut names[index];
            let free = candidates(name)
                .into_iter()
                .find(|candidate| taken.insert(command_words(alias, &name.group, candidate)));
            // The last candidate carries a hash of the tool id, which is unique within the service.
            let renamed = free.unwrap_or_else(|| hashed(name));
            diagnostics.push(Diagnostic {
                severity: Severity::Note,
                code: "command_renamed".into(),
                source: String::new(),
                pointer: name.pointer.clone(),
                message: format!(
                    "{} and {keeper} would both be \"{}\"; the former is \"{renamed}\"",
                    name.tool_id, name.command
                ),
                hint: "Give the operation an operationId, or an x-cli-name by an overlay.".into(),
            });
            name.command = renamed;
        }
    }
    diagnostics
}

/// A name of only punctuation or emoji gives no word.
fn unusable(name: &Names) -> impl Iterator<Item = Diagnostic> + '_ {
    name.unusable.iter().map(|(member, text)| {
        let shown: String = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
        Diagnostic {
            severity: Severity::Warning,
            code: "name_unusable".into(),
            source: String::new(),
            pointer: format!("{}{member}", name.pointer),
            message: format!(
                "`{shown}` has no letter or digit to make a word of; {} is called \"{} {}\"",
                name.tool_id, name.group, name.command
            ),
            hint: "Give the operation an x-cli-name and an x-cli-group by an overlay.".into(),
        }
    })
}

fn candidates(name: &Names) -> Vec<String> {
    let segments: Vec<&str> = name.path.split('/').filter(|s| !s.is_empty()).collect();
    let first = first_literal_segment(&name.path).unwrap_or_default();
    let mut literals: Vec<&str> = segments.iter().copied().filter(|s| !s.starts_with('{')).collect();
    if literals.first() == Some(&first) {
        literals.remove(0);
    }
    let parameters: Vec<&str> = segments.iter().copied().filter(|s| s.starts_with('{')).collect();
    let rest = slug(&literals.join(" "));
    let by = slug(&parameters.join(" and "));
    let method = name.method.to_lowercase();
    let with_by = |text: &str| if by.is_empty() { String::new() } else { slug(&format!("{text}-by-{by}")) };
    let with_method = |tail: &str| slug(&format!("{tail}-{method}"));
    let (plain, by_parameters) = (rest.clone(), with_by(&rest));
    let mut tails = vec![plain.clone(), by_parameters.clone(), with_method(&plain)];
    if !by_parameters.is_empty() {
        tails.push(with_method(&by_parameters));
    }
    let tails = tails.into_iter().filter(|tail| !tail.is_empty());
    let mut found: Vec<String> = tails.map(|tail| format!("{}-{tail}", name.command)).collect();
    found.push(hashed(name));
    found
}

fn hashed(name: &Names) -> String {
    let digest = Sha256::digest(name.tool_id.as_bytes());
    let hex: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hex}", name.command)
}

/// Names parameters of one tool: the slug of `x-cli-name` or the wire name, the wire name when that is empty (W34);
/// a second claimant of a name gets `-<location>`, then a number.
pub(crate) struct FlagNames {
    taken: HashSet<String>,
}

impl FlagNames {
    pub(crate) fn new() -> Self {
        Self { taken: HashSet::new() }
    }

    pub(crate) fn claim(&mut self, wanted: &str, wire_name: &str, location: &str) -> String {
        let mut base = slug(wanted);
        if base.is_empty() {
            base = wire_name.to_owned();
        }
        if self.taken.insert(base.clone()) {
            return base;
        }
        let with_location = format!("{base}-{location}");
        if self.taken.insert(with_location.clone()) {
            return with_location;
        }
        let mut number = 2_u32;
        loop {
            let numbered = format!("{with_location}-{number}");
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, path: &str, id: &str, tags: &[&str]) -> Operation {
        Operation {
            method: method.into(),
            path: path.into(),
            operation_id: id.into(),
            tags: tags.iter().map(|t| (*t).into()).collect(),
            ..Operation::default()
        }
    }

    /// Deviations 2 and 3.
    #[test]
    fn groups_and_commands_are_words() {
        for (method, path, id, tags, group, command) in [
            ("GET", "/bins/{binId}/items", "listBinItems", &["Bins"][..], "bins", "list-bin-items"),
            ("GET", "/gift-cards", "", &["Gift Cards"], "gift-cards", "list"),
            ("GET", "/bins/{id}", "", &[], "bins", "get"),
            ("POST", "/bins", "", &[], "bins", "create"),
            ("PUT", "/bins/{id}", "", &[], "bins", "update"),
            ("PATCH", "/bins/{id}", "", &[], "bins", "patch"),
            ("DELETE", "/{tenant}/bins/{id}", "", &[], "bins", "delete"),
            ("GET", "/", "", &[], "misc", "list"),
            ("GET", "/x", "listHTTPThings", &[], "x", "list-http-things"),
        ] {
            let names = names("s", &operation(method, path, id, tags), "", "");
            assert_eq!((names.group.as_str(), names.command.as_str()), (group, command), "{method} {path}");
        }
    }

    /// OpenAPI 3.2: `parent` and `kind` of tags.
    #[test]
    fn tags_above_each_other_are_one_group() {
        for (path, group, hidden) in [
            (&["Sales", "Orders"][..], "sales-orders", "orders"),
            (&["orders", "orders-open", "Late ones"], "orders-open-late-ones", "late-ones"),
            (&["house", "Rooms", "rooms quiet"], "house-rooms-quiet", "rooms-quiet"),
            (&["Order", "Orders"], "order-orders", "orders"),
            (&["🎁", "Orders"], "orders", ""),
            (&["a", "a"], "a", ""),
            (&[], "x", ""),
        ] {
            let tags = Some(path.iter().map(|tag| (*tag).to_owned()).collect());
            let operation = Operation { group_tags: tags, ..operation("GET", "/x", "list", &["Orders"]) };
            let found = names("s", &operation, "", "");
            assert_eq!((found.group.as_str(), found.reference_group.as_str()), (group, hidden), "{path:?}");
        }
    }

    /// Bad input: names that nobody could type.
    #[test]
    fn names_without_a_letter_are_replaced_and_told() {
        for (id, tag, cli_group, cli_name, expected, pointers) in [
            ("🎁🎁", "Bins", "", "", "bins list", &["/operationId"][..]),
            ("---", "!!!", "", "", "x list", &["/tags", "/operationId"]),
            ("listX", "Bins", " ", "--", "bins list-x", &["/x-cli-group", "/x-cli-name"]),
            ("listX", "Bins", "🎁", "🎁", "🎁 🎁", &[]),
            ("出荷", "Bins", "", "", "bins chu-he", &[]),
        ] {
            let operation = Operation { pointer: "/p".into(), ..operation("GET", "/x", id, &[tag]) };
            let mut all = [names("s", &operation, cli_group, cli_name)];
            let diagnostics = resolve_collisions("s", &mut all);
            assert_eq!(format!("{} {}", all[0].group, all[0].command), expected, "{id}");
            let found: Vec<&str> = diagnostics.iter().map(|d| d.pointer.trim_start_matches("/p")).collect();
            assert_eq!(found, pointers, "{id}");
            assert!(diagnostics.iter().all(|d| d.code == "name_unusable" && !d.hint.is_empty()));
            assert_eq!(all[0].tool_id, format!("s:{id}"));
        }
    }

    #[test]
    fn the_references_names_are_kept_as_hidden_aliases() {
        let found = names("s", &operation("GET", "/x", "listHTTPThings", &["Gift Cards"]), "", "");
        assert_eq!(found.reference_command, "list-h-t-t-p-things");
        assert_eq!(found.reference_group, "gift--cards");
        let found = names("depot", &operation("GET", "/bins/{binId}", "", &[]), "", "");
        assert_eq!(
            (found.tool_id.as_str(), found.reference_command.as_str()),
            ("depot:get:/bins/{binId}", "getbinsbin-id")
        );
    }

    /// W30.
    #[test]
    fn collisions_get_a_readable_suffix_whatever_the_order() {
        let paths = ["/users/{id}/posts", "/users/{id}", "/users/{id}/posts/{post}", "/users/{id}/likes"];
        let build = |paths: &[&str]| {
            let mut all: Vec<Names> =
                paths.iter().map(|p| names("s", &operation("GET", p, "", &[]), "", "")).collect();
            let diagnostics = resolve_collisions("s", &mut all);
            assert_eq!(diagnostics.len(), 3);
            let mut pairs: Vec<_> = all.into_iter().map(|n| (n.path, n.command)).collect();
            pairs.sort();
            pairs
        };
        let mut reversed = paths;
        reversed.reverse();
        assert_eq!(build(&paths), build(&reversed));
        let commands: Vec<_> = build(&paths).into_iter().map(|(_, command)| command).collect();
        assert_eq!(commands, ["get", "get-likes", "get-posts", "get-posts-by-id-and-post"]);
    }

    /// W34.
    #[test]
    fn flags_of_one_tool_have_distinct_names() {
        let mut flags = FlagNames::new();
        assert_eq!(flags.claim("page_size", "page_size", "query"), "page-size");
        assert_eq!(flags.claim("page-size", "page-size", "header"), "page-size-header");
        assert_eq!(flags.claim("pageSize", "pageSize", "header"), "page-size-header-2");
        assert_eq!(flags.claim("$", "$", "query"), "$");
    }
}
