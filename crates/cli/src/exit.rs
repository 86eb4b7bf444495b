//! Exit codes (deviation 12). The table in `docs/exit-codes.md` is checked against this list.

use open_cli_contract::problem::ErrorCode;

macro_rules! exits {
    ($($variant:ident $code:literal $meaning:literal;)*) => {
        /// How the program ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Exit { $(#[doc = $meaning] $variant,)* }

        impl Exit {
            /// All, ascending.
            #[cfg(test)]
            pub(crate) const ALL: &[Exit] = &[$(Exit::$variant,)*];
            /// The number.
            pub(crate) fn code(self) -> u8 { match self { $(Self::$variant => $code,)* } }
            /// One line for the documentation.
            #[cfg(test)]
            pub(crate) fn meaning(self) -> &'static str { match self { $(Self::$variant => $meaning,)* } }
        }
    };
}

exits! {
    Ok 0 "Success";
    Other 1 "Any other error";
    Usage 2 "The command line is wrong: unknown word or flag, missing or bad value, unknown tool";
    Auth 3 "Authentication or authorisation refused (`authn_failed`, `authz_denied`)";
    UpstreamClient 4 "The API answered with status 400 to 499 (`--no-fail` gives 0)";
    UpstreamServer 5 "The API answered with status 500 to 599 (`--no-fail` gives 0)";
    Policy 6 "Refused by policy (`managed_deny`, `policy_deny`, `curated_deny`, `tool_quarantined`, `approval_required`, `target_forbidden`)";
    Runtime 7 "The runtime can't be reached, or none is configured";
    NotExecuted 8 "The tool could not be executed (status 502 or 504 of the runtime, `upstream_circuit_open`, `upstream_busy`, `rate_limited`)";
    Config 9 "The configuration is not valid";
    Changed 10 "The catalogs differ (`catalog diff --exit-code`)";
    Interrupted 130 "Interrupted with Ctrl-C";
}

/// Exit for a refusal of the runtime.
pub(crate) fn of_refusal(code: Option<ErrorCode>, status: u16) -> Exit {
    match code {
        Some(ErrorCode::AuthnFailed | ErrorCode::AuthzDenied) => Exit::Auth,
        Some(
            ErrorCode::ManagedDeny
            | ErrorCode::PolicyDeny
            | ErrorCode::CuratedDeny
            | ErrorCode::ToolQuarantined
            | ErrorCode::ApprovalRequired
            | ErrorCode::TargetForbidden,
        ) => Exit::Policy,
        Some(ErrorCode::UpstreamCircuitOpen | ErrorCode::UpstreamBusy | ErrorCode::RateLimited) => {
            Exit::NotExecuted
        }
        Some(ErrorCode::InvalidArguments | ErrorCode::ToolNotFound) => Exit::Usage,
        Some(ErrorCode::ConfigInvalid | ErrorCode::ConfigRequired | ErrorCode::RuntimeAttachMismatch) => {
            Exit::Config
        }
        _ if status == 502 || status == 504 => Exit::NotExecuted,
        _ => Exit::Other,
    }
}

/// Exit for the status with which an API answered a tool call.
pub(crate) fn of_upstream(status: u16) -> Exit {
    match status {
        400..=499 => Exit::UpstreamClient,
        500..=599 => Exit::UpstreamServer,
        _ => Exit::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/exit-codes.md");
        let documented = std::fs::read_to_string(path).expect("docs/exit-codes.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(documented.contains(&row), "docs/exit-codes.md lacks: {row}");
        }
    }

    #[test]
    fn refusals_end_with_the_code_of_their_cause() {
        for (code, exit) in [
            (ErrorCode::AuthnFailed, Exit::Auth),
            (ErrorCode::AuthzDenied, Exit::Auth),
            (ErrorCode::ApprovalRequired, Exit::Policy),
            (ErrorCode::ManagedDeny, Exit::Policy),
            (ErrorCode::UpstreamUnreachable, Exit::NotExecuted),
            (ErrorCode::UpstreamTimeout, Exit::NotExecuted),
            (ErrorCode::CredentialsUnavailable, Exit::NotExecuted),
            (ErrorCode::UpstreamBusy, Exit::NotExecuted),
            (ErrorCode::TargetForbidden, Exit::Policy),
            (ErrorCode::ToolNotFound, Exit::Usage),
            (ErrorCode::ConfigInvalid, Exit::Config),
            (ErrorCode::RuntimeAttachMismatch, Exit::Config),
            (ErrorCode::Internal, Exit::Other),
        ] {
            assert_eq!(of_refusal(Some(code), code.status()), exit, "{code}");
        }
    }
}
