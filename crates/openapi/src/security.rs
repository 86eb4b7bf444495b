//! Security schemes and requirements: rules AU-1 to AU-5 with W12. A requirement that can't be met is kept, so that
//! execution fails closed; it is never dropped, which would call without credentials.

use crate::api::{SecurityAlternative, SecurityScheme};
use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_SECURITY, MAX_SECURITY_SCHEMES};
use crate::reader::Reader;
use crate::report::{Report, code, quoted};
use crate::tree::{Unresolved, escape};
use crate::version::Version;
use indexmap::IndexMap;
use open_cli_contract::catalog::OAuthFlow;

/// Schemes that requirements name and nobody defines: where first, and how often.
#[derive(Default)]
pub(crate) struct Undefined(IndexMap<String, (String, usize)>);

impl Undefined {
    fn note(&mut self, name: &str, pointer: String) {
        self.0.entry(name.to_owned()).or_insert((pointer, 0)).1 += 1;
    }

    /// One diagnostic per scheme, not per operation.
    pub(crate) fn report(&self, report: &mut Report) {
        for (name, (pointer, count)) in &self.0 {
            let places = if *count == 1 { String::new() } else { format!(" ({count} places)") };
            report.error(
                code::SCHEME_UNDEFINED,
                pointer,
                format!("security scheme {} is required but not defined{places}", quoted(name)),
                "calls that need it are refused; define the scheme or correct the name",
            );
        }
    }
}

/// OAuth flows in the order of AU-5, with the member names of OpenAPI 3 and the value of Swagger 2.0 `flow`.
const FLOWS: &[(&str, &str)] = &[
    ("authorizationCode", "accessCode"),
    ("clientCredentials", "application"),
    ("deviceAuthorization", ""),
    ("implicit", "implicit"),
    ("password", "password"),
];

impl<'a> Reader<'a> {
    /// Schemes first, then the document's own requirements.
    pub(crate) fn read_security(&mut self, root: &Object<'a>) {
        let (schemes, owner) = if self.version == Version::V20 {
            (root.object("securityDefinitions"), "/securityDefinitions")
        } else {
            let components = root.object("components").unwrap_or_default();
            (components.object("securitySchemes"), "/components/securitySchemes")
        };
        for (i, (key, place)) in schemes.unwrap_or_default().into_iter().enumerate() {
            if i >= MAX_SECURITY_SCHEMES {
                let message = format!("more than {MAX_SECURITY_SCHEMES} security schemes; the rest are left out");
                self.report.error(code::LIMIT, owner, message, "");
                break;
            }
            let pointer = format!("{owner}/{}", escape(&key));
            if let Some(scheme) = self.scheme(place, &pointer) {
                self.schemes.insert(key.into_owned(), scheme);
            }
        }
        if let Some(place) = root.get("security") {
            match self.requirements(place, "") {
                Ok(security) => self.security = security,
                Err(message) => self.report.error(
                    code::SECURITY,
                    "/security",
                    format!("the document's {message}; it is ignored"),
                    "write a list of objects, each with scheme names and lists of scopes",
                ),
            }
        }
    }

    /// AU-1, AU-2: the alternatives of a `security` list that belongs to the object at `owner`.
    pub(crate) fn requirements(
        &mut self,
        place: Place<'a>,
        owner: &str,
    ) -> Result<Vec<SecurityAlternative>, String> {
        let pointer = format!("{owner}/security");
        let elements = match place.kind() {
            Kind::Array => place.elements().unwrap_or_default(),
            Kind::Object => {
                self.report.warning(
                    code::SECURITY,
                    &pointer,
                    "`security` is an object, not a list; it is read as the only alternative".to_owned(),
                    "write a list of objects",
                );
                vec![place]
            }
            kind => return Err(format!("`security` is {}, not a list", kind.with_article())),
        };
        if elements.len() > MAX_SECURITY {
            return Err(format!("`security` has more than {MAX_SECURITY} alternatives"));
        }
        let mut alternatives = Vec::with_capacity(elements.len());
        for (i, element) in elements.into_iter().enumerate() {
            let Some(requirement) = Object::of(element) else {
                let kind = element.kind().with_article();
                return Err(format!("`security` has an alternative that is {kind}, not an object"));
            };
            alternatives.push(self.alternative(requirement, element, &format!("{pointer}/{i}"))?);
        }
        Ok(alternatives)
    }

    fn alternative(
        &mut self,
        requirement: Object<'a>,
        place: Place<'a>,
        pointer: &str,
    ) -> Result<SecurityAlternative, String> {
        let mut alternative = SecurityAlternative::new();
        for (key, scopes) in requirement {
            if key.starts_with("x-") && scopes.kind() != Kind::Array {
                continue;
            }
            if alternative.len() >= MAX_SECURITY {
                return Err(format!("`security` has an alternative of more than {MAX_SECURITY} schemes"));
            }
            if !self.schemes.contains_key(key.as_ref()) && !self.scheme_by_uri(&key, place) {
                self.undefined.note(&key, format!("{pointer}/{}", escape(&key)));
            }
            let scopes = scopes.elements().unwrap_or_default();
            let scopes = scopes.into_iter().filter_map(|scope| scope.text().map(|text| text.into_owned()));
            alternative.push((key.into_owned(), scopes.collect()));
        }
        Ok(alternative)
    }

