//! The ground: without a fault it ends dark, and the oracles see what they look at.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::harness::{Rule, Stage, Wire};

#[test]
#[ignore = "gauntlet"]
fn case_00_nothing_wrong() {
    let stage = Stage::new();
    let before = stage.alive().len();
    assert!(before >= 9, "nine credentials and more: {:?}", stage.alive());
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    let claims = stage.claims();
    assert!(claims.len() >= 9 && claims.values().all(|claim| claim.state == "verified"), "{claims:#?}");
    assert!(claims.values().all(|claim| claim.provider.starts_with("sso-") && claim.attempts > 0), "{claims:#?}");
    assert!(stage.servers.iter().all(|server| server.changes().len() >= 9));
    stage.converges(0);
}

/// Each oracle fails where it must.
#[test]
#[ignore = "gauntlet"]
fn case_00_the_oracles_can_fail() {
    let fails = |what: &str, check: &dyn Fn()| {
        assert!(catch_unwind(AssertUnwindSafe(check)).is_err(), "{what} sees nothing");
    };
    let stage = Stage::new();
    let ran = stage.isolate();
    stage.holds(&ran);
    let journal = stage.journal();
    let good = std::fs::read(&journal).unwrap();

    let mut bad = good.clone();
    bad[200] ^= 1;
    std::fs::write(&journal, &bad).unwrap();
    fails("O5", &|| stage.sound_journals(&[0]));
    std::fs::write(&journal, &good).unwrap();

    std::fs::write(stage.state().join("leak"), &stage.servers[2].loot.secret).unwrap();
    fails("O6", &|| stage.no_secrets());
    std::fs::remove_file(stage.state().join("leak")).unwrap();

    let server = &stage.servers[0];
    let client = server.keycloak.client_uuid(crate::harness::world::BOT).unwrap();
    server.reopen_client(&client);
    fails("O1", &|| stage.no_false_success(&ran));

    server.fault(Rule::on("GET", "/nowhere", Wire::Hang));
    fails("a fault that never fired", &|| stage.heal());

    let stage = Stage::new();
    stage.hide_journals();
    stage.isolate();
    fails("O2", &|| stage.intent_first());
}
