//! From the merged tree to the typed model. Runs only after every check has passed, so a missing or mistyped
//! value is a mistake of ours: [`config`] then answers `None`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::model::{
    Agents, Auth, BrowserLogin, CatalogSettings, Config, Curation, Delegation, ModeSettings, Network, OAuth,
    Policy, Profile, RateLimit, Refresh, Remote, RemoteOAuth, RemoteOAuthClient, Runtime, Server, Service, Source,
    ToolSet, Transport,
};
use crate::reference::Reference;
use crate::secret::{Secret, SecretText, StaticSecret};
use crate::table::{LEGACY_INTROSPECTION, OAUTH_SECRET_WORD};
use crate::tree::{Node, Object, Value};
use crate::url_text::UrlText;
use crate::words::{
    ClientAuthMethod, Mode, NewTools, OAuthMode, RateLimitPer, RemoteOAuthMode, RuntimeMode, SourceKind,
    TokenStorage, TransportKind, ValidationProfile,
};

/// The configuration. `folders` holds the absolute folder of each file.
pub(crate) fn config(root: &Node, folders: &[Arc<Path>]) -> Option<Config> {
    let root = Fields { object: root.object()?, folders };
    Some(Config {
        cli: root.text("cli")?,
        mode: ModeSettings { default: Mode::from_word(root.fields("mode")?.str("default")?)? },
        runtime: runtime(root.fields("runtime"))?,
        sources: root.map("sources", source)?,
        services: root.map("services", service)?,
        catalog: match root.fields("catalog") {
            Some(fields) => catalog(fields)?,
            None => CatalogSettings::default(),
        },
        curation: match root.fields("curation") {
            Some(curation) => Curation { tool_sets: curation.map("toolSets", tool_set)? },
            None => Curation::default(),
        },
        agents: match root.fields("agents") {
            Some(agents) => Agents {
                profiles: agents.map("profiles", profile)?,
                default_profile: agents.text("defaultProfile"),
            },
            None => Agents::default(),
        },
        policy: match root.fields("policy") {
            Some(fields) => policy(fields)?,
            None => Policy::default(),
        },
        secrets: root.map("secrets", secret)?,
    })
}

/// An object, and where its files lie.
#[derive(Clone, Copy)]
struct Fields<'a> {
    object: &'a Object,
    folders: &'a [Arc<Path>],
}

impl<'a> Fields<'a> {
    fn str(&self, key: &str) -> Option<&'a str> {
        self.object.text(key)
    }

    fn text(&self, key: &str) -> Option<String> {
        self.str(key).map(str::to_owned)
    }

    fn url(&self, key: &str) -> Option<UrlText> {
        self.text(key).map(UrlText::new)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.object.get(key)?.flag()
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        match &self.object.get(key)?.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let items = self.object.get(key).and_then(Node::list).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    }

    fn text_map<T>(&self, key: &str, make: fn(String) -> T) -> BTreeMap<String, T> {
        let map = self.object.get(key).and_then(Node::object);
        map.into_iter()
            .flat_map(|map| &map.members)
            .filter_map(|(key, member)| Some((key.clone(), make(member.node.text()?.to_owned()))))
            .collect()
    }

    fn folder(&self, node: &Node) -> Option<Arc<Path>> {
        self.folders.get(usize::from(node.at.file)).cloned()
    }

    fn reference_to(&self, node: &Node) -> Option<Reference> {
        Some(Reference::new(node.text()?, self.folder(node)?))
    }

    fn reference(&self, key: &str) -> Option<Reference> {
        self.reference_to(self.object.get(key)?)
    }

    fn references(&self, key: &str) -> Vec<Reference> {
        let items = self.object.get(key).and_then(Node::list).unwrap_or_default();
        items.iter().filter_map(|item| self.reference_to(item)).collect()
    }

    fn fields(&self, key: &str) -> Option<Fields<'a>> {
        Some(Fields { object: self.object.get(key)?.object()?, folders: self.folders })
    }

    fn map<T>(&self, key: &str, decode: fn(Fields<'_>) -> Option<T>) -> Option<BTreeMap<String, T>> {
        let Some(map) = self.fields(key) else { return Some(BTreeMap::new()) };
        map.object.members.keys().map(|id| Some((id.clone(), decode(map.fields(id)?)?))).collect()
    }

    fn static_secret(&self, key: &str) -> Option<StaticSecret> {
        static_secret(self.fields(key)?)
    }
}

