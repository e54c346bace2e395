//! 16, at the console: beside a provider that never answers the others are shown at once, and the key reaches them.

use std::time::{Duration, Instant};

use super::B;
use crate::{
    harness::{Options, Rule, Stage, Wire, stage::HELPDESK, world::NEIGHBOUR},
    pty::{ended, hands, place, terminal::Start},
};

/// From the key to the first request that changes something.
const KEY_TO_WIRE: Duration = Duration::from_secs(2);
/// From the start to the others' bots on the screen. A silent provider's own deadlines are 5 s and more.
const AT_ONCE: Duration = Duration::from_secs(4);

/// A bot that is nowhere but at the first provider, and has nothing to do with the one that is silent.
const OTHER: &str = "elsewhere";

#[test]
#[ignore = "gauntlet"]
fn case_16_the_console_beside_a_silent_provider() {
    let stage = Stage::new();
    let (first, silent) = (&stage.servers[0], &stage.servers[B]);
    let id = format!("{}:{}", first.name, first.keycloak.client_uuid(NEIGHBOUR).unwrap());
    let other = format!("[[bot]]\nname = \"{OTHER}\"\nidentities = [{id:?}]\n");
    stage.configure(&stage.configuration(&Options { after: other, ..Options::default() }));
    silent.fault(Rule::all(Wire::Hang));

    let place = place(&stage);
    let began = Instant::now();
    let terminal = Start::at(&place).open();
    terminal.wait_for("the bots of the others", |text| text.contains(OTHER) && text.contains(HELPDESK));
    assert!(began.elapsed() < AT_ONCE, "shown after {:?}", began.elapsed());

    hands::select(&terminal, OTHER);
    assert!(began.elapsed() < AT_ONCE + KEY_TO_WIRE, "readable after {:?}", began.elapsed());
    let pressed = Instant::now();
    terminal.keys("X");
    let text = terminal.wait_for("the press", |text| text.contains("ARMED") || hands::is_isolating(text));
    if text.contains("ARMED") {
        terminal.keys("X");
    }
    let seen = first.await_request(Duration::from_mins(1), |seen| seen.changes);
    let took = seen.at.saturating_duration_since(pressed);
    assert!(took < KEY_TO_WIRE, "the key was {took:?} on its way");
    assert!(seen.on_record, "O2: {seen:?}");
    hands::wait_for_dark(&terminal);
    assert!(silent.changes().is_empty(), "nobody asked for it");

    terminal.keys("q");
    let exit = terminal.exit(Duration::from_mins(1));
    ended(&stage, &exit);
    stage.heal();
}
