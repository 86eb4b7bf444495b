//! Who calls, and what that caller may see and do (runtime-and-admin §5): the bearer token of a request is checked
//! once and remembered for a while, its scopes are the envelope of what the caller reaches.
//!
//! Not for which endpoint needs which right (that is the HTTP surface), not for the policy (that comes after and
//! holds for everybody), and not for the credentials that go upstream.

mod bearer;
mod caller;
mod scopes;

pub use bearer::{BearerFault, MAX_TOKEN_BYTES, bearer};
pub use caller::Caller;
pub use scopes::{MAX_SCOPE_BYTES, Right, Scopes};
