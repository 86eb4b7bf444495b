//! All servers of a runtime. Whoever asks for the same configured server gets the same one, with its connection; it ends
//! when nobody holds it any more: no snapshot in force names it, and no call is under way.

use crate::children::Children;
use crate::http::HttpClient;
use crate::limits::Limits;
use crate::server::Server;
use crate::session::Surroundings;
use crate::spec::ServerSpec;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Handle;

/// What tells servers apart: whose configuration, and what it says about the server.
type Key = (String, [u8; 32]);

/// The servers.
pub struct Servers {
    around: Arc<Surroundings>,
    known: Mutex<HashMap<Key, Weak<Server>>>,
    limits: Limits,
}

impl Servers {
    /// None yet. Connections live on the runtime given; `limits` are those of servers that nobody says others of.
    pub fn new(runtime: Handle, children: Children, limits: Limits) -> Self {
        let around = Surroundings { http: HttpClient::default(), children: Arc::new(children), runtime };
        Self { around: Arc::new(around), known: Mutex::default(), limits }
    }

    /// The bounds of servers that nobody says others of.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The server of a configuration; `owner` tells configurations apart, so that nothing of one is shared with another.
    pub fn server(&self, owner: &str, spec: ServerSpec, limits: Limits) -> Arc<Server> {
        let key = (owner.to_owned(), spec.identity);
        let mut known = self.known.lock();
        if let Some(server) = known.get(&key).and_then(Weak::upgrade) {
            return server;
        }
        known.retain(|_, server| server.strong_count() > 0);
        let server = Server::new(spec, limits, Arc::clone(&self.around));
        known.insert(key, Arc::downgrade(&server));
        server
    }

    /// Ends all connections and programs; returns when they are gone, or the time is over (PROC-6). What is left is
    /// killed when the runtime ends.
    pub async fn end(&self, within: Duration) {
        let servers: Vec<Arc<Server>> = self.known.lock().values().filter_map(Weak::upgrade).collect();
        let mut ends: Vec<_> = Vec::new();
        for server in servers {
            ends.push(self.around.runtime.spawn(async move { server.end().await }));
        }
        let all = async {
            for end in ends {
                // A failure to end has been logged by whoever failed.
                let _ = end.await;
            }
        };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::warn!(seconds = within.as_secs(), "not all MCP servers ended in time");
        }
    }
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Servers").field("known", &self.known.lock().len()).finish_non_exhaustive()
    }
}
