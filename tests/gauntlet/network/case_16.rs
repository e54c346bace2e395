//! 16. Nobody answers: refused, silent, unknown name, no network at all.

use std::time::Duration;

use super::{B, fails_alone};
use crate::harness::{
    Rule, Stage, Wire,
    stage::{ISOLATE, PATIENCE},
};

/// A provider that is away costs this much and no more.
const BOUND: Duration = Duration::from_secs(100);

#[test]
#[ignore = "gauntlet"]
fn case_16_connection_refused() {
    let stage = Stage::new();
    stage.servers[B].close();
    let ran = stage.isolate();
    fails_alone(&stage, &ran, &[3]);
    assert!(stage.servers[B].seen().is_empty());
    let open: Vec<_> = stage.claims().into_values().filter(|claim| claim.provider == "sso-b").collect();
    assert!(!open.is_empty() && open.iter().all(|claim| claim.state == "unreachable"), "{open:#?}");
    ran.within(BOUND).says(&["unreachable", "sso-b"]);
    stage.converges(0);
}

/// Reads are answered, and what is to be revoked is swallowed: nobody knows whether it was done.
#[test]
#[ignore = "gauntlet"]
fn case_16_silence_after_the_strike_pending() {
    let stage = Stage::new();
    stage.servers[B].fault(Rule::changes(Wire::Hang));
    let ran = stage.isolate();
    fails_alone(&stage, &ran, &[3, 4]);
    ran.within(BOUND);
    stage.converges(0);
}

#[test]
#[ignore = "gauntlet"]
fn case_16_silence_from_the_beginning_pending() {
    let stage = Stage::new();
    stage.servers[B].fault(Rule::all(Wire::Hang));
    let ran = stage.isolate();
    fails_alone(&stage, &ran, &[3]);
    ran.within(BOUND);
    stage.converges(0);
}

/// It works until the first change, and then nothing is there any more.
#[test]
#[ignore = "gauntlet"]
fn case_16_gone_in_mid_strike() {
    let stage = Stage::new();
    stage.servers[B].fault(Rule::changes(Wire::Reset));
    let running = stage.start(&ISOLATE);
    stage.servers[B].await_request(Duration::from_secs(30), |seen| seen.changes);
    stage.servers[B].close();
    let ran = stage.heard(running.wait(PATIENCE));
    fails_alone(&stage, &ran, &[3]);
    ran.within(BOUND);
    stage.converges(0);
}

#[test]
#[ignore = "gauntlet"]
fn case_16_a_name_that_does_not_resolve() {
    let stage = Stage::new();
    let port = stage.servers[B].port;
    let right = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    stage.configure(&right.replace(&format!("http://127.0.0.1:{port}"), "https://sso-b.invalid"));
    let ran = stage.isolate();
    fails_alone(&stage, &ran, &[3]);
    ran.within(BOUND).says(&["unreachable"]);
    stage.configure(&right);
    stage.converges(0);
}

/// An empty network namespace: not even loopback.
#[test]
#[ignore = "gauntlet"]
fn case_16_no_network() {
    let stage = Stage::new();
    let prefix = ["unshare", "-n"].map(str::to_owned);
    let ran = stage.heard(stage.start_under(&prefix, &ISOLATE).wait(PATIENCE));
    stage.holds(&ran);
    ran.expect(&[3]).within(BOUND);
    for server in &stage.servers {
        ran.says(&[&server.name]);
        assert!(server.seen().is_empty());
    }
    assert!(!stage.claims().is_empty(), "forgotten: {ran}");
    stage.converges(0);
}
