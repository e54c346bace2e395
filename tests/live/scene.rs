//! A realm whose bot was robbed of everything, and what can be said of it afterwards.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::estop::{Estop, Ran};
use crate::lab::attacker::{neighbours, steal_everything};
use crate::lab::keycloak::{Lab, Realm};
use crate::lab::stolen::{Belongs, Stolen};

/// One realm, one responder, one thief.
pub struct Scene {
    pub realm: Realm,
    pub estop: Estop,
    /// The bot as estop knows it.
    pub name: String,
    pub loot: Vec<Stolen>,
    pub neighbours: Vec<Stolen>,
}

impl Scene {
    /// Of one client, which is a bot of its own.
    pub async fn robbed(client: &str) -> Result<Self> {
        Self::robbed_as(client, &[client], "").await
    }

    /// Of several clients, which `more` in the configuration makes one bot.
    pub async fn robbed_as(name: &str, clients: &[&str], more: &str) -> Result<Self> {
        let realm = Lab::from_env()?.fresh_realm().await?;
        Self::robbed_in(realm, name, clients, more).await
    }

    /// In a realm that was set up before.
    pub async fn robbed_in(realm: Realm, name: &str, clients: &[&str], more: &str) -> Result<Self> {
        let mut loot = Vec::new();
        for client in clients {
            loot.extend(steal_everything(&realm, client).await?);
        }
        let mut innocent = neighbours(&realm, clients[0]).await?;
        innocent.retain(|stolen| !clients.contains(&stolen.from.as_str()));
        let estop = Estop::of_realm(&realm, more)?;
        Ok(Self { realm, estop, name: name.to_owned(), loot, neighbours: innocent })
    }

    /// Isolates it through the binary.
    pub async fn isolate(&self, more: &[&str]) -> Result<Ran> {
        self.estop
            .run(&[&["isolate", &self.name, "--yes", "--reason", "its token was found in a paste"], more].concat())
            .await
    }

    /// A reading command on the bot.
    pub async fn read(&self, command: &str) -> Result<Ran> {
        self.estop.run(&[command, &self.name]).await
    }

    /// What of the loot is the bot's own or its children's.
    pub fn owned(&self) -> impl Iterator<Item = &Stolen> {
        self.loot.iter().filter(|stolen| stolen.belongs != Belongs::Exposed)
    }

    /// What works as somebody else.
    pub fn exposed(&self) -> impl Iterator<Item = &Stolen> {
        self.loot.iter().filter(|stolen| stolen.belongs == Belongs::Exposed)
    }

    /// Fails unless the neighbours, and what works as somebody else, still work.
    pub async fn assert_others_live(&self) -> Result<()> {
        assert_live(self.neighbours.iter().chain(self.exposed())).await
    }

    /// The id that estop gives a client.
    pub fn id(&self, client: &str) -> String {
        format!("sso:{}", self.realm.ids[client])
    }

    /// Enables a client and its service-account user, as somebody in a hurry would.
    pub async fn enable_again(&self, client: &str) -> Result<()> {
        let Realm { admin, .. } = &self.realm;
        self.realm.set_enabled(client, true).await?;
        let user = self.realm.service_account_path(client);
        let mut body = admin.get(&user).await?;
        body["enabled"] = json!(true);
        admin.put(&user, &body).await?;
        anyhow::ensure!(admin.get(&user).await?["enabled"] == true, "the user of {client} is not enabled");
        anyhow::ensure!(
            admin.get(&self.realm.client_path(client)).await?["enabled"] == true,
            "{client} is not enabled"
        );
        Ok(())
    }

    /// Fails if a secret is in anything that estop printed or wrote, in any common spelling.
    pub fn assert_no_secret_was_written(&self) -> Result<()> {
        let mut secrets = self.realm.known_secrets()?;
        secrets.extend(self.loot.iter().chain(&self.neighbours).filter_map(Stolen::secret).map(str::to_owned));
        assert_no_secret(&self.estop, &secrets, &self.name)
    }

    /// Fails unless the journals are sound by the command that shares no code with their writer.
    pub async fn assert_journal_is_sound(&self) -> Result<()> {
        let verified = self.estop.run(&["journal", "verify"]).await?.expect(0);
        let files = verified.document()["files"].as_array().context("no files")?;
        anyhow::ensure!(!files.is_empty() && files.iter().all(|file| file["result"] == "sound"), "{verified}");
        Ok(())
    }

    /// Removes the realm from the server.
    pub async fn clear(self) -> Result<()> {
        self.realm.remove().await
    }
}

/// Fails if one of these is in anything that estop printed or wrote. `written` must be: the search can find things.
pub fn assert_no_secret(estop: &Estop, secrets: &[String], written: &str) -> Result<()> {
    let everything = estop.everything()?;
    assert!(everything.iter().any(|(place, text)| place != "the output" && text.contains(written)));
    // How every access token of the realm, estop's own included, begins.
    let any_token = "eyJhbGciOi";
    for (place, text) in &everything {
        assert!(!text.contains(any_token), "a token is in {place}");
    }
    for secret in secrets {
        for spelling in spellings(secret) {
            for (place, text) in &everything {
                assert!(
                    !text.contains(&spelling),
                    "a secret is in {place}, spelt as one of {} characters",
                    spelling.len()
                );
            }
        }
    }
    Ok(())
}

/// Plain, percent-encoded, and in Base64 at each of the three places where it can begin.
fn spellings(secret: &str) -> Vec<String> {
    let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let mut all = vec![secret.to_owned(), encoded.to_lowercase(), encoded];
    for before in 0..3 {
        let padded = [&vec![0; before], secret.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(&padded);
        // The characters at both ends depend on what stands beside the secret.
        let middle = &text[(before * 8).div_ceil(6)..padded.len() * 8 / 6];
        all.extend([middle.to_owned(), middle.replace('+', "-").replace('/', "_")]);
    }
    all
}

/// Fails unless each is refused. One that has ended by itself proves nothing and does not count.
pub async fn assert_dead<'a>(loot: impl Iterator<Item = &'a Stolen>) -> Result<()> {
    let mut counted = 0;
    for stolen in loot {
        if !stolen.has_ended() {
            let seen = stolen.still_works().await;
            anyhow::ensure!(seen.refused() || stolen.has_ended(), "{stolen:?} {seen}");
            counted += 1;
        }
    }
    anyhow::ensure!(counted > 0, "nothing was left to prove anything by");
    Ok(())
}

/// Fails unless each still works.
pub async fn assert_live<'a>(credentials: impl Iterator<Item = &'a Stolen>) -> Result<()> {
    let mut counted = 0;
    for credential in credentials {
        if !credential.has_ended() {
            let seen = credential.still_works().await;
            anyhow::ensure!(seen.works() || credential.has_ended(), "{credential:?} {seen}");
            counted += 1;
        }
    }
    anyhow::ensure!(counted > 0, "nobody was left to prove anything by");
    Ok(())
}

/// The entries of a list in a document.
pub fn list<'a>(value: &'a Value, field: &str) -> Result<&'a Vec<Value>> {
    value[field].as_array().with_context(|| format!("no list {field} in {value}"))
}

/// The entry that has this text in that field.
pub fn entry<'a>(entries: &'a [Value], field: &str, text: &str) -> Result<&'a Value> {
    let found = entries.iter().find(|entry| entry[field] == text);
    found.with_context(|| format!("no entry with {field} {text} in {entries:?}"))
}
