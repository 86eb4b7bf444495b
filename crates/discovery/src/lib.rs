//! Finding API descriptions: API catalogs (RFC 9727) as linksets (RFC 9264) or in the reference's flat form, service
//! roots (RFC 8631) through `Link` headers (RFC 8288) and HTML, then the usual places. Every place that was looked at
//! is told, whatever it held. Also the other direction: our own catalog as a linkset. Not for reading descriptions, and
//! not for fetching: `documents` does that. Rules: catalog-and-execution §2 and §3.

mod bundle;
mod catalog;
mod content;
mod cursor;
mod discovery;
mod ext_value;
mod html;
mod limits;
mod link_header;
mod linkset;
mod metadata;
mod outcome;
mod page;
mod places;
mod publish;
mod relations;
mod service;
mod session;

pub use discovery::{Discovery, FollowRule};
pub use html::parse_html_links;
pub use limits::Limits;
pub use link_header::{WebLink, parse_link_header};
pub use linkset::parse_linkset;
pub use outcome::{Discovered, DiscoveredService, ServiceMeta, Step, StepKind, StepOutcome};
pub use publish::{
    API_CATALOG_LINK, API_CATALOG_MEDIA_TYPE, API_CATALOG_PATH, PublishedApi, PublishedLink, publish,
};
pub use relations::Link;
