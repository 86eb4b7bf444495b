//! Who calls, and what that caller may see and do (runtime-and-admin §5): the bearer token of a request is checked
//! once and remembered for a while, its scopes are the envelope of what the caller reaches.
//!
//! Not for which endpoint needs which right (that is the HTTP surface), not for the policy (that comes after and
//! holds for everybody), and not for the credentials that go upstream.

mod authenticator;
mod bearer;
mod caller;
mod claims;
mod fault;
mod introspection;
mod jwt;
mod keyring;
mod keys;
mod provider;
mod remembered;
mod scopes;

pub use authenticator::{
    Admitted, Authenticator, Check, MAX_REMEMBERED, MAX_REMEMBERED_INTROSPECTED, Settings, SetupError,
};
pub use bearer::{BearerFault, MAX_TOKEN_BYTES, bearer};
pub use caller::Caller;
pub use fault::AuthnFault;
pub use introspection::{ClientAuth, ClientSecret};
pub use scopes::{MAX_SCOPE_BYTES, Right, Scopes};
