//! A tool compiled to a request with holes.

use crate::body::BodyTemplate;
use crate::flags::{FlagIndex, is_reserved_header};
use crate::pieces::{self, Piece};
use crate::querystring::Whole;
use crate::style::Shape;
use crate::url::Origin;
use crate::{encode, flags};
use ::url::{Position, Url};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Method};
use open_cli_contract::catalog::{Parameter, Tool};
use open_cli_contract::redact;
use std::sync::Arc;

/// A tool, ready to be filled. Cheap to share, immutable.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    pub(crate) method: Result<Method, String>,
    pub(crate) base: Result<Base, String>,
    /// Path with the path of the base in front.
    pub(crate) path: Vec<Piece>,
    pub(crate) positional: Vec<Positional>,
    pub(crate) parameters: Vec<FlagParameter>,
    pub(crate) index: FlagIndex,
    /// Ascending raw names; fixed pairs before parameters of the same name.
    pub(crate) query: Vec<QueryEntry>,
    pub(crate) body: BodyTemplate,
}

/// The first server of the tool.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) url: Url,
    pub(crate) origin: Arc<Origin>,
    /// From user information in the server's URL.
    pub(crate) authorization: Option<HeaderValue>,
}

#[derive(Debug, Clone)]
pub(crate) struct Positional {
    pub(crate) name: String,
    pub(crate) wire: String,
    /// For lists and objects, and for styles that can't be written.
    pub(crate) shape: Option<Shape>,
}

#[derive(Debug, Clone)]
pub(crate) struct FlagParameter {
    pub(crate) name: String,
    pub(crate) wire: Arc<str>,
    pub(crate) required: bool,
    pub(crate) place: Place,
    /// For lists and objects.
    pub(crate) shape: Option<Shape>,
}

/// Where a flag goes.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Query,
    /// The whole query.
    Querystring(Whole),
    Header {
        name: HeaderName,
        sensitive: bool,
    },
    Cookie,
    /// Can't be sent, and why.
    Nowhere(String),
}

#[derive(Debug, Clone)]
pub(crate) enum QueryEntry {
    /// Written in the base URL or the path template (HX-2). The name is encoded.
    Fixed { name: Arc<str>, value: Vec<Piece> },
    /// A parameter, by index. The name is encoded.
    Parameter { name: Arc<str>, index: usize },
}

impl RequestTemplate {
    /// Never fails: what is wrong with the tool is reported by [`RequestTemplate::fill`].
    pub fn compile(tool: &Tool) -> Self {
        let base = compile_base(tool);
        let names: Vec<&str> = tool.path_params.iter().map(|parameter| parameter.original_name.as_str()).collect();
        // A fragment is not sent (RFC 3986 §3.5).
        let template = tool.path.split('#').next().unwrap_or_default();
        let (path, template_query) = template.split_once('?').unwrap_or((template, ""));

        let mut pieces = Vec::new();
        let prefix = base.as_ref().map(|base| base.url.path().trim_end_matches('/')).unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        pieces.push(Piece::Literal(format!("{prefix}{slash}")));
        pieces.extend(pieces::parse(path, &names, encode::path_literal));

        let kept: Vec<usize> = (0..tool.flags.len())
            .filter(|&i| tool.flags[i].location != "header" || !is_reserved_header(&tool.flags[i].original_name))
            .collect();
        let details = tool.details.as_ref().map(|details| details.parameters.as_slice()).unwrap_or_default();
        let shape = |index: usize, p: &Parameter| Shape::compile(&p.location, details.get(index)?);
        let parameters: Vec<FlagParameter> = kept
            .iter()
            .map(|&i| {
                let place = tool.path_params.len() + i;
                let media = details.get(place).map_or("", |details| details.content_type.as_str());
                compile_flag(&tool.flags[i], media, shape(place, &tool.flags[i]))
            })
            .collect();
        let base_query = base.as_ref().ok().and_then(|base| base.url.query()).unwrap_or_default();
        let query = compile_query([base_query, template_query], &names, &parameters);

        Self {
            method: Method::from_bytes(tool.method.as_bytes())
                .map_err(|_| format!("{:?} is no HTTP method; correct the API description", tool.method)),
            base,
            path: pieces,
            positional: tool
                .path_params
                .iter()
                .enumerate()
                .map(|(i, p)| Positional {
                    name: p.name.clone(),
                    wire: p.original_name.clone(),
                    shape: shape(i, p),
                })
                .collect(),
            index: FlagIndex::compile(tool, &kept),
            parameters,
            query,
            body: BodyTemplate::compile(tool.request_body.as_ref()),
        }
    }