/// Deviation 1: absent means remote without further settings.
fn runtime(fields: Option<Fields<'_>>) -> Option<Runtime> {
    let mode = RuntimeMode::Remote;
    let Some(fields) = fields else { return Some(Runtime { mode, remote: None, server: None }) };
    let remote = fields.fields("remote").map(|remote| Remote {
        url: remote.url("url"),
        request_config_path: remote.text("requestConfigPath"),
        oauth: remote.fields("oauth").map(remote_oauth),
    });
    let server = match fields.fields("server") {
        Some(server) => Some(Server {
            auth: match server.fields("auth") {
                // Never drop an auth block that does not decode: that would switch authentication off.
                Some(fields) => Some(auth(fields)?),
                None => None,
            },
        }),
        None => None,
    };
    Some(Runtime { mode, remote, server })
}

fn remote_oauth(fields: Fields<'_>) -> RemoteOAuth {
    RemoteOAuth {
        mode: fields.str("mode").and_then(RemoteOAuthMode::from_word),
        audience: fields.text("audience"),
        scopes: fields.texts("scopes"),
        token_ref: fields.text("tokenRef"),
        client: fields.fields("client").map(|client| RemoteOAuthClient {
            token_url: client.url("tokenURL"),
            client_id: client.static_secret("clientId"),
            client_secret: client.static_secret("clientSecret"),
        }),
        browser_login: fields
            .fields("browserLogin")
            .map(|login| BrowserLogin { callback_port: login.number("callbackPort") }),
        delegation: fields.fields("delegation").map(|delegation| Delegation {
            enabled: delegation.flag("enabled").unwrap_or(false),
            token_exchange_url: delegation.url("tokenExchangeURL"),
            scopes: delegation.texts("scopes"),
        }),
    }
}

fn auth(fields: Fields<'_>) -> Option<Auth> {
    Some(Auth {
        validation_profile: ValidationProfile::from_word(fields.str("validationProfile")?)?,
        mode: fields.str("mode").map(|_| LEGACY_INTROSPECTION),
        issuer: fields.text("issuer"),
        jwks_url: fields.url("jwksURL"),
        audience: fields.text("audience")?,
        introspection_url: fields.url("introspectionURL"),
        authorization_url: fields.url("authorizationURL"),
        token_url: fields.url("tokenURL"),
        browser_client_id: fields.text("browserClientId"),
        client_id: fields.static_secret("clientId"),
        client_secret: fields.static_secret("clientSecret"),
        client_auth_method: fields.str("clientAuthMethod").and_then(ClientAuthMethod::from_word),
    })
}

fn source(fields: Fields<'_>) -> Option<Source> {
    let kind = SourceKind::from_word(fields.str("type")?)?;
    let refresh = fields.fields("refresh");
    Some(Source {
        kind,
        uri: fields.reference("uri"),
        enabled: fields.flag("enabled").unwrap_or(true),
        refresh: Refresh {
            max_age_seconds: refresh.and_then(|refresh| refresh.number("maxAgeSeconds")).unwrap_or(0),
            manual_only: refresh.and_then(|refresh| refresh.flag("manualOnly")).unwrap_or(false),
        },
        transport: match fields.fields("transport") {
            Some(fields) => Some(transport(fields)?),
            None => None,
        },
        disabled_tools: fields.texts("disabledTools"),
        oauth: match fields.fields("oauth") {
            Some(fields) => Some(oauth(fields)?),
            None => None,
        },
        network: fields.fields("network").map(network).unwrap_or_default(),
    })
}

fn network(fields: Fields<'_>) -> Network {
    Network {
        connect_timeout_ms: fields.number("connectTimeoutMs"),
        first_byte_timeout_ms: fields.number("firstByteTimeoutMs"),
        total_timeout_ms: fields.number("totalTimeoutMs"),
        max_response_bytes: fields.number("maxResponseBytes"),
        max_attempts: fields.number("maxAttempts"),
        max_retry_after_ms: fields.number("maxRetryAfterMs"),
        retry_budget_percent: fields.number("retryBudgetPercent"),
        max_concurrent: fields.number("maxConcurrent"),
        max_queued: fields.number("maxQueued"),
        queue_timeout_ms: fields.number("queueTimeoutMs"),
        breaker_failures: fields.number("breakerFailures"),
        breaker_open_ms: fields.number("breakerOpenMs"),
        allow_addresses: fields.object.get("allowAddresses").map(|_| fields.texts("allowAddresses")),
    }
}

