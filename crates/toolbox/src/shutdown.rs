//! Asking the runtime to end: by signal, by request, or because the last session left. The first reason counts.

use tokio::sync::watch;

/// Shared by whoever may end the runtime and whoever must notice.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown(watch::Sender<Option<&'static str>>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Asks for an orderly end. `tag` is the contract's log tag: `interrupt`, `terminated`, `serve_exit`.
    pub(crate) fn request(&self, tag: &'static str) {
        self.0.send_if_modified(|reason| {
            let is_first = reason.is_none();
            reason.get_or_insert(tag);
            is_first
        });
    }

    /// Waits until somebody asked.
    pub(crate) async fn requested(&self) -> &'static str {
        let mut receiver = self.0.subscribe();
        // The sender lives in `self`, so waiting can't fail.
        receiver.wait_for(Option::is_some).await.ok().and_then(|reason| *reason).unwrap_or("serve_exit")
    }
}

/// Waits for SIGINT or SIGTERM; installed before anything is written to disk (weakness 73).
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn install() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupt",
            _ = self.terminate.recv() => "terminated",
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn install() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "interrupt"
    }
}
