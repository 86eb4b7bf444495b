//! Every field of a config, once (config-and-state §1.3): name, type, and how scopes combine. Validation, merging
//! and suggestions read this table; nothing else lists field names.

use crate::merge::transitions;
use crate::tree::Object;
use crate::words::{
    ClientAuthMethod, Mode, NewTools, OAuthMode, RateLimitPer, RemoteOAuthMode, RuntimeMode, SourceKind,
    TokenStorage, TransportKind, ValidationProfile,
};

/// Type of a field, and with it how a later scope combines with earlier ones.
pub(crate) enum Kind {
    /// Text of at least one character; replaced.
    Text,
    /// A URL; replaced.
    Url(UrlUse),
    /// One of a few words; replaced.
    Word(&'static [&'static str]),
    /// `true` or `false`; replaced.
    Flag,
    /// A whole number between two bounds; replaced.
    Integer(i64, i64),
    /// A list of texts; replaced as a whole, `[]` empties.
    Texts,
    /// Glob patterns over tool ids; united over scopes.
    Patterns,
    /// Texts under free keys; replaced as a whole.
    TextMap,
    /// Known keys, combined per field.
    Object(&'static Shape),
    /// Known keys, replaced as a whole.
    Whole(&'static Shape),
    /// Ids chosen by the author, combined per id; `null` removes what an earlier scope said (weakness 18).
    Map(&'static Kind),
    /// A static secret; replaced as a whole.
    SecretRef,
    /// A static or OAuth secret; replaced as a whole.
    Secret,
    /// Not supported any more, whatever it holds.
    Gone(&'static str),
}

/// What a URL is for.
pub(crate) enum UrlUse {
    /// `http` or `https`.
    Web,
    /// `http` or `https`, and secrets or trust travel over it: plain `http` is warned about.
    Trusted,
    /// Any scheme.
    Any,
}

/// May a later scope change what the managed scope says (weakness 6, deviation 8)?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Managed {
    /// Yes.
    Open,
    /// No.
    Final,
    /// Not the entries that it has; others may be added.
    FinalEntries,
}

/// One field.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) managed: Managed,
}

/// Known keys of an object.
pub(crate) struct Shape {
    pub(crate) fields: &'static [Field],
    /// Drops inherited values that a later scope's statement makes meaningless: (accumulated, later).
    pub(crate) before_merge: Option<fn(&mut Object, &Object)>,
}

impl Shape {
    const fn new(fields: &'static [Field]) -> Self {
        Self { fields, before_merge: None }
    }

    const fn with_transition(fields: &'static [Field], before_merge: fn(&mut Object, &Object)) -> Self {
        Self { fields, before_merge: Some(before_merge) }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.fields.iter().map(|field| field.name)
    }
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, managed: Managed::Open }
}

const fn final_field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, managed: Managed::Final }
}

const fn final_entries(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, managed: Managed::FinalEntries }
}

const PORT: Kind = Kind::Integer(1, 65_535);
const ANY_COUNT: Kind = Kind::Integer(0, i64::MAX);

/// Words of `type` of a static secret.
pub(crate) const STATIC_SECRET_WORDS: &[&str] = &["literal", "env", "file", "osKeychain", "exec"];
/// `type` of an OAuth secret.
pub(crate) const OAUTH_SECRET_WORD: &str = "oauth2";
/// The legacy spelling of the introspection profile (CFG-40).
pub(crate) const LEGACY_INTROSPECTION: &str = "oauth2Introspection";

pub(crate) static ROOT: Shape = Shape::new(&[
    field("cli", Kind::Text),
    field("mode", Kind::Object(&MODE)),
    field("runtime", Kind::Object(&RUNTIME)),
    final_entries("sources", Kind::Map(&Kind::Object(&SOURCE))),
    field("mcpServers", Kind::Map(&Kind::Object(&MCP_SERVER))),
    field("services", Kind::Map(&Kind::Object(&SERVICE))),
    field("catalog", Kind::Object(&CATALOG)),
    field("curation", Kind::Object(&CURATION)),
    field("agents", Kind::Object(&AGENTS)),
    field("policy", Kind::Object(&POLICY)),
    final_entries("secrets", Kind::Map(&Kind::Secret)),
]);

static MODE: Shape = Shape::new(&[field("default", Kind::Word(Mode::WORDS))]);

