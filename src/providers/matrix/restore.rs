//! What undoing an isolation takes, for one account. Pure.
//!
//! ```text
//! false alarm                                           unlock
//! rotate       first: reset-password, delete devices, admins log out (by hand) ─▶ unlock
//! burned                                                reactivate (by hand): it stays locked until then
//! ```
//!
//! With the lock, whatever an admin once made for the account works again: it is said each time.

use super::{
    facts::{action, class, fact},
    steps::{end_device, on_account},
};
use crate::domain::{
    Change, Fact, Gap, HoldingState, Lane, Lost, Postcondition, Reading, Reissue, Restoration, RestoreMode,
    Reversibility, Step, StepRecord, Untrusted,
};

/// What undoing takes; `done` may hold steps of other identities too.
pub(super) fn restore(before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration {
    let done = done.iter().filter(|record| record.step.identity == now.identity.id && record.may_have_been_done());
    let mut undo = Undo { before, now, done: done.collect(), out: Restoration::default() };
    undo.run(mode);
    undo.out
}

struct Undo<'a> {
    before: &'a Reading,
    now: &'a Reading,
    done: Vec<&'a StepRecord>,
    out: Restoration,
}

impl Undo<'_> {
    fn run(&mut self, mode: RestoreMode) {
        let account = self.account();
        if self.now.switch(fact::DEACTIVATED).is_none() {
            return self.lose(account, "it is not there any more: a homeserver gives no name a second time");
        }
        self.lost();
        if self.now.switch(fact::DEACTIVATED) == Some(true) && self.before.switch(fact::DEACTIVATED) != Some(true) {
            return self.deactivated();
        }
        if mode == RestoreMode::Rotate {
            self.first();
        }
        self.unlock();
    }

    fn account(&self) -> Untrusted {
        Untrusted::new(format!("account {}", self.now.identity.name.raw()))
    }

    fn of<'s>(&'s self, action: &'s str) -> impl Iterator<Item = &'s StepRecord> + 's {
        self.done.iter().copied().filter(move |record| record.step.action.word() == action)
    }

    fn lose(&mut self, what: Untrusted, why: &str) {
        self.out.lost.push(Lost { what, why: why.to_owned() });
    }

    fn reissue(&mut self, what: &str, place: &str) {
        self.out.reissue.push(Reissue {
            what: Untrusted::new(format!("{what} of {}", self.now.identity.name.raw())),
            place: place.to_owned(),
            by: "a server admin".to_owned(),
        });
    }

    fn lost(&mut self) {
        let targets: Vec<Untrusted> = self.of(action::END_DEVICE).map(|record| record.step.target.clone()).collect();
        for target in targets {
            let why = "its tokens are gone: it logs in again, and has to be verified anew in encrypted rooms";
            self.lose(target, why);
        }
    }

    /// The account is locked and stays so: what comes back is an empty one.
    fn deactivated(&mut self) {
        let what = Untrusted::new(format!("rooms, password and keys of {}", self.now.identity.name.raw()));
        self.lose(what, "it was deactivated: whoever makes it live again joins its rooms anew");
        self.reissue("the password", "it is set when the account is made live again");
        self.out.then.push(Step {
            by_hand: true,
            manual: Some(
                "once every admin who may have made a token for it has logged out everywhere: PUT \
                 /_synapse/admin/v2/users/… with deactivated false, locked false and a new password"
                    .to_owned(),
            ),
            postcondition: Postcondition::All {
                of: vec![
                    Postcondition::equal(fact::DEACTIVATED, Fact::Bool(false)),
                    Postcondition::equal(fact::LOCKED, Fact::Bool(false)),
                ],
            },
            proof: "GET v2/users: deactivated and locked are false".to_owned(),
            ..on_account(&self.now.identity, action::REACTIVATE, 200)
        });
    }

    /// What ends before the lock is opened.
    fn first(&mut self) {
        let identity = self.now.identity.clone();
        let there = |class: &'static str| {
            let of_class = self.now.holdings.iter().filter(move |holding| holding.id.class() == class);
            of_class.filter(|holding| holding.state != HoldingState::Gone)
        };
        let mut first = Vec::new();
        let has_password = there(class::PASSWORD).next().is_some();
        if has_password {
            first.push(Step {
                lane: Lane::Tokens,
                postcondition: Postcondition::Unreadable { why: "no API tells a password from another".to_owned() },
                proof: "none: the server's yes has to do".to_owned(),
                holdings: there(class::PASSWORD).map(|holding| holding.id.clone()).collect(),
                ..on_account(&identity, action::RESET_PASSWORD, 1)
            });
        }
        first.extend(there(class::DEVICE).map(|device| end_device(&identity, device)));
        first.push(Step {
            lane: Lane::Tokens,
            by_hand: true,
            reversible: Reversibility::Irreversible,
            manual: Some(
                "every server admin who may have made a token for the account (\"log in as a user\") logs out \
                 everywhere: POST /_matrix/client/v3/logout/all with the admin's own token ends what that admin made"
                    .to_owned(),
            ),
            postcondition: Postcondition::Unreadable { why: "no list has what an admin made".to_owned() },
            proof: "none: no list has what an admin made".to_owned(),
            ..on_account(&identity, action::END_ADMIN_MADE, 1)
        });
        for class in [class::DEVICE, class::SERVICE] {
            let gaps = self.now.gaps.iter().filter(|gap| gap.class.as_deref().is_none_or(|of| of == class));
            self.out.gaps.extend(gaps.cloned().collect::<Vec<Gap>>());
        }
        if let Some(service) = there(class::SERVICE).next().map(|holding| holding.name.clone()) {
            let what = format!("{}: its token is not changed by estop", service.shown());
            self.out.gaps.push(Gap { class: Some(class::SERVICE.to_owned()), what, permission: None });
        }
        self.out.first = first;
        if has_password {
            self.reissue("the password", "reset it, and hand the new one to the bot alone");
        }
    }

    fn change(&mut self, now: &str, then: &str) {
        let what = Untrusted::new(format!("lock of {}", self.account().raw()));
        self.out.changes.push(Change { what, now: now.to_owned(), then: then.to_owned() });
    }

    fn unlock(&mut self) {
        let ours = self.of(action::LOCK).next().is_some();
        // The first read may have come with the gate.
        let was_locked = self.before.switch(fact::LOCKED) == Some(true)
            && !self.of(action::LOCK).any(|record| record.may_show_in(self.before));
        match self.now.switch(fact::LOCKED) {
            None => {
                let what = "whether it is locked cannot be read: it is not unlocked".to_owned();
                self.out.gaps.push(Gap { class: Some(fact::LOCKED.to_owned()), what, permission: None });
            }
            Some(false) if ours => self.change("open: somebody unlocked it since", "open"),
            Some(false) => {}
            Some(true) if was_locked => self.change("locked, as before the isolation", "locked"),
            Some(true) if !ours => self.change("locked by somebody else", "locked"),
            Some(true) => {
                self.change("locked", "open: what an admin once made for it works again");
                self.out.then.push(Step {
                    reversible: Reversibility::Reversible,
                    postcondition: Postcondition::equal(fact::LOCKED, Fact::Bool(false)),
                    proof: "GET v2/users: locked is false".to_owned(),
                    ..on_account(&self.now.identity, action::UNLOCK, 200)
                });
            }
        }
    }
}

#[cfg(test)]
#[path = "restore/tests.rs"]
mod tests;
