//! A leaked secret, as consoles and commands ask about it: whose it is, whether it lives, and handing it over.

use super::Engine;
use crate::{
    domain::{BotName, Identified, LeakedSecret, Owner, Probed, Untrusted, recognise},
    engine::{
        Leaked,
        identify::{on_record, use_once},
    },
    journal::Entry,
};

impl Engine {
    /// What a secret is and whose, by its own text and by what has been read. It is sent nowhere.
    pub fn identify(&self, secret: &LeakedSecret) -> Identified {
        let recognised = recognise(secret.expose());
        let mut owners = self.inner.fleet.owners(secret, &recognised);
        let snapshot = self.snapshot();
        for owner in &mut owners {
            let of_child = || {
                let mut views = snapshot.bots.iter();
                views.find(|view| view.family().iter().any(|identity| identity.id == owner.identity))
            };
            owner.bot = snapshot.bot_of(&owner.identity).or_else(of_child).map(|view| view.bot.name.clone());
        }
        Identified { fingerprint: secret.fingerprint(), recognised, owners }
    }

    /// Uses a secret once for each owner, at the owner's provider only; the record gets its fingerprint. `consent`
    /// allows a use that makes a new credential; an engine that only looks never makes one.
    pub async fn probe(&self, secret: &LeakedSecret, identified: &Identified, consent: bool) -> Vec<(Owner, Probed)> {
        let consent = consent && !self.inner.read_only;
        let (mut probed, mut record) = (Vec::new(), Vec::new());
        for owner in &identified.owners {
            let leaked = leaked(secret, identified, owner, consent);
            let said = use_once(self.inner.fleet.provider(owner.identity.provider()), &leaked).await;
            let bot = owner.bot.clone().unwrap_or_else(|| BotName::new(Untrusted::new(owner.identity.to_string())));
            record.push(Entry::general(on_record(&bot, &leaked, &said)));
            probed.push((owner.clone(), said));
        }
        // A use leaves traces at the provider: the record tells whose they are. One that cannot be written is no reason
        // to withhold what was learnt.
        if let Ok(host) = self.inner.store.host().await {
            let _ = host.commit(record).await;
        }
        probed
    }

    /// Keeps a leaked secret of a bot in memory until [`Engine::forget`] or the end of the process: the bot's plan ends
    /// it from now on, and an isolation uses it to prove that it is dead. Gives what was kept, one for each identity of
    /// the bot that it opens; none: it is not this bot's.
    pub fn hand_over(&self, bot: &BotName, secret: &LeakedSecret, consent: bool) -> Vec<Leaked> {
        let identified = self.identify(secret);
        let of_bot = |owner: &&Owner| owner.bot.as_ref() == Some(bot);
        let kept: Vec<Leaked> =
            identified.owners.iter().filter(of_bot).map(|owner| leaked(secret, &identified, owner, consent)).collect();
        self.inner.fleet.hand_over(bot, &kept);
        kept
    }

    /// Whether a leaked secret of this bot is at hand.
    pub fn has_leaked(&self, bot: &BotName) -> bool {
        !self.inner.fleet.leaked_of(bot).is_empty()
    }

    /// Lets go of what was handed over of a bot; its plan is as it was.
    pub fn forget(&self, bot: &BotName) {
        self.inner.fleet.forget(bot);
    }
}

fn rule(identified: &Identified) -> &'static str {
    identified.recognised.first().map_or("secret", |recognised| recognised.rule)
}

fn leaked(secret: &LeakedSecret, identified: &Identified, owner: &Owner, consent: bool) -> Leaked {
    Leaked { secret: secret.clone(), rule: rule(identified).to_owned(), owner: owner.clone(), consent }
}
