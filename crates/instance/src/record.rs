//! `runtime.json` (§3.1, STATE-8 to STATE-10).

use crate::InstanceError;
use open_cli_contract::runtime::RuntimeRecord;
use open_cli_files::{Durability, FileError, read_bounded, replace};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Largest `runtime.json` that is read.
pub(crate) const RECORD_MAX: u64 = 64 << 10;

/// Reads `runtime.json`. Unknown keys are ignored.
///
/// # Errors
/// When the file is missing, unreadable or no record.
pub fn read_runtime_record(path: &Path) -> Result<RuntimeRecord, InstanceError> {
    let content = read_bounded(path, RECORD_MAX)?;
    serde_json::from_slice(&content)
        .map_err(|cause| InstanceError::BadRecord { path: path.to_owned(), reason: cause.to_string() })
}

/// Writes `runtime.json`: one line without an LF.
pub(crate) fn write_runtime_record(path: &Path, record: &RuntimeRecord) -> Result<(), InstanceError> {
    let content = serde_json::to_vec(record)
        .map_err(|cause| InstanceError::BadRecord { path: path.to_owned(), reason: cause.to_string() })?;
    replace(path, &content, Durability::Synced).or_else(published)?;
    Ok(())
}

/// A record that is in place but may not survive a power loss has done its work: it is void after one.
fn published(error: FileError) -> Result<(), FileError> {
    match error {
        FileError::SyncDirectory { .. } => Ok(()),
        error => Err(error),
    }
}

/// A URL of this machine for a bound address: a wildcard becomes the loopback address (weakness 39).
pub fn dialable_url(bound: SocketAddr) -> String {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, bound.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §3.1: keys, order, no LF; what is unknown is left out.
    #[test]
    fn a_record_is_one_line_in_the_order_of_the_contract() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("runtime.json");
        let record = RuntimeRecord {
            instance_id: "billing-e30f4e6de1".into(),
            url: "http://127.0.0.1:8765".into(),
            pid: 4711,
            audit_path: "/var/s/audit.log".into(),
            cache_dir: "/var/s/http".into(),
            bind_address: String::new(),
            version: String::new(),
            started_at: None,
            config_path: String::new(),
        };
        write_runtime_record(&path, &record).expect("written");
        assert_eq!(
            std::fs::read_to_string(&path).expect("readable"),
            "{\"instanceId\":\"billing-e30f4e6de1\",\"url\":\"http://127.0.0.1:8765\",\"pid\":4711,\
             \"auditPath\":\"/var/s/audit.log\",\"cacheDir\":\"/var/s/http\"}"
        );
        assert_eq!(read_runtime_record(&path).expect("readable"), record);
    }

    /// STATE-10.
    #[test]
    fn unknown_keys_are_ignored_and_a_missing_or_bad_record_is_an_error() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("runtime.json");
        let put = |content: &[u8]| replace(&path, content, Durability::Unsynced).expect("written");
        assert!(matches!(read_runtime_record(&path), Err(InstanceError::Record(_))));
        put(b"{\"instanceId\":\"a\",\"url\":\"http://h\",\"future\":{}}");
        assert_eq!(read_runtime_record(&path).expect("readable").instance_id, "a");
        for bad in [&b""[..], b"{", b"[]", b"{}", b"{\"instanceId\":1}"] {
            put(bad);
            let error = read_runtime_record(&path).expect_err("bad");
            assert!(error.to_string().contains("runtime.json"), "{error}");
        }
        put(&vec![b' '; 1 << 20]);
        assert!(matches!(read_runtime_record(&path), Err(InstanceError::Record(FileError::TooLarge { .. }))));
    }

    /// STATE-9 with weakness 39.
    #[test]
    fn a_wildcard_is_advertised_as_loopback() {
        for (bound, url) in [
            ("127.0.0.1:8765", "http://127.0.0.1:8765"),
            ("0.0.0.0:8765", "http://127.0.0.1:8765"),
            ("[::]:1", "http://[::1]:1"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
            ("[fe80::1%3]:80", "http://[fe80::1]:80"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            assert_eq!(dialable_url(bound.parse().expect("address")), url);
        }
    }
}
