//! What an earlier console has read, on the real binary's screen: no provider is there to answer.

use std::{sync::Arc, time::Duration};

use estop::{
    config::{ProviderConfig, Sources, load},
    domain::{Identity, IdentityId, IdentityKind, IdentityState, ProviderName, Reading},
    engine::{Inventory, Listing, Part},
};
use jiff::{SignedDuration, Timestamp};

use super::{hands::fleet_is_read, place::Place, sessions::exercise, terminal::Start};

/// Nobody listens there.
const CONFIG: &str = "[select]\nnames = [\"*-bot\"]\n\n[[provider]]\nname = \"corp-sso\"\nkind = \"keycloak\"\n\
                      base_url = \"http://127.0.0.1:9\"\nrealm = \"bots\"\nclient_id = \"estop\"\n\
                      client_secret = { env = \"ESTOP_SSO_SECRET\" }\n";

/// Three bots, read fourteen minutes ago.
fn parts() -> Vec<Part> {
    let name = ProviderName::new("corp-sso");
    let read_at = Timestamp::now().checked_sub(SignedDuration::from_mins(14)).unwrap();
    let identity = |bot: &str| {
        let id = IdentityId::new(name.clone(), format!("id-{bot}"));
        Identity::new(id, bot, IdentityKind::ServiceAccount, IdentityState::Live)
    };
    let identities: Vec<Identity> = ["helpdesk-bot", "router-bot", "sales-bot"].map(identity).to_vec();
    let readings = identities.iter().map(|identity| Reading::of(identity.clone(), read_at)).collect();
    let listing = Arc::new(Listing { identities, gaps: Vec::new() });
    vec![Part { name, read_at, listing, own: None, readings }]
}

#[test]
fn the_real_binary_shows_what_was_kept_and_says_how_old_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("estop.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let place = Place::with(&["--config", config.to_str().unwrap()]);
    let (read, _) = load(&Sources::usual(Some(&config)), &[]).unwrap().unwrap();
    let state = place.home().join("state");
    let inventory = Inventory::at(&state, read.providers.iter().map(ProviderConfig::place));
    inventory.keep(&parts()).unwrap();
    let terminal = Start::at(&place).variable("ESTOP_SSO_SECRET", "not-a-secret-of-anybody").open();
    let text = terminal.wait_for("the bots", |text| text.contains("router-bot") && text.contains("as read 14m ago"));
    assert!(text.contains("3 bots"), "{text}");
    let text = terminal.wait_for_text("unreachable");
    assert!(text.contains("sales-bot") && text.contains("as read 14m ago"), "{text}");
    terminal.keys("q");
    assert_eq!(terminal.exit(Duration::from_secs(20)).code, 0);

    // Damaged: it is not shown, and why is told.
    let mut bytes = std::fs::read(inventory.path()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(inventory.path(), bytes).unwrap();
    let terminal = Start::at(&place).size(120, 40).variable("ESTOP_SSO_SECRET", "not-a-secret-of-anybody").open();
    let text = terminal.wait_for("why", |text| text.contains("is ignored: it is damaged"));
    assert!(!text.contains("router-bot"), "{text}");
    terminal.keys("q");
    assert_eq!(terminal.exit(Duration::from_secs(20)).code, 0);
}

#[test]
fn an_exercise_leaves_none() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    terminal.keys("q");
    assert_eq!(terminal.exit(Duration::from_secs(20)).code, 0);
    assert!(!place.home().join("state/inventory").exists());
}
