//! A person with a browser: cookies, redirects and forms, which is all that signing in takes.

use crate::http::{self, Reply};
use url::{Url, form_urlencoded};

/// Redirects and forms on the way.
const MAX_STEPS: usize = 30;

/// Somebody who signs in under this name.
pub struct Person {
    name: String,
    /// Host and port, path, name, value.
    cookies: Vec<(String, String, String, String)>,
}

impl Person {
    /// Nobody knows them yet.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), cookies: Vec::new() }
    }

    /// Opens an address, and fills in every form that comes until there is none. The last page.
    pub fn sign_in(&mut self, url: &str) -> Reply {
        let (mut at, mut reply) = self.open("GET", url, &[]);
        for _ in 0..MAX_STEPS {
            let Some((action, fields)) = self.form(&reply.body) else { return reply };
            let action = at.join(&action).expect("an address");
            (at, reply) = self.open("POST", action.as_str(), &fields);
        }
        panic!("there is always another form: {}", reply.body);
    }

    /// Follows redirects.
    fn open(&mut self, method: &str, url: &str, fields: &[(String, String)]) -> (Url, Reply) {
        let mut url = Url::parse(url).expect("an address");
        let mut body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut method = method;
        for _ in 0..MAX_STEPS {
            let cookies = self.cookies_for(&url);
            let mut headers = vec![("accept", "text/html"), ("cookie", cookies.as_str())];
            if method == "POST" {
                headers.push(("content-type", "application/x-www-form-urlencoded"));
            }
            let reply = http::request(method, url.as_str(), &headers, body.as_bytes());
            self.remember(&url, &reply);
            let location = reply.header("location").to_owned();
            if location.is_empty() {
                return (url, reply);
            }
            url = url.join(&location).expect("an address");
            (method, body) = ("GET", String::new());
        }
        panic!("redirected for ever, last to {url}");
    }

    fn cookies_for(&self, url: &Url) -> String {
        let fits = |(authority, path, ..): &&(String, String, String, String)| {
            authority == url.authority() && url.path().starts_with(path.as_str())
        };
        let pairs: Vec<String> = self.cookies.iter().filter(fits).map(|(_, _, n, v)| format!("{n}={v}")).collect();
        pairs.join("; ")
    }

    fn remember(&mut self, url: &Url, reply: &Reply) {
        for (_, text) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let mut parts = text.split(';').map(str::trim);
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let path = parts.find_map(|part| part.strip_prefix("path=")).unwrap_or("/").to_owned();
            self.cookies.retain(|(a, p, n, _)| (a.as_str(), p, n.as_str()) != (url.authority(), &path, name));
            if !value.is_empty() {
                self.cookies.push((url.authority().to_owned(), path, name.to_owned(), value.to_owned()));
            }
        }
    }

    /// Address and fields of the first form on a page.
    fn form(&self, page: &str) -> Option<(String, Vec<(String, String)>)> {
        let form = page.split_once("<form")?.1;
        let (tag, rest) = form.split_once('>')?;
        let content = rest.split("</form>").next().unwrap_or(rest);
        let mut fields = Vec::new();
        for input in content.split("<input").skip(1) {
            let tag = input.split('>').next().unwrap_or_default();
            let Some(name) = attribute(tag, "name") else { continue };
            let value = match name.as_str() {
                "login" => self.name.clone(),
                "password" => "any".to_owned(),
                _ => attribute(tag, "value").unwrap_or_default(),
            };
            fields.push((name, value));
        }
        Some((attribute(tag, "action")?, fields))
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!("{name}=\""))?.1;
    Some(value.split('"').next()?.replace("&amp;", "&"))
}
