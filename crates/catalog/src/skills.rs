//! Skill manifests (catalog-and-execution §6, W23): when to use a tool, when not, and how. One broken entry is a
//! diagnostic beside those that work. Not for fetching.

use crate::guides::Guide;
use open_cli_contract::catalog::{Diagnostic, Guidance, GuidanceExample, Severity, Tool};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Largest manifest, in bytes of JSON.
const MAX_BYTES: usize = 8 << 20;
/// Most texts of one kind that a tool has.
const MAX_TEXTS: usize = 50;
/// Longest text, in characters; the rest is cut.
const MAX_CHARACTERS: usize = 2_000;
/// Most diagnostics about one manifest.
const MAX_DIAGNOSTICS: usize = 100;

/// What a manifest says.
#[derive(Debug, Default)]
pub(crate) struct Skills {
    /// The service that it was written for, as its author calls it.
    service_id: String,
    /// By tool id, in the order of the document.
    guidance: Vec<(String, Guidance)>,
}

impl Skills {
    /// Reads a manifest. Diagnostics have a pointer within the document.
    pub(crate) fn parse(json: &[u8]) -> Result<(Self, Vec<Diagnostic>), String> {
        if json.len() > MAX_BYTES {
            return Err(format!("the skill manifest is larger than {MAX_BYTES} bytes; split it"));
        }
        let root: Value = serde_json::from_slice(json)
            .map_err(|error| format!("the skill manifest is not valid JSON: {error}"))?;
        let Value::Object(root) = root else {
            return Err("the skill manifest is no object with \"toolGuidance\"".into());
        };
        let guidance = match root.get("toolGuidance") {
            Some(Value::Object(guidance)) => guidance,
            Some(_) => return Err("\"toolGuidance\" of the skill manifest is no object".into()),
            None => {
                return Err("this is no skill manifest: it has no \"toolGuidance\"; check the reference".into());
            }
        };
        let mut reader = Reader::default();
        let mut skills = Self::default();
        match root.get("serviceId") {
            Some(Value::String(id)) => skills.service_id.clone_from(id),
            None | Some(Value::Null) => {}
            Some(_) => reader.fault("/serviceId", "\"serviceId\" is no text".into()),
        }
        for (tool_id, value) in guidance {
            let pointer = format!("/toolGuidance/{}", tool_id.replace('~', "~0").replace('/', "~1"));
            match value {
                Value::Object(members) => {
                    let read = reader.guidance(members, &pointer);
                    skills.guidance.push((tool_id.clone(), read));
                }
                _ => reader.fault(&pointer, format!("the guidance for {tool_id} is no object")),
            }
        }
        Ok((skills, reader.diagnostics))
    }
}

#[derive(Default)]
struct Reader {
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    fn fault(&mut self, pointer: &str, message: String) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: "skill_invalid".into(),
                source: String::new(),
                pointer: pointer.into(),
                message,
                hint: "Correct it; what is said beside it counts.".into(),
            });
        }
    }

    fn guidance(&mut self, members: &Map<String, Value>, pointer: &str) -> Guidance {
        Guidance {
            when_to_use: self.texts(members, "whenToUse", pointer),
            avoid_when: self.texts(members, "avoidWhen", pointer),
            examples: self.examples(members, pointer),
        }
    }

    fn items<'a>(&mut self, members: &'a Map<String, Value>, name: &str, pointer: &str) -> &'a [Value] {
        match members.get(name) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => {
                if items.len() > MAX_TEXTS {
                    let message = format!("\"{name}\" has {} items; {MAX_TEXTS} are read", items.len());
                    self.fault(&format!("{pointer}/{name}"), message);
                }
                &items[..items.len().min(MAX_TEXTS)]
            }
            Some(_) => {
                self.fault(&format!("{pointer}/{name}"), format!("\"{name}\" is no list"));
                &[]
            }
        }
    }

    fn texts(&mut self, members: &Map<String, Value>, name: &str, pointer: &str) -> Vec<String> {
        let items = self.items(members, name, pointer);
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            match item {
                Value::String(text) => texts.push(cut(text)),
                _ => self.fault(&format!("{pointer}/{name}/{i}"), format!("an item of \"{name}\" is no text")),
            }
        }
        texts
    }

    fn examples(&mut self, members: &Map<String, Value>, pointer: &str) -> Vec<GuidanceExample> {
        let items = self.items(members, "examples", pointer);
        let mut examples = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            // A missing text is empty, as in the reference; one of another type is a fault.
            let text = |name: &str| match item.get(name) {
                None | Some(Value::Null) => Some(String::new()),
                Some(Value::String(text)) => Some(cut(text)),
                Some(_) => None,
            };
            match (item.is_object(), text("goal"), text("command")) {
                (true, Some(goal), Some(command)) => examples.push(GuidanceExample { goal, command }),
                _ => {
                    let message = "an example is no object with the texts \"goal\" and \"command\"".to_owned();
                    self.fault(&format!("{pointer}/examples/{i}"), message);
                }
            }
        }
        examples
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).collect()
}

