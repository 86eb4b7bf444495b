//! Help of a service, or of a group of it: the listed commands, grouped.

use super::{Page, page};
use crate::app::App;
use crate::dynamic::tree;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::{cut, first_line, one_line};
use open_cli_contract::catalog::{EffectiveCatalog, Tool};
use open_cli_contract::command::{command_word, group_is_collapsed};
use std::collections::BTreeMap;

/// Columns of a summary in a list.
const SUMMARY: usize = 90;

/// Help of a service (one word) or a group (two).
pub(crate) fn service(
    app: &App,
    answer: &EffectiveCatalog,
    words: &[String],
    tools: &[&Tool],
) -> Result<Exit, Failure> {
    let mut page = page(app);
    write(&mut page, answer, words, tools, app.line.words.first().map_or("", String::as_str));
    app.screen.text(&page.into_text())?;
    Ok(Exit::Ok)
}

fn write(page: &mut Page, answer: &EffectiveCatalog, words: &[String], tools: &[&Tool], typed: &str) {
    let service = words.first().map_or("", String::as_str);
    let meant =
        |s: &&open_cli_contract::catalog::Service| tree::service_words(std::slice::from_ref(s)) == [service];
    if let Some(found) = answer.catalog.services.iter().find(meant) {
        let title = first_line(&found.title);
        if !title.is_empty() {
            page.paragraph(&title);
        }
    }
    page.heading("Usage");
    if let Some(group) = words.get(1) {
        page.line(&format!("open-cli {typed} {group} <command> [arguments] [flags]"));
    } else {
        page.line(&format!("open-cli {typed} [group] <command> [arguments] [flags]"));
    }
    let mut groups: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for tool in tools.iter().filter(|tool| !tool.hidden) {
        let group = command_word(&tool.group);
        let group = if group_is_collapsed(service, &group) { String::new() } else { group };
        let summary = if tool.summary.is_empty() { &tool.description } else { &tool.summary };
        let badge = if tool.safety.requires_approval {
            " (needs approval)"
        } else if tool.safety.destructive {
            " (destructive)"
        } else {
            ""
        };
        // Better a request line than nothing.
        let summary = match first_line(summary) {
            line if line.is_empty() => one_line(&format!("{} {}", tool.method.to_uppercase(), tool.path)),
            line => line,
        };
        let about = format!("{}{badge}", cut(&summary, SUMMARY));
        groups.entry(group).or_default().push((command_word(&tool.command), about));
    }
    if groups.is_empty() {
        page.heading("Commands");
        page.line("None are listed.");
    }
    for (group, mut rows) in groups {
        rows.sort();
        match (group.as_str(), words.len()) {
            ("", _) | (_, 2..) => page.heading("Commands"),
            (group, _) => page.heading(&format!("Group {group}")),
        }
        page.rows(&rows);
    }
    page.heading("More");
    page.line(&format!("open-cli {} <command> --help", [&[typed.to_owned()], &words[1..]].concat().join(" ")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::tree::tests::sample;
    use crate::output::Paint;

    #[test]
    fn a_service_lists_its_groups_and_no_hidden_command() {
        let answer = sample();
        let tools: Vec<&Tool> = answer.view.tools.iter().collect();
        let mut page = Page::new(Paint::default(), 80);
        write(&mut page, &answer, &["shelf".into()], &tools, "shelf");
        insta::assert_snapshot!(page.into_text());
    }
}
