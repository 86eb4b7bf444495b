//! The page about audit has every field of a record.

use open_cli_contract::Timestamp;
use open_cli_contract::audit::{AuditEvent, Decision, Lineage};

#[test]
fn every_field_of_a_record_is_documented() {
    let text = || "x".to_owned();
    // All fields by name: a new one does not compile until it is here, and then has to be documented.
    let full = AuditEvent {
        timestamp: Timestamp::UNIX_EPOCH,
        event_type: text(),
        principal: text(),
        lineage: Some(Lineage { delegated_by: text(), delegation_id: text(), ..Lineage::default() }),
        session_id: text(),
        agent_profile: text(),
        tool_id: text(),
        service_id: text(),
        target_base_url: text(),
        decision: Decision::Allowed,
        reason_code: text(),
        method: text(),
        path: text(),
        auth_scheme: text(),
        request_size: 1,
        status_code: 1,
        latency_ms: Some(1),
        retry_count: 1,
        request_id: text(),
        trace_id: text(),
        error_code: text(),
        catalog_revision: text(),
        config_identity: text(),
        outcome: text(),
        client_address: text(),
        cause: text(),
        suppressed: 1,
        workflow_id: text(),
        step_id: text(),
        seq: Some(1),
        prev_hash: Some(text()),
    };
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md")).expect("the page");
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next()).collect();
    let record = serde_json::to_value(full).expect("JSON");
    for field in record.as_object().expect("an object").keys() {
        assert!(rows.iter().any(|row| row.contains(&format!("`{field}`"))), "{field} is not in docs/audit.md");
    }
}
