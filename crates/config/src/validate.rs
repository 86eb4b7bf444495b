//! Validation of one file against the table of fields (config-and-state §1.2 pass b, §1.3). What is required is
//! not asked here, because a file may hold only overrides (CFG-16). Values of the wrong type are dropped from the
//! tree, so that later steps can trust what is left.

mod glob;

use url::{Host, Url};

use crate::diagnostic::Report;
use crate::locations::Scope;
use crate::suggest;
use crate::table::{
    Kind, OAUTH_SECRET, OAUTH_SECRET_WORD, ROOT, SOURCE, STATIC_SECRET, STATIC_SECRET_WORDS, Shape, UrlUse,
};
use crate::tree::{At, Member, Node, Object, Value, join};

/// What the validation of one file learned beside its findings.
pub(crate) struct FileFacts {
    /// The file holds a secret in plain text.
    pub(crate) literal_secrets: bool,
}

/// Checks the whole file and drops what cannot be used.
pub(crate) fn file(root: &mut Node, report: &mut Report) -> FileFacts {
    let managed = report.scope(root.at) == Scope::Managed;
    let mut walk = Walk { report, managed, literal_secrets: false };
    if !walk.object(root, &ROOT, "") {
        *root = Node::empty_object(root.at);
        walk.report.unreadable = true;
    }
    FileFacts { literal_secrets: walk.literal_secrets }
}

struct Walk<'a> {
    report: &'a mut Report,
    managed: bool,
    literal_secrets: bool,
}

