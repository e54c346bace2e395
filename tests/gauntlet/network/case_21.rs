//! 21. Slow truth: the effect comes 8 s after the 200, and reads flap for a while.

use std::time::Duration;

use super::{B, others_finish};
use crate::harness::{Ran, Rule, Stage, Wire, world::BOT};

/// The whole of it, sweep included: truth after 8 s, calm 3 s later, two calm listings, a busy machine.
const BOUND: Duration = Duration::from_secs(40);

#[test]
#[ignore = "gauntlet"]
fn case_21_slow_truth() {
    let stage = Stage::new();
    let server = &stage.servers[B];
    server.fault(Rule::changes(Wire::Late(Duration::from_secs(8))));
    server.fault(Rule::reads(Wire::Flap(Duration::from_secs(3))));
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]).within(BOUND);
    others_finish(&stage, &ran);
    never_early(&stage);
    until_stable(&stage, &ran);
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
    ran.expect(&[0]).within(BOUND);
    others_finish(&stage, &ran);
    until_stable(&stage, &ran);
    stage.converges(0);
}

/// It never comes true: the sweep ends all the same, and says so.
#[test]
#[ignore = "gauntlet"]
fn case_21_later_than_anybody_waits() {
    let stage = Stage::new();
    stage.servers[B].fault(Rule::changes(Wire::Late(Duration::from_mins(10))));
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[4]).within(BOUND).says(&["STILL LIVE", "sso-b"]);
    others_finish(&stage, &ran);
    stage.converges(0);
}

/// The journal's `verified` is never older than the truth's effect. What was true before anybody pressed the key (no
/// session of the account itself) has no effect to wait for.
fn never_early(stage: &Stage) {
    let applied = stage.servers[B].changes();
    let first = applied.iter().filter_map(|seen| seen.applied).min().expect("nothing was ever applied");
    let claims = stage.claims();
    let mut checked = 0;
    for record in stage.records_of("step.verify") {
        if record["body"]["state"]["is"] != "verified" {
            continue;
        }
        let step = format!("{}/{}", record["op"].as_str().unwrap(), record["body"]["step"].as_str().unwrap());
        let claim = &claims[&step];
        if claim.provider != "sso-b" || claim.action == "log-out" {
            continue;
        }
        let at: jiff::Timestamp = record["at"].as_str().unwrap().parse().unwrap();
        let effects = applied.iter().filter(|seen| seen.key.as_deref() == Some(&claim.key));
        let own = effects.filter_map(|seen| seen.applied).min();
        // A gate is nobody else's effect; a session may have ended with a consent.
        let effect = if claim.action == "disable-client" { own.expect("verified, and never applied") } else { first };
        // Journal times are cut to the millisecond.
        assert!(at.as_millisecond() + 1 >= effect.as_millisecond(), "verified at {at}, true at {effect}: {claim:?}");
        checked += 1;
    }
    assert!(checked >= 3, "{checked} of {} were ever verified", claims.len());
}

/// The operation ended no sooner than two listings, a second apart, after the last lie about the client.
#[track_caller]
fn until_stable(stage: &Stage, ran: &Ran) {
    let client = format!("/clients/{}", stage.servers[B].keycloak.client_uuid(BOT).unwrap());
    let about = |seen: &crate::harness::server::Seen| seen.path.ends_with(&client);
    let lies = stage.servers[B].seen().into_iter().filter(about).filter_map(|seen| seen.lied);
    let last = lies.max().unwrap_or_else(|| panic!("no lie about the client itself: {ran}"));
    let ended = stage.records_of("op.end");
    let ended: jiff::Timestamp = ended.last().unwrap()["at"].as_str().unwrap().parse().unwrap();
    let after = ended.as_millisecond() - last.as_millisecond();
    assert!(after >= 990, "over {after} ms after the last lie: {ran}");
}
