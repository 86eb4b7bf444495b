//! Help: of the program, of built-in commands, and of what the catalog adds. To stdout; exit 0.

mod body_schema;
mod service;
mod tool;
mod workflow;

pub(crate) use service::service;
pub(crate) use tool::{card as tool_card, tool, usage as tool_usage};
pub(crate) use workflow::card as workflow_card;

use crate::app::App;
use crate::args::{Flag, GLOBAL_FLAGS};
use crate::commands::{COMMANDS, Command, find};
use crate::dynamic::tree;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Paint;
use crate::text::{cut, first_line, near, width, wrap};
use open_cli_client::CatalogQuery;
use open_cli_contract::command::{BUILT_IN_COMMANDS, SERVICE_ESCAPE};
use std::fmt::Write as _;
use std::time::Duration;

/// The list of services is nice to have: the runtime gets so long to send it.
const SERVICES_TIMEOUT: Duration = Duration::from_millis(500);
/// The column of names is not wider than this.
const MAX_NAME_COLUMN: usize = 38;

/// Lines of a help page.
pub(crate) struct Page {
    text: String,
    paint: Paint,
    width: usize,
}

impl Page {
    pub(crate) fn new(paint: Paint, width: usize) -> Self {
        Self { text: String::new(), paint, width }
    }

    /// Running text.
    pub(crate) fn paragraph(&mut self, text: &str) {
        for line in wrap(text, self.width) {
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    /// A blank line and a heading.
    pub(crate) fn heading(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let _ = writeln!(self.text, "{}", self.paint.bold(&format!("{title}:")));
    }

    /// An indented line as it is.
    pub(crate) fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "  {text}");
    }

    /// Name and explanation in two columns; explanations are wrapped.
    pub(crate) fn rows<N: AsRef<str>, A: AsRef<str>>(&mut self, rows: &[(N, A)]) {
        self.rows_at("  ", rows);
    }

    /// The same, further in.
    pub(crate) fn inner_rows<N: AsRef<str>, A: AsRef<str>>(&mut self, rows: &[(N, A)]) {
        self.rows_at("     ", rows);
    }

