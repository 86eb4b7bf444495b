//! What a token says, and whether it may be believed here: the claims of a JWT (RFC 7519, JWKS-2 to JWKS-7, JWKS-14
//! to JWKS-17) and those of an introspection answer (RFC 7662, INT-5 to INT-8) are the same, and checked alike (W-17).

use crate::scopes::MAX_SCOPE_BYTES;
use crate::{AuthnFault, Caller, Scopes};
use open_cli_contract::audit::Lineage;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far the clocks of the issuer and of this machine may differ (W-15).
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(10);
/// Longest principal, and longest value of the lineage.
const MAX_NAME_BYTES: usize = 1024;
/// Most actors of a delegation chain that are kept.
const MAX_ACTORS: usize = 8;
/// Most values of a lineage.
const MAX_ACTOR_VALUES: usize = 32;

/// Whom tokens must be from, and for.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) audience: String,
    pub(crate) issuer: Option<String>,
}

/// A token that was found good.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) caller: Caller,
    /// How much longer; `None` when the token does not say.
    pub(crate) lives: Option<Duration>,
}

/// Text, a list of texts, or nothing.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl Texts {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::One(one) => (Some(one.as_str()), &[][..]),
            Self::Many(many) => (None, &many[..]),
            Self::None => (None, &[][..]),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}

/// The claims that count. A claim of the wrong type, or one that is there twice, makes the token malformed.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    client_id: Option<String>,
    aud: Texts,
    exp: Option<f64>,
    nbf: Option<f64>,
    scope: Texts,
    delegated_by: Option<String>,
    delegation_id: Option<String>,
    act: Option<Map<String, Value>>,
    cnf: Option<IgnoredAny>,
    /// Introspection only.
    pub(crate) active: Option<bool>,
    /// Introspection only.
    pub(crate) token_type: Option<String>,
}

impl Claims {
    /// Reads a JSON object.
    pub(crate) fn read(json: &[u8]) -> Result<Self, AuthnFault> {
        // A list would be taken for members by position.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(AuthnFault::Malformed("the claims are no JSON object"));
        }
        // The decoder's own message may quote the token.
        serde_json::from_slice(json).map_err(|_| AuthnFault::Malformed("a claim is of the wrong type"))
    }

    /// Is it for us, from whom it must be, and now? `now` is seconds since the epoch.
    pub(crate) fn accept(self, expected: &Expected, now: f64, needs_expiry: bool) -> Result<Accepted, AuthnFault> {
        let skew = CLOCK_SKEW.as_secs_f64();
        if expected.issuer.is_some() && self.iss != expected.issuer && (needs_expiry || self.iss.is_some()) {
            return Err(AuthnFault::WrongIssuer);
        }
        if !self.aud.iter().any(|audience| audience == expected.audience) {
            return Err(AuthnFault::WrongAudience);
        }
        if self.nbf.is_some_and(|nbf| now + skew < nbf) {
            return Err(AuthnFault::NotYetValid);
        }
        let lives = match self.exp {
            Some(exp) if now < exp + skew => Duration::try_from_secs_f64(exp + skew - now).ok(),
            None if !needs_expiry => None,
            Some(_) => return Err(AuthnFault::Expired),
            None => return Err(AuthnFault::Malformed("the claim exp is missing")),
        };
        if self.cnf.is_some() {
            return Err(AuthnFault::KeyBound);
        }
        let named = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
        let principal = named(self.sub).or_else(|| named(self.client_id)).ok_or(AuthnFault::NoPrincipal)?;
        if principal.len() > MAX_NAME_BYTES {
            return Err(AuthnFault::Malformed("the principal is too long"));
        }
        if self.scope.iter().map(str::len).sum::<usize>() > MAX_SCOPE_BYTES {
            return Err(AuthnFault::Malformed("the claim scope is too long"));
        }
        let scopes = Scopes::new(self.scope.iter().flat_map(str::split_whitespace));
        let lineage = lineage(self.delegated_by, self.delegation_id, self.act.as_ref());
        Ok(Accepted { caller: Caller { principal, scopes, lineage }, lives })
    }
}

/// JWKS-17, W-16: the actor of an actor is kept under `act.` before its claims' names.
fn lineage(by: Option<String>, id: Option<String>, act: Option<&Map<String, Value>>) -> Option<Lineage> {
    let mut actor = BTreeMap::new();
    let (mut level, mut prefix) = (act, String::new());
    for _ in 0..MAX_ACTORS {
        let Some(claims) = level else { break };
        for (name, value) in claims {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => continue,
            };
            if !name.is_empty() && !text.is_empty() && actor.len() < MAX_ACTOR_VALUES {
                actor.insert(bounded(format!("{prefix}{name}")), bounded(text));
            }
        }
        level = claims.get("act").and_then(Value::as_object);
        prefix.push_str("act.");
    }
    let lineage = Lineage {
        delegated_by: bounded(by.unwrap_or_default()),
        delegation_id: bounded(id.unwrap_or_default()),
        actor,
    };
    (lineage != Lineage::default()).then_some(lineage)
}

