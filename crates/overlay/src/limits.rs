//! Bounds of overlays and of what they may do to a document. Those of queries are in [`open_cli_jsonpath`].

/// Largest overlay, in bytes of JSON.
pub const MAX_OVERLAY_BYTES: usize = 16 << 20;
/// Most actions of one overlay.
pub const MAX_ACTIONS: usize = 10_000;
/// Nodes that one overlay may look at, over all its actions: about two seconds.
pub const MAX_STEPS: u64 = 200_000_000;
/// Deepest nesting that an action may give a document: what every JSON reader of this program accepts.
pub const MAX_DEPTH: usize = 127;
/// Most values that one overlay may add to a document.
pub const MAX_ADDED_VALUES: usize = 2_000_000;
/// Most text that one overlay may add to a document, in bytes.
pub const MAX_ADDED_BYTES: usize = 64 << 20;
/// Most diagnostics of one kind of severity that are kept for one overlay.
pub const MAX_DIAGNOSTICS: usize = 500;
/// Most changes that a preview lists.
pub const MAX_CHANGES: usize = 1_000;
/// Most lines that a rendered preview shows of one value.
pub const MAX_VALUE_LINES: usize = 60;
/// Longest line of a rendered preview, in characters.
pub const MAX_LINE_CHARACTERS: usize = 400;
