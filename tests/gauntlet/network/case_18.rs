//! 18. Busy and throttled: waits as asked, up to a cap, in the open, and under the same key.

use std::time::Duration;

use super::{B, others_finish};
use crate::harness::{Reply, Rule, Stage, Wire, each};

/// The longest wait between two attempts, with jitter and the machine's own slowness.
const CAP: Duration = Duration::from_secs(8);

/// Which change is throttled: the gate.
const GATE: (&str, &str) = ("PUT", "/clients/");

#[test]
#[ignore = "gauntlet"]
fn case_18_busy_then_not() {
    let stage = Stage::new();
    let rule = stage.servers[B].fault(Rule::on(GATE.0, GATE.1, Wire::Answer(Reply::json(503, "{}"))).first(2));
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    others_finish(&stage, &ran);
    assert_eq!(rule.fired(), 2);
    // After a 503 it counts as live: between the first two attempts nothing called it cut.
    let gate = |line: &&serde_json::Value| {
        line["action"] == "disable-client" && line["step"].as_str().is_some_and(|step| step.starts_with("sso-b:"))
    };
    let lines = ran.lines();
    let states: Vec<_> = lines.iter().filter(gate).map(|line| line["state"].as_str().unwrap_or_default()).collect();
    let first_cut = states.iter().position(|state| matches!(*state, "accepted" | "gone" | "verified")).unwrap();
    assert_eq!(states[..first_cut].iter().filter(|state| **state == "retrying").count(), 2, "{states:?}");
    stage.converges(0);
}

#[test]
#[ignore = "gauntlet"]
fn case_18_retry_after() {
    let variants = [
        ("2", Duration::from_millis(1_950), CAP),
        ("99999999", Duration::ZERO, CAP),
        ("-1", Duration::ZERO, Duration::from_secs(3)),
        ("Fri, 01 Jan 2021 00:00:00 GMT", Duration::ZERO, Duration::from_secs(3)),
        ("soon", Duration::ZERO, Duration::from_secs(3)),
    ];
    each(
        &variants,
        |variant| variant.0.to_owned(),
        |(value, least, most)| {
            let stage = Stage::new();
            let reply = Reply::json(429, "{}").header("retry-after", value);
            let rule = stage.servers[B].fault(Rule::on(GATE.0, GATE.1, Wire::Answer(reply)).first(1));
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[0]);
            others_finish(&stage, &ran);
            assert_eq!(rule.fired(), 1);
            let gates: Vec<_> = stage.servers[B]
                .changes()
                .into_iter()
                .filter(|seen| seen.method == GATE.0 && seen.path.contains(GATE.1))
                .collect();
            assert!(gates.len() >= 2 && gates[0].key == gates[1].key, "{gates:#?}");
            assert!(gates[0].fault.is_some() && gates[0].status == Some(429), "{gates:#?}");
            let wait = gates[1].at - gates[0].at;
            assert!((*least..=*most).contains(&wait), "waited {wait:?}, not {least:?} to {most:?}");
            let shown = ran.lines().iter().any(|line| line["state"] == "retrying");
            assert!(shown, "the wait is not visible: {ran}");
            stage.converges(0);
        },
    );
}

/// It never stops being busy: bounded, not forgotten.
#[test]
#[ignore = "gauntlet"]
fn case_18_busy_for_ever() {
    each(&[503, 429], ToString::to_string, |status| {
        let stage = Stage::new();
        stage.servers[B].fault(Rule::changes(Wire::Answer(Reply::json(*status, "{}").header("retry-after", "1"))));
        let ran = stage.isolate();
        super::fails_alone(&stage, &ran, &[3, 4]);
        // The wait is shown, and nothing of it counts as cut.
        let lines = ran.lines();
        let b = |line: &&serde_json::Value| line["step"].as_str().is_some_and(|step| step.starts_with("sso-b:"));
        let states: Vec<_> = lines.iter().filter(b).filter_map(|line| line["state"].as_str()).collect();
        assert!(states.contains(&"retrying"), "the wait is not visible: {ran}");
        assert!(!states.iter().any(|state| ["accepted", "gone"].contains(state)), "{states:?}");
        assert!(!stage.servers[B].alive().is_empty());
        ran.within(Duration::from_mins(1));
        stage.converges(0);
    });
}
