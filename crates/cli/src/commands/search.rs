//! `search` (client §11.7; W43): every word must occur; where it occurs decides the order.

use super::{SERVICE, catalog};
use crate::app::App;
use crate::args::Flag;
use crate::exit::Exit;
use crate::failure::Failure;
use open_cli_client::CatalogQuery;
use open_cli_contract::catalog::Tool;

pub(super) const FLAGS: &[Flag] = &[SERVICE];

pub(super) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let pattern = operands.join(" ");
    let mut answer = app.runtime()?.catalog(&CatalogQuery { detailed: true, ..CatalogQuery::default() })?;
    catalog::refuse_empty(app, &answer)?;
    catalog::filter_service(&mut answer, app.line.flag("service").unwrap_or_default())?;
    let words: Vec<String> = pattern.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let tools = std::mem::take(&mut answer.view.tools);
    let mut found: Vec<(u32, Tool)> =
        tools.into_iter().filter_map(|tool| score(&tool, &words).map(|score| (score, tool))).collect();
    found.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.id.cmp(&right.id)));
    answer.view.tools = found.into_iter().map(|(_, tool)| Tool { details: None, ..tool }).collect();
    if answer.view.tools.is_empty() {
        app.screen.remark(&format!("No tool matches {pattern:?}. List all with `open-cli catalog list`."));
        if app.screen.list_format() == crate::args::Format::Table {
            return Ok(Exit::Ok);
        }
    }
    app.screen.report(&catalog::Listed { view: &answer.view }, || Ok(catalog::table(&answer, &app.screen)))?;
    Ok(Exit::Ok)
}

/// Sum over the words of the best place each occurs in; `None` when one occurs nowhere.
fn score(tool: &Tool, words: &[String]) -> Option<u32> {
    let tags = tool.details.as_ref().map_or_else(String::new, |details| details.tags.join(" "));
    let places = [
        (8, tool.command.to_lowercase()),
        (6, tool.id.to_lowercase()),
        (5, tool.group.to_lowercase()),
        (5, tags.to_lowercase()),
        (4, tool.summary.to_lowercase()),
        (3, tool.path.to_lowercase()),
        (2, tool.aliases.join(" ").to_lowercase()),
        (1, tool.description.to_lowercase()),
    ];
    let mut total = 0;
    for word in words {
        let best = places.iter().filter_map(|(weight, text)| {
            let at = text.find(word.as_str())?;
            // A whole word, or the beginning of one, counts more than a piece in the middle.
            let starts = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
            Some(weight * 2 + u32::from(starts))
        });
        total += best.max()?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(id: &str, command: &str, summary: &str) -> Tool {
        serde_json::from_value(serde_json::json!({
            "id": id, "serviceId": "s", "method": "GET", "path": "/x", "group": "g", "command": command,
            "summary": summary, "safety": {"destructive": false, "readOnly": true, "requiresApproval": false},
        }))
        .unwrap()
    }

    #[test]
    fn a_match_in_the_command_beats_one_in_the_summary_and_all_words_must_occur() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let named = tool("s:a", "list-loans", "All of them");
        let told = tool("s:b", "report", "Lists overdue loans");
        assert!(score(&named, &words("loan")) > score(&told, &words("loan")));
        assert!(score(&told, &words("overdue loan")).is_some());
        assert!(score(&named, &words("overdue loan")).is_none());
        assert_eq!(score(&named, &[]), Some(0));
    }
}
