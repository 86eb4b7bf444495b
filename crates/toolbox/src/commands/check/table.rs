//! What people read of a check: findings by document, then one line that says how it went.

use super::finding::{Finding, Report, Verdict};
use crate::commands::output::{Screen, Tone, one_line};
use open_cli_contract::catalog::Severity;
use std::fmt::Write as _;

/// Columns of `line:column`.
const PLACE_WIDTH: usize = 9;
/// Columns of the word for a severity.
const WORD_WIDTH: usize = 7;

pub(super) fn table(report: &Report, verdict: Verdict, shows_notes: bool, screen: Screen) -> String {
    let mut text = String::new();
    let mut heading = None;
    // People know where they are.
    let root = format!("{}/", report.here.display());
    let is_shown = |finding: &&Finding| shows_notes || finding.diagnostic.severity != Severity::Note;
    for finding in report.findings.iter().filter(is_shown) {
        let name = match &finding.place {
            Some(place) => place.artifact.shown(&report.here),
            None => finding.diagnostic.source.clone(),
        };
        if heading.as_ref() != Some(&name) {
            let gap = if heading.is_some() { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{}", screen.paint(Tone::Head, &one_line(&name)));
            heading = Some(name);
        }
        tell(finding, &root, screen, &mut text);
    }
    let gap = if text.is_empty() { "" } else { "\n" };
    let (mark, tone) = match verdict {
        Verdict { is_failed: true, .. } => ("✗", Tone::Bad),
        Verdict { warnings: 1.., .. } => ("!", Tone::Warning),
        _ => ("✓", Tone::Good),
    };
    let _ = writeln!(text, "{gap}{} {}", screen.paint(tone, mark), summary(report, verdict, shows_notes));
    text
}

fn tell(finding: &Finding, root: &str, screen: Screen, text: &mut String) {
    let diagnostic = &finding.diagnostic;
    let (word, tone) = match diagnostic.severity {
        Severity::Error => ("error", Tone::Bad),
        Severity::Warning => ("warning", Tone::Warning),
        Severity::Note => ("note", Tone::Dim),
    };
    let at = finding.place.as_ref().and_then(|place| place.at);
    let at = at.map_or(String::new(), |(line, column)| format!("{line}:{column}"));
    let word = screen.paint(tone, &format!("{word:WORD_WIDTH$}"));
    let code = screen.paint(Tone::Dim, &diagnostic.code);
    let _ =
        writeln!(text, "{at:>PLACE_WIDTH$}  {word}  {}  {code}", one_line(&diagnostic.message.replace(root, "")));
    // The pointer says what the line can't: which operation.
    let pointer = diagnostic.pointer.rsplit_once('#').map_or(diagnostic.pointer.as_str(), |(_, rest)| rest);
    let more = [pointer, &diagnostic.hint].map(one_line);
    let more: Vec<&str> = more.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    if !more.is_empty() {
        let indent = " ".repeat(PLACE_WIDTH + 2 + WORD_WIDTH + 2);
        let _ = writeln!(text, "{indent}{}", screen.paint(Tone::Dim, &more.join(" · ")));
    }
}

fn summary(report: &Report, verdict: Verdict, shows_notes: bool) -> String {
    let count = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut text = format!("{}, {}", count(verdict.errors, "error"), count(verdict.warnings, "warning"));
    if verdict.notes > 0 {
        let hidden = if shows_notes { "" } else { " (--notes shows them)" };
        let _ = write!(text, ", {}{hidden}", count(verdict.notes, "note"));
    }
    if let Some(counts) = report.counts {
        let _ = write!(text, " · {}, {}", count(counts.services, "service"), count(counts.tools, "tool"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Artifact, Counts, Place};
    use super::*;
    use open_cli_contract::catalog::Diagnostic;

    fn finding(severity: Severity, code: &str, place: Option<Place>, pointer: &str, message: &str) -> Finding {
        let diagnostic = Diagnostic {
            severity,
            code: code.into(),
            source: "shop".into(),
            pointer: pointer.into(),
            message: message.into(),
            hint: if severity.is_error() { "Mend it.".into() } else { String::new() },
        };
        Finding { diagnostic, place }
    }

    fn at(name: &str, at: Option<(usize, usize)>) -> Option<Place> {
        let artifact = if name.contains(':') { Artifact::Url(name.into()) } else { Artifact::File(name.into()) };
        Some(Place { artifact, at })
    }

    fn report(findings: Vec<Finding>) -> Report {
        Report { findings, counts: Some(Counts { services: 1, tools: 12 }), here: "/srv/shop".into() }
    }

    fn shown(report: &Report, is_strict: bool, shows_notes: bool) -> String {
        table(report, Verdict::of(report, is_strict), shows_notes, Screen::default())
    }

    #[test]
    fn findings_stand_below_their_document_and_one_line_says_how_it_went() {
        let report = report(vec![
            finding(
                Severity::Warning,
                "config",
                at("/srv/shop/.cli.json", Some((12, 5))),
                "a.b",
                "no /srv/shop/x",
            ),
            finding(
                Severity::Error,
                "path_invalid",
                at("/srv/shop/.cli.json", Some((112, 15))),
                "d#/paths",
                "bad\u{1b}",
            ),
            finding(Severity::Error, "fetch_status", at("https://h.example/a", None), "", "unexpected"),
            finding(Severity::Note, "discovery", None, "", "found"),
        ]);
        let expected = "\
.cli.json
     12:5  warning  no x  config
                    a.b
   112:15  error    bad\u{fffd}  path_invalid
                    /paths · Mend it.

https://h.example/a
           error    unexpected  fetch_status
                    Mend it.

✗ 2 errors, 1 warning, 1 note (--notes shows them) · 1 service, 12 tools
";
        assert_eq!(shown(&report, false, false), expected);
        assert!(shown(&report, false, true).contains("\nshop\n           note     found  discovery\n"));
    }

    #[test]
    fn the_last_line_follows_the_verdict() {
        let clean = report(Vec::new());
        assert_eq!(shown(&clean, true, false), "✓ 0 errors, 0 warnings · 1 service, 12 tools\n");
        let warned = report(vec![finding(Severity::Warning, "config", None, "", "x")]);
        assert!(shown(&warned, false, false).ends_with("! 0 errors, 1 warning · 1 service, 12 tools\n"));
        assert!(shown(&warned, true, false).ends_with("✗ 0 errors, 1 warning · 1 service, 12 tools\n"));
        let unusable = Report { counts: None, ..report(Vec::new()) };
        assert_eq!(shown(&unusable, false, false), "✓ 0 errors, 0 warnings\n");
    }
}
