//! What has to be gone before the door opens, where something had leaked.
//!
//! A secret or key that the snapshot does not know may be the owner's new one or the thief's, made in the last moment
//! before the gate. Only one that was provably made after the gate is spared.

use std::collections::BTreeSet;

use super::super::{
    credentials::class,
    facts,
    steps::{self, action, client, is_there},
};
use super::{Fingerprint, Holding, Undo};
use crate::domain::{Depth, HoldingState, Postcondition, Step};

/// Steps of an isolation that end what lives without a long-lived secret, the client's door included: not-before goes
/// with it.
const SHORT_LIVED: [&str; 6] = [
    action::DISABLE_CLIENT,
    action::LOG_OUT,
    action::END_SESSION,
    action::END_OFFLINE,
    action::WITHDRAW,
    action::DELETE_INITIAL,
];

/// What the door's step proves must still be true when the door is open again: only its not-before stays.
fn lasting(step: Step) -> Step {
    if !step.gate {
        return step;
    }
    let postcondition = Postcondition::AtLeastSet { fact: "client.not-before".to_owned() };
    let proof = "GET client: notBefore is at least the one sent".to_owned();
    Step { postcondition, proof, ..step }
}

impl<'a> Undo<'a> {
    /// Fills [`super::Restoration::first`]; whether the client's door is among it.
    pub(super) fn first(&mut self) -> bool {
        self.long_lived();
        let open = [facts::CLIENT_ENABLED, facts::USER_ENABLED];
        let is_open = open.into_iter().any(|fact| self.now.switch(fact) == Some(true));
        let classes = [class::TOKENS, class::SESSION, class::OFFLINE, class::CONSENT, class::INITIAL];
        let lives = self.now.holdings.iter().any(|one| classes.contains(&one.id.class()) && is_there(one));
        if is_open || lives {
            let all = steps::all(self.plan.provider, self.plan.own, self.now, Depth::Isolate);
            let short = all.into_iter().filter(|step| SHORT_LIVED.contains(&step.action.word()));
            self.out.first.extend(short.map(lasting));
        }
        is_open || lives
    }

    fn long_lived(&mut self) {
        let now = self.now;
        let there = |class: &str| -> Vec<&'a Holding> {
            now.holdings.iter().filter(|one| one.id.class() == class && is_there(one)).collect()
        };
        let mut ends: Vec<Holding> = there(class::KEY).into_iter().cloned().collect();
        for key in there(class::KEY) {
            self.change(key.name.clone(), "opens it once the gate is open", "removed");
        }
        let secrets = there(class::SECRET);
        let rotated = there(class::ROTATED);
        let (new, old): (Vec<&Holding>, Vec<&Holding>) = secrets.into_iter().partition(|one| self.is_new(one));
        for secret in new {
            self.change(secret.name.clone(), "made after the gate", "stays as it is");
        }
        for secret in &old {
            self.change(secret.name.clone(), "opens it once the gate is open", "replaced by one that nobody knows yet");
        }
        for secret in &rotated {
            self.change(secret.name.clone(), "opens it once the gate is open", "deleted");
        }
        if old.is_empty() && !rotated.is_empty() {
            self.out.first.push(client::delete_rotated(&self.plan, &rotated));
        } else {
            ends.extend(old.into_iter().chain(rotated).cloned());
        }
        if !self.was_done(action::NEW_REGISTRATION) {
            ends.extend(there(class::REGISTRATION).into_iter().cloned());
            let what = format!("registration access token of {}", self.name());
            self.change(what, "not known: no API lists it", "replaced: no read proves it, the server's yes has to do");
        }
        let steps = client::burn(&self.plan, &ends);
        self.out.first.extend(steps);
    }

    /// Whether a secret was made after the door was shut, by the server's clock: no thief could have been there.
    fn is_new(&self, secret: &Holding) -> bool {
        let old: BTreeSet<&Fingerprint> = self
            .before
            .holdings
            .iter()
            .filter(|one| [class::SECRET, class::ROTATED].contains(&one.id.class()))
            .filter(|one| one.state != HoldingState::Gone)
            .filter_map(|one| one.fingerprint.as_ref())
            .collect();
        let known = secret.fingerprint.as_ref().is_none_or(|fingerprint| old.contains(fingerprint));
        if known {
            return false;
        }
        let made = secret.issued_at.map(jiff::Timestamp::as_second);
        let shut = self.of(action::DISABLE_CLIENT).into_iter().filter_map(|record| {
            let told = record.values.get("server-second").copied();
            told.or(record.answered_at.map(jiff::Timestamp::as_second))
        });
        let after = made.zip(shut.max()).is_some_and(|(made, shut)| made > shut);
        after || self.was_done(action::NEW_SECRET)
    }
}
