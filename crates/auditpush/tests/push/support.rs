//! A log, sinks on it, and what must be true of what arrived.

use open_cli_audit::{AuditLog, AuditOptions};
use open_cli_auditpush::{Gap, Origin, Push, PushSettings, Sink};
use open_cli_contract::Timestamp;
use open_cli_contract::audit::AuditEvent;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Polls until the condition holds.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        pause(Duration::from_millis(10));
    }
}

/// A pause without a sleep.
pub(crate) fn pause(time: Duration) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

/// A log in a folder of its own.
pub(crate) struct Log {
    pub(crate) log: AuditLog,
    pub(crate) root: tempfile::TempDir,
}

impl Log {
    pub(crate) fn new(options: AuditOptions) -> Self {
        let root = tempfile::tempdir().expect("temporary directory");
        let (log, _) = AuditLog::open_with(&root.path().join("audit.log"), options).expect("opened");
        Self { log, root }
    }

    /// Appends so many records.
    pub(crate) fn append(&self, count: usize) {
        for _ in 0..count {
            self.append_one("orders:listOrders");
        }
    }

    pub(crate) fn append_one(&self, tool: &str) {
        let event = AuditEvent {
            timestamp: Timestamp::now(),
            event_type: "tool_execution".into(),
            tool_id: tool.into(),
            reason_code: "allowed".into(),
            status_code: 200,
            request_id: "r-1".into(),
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
            ..AuditEvent::default()
        };
        self.log.append(&event).expect("appended");
    }

    /// Sets up a push to these URLs.
    pub(crate) fn push(&self, settings: PushSettings, urls: &[&str]) -> Running {
        let mut settings = settings;
        for url in urls {
            settings.add(Sink::parse(url, &|_| None).expect("a sink")).expect("once");
        }
        let origin = Origin {
            instance: "shop-1".into(),
            host: "web-1".into(),
            version: "1.2.3".into(),
            resource: Arc::new(open_cli_otlp::Resource::new(vec![("service.name".into(), "t".into())])),
        };
        let push = Push::new(self.log.path(), &settings, origin).expect("set up");
        let gaps = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&gaps);
        push.start(move |gap: &Gap| told.lock().expect("gaps").push(gap.clone())).expect("started");
        Running { push, gaps }
    }
}

/// A push at work.
pub(crate) struct Running {
    pub(crate) push: Push,
    pub(crate) gaps: Arc<Mutex<Vec<Gap>>>,
}

impl Running {
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        self.gaps.lock().expect("gaps").clone()
    }
}

/// Short patience, for receivers that hang.
pub(crate) fn settings() -> PushSettings {
    PushSettings { timeout: Duration::from_millis(500), ..PushSettings::default() }
}

/// Everything from `first` to `last` is there, and nothing came before what it follows.
pub(crate) fn assert_complete_and_in_order(seen: &[u64], first: u64, last: u64) {
    let mut expected = first;
    for seq in seen {
        assert!(*seq <= expected, "{seq} came before {expected}");
        if *seq == expected {
            expected += 1;
        }
    }
    assert_eq!(expected, last + 1, "everything arrived");
}
