//! Security schemes and requirements: rules AU-1 to AU-5 with W12. A requirement that can't be met is kept, so that
//! execution fails closed; it is never dropped, which would call without credentials.

use crate::api::{SecurityAlternative, SecurityScheme};
use crate::json::{Kind, Object, Place};
use crate::limits::{MAX_SECURITY, MAX_SECURITY_SCHEMES};
use crate::pointer::escape;
use crate::reader::Reader;
use crate::reference::Unresolved;
use crate::report::{Report, code, quoted};
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
        let Ok(target) = self.tree.resolve(place, key) else { return false };
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
                    self.bad_scheme(
                        pointer,
                        "is an API key and does not say `name` and `in` (header, query, cookie)",
                    );
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

#[cfg(test)]
mod tests {
    use crate::testing::{codes, names, openapi, read_all, swagger};

    const SCHEMES: &str = r##""components":{"securitySchemes":{
        "key":{"type":"apiKey","in":"header","name":"X-Key"},"basic":{"type":"http","scheme":"Basic"},
        "sso":{"type":"openIdConnect","openIdConnectUrl":"https://id.example/c"},"tls":{"type":"mutualTLS"},
        "alias":{"$ref":"#/components/securitySchemes/key"},
        "oauth":{"type":"oauth2","flows":{"password":{"tokenUrl":"https://t","refreshUrl":"https://r","scopes":{}},
            "deviceAuthorization":{"deviceAuthorizationUrl":"https://d","tokenUrl":"https://t"},
            "authorizationCode":{"authorizationUrl":"https://a","tokenUrl":"https://t"},"x-y":{}}}}}"##;

    /// AU-4, AU-5
    #[test]
    fn schemes_of_all_kinds_are_read() {
        let api = openapi("3.2.0", SCHEMES);
        assert!(codes(&api).is_empty(), "{:?}", api.diagnostics);
        let shown: Vec<String> = api
            .security_schemes
            .iter()
            .map(|(key, s)| {
                let flows: Vec<String> = s
                    .flows
                    .iter()
                    .map(|f| format!("{} {} {} {}", f.mode, f.authorization_url, f.token_url, f.refresh_url))
                    .collect();
                let url = &s.open_id_connect_url;
                format!("{key}: {} {} {} {} {url} {flows:?}", s.kind, s.scheme, s.location, s.param_name)
            })
            .collect();
        let expected = [
            "key: apiKey  header X-Key  []",
            "basic: http basic    []",
            "sso: openIdConnect    https://id.example/c []",
            "tls: mutualTLS     []",
            "alias: apiKey  header X-Key  []",
            "oauth: oauth2     [\"authorizationCode https://a https://t \", \
             \"deviceAuthorization https://d https://t \", \"password  https://t https://r\"]",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn schemes_of_swagger_are_translated() {
        let api = swagger(
            r#""paths":{},"securityDefinitions":{"b":{"type":"basic"},"k":{"type":"apiKey","in":"query","name":"k"},
                "code":{"type":"oauth2","flow":"accessCode","authorizationUrl":"https://a","tokenUrl":"https://t"},
                "app":{"type":"oauth2","flow":"application","tokenUrl":"https://t"},
                "imp":{"type":"oauth2","flow":"implicit","authorizationUrl":"https://a"},
                "odd":{"type":"oauth2","flow":"other"}}"#,
        );
        let shown: Vec<String> = api
            .security_schemes
            .values()
            .map(|s| format!("{}{} {}", s.kind, s.scheme, s.flows.first().map_or("", |f| &f.mode)))
            .collect();
        let expected = [
            "httpbasic ",
            "apiKey ",
            "oauth2 authorizationCode",
            "oauth2 clientCredentials",
            "oauth2 implicit",
            "oauth2 ",
        ];
        assert_eq!(shown, expected);
        assert_eq!(codes(&api), ["security_scheme_invalid"]);
    }

    /// AU-1, AU-2, W12
    #[test]
    fn alternatives_keep_their_order_and_anonymous_access() {
        let text = format!(
            r#""security":[{{"sso":["bins.read"]}},{{"key":[],"basic":null}},{{}}],{SCHEMES},
            "paths":{{"/a":{{"get":{{}},"post":{{"security":[]}},"put":{{"security":[{{"tls":[]}}]}},
                "patch":{{"security":{{"key":[]}}}},"delete":{{"security":"no"}}}},
                "/b":{{"get":{{"security":[7]}}}}}}"#
        );
        let api = openapi("3.1.0", &text);
        let shown: Vec<String> = api.operations.iter().map(|o| format!("{:?}", o.security)).collect();
        let expected = [
            r#"[[("sso", ["bins.read"])], [("key", []), ("basic", [])], []]"#,
            "[]",
            r#"[[("tls", [])]]"#,
            r#"[[("key", [])]]"#,
        ];
        assert_eq!(shown, expected);
        assert_eq!(names(&api), ["GET /a", "POST /a", "PUT /a", "PATCH /a"]);
        assert_eq!(codes(&api), ["security_invalid", "operation_invalid", "operation_invalid"]);
    }

    /// W12: kept, so that the call is refused and not made without credentials.
    #[test]
    fn requirements_of_undefined_schemes_are_kept_and_reported_once() {
        let text = r#""paths":{"/a":{"get":{"security":[{"nope":[]}]},"put":{"security":[{"nope":["s"]}]}}}"#;
        let api = openapi("3.0.0", text);
        assert_eq!(api.operations[1].security, [vec![("nope".to_owned(), vec!["s".to_owned()])]]);
        assert_eq!(codes(&api), ["security_scheme_undefined"]);
        assert_eq!(api.diagnostics[0].pointer, "/paths/~1a/get/security/0/nope");
        assert_eq!(api.diagnostics[0].message, "security scheme `nope` is required but not defined (2 places)");
    }

    /// An alternative never becomes anonymous access because a name in it looks odd.
    #[test]
    fn no_requirement_is_dropped() {
        for requirement in [r#"{"x-key":null}"#, r#"{"":[]}"#, r#"{"nope":"no list"}"#] {
            let api = openapi("3.2.0", &format!(r#""paths":{{"/a":{{"get":{{"security":[{requirement}]}}}}}}"#));
            assert_eq!(api.operations[0].security[0].len(), 1, "{requirement}");
            assert_eq!(codes(&api), ["security_scheme_undefined"], "{requirement}");
        }
    }

    #[test]
    fn a_broken_scheme_is_left_out_and_the_others_work() {
        let api = openapi(
            "3.0.0",
            r##""paths":{},"components":{"securitySchemes":{"ok":{"type":"http","scheme":"bearer"},
                "a":{"type":"apiKey","in":"body","name":"n"},"b":{"type":"apiKey","in":"query"},"c":{"type":"http"},
                "d":{"type":"magic"},"e":{},"f":7,"g":{"$ref":"#/x"},"h":{"type":"openIdConnect"},"x-note":"n"}}"##,
        );
        assert_eq!(api.security_schemes.keys().collect::<Vec<_>>(), ["ok"]);
        let mut found = codes(&api);
        found.sort_unstable();
        let expected = [vec!["reference_unresolved"], vec!["security_scheme_invalid"; 7]].concat();
        assert_eq!(found, expected);
    }

    /// OpenAPI 3.2
    #[test]
    fn a_requirement_may_name_a_scheme_by_reference() {
        let root = r##"{"openapi":"3.2.0","security":[{"shared.json#/key":[]}]}"##;
        let shared = r#"{"key":{"type":"http","scheme":"bearer"}}"#;
        let api = read_all(&[("/d/api.json", root), ("/d/shared.json", shared)]);
        assert_eq!(api.security_schemes["shared.json#/key"].scheme, "bearer");
        assert!(codes(&api).is_empty(), "{:?}", api.diagnostics);
    }
}
