//! Tools onto a shelf: everything that will be sent is written once.

use super::data::{Data, Record};
use super::names::Gathered;
use bytes::Bytes;
use open_cli_contract::catalog::{BodySchema, Safety, Tool, ToolDetails};
use open_cli_contract::redact;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Why the tools of a service can't be packed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    /// The types rule it out.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Places are 32 bits.
    #[error("its tools have more than 4 GB of text; leave some out with an overlay")]
    TooLarge,
}

/// Packs the tools of a service, ascending id; `alias` is the first word of their commands.
pub(crate) fn pack(alias: &str, tools: Vec<Tool>) -> Result<Data, PackError> {
    let mut records = Vec::with_capacity(tools.len());
    let (mut ids, mut groups) = (String::new(), Groups::default());
    let (mut brief, mut listed, mut details) = (Vec::new(), Vec::new(), Vec::new());
    let mut schemas = SchemaTexts::default();
    let mut names = Gathered::new(alias);
    let mut secret_servers = BTreeMap::new();
    for (position, mut tool) in tools.into_iter().enumerate() {
        if let Some(servers) = redacted(&mut tool.servers) {
            secret_servers.insert(position, servers);
        }
        let mut more = tool.details.take().unwrap_or_default();
        let body_schemas = schemas.place_of(&std::mem::take(&mut more.body_schemas))?;
        if position > 0 {
            brief.push(b',');
            listed.push(b',');
        }
        write_brief(&mut brief, &tool, &more)?;
        serde_json::to_writer(&mut listed, &tool)?;
        details.extend_from_slice(br#","details":"#);
        serde_json::to_writer(&mut details, &more)?;
        // The brace comes back behind the schemas.
        details.pop();
        names.add(place(position)?, &tool, &more);
        ids.push_str(&tool.id);
        records.push(Record {
            id_end: place(ids.len())?,
            group: groups.place_of(tool.group)?,
            brief_end: place(brief.len())?,
            listed_end: place(listed.len())?,
            details_end: place(details.len())?,
            schemas: body_schemas,
            requires_approval: tool.safety.requires_approval,
        });
    }
    Ok(Data {
        records: records.into(),
        ids: ids.into(),
        groups: groups.all.into(),
        brief: exact(brief),
        listed: exact(listed),
        details: exact(details),
        schemas: exact(schemas.text),
        names: names.finish(),
        secret_servers,
    })
}

fn place(at: usize) -> Result<u32, PackError> {
    u32::try_from(at).map_err(|_| PackError::TooLarge)
}

/// Without the room that growing left; shrinking in place would keep up to half of it.
fn exact(text: Vec<u8>) -> Bytes {
    Bytes::copy_from_slice(&text)
}

/// Masks credentials; the servers as they were, when there were any.
fn redacted(servers: &mut [String]) -> Option<Vec<String>> {
    let shown: Vec<String> = servers.iter().map(|url| redact::text(url)).collect();
    if shown == *servers {
        return None;
    }
    let secret = servers.to_vec();
    servers.clone_from_slice(&shown);
    Some(secret)
}

#[derive(Default)]
struct Groups {
    all: Vec<Box<str>>,
    places: HashMap<String, u32>,
}

impl Groups {
    fn place_of(&mut self, group: String) -> Result<u32, PackError> {
        if let Some(known) = self.places.get(&group) {
            return Ok(*known);
        }
        let new = place(self.all.len())?;
        self.all.push(group.as_str().into());
        self.places.insert(group, new);
        Ok(new)
    }
}

/// The text of each distinct list of body schemas, by media types and addresses of the schemas.
#[derive(Default)]
struct SchemaTexts {
    text: Vec<u8>,
    places: HashMap<Vec<(String, usize)>, (u32, u32)>,
}

impl SchemaTexts {
    fn place_of(&mut self, schemas: &[BodySchema]) -> Result<(u32, u32), PackError> {
        if schemas.is_empty() {
            return Ok((0, 0));
        }
        // All schemas are there before the first text is written, so an address means one schema.
        let address = |schema: &BodySchema| schema.schema.get().as_ptr() as usize;
        let key = schemas.iter().map(|schema| (schema.media_type.clone(), address(schema))).collect();
        if let Some(known) = self.places.get(&key) {
            return Ok(*known);
        }
        let start = place(self.text.len())?;
        self.text.extend_from_slice(br#""bodySchemas":"#);
        serde_json::to_writer(&mut self.text, schemas)?;
        let found = (start, place(self.text.len())?);
        self.places.insert(key, found);
        Ok(found)
    }
}

/// The members of a tool that a list of commands needs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brief<'a> {
    id: &'a str,
    service_id: &'a str,
    method: &'a str,
    path: &'a str,
    group: &'a str,
    command: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aliases: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    safety: &'a Safety,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<ToolDetails>,
}

fn write_brief(out: &mut Vec<u8>, tool: &Tool, details: &ToolDetails) -> serde_json::Result<()> {
    let has_hidden_names = !details.hidden_aliases.is_empty() || !details.hidden_group.is_empty();
    let names = || ToolDetails {
        hidden_aliases: details.hidden_aliases.clone(),
        hidden_group: details.hidden_group.clone(),
        deprecated: details.deprecated,
        ..ToolDetails::default()
    };
    let brief = Brief {
        id: &tool.id,
        service_id: &tool.service_id,
        method: &tool.method,
        path: &tool.path,
        group: &tool.group,
        command: &tool.command,
        aliases: &tool.aliases,
        summary: &tool.summary,
        hidden: tool.hidden,
        safety: &tool.safety,
        details: (has_hidden_names || details.deprecated).then(names),
    };
    serde_json::to_writer(out, &brief)
}
