//! 22. Applied, and the answer is lost: unknown, read, confirmed; a repeat has the same key.

use super::{B, others_finish};
use crate::harness::{Rule, Stage, Wire, each};

#[test]
#[ignore = "gauntlet"]
fn case_22_applied_and_the_answer_lost() {
    let every = usize::MAX;
    let variants = [("PUT", "/clients/", 1), ("PUT", "/users/", 1), ("DELETE", "/sessions/", every), ("", "", every)];
    each(
        &variants,
        |variant| format!("{variant:?}"),
        |(method, path, times)| {
            let stage = Stage::new();
            let rule = if method.is_empty() {
                Rule::changes(Wire::ResetAfter)
            } else {
                Rule::on(method, path, Wire::ResetAfter)
            };
            stage.servers[B].fault(rule.first(*times));
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[0]);
            others_finish(&stage, &ran);
            stage.converges(0);
        },
    );
}

/// Half of the requests vanish before anything is done, half after: the same must come of it.
#[test]
#[ignore = "gauntlet"]
fn case_22_lost_before_or_after() {
    let stage = Stage::new();
    stage.fault(|| Rule::changes(Wire::Reset).first(2));
    stage.fault(|| Rule::changes(Wire::ResetAfter).first(2));
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    stage.converges(0);
}
