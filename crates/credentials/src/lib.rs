//! Upstream credentials from static secrets (runtime-and-admin §8.1 to §8.4, §8.8): which alternative of a
//! tool's security requirements resolves, and what it adds to the request.
//!
//! Not for tokens that must be fetched (OAuth flows) and not for the caller's own authentication.

mod apply;
mod credentials;
mod error;
mod file;
mod plan;
mod resolve;
mod source;

pub use credentials::Credentials;
pub use error::CredentialsError;
pub use file::SECRET_FILE_MAX_BYTES;
pub use source::{SecretSource, Secrets};
