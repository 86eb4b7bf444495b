//! What two definitions of a tool differ in, aspect by aspect.

use open_cli_contract::catalog::{AuthRequirement, Safety};
use open_cli_contract::changes::{Change, ChangeKind, ChangeSeverity};
use open_cli_contract::definition::{About, BodyDefinition, Definition, Input, MediaDefinition};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Changes of one tool that are listed; the rest is counted in the last one.
const MAX_CHANGES: usize = 64;
/// What a value was is shown up to this length.
const MAX_SHOWN: usize = 200;

/// What changed from one definition to the other, the worst first.
pub fn compare(old: &Definition, new: &Definition) -> Vec<Change> {
    let mut found = Found(Vec::new());
    found.text(ChangeKind::ServerChanged, "", &old.server, &new.server);
    found.text(ChangeKind::MethodChanged, "", &old.method, &new.method);
    found.text(ChangeKind::PathChanged, "", &old.path, &new.path);
    if old.backend != new.backend {
        let shown = |definition: &Definition| {
            let backend = definition.backend.as_ref();
            backend
                .map(|backend| format!("{} {} {}", backend.kind, backend.source_id, backend.tool_name))
                .unwrap_or_default()
        };
        found.add(ChangeKind::BackendChanged, "", &shown(old), &shown(new));
    }
    if old.auth != new.auth {
        found.add(ChangeKind::AuthChanged, "", &alternatives(&old.auth), &alternatives(&new.auth));
    }
    safety(old.safety, new.safety, &mut found);
    if old.description != new.description {
        found.add(ChangeKind::DescriptionChanged, "", "", "");
    }
    let places = Places { prefix: "" };
    inputs(&old.parameters, &new.parameters, &places, &mut found);
    body(old.body.as_ref(), new.body.as_ref(), &mut found);
    if let (Some(old), Some(new)) = (&old.about, &new.about) {
        about(old, new, &mut found);
    }
    found.finish()
}

struct Found(Vec<(ChangeKind, Change)>);

impl Found {
    fn add(&mut self, kind: ChangeKind, at: &str, from: &str, to: &str) {
        let change = Change {
            kind: kind.as_str().to_owned(),
            severity: kind.severity(),
            at: at.to_owned(),
            from: shown(from),
            to: shown(to),
        };
        self.0.push((kind, change));
    }

    fn text(&mut self, kind: ChangeKind, at: &str, old: &str, new: &str) {
        if old != new {
            self.add(kind, at, old, new);
        }
    }

    fn finish(mut self) -> Vec<Change> {
        self.0.sort_by(|(a, one), (b, other)| {
            (one.severity, *a as usize, &one.at).cmp(&(other.severity, *b as usize, &other.at))
        });
        let mut changes: Vec<Change> = self.0.into_iter().map(|(_, change)| change).collect();
        let more = changes.len().saturating_sub(MAX_CHANGES);
        if more > 0 {
            changes.truncate(MAX_CHANGES);
            if let Some(last) = changes.last_mut() {
                last.at.push_str(&format!(" (and {more} more changes)"));
            }
        }
        changes
    }
}

/// At most [`MAX_SHOWN`] bytes of it.
fn shown(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_SHOWN)])
}

fn safety(old: Safety, new: Safety, found: &mut Found) {
    // Member, what it was, what it is, and whether the later value promises less harm.
    for (name, was, is, is_weaker) in [
        ("destructive", old.destructive, new.destructive, !new.destructive),
        ("readOnly", old.read_only, new.read_only, new.read_only),
        ("requiresApproval", old.requires_approval, new.requires_approval, !new.requires_approval),
        ("idempotent", old.idempotent, new.idempotent, new.idempotent),
    ] {
        if was != is {
            let kind = if is_weaker { ChangeKind::SafetyWeakened } else { ChangeKind::SafetyStrengthened };
            found.add(kind, name, if was { "true" } else { "false" }, if is { "true" } else { "false" });
        }
    }
}

