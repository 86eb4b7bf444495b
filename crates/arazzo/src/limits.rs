//! Bounds of workflow documents. What is beyond one is a diagnostic that names it.

/// Largest document, in bytes of JSON.
pub const MAX_DOCUMENT_BYTES: usize = 16 << 20;
/// Most workflows of one document.
pub const MAX_WORKFLOWS: usize = 1_000;
/// Most steps of one workflow.
pub const MAX_STEPS: usize = 1_000;
/// Most source descriptions of one document.
pub const MAX_SOURCES: usize = 200;
/// Most parameters, criteria, actions, outputs or replacements of one object.
pub const MAX_ITEMS: usize = 200;
/// Longest runtime expression, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 4 << 10;
/// Longest condition, in bytes.
pub const MAX_CONDITION_BYTES: usize = 8 << 10;
/// Deepest nesting of a condition.
pub const MAX_CONDITION_NESTING: usize = 32;
/// Most values in one payload or parameter.
pub const MAX_TEMPLATE_VALUES: usize = 20_000;
/// Most schemas that the schema of a workflow's inputs may gather.
pub const MAX_INPUT_DEFINITIONS: usize = 200;
/// Most diagnostics of one severity that are kept for one document.
pub const MAX_DIAGNOSTICS: usize = 200;
/// Longest regular expression of a criterion, in bytes.
pub const MAX_REGEX_BYTES: usize = 2 << 10;
/// Nodes that one JSONPath may look at when it is evaluated.
pub const MAX_PATH_STEPS: u64 = 2_000_000;
