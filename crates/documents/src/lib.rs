//! API descriptions as bytes: where they are, how they are fetched and cached, YAML as JSON, and the set of
//! documents that `$ref`s connect. Not for what they say: no OpenAPI meaning here.

mod config;
mod documents;
mod duplicates;
mod error;
mod format;
mod guard;
mod http;
mod json;
mod load;
mod local;
mod location;
mod places;
mod reader;
mod refs;
mod set;
mod yaml;

pub use config::{DocumentsConfig, FetchPolicy};
pub use documents::Documents;
pub use duplicates::duplicate_keys;
pub use error::{DocumentError, FormatError};
pub use format::to_json;
pub use guard::Guard;
pub use http::{CacheEntry, FetchMethod, FetchRequest, Fetched, Swept, clear_cache, list_cache};
pub use load::{LoadedSet, Single};
pub use local::{FileStamp, FileState};
pub use location::{Location, LocationError};
pub use places::{Place, place_of_fault, places};
pub use set::{Document, DocumentSet};
pub use yaml::YamlError;