/// `key (apiKey header X-Key) + id (http basic), or nothing`.
fn alternatives(auth: &[Vec<AuthRequirement>]) -> String {
    if auth.is_empty() {
        return "nothing".into();
    }
    let one = |requirement: &AuthRequirement| {
        let AuthRequirement { name, kind, scheme, location, param_name, scopes, .. } = requirement;
        let words = [kind, scheme, location, param_name].into_iter().filter(|word| !word.is_empty());
        let mut text = format!("{name} ({})", words.map(String::as_str).collect::<Vec<_>>().join(" "));
        if !scopes.is_empty() {
            text.push_str(&format!(" with {}", scopes.join(" ")));
        }
        text
    };
    let all = |requirements: &Vec<AuthRequirement>| match requirements.is_empty() {
        true => "nothing".to_owned(),
        false => requirements.iter().map(one).collect::<Vec<_>>().join(" + "),
    };
    auth.iter().map(all).collect::<Vec<_>>().join(", or ")
}

/// What inputs are called in a list of changes.
struct Places<'a> {
    /// `body`, or a media type of it.
    prefix: &'a str,
}

impl Places<'_> {
    fn of(&self, input: &Input) -> String {
        let place = if input.location.is_empty() { self.prefix } else { &input.location };
        format!("{place} {}", input.name)
    }
}

/// Both lists are sorted by location and name.
fn inputs(old: &[Input], new: &[Input], places: &Places<'_>, found: &mut Found) {
    let (mut olds, mut news) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => (&old.location, &old.name).cmp(&(&new.location, &new.name)),
        };
        match order {
            Ordering::Less => {
                if let Some(old) = olds.next() {
                    found.add(ChangeKind::ParameterRemoved, &places.of(old), &kind_of(old), "");
                }
            }
            Ordering::Greater => {
                if let Some(new) = news.next() {
                    let kind = match new.required {
                        true => ChangeKind::RequiredParameterAdded,
                        false => ChangeKind::OptionalParameterAdded,
                    };
                    found.add(kind, &places.of(new), "", &kind_of(new));
                }
            }
            Ordering::Equal => {
                if let (Some(old), Some(new)) = (olds.next(), news.next()) {
                    input(old, new, &places.of(new), found);
                }
            }
        }
    }
}

fn kind_of(input: &Input) -> String {
    if input.values.is_empty() { input.kind.clone() } else { input.values.join(", ") }
}

fn input(old: &Input, new: &Input, at: &str, found: &mut Found) {
    match (old.required, new.required) {
        (false, true) => found.add(ChangeKind::ParameterNowRequired, at, "", ""),
        (true, false) => found.add(ChangeKind::ParameterNowOptional, at, "", ""),
        _ => {}
    }
    let (kinds, values) = (by_types(&old.kind, &new.kind), by_values(&old.values, &new.values));
    let moved = kinds.and(values);
    let is_changed = old.schema != new.schema;
    let (from, to) = match kinds == Moved::Not {
        true if values != Moved::Not => (kind_of(old), kind_of(new)),
        true => (String::new(), String::new()),
        false => (old.kind.clone(), new.kind.clone()),
    };
    match moved {
        Moved::Not if is_changed => {
            found.add(ChangeKind::ParameterChanged, at, "", "what its schema says changed")
        }
        Moved::Not => {}
        Moved::Narrowed if !is_changed => found.add(ChangeKind::ParameterNarrowed, at, &from, &to),
        Moved::Widened if !is_changed => found.add(ChangeKind::ParameterWidened, at, &from, &to),
        _ => found.add(ChangeKind::ParameterChanged, at, &from, &to),
    }
}

/// How what is possible moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    Not,
    Narrowed,
    Widened,
    Elsewhere,
}

impl Moved {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (same, Self::Not) => same,
            (Self::Not, same) => same,
            (one, other) if one == other => one,
            _ => Self::Elsewhere,
        }
    }

    fn of(has_more: bool, has_less: bool) -> Self {
        match (has_more, has_less) {
            (false, false) => Self::Not,
            (true, false) => Self::Widened,
            (false, true) => Self::Narrowed,
            (true, true) => Self::Elsewhere,
        }
    }
}

