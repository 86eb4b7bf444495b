//! Records for the tests: a call, a refusal, a failed sign-in, and one that is hostile.

pub(crate) const LINES: [&str; 5] = [
    r#"{"timestamp":"2026-01-31T08:00:01.234567891Z","eventType":"tool_execution","principal":"alice","lineage":{"delegatedBy":"bob","delegationId":"d-1","actor":{"sub":"carol"}},"sessionId":"s-1","agentProfile":"clerk","toolId":"orders:getOrder","serviceId":"orders","targetBaseUrl":"https://api.example.test:8443/v2","decision":"allowed","reasonCode":"allowed","method":"GET","path":"/orders/{id}","authScheme":"bearer","requestSize":12,"statusCode":200,"latencyMs":3,"retryCount":1,"requestId":"0199c3f0-7a4e-7d1a-9d35-6a1f6a1f6a1f","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","catalogRevision":"c0ffee","configIdentity":"/srv/.cli.json","clientAddress":"192.0.2.7","seq":41,"prevHash":"aa11"}"#,
    r#"{"timestamp":"2026-01-31T08:00:02Z","eventType":"authz_denial","toolId":"orders:deleteOrder","serviceId":"orders","targetBaseUrl":"http://[2001:db8::1]/","decision":"denied","reasonCode":"approval_required","method":"DELETE","path":"/orders/{id}","requestId":"r-2","errorCode":"approval_required","clientAddress":"2001:db8::7"}"#,
    r#"{"timestamp":"2026-01-31T08:00:03Z","eventType":"authn_failure","toolId":"runtime.authn_failure","decision":"denied","reasonCode":"authn_failed","statusCode":401}"#,
    r#"{"timestamp":"2026-01-31T08:00:04Z","eventType":"execution_error","principal":"=cmd|' /C calc'!A0","toolId":"x|y=z\\w","serviceId":"-1+1","targetBaseUrl":"not a url","decision":"error","reasonCode":"execution_error","method":"PATCH","path":"a\r\nb,\"c\"","latencyMs":0,"errorCode":"upstream_timeout","requestId":"\t@x","outcome":"later"}"#,
    r#"{"timestamp":"2026-01-31T08:00:05Z","toolId":"","decision":"later","reasonCode":"","lineage":7,"statusCode":"200","latencyMs":-1}"#,
];

/// Each of them.
pub(crate) fn records() -> impl Iterator<Item = crate::Record<'static>> {
    LINES.iter().map(|line| crate::Record::parse(line.as_bytes()).expect("a record"))
}