static RUNTIME: Shape = Shape::new(&[
    field("mode", Kind::Word(RuntimeMode::WORDS)),
    field("local", Kind::Gone("runtime.local is no longer supported; remove it and run open-cli-toolbox")),
    field("remote", Kind::Object(&REMOTE)),
    field("server", Kind::Object(&SERVER)),
]);

static REMOTE: Shape = Shape::new(&[
    field("url", Kind::Url(UrlUse::Web)),
    field("requestConfigPath", Kind::Text),
    field("oauth", Kind::Object(&REMOTE_OAUTH)),
]);

static REMOTE_OAUTH: Shape = Shape::new(&[
    field("mode", Kind::Word(RemoteOAuthMode::WORDS)),
    field("audience", Kind::Text),
    field("scopes", Kind::Texts),
    field("tokenRef", Kind::Text),
    field("client", Kind::Object(&REMOTE_OAUTH_CLIENT)),
    field("browserLogin", Kind::Object(&BROWSER_LOGIN)),
    field("delegation", Kind::Object(&DELEGATION)),
]);

static REMOTE_OAUTH_CLIENT: Shape = Shape::new(&[
    field("tokenURL", Kind::Url(UrlUse::Trusted)),
    field("clientId", Kind::SecretRef),
    field("clientSecret", Kind::SecretRef),
]);

static BROWSER_LOGIN: Shape = Shape::new(&[field("callbackPort", PORT)]);

static DELEGATION: Shape = Shape::new(&[
    field("enabled", Kind::Flag),
    field("tokenExchangeURL", Kind::Url(UrlUse::Trusted)),
    field("scopes", Kind::Texts),
]);

static SERVER: Shape = Shape::new(&[final_field("auth", Kind::Object(&AUTH))]);

static AUTH: Shape = Shape::new(&[
    field("validationProfile", Kind::Word(ValidationProfile::WORDS)),
    field("mode", Kind::Word(&[LEGACY_INTROSPECTION])),
    // Compared as text with the `iss` claim, never fetched.
    field("issuer", Kind::Text),
    field("jwksURL", Kind::Url(UrlUse::Trusted)),
    field("audience", Kind::Text),
    field("introspectionURL", Kind::Url(UrlUse::Trusted)),
    field("authorizationURL", Kind::Url(UrlUse::Web)),
    field("tokenURL", Kind::Url(UrlUse::Trusted)),
    field("browserClientId", Kind::Text),
    field("clientId", Kind::SecretRef),
    field("clientSecret", Kind::SecretRef),
    // Beside the contract.
    field("clientAuthMethod", Kind::Word(ClientAuthMethod::WORDS)),
]);

pub(crate) static SOURCE: Shape = Shape::with_transition(
    &[
        field("type", Kind::Word(SourceKind::WORDS)),
        field("uri", Kind::Text),
        field("enabled", Kind::Flag),
        field("refresh", Kind::Whole(&REFRESH)),
        field("transport", Kind::Object(&TRANSPORT)),
        field("disabledTools", Kind::Texts),
        field("oauth", Kind::Object(&OAUTH)),
        field("network", Kind::Object(&NETWORK)),
    ],
    transitions::source,
);

/// Milliseconds, at most an hour.
const MILLISECONDS: Kind = Kind::Integer(1, 3_600_000);

static NETWORK: Shape = Shape::new(&[
    field("connectTimeoutMs", MILLISECONDS),
    field("firstByteTimeoutMs", MILLISECONDS),
    field("totalTimeoutMs", MILLISECONDS),
    field("maxResponseBytes", Kind::Integer(1, i64::MAX)),
    field("maxAttempts", Kind::Integer(1, 10)),
    field("maxRetryAfterMs", MILLISECONDS),
    field("retryBudgetPercent", Kind::Integer(0, 100)),
    field("maxConcurrent", Kind::Integer(1, 100_000)),
    field("maxQueued", Kind::Integer(0, 100_000)),
    field("queueTimeoutMs", MILLISECONDS),
    field("breakerFailures", Kind::Integer(0, 100_000)),
    field("breakerOpenMs", MILLISECONDS),
    final_field("allowAddresses", Kind::Texts),
]);

static REFRESH: Shape = Shape::new(&[field("maxAgeSeconds", ANY_COUNT), field("manualOnly", Kind::Flag)]);

