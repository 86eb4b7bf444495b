//! Lists of `name=value`, percent-encoded: headers (which are secrets) and resource attributes.

use super::SettingsError;
use super::read::{Variables, error};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// Most members of a list.
const MAX_MEMBERS: usize = 256;
/// What the exporter sets itself.
const OWN: [HeaderName; 7] = [
    http::header::HOST,
    http::header::CONTENT_TYPE,
    http::header::CONTENT_LENGTH,
    http::header::CONTENT_ENCODING,
    http::header::TRANSFER_ENCODING,
    http::header::CONNECTION,
    http::header::TE,
];

/// `OTEL_EXPORTER_OTLP_HEADERS` and the like. Values are marked as sensitive, so that none is ever printed; faults are
/// told by their position.
pub(super) fn headers(variable: &str, text: &str) -> Result<HeaderMap, SettingsError> {
    let mut headers = HeaderMap::new();
    for (position, member) in members(variable, text)? {
        let fault = |what: &str| error(variable, format!("header {position} {what}"));
        let (name, value) = member.ok_or_else(|| fault("is not of the form name=value, percent-encoded"))?;
        let name: HeaderName =
            name.to_ascii_lowercase().parse().map_err(|_| fault("has a name that no header can have"))?;
        if OWN.contains(&name) {
            return Err(fault(&format!("is {name}, which is set by the exporter; leave it out")));
        }
        let mut value = HeaderValue::from_str(&value).map_err(|_| fault("has a value that no header can have"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// `OTEL_RESOURCE_ATTRIBUTES`. As the standard says, one bad member spoils all.
pub(super) fn resource_attributes(variables: &Variables<'_>) -> Result<Vec<(String, String)>, SettingsError> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(text) = variables.get(NAME) else { return Ok(Vec::new()) };
    let members = members(NAME, &text)?.into_iter().map(|(position, member)| {
        member.ok_or_else(|| error(NAME, format!("attribute {position} is not of the form name=value")))
    });
    members.collect()
}

type Member = (usize, Option<(String, String)>);

/// The members with their positions, from 1; `None` for what is malformed. Properties after `;` are W3C Baggage's and
/// belong to the value here, as in other implementations.
fn members(variable: &str, text: &str) -> Result<Vec<Member>, SettingsError> {
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    if parts().count() > MAX_MEMBERS {
        return Err(error(variable, format!("there are more than {MAX_MEMBERS} members")));
    }
    Ok(parts().enumerate().map(|(index, part)| (index + 1, member(part))).collect())
}

fn member(part: &str) -> Option<(String, String)> {
    let (name, value) = part.split_once('=')?;
    let decoded = |text: &str| Some(percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned());
    let name = decoded(name)?;
    (!name.is_empty()).then_some((name, decoded(value)?))
}