impl Walk<'_> {
    /// False when the value is of no use.
    fn check(&mut self, node: &mut Node, kind: &'static Kind, path: &str) -> bool {
        match kind {
            Kind::Text => self.text(node, path),
            Kind::Url(usage) => self.text(node, path) && self.url(node, usage, path),
            Kind::Word(words) => self.word(node, words, path),
            Kind::Flag => node.flag().is_some() || self.wrong_type(node, "boolean", path),
            Kind::Integer(min, max) => self.integer(node, *min, *max, path),
            Kind::Texts => self.texts(node, path),
            Kind::Patterns => self.texts(node, path) && self.patterns(node, path),
            Kind::TextMap => self.text_map(node, path),
            Kind::Object(shape) | Kind::Whole(shape) => self.object(node, shape, path),
            Kind::Map(kind) => self.map(node, kind, path),
            Kind::SecretRef => self.secret_ref(node, path),
            Kind::Secret => self.secret(node, path),
            Kind::Gone(message) => self.refuse(node.at, path, (*message).to_owned()),
        }
    }

    fn refuse(&mut self, at: At, path: &str, message: String) -> bool {
        self.report.fault(at, path, message);
        self.report.mark_broken(path.to_owned());
        false
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str, path: &str) -> bool {
        let hint = if matches!(node.value, Value::Null) { "; leave the key out instead" } else { "" };
        self.refuse(node.at, path, format!("expected {wanted}, found {}{hint}", node.type_name()))
    }

    fn repeated(&mut self, object: &Object, path: &str) {
        for (key, at) in &object.repeated {
            self.report.fault(*at, path, format!("key {key:?} is repeated; keep one of them"));
        }
    }

    fn object(&mut self, node: &mut Node, shape: &'static Shape, path: &str) -> bool {
        let Some(object) = node.object_mut() else { return self.wrong_type(node, "object", path) };
        self.repeated(object, path);
        object.members.retain(|key, member| match shape.field(key) {
            Some(field) => self.check(&mut member.node, &field.kind, &join(path, key)),
            None => {
                self.unknown_key(key, member, shape, path);
                false
            }
        });
        if std::ptr::eq(shape, &raw const SOURCE) {
            source_bans(object, path, self.report);
        }
        true
    }

    /// CFG-3.
    fn unknown_key(&mut self, key: &str, member: &Member, shape: &Shape, path: &str) {
        let meant = suggest::nearest(key, shape.names());
        let hint = match meant {
            Some(meant) => format!("; did you mean \"{meant}\"?"),
            None => "; remove it".to_owned(),
        };
        self.report.fault(member.key_at, path, format!("unknown key {key:?}{hint}"));
        if let Some(meant) = meant {
            // One slip, one finding: the field that was meant is not reported as missing.
            self.report.mark_broken(join(path, meant));
        }
    }

    fn map(&mut self, node: &mut Node, kind: &'static Kind, path: &str) -> bool {
        let Some(object) = node.object_mut() else { return self.wrong_type(node, "object", path) };
        self.repeated(object, path);
        object.members.retain(|key, member| {
            let path = join(path, key);
            if key.is_empty() {
                return self.refuse(member.key_at, &path, "an id may not be empty; name it".to_owned());
            }
            // `null` removes what an earlier scope said; there is none before the managed scope.
            if matches!(member.node.value, Value::Null) && !self.managed {
                return true;
            }
            let faults = self.report.fault_count();
            let usable = self.check(&mut member.node, kind, &path);
            if faults != self.report.fault_count()
                && let Some(name) = path.strip_prefix("mcpServers.")
            {
                // It becomes a source, whose gaps are then explained by the faults found here.
                self.report.mark_broken(join("sources", name));
            }
            usable
        });
        true
    }

    fn text(&mut self, node: &Node, path: &str) -> bool {
        match node.text() {
            None => self.wrong_type(node, "string", path),
            Some("") => self.refuse(node.at, path, "must not be empty; leave the key out instead".to_owned()),
            Some(_) => true,
        }
    }

    fn word(&mut self, node: &Node, words: &[&str], path: &str) -> bool {
        let Some(text) = node.text() else { return self.wrong_type(node, "string", path) };
        if words.contains(&text) {
            return true;
        }
        let hint = suggest::hint(text, words.iter().copied());
        let message = match words {
            [only] => format!("must be {only}"),
            _ => format!("must be one of {}{hint}", words.join(", ")),
        };
        self.refuse(node.at, path, message)
    }

    /// CFG-9: a number that is not written as a whole number is refused, whatever its value.
    fn integer(&mut self, node: &Node, min: i64, max: i64, path: &str) -> bool {
        let Value::Number(text) = &node.value else { return self.wrong_type(node, "integer", path) };
        match text.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => true,
            Ok(number) if number < min => self.refuse(node.at, path, format!("must be at least {min}")),
            Err(_) if text.contains(['.', 'e', 'E']) => {
                self.refuse(node.at, path, "expected integer: a whole number without point or exponent".to_owned())
            }
            _ => self.refuse(node.at, path, format!("must be at most {max}")),
        }
    }

    fn texts(&mut self, node: &mut Node, path: &str) -> bool {
        let Value::List(items) = &mut node.value else { return self.wrong_type(node, "array", path) };
        let mut index = 0;
        items.retain(|item| {
            let keep = item.text().is_some() || self.wrong_type(item, "string", &join(path, &index.to_string()));
            index += 1;
            keep
        });
        true
    }

    /// Weakness 14; a warning, because such files load elsewhere. The policy matches them literally.
    fn patterns(&mut self, node: &Node, path: &str) -> bool {
        for (index, item) in node.list().unwrap_or_default().iter().enumerate() {
            if let Some(problem) = item.text().and_then(glob::problem) {
                let path = join(path, &index.to_string());
                self.report.warning(
                    item.at,
                    &path,
                    format!("not a valid pattern: {problem}; it matches only itself"),
                );
            }
        }
        true
    }

    fn text_map(&mut self, node: &mut Node, path: &str) -> bool {
        let Some(object) = node.object_mut() else { return self.wrong_type(node, "object", path) };
        self.repeated(object, path);
        object.members.retain(|key, member| {
            member.node.text().is_some() || self.wrong_type(&member.node, "string", &join(path, key))
        });
        true
    }

    /// CFG-21.
    fn secret_ref(&mut self, node: &mut Node, path: &str) -> bool {
        let usable = self.object(node, &STATIC_SECRET, path);
        if usable && node.find(&["type"]).and_then(Node::text) == Some("literal") {
            self.literal_secrets = true;
            let message =
                "this secret is written in the file (type literal); prefer env, file, osKeychain or exec";
            self.report.warning(node.at, path, message);
        }
        usable
    }

    /// CFG-19, CFG-20: the alternative is picked by `type`, else by the keys that only one of them has.
    fn secret(&mut self, node: &mut Node, path: &str) -> bool {
        let Some(object) = node.object() else { return self.wrong_type(node, "object", path) };
        match object.get("type").map(|kind| (kind.at, kind.text())) {
            Some((_, Some(OAUTH_SECRET_WORD))) => self.object(node, &OAUTH_SECRET, path),
            Some((at, Some(word))) if !STATIC_SECRET_WORDS.contains(&word) => {
                let words = || STATIC_SECRET_WORDS.iter().copied().chain([OAUTH_SECRET_WORD]);
                let hint = suggest::hint(word, words());
                let message = format!("must be one of {}{hint}", words().collect::<Vec<_>>().join(", "));
                self.refuse(at, &join(path, "type"), message);
                // Which keys belong there is unknown, and so is whether something is missing.
                self.report.mark_broken(path.to_owned());
                false
            }
            Some(_) => self.secret_ref(node, path),
            None => {
                let oauth_only =
                    |key: &String| STATIC_SECRET.field(key).is_none() && OAUTH_SECRET.field(key).is_some();
                if object.members.keys().any(oauth_only) {
                    self.object(node, &OAUTH_SECRET, path)
                } else {
                    self.secret_ref(node, path)
                }
            }
        }
    }

    /// Weakness 15.
    fn url(&mut self, node: &Node, usage: &UrlUse, path: &str) -> bool {
        let parsed = node.text().and_then(|text| Url::parse(text).ok());
        match (parsed, usage) {
            (Some(_), UrlUse::Any) => true,
            (None, UrlUse::Any) => self.refuse(node.at, path, "must be an absolute URL".to_owned()),
            (Some(url), usage) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                if matches!(usage, UrlUse::Trusted) && url.scheme() == "http" && !is_loopback(&url) {
                    let message = "secrets or trust travel over plain http here, readable on the way; use https";
                    self.report.warning(node.at, path, message);
                }
                true
            }
            _ => self.refuse(node.at, path, "must be an absolute http or https URL".to_owned()),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Bans that hold within a file that also states the type, empty values included (end of §1.8).
fn source_bans(source: &Object, path: &str, report: &mut Report) {
    let banned: &[(&str, &str)] = match source.text("type") {
        Some("mcp") => &[("uri", "not allowed for mcp sources; the address belongs in transport.url")],
        Some(_) => &[
            ("transport", "only allowed for mcp sources"),
            ("disabledTools", "only allowed for mcp sources"),
            ("oauth", "only allowed for mcp sources; upstream sign-in belongs in secrets"),
        ],
        None => &[],
    };
    for (name, message) in banned {
        if let Some(member) = source.members.get(*name) {
            report.fault(member.key_at, &join(path, name), *message);
        }
    }
}
