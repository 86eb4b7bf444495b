//! What an operator decides about a runtime, with defaults and bounds (config-and-state §8.1 and beside it).

use crate::advertised::AdvertisedUrl;
use crate::observability::Observability;
use open_cli_audit::AuditOptions;
use open_cli_auditpush::PushSettings;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Which configurations the runtime serves (deviation 11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serves {
    /// One configuration file.
    Config(PathBuf),
    /// Any configuration below a folder, named by the request.
    ConfigRoot(PathBuf),
}

/// What happens when the last session leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShutdownMode {
    /// The runtime stays.
    #[default]
    Manual,
    /// The runtime ends.
    WhenOwnerExits,
}

impl ShutdownMode {
    /// The word of the flag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::WhenOwnerExits => "when-owner-exits",
        }
    }
    pub(crate) fn ends_with_owner(self) -> bool {
        self == Self::WhenOwnerExits
    }
}

/// What happens to a call whose record can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnAuditError {
    /// It is refused with `audit_unavailable`.
    #[default]
    Refuse,
    /// It goes on, and the loss is logged and counted.
    Continue,
}

/// How the audit log is kept.
#[derive(Debug, Clone, Default)]
pub struct AuditSettings {
    /// Durability, rotation, retention.
    pub options: AuditOptions,
    /// What happens to a call whose record can't be written.
    pub on_error: OnAuditError,
    /// Where records are sent on to.
    pub push: PushSettings,
}

/// Settings of one runtime.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which configurations are served.
    pub serves: Serves,
    /// Listen address; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// The URL given as the runtime's own; by default one of this machine for the bound address.
    pub advertise_url: Option<AdvertisedUrl>,
    /// Explicit instance id.
    pub instance_id: Option<String>,
    /// State root.
    pub state_dir: Option<PathBuf>,
    /// Audit file.
    pub audit_path: Option<PathBuf>,
    /// HTTP cache folder, used as it is.
    pub cache_dir: Option<PathBuf>,
    /// Also read the user's and the local scope, which may loosen what the project says (weakness 7).
    pub all_scopes: bool,
    /// Diagnostics of severity error or warning stop the start.
    pub strict: bool,
    /// Lease interval; 0 turns leases off.
    pub heartbeat_seconds: u64,
    /// Lease multiplier; 0 turns leases off.
    pub missed_heartbeat_limit: u64,
    /// What happens when the last session leaves.
    pub shutdown: ShutdownMode,
    /// Echoed in the handshake.
    pub session_scope: String,
    /// `group` lifts the one-session limit.
    pub share: String,
    /// Echoed in the handshake.
    pub share_key_present: bool,
    /// Expected fingerprint of attaching clients.
    pub config_fingerprint: String,
    /// Largest request body.
    pub max_request_bytes: usize,
    /// Most connections at once; more wait in the listen queue.
    pub max_connections: usize,
    /// Largest upstream answer.
    pub max_response_bytes: usize,
    /// Time a call to an upstream may take, redirects and retries included.
    pub upstream_timeout: Duration,
    /// Time for requests under way to finish at shutdown.
    pub drain_timeout: Duration,
    /// The audit log.
    pub audit: AuditSettings,
    /// Traces, metrics, exporters.
    pub observability: Observability,
}

impl Settings {
    /// The listen address when none is given.
    pub const DEFAULT_ADDR: &str = "127.0.0.1:8765";

    /// Defaults, for this configuration.
    pub fn new(serves: Serves) -> Self {
        Self {
            serves,
            addr: SocketAddr::from(([127, 0, 0, 1], 8765)),
            advertise_url: None,
            instance_id: None,
            state_dir: None,
            audit_path: None,
            cache_dir: None,
            all_scopes: false,
            strict: false,
            heartbeat_seconds: 0,
            missed_heartbeat_limit: 0,
            shutdown: ShutdownMode::Manual,
            session_scope: String::new(),
            share: String::new(),
            share_key_present: false,
            config_fingerprint: String::new(),
            max_request_bytes: 10 << 20,
            max_connections: 4096,
            max_response_bytes: 16 << 20,
            upstream_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(10),
            audit: AuditSettings::default(),
            observability: Observability::default(),
        }
    }
}
