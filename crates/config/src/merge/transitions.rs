//! What a later scope's change of a type makes meaningless in the values it inherits (config-and-state §1.5).
//! Each function gets the accumulated object before the later one is laid over it.

use crate::tree::Object;

/// A source that becomes `mcp` loses its `uri`; one of another type has no MCP settings.
pub(crate) fn source(accumulated: &mut Object, later: &Object) {
    match later.text("type") {
        Some("mcp") if accumulated.text("type") != Some("mcp") => drop_all(accumulated, &["uri"]),
        Some("mcp") | None => {}
        Some(_) => drop_all(accumulated, &["transport", "disabledTools", "oauth"]),
    }
    // Only streamable HTTP carries OAuth.
    let transport = |source: &Object| Some(source.get("transport")?.object()?.text("type")?.to_owned());
    if let Some(kind) = transport(later)
        && kind != "streamable-http"
        && transport(accumulated).as_deref() != Some(&*kind)
        && !later.has("oauth")
    {
        drop_all(accumulated, &["oauth"]);
    }
}

/// A changed transport type drops the settings of the other family; both HTTP transports share theirs.
pub(crate) fn transport(accumulated: &mut Object, later: &Object) {
    let Some(kind) = later.text("type") else { return };
    if accumulated.text("type") == Some(kind) {
        return;
    }
    let other_family: &[&str] =
        if kind == "stdio" { &["url", "headers", "headerSecrets"] } else { &["command", "args", "env"] };
    drop_all(accumulated, other_family);
}

/// Client credentials need no person, and so none of the settings of a sign-in page.
pub(crate) fn oauth(accumulated: &mut Object, later: &Object) {
    const MODE: &str = "clientCredentials";
    if later.text("mode") == Some(MODE) && accumulated.text("mode") != Some(MODE) {
        drop_all(accumulated, &["authorizationURL", "interactive", "callbackPort", "redirectURI"]);
    }
}

fn drop_all(object: &mut Object, names: &[&str]) {
    for name in names {
        object.remove(name);
    }
}
