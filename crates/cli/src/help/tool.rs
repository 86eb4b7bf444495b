//! Help of a tool (W33): usage with positionals, safety, sign-in, typed inputs, the body's shape, examples.

use super::{Page, body_schema, page};
use crate::app::App;
use crate::dynamic::{Input, flags, positionals, tool_flags, tree};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Screen;
use crate::text::{first_line, lines, one_line};
use open_cli_contract::catalog::{AuthRequirement, EffectiveCatalog, RequestBody, Service, Tool};

/// Lines of a description that are shown.
const MAX_LINES: usize = 40;

/// `open-cli shelf books get-book <book-id> [flags]`, with the words as they were typed.
pub(crate) fn usage(tool: &Tool, typed: &[String]) -> String {
    let mut out = format!("open-cli {}", typed.join(" "));
    for input in positionals(tool) {
        out.push_str(&format!(" <{}>", input.name));
    }
    for input in flags(tool).iter().filter(|input| input.required) {
        out.push_str(&format!(" --{} <{}>", input.name, input.schema.kind()));
    }
    if tool.request_body.as_ref().is_some_and(|body| body.required) {
        out.push_str(" --body <json|@file|->");
    }
    out.push_str(" [flags]");
    out
}

/// Help of a tool.
pub(crate) fn tool(app: &App, answer: &EffectiveCatalog, tool: &Tool, typed: &[String]) -> Result<Exit, Failure> {
    let mut page = page(app);
    write(&mut page, tool, &answer.catalog.services, typed);
    app.screen.text(&page.into_text())?;
    Ok(Exit::Ok)
}

/// The same for commands that look at a tool.
pub(crate) fn card(tool: &Tool, services: &[Service], screen: &Screen) -> String {
    let mut page = Page::new(screen.paint, screen.text_width());
    write(&mut page, tool, services, &tree::words(services, tool));
    page.into_text()
}

fn write(page: &mut Page, tool: &Tool, services: &[Service], typed: &[String]) {
    let summary = first_line(&tool.summary);
    if !summary.is_empty() {
        page.paragraph(&summary);
    }
    let description = lines(&tool.description);
    if !description.is_empty() && description != [summary.as_str()] {
        if !summary.is_empty() {
            page.paragraph("");
        }
        description.iter().take(MAX_LINES).for_each(|line| page.paragraph(line));
    }
    if tool.details.as_ref().is_some_and(|details| details.deprecated) {
        let note = page.paint().warning("Deprecated: the API may drop this operation.").into_owned();
        page.paragraph("");
        page.paragraph(&note);
    }
    page.heading("Usage");
    page.line(&usage(tool, typed));
    about(page, tool, services);
    inputs(page, "Arguments", &positionals(tool), |input| format!("<{}>", input.name));
    let parameters = flags(tool);
    inputs(page, "Parameters", &parameters, |input| format!("--{} <{}>", input.name, input.schema.kind()));
    page.heading("Flags");
    let rows: Vec<(String, &str)> = tool_flags(tool).map(|flag| (flag.usage(), flag.about)).collect();
    page.rows(&rows);
    if let Some(body) = &tool.request_body {
        body_shape(page, tool, body);
    }
    answers(page, tool);
    guidance(page, tool);
    page.heading("Examples");
    let given = tool.guidance.iter().flat_map(|guidance| &guidance.examples);
    for example in given {
        page.line(&format!("# {}", first_line(&example.goal)));
        page.line(&one_line(&example.command));
    }
    page.line(&example(tool, typed, &parameters));
    page.heading("More");
    page.line("open-cli help    flags of every command");
}

/// What one wants to know before running it.
fn about(page: &mut Page, tool: &Tool, services: &[Service]) {
    let paint = page.paint();
    let mut rows: Vec<(&str, String)> = vec![("Tool", tool.id.clone())];
    let server = tool.servers.first().map(|server| open_cli_contract::redact::text(server)).unwrap_or_default();
    let path = format!("{} {}{}", tool.method.to_uppercase(), server.trim_end_matches('/'), tool.path);
    rows.push(("Request", one_line(&path)));
    let words = tree::words(services, tool).join(" ");
    rows.push(("Command", format!("open-cli {words}")));
    if !tool.aliases.is_empty() {
        rows.push(("Aliases", one_line(&tool.aliases.join(", "))));
    }
    rows.push(("Safety", badges(tool, paint)));
    rows.push(("Sign-in", sign_in(tool)));
    page.heading("About");
    page.rows(&rows);
}

fn badges(tool: &Tool, paint: crate::output::Paint) -> String {
    let safety = tool.safety;
    let mut badges = Vec::new();
    if safety.read_only {
        badges.push(paint.good("read-only").into_owned());
    }
    if safety.destructive {
        badges.push(paint.error("destructive").into_owned());
    }
    if safety.requires_approval {
        badges.push(paint.warning("needs approval (--approval)").into_owned());
    }
    if safety.idempotent {
        badges.push("idempotent".into());
    }
    if badges.is_empty() { "changes data".into() } else { badges.join(", ") }
}

fn sign_in(tool: &Tool) -> String {
    let one = |requirement: &AuthRequirement| {
        let mut kind = requirement.kind.clone();
        if !requirement.scheme.is_empty() {
            kind = format!("{kind} {}", requirement.scheme);
        }
        if !requirement.scopes.is_empty() {
            kind = format!("{kind}: {}", requirement.scopes.join(" "));
        }
        format!("{} ({kind})", requirement.name)
    };
    let all = |requirements: &[AuthRequirement]| requirements.iter().map(one).collect::<Vec<_>>().join(" and ");
    let text = if tool.auth_alternatives.is_empty() {
        all(&tool.auth)
    } else {
        let alternatives: Vec<String> = tool
            .auth_alternatives
            .iter()
            .map(|alternative| match alternative.requirements.as_slice() {
                [] => "nothing".to_owned(),
                requirements => all(requirements),
            })
            .collect();
        alternatives.join(", or ")
    };
    if text.is_empty() { "not needed".into() } else { one_line(&text) }
}

