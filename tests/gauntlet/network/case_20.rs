//! 20. The lying success: the server answers 200 and changes nothing.

use crate::harness::{Rule, Stage, Wire, each};

#[test]
#[ignore = "gauntlet"]
fn case_20_the_lying_success() {
    each(
        &[("PUT", "/clients/"), ("PUT", "/users/"), ("DELETE", "/sessions/")],
        |what| format!("{what:?}"),
        |what| {
            let stage = Stage::new();
            stage.servers[1].fault(Rule::on(what.0, what.1, Wire::Pretend));
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[4]).says(&["STILL LIVE", "sso-b"]);
            assert!(
                ran.stderr.lines().next().unwrap_or_default().contains("STILL LIVE"),
                "not the first thing said: {ran}"
            );
            stage.converges(0);
        },
    );
}

/// Everything is pretended everywhere: nothing is called dead.
#[test]
#[ignore = "gauntlet"]
fn case_20_everybody_lies() {
    let stage = Stage::new();
    stage.fault(|| Rule::changes(Wire::Pretend));
    let before = stage.alive();
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[4]);
    assert_eq!(stage.alive(), before, "nothing was cut");
    stage.converges(0);
}