/// No type at all is every type; whole numbers are numbers.
fn by_types(old: &str, new: &str) -> Moved {
    match (old, new) {
        (old, new) if old == new => Moved::Not,
        ("", _) => Moved::Narrowed,
        (_, "") => Moved::Widened,
        (old, new) => {
            let set = |text: &str| {
                let mut set: BTreeSet<String> = text.split('|').map(str::to_owned).collect();
                if set.contains("number") {
                    set.insert("integer".into());
                }
                set
            };
            let (old, new) = (set(old), set(new));
            Moved::of(new.difference(&old).next().is_some(), old.difference(&new).next().is_some())
        }
    }
}

fn by_values(old: &[String], new: &[String]) -> Moved {
    match (old.is_empty(), new.is_empty()) {
        (true, true) => Moved::Not,
        (true, false) => Moved::Narrowed,
        (false, true) => Moved::Widened,
        (false, false) => {
            Moved::of(new.iter().any(|value| !old.contains(value)), old.iter().any(|value| !new.contains(value)))
        }
    }
}

fn body(old: Option<&BodyDefinition>, new: Option<&BodyDefinition>, found: &mut Found) {
    let types = |body: &BodyDefinition| body.content.keys().cloned().collect::<Vec<_>>().join(", ");
    let (old, new) = match (old, new) {
        (None, None) => return,
        (Some(old), None) => return found.add(ChangeKind::BodyRemoved, "", &types(old), ""),
        (None, Some(new)) => {
            let kind = if new.required { ChangeKind::RequiredBodyAdded } else { ChangeKind::OptionalBodyAdded };
            return found.add(kind, "", "", &types(new));
        }
        (Some(old), Some(new)) => (old, new),
    };
    match (old.required, new.required) {
        (false, true) => found.add(ChangeKind::BodyNowRequired, "", "", ""),
        (true, false) => found.add(ChangeKind::BodyNowOptional, "", "", ""),
        _ => {}
    }
    let is_one = old.content.len() == 1 && new.content.len() == 1;
    for (media_type, was) in &old.content {
        match new.content.get(media_type) {
            Some(is) => media(was, is, if is_one { "body" } else { media_type }, found),
            None => found.add(ChangeKind::MediaTypeRemoved, media_type, "", ""),
        }
    }
    for media_type in new.content.keys().filter(|media_type| !old.content.contains_key(*media_type)) {
        found.add(ChangeKind::MediaTypeAdded, media_type, "", "");
    }
}

fn media(old: &MediaDefinition, new: &MediaDefinition, at: &str, found: &mut Found) {
    inputs(&old.members, &new.members, &Places { prefix: at }, found);
    match by_types(&old.kind, &new.kind) {
        Moved::Not => {}
        Moved::Narrowed => found.add(ChangeKind::BodyNarrowed, at, &old.kind, &new.kind),
        Moved::Widened => found.add(ChangeKind::BodyWidened, at, &old.kind, &new.kind),
        Moved::Elsewhere => found.add(ChangeKind::BodyChanged, at, &old.kind, &new.kind),
    }
    if old.schema != new.schema {
        found.add(ChangeKind::BodyChanged, at, "", "what its schema says changed");
    }
}

fn about(old: &About, new: &About, found: &mut Found) {
    let command = |about: &About| format!("{} {}", about.group, about.command);
    found.text(ChangeKind::CommandRenamed, "", &command(old), &command(new));
    match (old.deprecated, new.deprecated) {
        (false, true) => found.add(ChangeKind::Deprecated, "", "", ""),
        (true, false) => found.add(ChangeKind::Undeprecated, "", "", ""),
        _ => {}
    }
    if old.text != new.text {
        found.add(ChangeKind::TextChanged, "", "", "");
    }
}

/// The worst of them.
pub(crate) fn worst(changes: &[Change]) -> ChangeSeverity {
    changes.iter().map(|change| change.severity).min().unwrap_or(ChangeSeverity::Cosmetic)
}
