//! Runtime expressions (Arazzo 1.1 "Runtime Expressions" and its ABNF): what a value refers to. Parsed once, evaluated
//! later (see `evaluate`). Beyond the ABNF, because documents have it: names of 1.0 with any character, members behind
//! a body (`$response.body.items[0].id`), and a whole object (`$inputs`, `$steps.a.outputs`).

use crate::limits::MAX_EXPRESSION_BYTES;
use std::fmt;

/// The words that runtime expressions begin with.
const ROOTS: &[&str] = &[
    "$url",
    "$method",
    "$statusCode",
    "$self",
    "$request",
    "$response",
    "$message",
    "$inputs",
    "$outputs",
    "$steps",
    "$workflows",
    "$sourceDescriptions",
    "$components",
];

/// Something that is known when a workflow runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    text: Box<str>,
    /// What it begins with.
    pub root: Root,
    /// Members and elements below that.
    pub path: Vec<Access>,
    /// The JSON Pointer behind `#`, tokens unescaped.
    pub pointer: Vec<String>,
}

/// Where an expression looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// `$url`: of the request.
    Url,
    /// `$method`: of the request.
    Method,
    /// `$statusCode`: of the answer.
    StatusCode,
    /// `$self`: the URI of the document.
    SelfUri,
    /// `$request.…`
    Request(Part),
    /// `$response.…`
    Response(Part),
    /// `$message.…`, of AsyncAPI steps.
    Message(Part),
    /// `$inputs.<name>`; all of them without a name.
    Inputs(Option<String>),
    /// `$outputs.<name>`
    Outputs(Option<String>),
    /// `$steps.<step>.outputs.<name>`
    Step {
        /// `stepId`.
        step: String,
        /// Output; all of them without.
        output: Option<String>,
    },
    /// `$workflows.<workflow>.inputs.<name>` and `….outputs.<name>`
    Workflow {
        /// `workflowId`.
        workflow: String,
        /// Which of the two.
        field: WorkflowField,
        /// Input or output; all of them without.
        name: Option<String>,
    },
    /// `$workflows.<workflow>.steps.<step>.outputs.<name>`
    WorkflowStep {
        /// `workflowId`.
        workflow: String,
        /// `stepId`.
        step: String,
        /// Output; all of them without.
        output: Option<String>,
    },
    /// `$sourceDescriptions.<name>.<operationId, workflowId or field>`
    Source {
        /// Name of the source.
        name: String,
        /// What of it.
        reference: String,
    },
    /// `$components.<kind>.<name>`
    Component {
        /// Which list.
        kind: ComponentKind,
        /// Key in it.
        name: String,
    },
}

/// Part of an HTTP or asynchronous message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A header field, by its name in any case.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A path parameter.
    Path(String),
    /// The body.
    Body,
    /// The payload of a message.
    Payload,
}

/// A field of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkflowField {
    /// What it was given.
    Inputs,
    /// What it gave.
    Outputs,
}

/// A list of the components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentKind {
    /// `parameters`
    Parameters,
    /// `successActions`
    SuccessActions,
    /// `failureActions`
    FailureActions,
}

impl ComponentKind {
    /// The member of `components`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::SuccessActions => "successActions",
            Self::FailureActions => "failureActions",
        }
    }
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `.name`
    Member(String),
    /// `[0]`
    Element(usize),
}

/// Why a text is no runtime expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub(crate) String);

fn wrong<T>(reason: impl Into<String>) -> Result<T, ExpressionError> {
    Err(ExpressionError(reason.into()))
}

/// True when a text begins as a runtime expression does; other texts with a `$` are plain texts.
pub(crate) fn looks_like_one(text: &str) -> bool {
    let word = text.find(['.', '#', '[']).map_or(text, |end| &text[..end]);
    ROOTS.contains(&word)
}

