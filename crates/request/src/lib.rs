//! A tool and its arguments to one HTTP request (catalog-and-execution §20.2, HX-1 to HX-9). A tool is compiled
//! once into a [`RequestTemplate`]; a call is checked against the description's schemas and fills it in.
//!
//! Pure: no I/O, no clock. Not for credentials (the caller adds them) and not for sending.

mod body;
mod encode;
mod fault;
mod fill;
mod filled;
mod flags;
mod flat;
mod input;
mod media;
mod pieces;
mod preview;
mod querystring;
mod servers;
mod style;
mod template;
mod url;
mod value;

pub use body::Part;
pub use fault::{ArgumentFault, FaultKind};
pub use fill::Arguments;
pub use filled::FilledRequest;
pub use template::RequestTemplate;
pub use url::{RequestUrl, URL_MAX_BYTES, UrlTooLong};