fn bounded(text: String) -> String {
    match text.char_indices().find(|(at, one)| at + one.len_utf8() > MAX_NAME_BYTES) {
        Some((at, _)) => text[..at].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: f64 = 1_900_000_000.0;

    fn accept(claims: &Value, needs_expiry: bool) -> Result<Accepted, AuthnFault> {
        let expected = Expected { audience: "toolbox".into(), issuer: Some("https://id.example".into()) };
        Claims::read(claims.to_string().as_bytes())?.accept(&expected, NOW, needs_expiry)
    }

    fn good() -> Value {
        json!({"iss": "https://id.example", "sub": "alice", "aud": "toolbox", "exp": NOW as i64 + 60})
    }

    fn with(changes: Value) -> Value {
        let mut claims = good();
        for (name, value) in changes.as_object().expect("object") {
            claims[name] = value.clone();
        }
        claims
    }

    /// JWKS-2 to JWKS-7, JWKS-14, JWKS-15, W-15, W-16, W-17.
    #[test]
    fn claims_must_be_ours_in_time_and_name_somebody() {
        use AuthnFault::*;
        let now = NOW as i64;
        for (changes, expected) in [
            (json!({}), Ok("alice")),
            (json!({"sub": "", "client_id": "robot"}), Ok("robot")),
            (json!({"sub": null, "client_id": "robot"}), Ok("robot")),
            (json!({"sub": null}), Err(NoPrincipal)),
            (json!({"sub": " "}), Err(NoPrincipal)),
            (json!({"sub": 7}), Err(Malformed("a claim is of the wrong type"))),
            (json!({"sub": "x".repeat(MAX_NAME_BYTES + 1)}), Err(Malformed("the principal is too long"))),
            (json!({"aud": ["other", "toolbox"]}), Ok("alice")),
            (json!({"aud": "toolbox2"}), Err(WrongAudience)),
            (json!({"aud": []}), Err(WrongAudience)),
            (json!({"aud": null}), Err(WrongAudience)),
            (json!({"aud": {"toolbox": 1}}), Err(Malformed("a claim is of the wrong type"))),
            (json!({"iss": "https://id.example/"}), Err(WrongIssuer)),
            (json!({"iss": null}), Err(WrongIssuer)),
            (json!({"exp": now - 11}), Err(Expired)),
            (json!({"exp": now - 9}), Ok("alice")),
            (json!({"exp": now as f64 + 0.5}), Ok("alice")),
            (json!({"exp": null}), Err(Malformed("the claim exp is missing"))),
            (json!({"exp": "soon"}), Err(Malformed("a claim is of the wrong type"))),
            (json!({"nbf": now + 11}), Err(NotYetValid)),
            (json!({"nbf": now + 9}), Ok("alice")),
            (json!({"scope": 3}), Err(Malformed("a claim is of the wrong type"))),
            (json!({"scope": "x".repeat(MAX_SCOPE_BYTES + 1)}), Err(Malformed("the claim scope is too long"))),
            (json!({"cnf": {"jkt": "k"}}), Err(KeyBound)),
            (json!({"act": "x"}), Err(Malformed("a claim is of the wrong type"))),
        ] {
            let accepted = accept(&with(changes.clone()), true).map(|accepted| accepted.caller.principal);
            assert_eq!(accepted.as_deref(), expected.as_ref().copied(), "{changes}");
        }
    }

    /// INT-5, INT-6 with W-17: what an introspection answer says must hold, what it leaves out need not.
    #[test]
    fn an_introspection_answer_may_leave_out_issuer_and_expiry() {
        let accepted = accept(&with(json!({"iss": null, "exp": null})), false).expect("accepted");
        assert_eq!(accepted.lives, None);
        assert_eq!(
            accept(&with(json!({"iss": "https://other.example"})), false).err(),
            Some(AuthnFault::WrongIssuer)
        );
        assert_eq!(accept(&with(json!({"exp": NOW as i64 - 60})), false).err(), Some(AuthnFault::Expired));
    }

    #[test]
    fn claims_are_one_object_without_repeated_names() {
        for text in ["[]", "[\"https://id.example\"]", "\"x\"", "", "{\"sub\":\"a\",\"sub\":\"b\"}"] {
            assert!(Claims::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    /// JWKS-16, W-16.
    #[test]
    fn a_scope_is_text_or_a_list() {
        for scope in [json!("bundle:a  openid\tbundle:b"), json!(["bundle:a", "bundle:b openid"])] {
            let accepted = accept(&with(json!({"scope": scope})), true).expect("accepted");
            assert_eq!(accepted.caller.scopes.words().collect::<Vec<_>>(), ["bundle:a", "bundle:b", "openid"]);
        }
    }

    /// JWKS-17, W-16.
    #[test]
    fn the_lineage_keeps_the_chain_of_actors() {
        let act =
            json!({"sub": "agent", "empty": "", "act": {"sub": "planner", "level": 2, "act": {"sub": "root"}}});
        let claims = with(json!({"delegated_by": "alice", "delegation_id": "d-1", "act": act}));
        let lineage = accept(&claims, true).expect("accepted").caller.lineage.expect("lineage");
        assert_eq!((lineage.delegated_by.as_str(), lineage.delegation_id.as_str()), ("alice", "d-1"));
        let actor: Vec<(&str, &str)> = lineage.actor.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected = [("act.act.sub", "root"), ("act.level", "2"), ("act.sub", "planner"), ("sub", "agent")];
        assert_eq!(actor, expected);
        assert_eq!(accept(&with(json!({"act": {}})), true).expect("accepted").caller.lineage, None);
    }
}
