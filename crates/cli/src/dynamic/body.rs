//! `--body`: inline, `@file`, `-` for stdin (client §12.9). Bytes are forwarded unchanged; what is declared as JSON
//! must be JSON.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::one_line;
use open_cli_contract::catalog::Tool;
use std::fs::File;
use std::io::{self, Read};

/// Largest body that is read.
const BODY_LIMIT: u64 = 64 << 20;

/// The bytes to send; empty for none. `stdin` is read for `-` only.
pub(crate) fn read(value: Option<&str>, tool: &Tool, stdin: impl Read) -> Result<Vec<u8>, Failure> {
    let bytes = match value {
        None | Some("") => Vec::new(),
        Some("-") => bounded(stdin, "stdin")?,
        Some(value) => match value.strip_prefix('@') {
            Some(path) => match File::open(path) {
                Ok(file) => bounded(file, path)?,
                Err(error) => return Err(unreadable(path, &error)),
            },
            None => value.as_bytes().to_vec(),
        },
    };
    if bytes.is_empty() {
        return match &tool.request_body {
            Some(body) if body.required => {
                let what = if value.is_some() { "`--body` is empty" } else { "`--body` is missing" };
                Err(Failure::usage(what, format!("`{}` requires a request body.", tool.id))
                    .suggest("Write `--body '<json>'`, `--body @file` or `--body -`; `--help` shows its shape."))
            }
            _ => Ok(bytes),
        };
    }
    if takes_json(tool)
        && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
    {
        return Err(Failure::usage("The request body is not valid JSON", one_line(&error.to_string())).suggest(
            "Give JSON inline (`--body '{\"a\":1}'`), from a file (`--body @file`) or from stdin (`--body -`).",
        ));
    }
    Ok(bytes)
}

/// JSON unless the description names other media types only.
pub(crate) fn takes_json(tool: &Tool) -> bool {
    let Some(body) = &tool.request_body else { return true };
    body.content_types.is_empty() || body.content_types.iter().any(|content| is_json(&content.media_type))
}

pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty() || essence == "*/*" || essence.ends_with("/json") || essence.ends_with("+json")
}

fn bounded(source: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source.take(BODY_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > BODY_LIMIT {
        return Err(Failure::usage(
            format!("The request body from {name} is too large"),
            format!("At most {BODY_LIMIT} bytes are sent."),
        )
        .suggest("Send less."));
    }
    Ok(bytes)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        "body_unreadable",
        format!("The request body can't be read from {name}"),
        error.to_string(),
    )
    .suggest("Check the path behind `@`.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::tree::tests::sample;

    fn ask(value: Option<&str>, id: &str, stdin: &str) -> Result<String, String> {
        let answer = sample();
        let tool = answer.view.tools.iter().find(|tool| tool.id == id).unwrap();
        read(value, tool, stdin.as_bytes())
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .map_err(|failure| failure.message.clone())
    }

    #[test]
    fn bodies_come_inline_from_a_file_and_from_stdin_unchanged() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), b" {\"a\": 1.0} ").unwrap();
        let at = format!("@{}", file.path().display());
        assert_eq!(ask(Some(&at), "shelf:addBook", ""), Ok(" {\"a\": 1.0} ".into()));
        assert_eq!(ask(Some("-"), "shelf:addBook", "[1]\n"), Ok("[1]\n".into()));
        assert_eq!(ask(Some("null"), "shelf:getBook", ""), Ok("null".into()));
        assert_eq!(ask(None, "shelf:getBook", ""), Ok(String::new()));
    }

    #[test]
    fn a_body_that_is_missing_broken_or_unreadable_is_refused_before_sending() {
        assert!(ask(None, "shelf:addBook", "").unwrap_err().contains("--body"));
        assert!(ask(Some("-"), "shelf:addBook", "").unwrap_err().contains("--body"));
        assert!(ask(Some("{a:1}"), "shelf:addBook", "").unwrap_err().contains("not valid JSON"));
        assert!(ask(Some("@/nonexistent/x"), "shelf:addBook", "").unwrap_err().contains("/nonexistent/x"));
    }

    #[test]
    fn media_types_tell_whether_json_is_expected() {
        for (media, expected) in [
            ("application/json", true),
            ("application/problem+json; charset=utf-8", true),
            ("*/*", true),
            ("text/plain", false),
            ("multipart/form-data", false),
        ] {
            assert_eq!(is_json(media), expected, "{media}");
        }
    }
}
