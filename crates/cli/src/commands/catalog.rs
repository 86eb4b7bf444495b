//! `catalog list` (client §11.1; W40, W42).

use super::SERVICE;
use crate::app::App;
use crate::args::{Flag, Takes};
use crate::dynamic::tree;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Screen, Table};
use crate::text::{count, first_line, near};
use open_cli_client::CatalogQuery;
use open_cli_contract::catalog::{EffectiveCatalog, Safety, Service, Tool, View};
use serde::Serialize;

const SAFETIES: &[&str] = &["read-only", "destructive", "requires-approval", "idempotent"];

pub(super) const FLAGS: &[Flag] = &[
    SERVICE,
    Flag::new("group", Takes::Value("group"), "Only tools of this group"),
    Flag::new("safety", Takes::OneOf(SAFETIES), "Only tools with this property"),
    Flag::new("full", Takes::Nothing, "Print the whole catalog beside the filtered view"),
];

/// What is printed without `--full`: the same path to the tools as in the whole answer, nothing else.
#[derive(Serialize)]
pub(super) struct Listed<'a> {
    pub(super) view: &'a View,
}

pub(super) fn list(app: &App, _: &[String]) -> Result<Exit, Failure> {
    let mut answer = app.runtime()?.catalog(&CatalogQuery::default())?;
    let flag = |name: &str| app.line.flag(name).unwrap_or_default();
    refuse_empty(app, &answer)?;
    let is_filtered = ["service", "group", "safety"].iter().any(|name| !flag(name).is_empty());
    filter_service(&mut answer, flag("service"))?;
    let group = flag("group");
    filter_group(&mut answer, group)?;
    if let Some(safety) = app.line.flag("safety") {
        answer.view.tools.retain(|tool| has(tool.safety, safety));
    }
    if app.line.is_set("full") {
        app.screen.report(&answer, || Ok(table(&answer, &app.screen)))?;
    } else {
        app.screen.report(&Listed { view: &answer.view }, || Ok(table(&answer, &app.screen)))?;
    }
    let errors = errors(&answer, is_filtered);
    if errors > 0 {
        let text = format!(
            "{} left something out of the catalog: `open-cli status` names {}.",
            count(errors, "error"),
            if errors == 1 { "it" } else { "them" }
        );
        app.screen.remark(&app.screen.error_paint.warning(&text));
    }
    Ok(Exit::Ok)
}

/// How many errors left something out of what is listed; unfiltered that is the whole catalog.
fn errors(answer: &EffectiveCatalog, is_filtered: bool) -> usize {
    let is_listed = |source: &str| {
        answer.view.tools.iter().any(|tool| {
            let service = answer.catalog.services.iter().find(|service| service.id == tool.service_id);
            tool.service_id == source || service.is_some_and(|service| service.source_id == source)
        })
    };
    let errors = answer.catalog.diagnostics.iter().filter(|diagnostic| diagnostic.severity.is_error());
    errors.filter(|diagnostic| !is_filtered || is_listed(&diagnostic.source)).count()
}

/// A curated view without tools is a decision of the policy, not an empty catalog.
pub(crate) fn refuse_empty(app: &App, answer: &EffectiveCatalog) -> Result<(), Failure> {
    let view = &answer.view;
    let is_curated = view.mode == "curated" || (view.mode.is_empty() && app.line.globals.mode == "curated");
    if !is_curated || !view.tools.is_empty() {
        return Ok(());
    }
    let profile = &app.line.globals.agent_profile;
    let cause = if profile.is_empty() {
        "Curated mode admits only the tools of an agent profile's tool set; no profile was named, and the default \
         one, if any, admits none."
            .to_owned()
    } else {
        format!("The tool set of the agent profile {profile:?} admits no tool of the catalog.")
    };
    Err(Failure::new(Exit::Policy, "curated_deny", "The curated view admits no tool", cause).suggest(
        "Name a profile with `--agent-profile <name>`, add tools to its tool set, or leave `--mode curated` out.",
    ))
}

fn has(safety: Safety, word: &str) -> bool {
    match word {
        "read-only" => safety.read_only,
        "destructive" => safety.destructive,
        "requires-approval" => safety.requires_approval,
        _ => safety.idempotent,
    }
}

/// Keeps the tools of a service, named by id or alias; an unknown one is an error.
pub(super) fn filter_service(answer: &mut EffectiveCatalog, wanted: &str) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let names = |service: &Service| service.id == wanted || service.alias == wanted;
    let ids: Vec<String> = answer
        .catalog
        .services
        .iter()
        .filter(|service| names(service))
        .map(|service| service.id.clone())
        .collect();
    if ids.is_empty() {
        let known =
            answer.catalog.services.iter().flat_map(|service| [service.alias.as_str(), service.id.as_str()]);
        let near: Vec<String> = near(wanted, known).iter().map(|name| format!("`{name}`")).collect();
        return Err(Failure::usage(format!("There is no service {wanted:?}"), "Neither an id nor an alias fits.")
            .suggest(if near.is_empty() {
                "List the services with `open-cli help`.".to_owned()
            } else {
                format!("Did you mean {}?", near.join(" or "))
            }));
    }
    answer.view.tools.retain(|tool| ids.contains(&tool.service_id));
    Ok(())
}

/// Keeps the tools of a group; one that no tool of the view has is an error.
fn filter_group(answer: &mut EffectiveCatalog, wanted: &str) -> Result<(), Failure> {
    let tools = &mut answer.view.tools;
    if wanted.is_empty() || tools.is_empty() {
        return Ok(());
    }
    if !tools.iter().any(|tool| tool.group == wanted) {
        let near: Vec<String> = near(wanted, tools.iter().map(|tool| tool.group.as_str()))
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        return Err(Failure::usage(format!("There is no group {wanted:?}"), "No tool of the view is in it.")
            .suggest(if near.is_empty() {
                "See the groups with `open-cli catalog list`.".to_owned()
            } else {
                format!("Did you mean {}?", near.join(" or "))
            }));
    }
    tools.retain(|tool| tool.group == wanted);
    Ok(())
}

/// The table of the view's tools.
pub(super) fn table(answer: &EffectiveCatalog, screen: &Screen) -> String {
    rows(answer, answer.view.tools.iter()).render(screen.width(), screen.paint)
}

pub(super) fn rows<'a>(answer: &'a EffectiveCatalog, tools: impl Iterator<Item = &'a Tool>) -> Table {
    let mut table = Table::new(["SERVICE", "GROUP", "COMMAND", "METHOD", "SUMMARY"]);
    let service = |tool: &Tool| tree::service_word(&answer.catalog.services, tool);
    let mut tools: Vec<(String, &Tool)> = tools.map(|tool| (service(tool), tool)).collect();
    tools.sort_by(|(a, left), (b, right)| {
        (a, &left.group, &left.command, &left.id).cmp(&(b, &right.group, &right.command, &right.id))
    });
    for (service, tool) in tools {
        let summary = if tool.summary.is_empty() { &tool.description } else { &tool.summary };
        table.row([&service, &tool.group, &tool.command, &tool.method, &first_line(summary)]);
    }
    table
}
