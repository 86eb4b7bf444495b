//! Rules for `network` of sources and services, and for `policy.rateLimits`.

use open_cli_contract::reach;

use super::Spot;
use crate::diagnostic::Report;
use crate::tree::Node;

pub(super) fn check(root: &Spot<'_>, report: &mut Report) {
    for key in ["sources", "services"] {
        for (_, spot) in root.children(key) {
            if let Some(network) = spot.child("network") {
                addresses(&network, report);
            }
        }
    }
    let Some(policy) = root.child("policy") else { return };
    for (_, limit) in policy.children("rateLimits") {
        limit.require("requests", "required: how many calls one window allows", report);
        limit.require("windowSeconds", "required: how long a window is", report);
    }
}

fn addresses(network: &Spot<'_>, report: &mut Report) {
    let entries = network.object.get("allowAddresses").and_then(Node::list).unwrap_or_default();
    for (index, entry) in entries.iter().enumerate() {
        if let Err(error) = reach::blocks(entry.text().unwrap_or_default()) {
            let path = format!("{}[{index}]", network.path_of("allowAddresses"));
            report.merged_fault(entry.at, &path, error.to_string());
        }
    }
}