    /// OpenAPI 3.2: a requirement may name a scheme by URI reference.
    fn scheme_by_uri(&mut self, key: &str, place: Place<'a>) -> bool {
        if self.version < Version::V32 || !key.contains(['/', '#', '.']) || self.undefined.0.contains_key(key) {
            return false;
        }
        let Ok(target) = self.tree.resolve(place.document, key) else { return false };
        let Some(scheme) = self.scheme(target, "") else { return false };
        self.schemes.insert(key.to_owned(), scheme);
        true
    }

    /// `None` when it can't be used; then there is a diagnostic.
    fn scheme(&mut self, place: Place<'a>, pointer: &str) -> Option<SecurityScheme> {
        let siblings = self.reference_siblings();
        let object = match self.tree.follow(place, siblings) {
            Ok(object) => object,
            Err(reason) => {
                let reference = Object::of(place).and_then(|object| object.reference());
                match reference {
                    Some(reference) => self.report.error(
                        code::REFERENCE,
                        pointer,
                        format!("the security scheme's reference {} {reason}", quoted(&reference)),
                        "calls that need the scheme are refused; correct the reference",
                    ),
                    None if reason == Unresolved::NotAnObject && pointer.contains("/x-") => {}
                    None => self.bad_scheme(pointer, "is no object"),
                }
                return None;
            }
        };
        let mut scheme = SecurityScheme { kind: object.string("type"), ..SecurityScheme::default() };
        match scheme.kind.as_str() {
            "basic" => {
                scheme.kind = "http".to_owned();
                scheme.scheme = "basic".to_owned();
            }
            "http" => {
                scheme.scheme = object.string("scheme").trim().to_ascii_lowercase();
                if scheme.scheme.is_empty() {
                    self.bad_scheme(pointer, "has type `http` and no `scheme`");
                    return None;
                }
            }
            "apiKey" => {
                scheme.location = object.string("in");
                scheme.param_name = object.string("name");
                let known = matches!(scheme.location.as_str(), "header" | "query" | "cookie");
                if !known || scheme.param_name.is_empty() {
                    self.bad_scheme(pointer, "is an API key and does not say `name` and `in` (header, query, cookie)");
                    return None;
                }
            }
            "oauth2" => scheme.flows = self.flows(&object, pointer),
            "openIdConnect" => {
                scheme.open_id_connect_url = object.string("openIdConnectUrl");
                if scheme.open_id_connect_url.is_empty() {
                    self.bad_scheme(pointer, "has type `openIdConnect` and no `openIdConnectUrl`");
                    return None;
                }
            }
            "mutualTLS" => {}
            other => {
                self.bad_scheme(pointer, &format!("has the unknown type {}", quoted(other)));
                return None;
            }
        }
        Some(scheme)
    }

    fn bad_scheme(&mut self, pointer: &str, what: &str) {
        self.report.error(
            code::SCHEME,
            pointer,
            format!("the security scheme {what}; it is left out"),
            "calls that need the scheme are refused; correct its definition",
        );
    }

    /// AU-5.
    fn flows(&mut self, scheme: &Object<'a>, pointer: &str) -> Vec<OAuthFlow> {
        let flow_of = |mode: &str, flow: &Object<'_>| OAuthFlow {
            mode: mode.to_owned(),
            authorization_url: flow
                .text(if mode == "deviceAuthorization" { "deviceAuthorizationUrl" } else { "authorizationUrl" })
                .unwrap_or_default()
                .into_owned(),
            token_url: flow.string("tokenUrl"),
            refresh_url: flow.string("refreshUrl"),
        };
        let flows: Vec<OAuthFlow> = if self.version == Version::V20 {
            let written = scheme.string("flow");
            let known = FLOWS.iter().filter(|(_, swagger)| !swagger.is_empty() && *swagger == written);
            known.map(|(mode, _)| flow_of(mode, scheme)).collect()
        } else {
            let written = scheme.object("flows").unwrap_or_default();
            let mode_and_flow = FLOWS.iter().filter_map(|(mode, _)| Some((mode, written.object(mode)?)));
            mode_and_flow.map(|(mode, flow)| flow_of(mode, &flow)).collect()
        };
        if flows.is_empty() {
            self.report.warning(
                code::SCHEME,
                pointer,
                "the OAuth 2.0 scheme has no flow that is understood".to_owned(),
                "configure the token endpoint in `secrets`, or describe the flows",
            );
        }
        flows
    }
}
