//! What an earlier console has read, on the screen before any provider answers: with its age, and never as if it were
//! of now.

use std::sync::Arc;

use estop::{
    domain::{Reading, redact},
    engine::{Inventory, Snapshot},
    tabletop::keycloak::{Effect, Fault},
    tui::{
        message::Message,
        theme::{Capability, Glyphs},
        update::update,
    },
};
use secrecy::ExposeSecret as _;

use super::{
    bench::{self, BOTS, Bench},
    fake::{self, Console, Desk, Far},
    sample,
    screens::{assert_screens, read},
    story::{asked, looped, open},
};

/// The sample's fleet as it was fourteen minutes ago, and nobody has answered since.
fn recalled() -> Snapshot {
    let mut snapshot = sample::fleet();
    for provider in &mut snapshot.providers {
        (provider.reachable, provider.complete, provider.error) = (false, false, None);
        provider.read_at = Some(sample::before(840));
    }
    for bot in &mut snapshot.bots {
        let mut view = (**bot).clone();
        let old = |reading: &Reading| Reading { read_at: sample::before(840), ..reading.clone() };
        view.recalled = true;
        view.readings = view.readings.iter().map(old).collect();
        for plan in [&mut view.plan, &mut view.burn] {
            let plan = Arc::make_mut(plan);
            plan.read_at = plan.read_at.map(|_| sample::before(840));
        }
        *bot = Arc::new(view);
    }
    snapshot
}

/// Nothing was read by anybody.
fn nothing() -> Snapshot {
    let mut snapshot = Snapshot { revision: 1, bots: Vec::new(), others: Vec::new().into(), ..sample::fleet() };
    for provider in &mut snapshot.providers {
        (provider.reachable, provider.complete, provider.error, provider.read_at) = (false, false, None, None);
    }
    snapshot
}

#[test]
fn recalled_screens() {
    assert_screens("recalled", |state| {
        update(state, Message::FleetRead(Arc::new(recalled())));
    });
}

#[test]
fn a_dead_provider_keeps_its_recalled_part() {
    assert_screens("recalled-dead", |state| {
        let mut snapshot = recalled();
        let alive = sample::fleet();
        snapshot.providers[0] = alive.providers[0].clone();
        snapshot.providers[1].error = Some("warehouse refused the connection".to_owned());
        read(state, snapshot);
    });
}

looped! {
    async fn what_an_earlier_console_has_read_is_asked_for_after_the_first_frame_and_shown_with_its_age() {
        let desk = Desk::new(nothing());
        *desk.recalled.lock().unwrap() = (Some(recalled()), None);
        let console = open(desk).await;
        assert!(super::golden::text(&console.pictures()[0].buffer).contains("Reading the fleet"));
        assert_eq!((asked(&console, "recall"), asked(&console, "refresh")), (1, 1));
        assert!(console.shows("7 bots, as read 14m ago") && console.shows("helpdesk"), "{}", console.screen());
        // Of now, once it was answered.
        console.publish(sample::fleet()).await;
        assert!(console.shows("7 bots") && !console.shows("as read"), "{}", console.screen());
    }

    async fn before_anybody_has_answered_nothing_is_said_of_the_fleet() {
        let mut desk = Desk::new(nothing());
        desk.recalled = Arc::default();
        let console = open(desk).await;
        // The desk's refresh ends at once; here it would not.
        let first = super::golden::text(&console.pictures()[0].buffer);
        assert!(first.contains("Reading the fleet") && !first.contains("No bot is selected"), "{first}");
    }

    async fn what_was_not_taken_is_told() {
        let desk = Desk::new(sample::fleet());
        let said = "the cached inventory /state/inventory is ignored: it is damaged";
        *desk.recalled.lock().unwrap() = (None, Some(said.to_owned()));
        let console = open(desk).await;
        assert!(console.shows(said), "{}", console.screen());
    }

    async fn the_real_engine_shows_it_while_no_provider_answers() {
        let directory = tempfile::tempdir().unwrap();
        let inventory = || Inventory::at(&directory.path().join("state"), ["the exercise".to_owned()]);
        let first = Bench::at("2026-11-24T12:00:00Z", Some(inventory()));
        first.engine.refresh().await;
        first.engine.keep_inventory().await;
        let names = |bench: &Bench| -> Vec<_> {
            bench.engine.snapshot().bots.iter().map(|view| (view.bot.clone(), view.readings.len())).collect()
        };
        let second = Bench::at("2026-11-24T12:14:00Z", Some(inventory()));
        second.exercise.keycloak.fault(Fault::all(Effect::Hang));
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let console = Console::at(second.engine.clone(), Far::Answers, fake::state(80, 24, look, false)).await;
        console.wait(400).await;
        assert!(console.shows("as read 14m ago") && console.shows("helpdesk"), "{}", console.screen());
        assert!(!console.shows("Reading the fleet"), "{}", console.screen());
        assert_eq!(names(&first), names(&second), "everything that was read comes back");
        // It answers at last: what is shown is of now.
        second.exercise.keycloak.heal();
        console.until("exercise-sso ● ok").await;
        assert!(!console.shows("as read"), "{}", console.screen());
    }

    async fn no_secret_of_the_exercise_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let inventory = Inventory::at(&directory.path().join("state"), ["the exercise".to_owned()]);
        let bench = Bench::at("2026-11-24T12:00:00Z", Some(inventory.clone()));
        let thief = bench.exercise.keycloak.as_attacker();
        let mut planted: Vec<String> = Vec::new();
        for client in BOTS.map(bench::client) {
            planted.extend(thief.steal_secret(client));
            planted.extend(thief.steal_rotated_secret(client));
            let minted = thief.steal_secret(client).and_then(|secret| thief.mint(client, &secret).ok());
            planted.extend(minted.into_iter().flat_map(|tokens| [Some(tokens.access), tokens.refresh]).flatten());
        }
        planted.extend(bench.exercise.keycloak.operator().map(|(_, secret)| secret.expose_secret().to_owned()));
        assert!(planted.len() > BOTS.len(), "there are secrets to find");
        bench.engine.refresh().await;
        bench.engine.keep_inventory().await;
        let bytes = std::fs::read(inventory.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("bot-helpdesk") && text.contains("sha256:"), "fingerprints are kept");
        for secret in planted {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is kept");
        }
        for part in inventory.load().unwrap().unwrap() {
            for reading in part.readings {
                let text = serde_json::to_string(&reading).unwrap();
                assert_eq!(redact(&text), text, "nothing in it looks like a secret");
            }
        }
    }
}
