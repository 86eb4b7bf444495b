//! A workflow as a page: what it takes, what its steps call with which values, what comes next, what it gives.

use super::{Page, body_schema};
use crate::output::Screen;
use crate::text::{first_line, lines, one_line};
use open_cli_contract::catalog::{EffectiveCatalog, Workflow};
use open_cli_contract::workflow::{StepAction, StepDetails, WorkflowDetails};
use serde_json::Value;

/// Lines of a description that are shown.
const MAX_LINES: usize = 40;
/// Characters of a value that are shown.
const MAX_VALUE: usize = 400;

/// The page.
pub(crate) fn card(workflow: &Workflow, answer: &EffectiveCatalog, screen: &Screen) -> String {
    let mut page = Page::new(screen.paint, screen.text_width());
    write(&mut page, workflow, answer);
    page.into_text()
}

fn write(page: &mut Page, workflow: &Workflow, answer: &EffectiveCatalog) {
    let none = WorkflowDetails::default();
    let details = workflow.details.as_deref().unwrap_or(&none);
    let summary = first_line(&details.summary);
    if !summary.is_empty() {
        page.paragraph(&summary);
    }
    let description = lines(&details.description);
    if !description.is_empty() && description != [summary.as_str()] {
        if !summary.is_empty() {
            page.paragraph("");
        }
        description.iter().take(MAX_LINES).for_each(|line| page.paragraph(line));
    }
    about(page, workflow, details, answer);
    if let Some(schema) = &details.inputs {
        let rows = body_schema::members(schema);
        if !rows.is_empty() {
            page.heading("Inputs");
            page.rows(&rows);
        }
    }
    steps(page, workflow, details);
    values(page, "Outputs", details.outputs.iter());
    page.heading("Examples");
    page.line(&one_line(&format!("open-cli workflow run {} --plan", workflow.workflow_id)));
}

fn about(page: &mut Page, workflow: &Workflow, details: &WorkflowDetails, answer: &EffectiveCatalog) {
    let mut rows = vec![("Workflow", workflow.workflow_id.clone())];
    if !details.service_id.is_empty() {
        let service = answer.catalog.services.iter().find(|service| service.id == details.service_id);
        let title = service.map(|service| format!(" ({})", service.title)).unwrap_or_default();
        rows.push(("Service", one_line(&format!("{}{title}", details.service_id))));
    }
    if !details.document.is_empty() {
        let whose = if details.published { ", attached by the publisher" } else { "" };
        rows.push(("Document", one_line(&format!("{}#{}{whose}", details.document, details.pointer))));
    }
    if !details.depends_on.is_empty() {
        rows.push(("After", one_line(&details.depends_on.join(", "))));
    }
    page.heading("About");
    page.rows(&rows);
}

/// Each step with a table of what is said about it.
fn steps(page: &mut Page, workflow: &Workflow, details: &WorkflowDetails) {
    page.heading("Steps");
    if workflow.steps.is_empty() {
        page.line("none");
    }
    // In the order in which they are run, as far as that is known.
    let place = |id: &str| details.steps.iter().position(|step| step.step_id == id).unwrap_or(usize::MAX);
    let mut ordered: Vec<_> = workflow.steps.iter().collect();
    ordered.sort_by_key(|step| place(&step.step_id));
    for (i, step) in ordered.into_iter().enumerate() {
        let calls = match step.tool_id.as_str() {
            "" => format!("workflow {}", step.workflow_id),
            tool => tool.to_owned(),
        };
        let title = format!("{}. {}", i + 1, step.step_id);
        let line = format!("{}  {}", page.paint().bold(&one_line(&title)), one_line(&calls));
        page.line(&line);
        if let Some(details) = details.steps.get(place(&step.step_id)) {
            let description = first_line(&details.description);
            if !description.is_empty() {
                page.line(&format!("   {description}"));
            }
            page.inner_rows(&about_step(details));
        }
    }
}

