//! The closed list of diagnostic codes: what can be remarkable about a configuration and what it leads to. The codes
//! travel in [`crate::catalog::Diagnostic`]; a code may be an error in one place and a warning in another.
//! The table in `docs/diagnostics.md` is generated from [`DiagnosticCode::ALL`].

use std::fmt;

macro_rules! codes {
    ($($variant:ident $code:literal $meaning:literal $advice:literal;)*) => {
        /// What a diagnostic is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DiagnosticCode { $(#[doc = $meaning] $variant,)* }

        impl DiagnosticCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &[DiagnosticCode] = &[$(DiagnosticCode::$variant,)*];
            /// The stable word.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
            /// What it means, one sentence.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => $meaning,)* } }
            /// What to do about it.
            pub const fn advice(self) -> &'static str { match self { $(Self::$variant => $advice,)* } }
            /// The code for a word.
            pub fn parse(word: &str) -> Option<Self> { match word { $($code => Some(Self::$variant),)* _ => None } }
        }
    };
}

codes! {
    // The configuration.
    Config "config" "Something in the configuration is wrong, or loads and deserves attention."
        "Correct the field that the message names; the hint is part of the message.";
    PatternUnmatched "pattern_unmatched" "A pattern of the policy or of a tool set matches no tool."
        "Correct the pattern, or remove it; `open-cli catalog list` shows the tool ids.";
    AliasReserved "alias_reserved" "The alias of a service is a command of open-cli's own."
        "Give the service another alias, or call it as `open-cli svc:<alias>`.";
    SecretUnresolved "secret_unresolved" "A secret can't be resolved on this machine."
        "Set the variable or the file where the toolbox runs, or leave secrets out of the check with --no-secrets.";
    SecretMissing "secret_missing" "Tools of a service need credentials that no secret is configured for."
        "Configure a secret `<service>.<scheme>` or `<scheme>`, or deny the tools that need it.";

    // Sources and services.
    SourceFailed "source_failed" "A source or service could not be built and is left out."
        "The message says why; the diagnostics of the same source say where.";
    SourceTypeUnsupported "source_type_unsupported" "The type of a source does not fit what refers to it, or is not read."
        "Name the OpenAPI document itself, as a source of type openapi.";
    ServiceStale "service_stale" "A service could not be built again; its last good state stays in force."
        "Mend what the message names; nothing is lost until then.";
    ServiceIdTaken "service_id_taken" "A discovered service would have the id of another one."
        "Name the service under `services` in the configuration.";
    ServiceRenamed "service_renamed" "A discovered service got another id than its description suggests."
        "Name its description as a source of its own, and a service for it, to choose the id.";
    ServiceAmbiguous "service_ambiguous" "A source leads to several services, none of them at its address."
        "Name each as a source of its own, or have no service refer to the source.";
    ServicesLeftOut "services_left_out" "A source leads to other services too, which are left out."
        "Name each as a source of its own, or have no service refer to the source.";

    // Definition pinning.
    LockUnreadable "lock_unreadable" "The lock file can't be used, so no tool can be called."
        "Take it from version control, or write it anew with `open-cli-toolbox catalog lock`.";
    ToolQuarantined "tool_quarantined" "The meaning of a tool is not the pinned one; it can't be called."
        "Look at the difference with `open-cli-toolbox catalog accept --dry-run`, then accept it, or have it mended.";
    ToolUnpinned "tool_unpinned" "Tools are not in the lock file."
        "Accept them with `open-cli-toolbox catalog accept`; `catalog.newTools` says what becomes of them until then.";
    PinnedToolMissing "pinned_tool_missing" "The lock file has tools that the catalog does not have."
        "When they are meant to be gone, `open-cli-toolbox catalog accept` takes them out of the lock file.";

    // Documents.
    LocationInvalid "location_invalid" "A reference is no path and no http(s) URL."
        "Correct the reference.";
    FileUnreadable "file_unreadable" "A local document is missing, is no regular file, or can't be read."
        "Put the document there, or correct path and permissions.";
    FetchFailed "fetch_failed" "A remote document could not be fetched."
        "Check the address and the network; offline, fetch it once with a toolbox that may.";
    FetchForbidden "fetch_forbidden" "A document from elsewhere names one inside the operator's network."
        "If it is meant to be read, allow its address with `network.allowAddresses` of the source.";
    FetchStatus "fetch_status" "The origin of a remote document answered with something else."
        "Check the address, and whether the origin wants credentials.";
    DocumentTooLarge "document_too_large" "A document is larger than the toolbox reads."
        "Split it, or serve a smaller one.";
    DocumentInvalid "document_invalid" "A document is neither JSON nor YAML, or breaks their rules."
        "Mend it at its place, or correct the address: a page for people is often a sign-in or an error.";
    KeyDuplicate "key_duplicate" "A key stands twice in one object of a JSON document; readers differ in which one counts."
        "Remove one of them.";
    ReferenceUnreadable "reference_unreadable" "A `$ref` names a document that can't be read."
        "Correct the reference, or put the document there.";
    ReferenceLimit "reference_limit" "The `$ref`s of a description reach more documents than are read."
        "Bundle the description into fewer documents.";

    // OpenAPI.
    DescriptionInvalid "description_invalid" "A document is no API description of a version that is read."
        "Name an OpenAPI 3.x or Swagger 2.0 document.";
    VersionUnusual "version_unusual" "The declared version is written oddly or is newer than this program."
        "Write a version of OpenAPI 2.0 to 3.2, like `3.1.0`.";
    PathsInvalid "paths_invalid" "`paths` is missing or is no object."
        "Add `paths`; without it there are no tools.";
    PathInvalid "path_invalid" "A path can't be called as written; its operations are left out."
        "Correct the template: it begins with `/`, its braces are paired, its variables have names.";
    PathParameterMismatch "path_parameter_mismatch" "The template of a path and its declared path parameters disagree."
        "Declare each variable of the template once, `in: path`, and no others.";
    OperationInvalid "operation_invalid" "An operation was left out because calling it would be wrong."
        "Mend what the message names; the other operations work.";
    OperationIdDuplicate "operation_id_duplicate" "Two operations have the same `operationId`; the later one lost it."
        "Give each operation an id of its own.";
    ParameterDuplicate "parameter_duplicate" "A parameter is declared twice in one list."
        "Remove one of them.";
    ParameterInvalid "parameter_invalid" "Part of the description of a parameter was not understood."
        "Correct it; until then the parameter is taken as a plain text.";
    RequestBodyInvalid "request_body_invalid" "Part of a request body was not understood."
        "Correct it; until then the body is sent as given.";
    ResponseInvalid "response_invalid" "A response was not understood."
        "Correct it; calls work without it.";
    TagInvalid "tag_invalid" "The declaration of a tag was not understood."
        "Correct it; until then the tag stands alone.";
    ReferenceUnresolved "reference_unresolved" "A `$ref` leads nowhere, or only to itself."
        "Correct the reference; what it stands for is missing until then.";
    SchemaUnchecked "schema_unchecked" "Part of a schema is not checked."
        "Nothing; the API checks it. Write the pattern without lookaround or back references to have it checked before.";
    ServerInvalid "server_invalid" "A server can't be used as written."
        "Give an http(s) URL; a variable needs a default.";
    ServerRelative "server_relative" "A server of a local document has no host."
        "Write the whole URL, or read the document over HTTP from the API itself.";
    ServerMissing "server_missing" "A local document names no server, so its tools can't be called."
        "Add `servers`, in the document or with an overlay.";
    SecurityInvalid "security_invalid" "A `security` list was not understood."
        "Correct it; the operations that depend on it are left out.";
    SecuritySchemeInvalid "security_scheme_invalid" "A security scheme was not understood."
        "Correct it; tools that need it can't be called until then.";
    SecuritySchemeUndefined "security_scheme_undefined" "A security requirement names a scheme that is not defined."
        "Define it under `components.securitySchemes`, or correct the name.";
    MemberIgnored "member_ignored" "A member belongs to a later version of OpenAPI and has no effect."
        "Declare the version that has it, or remove it.";
    WebhooksIgnored "webhooks_ignored" "`webhooks` are calls of the API to others; no tools are made of them."
        "Nothing.";
    LimitExceeded "limit_exceeded" "Something is beyond a bound of this program."
        "Make it smaller; the message names the bound.";
    DiagnosticsTruncated "diagnostics_truncated" "There were more diagnostics than are kept."
        "Repair the listed ones first.";

    // Names.
    CommandRenamed "command_renamed" "Two operations would be the same command; one was renamed."
        "Give one of them a name with `x-cli-name`, in the description or with an overlay.";
    NameUnusable "name_unusable" "A name has no letter and no digit, so no command can be made of it."
        "Give it a name with `x-cli-name`; until then the next rule of naming counts.";

    // Overlays.
    OverlayInvalid "overlay_invalid" "A document is no overlay."
        "An overlay is an object with `overlay`, `info` and `actions`.";
    OverlayVersion "overlay_version" "The declared version of an overlay is unknown, or lacks what it uses."
        "Write `1.0.0`, `1.1.0` or `1.2.0`.";
    OverlayFieldUnknown "overlay_field_unknown" "An overlay has a member that means nothing."
        "Correct its name, or begin it with `x-`.";
    OverlayFieldInvalid "overlay_field_invalid" "A member of an overlay has the wrong type."
        "Correct it as the message says.";
    OverlayEmpty "overlay_empty" "An overlay has no actions."
        "Add actions, or remove the overlay.";
    OverlayActionDuplicate "overlay_action_duplicate" "An overlay has the same action twice."
        "Remove one of them.";
    OverlayActionNoEffect "overlay_action_no_effect" "An action changes nothing where it matches."
        "Correct it, or remove it.";
    OverlayActionInvalid "overlay_action_invalid" "An action can't be carried out; the service is not served without it."
        "Correct it as the message says.";
    OverlayPathInvalid "overlay_path_invalid" "The target of an action is no JSONPath (RFC 9535)."
        "Correct the target; the message points at the character.";
    OverlayPathUnusual "overlay_path_unusual" "The target of an action is valid and probably not what was meant."
        "Look at the message; `overlay preview` shows what it matches.";
    OverlayNoMatch "overlay_no_match" "The target of an action matches nothing."
        "Correct the target; `open-cli-toolbox overlay preview` shows what matches.";
    OverlayTypeMismatch "overlay_type_mismatch" "An action would merge an object with something that is none."
        "Target an object with an object, a list with a list.";
    OverlayCopySource "overlay_copy_source" "The `copy` of an action does not select exactly one value."
        "Correct it so that it selects one.";
    OverlayExtendsMismatch "overlay_extends_mismatch" "The `extends` of an overlay names another document."
        "Correct `extends`, or apply the overlay where it belongs.";
    OverlayLimitExceeded "overlay_limit_exceeded" "An overlay is beyond a bound of this program."
        "Make fewer or smaller actions; the message names the bound.";

    // Skills and workflows.
    SkillUnreadable "skill_unreadable" "A skill manifest can't be read; its service works without it."
        "Correct the document, or the reference to it.";
    SkillStale "skill_stale" "A skill manifest can't be read any more; what it said last stays in force."
        "Mend the document; nothing is lost until then.";
    SkillInvalid "skill_invalid" "Part of a skill manifest was not understood."
        "Correct it; what is said beside it counts.";
    SkillServiceMismatch "skill_service_mismatch" "A skill manifest was written for a service of another id."
        "Correct its `serviceId`; its tools are looked up as those of this service.";
    SkillToolUnknown "skill_tool_unknown" "A skill manifest has guidance for a tool that its service does not have."
        "Tool ids are `<service>:<operationId>`; list them with `open-cli catalog list`.";
    WorkflowUnreadable "workflow_unreadable" "A document of workflows can't be read; its service works without it."
        "Correct the document, or the reference to it.";
    WorkflowStale "workflow_stale" "A document of workflows can't be read any more; what it said last stays in force."
        "Mend the document; nothing is lost until then.";
    WorkflowVersion "workflow_version" "The declared version of Arazzo is missing or written oddly."
        "Write `arazzo: 1.1.0`.";
    WorkflowFieldUnknown "workflow_field_unknown" "A document of workflows has a member that means nothing."
        "Correct its name, or begin it with `x-`.";
    WorkflowFieldInvalid "workflow_field_invalid" "A member of a document of workflows is missing or has the wrong type."
        "Correct it as the message says.";
    WorkflowSourceInvalid "workflow_source_invalid" "A source description is not as it should be."
        "Give it a name, a url and a type.";
    WorkflowEmpty "workflow_empty" "A document has no workflows, or a workflow no steps."
        "Add some, or remove it.";
    WorkflowInvalid "workflow_invalid" "A workflow can't be used and is left out; the others work."
        "Mend what is said about it beside this.";
    WorkflowDuplicate "workflow_duplicate" "Two workflows, or two things in one, have the same name; the first counts."
        "Give each a name of its own.";
    WorkflowRenamed "workflow_renamed" "A workflow is called `<service>:<workflowId>`, as another service has one of that id."
        "Rename one of them.";
    WorkflowOverridden "workflow_overridden" "The operator's workflow stands in place of the publisher's of the same id."
        "Nothing.";
    WorkflowExpressionInvalid "workflow_expression_invalid" "A text that begins like a runtime expression is none."
        "Correct it; see \"Runtime Expressions\" of the Arazzo specification.";
    WorkflowCriterionInvalid "workflow_criterion_invalid" "A condition or selector can't be evaluated: it fails, or finds nothing."
        "Correct it; XPath can't be evaluated at all.";
    WorkflowCriterionUnusual "workflow_criterion_unusual" "A condition is understood here, and other tools may refuse it."
        "Write it as the message says.";
    WorkflowReferenceUnknown "workflow_reference_unknown" "A workflow refers to a step, workflow, component or output that is not there."
        "Correct the reference.";
    WorkflowStepUnbound "workflow_step_unbound" "A step calls no tool of the catalog; its workflow is left out."
        "Correct the reference; `open-cli catalog list` shows the tools.";
    WorkflowUnsupported "workflow_unsupported" "A workflow sends or receives messages (AsyncAPI), which is not supported."
        "Call the API over HTTP instead.";
    WorkflowLimitExceeded "workflow_limit_exceeded" "A document of workflows is beyond a bound of this program."
        "Make it smaller; the message names the bound.";

    // MCP servers.
    McpUnavailable "mcp_unavailable" "An MCP server can't be connected, or does not list its tools."
        "Check its command or address; the message has its own words. It is tried again by itself.";
    McpToolInvalid "mcp_tool_invalid" "The definition of an MCP tool can't be used; the tool is left out."
        "Mend it at the server; its other tools work.";
    McpListing "mcp_listing" "The list of an MCP server's tools is not what it should be."
        "Look at the message; the tools that were listed work.";
    McpToolDisabled "mcp_tool_disabled" "Something refers to nothing but MCP tools that `disabledTools` leaves out; the service is not served."
        "Remove the reference, or the tool from `disabledTools`.";
    McpOperationUnknown "mcp_operation_unknown" "An overlay adds an operation to the description of an MCP server that stands for no tool; it is left out."
        "Change the operations that are there; a tool is added at its server.";

    // Discovery.
    Discovery "discovery" "How the services of a source were found: which step won, and what the others said."
        "Nothing.";
    DiscoveryLimit "discovery_limit" "Discovery stopped at a bound."
        "Point the source nearer to what it should find; the message names the bound.";
    ApiCatalogUnreadable "api_catalog_unreadable" "An API catalog can't be read."
        "Check the address and what it answers: a linkset (RFC 9264), JSON or text.";
    ApiCatalogEmpty "api_catalog_empty" "An API catalog lists nothing that can be used."
        "Check that it is the right one.";
    ApiCatalogCycle "api_catalog_cycle" "API catalogs list each other."
        "Remove the link back; each is read once in any case.";
    ApiCatalogElsewhere "api_catalog_elsewhere" "The API catalog was found at another address than the configured one."
        "Write that address into the configuration to save the detour.";
    ServiceDuplicate "service_duplicate" "Discovery found the same service more than once."
        "Nothing; it is served once.";
    ServiceRootUnreadable "service_root_unreadable" "A service root can't be read."
        "Check the address and what it answers.";
    ServiceDescMissing "service_desc_missing" "A service root leads to no description."
        "Link to one with `rel=\"service-desc\"`, or name it as a source of type openapi.";
    ServiceMetaUnreadable "service_meta_unreadable" "Metadata of a service can't be read, which may attach an overlay."
        "Check the address that the publisher links to.";
    LinkInvalid "link_invalid" "A link can't be followed as written."
        "Correct the link where it is published.";
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_texts_are_sentences() {
        let words: std::collections::BTreeSet<&str> =
            DiagnosticCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), DiagnosticCode::ALL.len());
        for code in DiagnosticCode::ALL {
            assert_eq!(DiagnosticCode::parse(code.as_str()), Some(*code));
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
            for text in [code.meaning(), code.advice()] {
                assert!(text.ends_with('.') && text.starts_with(|c: char| !c.is_lowercase()), "{code}: {text}");
            }
        }
        assert_eq!(DiagnosticCode::parse("anything"), None);
    }
}