/// The fields of `transport`, which `mcpServers` entries hold directly (CFG-45).
pub(crate) static TRANSPORT: Shape = Shape::with_transition(
    &[
        field("type", Kind::Word(TransportKind::WORDS)),
        field("command", Kind::Text),
        field("args", Kind::Texts),
        field("env", Kind::TextMap),
        field("url", Kind::Url(UrlUse::Web)),
        field("headers", Kind::TextMap),
        field("headerSecrets", Kind::TextMap),
    ],
    transitions::transport,
);

static OAUTH: Shape = Shape::with_transition(
    &[
        field("mode", Kind::Word(OAuthMode::WORDS)),
        field("issuer", Kind::Url(UrlUse::Trusted)),
        field("authorizationURL", Kind::Url(UrlUse::Web)),
        field("tokenURL", Kind::Url(UrlUse::Trusted)),
        field("clientId", Kind::SecretRef),
        field("clientSecret", Kind::SecretRef),
        field("scopes", Kind::Texts),
        field("audience", Kind::Text),
        field("interactive", Kind::Flag),
        field("callbackPort", PORT),
        field("redirectURI", Kind::Url(UrlUse::Any)),
        field("tokenStorage", Kind::Word(TokenStorage::WORDS)),
    ],
    transitions::oauth,
);

static MCP_SERVER: Shape = Shape::new(&[
    field("type", Kind::Word(TransportKind::WORDS)),
    field("command", Kind::Text),
    field("args", Kind::Texts),
    field("env", Kind::TextMap),
    field("url", Kind::Url(UrlUse::Web)),
    field("headers", Kind::TextMap),
    field("headerSecrets", Kind::TextMap),
    field("enabled", Kind::Flag),
    field("disabledTools", Kind::Texts),
    field("oauth", Kind::Object(&OAUTH)),
]);

static SERVICE: Shape = Shape::new(&[
    field("source", Kind::Text),
    field("alias", Kind::Text),
    field("overlays", Kind::Texts),
    field("skills", Kind::Texts),
    field("workflows", Kind::Texts),
    field("network", Kind::Object(&NETWORK)),
    field("server", Kind::Text),
    field("serverVariables", Kind::TextMap),
]);

static CATALOG: Shape =
    Shape::new(&[final_field("lock", Kind::Text), final_field("newTools", Kind::Word(NewTools::WORDS))]);

static CURATION: Shape = Shape::new(&[field("toolSets", Kind::Map(&Kind::Object(&TOOL_SET)))]);

static TOOL_SET: Shape = Shape::new(&[field("allow", Kind::Patterns), field("deny", Kind::Patterns)]);

static AGENTS: Shape =
    Shape::new(&[field("profiles", Kind::Map(&Kind::Object(&PROFILE))), field("defaultProfile", Kind::Text)]);

static PROFILE: Shape = Shape::new(&[field("mode", Kind::Word(Mode::WORDS)), field("toolSet", Kind::Text)]);

static POLICY: Shape = Shape::new(&[
    field("deny", Kind::Patterns),
    field("approvalRequired", Kind::Patterns),
    final_field("allowExecSecrets", Kind::Flag),
    final_field("allowUnvalidated", Kind::Flag),
    final_entries("rateLimits", Kind::Map(&Kind::Object(&RATE_LIMIT))),
]);

static RATE_LIMIT: Shape = Shape::new(&[
    field("tools", Kind::Texts),
    field("per", Kind::Word(RateLimitPer::WORDS)),
    field("requests", Kind::Integer(1, 1_000_000_000)),
    field("windowSeconds", Kind::Integer(1, 86_400)),
]);

pub(crate) static STATIC_SECRET: Shape = Shape::new(&[
    field("type", Kind::Word(STATIC_SECRET_WORDS)),
    field("value", Kind::Text),
    field("command", Kind::Texts),
]);

pub(crate) static OAUTH_SECRET: Shape = Shape::new(&[
    field("type", Kind::Word(&[OAUTH_SECRET_WORD])),
    field("mode", Kind::Word(&["authorizationCode", "clientCredentials"])),
    field("issuer", Kind::Url(UrlUse::Trusted)),
    field("authorizationURL", Kind::Url(UrlUse::Web)),
    field("tokenURL", Kind::Url(UrlUse::Trusted)),
    field("clientId", Kind::SecretRef),
    field("clientSecret", Kind::SecretRef),
    field("scopes", Kind::Texts),
    field("audience", Kind::Text),
    field("interactive", Kind::Flag),
    field("callbackPort", PORT),
    field("redirectURI", Kind::Url(UrlUse::Any)),
    field("tokenStorage", Kind::Word(TokenStorage::WORDS)),
]);
