//! The links about one service, sorted by what they are for.

use crate::outcome::{DiscoveredService, ServiceMeta};
use crate::relations::{Attachment, Link, Resolved, SERVICE_DESC, SERVICE_DOC, SERVICE_META, STATUS, best_first};
use open_cli_contract::catalog::DiscoveryMethod;
use open_cli_documents::Location;
use url::Url;

/// Most links of one relation that one service has; a publisher with more is broken or hostile.
const MAX_PER_RELATION: usize = 256;

#[derive(Debug, Clone, Default)]
pub(crate) struct Bundle {
    pub(crate) desc: Vec<Link>,
    pub(crate) doc: Vec<Link>,
    pub(crate) status: Vec<Link>,
    pub(crate) meta: Vec<Link>,
    pub(crate) attached: ServiceMeta,
}

impl Bundle {
    /// Takes a link whose context is the service.
    pub(crate) fn add(&mut self, link: &Resolved) {
        // SR-7: what describes the service is not metadata as well.
        if link.has(SERVICE_DESC) {
            push(&mut self.desc, link.to_link());
        } else if link.has(SERVICE_META) {
            push(&mut self.meta, link.to_link());
        }
        if link.has(SERVICE_DOC) {
            push(&mut self.doc, link.to_link());
        }
        if link.has(STATUS) {
            push(&mut self.status, link.to_link());
        }
        if let Some(attachment) = link.attachment() {
            let _ = self.attached.add(attachment, &link.target);
        }
    }

    /// Takes the description itself.
    pub(crate) fn describe(&mut self, link: Link) {
        push(&mut self.desc, link);
    }

    pub(crate) fn add_all(&mut self, other: Self) {
        for (own, others) in [
            (&mut self.desc, other.desc),
            (&mut self.doc, other.doc),
            (&mut self.status, other.status),
            (&mut self.meta, other.meta),
        ] {
            others.into_iter().for_each(|link| push(own, link));
        }
        self.attached.add_all(other.attached);
    }

    pub(crate) fn into_service(
        self,
        base: &Url,
        method: DiscoveryMethod,
        chain: Vec<String>,
    ) -> DiscoveredService {
        let mut service_desc = self.desc;
        best_first(&mut service_desc);
        DiscoveredService {
            base: Location::Url(base.clone()),
            service_desc,
            service_doc: self.doc,
            status: self.status,
            service_meta: self.attached,
            method,
            chain,
            fetches: Vec::new(),
        }
    }
}

impl ServiceMeta {
    /// False: it is one too many.
    pub(crate) fn add(&mut self, attachment: Attachment, target: &Url) -> bool {
        let list = match attachment {
            Attachment::Skill => &mut self.skills,
            Attachment::Workflow => &mut self.workflows,
            Attachment::Overlay => &mut self.overlays,
        };
        let target = Location::Url(target.clone());
        let is_known = list.contains(&target);
        if !is_known && list.len() < MAX_PER_RELATION {
            list.push(target);
            return true;
        }
        is_known
    }

    fn add_all(&mut self, other: Self) {
        for (own, others) in [
            (&mut self.overlays, other.overlays),
            (&mut self.skills, other.skills),
            (&mut self.workflows, other.workflows),
        ] {
            for target in others {
                if !own.contains(&target) {
                    own.push(target);
                }
            }
        }
        self.is_incomplete |= other.is_incomplete;
    }
}

/// The same address twice is one link, and what was said last about it counts (SR-7).
fn push(links: &mut Vec<Link>, link: Link) {
    links.retain(|known| known.href != link.href);
    if links.len() < MAX_PER_RELATION {
        links.push(link);
    }
}