fn inputs(page: &mut Page, title: &str, inputs: &[Input<'_>], name: impl Fn(&Input<'_>) -> String) {
    if inputs.is_empty() {
        return;
    }
    page.heading(title);
    let rows: Vec<(String, String)> = inputs
        .iter()
        .map(|input| {
            let mut marks = Vec::new();
            if input.required {
                marks.push("required".to_owned());
            }
            if input.parameter.location == "path" {
                marks.push(input.schema.kind());
            }
            if matches!(input.parameter.location.as_str(), "header" | "cookie") {
                marks.push(format!("{} {}", input.parameter.location, input.parameter.original_name));
            }
            if input.name.starts_with("param-") && !input.parameter.name.starts_with("param-") {
                marks.push(format!("the parameter {:?}", input.parameter.original_name));
            }
            if let Some(default) = &input.schema.default {
                marks.push(format!("default {default}"));
            }
            if input.details.is_some_and(|details| details.deprecated) {
                marks.push("deprecated".to_owned());
            }
            let description = first_line(input.description());
            let marks =
                if marks.is_empty() { String::new() } else { format!("[{}]", one_line(&marks.join(", "))) };
            (name(input), format!("{description} {marks}").trim().to_owned())
        })
        .collect();
    page.rows(&rows);
}

fn body_shape(page: &mut Page, tool: &Tool, body: &RequestBody) {
    let required = if body.required { "required" } else { "optional" };
    page.heading(&format!("Body ({required})"));
    if let Some(details) = &tool.details
        && !details.body_description.is_empty()
    {
        page.line(&first_line(&details.body_description));
    }
    let media: Vec<&str> = body.content_types.iter().map(|content| content.media_type.as_str()).collect();
    if !media.is_empty() {
        page.line(&one_line(&media.join(", ")));
    }
    let Some(schema) = body_schema::of(tool, body) else { return };
    let rows = body_schema::members(&schema);
    if rows.is_empty() {
        if schema.get("$ref").is_some() {
            page.line(&format!("Its schema: open-cli tool schema {} --format yaml", tool.id));
        }
        return;
    }
    page.rows(&rows);
}

/// What it answers, by status; the members of what a success has.
fn answers(page: &mut Page, tool: &Tool) {
    let responses = tool.details.iter().flat_map(|details| &details.responses);
    let mut is_first = true;
    for response in responses {
        if std::mem::take(&mut is_first) {
            page.heading("Answers");
        }
        let media: Vec<&str> = response.content_types.iter().map(|content| content.media_type.as_str()).collect();
        let media = if media.is_empty() { String::new() } else { format!(" [{}]", media.join(", ")) };
        let about = format!("{}{}", first_line(&response.description), one_line(&media));
        page.rows(&[(one_line(&response.status), about.trim())]);
        let json = response.content_types.iter().find(|content| content.media_type.contains("json"));
        let schema = json.and_then(|content| serde_json::from_str(content.schema.as_ref()?.get()).ok());
        if let Some(schema) = schema.filter(|_| response.status.starts_with('2')) {
            page.inner_rows(&body_schema::members(&schema));
        }
    }
}

fn guidance(page: &mut Page, tool: &Tool) {
    let Some(guidance) = &tool.guidance else { return };
    for (title, texts) in [("Use it when", &guidance.when_to_use), ("Do not use it when", &guidance.avoid_when)] {
        if !texts.is_empty() {
            page.heading(title);
            texts.iter().for_each(|text| page.line(&first_line(text)));
        }
    }
}

/// A line that could be run, with values that fit where they are known.
fn example(tool: &Tool, typed: &[String], parameters: &[Input<'_>]) -> String {
    let mut out = format!("open-cli {}", typed.join(" "));
    for input in positionals(tool) {
        out.push(' ');
        out.push_str(&input.schema.sample().unwrap_or_else(|| input.name.to_uppercase().replace('-', "_")));
    }
    for input in parameters.iter().filter(|input| input.required) {
        let value = input.schema.sample().unwrap_or_else(|| "VALUE".into());
        out.push_str(&format!(" --{} {value}", input.name));
    }
    if let Some(body) = tool.request_body.as_ref().filter(|body| body.required) {
        out.push_str(&match body_schema::of(tool, body).map(|schema| body_schema::sample(&schema).to_string()) {
            Some(sample) => format!(" --body '{}'", sample.replace('\'', "'\\''")),
            None => " --body @body.json".to_owned(),
        });
    }
    if tool.safety.requires_approval {
        out.push_str(" --approval");
    }
    one_line(&out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::tree::tests::sample;
    use crate::output::Paint;

    fn help(id: &str) -> String {
        let answer = sample();
        let tool = answer.view.tools.iter().find(|tool| tool.id == id).unwrap();
        let mut page = Page::new(Paint::default(), 90);
        write(&mut page, tool, &answer.catalog.services, &tree::words(&answer.catalog.services, tool));
        page.into_text()
    }

    #[test]
    fn help_shows_arguments_types_marks_and_an_example() {
        insta::assert_snapshot!(help("shelf:getBook"));
        insta::assert_snapshot!(help("shelf:listBooks"));
    }

    #[test]
    fn help_shows_the_body_sign_in_guidance_and_badges() {
        insta::assert_snapshot!(help("shelf:addBook"));
        insta::assert_snapshot!(help("shelf:deleteBook"));
    }
}
