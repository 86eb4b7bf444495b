//! Bounds on what one description may hold. The size of a document itself is bounded where it is fetched; these
//! keep a small document from growing into a large catalog. What is beyond a bound is left out and reported with
//! the code `limit_exceeded`.

/// Operations of one description.
pub const MAX_OPERATIONS: usize = 20_000;
/// Parameters of one operation, those of its path item included.
pub const MAX_PARAMETERS: usize = 500;
/// Bytes of a path template.
pub const MAX_PATH_LENGTH: usize = 4096;
/// Bytes of a parameter name, an operation id, a scheme key, a media type, a tag or a server URL.
pub const MAX_NAME_LENGTH: usize = 4096;
/// `$ref`s in a row, until something that is no `$ref`.
pub const MAX_REFERENCE_DEPTH: usize = 64;
/// Bytes of text that `$ref`s lead to, counted each time: many references to one large object take long to read.
pub const MAX_FOLLOWED_BYTES: usize = 1024 * 1024 * 1024;
/// Objects of one document that have an `$id`, `$anchor` or `$dynamicAnchor`.
pub const MAX_IDENTIFIERS: usize = 10_000;
/// Servers in one list.
pub const MAX_SERVERS: usize = 100;
/// Security alternatives in one list, and schemes in one alternative.
pub const MAX_SECURITY: usize = 100;
/// Security schemes of one description.
pub const MAX_SECURITY_SCHEMES: usize = 1000;
/// Media types of one request body.
pub const MAX_MEDIA_TYPES: usize = 200;
/// Tags of one operation.
pub const MAX_TAGS: usize = 100;
/// Tags that a description declares.
pub const MAX_DECLARED_TAGS: usize = 5000;
/// Tags above each other.
pub const MAX_TAG_DEPTH: usize = 16;
/// Responses of one operation.
pub const MAX_RESPONSES: usize = 200;
/// Bytes of one parameter's schema. `$ref`s make copies, so a large one would multiply.
pub const MAX_PARAMETER_SCHEMA_BYTES: usize = 64 * 1024;
/// Bytes of one parameter's schema with everything it refers to; every tool carries its own.
pub const MAX_PARAMETER_BUNDLE_BYTES: usize = 8 * 1024;
/// Bytes of one body or response schema with everything it refers to.
pub const MAX_BUNDLE_BYTES: usize = 256 * 1024;
/// Definitions gathered into one body schema.
pub const MAX_BUNDLE_DEFINITIONS: usize = 500;
/// Bytes read and written to make the body schemas of one description self-contained.
pub const MAX_BUNDLED_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of schemas, descriptions and extensions that all operations of one description carry together.
pub const MAX_CARRIED_BYTES: usize = 256 * 1024 * 1024;
/// Diagnostics of one severity; the rest are counted.
pub const MAX_DIAGNOSTICS: usize = 500;
