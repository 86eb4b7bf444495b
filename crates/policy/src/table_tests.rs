use super::*;
use crate::Profile;

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| (*s).to_owned()).collect()
}

fn set(allow: &[&str], deny: &[&str]) -> ToolSet {
    ToolSet { allow: strings(allow), deny: strings(deny) }
}

fn profile(mode: Option<Mode>, tool_set: &str) -> Profile {
    Profile { mode, tool_set: Some(tool_set.to_owned()) }
}

/// The configuration of catalog-and-execution §19.5.
fn example() -> Rules {
    Rules {
        managed_deny: strings(&["depot:nuke*"]),
        deny: strings(&["depot:nuke*", "depot:burn"]),
        approval_required: strings(&["depot:wipe*"]),
        default_mode: Mode::Curated,
        tool_sets: BTreeMap::from([
            ("reader".into(), set(&["depot:get*"], &["**", "depot:getSecret"])),
            ("noWipe".into(), set(&[], &["*:wipe*"])),
            ("star".into(), set(&["depot:getBin"], &["*"])),
        ]),
        profiles: BTreeMap::from([
            ("def".into(), profile(Some(Mode::Discover), "reader")),
            ("p".into(), profile(None, "reader")),
            ("d".into(), profile(Some(Mode::Discover), "reader")),
            ("c".into(), profile(Some(Mode::Curated), "noWipe")),
            ("x".into(), profile(Some(Mode::Curated), "gone")),
            ("s".into(), profile(Some(Mode::Curated), "star")),
        ]),
        default_profile: Some("def".into()),
    }
}

fn reason(rules: Rules, tool: &str, mode: Option<Mode>, profile: &str, approved: bool) -> Reason {
    let table = PolicyTable::new(rules);
    table.decide(&table.judge(tool, false), &table.admission(mode, profile), approved).reason
}

/// §19.5, where deviation 8 (narrowing only, fail closed) leaves the answer or makes it stricter.
#[test]
fn the_decisions_of_a_curated_default() {
    use Mode::{Curated, Discover};
    use Reason::{Allowed, CuratedDeny, ManagedDeny, PolicyDeny};
    for (tool, mode, profile, approved, expected) in [
        ("depot:getBin", None, "", false, Allowed),
        ("depot:putBin", None, "", false, CuratedDeny),
        ("depot:getSecret", None, "", false, CuratedDeny),
        // W57: the caller can't leave the curated default.
        ("depot:putBin", Some(Discover), "", false, CuratedDeny),
        ("depot:putBin", Some(Discover), "p", false, CuratedDeny),
        ("depot:putBin", None, "ghost", false, CuratedDeny),
        ("depot:getBin", None, "ghost", false, CuratedDeny),
        ("depot:putBin", None, "p", false, CuratedDeny),
        ("depot:putBin", Some(Curated), "d", false, CuratedDeny),
        ("depot:wipeAll", None, "c", true, CuratedDeny),
        ("depot:nukeIt", Some(Discover), "", true, ManagedDeny),
        ("depot:burn", None, "", true, PolicyDeny),
        // W38: a missing tool set admits nothing.
        ("depot:anything", None, "x", false, CuratedDeny),
        ("depot:getBin", None, "s", false, CuratedDeny),
        // Deviation 7: `*` also matches `/`.
        ("depot:get:/bins/{id}", None, "", false, Allowed),
    ] {
        assert_eq!(reason(example(), tool, mode, profile, approved), expected, "{tool} {mode:?} {profile}");
    }
}

