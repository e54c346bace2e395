//! 19. Refused, gone, conflict: no status by itself makes anything confirmed.

use super::{B, fails_alone};
use crate::harness::{Dice, Reply, Rule, Stage, Wire, each};

#[test]
#[ignore = "gauntlet"]
fn case_19_whatever_the_status_the_read_decides() {
    let all = vec![401, 403, 404, 405, 409, 410, 422, 202, 204, 299];
    decides(&Dice::of("case 19").some(all, 7));
}

fn decides(statuses: &[u16]) {
    each(statuses, ToString::to_string, |status| {
        let stage = Stage::new();
        stage.servers[B].fault(Rule::changes(Wire::Answer(Reply::json(*status, "{\"error\":\"no\"}"))));
        let ran = stage.isolate();
        fails_alone(&stage, &ran, &[3, 4]);
        let verified = stage.claims().into_values().filter(|one| one.provider == "sso-b" && one.state == "verified");
        let verified: Vec<_> = verified.collect();
        // Only what was true before anybody pressed a key may read as true.
        assert!(verified.iter().all(|claim| claim.action == "log-out"), "{verified:#?}");
        if [401, 403].contains(status) {
            ran.says(&["refused", "sso-b", "by hand"]);
        }
        stage.converges(0);
    });
}

/// Gone, and it really is: a read proves it.
#[test]
#[ignore = "gauntlet"]
fn case_19_gone_and_proved_so() {
    each(&[404, 410], ToString::to_string, |status| {
        let stage = Stage::new();
        let gone = Wire::AppliedBut(Reply::json(*status, "{\"error\":\"not found\"}"));
        stage.servers[B].fault(Rule::on("DELETE", "/sessions/", gone));
        let ran = stage.isolate();
        stage.holds(&ran);
        ran.expect(&[0]);
        stage.converges(0);
    });
}