fn about_step(step: &StepDetails) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for parameter in &step.parameters {
        let name = format!("{} {}", parameter.location, parameter.name);
        rows.push((one_line(name.trim()), shown(&parameter.value)));
    }
    rows.extend(step.body.iter().map(|body| ("body".to_owned(), shown(body))));
    rows.extend(step.success_criteria.iter().map(|criterion| ("succeeds when".to_owned(), one_line(criterion))));
    rows.extend(step.on_success.iter().map(|action| ("then".to_owned(), action_text(action))));
    rows.extend(step.on_failure.iter().map(|action| ("else".to_owned(), action_text(action))));
    rows.extend(step.timeout_ms.map(|timeout| ("at most".to_owned(), format!("{timeout} ms"))));
    rows.extend(step.outputs.iter().map(|(name, value)| (format!("gives {}", one_line(name)), shown(value))));
    rows
}

fn action_text(action: &StepAction) -> String {
    let what = match (action.kind.as_str(), action.retry_limit) {
        ("end", _) => "end".to_owned(),
        ("retry", limit) => {
            let times = limit.map(|limit| format!(", at most {limit} times")).unwrap_or_default();
            let via = if action.target.is_empty() { String::new() } else { format!(" after {}", action.target) };
            format!("try again{via}{times}")
        }
        _ => format!("go to {}", action.target),
    };
    let when = if action.criteria.is_empty() {
        String::new()
    } else {
        format!(" when {}", action.criteria.join(" and "))
    };
    one_line(&format!("{what}{when}"))
}

fn values<'a>(page: &mut Page, title: &str, values: impl Iterator<Item = (&'a String, &'a Value)>) {
    let rows: Vec<(String, String)> = values.map(|(name, value)| (one_line(name), shown(value))).collect();
    if !rows.is_empty() {
        page.heading(title);
        page.rows(&rows);
    }
}

/// A value on one line, cut.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cut: String = text.chars().take(MAX_VALUE).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    one_line(&format!("{cut}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Paint;
    use serde_json::json;

    #[test]
    fn a_workflow_is_shown_with_everything_one_needs_to_run_it() {
        let workflow = json!({"workflowId": "lend-book",
            "steps": [{"stepId": "find", "toolId": "shelf:listBooks"}, {"stepId": "lend", "toolId": "", "workflowId": "lend"}],
            "details": {"serviceId": "shelf", "summary": "Lend a book.", "description": "Finds a book by its title.\n\nLends it.",
                "inputs": {"type": "object", "required": ["title"], "properties": {
                    "days": {"type": "integer", "description": "For how long"}, "title": {"type": "string"}}},
                "outputs": {"loan": "$steps.lend.outputs.loan"}, "dependsOn": ["sign-in"],
                "steps": [
                    {"stepId": "find", "description": "The first that fits.", "timeoutMs": 500,
                        "parameters": [{"name": "q", "in": "query", "value": "$inputs.title"}],
                        "successCriteria": ["$statusCode == 200", "$response.body: $[0]"],
                        "onSuccess": [{"name": "none", "type": "end", "criteria": ["$response.body#/0 == null"]}],
                        "onFailure": [{"name": "busy", "type": "retry", "retryLimit": 3, "criteria": ["$statusCode == 503"]}],
                        "outputs": {"book": "$response.body#/0/id"}},
                    {"stepId": "lend", "parameters": [{"name": "book", "value": "$steps.find.outputs.book"}],
                        "body": {"days": "$inputs.days"}, "onSuccess": [{"name": "on", "type": "goto", "target": "find"}]}],
                "document": "/srv/lend.arazzo.yaml", "pointer": "/workflows/0", "published": true}});
        let answer = json!({"catalog": {"catalogVersion": "1.0.0", "generatedAt": "2026-01-01T00:00:00Z", "sourceFingerprint": "",
            "services": [{"id": "shelf", "alias": "shelf", "sourceId": "s", "title": "Shelf API"}]},
            "view": {"name": "", "mode": "", "tools": []}});
        let workflow: Workflow = serde_json::from_value(workflow).unwrap();
        let answer: EffectiveCatalog = serde_json::from_value(answer).unwrap();
        let mut page = Page::new(Paint::default(), 90);
        write(&mut page, &workflow, &answer);
        insta::assert_snapshot!(page.into_text());
    }
}
