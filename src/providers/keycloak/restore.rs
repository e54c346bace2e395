//! What undoing an isolation takes, for one client. Pure.
//!
//! ```text
//! steps done ∩ what the snapshot held ∩ what reads as the isolation left it ─▶ then: user's things ─ user ─ client
//! rotate: what opens the client and is not provably newer than the gate     ─▶ first: keys ─ secrets ─ tokens
//! ```
//!
//! A not-before that was raised stays raised: lowered, it would wake every token from before. What the bot made
//! itself stays shut, whoever asks.

mod first;
mod rest;

use std::collections::BTreeMap;

use super::{
    credentials::class,
    facts,
    record::{LinkBack, hint},
    steps::{Plan, action, back, is_there},
    token::Own,
};
use crate::domain::{
    Change, Fingerprint, Gap, Holding, HoldingId, IdentityState, Lost, ProviderName, Reading, Reissue, Restoration,
    RestoreMode, Step, StepId, StepRecord, Untrusted,
};

pub(super) fn restore(
    provider: &ProviderName,
    own: &Own,
    before: &Reading,
    now: &Reading,
    done: &[StepRecord],
    mode: RestoreMode,
) -> Restoration {
    let plan = Plan { provider, own, identity: &now.identity };
    let done = done.iter().filter(|record| record.step.identity == now.identity.id && record.may_have_been_done());
    let mut undo = Undo { plan, before, now, done: done.collect(), mode, out: Restoration::default() };
    undo.run();
    undo.out
}

/// One client's way back, as far as it is worked out.
struct Undo<'a> {
    plan: Plan<'a>,
    before: &'a Reading,
    now: &'a Reading,
    done: Vec<&'a StepRecord>,
    mode: RestoreMode,
    out: Restoration,
}

impl<'a> Undo<'a> {
    fn run(&mut self) {
        self.out.gaps = self.now.gaps.iter().filter(|gap| self.matters(gap)).cloned().collect();
        if self.now.identity.state == IdentityState::Gone {
            let what = format!("client {}", self.name());
            self.lose(what, "it was deleted: only its owner can make it again");
            return;
        }
        if self.before.identity.child_of.is_some() || self.now.identity.child_of.is_some() {
            let what = format!("client {}", self.name());
            self.lose(what, "a bot that was isolated had made it: it stays shut, and nothing of it is put back");
            return;
        }
        let shut_first = self.mode == RestoreMode::Rotate && self.first();
        let user = self.on_user();
        let client = self.on_client();
        self.doors(shut_first, client, user);
        self.lost();
        self.reissue();
        self.changed_by_others();
    }

    fn name(&self) -> String {
        self.plan.client_name()
    }

    /// Whether what could not be read has to do with the way back.
    fn matters(&self, gap: &Gap) -> bool {
        let compared = [class::ROLE, class::GROUP, class::LINK];
        let ended = [class::TOKENS, class::SESSION, class::OFFLINE, class::CONSENT, class::INITIAL];
        gap.class.as_deref().is_none_or(|class| {
            compared.contains(&class) || (self.mode == RestoreMode::Rotate && ended.contains(&class))
        })
    }

    fn lose(&mut self, what: impl Into<Untrusted>, why: &str) {
        let lost = Lost { what: what.into(), why: why.to_owned() };
        if !self.out.lost.contains(&lost) {
            self.out.lost.push(lost);
        }
    }

    fn change(&mut self, what: impl Into<Untrusted>, now: &str, then: &str) {
        self.out.changes.push(Change { what: what.into(), now: now.to_owned(), then: then.to_owned() });
    }

    fn gap(&mut self, class: Option<&str>, what: String) {
        self.out.gaps.push(Gap { class: class.map(str::to_owned), what, permission: None });
    }