#[test]
fn the_decisions_of_a_discover_default() {
    use Mode::{Curated, Discover};
    use Reason::{Allowed, ApprovalRequired, CuratedDeny};
    let rules = || Rules { default_mode: Discover, default_profile: None, ..example() };
    for (tool, mode, profile, approved, expected) in [
        ("depot:putBin", None, "", false, Allowed),
        ("depot:wipeAll", None, "", false, ApprovalRequired),
        ("depot:wipeAll", None, "", true, Allowed),
        // PM-2: a profile without mode only curates when the mode says so.
        ("depot:putBin", None, "p", false, Allowed),
        ("depot:putBin", Some(Curated), "p", false, CuratedDeny),
        ("depot:getBin", Some(Curated), "p", false, Allowed),
        ("depot:wipeAll", None, "c", true, CuratedDeny),
        ("depot:putBin", None, "c", false, Allowed),
        ("depot:getBin", None, "ghost", false, CuratedDeny),
        // Curated without any tool set to resolve admits nothing.
        ("depot:getBin", Some(Curated), "", false, CuratedDeny),
    ] {
        assert_eq!(reason(rules(), tool, mode, profile, approved), expected, "{tool} {mode:?} {profile}");
    }
}

#[test]
fn a_curated_default_without_default_profile_is_opened_by_a_named_profile_only() {
    let rules = || Rules { default_profile: None, ..example() };
    assert_eq!(reason(rules(), "depot:getBin", None, "", false), Reason::CuratedDeny);
    assert_eq!(reason(rules(), "depot:getBin", None, "p", false), Reason::Allowed);
    assert_eq!(reason(rules(), "depot:putBin", Some(Mode::Discover), "d", false), Reason::CuratedDeny);
}

#[test]
fn a_profile_narrows_the_default_profile_and_never_widens_it() {
    // `c` alone would admit putBin; the default profile's set does not.
    assert_eq!(reason(example(), "depot:putBin", None, "c", false), Reason::CuratedDeny);
    assert_eq!(reason(example(), "depot:getBin", None, "c", false), Reason::Allowed);
}

#[test]
fn the_tools_own_safety_asks_for_approval() {
    let table = PolicyTable::new(Rules::default());
    let decision = table.decide(&table.judge("a:b", true), &table.admission(None, ""), false);
    assert_eq!(
        (decision.reason, decision.because.as_str()),
        (Reason::ApprovalRequired, "the tool's own safety requires it")
    );
}

#[test]
fn a_refusal_names_its_rule() {
    let table = PolicyTable::new(example());
    let decision = table.decide(&table.judge("depot:nukeIt", false), &table.admission(None, ""), true);
    assert_eq!(decision.because, "managed policy.deny \"depot:nuke*\"");
}

#[test]
fn patterns_without_a_match_are_reported_once() {
    let table = PolicyTable::new(example());
    let one = table.matched(["depot:getBin", "depot:wipeAll"].into_iter());
    let other = table.matched(["depot:nukeIt"].into_iter());
    let unmatched = table.unmatched(&one.iter().zip(&other).map(|(a, b)| a | b).collect::<Vec<_>>());
    let found: Vec<_> = unmatched.iter().map(|u| format!("{} {}", u.path, u.pattern)).collect();
    assert_eq!(found, ["policy.deny depot:burn", "curation.toolSets.reader.deny depot:getSecret"]);
}

#[test]
fn views_are_named_after_what_was_asked_for() {
    let table = PolicyTable::new(example());
    let view = |mode, profile: &str| {
        let admission = table.admission(mode, profile);
        (admission.view, admission.mode)
    };
    assert_eq!(view(None, ""), ("def".into(), "discover".into()));
    assert_eq!(view(None, "c"), ("c".into(), "curated".into()));
    assert_eq!(view(Some(Mode::Discover), ""), ("def".into(), "discover".into()));
    let open = PolicyTable::new(Rules::default());
    assert_eq!(open.admission(None, "").view, "discover");
    assert!(open.admission(None, "").lists_everything());
}

/// Nobody's approval makes up for a definition that no operator has looked at.
#[test]
fn a_quarantined_tool_is_refused_with_its_reason_whoever_approves() {
    let table = PolicyTable::new(Rules { deny: strings(&["x:denied"]), ..Rules::default() });
    let admission = table.admission(None, "");
    let decide = |id: &str| table.decide(&table.judge(id, true).quarantined("it moved".into()), &admission, true);
    let decision = decide("x:y");
    assert_eq!((decision.reason, decision.because.as_str()), (Reason::Quarantined, "it moved"));
    assert_eq!(decide("x:denied").reason, Reason::PolicyDeny);
}
