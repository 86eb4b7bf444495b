//! Reads a description from top to bottom: version, servers, security, operations. The order of this file is the
//! order of the work; each step lives in its own module.

use crate::api::{Api, SecurityAlternative, SecurityScheme};
use crate::error::ReadError;
use crate::json::Object;
use crate::limits::MAX_CARRIED_BYTES;
use crate::report::{Report, code};
use crate::security::Undefined;
use crate::tree::{Siblings, Tree};
use crate::version::Version;
use indexmap::IndexMap;
use open_cli_documents::DocumentSet;

/// Reads the root document of a set, OpenAPI 3.0, 3.1, 3.2 or Swagger 2.0. `$ref`s are looked up in the set; nothing
/// is fetched.
///
/// # Errors
/// When the root is no JSON object, declares no version, or declares one that is not supported. Every smaller fault
/// is in [`Api::diagnostics`].
pub fn read(set: &DocumentSet) -> Result<Api, ReadError> {
    let mut report = Report::default();
    let (tree, root) = Tree::open(set)?;
    let version = Version::of(&root, &mut report)?;
    let mut reader = Reader {
        tree,
        report,
        version,
        servers: Vec::new(),
        security: Vec::new(),
        schemes: IndexMap::new(),
        undefined: Undefined::default(),
        consumes: Vec::new(),
        carried: MAX_CARRIED_BYTES,
    };
    reader.read_servers(&root);
    reader.read_security(&root);
    let operations = reader.read_paths(&root);
    reader.remark_on_missing_server(&operations);
    reader.remark_on_webhooks(&root);
    reader.undefined.report(&mut reader.report);
    let title = root.object("info").map(|info| info.string("title")).unwrap_or_default();
    Ok(Api {
        version: version.as_str().to_owned(),
        title,
        servers: reader.servers,
        operations,
        security_schemes: reader.schemes,
        diagnostics: reader.report.finish(),
    })
}

/// What is known of the description while its operations are read.
pub(crate) struct Reader<'a> {
    pub(crate) tree: Tree<'a>,
    pub(crate) report: Report,
    pub(crate) version: Version,
    /// Document-level servers.
    pub(crate) servers: Vec<String>,
    /// Document-level security.
    pub(crate) security: Vec<SecurityAlternative>,
    pub(crate) schemes: IndexMap<String, SecurityScheme>,
    pub(crate) undefined: Undefined,
    /// Swagger 2.0, document level.
    pub(crate) consumes: Vec<String>,
    /// What is left of [`MAX_CARRIED_BYTES`].
    pub(crate) carried: usize,
}

impl Reader<'_> {
    /// Which members beside the `$ref` of a parameter, body or scheme count.
    pub(crate) fn reference_siblings(&self) -> Siblings {
        if self.version >= Version::V31 { Siblings::Described } else { Siblings::Ignored }
    }

    fn remark_on_webhooks(&mut self, root: &Object<'_>) {
        let webhooks = root.object("webhooks").unwrap_or_default();
        if self.version >= Version::V31 && !webhooks.is_empty() {
            self.report.note(
                code::WEBHOOKS,
                "/webhooks",
                format!("{} webhooks are ignored: the API calls them, nobody else can", webhooks.iter().count()),
                "",
            );
        }
    }
}