    /// What of an action was done.
    fn of(&self, action: &str) -> Vec<&'a StepRecord> {
        self.done.iter().filter(|record| record.step.action.word() == action).copied().collect()
    }

    fn was_done(&self, action: &str) -> bool {
        !self.of(action).is_empty()
    }

    /// Whether the class may have more in it now than was read.
    fn is_unread(&self, class: &str) -> bool {
        self.now.gaps.iter().any(|gap| gap.class.as_deref().is_none_or(|of| of == class))
    }

    /// What the isolation took, the snapshot has, and nobody has put back: with the step that took it.
    fn taken(&mut self, action: &str) -> Vec<(&'a Step, &'a Holding)> {
        let mut taken = Vec::new();
        for record in self.of(action) {
            let step = &record.step;
            let Some(id) = step.holdings.first() else { continue };
            match self.before.holding(id) {
                None => {
                    let why = if self.before.facts.is_empty() {
                        "what it had before was not read: whether this was its own is not known"
                    } else {
                        "it was given while the isolation ran: estop does not give it back"
                    };
                    self.lose(step.target.clone(), why);
                }
                Some(holding) if self.has(id) => {
                    self.change(holding.name.clone(), "held: somebody gave it back since", "stays as it is");
                }
                Some(holding) if self.is_unread(id.class()) => {
                    self.gap(
                        Some(id.class()),
                        format!("whether it still lacks {} cannot be read: it is not put back", holding.name.shown()),
                    );
                }
                Some(holding) => taken.push((step, holding)),
            }
        }
        taken
    }

    fn has(&self, id: &HoldingId) -> bool {
        self.now.holding(id).is_some_and(is_there)
    }

    /// Roles, groups and links of the service-account user. Their steps' ids.
    fn on_user(&mut self) -> Vec<StepId> {
        let mut steps = Vec::new();
        let roles = self.taken(action::REMOVE_ROLE);
        let groups = self.taken(action::LEAVE_GROUP);
        let links = self.taken(action::UNLINK);
        let Some(account) = self.account() else {
            for (step, _) in roles.into_iter().chain(groups).chain(links) {
                let why =
                    "its service-account user is another one, or none: somebody switched service accounts off since";
                self.lose(step.target.clone(), why);
            }
            return Vec::new();
        };
        for (step, holding) in roles {
            self.change(holding.name.clone(), "not held", "held");
            steps.push(back::add_role(&self.plan, &account, step, holding));
        }
        for (_, holding) in groups {
            self.change(holding.name.clone(), "not held", "held");
            steps.push(back::join_group(&self.plan, &account, holding));
        }
        for (step, holding) in links {
            let known = self.before.identity.hints.get(&format!("{}{}", hint::LINK, holding.id.native()));
            match known.and_then(|json| serde_json::from_str::<LinkBack>(json).ok()) {
                None => self.lose(step.target.clone(), "who it was at the identity provider was not read"),
                Some(link) => {
                    self.change(holding.name.clone(), "not linked", "linked");
                    steps.push(back::link(&self.plan, &account, holding, &link));
                }
            }
        }
        self.then(steps)
    }

    /// The service-account user, where it still is the one that was isolated.
    fn account(&self) -> Option<String> {
        let account = self.plan.account()?;
        let before = self.before.identity.hints.get(hint::SERVICE_ACCOUNT).map(String::as_str);
        let same = before.is_none_or(|before| before == account);
        let there = self.now.switch("client.service-accounts-enabled") != Some(false);
        (same && there).then(|| account.to_owned())
    }

    /// Trust, and keys that a false alarm burned. Their steps' ids.
    fn on_client(&mut self) -> Vec<StepId> {
        let mut steps = Vec::new();
        if self.was_done(action::CUT_TRUST) {
            steps.extend(self.attributes(hint::TRUST_ATTRIBUTES, action::RESTORE_TRUST, "trust in a foreign issuer"));
        }
        if self.was_done(action::REMOVE_KEYS) && self.mode == RestoreMode::FalseAlarm {
            steps.extend(self.attributes(hint::KEY_ATTRIBUTES, action::RESTORE_KEYS, "signing keys"));
        }
        self.then(steps)
    }

    /// Attributes that were emptied, with the values of the snapshot.
    fn attributes(&mut self, names: &str, action: &'static str, what: &str) -> Option<Step> {
        let hints = &self.before.identity.hints;
        let names = hints.get(names).map(String::as_str).unwrap_or_default();
        let mut values = BTreeMap::new();
        for name in names.split_whitespace() {
            let fact = facts::attribute(name);
            let (is, was) = (self.now.facts.get(&fact), self.before.facts.get(&fact));
            match hints.get(&format!("{}{name}", hint::ATTRIBUTE)) {
                _ if is.is_some() && is == was => {}
                _ if is.is_some() => self.change(name, "set anew by somebody since", "stays as it is"),
                Some(value) => {
                    values.insert(name, value.as_str());
                }
                None => self.lose(format!("{name} of {}", self.name()), "its value is not public and was not kept"),
            }
        }
        if values.is_empty() {
            return None;
        }
        let target = format!("{what} of {}", self.name());
        self.change(target.clone(), "none", "as before");
        Some(back::put_attributes(&self.plan, action, target, &values))
    }

    fn then(&mut self, steps: Vec<Step>) -> Vec<StepId> {
        let ids = steps.iter().map(|step| step.id.clone()).collect();
        self.out.then.extend(steps);
        ids
    }

    /// Both doors: the user's behind what is the user's, the client's behind all.
    fn doors(&mut self, shut_first: bool, client: Vec<StepId>, user: Vec<StepId>) {
        let mut before_client: Vec<StepId> = client.into_iter().chain(user).collect();
        if self.opens(action::DISABLE_USER, facts::USER_ENABLED, "service-account user", false)
            && let Some(account) = self.account()
        {
            let step = back::enable_user(&self.plan, &account, before_client.clone());
            before_client.extend(self.then(vec![step]));
        }
        if self.opens(action::DISABLE_CLIENT, facts::CLIENT_ENABLED, "client", shut_first) {
            let step = back::enable_client(&self.plan, before_client);
            self.then(vec![step]);
        }
    }

    /// Whether a door is to be opened: the isolation shut it, it was open before, and is shut now.
    fn opens(&mut self, action: &str, fact: &str, word: &str, shut_first: bool) -> bool {
        let what = format!("{word} {}: enabled", self.name());
        match self.now.switch(fact) {
            // Somebody opened it, and it is shut for the time that the credentials from before take to end.
            Some(true) if shut_first => {
                self.change(what, "true: somebody opened it since", "true, once the old credentials are gone");
                return true;
            }
            Some(true) => {
                if self.was_done(action) {
                    self.change(what, "true: somebody opened it since", "true");
                }
                return false;
            }
            Some(false) => {}
            None => {
                self.gap(None, format!("whether the {word} is enabled cannot be read: it is not opened"));
                return false;
            }
        }
        let Some(shut) = self.of(action).into_iter().next() else { return false };
        let was_open = self.before.switch(fact);
        if was_open == Some(false) && !shut.may_show_in(self.before) {
            self.change(what, "false, as before the isolation", "false");
            return false;
        }
        let assumed = "false; that it was enabled before is assumed: the first read came with the gate";
        self.change(what, if was_open == Some(true) { "false" } else { assumed }, "true");
        true
    }
}

#[cfg(test)]
mod tests;
