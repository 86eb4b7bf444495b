//! Tool references of `tool schema` and `explain`: an id, or the words of the command (client §11.8, CL-9). The
//! whole catalog is searched when the view does not have the tool, so that a refused tool can still be looked at.

use crate::app::App;
use crate::dynamic::tree;
use crate::failure::Failure;
use crate::text::near;
use open_cli_client::CatalogQuery;
use open_cli_contract::catalog::{EffectiveCatalog, Service, Tool};

/// A tool that was found.
pub(super) struct Resolved {
    pub(super) tool: Tool,
    pub(super) service: Option<Service>,
}

pub(super) fn resolve(app: &App, words: &[String], responses: bool) -> Result<Resolved, Failure> {
    // `explain 'shelf books get-book'` is the same as the three words.
    let words: Vec<&str> = words.iter().flat_map(|word| word.split_whitespace()).collect();
    let runtime = app.runtime()?;
    let slice = match words.as_slice() {
        [id] if id.contains(':') => {
            CatalogQuery { slice: true, detailed: true, tool: id, responses, ..CatalogQuery::default() }
        }
        _ => CatalogQuery { slice: true, detailed: true, words: &words, responses, ..CatalogQuery::default() },
    };
    let answer = runtime.catalog(&slice)?;
    if let Some(found) = pick(&answer, answer.view.tools.iter(), &words)? {
        return Ok(found);
    }
    let whole = runtime.catalog(&CatalogQuery { detailed: true, ..CatalogQuery::default() })?;
    if let Some(found) = pick(&whole, whole.catalog.tools.iter(), &words)? {
        return Ok(found);
    }
    let reference = words.join(" ");
    let known: Vec<String> = whole
        .catalog
        .tools
        .iter()
        .flat_map(|tool| [tool.id.clone(), tree::words(&whole.catalog.services, tool).join(" ")])
        .collect();
    let near: Vec<String> =
        near(&reference, known.iter().map(String::as_str)).iter().map(|name| format!("`{name}`")).collect();
    Err(Failure::usage(format!("There is no tool {reference:?}"), "It is misspelled, or not in the catalog.")
        .suggest(if near.is_empty() {
            "List the tools with `open-cli catalog list`.".to_owned()
        } else {
            format!("Did you mean {}? List all with `open-cli catalog list`.", near.join(" or "))
        }))
}

fn pick<'a>(
    answer: &'a EffectiveCatalog,
    tools: impl Iterator<Item = &'a Tool>,
    words: &[&str],
) -> Result<Option<Resolved>, Failure> {
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let is_meant = |tool: &Tool| {
        if let [id] = words
            && *id == tool.id
        {
            return true;
        }
        let services = &answer.catalog.services;
        let alias = tree::service_word(services, tool);
        let (service, command) = (fold(&alias), fold(&tool.command));
        let group = fold(&tool.group);
        match folded.as_slice() {
            [s, c] => (*s == service || *s == fold(&tool.service_id)) && *c == command,
            [s, g, c] => (*s == service || *s == fold(&tool.service_id)) && *g == group && *c == command,
            _ => false,
        }
    };
    let found: Vec<&Tool> = tools.filter(|tool| is_meant(tool)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [tool] => Ok(Some(Resolved {
            tool: (*tool).clone(),
            service: answer.catalog.services.iter().find(|service| service.id == tool.service_id).cloned(),
        })),
        several => {
            let mut ids: Vec<&str> = several.iter().map(|tool| tool.id.as_str()).collect();
            ids.sort_unstable();
            Err(Failure::usage(
                format!("The reference {:?} is ambiguous", words.join(" ")),
                format!("It fits {}.", ids.join(", ")),
            )
            .suggest("Write one of these ids."))
        }
    }
}

fn fold(word: &str) -> String {
    word.trim().to_lowercase().replace(['_', ' '], "-")
}
