//! An authenticated caller.

use crate::Scopes;
use open_cli_contract::audit::Lineage;

/// Who calls. Made only by checking a token; shared by all requests that carry it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caller {
    /// `sub`, else `client_id`; never empty (JWKS-15, W-17). For attribution and ownership, never for authorization
    /// (AUTH-11).
    pub principal: String,
    /// What the token allows.
    pub scopes: Scopes,
    /// Who delegated to whom; it grants nothing (JWKS-17, BRK-6).
    pub lineage: Option<Lineage>,
}
