//! 21. Slow truth: the effect comes 8 s after the 200, and reads flap for a while.

use std::time::Duration;

use super::{B, others_finish};
use crate::harness::{Rule, Stage, Wire};

#[test]
#[ignore = "gauntlet"]
fn case_21_slow_truth() {
    let stage = Stage::new();
    let server = &stage.servers[B];
    server.fault(Rule::changes(Wire::Late(Duration::from_secs(8))));
    server.fault(Rule::reads(Wire::Flap(Duration::from_secs(3))).optional());
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0, 3, 4]);
    others_finish(&stage, &ran);
    never_early(&stage);
    // Effects that are still on their way come.
    std::thread::sleep(Duration::from_secs(8));
    stage.converges(0);
    never_early(&stage);
}

/// Only the reads flap: old answers for 3 s after the cut.
#[test]
#[ignore = "gauntlet"]
fn case_21_flapping_reads() {
    let stage = Stage::new();
    stage.servers[B].fault(Rule::reads(Wire::Flap(Duration::from_secs(3))));
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    others_finish(&stage, &ran);
    stage.converges(0);
}

/// The journal's `verified` is never older than the truth's effect.
fn never_early(stage: &Stage) {
    let applied = stage.servers[B].changes();
    let claims = stage.claims();
    for record in stage.records_of("step.verify") {
        if record["body"]["state"]["is"] != "verified" {
            continue;
        }
        let step = format!("{}/{}", record["op"].as_str().unwrap(), record["body"]["step"].as_str().unwrap());
        let claim = &claims[&step];
        if claim.provider != "sso-b" || claim.action != "disable-client" {
            continue;
        }
        let at: jiff::Timestamp = record["at"].as_str().unwrap().parse().unwrap();
        let effects = applied.iter().filter(|seen| seen.key.as_deref() == Some(&claim.key));
        let effect = effects.filter_map(|seen| seen.applied).min().expect("verified, and never applied");
        // Journal times are cut to the millisecond.
        assert!(at.as_millisecond() + 1 >= effect.as_millisecond(), "verified at {at}, true at {effect}: {claim:?}");
    }
}