/// Gives tools their guidance. SK-3: a later manifest replaces what an earlier one says about a tool, entirely. What
/// fits no tool is a warning (W23).
pub(crate) fn apply(service_id: &str, tools: &mut [Tool], guides: &[std::sync::Arc<Guide>]) -> Vec<Diagnostic> {
    let places: HashMap<String, usize> =
        tools.iter().enumerate().map(|(place, tool)| (tool.id.clone(), place)).collect();
    let mut diagnostics = Vec::new();
    for (guide, skills) in guides.iter().filter_map(|guide| Some((guide, guide.skills()?))) {
        let mut remark = |severity, code: &str, pointer: String, message: String, hint: &str| {
            if diagnostics.len() < MAX_DIAGNOSTICS {
                diagnostics.push(Diagnostic {
                    severity,
                    code: code.into(),
                    source: String::new(),
                    pointer: format!("{}#{pointer}", guide.location),
                    message,
                    hint: hint.into(),
                });
            }
        };
        let own = skills.service_id.as_str();
        if !own.is_empty() && own != service_id {
            // A publisher can't know what the operator calls the service.
            let severity = if guide.is_publishers { Severity::Note } else { Severity::Warning };
            let message = format!("the skill manifest is for the service \"{own}\", this one is \"{service_id}\"");
            let hint = "Its tools are looked up as those of this service.";
            remark(severity, "skill_service_mismatch", "/serviceId".into(), message, hint);
        }
        for (tool_id, guidance) in &skills.guidance {
            let of_own = || {
                let rest = tool_id.strip_prefix(own)?.strip_prefix(':').filter(|_| !own.is_empty())?;
                places.get(&format!("{service_id}:{rest}"))
            };
            match places.get(tool_id).or_else(of_own) {
                Some(&place) => tools[place].guidance = Some(guidance.clone()),
                None => {
                    let pointer = format!("/toolGuidance/{}", tool_id.replace('~', "~0").replace('/', "~1"));
                    let message =
                        format!("the skill manifest has guidance for {tool_id}, which is no tool of the service");
                    let hint = "Tool ids are <service>:<operationId>; list them with `open-cli catalog list`.";
                    remark(Severity::Warning, "skill_tool_unknown", pointer, message, hint);
                }
            }
        }
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SK-2, SK-5
    #[test]
    fn a_broken_entry_costs_nothing_but_itself() {
        let (skills, diagnostics) = Skills::parse(
            br#"{"serviceId":"s","summary":7,"toolGuidance":{
                "s:a":{"whenToUse":["x",7,"y"],"avoidWhen":"no","examples":[{"goal":"g"},{"command":7},"e"],"more":1},
                "s:b/c":[],"s:d":{}}}"#,
        )
        .expect("a manifest");
        let (id, guidance) = &skills.guidance[0];
        assert_eq!((id.as_str(), guidance.when_to_use.as_slice()), ("s:a", &["x".to_owned(), "y".to_owned()][..]));
        assert_eq!(guidance.examples, [GuidanceExample { goal: "g".into(), command: String::new() }]);
        assert_eq!(skills.guidance.len(), 2);
        let pointers: Vec<&str> = diagnostics.iter().map(|d| d.pointer.as_str()).collect();
        let expected = ["/whenToUse/1", "/avoidWhen", "/examples/1", "/examples/2"];
        assert_eq!(pointers[..4], expected.map(|rest| format!("/toolGuidance/s:a{rest}")));
        assert_eq!(pointers[4..], ["/toolGuidance/s:b~1c"]);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for (json, reason) in [
            ("[]", "no object"),
            ("{", "not valid JSON"),
            (r#"{"arazzo":"1.0.0"}"#, "no skill manifest"),
            (r#"{"toolGuidance":[]}"#, "is no object"),
        ] {
            assert!(Skills::parse(json.as_bytes()).expect_err(json).contains(reason), "{json}");
        }
    }
}
