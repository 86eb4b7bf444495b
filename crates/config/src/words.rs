//! The closed sets of words in a config. Each is one list from which parsing, printing and validation derive.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every word, as written in a file.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word as written in a file and on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word; `None` for any other text. Case matters.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What an agent sees when nothing else is said.
    Mode {
        /// Every tool.
        Discover = "discover",
        /// Only the tools of the profile's tool set.
        Curated = "curated",
    }
}

words! {
    /// Where tools run. One value is left.
    RuntimeMode {
        /// In a toolbox.
        Remote = "remote",
    }
}

words! {
    /// What a source's address leads to.
    SourceKind {
        /// An RFC 9727 API catalog.
        ApiCatalog = "apiCatalog",
        /// A service root with RFC 8631 links.
        ServiceRoot = "serviceRoot",
        /// An OpenAPI document.
        OpenApi = "openapi",
        /// An MCP server.
        Mcp = "mcp",
    }
}

words! {
    /// How an MCP server is reached.
    TransportKind {
        /// A child process.
        Stdio = "stdio",
        /// Server-sent events (the old HTTP transport).
        Sse = "sse",
        /// Streamable HTTP.
        StreamableHttp = "streamable-http",
    }
}

words! {
    /// Grant of an upstream OAuth client.
    OAuthMode {
        /// A person signs in.
        AuthorizationCode = "authorizationCode",
        /// The runtime signs in as itself.
        ClientCredentials = "clientCredentials",
        /// Discovered; not a mode of its own (CFG-68).
        OpenIdConnect = "openIdConnect",
    }
}

words! {
    /// What a rate limit counts apart.
    RateLimitPer {
        /// Each caller.
        Principal = "principal",
        /// Each tool, whoever calls it.
        Tool = "tool",
        /// Each service, whoever calls it.
        Service = "service",
        /// Nothing: one count for all.
        All = "all",
    }
}

words! {
    /// What becomes of tools that the lock file does not have.
    NewTools {
        /// They are served.
        Allow = "allow",
        /// They are served, and a diagnostic counts them.
        Warn = "warn",
        /// They can't be called before they are accepted.
        Quarantine = "quarantine",
    }
}

words! {
    /// Where upstream tokens are kept.
    TokenStorage {
        /// In the instance's state directory.
        Instance = "instance",
        /// In memory only.
        Memory = "memory",
    }
}

words! {
    /// How the client gets its token for the runtime.
    RemoteOAuthMode {
        /// From outside, named by `tokenRef`.
        ProvidedToken = "providedToken",
        /// By client credentials.
        OAuthClient = "oauthClient",
        /// A person signs in with a browser.
        BrowserLogin = "browserLogin",
    }
}

words! {
    /// How a client says who it is at an authorization server (names of RFC 7591 §2).
    ClientAuthMethod {
        /// In the form.
        Post = "client_secret_post",
        /// In the header `Authorization`.
        Basic = "client_secret_basic",
    }
}

words! {
    /// How the runtime checks the tokens of its callers.
    ValidationProfile {
        /// Signed tokens, checked with the issuer's published keys.
        OidcJwks = "oidc_jwks",
        /// Opaque tokens, asked about at the authorization server (RFC 7662).
        Oauth2Introspection = "oauth2_introspection",
    }
}
