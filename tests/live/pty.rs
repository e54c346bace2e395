//! The console on a real terminal, cutting off a bot of a real realm; the thief then uses what was stolen.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::time::Duration;

use anyhow::Result;

use crate::lab::attacker::{neighbours, steal_everything};
use crate::lab::keycloak::{Lab, Realm};
use crate::lab::stolen::{Belongs, Stolen};

use hands::{fleet_is_read, isolate, select, wait_for_dark};
use place::Place;
use stream::strangers;
use terminal::{Exit, Start, Terminal};

#[path = "../pty/hands.rs"]
pub(crate) mod hands;
#[expect(dead_code, clippy::unwrap_used, reason = "it serves the tests on the exercise as well")]
#[path = "../pty/place.rs"]
pub(crate) mod place;
#[expect(dead_code, reason = "it serves the tests on the exercise as well")]
#[path = "../pty/stream.rs"]
mod stream;
#[expect(dead_code, clippy::unwrap_used, reason = "it serves the tests on the exercise as well")]
#[path = "../pty/terminal.rs"]
pub(crate) mod terminal;

pub(crate) const BOT: &str = "bot-helpdesk";

/// A robbed bot, and a responder's host.
pub(crate) struct Scene {
    pub(crate) realm: Realm,
    loot: Vec<Stolen>,
    others: Vec<Stolen>,
    pub(crate) place: Place,
}

impl Scene {
    pub(crate) async fn robbed() -> Result<Self> {
        let realm = Lab::from_env()?.fresh_realm().await?;
        let loot = steal_everything(&realm, BOT).await?;
        let others = neighbours(&realm, BOT).await?;
        let place = Place::with(&[]);
        configure(&place, &realm)?;
        Ok(Self { realm, loot, others, place })
    }

    /// The console, with the bot selected and its plan fresh.
    fn open(&self) -> Terminal {
        let terminal = Start::at(&self.place).open();
        fleet_is_read(&terminal);
        select(&terminal, BOT);
        terminal
    }

    /// What the thief has is worth nothing, and the neighbours work as before.
    pub(crate) async fn assert_dead(&self) -> Result<()> {
        let mut refused = 0;
        for stolen in self.loot.iter().filter(|stolen| stolen.belongs != Belongs::Exposed) {
            let seen = stolen.still_works().await;
            anyhow::ensure!(seen.refused(), "{stolen:?} {seen}");
            refused += 1;
        }
        anyhow::ensure!(refused >= 8, "only {refused} were tried");
        for other in &self.others {
            let seen = other.still_works().await;
            anyhow::ensure!(seen.works(), "{other:?} {seen}");
        }
        Ok(())
    }

    /// Nothing reached the terminal that it acts upon, and no secret did.
    pub(crate) fn assert_calm(&self, exit: &Exit) -> Result<()> {
        assert_eq!(strangers(&exit.raw), Vec::<String>::new());
        let text = String::from_utf8_lossy(&exit.raw);
        let secrets = self.realm.known_secrets()?;
        let stolen = self.loot.iter().chain(&self.others).filter_map(Stolen::secret);
        assert!(!secrets.iter().map(String::as_str).chain(stolen).any(|secret| text.contains(secret)));
        assert!(text.contains(BOT), "the search finds what is there");
        Ok(())
    }
}

/// Writes the configuration where the console looks for it.
fn configure(place: &Place, realm: &Realm) -> Result<()> {
    let folder = place.home().join(".config/estop");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let (url, name, client) = (&realm.admin.base_url, &realm.name, &realm.operator.client_id);
    let config = format!(
        "[select]\nattributes = [\"chatbot=true\"]\n\n[[provider]]\nname = \"sso\"\nkind = \"keycloak\"\n\
         base_url = \"{url}\"\nrealm = \"{name}\"\nauth_realm = \"master\"\nclient_id = \"{client}\"\n\
         client_secret = {{ file = \"operator.secret\" }}\n"
    );
    for (file, content) in [("config.toml", &config), ("operator.secret", &realm.operator.secret)] {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(folder.join(file))?;
        std::io::Write::write_all(&mut file, content.as_bytes())?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn one_keystroke_at_the_console_ends_everything_that_was_stolen() -> Result<()> {
    let scene = Scene::robbed().await?;
    let terminal = scene.open();
    isolate(&terminal);
    let dark = wait_for_dark(&terminal);
    assert!(!dark.contains("EXERCISE"), "{dark}");
    scene.assert_dead().await?;
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.code == 0 && exit.restored, "{exit:?}");
    scene.assert_calm(&exit)?;
    let journal = scene.place.journal();
    assert!(journal.one("op.end")["body"]["outcome"].as_str().is_some_and(|word| word.starts_with("dark")));
    scene.realm.remove().await
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn a_line_that_drops_in_mid_strike_stops_nothing() -> Result<()> {
    let scene = Scene::robbed().await?;
    let mut terminal = scene.open();
    isolate(&terminal);
    terminal.wait_for("a step on the wire", |text| text.contains(" sent ") || text.contains(" accepted "));
    let before = terminal.tear();
    let exit = terminal.exit(Duration::from_mins(2));
    let used = exit.used.saturating_sub(before);
    assert!(used < Duration::from_secs(2), "{used:?} of processor time");
    scene.assert_calm(&exit)?;
    scene.assert_dead().await?;
    let journal = scene.place.journal();
    let (lost, ended) = (journal.one("console.lost"), journal.one("op.end"));
    assert!(lost["seq"].as_u64() < ended["seq"].as_u64(), "{}", journal.kinds());
    assert!(ended["body"]["outcome"].as_str().is_some_and(|word| word.starts_with("dark")), "{ended}");
    scene.realm.remove().await
}
