//! Swagger 2.0 `host`, `basePath` and `schemes` as server URLs. Rules SV-3, SV-4 and W17, said for the older format.

use crate::json::{Object, Place};
use crate::limits::MAX_MEDIA_TYPES;
use crate::reader::Reader;
use crate::report::{code, quoted};
use crate::servers::plain;
use crate::tree::ROOT;
use open_cli_contract::catalog::ServerChoice;

impl<'a> Reader<'a> {
    /// Reads `consumes`, `schemes`, `host` and `basePath` of the document into server URLs (SV-3, SV-4).
    pub(crate) fn read_hosts(&mut self, root: &Object<'a>) -> Vec<ServerChoice> {
        self.consumes = texts(root.get("consumes"));
        self.hosts(root, texts(root.get("schemes"))).into_iter().map(plain).collect()
    }

    /// The servers of an operation with `schemes` of its own; none without.
    pub(crate) fn servers_with_schemes(&mut self, operation: &Object<'a>) -> Vec<ServerChoice> {
        let schemes = texts(operation.get("schemes"));
        if schemes.is_empty() {
            return Vec::new();
        }
        let mut servers = Vec::new();
        for scheme in http_schemes(&schemes) {
            // Only the scheme differs from the document's first server.
            let rest = self.servers.first().and_then(|server| server.url.split_once("://"));
            servers.extend(rest.map(|(_, rest)| plain(format!("{scheme}://{rest}"))));
        }
        servers
    }

    fn hosts(&mut self, root: &Object<'a>, schemes: Vec<String>) -> Vec<String> {
        let origin = self.tree.location(ROOT).origin_url();
        let base_path = root.text("basePath").unwrap_or_default();
        let base_path = base_path.trim().trim_end_matches('/');
        let slash = if base_path.is_empty() || base_path.starts_with('/') { "" } else { "/" };
        let host = root.text("host").unwrap_or_default();
        let (mut host, mut schemes) = (host.trim().trim_end_matches('/').to_owned(), schemes);
        if let Some((scheme, rest)) = host.split_once("://") {
            let message = format!("`host` is the URL {}", quoted(&host));
            self.report.warning(code::SERVER, "/host", message, "write host and port only");
            (schemes, host) = (vec![scheme.to_owned()], rest.to_owned());
        }
        if host.is_empty() {
            let authority = origin.and_then(|url| {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                url.host_str().map(|host| format!("{host}{port}"))
            });
            let Some(authority) = authority else {
                // Local: nothing says which host it is.
                let relative = format!("{slash}{base_path}");
                let path = if relative.is_empty() { None } else { root.get("basePath") };
                return path.and_then(|place| self.absolute(&relative, place, "/basePath")).into_iter().collect();
            };
            host = authority;
        }
        let mut usable = http_schemes(&schemes);
        if usable.is_empty() {
            if !schemes.is_empty() {
                let message = format!("none of the schemes {} can be called", quoted(&schemes.join(", ")));
                self.report.warning(code::SERVER, "/schemes", message, "http or https is taken instead");
            }
            let loopback = ["localhost", "127.0.0.1", "[::1]"]
                .iter()
                .any(|name| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')));
            usable.push(match origin {
                Some(url) => {
                    if url.scheme() == "http" {
                        "http"
                    } else {
                        "https"
                    }
                }
                // Nobody says; a credential must not travel in the clear by accident.
                None => {
                    if loopback {
                        "http"
                    } else {
                        "https"
                    }
                }
            });
        }
        usable.into_iter().map(|scheme| format!("{scheme}://{host}{slash}{base_path}")).collect()
    }
}

/// The texts of a list.
pub(crate) fn texts(place: Option<Place<'_>>) -> Vec<String> {
    let Some(place) = place else { return Vec::new() };
    let texts = place.elements().unwrap_or_else(|| vec![place]).into_iter().filter_map(Place::text);
    let texts = texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    texts.take(MAX_MEDIA_TYPES).collect()
}

/// The callable ones, `https` first.
fn http_schemes(schemes: &[String]) -> Vec<&'static str> {
    let listed = |wanted: &&'static str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(wanted));
    ["https", "http"].into_iter().filter(listed).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, local, remote, swagger};

    const PATHS: &str = r#""paths":{"/a":{"get":{}}}"#;

    /// SV-3, SV-4, W17
    #[test]
    fn hosts_become_servers() {
        for (members, at_home, at_https) in [
            (r#""host":"h.example""#, "https://h.example", "https://h.example"),
            (
                r#""host":"localhost:8080","basePath":"/v1/""#,
                "http://localhost:8080/v1",
                "https://localhost:8080/v1",
            ),
            (
                r#""host":"h.example","basePath":"v1","schemes":["http"]"#,
                "http://h.example/v1",
                "http://h.example/v1",
            ),
            (
                r#""host":"h.example","schemes":["ws","http","HTTPS"]"#,
                "https://h.example http://h.example",
                "https://h.example http://h.example",
            ),
            (r#""host":"http://h.example/","schemes":["https"]"#, "http://h.example", "http://h.example"),
            (r#""basePath":"/v1""#, "/v1", "https://doc.example:8443/v1"),
            (r#""basePath":"/""#, "", "https://doc.example:8443"),
            (r#""x-a":1"#, "", "https://doc.example:8443"),
        ] {
            let text = format!(r#"{{"swagger":"2.0",{members},{PATHS}}}"#);
            assert_eq!(local(&text).servers.join(" "), at_home, "{members}");
            let remote = remote("https://doc.example:8443/api.json", &text);
            assert_eq!(remote.servers.join(" "), at_https, "{members}");
        }
        let text = format!(r#"{{"swagger":"2.0","host":"h.example",{PATHS}}}"#);
        assert_eq!(remote("http://doc.example/api.json", &text).servers, ["http://h.example"]);
        let text = format!(r#"{{"swagger":"2.0","basePath":"/v1",{PATHS}}}"#);
        assert_eq!(codes(&local(&text)), ["server_relative"]);
        let text = format!(r#"{{"swagger":"2.0","host":"h","schemes":["ws"],{PATHS}}}"#);
        assert_eq!(codes(&local(&text)), ["server_invalid"]);
    }

    #[test]
    fn an_operation_may_have_schemes_of_its_own() {
        let api = swagger(r#""basePath":"/v1","paths":{"/a":{"get":{"schemes":["http"]},"put":{}}}"#);
        assert_eq!(api.operations[0].servers, ["http://h.example/v1"]);
        assert_eq!(api.operations[1].servers, ["https://h.example/v1"]);
    }
}
