//! Tokens checked against an issuer on a real socket.

mod introspection;
mod issuer;
mod signatures;