impl Expression {
    /// Reads an expression. Braces around it are not part of it.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > MAX_EXPRESSION_BYTES {
            return wrong(format!("it is longer than {MAX_EXPRESSION_BYTES} bytes"));
        }
        if !text.starts_with('$') {
            return wrong("it does not begin with `$`");
        }
        if let Some(odd) = text.chars().find(|c| c.is_control() || matches!(c, '{' | '}')) {
            // A JSON Pointer may have neither; a name of 1.0 could.
            return wrong(format!("it has {odd:?}, which is not allowed"));
        }
        if !looks_like_one(text) {
            return wrong(format!("it begins with none of {}", ROOTS.join(", ")));
        }
        let (before, pointer) = match text.split_once('#') {
            // The name of a header may have a `#`.
            Some(_) if is_of_header(text) => (text, Vec::new()),
            Some((before, pointer)) => (before, tokens(pointer)?),
            None => (text, Vec::new()),
        };
        let (root, path) = root(before)?;
        Ok(Self { text: text.into(), root, path, pointer })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_of_header(text: &str) -> bool {
    ["$request.header.", "$response.header.", "$message.header."].iter().any(|begin| text.starts_with(begin))
}

/// The tokens of a JSON Pointer (RFC 6901), unescaped.
pub(crate) fn tokens(pointer: &str) -> Result<Vec<String>, ExpressionError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        return wrong("the JSON Pointer behind `#` does not begin with `/`");
    };
    let unescaped = |token: &str| {
        let mut rest = token.split('~');
        let mut out = rest.next().unwrap_or_default().to_owned();
        for part in rest {
            match part.as_bytes().first() {
                Some(b'0') => out.push('~'),
                Some(b'1') => out.push('/'),
                _ => return wrong("the JSON Pointer has a `~` that is neither `~0` nor `~1`"),
            }
            out.push_str(&part[1..]);
        }
        Ok(out)
    };
    rest.split('/').map(unescaped).collect()
}

fn root(text: &str) -> Result<(Root, Vec<Access>), ExpressionError> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    match word {
        "$url" | "$method" | "$statusCode" | "$self" if rest.is_empty() => {
            let root = match word {
                "$url" => Root::Url,
                "$method" => Root::Method,
                "$statusCode" => Root::StatusCode,
                _ => Root::SelfUri,
            };
            Ok((root, Vec::new()))
        }
        "$url" | "$method" | "$statusCode" | "$self" => wrong(format!("`{word}` has nothing below it")),
        "$request" | "$response" | "$message" => {
            let (part, path) = part(word, rest)?;
            let root = match word {
                "$request" => Root::Request(part),
                "$response" => Root::Response(part),
                _ => Root::Message(part),
            };
            Ok((root, path))
        }
        "$inputs" => named(rest).map(|(name, path)| (Root::Inputs(name), path)),
        "$outputs" => named(rest).map(|(name, path)| (Root::Outputs(name), path)),
        "$steps" => {
            let (step, output, path) = step_output(word, rest)?;
            Ok((Root::Step { step, output }, path))
        }
        "$workflows" => workflow(rest),
        "$sourceDescriptions" => {
            let rest = rest.strip_prefix('.').unwrap_or_default();
            match rest.split_once('.') {
                Some((name, reference)) if !name.is_empty() && !reference.is_empty() => {
                    Ok((Root::Source { name: name.to_owned(), reference: reference.to_owned() }, Vec::new()))
                }
                _ => wrong("`$sourceDescriptions.<name>.<reference>` is expected"),
            }
        }
        _ => component(rest).map(|root| (root, Vec::new())),
    }
}

