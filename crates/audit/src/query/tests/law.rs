//! Whatever is in a log and however its parts are kept: a query answers what reading and parsing everything would.

use super::*;
use proptest::prelude::*;

/// What a line is made of; each number chooses one of a few.
#[derive(Debug, Clone)]
struct Spec {
    kind: u8,
    tool: u8,
    principal: u8,
    decision: u8,
    step: i64,
    padding: usize,
}

const TOOLS: [&str; 4] = ["a", "svc:get", "", "t\"\\<>&\u{2028}ü"];
const PRINCIPALS: [&str; 3] = ["", "Ada <ada@example>", "bob"];
const DECISIONS: [&str; 3] = ["allowed", "denied", "error"];

fn spec() -> impl Strategy<Value = Spec> {
    let padding = prop_oneof![6 => Just(0_usize), 3 => 1..2_000_usize, 1 => 20_000..90_000_usize];
    (0..24_u8, 0..4_u8, 0..3_u8, 0..3_u8, -2..9_i64, padding).prop_map(
        |(kind, tool, principal, decision, step, padding)| Spec { kind, tool, principal, decision, step, padding },
    )
}

/// A log of `lines`, cut into parts after each of `cuts`; the first ones are kept as older versions did, and of the
/// others those not in `pending` are sealed.
fn build(lines: &[Spec], cuts: &[usize], numbered: usize, pending: &[bool]) -> (Log, Vec<u8>) {
    let mut log = Log::new();
    let (mut all, mut second) = (Vec::new(), 1_767_225_600);
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (lines.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    for (i, line) in lines.iter().enumerate() {
        second += line.step;
        let old = cuts.get(numbered.wrapping_sub(1)).is_some_and(|last_old| i < *last_old) && numbered > 0;
        let text = line_of(&mut log, line, i, second, old);
        log.add(&text);
        all.extend_from_slice(&text);
        if let Some(cut) = cuts.iter().position(|cut| *cut == i + 1) {
            if cut < numbered {
                let name = format!("audit.log.{}", numbered - cut);
                std::fs::rename(log.layout.live(), log.root.path().join(name)).expect("renamed");
            } else if log.first_of_live() > 0 {
                log.put_aside(!pending[cut % pending.len()]);
            }
        }
    }
    (log, all)
}

fn line_of(log: &mut Log, line: &Spec, number: usize, second: i64, old: bool) -> Vec<u8> {
    let event = open_cli_contract::audit::AuditEvent {
        timestamp: Timestamp::from_millisecond(second * 1000 + i64::from(line.kind)).expect("in range"),
        event_type: "tool_execution".into(),
        principal: PRINCIPALS[usize::from(line.principal)].into(),
        tool_id: TOOLS[usize::from(line.tool)].into(),
        path: "x".repeat(line.padding),
        decision: [Decision::Allowed, Decision::Denied, Decision::Error][usize::from(line.decision)],
        request_id: format!("r-{}", number / 2),
        trace_id: if line.tool == 0 { "0af7".into() } else { String::new() },
        ..Default::default()
    };
    let body = String::from_utf8(crate::line::encode(&event).expect("encodable")).expect("UTF-8");
    let spaced = body.replace("\":", "\" : ").replace("toolId\" : \"a", "toolId\" : \"\\u0061");
    match line.kind {
        0 => b"\n".to_vec(),
        1 => [&body.as_bytes()[..body.len() / 3], b"\n"].concat(),
        2 => b"[1,2]\n".to_vec(),
        3 => format!("{body}{body}\n").into_bytes(),
        4 => format!("  {spaced} \r\n").into_bytes(),
        5 => format!("{body} x\n").into_bytes(),
        6 => [b"{\"timestamp\":\"\xff\"}\n".as_slice(), body.as_bytes(), b"\n"].concat(),
        7 => [&body.as_bytes()[..body.len() / 2], &log_line(log, &body, old)].concat(),
        8 => [body.as_bytes(), &log_line(log, &body, old)].concat(),
        _ => log_line(log, &body, old),
    }
}

fn log_line(log: &mut Log, body: &str, old: bool) -> Vec<u8> {
    if old { format!("{body}\n").into_bytes() } else { log.linked(body) }
}

/// What a query is to find, the slow way: the events, and the bad lines of the whole text.
fn expected(text: &[u8], query: &AuditQuery) -> (Vec<String>, u64) {
    let (mut found, mut bad) = (Vec::new(), 0);
    for line in text.split(|byte| *byte == b'\n') {
        for value in serde_json::Deserializer::from_slice(line).into_iter::<Box<RawValue>>() {
            let event = value.ok().and_then(|value| {
                let event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(value.get()).ok()?;
                let time: Timestamp = event.get("timestamp")?.as_str()?.parse().ok()?;
                Some((value, event, time))
            });
            let Some((value, event, time)) = event else {
                bad += 1;
                break;
            };
            let is = |wanted: &Option<String>, name: &str| {
                let text = event.get(name).and_then(|value| value.as_str()).unwrap_or_default();
                wanted.as_deref().is_none_or(|wanted| wanted == text)
            };
            let decision = query.decision.map(|decision| DECISIONS[decision as usize].to_owned());
            if is(&query.tool_id, "toolId")
                && is(&query.principal, "principal")
                && is(&query.request_id, "requestId")
                && is(&query.trace_id, "traceId")
                && is(&decision, "decision")
                && query.since.is_none_or(|since| time >= since)
                && query.until.is_none_or(|until| time < until)
            {
                found.push(value.get().to_owned());
            }
        }
    }
    (found, bad)
}

fn query(specs: usize) -> impl Strategy<Value = AuditQuery> {
    let text = |values: &'static [&'static str]| {
        proptest::option::weighted(0.3, proptest::sample::select(values).prop_map(str::to_owned))
    };
    let time = || {
        proptest::option::weighted(0.2, 0..(specs as i64 * 4000))
            .prop_map(|at| Some(Timestamp::from_millisecond(1_767_225_600_000 + at?).expect("in range")))
    };
    let decision = proptest::sample::select(vec![Decision::Allowed, Decision::Denied, Decision::Error]);
    let request = (0..specs / 2 + 1).prop_map(|number| format!("r-{number}"));
    (
        text(&TOOLS),
        text(&PRINCIPALS),
        text(&["", "0af7", "no"]),
        proptest::option::weighted(0.2, decision),
        proptest::option::weighted(0.2, request),
        time(),
        time(),
    )
        .prop_map(|(tool_id, principal, trace_id, decision, request_id, since, until)| AuditQuery {
            tool_id,
            principal,
            trace_id,
            decision,
            request_id,
            since,
            until,
            ..AuditQuery::default()
        })
}

