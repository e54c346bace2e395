//! The incidents of a real state directory: verified, sound and damaged, and followed while another process writes.

use std::sync::Arc;

use estop::{
    domain::{IncidentId, Untrusted},
    engine::{Clock, Engine, ManualClock, Parts, Roster, Rules},
    journal::{Body, Entry, Process, Stamp, Store},
    tui::theme::{Capability, Glyphs},
};
use tempfile::TempDir;

use super::{
    fake::{self, Console, Far},
    story::looped,
};

/// A state directory and what another process writes into it: a store of its own is one.
struct Host {
    state: TempDir,
    clock: Arc<dyn Clock>,
}

impl Host {
    fn new() -> Self {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        Self { state: tempfile::tempdir().unwrap(), clock: Arc::new(clock) }
    }

    fn store(&self) -> Store {
        let clock = self.clock.clone();
        let stamp: Stamp = Arc::new(move || (clock.now(), u64::try_from(clock.monotonic().as_millis()).unwrap()));
        Store::at(self.state.path(), None, stamp, Process::this())
    }

    /// A console on this host.
    async fn console(&self) -> Console<Engine> {
        let engine = Engine::new(Parts {
            providers: Vec::new(),
            roster: Roster::new(&[], &[], Vec::new(), []).unwrap(),
            store: self.store(),
            clock: self.clock.clone(),
            exercise: None,
            read_only: false,
            rules: Rules::default(),
        });
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let console = Console::at(engine, Far::Answers, fake::state(120, 40, look, false)).await;
        console.wait(500).await;
        console
    }
}

fn note(text: &str) -> Entry {
    Entry::general(Body::IncidentNote { text: Untrusted::new(text) })
}

/// An incident with one note on record.
async fn opened(store: &Store) -> IncidentId {
    let id = IncidentId::from_uuid(uuid::Uuid::now_v7());
    let opens = Entry::general(Body::IncidentOpen { title: Some("token on a wiki".to_owned()), follows: None });
    store.open(id).await.unwrap().commit(vec![opens, note("the wiki is down")]).await.unwrap();
    id
}

looped! {
    async fn v_tells_whether_a_journal_on_disk_is_sound() {
        let host = Host::new();
        let other = host.store();
        let id = opened(&other).await;
        other.open(id).await.unwrap().checkpoint().await.unwrap();
        let console = host.console().await;
        console.keys("4").await;
        console.wait(500).await;
        assert!(console.shows(&id.to_string()) && console.shows("the wiki is down"), "{}", console.screen());
        console.keys("v").await;
        console.wait(500).await;
        assert!(console.shows("its journal verifies: sound: "), "{}", console.screen());
        assert!(!console.shows("DOES NOT VERIFY"), "{}", console.screen());

        let path = other.path(id);
        let text = std::fs::read_to_string(&path).unwrap();
        let forged = text.replace("the wiki is down", "the wiki is fine");
        assert_eq!(text.len(), forged.len());
        std::fs::write(&path, forged).unwrap();
        console.keys("v").await;
        console.wait(500).await;
        assert!(console.shows("its journal DOES NOT VERIFY: "), "{}", console.screen());
        // Its length is the same, its time is not: the list reads it anew.
        console.keys("R").await;
        console.wait(500).await;
        assert!(console.shows("damaged in line 2"), "{}", console.screen());
    }

    async fn what_another_process_writes_is_followed() {
        let host = Host::new();
        let other = host.store();
        let id = opened(&other).await;
        let console = host.console().await;
        console.keys("4").await;
        console.wait(500).await;
        assert!(console.shows("alice") || console.shows("the wiki is down"), "{}", console.screen());
        other.open(id).await.unwrap().commit(vec![note("the token was in it")]).await.unwrap();
        console.wait(3000).await;
        assert!(console.shows("the token was in it"), "the list follows: {}", console.screen());

        // Nothing ran in it: its lines are shown.
        console.keys("\r").await;
        console.wait(500).await;
        assert!(console.shows("estop  Journal") && console.shows("the token was in it"), "{}", console.screen());
        other.open(id).await.unwrap().commit(vec![note("the vendor is told")]).await.unwrap();
        console.wait(3000).await;
        assert!(console.shows("the vendor is told"), "the record follows: {}", console.screen());

        // What is searched stays, and what does not match it is not shown.
        console.keys("/vendor\r").await;
        other.open(id).await.unwrap().commit(vec![note("the vendor has answered")]).await.unwrap();
        console.wait(3000).await;
        assert!(console.shows("2 match"), "{}", console.screen());

        // A second incident shows in the list by itself.
        console.keys("4").await;
        let second = opened(&other).await;
        console.wait(3000).await;
        assert!(console.shows(&second.to_string()) || console.shows("Incidents  2"), "{}", console.screen());
    }
}