    fn rows_at<N: AsRef<str>, A: AsRef<str>>(&mut self, indent: &str, rows: &[(N, A)]) {
        let column = rows.iter().map(|(name, _)| width(name.as_ref())).filter(|w| *w <= MAX_NAME_COLUMN).max();
        let column = column.unwrap_or(0);
        for (name, about) in rows {
            let (name, about) = (name.as_ref(), about.as_ref());
            let room = self.width.saturating_sub(column + indent.len() + 2).max(20);
            let mut lines = wrap(about, room).into_iter();
            let is_wide = width(name) > column;
            let pad = " ".repeat(column.saturating_sub(width(name)));
            let first = if is_wide { String::new() } else { lines.next().unwrap_or_default() };
            let line = format!("{indent}{}{pad}  {first}", self.paint.accent(name));
            let _ = writeln!(self.text, "{}", line.trim_end());
            for line in lines.filter(|line| !line.is_empty()) {
                let _ = writeln!(self.text, "{indent}{}  {line}", " ".repeat(column));
            }
        }
    }

    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

fn page(app: &App) -> Page {
    Page::new(app.screen.paint, app.screen.text_width())
}

/// Usage line of a built-in command.
pub(crate) fn usage(command: &Command) -> String {
    let mut out = format!("open-cli {}", command.words.join(" "));
    for operand in command.operands {
        let name = if operand.choices.is_empty() { operand.name.to_owned() } else { operand.choices.join("|") };
        let more = if operand.repeats { "..." } else { "" };
        let _ = if operand.required { write!(out, " <{name}>{more}") } else { write!(out, " [{name}]{more}") };
    }
    if !command.flags.is_empty() {
        out.push_str(" [flags]");
    }
    out
}

fn flag_rows<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Vec<(String, &'static str)> {
    let row = |flag: &Flag| {
        let short = flag.short.map_or_else(String::new, |letter| format!("-{letter}, "));
        (format!("{short}{}", flag.usage()), flag.about)
    };
    flags.into_iter().map(row).collect()
}

/// Root help; with a runtime at hand also its services.
pub(crate) fn root(app: &App) -> Result<Exit, Failure> {
    let mut page = page(app);
    page.paragraph("Runs the operations of your APIs as commands, through an open-cli runtime.");
    page.heading("Usage");
    page.line("open-cli <service> [group] <command> [arguments] [flags]");
    page.line("open-cli <built-in command> [arguments] [flags]");
    page.heading("Commands");
    let rows: Vec<(String, &str)> =
        COMMANDS.iter().map(|command| (command.words.join(" "), command.about)).collect();
    page.rows(&rows);
    match services(app) {
        Ok(rows) if !rows.is_empty() => {
            page.heading("Services");
            page.rows(&rows);
        }
        Ok(_) => {
            page.heading("Services");
            page.line("None: the runtime's catalog is empty.");
        }
        Err(failure) => {
            page.heading("Services");
            page.line(&format!("Not known: {}.", lower_first(&failure.message)));
            page.heading("Getting started");
            page.rows(&[
                ("open-cli init <openapi-url-or-file>", "Write a configuration"),
                ("open-cli-toolbox --config .cli.json", "Start the runtime"),
                ("open-cli status", "Check that both find each other"),
            ]);
        }
    }
    page.heading("Flags of every command");
    page.rows(&flag_rows(GLOBAL_FLAGS));
    page.heading("More");
    page.line("open-cli <command> --help");
    app.screen.text(&page.into_text())?;
    Ok(Exit::Ok)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn services(app: &App) -> Result<Vec<(String, String)>, Failure> {
    let limit = app.line.globals.timeout.unwrap_or(SERVICES_TIMEOUT);
    let answer = app.hasty_runtime(limit)?.catalog(&CatalogQuery { slice: true, ..CatalogQuery::default() })?;
    let mut rows: Vec<(String, String)> = answer
        .catalog
        .services
        .iter()
        .map(|service| {
            let word = tree::service_words(std::slice::from_ref(service)).pop().unwrap_or_default();
            let escape = if BUILT_IN_COMMANDS.contains(&word.as_str()) { SERVICE_ESCAPE } else { "" };
            (format!("{escape}{word}"), cut(&first_line(&service.title), 72))
        })
        .collect();
    rows.sort();
    Ok(rows)
}

/// Help of a built-in command.
pub(crate) fn built_in(app: &App, command: &Command) -> Result<Exit, Failure> {
    let mut page = page(app);
    page.paragraph(command.about);
    if !command.detail.is_empty() {
        page.paragraph("");
        page.paragraph(command.detail);
    }
    page.heading("Usage");
    page.line(&usage(command));
    if !command.flags.is_empty() {
        page.heading("Flags");
        page.rows(&flag_rows(command.flags));
    }
    page.heading("Examples");
    for example in command.examples {
        page.line(example);
    }
    closing(&mut page);
    app.screen.text(&page.into_text())?;
    Ok(Exit::Ok)
}

fn closing(page: &mut Page) {
    page.heading("More");
    page.line("open-cli help    flags of every command");
}

/// Help of a word that only holds commands.
pub(crate) fn folder(app: &App, word: &str, inside: &[&Command]) -> Result<Exit, Failure> {
    let mut page = page(app);
    page.heading("Usage");
    page.line(&format!("open-cli {word} <command>"));
    page.heading("Commands");
    let rows: Vec<(String, &str)> = inside.iter().map(|c| (c.words[1..].join(" "), c.about)).collect();
    page.rows(&rows);
    closing(&mut page);
    app.screen.text(&page.into_text())?;
    Ok(Exit::Ok)
}

/// `help [command…]`.
pub(crate) fn command(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let Some(first) = operands.first() else { return root(app) };
    if let Some(command) = find(operands) {
        return built_in(app, command);
    }
    let inside: Vec<&Command> = COMMANDS.iter().filter(|command| command.words[0] == first).collect();
    if !inside.is_empty() && operands.len() == 1 {
        return folder(app, first, &inside);
    }
    if BUILT_IN_COMMANDS.contains(&first.as_str()) {
        let topic = operands.join(" ");
        let known: Vec<String> = COMMANDS.iter().map(|command| command.words.join(" ")).collect();
        let near: Vec<String> = near(&topic, known.iter().map(String::as_str))
            .iter()
            .map(|words| format!("`open-cli help {words}`"))
            .collect();
        let failure = Failure::usage(format!("There is no help on {topic:?}"), "It is no command.");
        return Err(failure.suggest(if near.is_empty() {
            "See all commands with `open-cli help`.".to_owned()
        } else {
            format!("Did you mean {}?", near.join(" or "))
        }));
    }
    // The same line with `--help` behind the words.
    let mut line = app.line.clone();
    line.words = operands.to_vec();
    line.operands.clear();
    line.globals.help = true;
    crate::dynamic::run(&App::new(line, app.environment.clone(), app.screen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_wrapped() {
        let mut page = Page::new(Paint::default(), 44);
        page.heading("Flags");
        page.rows(&[
            ("--a", "Short"),
            ("--bcd <value>", "A text that is too long for one line"),
            ("--a-name-that-is-far-too-wide-for-its-column <x>", "Below"),
        ]);
        insta::assert_snapshot!(page.into_text());
    }
}