fn part(word: &str, rest: &str) -> Result<(Part, Vec<Access>), ExpressionError> {
    let text = rest.strip_prefix('.').unwrap_or_default();
    let (kind, name) = text.split_once('.').unwrap_or((text, ""));
    if let Some(below) = ["body", "payload"].iter().find_map(|kind| text.strip_prefix(kind)) {
        let part = if text.starts_with("body") { Part::Body } else { Part::Payload };
        return match below.chars().next() {
            None => Ok((part, Vec::new())),
            Some('.' | '[') => Ok((part, accesses(below)?)),
            Some(_) => wrong(format!("`{word}.{text}` is neither `{word}.body` nor something below it")),
        };
    }
    match (kind, name) {
        ("header", name) if is_token(name) => Ok((Part::Header(name.to_owned()), Vec::new())),
        ("header", _) => wrong(format!("`{word}.header.` needs the name of a header field")),
        ("query", name) if !name.is_empty() => Ok((Part::Query(name.to_owned()), Vec::new())),
        ("path", name) if !name.is_empty() => Ok((Part::Path(name.to_owned()), Vec::new())),
        ("headers", _) => wrong(format!("write `{word}.header.<name>`, not `headers`")),
        _ => wrong(format!("`{word}.` is followed by `header.<name>`, `query.<name>`, `path.<name>` or `body`")),
    }
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// A name, which may have dots, and what follows in brackets.
fn named(rest: &str) -> Result<(Option<String>, Vec<Access>), ExpressionError> {
    if rest.is_empty() {
        return Ok((None, Vec::new()));
    }
    let Some(text) = rest.strip_prefix('.') else { return wrong("a `.` and a name are expected") };
    let (name, below) = text.split_at(text.find('[').unwrap_or(text.len()));
    if name.is_empty() || name.ends_with('.') {
        return wrong("a name is missing");
    }
    Ok((Some(name.to_owned()), accesses(below)?))
}

fn step_output(word: &str, rest: &str) -> Result<(String, Option<String>, Vec<Access>), ExpressionError> {
    let text = rest.strip_prefix('.').unwrap_or_default();
    let Some((step, below)) = text.split_once(".outputs").filter(|(step, _)| !step.is_empty()) else {
        return wrong(format!("`{word}.<stepId>.outputs.<name>` is expected"));
    };
    let (output, path) = named(below)?;
    Ok((step.to_owned(), output, path))
}

fn workflow(rest: &str) -> Result<(Root, Vec<Access>), ExpressionError> {
    let text = rest.strip_prefix('.').unwrap_or_default();
    let Some((workflow, below)) = text.split_once('.').filter(|(workflow, _)| !workflow.is_empty()) else {
        return wrong("`$workflows.<workflowId>.inputs.<name>` or `….outputs.<name>` is expected");
    };
    let workflow = workflow.to_owned();
    for (word, field) in [("inputs", WorkflowField::Inputs), ("outputs", WorkflowField::Outputs)] {
        if let Some(rest) = below.strip_prefix(word) {
            let (name, path) = named(rest)?;
            return Ok((Root::Workflow { workflow, field, name }, path));
        }
    }
    match below.strip_prefix("steps") {
        Some(rest) => {
            let (step, output, path) = step_output("$workflows.<workflowId>.steps", rest)?;
            Ok((Root::WorkflowStep { workflow, step, output }, path))
        }
        None => wrong("`$workflows.<workflowId>.` is followed by `inputs`, `outputs` or `steps`"),
    }
}

fn component(rest: &str) -> Result<Root, ExpressionError> {
    let kinds = [ComponentKind::Parameters, ComponentKind::SuccessActions, ComponentKind::FailureActions];
    let found = kinds.into_iter().find_map(|kind| {
        let name = rest.strip_prefix('.')?.strip_prefix(kind.as_str())?.strip_prefix('.')?;
        (!name.is_empty()).then(|| Root::Component { kind, name: name.to_owned() })
    });
    found.map_or_else(
        || wrong("`$components.` is followed by `parameters.`, `successActions.` or `failureActions.` and a name"),
        Ok,
    )
}

/// `.name` and `[0]`, any number of them.
pub(crate) fn accesses(mut text: &str) -> Result<Vec<Access>, ExpressionError> {
    let mut path = Vec::new();
    while let Some(first) = text.chars().next() {
        if first == '.' {
            let rest = &text[1..];
            let (name, below) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
            if name.is_empty() {
                return wrong("a name is missing behind a dot");
            }
            path.push(Access::Member(name.to_owned()));
            text = below;
            continue;
        }
        let Some((inside, below)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return wrong("a bracket is not closed");
        };
        let quoted = ['\'', '"'].iter().find_map(|quote| inside.strip_prefix(*quote)?.strip_suffix(*quote));
        path.push(match (quoted, inside.parse()) {
            (Some(name), _) => Access::Member(name.to_owned()),
            (None, Ok(index)) => Access::Element(index),
            (None, Err(_)) => return wrong("a bracket has neither an index nor a quoted name"),
        });
        text = below;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match Expression::parse(text) {
            Ok(Expression { root, path, pointer, .. }) => {
                let path = if path.is_empty() { String::new() } else { format!(" {path:?}") };
                let pointer = if pointer.is_empty() { String::new() } else { format!(" #{pointer:?}") };
                format!("{root:?}{path}{pointer}")
            }
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn every_form_of_the_grammar_is_read() {
        for (text, expected) in [
            ("$url", "Url"),
            ("$method", "Method"),
            ("$statusCode", "StatusCode"),
            ("$self", "SelfUri"),
            ("$request.header.accept", r#"Request(Header("accept"))"#),
            ("$response.header.X-A#b", r#"Response(Header("X-A#b"))"#),
            ("$request.query.page size", r#"Request(Query("page size"))"#),
            ("$request.path.id", r#"Request(Path("id"))"#),
            ("$request.body#/user/uuid", r#"Request(Body) #["user", "uuid"]"#),
            ("$response.body#/a~1b/~0/0", r#"Response(Body) #["a/b", "~", "0"]"#),
            ("$response.body", "Response(Body)"),
            ("$response.body#/", r#"Response(Body) #[""]"#),
            ("$response.body.items[0].id", r#"Response(Body) [Member("items"), Element(0), Member("id")]"#),
            ("$response.body[0]['a b']", r#"Response(Body) [Element(0), Member("a b")]"#),
            ("$message.payload#/status", r#"Message(Payload) #["status"]"#),
            ("$message.payload.orderId", r#"Message(Payload) [Member("orderId")]"#),
            ("$inputs", "Inputs(None)"),
            ("$inputs.customer.first-name", r#"Inputs(Some("customer.first-name"))"#),
            ("$inputs.list[2]#/a", r#"Inputs(Some("list")) [Element(2)] #["a"]"#),
            ("$outputs.id", r#"Outputs(Some("id"))"#),
            (
                "$steps.some-step.outputs.pets#/0/id",
                r#"Step { step: "some-step", output: Some("pets") } #["0", "id"]"#,
            ),
            ("$steps.a.outputs", r#"Step { step: "a", output: None }"#),
            ("$workflows.foo.inputs.user", r#"Workflow { workflow: "foo", field: Inputs, name: Some("user") }"#),
            (
                "$workflows.foo.outputs.a#/b",
                r#"Workflow { workflow: "foo", field: Outputs, name: Some("a") } #["b"]"#,
            ),
            (
                "$workflows.p.steps.w.outputs.userId",
                r#"WorkflowStep { workflow: "p", step: "w", output: Some("userId") }"#,
            ),
            ("$sourceDescriptions.petstore.url", r#"Source { name: "petstore", reference: "url" }"#),
            ("$sourceDescriptions.p.a.b:c", r#"Source { name: "p", reference: "a.b:c" }"#),
            ("$components.parameters.a.b", r#"Component { kind: Parameters, name: "a.b" }"#),
            ("$components.failureActions.retry", r#"Component { kind: FailureActions, name: "retry" }"#),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_a_reason() {
        for text in [
            "",
            "inputs.a",
            "$",
            "$nothing.a",
            "$inputsx.a",
            "$statusCode.x",
            "$response",
            "$response.",
            "$response.headers.a",
            "$response.header.",
            "$response.header.a b",
            "$response.bodyguard",
            "$response.body#a",
            "$response.body#/~2",
            "$response.body#/a~",
            "$response.body[x]",
            "$response.body[0",
            "$response.body..a",
            "$inputs.",
            "$inputs.a.",
            "$steps.a",
            "$steps.outputs.a",
            "$workflows.a",
            "$workflows.a.b.c",
            "$sourceDescriptions.a",
            "$components.inputs.a",
            "$components.parameters.",
            "$inputs.{a}",
            "$inputs.a\n",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}: {}", parsed(text));
        }
        assert!(Expression::parse(&format!("$inputs.{}", "a".repeat(MAX_EXPRESSION_BYTES))).is_err());
    }
}
