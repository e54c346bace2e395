//! What does not come back, what has to be issued anew, and what others did in the meantime.

use super::super::{
    credentials::class,
    record::hint,
    steps::{action, is_there},
};
use super::{Reissue, RestoreMode, StepRecord, Undo};
use crate::domain::Reversibility;

impl Undo<'_> {
    /// One line for each step that was done and that nothing undoes.
    pub(super) fn lost(&mut self) {
        for record in self.done.clone() {
            let step = &record.step;
            if step.reversible != Reversibility::Irreversible {
                continue;
            }
            let target = step.target.shown();
            match step.action.word() {
                action::LOG_OUT => self.lose_tokens(),
                action::END_SESSION | action::END_OFFLINE => {
                    self.lose(step.target.clone(), "a session cannot be made again: its user signs in anew");
                }
                action::WITHDRAW => {
                    self.lose(step.target.clone(), "only the user can consent, when signing in the next time");
                }
                action::NEW_SECRET | action::DELETE_ROTATED => {
                    self.lose(step.target.clone(), "its value was never kept: a new one has to be issued");
                }
                action::NEW_REGISTRATION => {
                    self.lose(step.target.clone(), "its value is not kept anywhere: a new one has to be issued");
                }
                action::DELETE_INITIAL => self.lose(step.target.clone(), "it was deleted: nobody can make it again"),
                _ => self.lose(target, "its value was not kept"),
            }
        }
        if self.was_done(action::DISABLE_CLIENT) {
            self.lose_tokens();
        }
        let authorization = |of: &crate::domain::Reading| of.identity.hints.get(hint::AUTHORIZATION).cloned();
        let (was, is) = (authorization(self.before), authorization(self.now));
        if was.as_deref() == Some("true") && is.as_deref() == Some("false") {
            let what = format!("authorization settings of {}", self.name());
            self.lose(what, "somebody switched its authorization services off since, and resources and policies went");
        }
    }

    fn lose_tokens(&mut self) {
        let what = format!("access tokens of {} from before", self.name());
        self.lose(what, "not-before stays where the isolation set it: the bot gets new ones by itself");
    }

    /// What the owner has to hand out, and where it is found.
    pub(super) fn reissue(&mut self) {
        let name = self.name();
        let first = |action: &str| self.out.first.iter().any(|step| step.action.word() == action);
        let renewed = first(action::NEW_SECRET) || self.was_done(action::NEW_SECRET);
        let rotated = first(action::DELETE_ROTATED) || self.was_done(action::DELETE_ROTATED);
        let came_back = self.out.then.iter().any(|step| step.action.word() == action::RESTORE_KEYS);
        let keys = first(action::REMOVE_KEYS) || (self.was_done(action::REMOVE_KEYS) && !came_back);
        let registration = first(action::NEW_REGISTRATION) || self.was_done(action::NEW_REGISTRATION);
        let owner = self.owner();
        let mut add = |what: String, place: String| {
            self.out.reissue.push(Reissue { what: what.into(), place, by: owner.clone() });
        };
        if renewed {
            let place = format!(
                "Admin console: Clients > {name} > Credentials > Client secret: copy it to where the bot reads it"
            );
            add(format!("client secret of {name}"), place);
        }
        if rotated && !renewed {
            let place = format!(
                "Admin console: Clients > {name} > Credentials: give whoever used the older secret the present one"
            );
            add(format!("rotated secret of {name}"), place);
        }
        if keys {
            let place = format!("a new key pair at the bot; its public half in Admin console: Clients > {name} > Keys");
            add(format!("signing key of {name}"), place);
        }
        if registration {
            let place =
                format!("Admin console: Clients > {name} > Credentials > Registration access token > Regenerate");
            add(format!("registration access token of {name}, if somebody uses one"), place);
        }
        self.by_users();
    }

    /// Consents and offline sessions: their users give them anew.
    fn by_users(&mut self) {
        let of_users: Vec<&StepRecord> = self
            .done
            .iter()
            .filter(|record| matches!(record.step.action.word(), action::WITHDRAW | action::END_OFFLINE))
            .copied()
            .collect();
        let name = self.name();
        for record in of_users {
            let holding = record.step.holdings.first().and_then(|id| self.before.holding(id));
            let user = holding.and_then(|holding| holding.on_behalf_of.as_ref());
            let by = user.map_or_else(|| "its user".to_owned(), crate::domain::Untrusted::shown);
            let place = format!("signing in at {name} again");
            self.out.reissue.push(Reissue { what: record.step.target.clone(), place, by });
        }
    }

    fn owner(&self) -> String {
        let owner = self.before.identity.attribute("owner").or_else(|| self.now.identity.attribute("owner"));
        owner.map_or_else(|| "the bot's owner".to_owned(), |owner| format!("owner {}", owner.shown()))
    }

    /// What was given or taken since then, by others: it stays as they left it.
    pub(super) fn changed_by_others(&mut self) {
        let classes = [class::ROLE, class::GROUP, class::LINK, class::TRUST];
        let (before, now) = (self.before, self.now);
        let of = |reading: &'_ crate::domain::Reading| -> Vec<crate::domain::Holding> {
            let held = reading.holdings.iter().filter(|one| classes.contains(&one.id.class()) && is_there(one));
            held.cloned().collect()
        };
        for given in of(now).into_iter().filter(|one| before.holding(&one.id).is_none()) {
            self.change(given.name, "given by somebody since", "stays as it is");
        }
        let taken_by_us =
            |id: &crate::domain::HoldingId| self.done.iter().any(|record| record.step.holdings.contains(id));
        let lacking: Vec<_> = of(before)
            .into_iter()
            .filter(|one| !now.holding(&one.id).is_some_and(is_there) && !taken_by_us(&one.id))
            .collect();
        for gone in lacking {
            if !self.is_unread(gone.id.class()) {
                self.change(gone.name, "taken by somebody else", "stays as it is");
            }
        }
        if self.mode == RestoreMode::FalseAlarm {
            self.new_credentials();
        }
    }

    /// Secrets and keys that the snapshot does not know: they work once the gate is open.
    fn new_credentials(&mut self) {
        let classes = [class::SECRET, class::ROTATED, class::KEY];
        let replaced = self.was_done(action::NEW_SECRET);
        let new: Vec<_> = self
            .now
            .holdings
            .iter()
            .filter(|one| classes.contains(&one.id.class()) && is_there(one) && self.before.holding(&one.id).is_none())
            .cloned()
            .collect();
        for one in new {
            let by = if replaced { "made since" } else { "made by somebody since" };
            self.change(one.name, by, "stays, and works");
        }
    }
}