    /// The server the tool is called at; `None` when it has no usable one.
    pub fn base_url(&self) -> Option<&Url> {
        self.base.as_ref().ok().map(|base| &base.url)
    }
}

/// HX-1: the first server, absolute, `http` or `https`.
fn compile_base(tool: &Tool) -> Result<Base, String> {
    let Some(server) = tool.servers.first() else {
        return Err(format!(
            "missing base url for tool {}; name a server in the API description or the config",
            tool.id
        ));
    };
    // What does not parse can't be redacted, so it is only shown when it has no place for a secret.
    let has_secret_place = server.contains(['@', '?']);
    let shown = if has_secret_place && Url::parse(server).is_err() { "…".into() } else { redact::text(server) };
    let mut url = match Url::parse(server) {
        Ok(url) => url,
        Err(::url::ParseError::RelativeUrlWithoutBase) => {
            return Err(format!("the server {shown:?} of tool {} is relative; name an absolute one", tool.id));
        }
        Err(error) => return Err(format!("the server {shown:?} of tool {} is no URL: {error}", tool.id)),
    };
    let scheme = match url.scheme() {
        "http" => Scheme::HTTP,
        "https" => Scheme::HTTPS,
        other => {
            return Err(format!("the server of tool {} has scheme {other}; only http and https work", tool.id));
        }
    };
    let authorization = user_information(&url);
    // Fails only for URLs without a host; http and https have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let authority = Authority::try_from(&url[Position::BeforeHost..Position::AfterPort])
        .map_err(|_| format!("the server {shown:?} of tool {} has a host that can't be called", tool.id))?;
    Ok(Base { url, origin: Arc::new(Origin { scheme, authority }), authorization })
}

/// `https://user:password@host` authenticates with HTTP Basic, unless credentials are configured.
fn user_information(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut plain = decode(url.username());
    plain.push(b':');
    plain.extend(decode(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", base64_standard(&plain))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn base64_standard(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn compile_flag(flag: &Parameter, media: &str, shape: Option<Shape>) -> FlagParameter {
    let wire = flag.original_name.as_str();
    let place = match flag.location.as_str() {
        "query" => Place::Query,
        "querystring" => Place::Querystring(Whole::of(media)),
        "header" => match HeaderName::from_bytes(wire.as_bytes()) {
            Ok(name) => Place::Header { name, sensitive: redact::is_token_parameter(wire) },
            Err(_) => Place::Nowhere("its name is no legal header name; correct the API description".into()),
        },
        // A cookie name is a token, as a header name is (RFC 6265 §4.1.1).
        "cookie" if HeaderName::from_bytes(wire.as_bytes()).is_ok() => Place::Cookie,
        "cookie" => Place::Nowhere("its name is no legal cookie name; correct the API description".into()),
        other => Place::Nowhere(format!("parameters in {other:?} are not supported")),
    };
    FlagParameter { name: flag.name.clone(), wire: wire.into(), required: flag.required, place, shape }
}

fn compile_query(fixed: [&str; 2], names: &[&str], parameters: &[FlagParameter]) -> Vec<QueryEntry> {
    let mut entries: Vec<(String, bool, QueryEntry)> = Vec::new();
    for text in fixed {
        for (name, value) in ::url::form_urlencoded::parse(text.as_bytes()) {
            let value = pieces::parse(&value, names, encode::form);
            let encoded = encode::form(&name).into();
            entries.push((name.into_owned(), false, QueryEntry::Fixed { name: encoded, value }));
        }
    }
    for (index, parameter) in parameters.iter().enumerate() {
        if matches!(parameter.place, Place::Query) {
            let name = encode::form(&parameter.wire).into();
            entries.push((parameter.wire.to_string(), true, QueryEntry::Parameter { name, index }));
        }
    }
    entries.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    entries.into_iter().map(|(_, _, entry)| entry).collect()
}

impl QueryEntry {
    /// Does it have this name, which is encoded?
    pub(crate) fn has_name(&self, encoded: &str) -> bool {
        let (Self::Fixed { name, .. } | Self::Parameter { name, .. }) = self;
        **name == *encoded
    }
}

impl FlagParameter {
    pub(crate) fn missing(&self) -> crate::ArgumentFault {
        flags::missing(&self.wire, &self.name)
    }

    pub(crate) fn invalid(&self, problem: &str) -> crate::ArgumentFault {
        crate::ArgumentFault::flag(crate::FaultKind::Invalid, &self.wire, &self.name, problem)
    }
}