fn rate_limit(fields: Fields<'_>) -> Option<RateLimit> {
    Some(RateLimit {
        tools: fields.texts("tools"),
        per: fields.str("per").map_or(Some(RateLimitPer::Principal), RateLimitPer::from_word)?,
        requests: fields.number("requests")?,
        window_seconds: fields.number("windowSeconds")?,
    })
}

fn transport(fields: Fields<'_>) -> Option<Transport> {
    Some(Transport {
        kind: TransportKind::from_word(fields.str("type")?)?,
        command: fields.reference("command"),
        args: fields.texts("args"),
        env: fields.text_map("env", SecretText::new),
        url: fields.url("url"),
        headers: fields.text_map("headers", SecretText::new),
        header_secrets: fields.text_map("headerSecrets", |text| text),
    })
}

fn oauth(fields: Fields<'_>) -> Option<OAuth> {
    Some(OAuth {
        mode: OAuthMode::from_word(fields.str("mode")?)?,
        issuer: fields.url("issuer"),
        authorization_url: fields.url("authorizationURL"),
        token_url: fields.url("tokenURL"),
        client_id: fields.static_secret("clientId"),
        client_secret: fields.static_secret("clientSecret"),
        scopes: fields.texts("scopes"),
        audience: fields.text("audience"),
        interactive: fields.flag("interactive"),
        callback_port: fields.number("callbackPort"),
        redirect_uri: fields.url("redirectURI"),
        token_storage: fields.str("tokenStorage").and_then(TokenStorage::from_word),
    })
}

fn service(fields: Fields<'_>) -> Option<Service> {
    Some(Service {
        source: fields.text("source")?,
        alias: fields.text("alias"),
        overlays: fields.references("overlays"),
        skills: fields.references("skills"),
        workflows: fields.references("workflows"),
        network: fields.fields("network").map(network).unwrap_or_default(),
        server: fields.text("server"),
        server_variables: fields.text_map("serverVariables", |text| text),
    })
}

fn tool_set(fields: Fields<'_>) -> Option<ToolSet> {
    Some(ToolSet { allow: fields.texts("allow"), deny: fields.texts("deny") })
}

/// A lock that does not decode is not left out: that would pin nothing.
fn catalog(fields: Fields<'_>) -> Option<CatalogSettings> {
    let lock = match fields.object.get("lock") {
        Some(_) => Some(fields.reference("lock")?),
        None => None,
    };
    let new_tools = match fields.str("newTools") {
        Some(word) => Some(NewTools::from_word(word)?),
        None => None,
    };
    Some(CatalogSettings { lock, new_tools })
}

fn profile(fields: Fields<'_>) -> Option<Profile> {
    Some(Profile { mode: fields.str("mode").and_then(Mode::from_word), tool_set: fields.text("toolSet") })
}

/// A limit that does not decode is not left out: that would lift it.
fn policy(fields: Fields<'_>) -> Option<Policy> {
    Some(Policy {
        deny: fields.texts("deny"),
        approval_required: fields.texts("approvalRequired"),
        allow_exec_secrets: fields.flag("allowExecSecrets").unwrap_or(false),
        allow_unvalidated: fields.flag("allowUnvalidated").unwrap_or(false),
        rate_limits: fields.map("rateLimits", rate_limit)?,
    })
}

fn secret(fields: Fields<'_>) -> Option<Secret> {
    match fields.str("type")? {
        OAUTH_SECRET_WORD => Some(Secret::OAuth2(oauth(fields)?)),
        _ => Some(Secret::Static(static_secret(fields)?)),
    }
}

fn static_secret(fields: Fields<'_>) -> Option<StaticSecret> {
    Some(match fields.str("type")? {
        "literal" => StaticSecret::Literal(SecretText::new(fields.text("value")?)),
        "env" => StaticSecret::Env { variable: fields.text("value")? },
        "file" => StaticSecret::File(fields.reference("value")?),
        "osKeychain" => StaticSecret::OsKeychain { item: fields.text("value")? },
        "exec" => exec(fields)?,
        _ => return None,
    })
}

/// The program counts from the declaring file; `value` alone names a program without arguments.
fn exec(fields: Fields<'_>) -> Option<StaticSecret> {
    let node = fields.object.get("command").or_else(|| fields.object.get("value"))?;
    let mut command: Vec<String> = match &node.value {
        Value::List(items) => items.iter().filter_map(Node::text).map(str::to_owned).collect(),
        _ => vec![node.text()?.to_owned()],
    };
    let dir = fields.folder(node)?;
    let program = command.first_mut()?;
    *program = Reference::new(program.as_str(), dir.clone()).program().to_string_lossy().into_owned();
    Some(StaticSecret::Exec { command, dir })
}