/// Events are long: tells the first that differs, not all.
fn differ(found: &[String], expected: &[String]) -> Option<String> {
    let at = (0..found.len().max(expected.len())).find(|i| found.get(*i) != expected.get(*i))?;
    let short = |events: &[String]| events.get(at).map(|text| text.chars().take(200).collect::<String>());
    Some(format!("event {at} is {:?} and should be {:?}", short(found), short(expected)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, max_shrink_iters: 3000, ..ProptestConfig::default() })]

    #[test]
    fn a_query_answers_what_parsing_everything_would(
        lines in proptest::collection::vec(spec(), 0..120),
        cuts in proptest::collection::vec(0..1000_usize, 0..5),
        numbered in 0..3_usize,
        pending in proptest::collection::vec(proptest::bool::ANY, 3),
        queries in proptest::collection::vec(query(120), 1..4),
        limit in 1..40_usize,
    ) {
        let (log, text) = build(&lines, &cuts, numbered, &pending);
        let reader = log.reader();
        for query in queries.iter().chain([&super::any()]) {
            let (found, bad) = expected(&text, query);
            let page = log.list(query);
            let events: Vec<_> = page.events.iter().map(|raw| raw.get().to_owned()).collect();
            prop_assert_eq!(differ(&events, &found), None, "all of {:?}", query);
            prop_assert_eq!((page.bad_lines, page.truncated), (bad, false), "{:?}", query);
            prop_assert_eq!(differ(&streamed(&reader, query), &found), None);

            let newest = AuditQuery { limit: Some(limit), ..query.clone() };
            let tail = &found[found.len().saturating_sub(limit)..];
            let page = log.list(&newest);
            let events: Vec<_> = page.events.iter().map(|raw| raw.get().to_owned()).collect();
            prop_assert_eq!(differ(&events, tail), None, "the newest of {:?}", query);
            prop_assert_eq!(page.truncated, found.len() > limit);
            prop_assert_eq!(differ(&streamed(&reader, &newest), tail), None);

            let forward = AuditQuery { cursor: Some(Cursor::START), ..newest.clone() };
            prop_assert_eq!(differ(&all_pages(&reader, &forward), &found), None, "forward {:?}", query);
            let mut backward = all_pages(&reader, &AuditQuery { order: Order::NewestFirst, ..newest.clone() });
            backward.reverse();
            prop_assert_eq!(differ(&backward, &found), None, "backward {:?}", query);
            let back = AuditQuery { order: Order::NewestFirst, limit: None, ..query.clone() };
            let mut backward = streamed(&reader, &back);
            backward.reverse();
            prop_assert_eq!(differ(&backward, &found), None);
        }
    }
}
