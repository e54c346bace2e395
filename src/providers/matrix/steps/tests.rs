use super::*;
use crate::{
    domain::{Family, HoldingId},
    providers::matrix::testing::{account, bot},
};

/// One line a step: the whole plan at a glance.
fn lines(steps: &[Step]) -> Vec<String> {
    let line = |step: &Step| {
        let how = if step.by_hand { " by hand" } else { "" };
        let gate = if step.gate { " gate" } else { "" };
        format!("{} {} {} {:?}{gate}{how}", step.object, step.rank, step.action.word(), step.reversible)
    };
    steps.iter().map(line).collect()
}

#[test]
fn the_lock_comes_first_and_every_device_goes() {
    let reading = account(false, false, &["AAA", "B/B"]);
    assert_eq!(
        lines(&steps(&reading, Depth::Isolate)),
        [
            "chat:user/@helpdesk%3Achat.example 0 lock Reversible gate",
            "chat:device/@helpdesk%3Achat.example%2FAAA 1 delete Irreversible",
            "chat:device/@helpdesk%3Achat.example%2FB%2FB 1 delete Irreversible",
        ]
    );
    let burn = steps(&reading, Depth::Burn);
    assert_eq!(lines(&burn)[3..], ["chat:user/@helpdesk%3Achat.example 1 deactivate Irreversible"]);
    // Deactivated alone would let an admin's token live.
    let both = Postcondition::All {
        of: vec![
            Postcondition::equal(fact::DEACTIVATED, Fact::Bool(true)),
            Postcondition::equal(fact::LOCKED, Fact::Bool(true)),
        ],
    };
    assert_eq!(burn[3].postcondition, both);
    assert_eq!(burn[3].holdings.len(), 1, "the password goes with it");
}

#[test]
fn an_application_service_is_left_to_a_person() {
    let mut reading = account(false, false, &[]);
    let id = HoldingId::new(reading.identity.id.clone(), class::SERVICE, "irc");
    reading.holdings.push(Holding::new(id, Lane::Connectors, Family::Connector, "irc", HoldingState::Live));
    let steps = steps(&reading, Depth::Isolate);
    assert_eq!(lines(&steps)[1], "chat:application-service/irc 1 remove Reversible by hand");
    assert!(steps[1].instruction().is_some_and(|text| text.contains("app_service_config_files")));
    assert!(steps[1].postcondition.is_unreadable());
}

#[test]
fn what_is_no_account_or_is_gone_has_no_gate() {
    for native in ["", "helpdesk", "@helpdesk", "@:server", "#room:server"] {
        let mut identity = bot(IdentityState::Live);
        identity.id = crate::domain::IdentityId::new(identity.id.provider().clone(), native);
        assert!(gate(&identity).is_empty(), "{native}");
    }
    assert!(gate(&bot(IdentityState::Gone)).is_empty());
    assert_eq!(gate(&bot(IdentityState::Unknown)).len(), 1);
}
